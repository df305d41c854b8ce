"""Manners that a playbook must not break by itself: limits that mute its own cadence (D21), kinds of messages without
one named sender (D20), a crisis that nobody hears of (D23), a visit that gives way and must not be missed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caredispatch.core.playbook import (
    Action,
    AskStep,
    Confirm,
    Cover,
    Fill,
    MessageKind,
    Path,
    Playbook,
    Stage,
    Tell,
    TellStep,
)
from caredispatch.core.records import OURS, StageName
from caredispatch.policy.check_paths import STAGE_OF, use_of
from caredispatch.policy.findings import Finding, choose_from
from caredispatch.policy.looking import Looking, actions
from caredispatch.policy.source import Where

DAY = 24 * 60
WEEK = 7 * DAY


def manners(looking: Looking) -> Iterator[Finding]:
    """Everything that the playbook's own words forbid it to do."""
    yield from _limits(looking)
    yield from _senders(looking)
    yield from _services(looking)
    if not looking.playbook.clinician:
        problem = f"nobody is named who hears of a patient in a crisis: {looking.playbook.last_owner!r} will."
        fix = "Add `safety: { clinician: NAME }`, a name under people whose members are clinicians."
        yield looking.marks.finding(("safety",), problem, fix, "warning")


def _services(looking: Looking) -> Iterator[Finding]:
    for code, service in looking.playbook.services.items():
        if service.displaceable and service.must_not_miss:
            where = ("services", code, "displaceable")
            problem = "a visit that must not be missed never gives way to another."
            yield looking.marks.finding(where, problem, "Remove `displaceable` or `must_not_miss`.")


# ------------------------------------------------------------------ limits (D21)


def _limits(looking: Looking) -> Iterator[Finding]:
    """Where the first ask of a rule and its reminders, all in one week (or on one day, where that is certain), are more
    than a limit lets through. Urgent paths pass the limits."""
    for where, action in actions(looking.playbook):
        used = use_of(action)
        path = looking.playbook.paths.get(used[1]) if used else None
        if path is not None and not path.urgent:
            yield from _muted(looking, where, path, action.remind if isinstance(action, Confirm) else ())


def _muted(looking: Looking, where: Where, path: Path, remind: Sequence[int]) -> Iterator[Finding]:
    limits = looking.playbook.limits
    asks = _most_within(_asked(path, 0, asks_only=True), WEEK)
    texts, texts_a_day = _most_within(_asked(path, 0), WEEK), _most_within(_asked(path, DAY), DAY)
    reminders = _most_within(remind, WEEK)
    counts = (
        ("reminders", reminders, limits.patient_reminders_per_week, "reminders a week"),
        ("asks", asks, limits.patient_asks_per_week, "asks a week"),
        ("texts.per_week", texts + reminders, limits.texts_per_week, "texts a week to one number"),
        (
            "texts.per_day",
            max(texts_a_day, _most_within(remind, DAY)),
            limits.texts_per_day,
            "texts a day to one number",
        ),
    )
    for word, needed, most, what in counts:
        if needed > most:
            problem = f"`limits.patients.{word}` mutes this rule: it makes {needed} {what}, and {most} may be."
            yield looking.marks.finding((*where, *_at(where, looking)), problem, f"Allow {needed}, or make fewer.")


def _at(where: Where, looking: Looking) -> Where:
    """The word of the action that stands at that place."""
    entry = looking.marks.value(where)
    return next(((word,) for word in ("confirm", "follow_up", "place", "cover", "fill") if f'"{word}"' in entry), ())


def _asked(path: Path, unknown: int, *, asks_only: bool = False) -> list[int]:
    """At which minutes along a path its patient is texted; a wait until some time before the start lasts `unknown`."""
    at, found = 0, []
    for step in path.steps:
        if isinstance(step, TellStep) and step.tell.who == "patient" and not asks_only:
            found.append(at)
        if isinstance(step, AskStep):
            if step.whom == "patient" and (asks_only or "sms" in step.by):
                found.append(at)
            at += unknown if step.window.kind == "until_before_start" else step.window.minutes
    return found


def _most_within(minutes: Sequence[int], span: int) -> int:
    """The most of these that lie closer together than a span."""
    return max((sum(0 <= other - one < span for other in minutes) for one in minutes), default=0)


# ------------------------------------------------------------------ senders (D20)


def _senders(looking: Looking) -> Iterator[Finding]:
    playbook, known = looking.playbook, looking.known
    for kind, sender in playbook.senders.items():
        if known and known.connections and sender != OURS and sender not in known.connections:
            fix = choose_from(sender, [OURS, *sorted(known.connections)])
            yield looking.marks.finding(("senders", kind), f"there is no connection {sender!r}.", fix)
    for where, action in actions(playbook):
        sender = playbook.senders.get("reminder", OURS)
        if isinstance(action, Confirm) and action.remind and sender != OURS:
            problem = f"{sender} sends the reminders, so these are never sent."
            fix = "Remove `remind`, or name caredispatch as the sender."
            yield looking.marks.finding((*where, "confirm", "remind"), problem, fix, "warning")
    for kind, stage in _sent_live(playbook).items():
        also = sorted(name for name, kinds in known.sends.items() if kind in kinds) if known else []
        if also and kind not in playbook.senders:
            problem = (
                f"{also[0]} also writes to patients about a {kind}, and no sender is named: they would hear twice."
            )
            fix = f"Add `senders: {{ {kind}: caredispatch }}` and switch it off in {also[0]}, or name {also[0]}."
            yield looking.marks.finding(("stages", stage), problem, fix)


def _sent_live(playbook: Playbook) -> dict[MessageKind, StageName]:
    """The kinds of messages that live stages send, each with such a stage."""
    found: dict[MessageKind, StageName] = {}
    for _, action in actions(playbook):
        used = use_of(action)
        stage = STAGE_OF[used[0]] if used else "booking_confirmation"
        if _live_somewhere(playbook.stages.get(stage)):
            found |= {kind: stage for kind in _kinds(action) if kind not in found}
    return found


def _kinds(action: Action) -> tuple[MessageKind, ...]:
    match action:
        case Confirm(who="patient", remind=remind):
            return ("booking", "reminder", "cancellation") if remind else ("booking", "cancellation")
        case Tell(who="patient"):
            return ("booking",)
        case Cover() | Fill():
            return ("change", "cancellation")
        case _:
            return ("booking",) if use_of(action) and not isinstance(action, Confirm) else ()


def _live_somewhere(stage: Stage | None) -> bool:
    return stage is not None and "live" in (stage.otherwise, *stage.by_location.values())
