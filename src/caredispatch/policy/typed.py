"""From the grammar's models to the typed values that decisions follow. Nothing can fail here."""

from __future__ import annotations

from collections.abc import Sequence
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
    HandTo,
    HandToStep,
    ListStep,
    Nothing,
    Path,
    Playbook,
    Rule,
    Section,
    ServicePolicy,
    Step,
    Tell,
    Trigger,
)
from caredispatch.core.reacting import SECTIONS_OF
from caredispatch.core.records import StageName
from caredispatch.policy import grammar

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
        services={
            code: ServicePolicy(s.patient_agreement, s.must_not_miss, s.automation) for code, s in file.services.items()
        },
        quiet_staff=file.quiet_hours.staff,
        quiet_patients=file.quiet_hours.patients,
        staff_asks_per_day=file.limits.staff.asks.most,
        patient_asks_per_week=file.limits.patients.asks.most,
        settle_minutes=file.settle,
        tell_by_minutes=file.tell_patient_by,
        acknowledge_minutes=file.acknowledge,
        busy_wait_seconds=file.calendar_wait,
        last_owner=file.last_owner,
    )


def _rule(part: grammar.RulePart, section: Section) -> Rule:
    named = tuple(t for t in part.when if t != "any")
    when = TRIGGERS_OF[section] if "any" in part.when else tuple(dict.fromkeys(named))
    tests = ((name, getattr(part.if_, name)) for name in CONDITIONS)
    conditions = tuple(Condition(name, test) for name, test in tests if test is not None)
    return Rule(part.rule, when, tuple(_action(a) for a in part.then), conditions)


def _action(part: grammar.ActionPart) -> Action:
    if part.confirm is not None:
        return Confirm(part.confirm.who, part.confirm.path)
    if part.cover is not None:
        return _cover(part.cover)
    if part.tell is not None:
        return Tell(part.tell.who, part.tell.text, tuple(part.tell.by))
    if part.hand_to is not None:
        return HandTo(part.hand_to)
    return Nothing(part.nothing or "")


def _cover(part: grammar.CoverArgs) -> Cover:
    return Cover(part.pool, part.path, dict(part.prefer))


def _step(part: grammar.StepPart) -> Step:
    if part.hand_to is not None:
        return HandToStep(part.hand_to)
    if part.ask is None or part.for_ is None:
        return ListStep(part.owner or "")
    decline = _cover(part.on_decline.cover) if part.on_decline else None
    return AskStep(part.ask, tuple(part.by or ()), part.for_, part.at_once, decline)
