"""What the page of one visit shows, worked out from its state, journal and deliveries. Values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from caredispatch.core.answers import OFFERS
from caredispatch.core.content import instant_of
from caredispatch.core.draft import Policy
from caredispatch.core.ids import make_id
from caredispatch.core.records import Appointment, Ask, Case, Exception_, Link, State
from caredispatch.core.windows import zone
from caredispatch.store.pages import Entry, Sent
from caredispatch.web import words
from caredispatch.web.explaining import Line, Names, Ranked, lines, patient_code, ranking
from caredispatch.web.queue_view import refused, undoable

ORDER = ("start_at", "end_at", "status", "service", "location", "modality")


@dataclass(frozen=True, slots=True)
class Difference:
    """One key on which a copy and the record differ."""

    name: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Copy:
    """One system's copy. `differs` is filled where it is not landed; `exception_id` where a person must settle it."""

    link: Link
    word: str
    tone: str
    sign: str
    differs: tuple[Difference, ...]
    exception_id: str | None


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule that was looked at, in the order of the playbook."""

    name: str
    condition: str
    wanted: str
    was: str
    matched: bool


@dataclass(frozen=True, slots=True)
class Why:
    """One section's matching for one trigger."""

    at: datetime
    playbook: int
    section: str
    because: str
    rows: tuple[RuleRow, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class Words:
    """One text as it was sent: whom, by what, which template, and the template's words."""

    at: datetime
    who: str
    channel: str
    text: str
    template: str
    params: tuple[tuple[str, str], ...]
    state: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """The page."""

    visit: Appointment
    tz: ZoneInfo
    code: str
    names: Names
    copies: tuple[Copy, ...]
    cases: tuple[Case, ...]
    exceptions: tuple[Exception_, ...]
    why: tuple[Why, ...]
    ranked: tuple[Ranked, ...]
    ranked_at: datetime | None
    timeline: tuple[Line, ...]
    texts: tuple[Words, ...]
    open_asks: tuple[Ask, ...]
    assignable: bool
    overbooked: bool
    undo: str
    refused: str


def case_view(
    state: State,
    journal: Sequence[Entry],
    entry: Entry | None,
    sent: Sequence[Sent],
    policy: Policy,
    names: Names,
    now: datetime,
) -> CaseView:
    """Everything about one visit."""
    visit = state.appointment
    assert visit is not None
    answerable = visit.active and visit.start_at > now
    return CaseView(
        visit=visit,
        tz=zone(policy.directory, visit.location),
        code=patient_code(visit.patient_id),
        names=names,
        copies=tuple(_copy(link, state, names) for link in state.links),
        cases=tuple(sorted(state.cases, key=lambda c: (c.opened_at, c.case_id), reverse=True)),
        exceptions=tuple(e for e in state.exceptions if e.state != "resolved"),
        why=tuple(_whys(journal)),
        ranked=tuple(ranking(entry, state, names)),
        ranked_at=entry.at if entry else None,
        timeline=tuple(line for found in journal for line in reversed(lines(found, names))),
        texts=tuple(_words(one, policy, state, names) for one in reversed(sent) if one.delivery.kind == "tell"),
        open_asks=_to_be_answered(state, ahead=answerable),
        assignable=answerable,
        overbooked=_overbooked(visit, policy),
        undo=undoable(journal, now),
        refused=refused(journal),
    )


def _to_be_answered(state: State, *, ahead: bool) -> tuple[Ask, ...]:
    """The questions that somebody may answer by phone (D41): what is open, and what is offered while its case lives,
    however it was asked."""
    live = {c.case_id for c in state.cases if c.state in ("open", "handed")}
    found = [a for a in state.asks if a.open and ahead]
    found += [
        a
        for a in state.asks
        if a.purpose in OFFERS and a.case_id in live and a.answered_at is None and a not in found
        if a.state != "withdrawn"
    ]
    return tuple(found)


def _overbooked(visit: Appointment, policy: Policy) -> bool:
    """Whether it joined another visit's session though it is no group's."""
    service = policy.directory.services.get(visit.service)
    alone = service is None or service.capacity < 2
    return alone and visit.active and visit.session_id != make_id("session", visit.appointment_id)


def _copy(link: Link, state: State, names: Names) -> Copy:
    word, tone, sign = words.LINK_STATES[link.state]
    raised = [e for e in state.exceptions if e.kind == "conflict" and e.state != "resolved"]
    mine = next((e for e in raised if e.detail.get("key") == link.link_id), None)
    differs: list[Difference] = []
    if link.wanted is not None and link.state != "landed":
        keys = sorted(link.wanted, key=lambda k: (ORDER.index(k) if k in ORDER else len(ORDER), k))
        for key in keys:
            if link.seen.get(key) != link.wanted[key]:
                differs.append(Difference(key, _shown(link.wanted[key], names), _shown(link.seen.get(key, ""), names)))
    return Copy(link, word, tone, sign, tuple(differs), mine.exception_id if mine else None)


def _shown(value: str, names: Names) -> str:
    return names.directory.staff[value].name if value in names.directory.staff else value or "nothing"


def _param(name: str, value: str, names: Names, tz: tzinfo) -> str:
    """One filling of a text, as its reader gets to see it."""
    match name:
        case "start_at":
            return f"{instant_of(value).astimezone(tz):%d %b, %H:%M}"
        case "location":
            return names.location(value)
        case "service":
            return names.service(value)
        case _:
            return _shown(value, names)


def _whys(journal: Sequence[Entry]) -> list[Why]:
    found: list[Why] = []
    for entry in journal:
        for routed in entry.trace.get("rules", ()):
            found.append(
                Why(
                    entry.at,
                    entry.playbook,
                    routed["section"],
                    words.say(words.TRIGGERS, routed["trigger"]),
                    tuple(_rule_rows(routed)),
                    routed.get("missing") or "",
                )
            )
    return found


def _rule_rows(routed: dict[str, Any]) -> list[RuleRow]:
    rows = [RuleRow(p["rule"], p["condition"], p["wanted"], p["was"], False) for p in routed["passed_over"]]
    if routed["rule"]:
        rows.append(RuleRow(routed["rule"]["name"], "", "", "", True))
    return rows


def _words(one: Sent, policy: Policy, state: State, names: Names) -> Words:
    delivery = one.delivery
    text = delivery.text or ""
    ask = next((a for a in state.asks if a.ask_id == delivery.ask_id), None)
    template = policy.playbook.texts.get(text, {}).get("en", "")
    channel = words.say(words.CHANNELS, ask.channel) if ask and ask.channel else ""
    tz = zone(policy.directory, state.appointment.location) if state.appointment else UTC
    params = tuple(sorted((k, _param(k, v, names, tz)) for k, v in delivery.params.items() if v))
    return Words(
        one.sent_at or delivery.created_at, names.person(delivery.person_id), channel, text, template, params, one.state
    )
