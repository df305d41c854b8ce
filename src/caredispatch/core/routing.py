"""Which rule acts: within a section, for one trigger, the first whose conditions all hold (E30, D6). The trace says for
every rule above it which condition failed and what the fact was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.facts import Facts
from caredispatch.core.playbook import Condition, ConditionName, OneOf, Playbook, Rule, Section, Trigger, Within
from caredispatch.core.records import Appointment

UNKNOWN = "unknown"
"""What a fact is that nobody said. A rule may name it, and so say what follows then."""


@dataclass(frozen=True)
class PassedOver:
    """A rule that did not match: the condition that failed, what it wanted and what the fact was (`unknown`: no
    fact)."""

    rule: str
    condition: str
    wanted: str
    was: str


@dataclass(frozen=True)
class Routed:
    """The outcome of matching one section. `rule` is None when nothing matched; `missing` names the fact without which
    the matching stopped (then a person decides)."""

    section: Section
    trigger: Trigger
    rule: Rule | None
    passed_over: tuple[PassedOver, ...]
    missing: str | None = None


def route(
    section: Section,
    trigger: Trigger,
    appointment: Appointment,
    facts: Facts,
    playbook: Playbook,
    now: datetime,
    role: str | None = None,
) -> Routed:
    """The first rule of `section` that `trigger` and the facts match. `role` is the one that was lost, where the
    trigger is about one (D2)."""
    passed: list[PassedOver] = []
    for rule in playbook.sections.get(section, ()):
        if trigger not in rule.when:
            continue
        failed = _first_failure(rule, appointment, facts, playbook, now, role)
        if failed is None:
            return Routed(section, trigger, rule, tuple(passed))
        over, lacking = failed
        passed.append(over)
        if lacking:
            return Routed(section, trigger, None, tuple(passed), missing=over.condition)
    return Routed(section, trigger, None, tuple(passed))


def _first_failure(
    rule: Rule, appointment: Appointment, facts: Facts, playbook: Playbook, now: datetime, role: str | None
) -> tuple[PassedOver, bool] | None:
    """The condition that fails, and whether for want of a fact."""
    for condition in rule.conditions:
        if condition.name == "role" and role is not None:
            value: str | int | None = role
        else:
            value = fact_of(condition.name, appointment, facts, playbook, now)
        if not holds(condition, value):
            was = UNKNOWN if value is None else str(value)
            over = PassedOver(rule.name, condition.name, wanted(condition), was)
            return over, value is None and not _names_unknown(condition)
    return None


def fact_of(
    name: ConditionName, appointment: Appointment, facts: Facts, playbook: Playbook, now: datetime
) -> str | int | None:
    """The value that a condition tests, None when it is not known. Durations are whole minutes."""
    match name:
        case "service" | "location" | "modality" | "initiator":
            found: str | None = getattr(appointment, name)
            return found
        case "role":
            return next((p.role for p in appointment.participants if p.coverage in ("uncovered", "at_risk")), None)
        case "must_not_miss":
            return "true" if playbook.service(appointment.service).must_not_miss else "false"
        case "automation":
            return _automation(appointment, facts, playbook)
        case "notice" | "late_by":
            ahead = int((appointment.start_at - now).total_seconds() // 60)
            return ahead if name == "notice" else appointment.late_minutes
        case "origin":
            return appointment.request.origin if appointment.request else "booking"
        case "patient_no_shows_90d" | "patient_late_cancels_90d":
            counted: int | None = getattr(facts.patient, name.removeprefix("patient_"), None)
            return counted


def _automation(appointment: Appointment, facts: Facts, playbook: Playbook) -> str:
    """Whether a human comes first, for the service or for the patient (D31)."""
    by_service = playbook.service(appointment.service).automation
    by_patient = facts.patient.automation if facts.patient else "allowed"
    return "human_first" if "human_first" in (by_service, by_patient) else "allowed"


def holds(condition: Condition, value: str | int | None) -> bool:
    """Whether a value passes. One that is not known passes only a test that says `unknown` itself."""
    match condition.test:
        case OneOf(values=values, negate=negate):
            if value is None and not _names_unknown(condition):
                return False
            return ((UNKNOWN if value is None else str(value)) in values) != negate
        case Within(low=low, high=high):
            return value is not None and (low is None or int(value) >= low) and (high is None or int(value) < high)


def _names_unknown(condition: Condition) -> bool:
    return isinstance(condition.test, OneOf) and UNKNOWN in condition.test.values


def wanted(condition: Condition) -> str:
    """The test in short: `one of a, b`, `not a`, `60..120`."""
    if isinstance(condition.test, OneOf):
        return ("not " if condition.test.negate else "") + " or ".join(condition.test.values)
    low, high = condition.test.low, condition.test.high
    return f"{'' if low is None else low}..{'' if high is None else high}"
