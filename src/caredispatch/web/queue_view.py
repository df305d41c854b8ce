"""What the exception queue shows, worked out from rows: order, groups, time left, what was tried, who could, what may
be done. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from caredispatch.core.records import Appointment, Ask, Exception_, State
from caredispatch.core.tending import ASLEEP
from caredispatch.core.undoing import UNDO_FOR, UNDOABLE
from caredispatch.core.windows import zone
from caredispatch.store.pages import Entry, Today
from caredispatch.web import times, words
from caredispatch.web.explaining import Names, Ranked, patient_code, ranking, title, why

GROUPS: tuple[tuple[str, timedelta, str, str], ...] = (
    ("Under 30 minutes", timedelta(minutes=30), "critical", "uncovered"),
    ("Under 2 hours", timedelta(hours=2), "soon", "risk"),
    ("Later", timedelta.max, "look", "conflict"),
)
NO_VISIT_ACTS = ("delivery_failed", "fetch_failed", "poison")
LISTS: tuple[tuple[str, str], ...] = (
    ("Staff said", "staff_notice"),
    ("Free times", "slot_unfilled"),
    ("Gaps list", "gap"),
    ("Call list", "call"),
)
"""What stands apart from the queue: lists to work through, by the kind of exception."""
_APART = ("gap", "call")
"""Lists that are not the exception queue (D25, D40): nobody is called to them at once."""
_NEEDS_SOMEBODY = ("nobody_found", "patient_declined", "provider_silent", "stage_not_live", "handed_over")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the queue."""

    exception_id: str
    tone: str
    sign: str
    left: str
    by: str
    title: str
    why: str
    meta: tuple[str, ...]
    code: str
    claimed_by: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """The queue in its groups, the lists beside it, what ran by itself; `paused`: nothing is sent. `tz` is the page's
    own clock, `zones` whether a site has another; `first` is the line that is open when none is picked."""

    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    lists: tuple[tuple[str, tuple[Row, ...]], ...]
    today: Today
    tz: ZoneInfo
    zones: bool
    count: int
    paused: bool = False

    @property
    def first(self) -> str | None:
        """The id of the top line."""
        rows = [row for _, found in (*self.groups, *self.lists) for row in found]
        return rows[0].exception_id if rows else None


def decide_by(row: Exception_, visit: Appointment | None, now: datetime) -> datetime:
    """Until when something must be decided: the visit's start while it is ahead, else the acknowledge-by time."""
    if visit is not None and visit.active and visit.start_at > now:
        return visit.start_at
    return row.ack_by


def board(
    rows: Sequence[Exception_],
    states: Mapping[str, State],
    today: Today,
    names: Names,
    now: datetime,
    *,
    paused: bool = False,
) -> Board:
    """The whole queue, the least time left first."""
    found: list[tuple[datetime, Exception_]] = []
    for row in rows:
        state = states.get(row.appointment_id or "")
        found.append((decide_by(row, state.appointment if state else None, now), row))
    found.sort(key=lambda pair: (pair[0], pair[1].exception_id))
    kinds = {kind for _, kind in LISTS}
    queue = [
        _row(row, at, states, names, now) for at, row in found if row.kind not in kinds and ASLEEP not in row.detail
    ]
    lists = [(name, _listed(kind, found, states, names, now)) for name, kind in LISTS]
    asleep = [_row(row, at, states, names, now) for at, row in found if ASLEEP in row.detail]
    urgent = sum(row.kind not in _APART and ASLEEP not in row.detail for row in rows)
    groups = tuple((name, tuple(r for r in queue if r.tone == tone)) for name, _, tone, _ in GROUPS)
    tz = _page_zone(names)
    zones = not all(times.same_clock(now, tz, zone(names.directory, code)) for code in names.directory.locations)
    shown = [*lists, ("Snoozed", tuple(asleep))]
    return Board(
        tuple(g for g in groups if g[1]), tuple(one for one in shown if one[1]), today, tz, zones, urgent, paused
    )


def _listed(
    kind: str, found: Sequence[tuple[datetime, Exception_]], states: Mapping[str, State], names: Names, now: datetime
) -> tuple[Row, ...]:
    return tuple(
        _row(row, at, states, names, now) for at, row in found if row.kind == kind and ASLEEP not in row.detail
    )


def _page_zone(names: Names) -> ZoneInfo:
    """The zone of the practice's first site."""
    return zone(names.directory, next(iter(names.directory.locations), ""))


def urgency(left: timedelta) -> tuple[str, str]:
    """Tone and sign of so much time left."""
    return next((tone, sign) for _, most, tone, sign in GROUPS if left < most)


def _row(row: Exception_, at: datetime, states: Mapping[str, State], names: Names, now: datetime) -> Row:
    state = states.get(row.appointment_id or "")
    visit = state.appointment if state else None
    tone, sign = urgency(at - now)
    tz = zone(names.directory, visit.location) if visit else _page_zone(names)
    return Row(
        row.exception_id,
        tone,
        sign,
        times.length(at - now) if at > now else "overdue",
        _by(at, now, tz, _page_zone(names)),
        title(row, state, names),
        why(row, names),
        _meta(row, state, names),
        patient_code(visit.patient_id) if visit else "",
        row.claimed_by if row.state == "claimed" else None,
    )


def _by(at: datetime, now: datetime, tz: ZoneInfo, page: ZoneInfo) -> str:
    same_day = at.astimezone(tz).date() == now.astimezone(tz).date()
    return f"by {times.hour_of(at, tz, page)}" if same_day else f"by {times.weekday(at, tz)}"


def _meta(row: Exception_, state: State | None, names: Names) -> tuple[str, ...]:
    visit = state.appointment if state else None
    if state is None or visit is None:
        return tuple(filter(None, (row.connection_id, f"for {words.group(row.owner)}")))
    asked = sum(a.case_id == row.case_id for a in state.asks) if row.case_id else 0
    return tuple(
        filter(
            None,
            (
                names.service(visit.service),
                names.location(visit.location),
                f"{asked} asked" if asked else "",
                f"for {words.group(row.owner)}",
                f"passed on {row.escalated}×" if row.escalated else "",
            ),
        )
    )


# ------------------------------------------------------------------ one exception


@dataclass(frozen=True, slots=True)
class Tried:
    """One ask, as it went."""

    at: datetime
    sign: str
    tone: str
    name: str
    how: str
    result: str


@dataclass(frozen=True, slots=True)
class Detail:
    """Everything about one exception. `suggest` are people to assign; `acts` the names of what else may be done."""

    row: Exception_
    line: Row
    visit: Appointment | None
    tz: ZoneInfo
    role: str
    tried: tuple[Tried, ...]
    ranked: tuple[Ranked, ...]
    suggest: tuple[Ranked, ...]
    acts: tuple[str, ...]
    names: Names
    undecided: bool
    refused: str
    undo: str


def detail(
    row: Exception_,
    state: State | None,
    entry: Entry | None,
    last: Sequence[Entry],
    undecided: bool,
    names: Names,
    now: datetime,
) -> Detail:
    """One exception with all that is needed to decide it."""
    visit = state.appointment if state else None
    ranked = tuple(ranking(entry, state, names)) if state else ()
    where = visit.location if visit else next(iter(names.directory.locations), "")
    assignable = visit is not None and visit.active and visit.start_at > now
    states: dict[str, State] = {visit.appointment_id: state} if visit and state else {}
    suggest = tuple(r for r in ranked if r.eligible == "yes") if assignable and row.kind in _NEEDS_SOMEBODY else ()
    return Detail(
        row=row,
        line=_row(row, decide_by(row, visit, now), states, names, now),
        visit=visit,
        tz=zone(names.directory, where),
        role=_role(row, state),
        tried=tuple(tried(state.asks, row.case_id, names)) if state else (),
        ranked=ranked,
        suggest=suggest[:3],
        acts=_acts(row, assignable),
        names=names,
        undecided=undecided,
        refused=refused(last),
        undo=undoable(last, now),
    )


def _role(row: Exception_, state: State | None) -> str:
    if row.detail.get("role"):
        return row.detail["role"]
    case = next((c for c in state.cases if c.case_id == row.case_id), None) if state else None
    return case.role if case and case.role != "patient" else "provider"


def _acts(row: Exception_, assignable: bool) -> tuple[str, ...]:
    if row.state == "resolved":
        return ()
    if row.kind == "volume":
        return ("release_volume", "discard_volume")
    found = ["keep_ours", "accept_theirs"] if row.kind == "conflict" else []
    found += ["retry_write"] if row.kind in NO_VISIT_ACTS else []
    found += ["confirm_incident", "drop_incident"] if row.kind == "staff_notice" else []
    found += ["assign", "move", "cancel"] if assignable else []
    return (*found, "resolve")


def undoable(last: Sequence[Entry], now: datetime) -> str:
    """What an undo would take back, in words: the last act, while it may still be; else empty."""
    for entry in last:
        if entry.kind != "acted" or refused([entry]):
            continue
        act = str(entry.event.get("act"))
        stays = act not in _LEAVES or now - entry.at < UNDO_FOR
        said = f"{str(entry.event.get('account')).capitalize()} {words.say(words.ACTS, act)}"
        return said if act in UNDOABLE and stays else ""
    return ""


_LEAVES = ("assign", "move", "overbook", "cancel")


def refused(last: Sequence[Entry]) -> str:
    """Why the last act could not be done; empty where it was."""
    for entry in last:
        if entry.kind == "acted":
            for note in entry.trace.get("notes", ()):
                if note["code"] == "refused":
                    against = [words.reason(code) for code in note.get("reasons", "").split(",") if code]
                    said = words.say(words.WHYS, note["why"])
                    return f"{said}: {', '.join(against)}" if against else said
            return ""
    return ""


def tried(asks: Iterable[Ask], case_id: str | None, names: Names) -> list[Tried]:
    """Who was asked, in order, and what came of it; without a case, everyone ever asked about the visit."""
    found: list[Tried] = []
    for ask in sorted(asks, key=lambda a: (a.asked_at, a.ask_id)):
        if case_id is None or ask.case_id == case_id:
            _, tone, sign = words.ASK_STATES[ask.state]
            took = f", {times.length(ask.answered_at - ask.asked_at)}" if ask.answered_at else ""
            how = f"{words.say(words.CHANNELS, ask.channel)}" if ask.channel else "no contact"
            told = ask.purpose == "inform_staff" and ask.delivered_at is not None and ask.open
            result = "told" if told else f"{words.ask_state(ask)}{took}"
            found.append(Tried(ask.asked_at, sign, tone, names.person(ask.person_id), how, result))
    return found
