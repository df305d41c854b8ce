"""From the grammar's models to the typed values that decisions follow. Nothing can fail here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from caredispatch.core.playbook import (
    CONDITIONS,
    SECTIONS,
    TRIGGERS,
    Action,
    AskStep,
    Condition,
    Confirm,
    Cover,
    Fill,
    FollowUp,
    HandTo,
    HandToStep,
    Limits,
    ListStep,
    Nothing,
    Path,
    Place,
    Playbook,
    Preference,
    Rule,
    Section,
    ServicePolicy,
    Step,
    Tell,
    TellStep,
    Trigger,
)
from caredispatch.core.reacting import SECTIONS_OF
from caredispatch.core.records import StageName
from caredispatch.policy import acting, grammar
from caredispatch.policy.acting import CoverPreference, FillPreference, PlacePreference

STAGES: tuple[StageName, ...] = get_args(StageName)
TRIGGERS_OF: dict[Section, tuple[Trigger, ...]] = {
    section: tuple(t for t in TRIGGERS if section in SECTIONS_OF[t]) for section in SECTIONS
}
"""What concerns each section of the rules."""


def to_playbook(file: grammar.PlaybookFile) -> Playbook:
    """The typed values of a parsed file."""
    written: dict[Section, Sequence[grammar.RulePart]] = {
        "staff": file.staff,
        "patient": file.patient,
        "slot": file.slot,
    }
    return Playbook(
        name=file.playbook,
        version=file.version,
        sections={section: tuple(_rule(r, section) for r in rules) for section, rules in written.items()},
        paths={name: Path(name, p.urgent, tuple(_step(s) for s in p.steps)) for name, p in file.paths.items()},
        people={name: tuple(handles) for name, handles in file.people.items()},
        texts={name: dict(versions) for name, versions in file.texts.items()},
        stages={name: getattr(file.stages, name) for name in STAGES},
        services={code: _service(part) for code, part in file.services.items()},
        quiet_staff=file.quiet_hours.staff,
        quiet_patients=file.quiet_hours.patients,
        texting=dict(file.texting),
        limits=_limits(file.limits),
        settle_minutes=file.settle,
        tell_by_minutes=file.tell_patient_by,
        acknowledge_minutes=file.acknowledge,
        busy_wait_seconds=file.calendar_wait,
        gap_minutes=file.coverage_gaps,
        not_started_minutes=file.not_started,
        moved_minutes=file.moved,
        paced_per_minute=file.pace,
        senders=dict(file.senders),
        crisis_words=tuple(file.safety.words),
        clinician=file.safety.clinician,
        last_owner=file.last_owner,
    )


def _service(part: grammar.ServicePart) -> ServicePolicy:
    return ServicePolicy(
        part.patient_agreement, part.must_not_miss, part.automation, part.grace, part.when_late, part.displaceable
    )


def _limits(part: grammar.LimitsPart) -> Limits:
    return Limits(
        part.staff.asks.most,
        part.patients.asks.most,
        part.patients.reminders.most,
        part.patients.texts.per_day,
        part.patients.texts.per_week,
    )


def _rule(part: grammar.RulePart, section: Section) -> Rule:
    named = tuple(t for t in part.when if t != "any")
    when = TRIGGERS_OF[section] if "any" in part.when else tuple(dict.fromkeys(named))
    tests = ((name, getattr(part.if_, name)) for name in CONDITIONS)
    conditions = tuple(Condition(name, test) for name, test in tests if test is not None)
    return Rule(part.rule, when, tuple(_action(a) for a in part.then), conditions)


def _action(part: acting.ActionPart) -> Action:
    opened = _opens(part)
    if opened is not None:
        return opened
    if part.tell is not None:
        return _tell(part.tell)
    if part.hand_to is not None:
        return HandTo(part.hand_to)
    return Nothing(part.nothing or "")


def _opens(part: acting.ActionPart) -> Action | None:
    """The action that opens a case, if it is one."""
    if part.confirm is not None:
        return Confirm(part.confirm.who, part.confirm.path, part.confirm.remind)
    if part.cover is not None:
        return _cover(part.cover)
    if part.fill is not None:
        return Fill(part.fill.path, _weights(part.fill.prefer))
    if part.follow_up is not None:
        return FollowUp(part.follow_up.path, part.follow_up.after)
    if part.place is not None:
        return Place(part.place.pool, part.place.path, _weights(part.place.prefer))
    return None


def _cover(part: acting.CoverArgs) -> Cover:
    return Cover(part.pool, part.path, _weights(part.prefer), part.together, part.order)


def _weights(
    prefer: Mapping[CoverPreference, int] | Mapping[FillPreference, int] | Mapping[PlacePreference, int],
) -> dict[Preference, int]:
    """Each action names those preferences that mean something to it; all are preferences."""
    return {name: weight for name, weight in prefer.items()}


def _tell(part: acting.TellArgs) -> Tell:
    return Tell(part.who, part.text, tuple(part.by))


def _step(part: acting.StepPart) -> Step:
    if part.tell is not None:
        return TellStep(_tell(part.tell))
    if part.hand_to is not None:
        return HandToStep(part.hand_to)
    if part.ask is None or part.for_ is None:
        return ListStep(part.owner or "")
    decline = _cover(part.on_decline.cover) if part.on_decline else None
    return AskStep(part.ask, tuple(part.by or ()), part.for_, part.at_once, decline, part.offer)
