"""The playbook file's grammar, as models: what an editor completes (docs/playbook.schema.json) and what the reader
accepts. Names and values are checked one by one here; what refers to what is `check`'s."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from caredispatch.core.playbook import Limits, MessageKind, PatientAgreement, QuietHours, Stage
from caredispatch.policy.acting import ActionPart, Part, PathPart
from caredispatch.policy.values import (
    Acknowledge,
    CalendarWait,
    Code,
    Grace,
    IsAutomation,
    IsInitiator,
    IsModality,
    IsOrigin,
    IsTrue,
    Language,
    Long,
    Many,
    Moved,
    Name,
    Named,
    NotStarted,
    OneOrMany,
    Pace,
    Quiet,
    Settle,
    Staged,
    TellBy,
    Texting,
    Times,
    Title,
    Triggers,
    UsState,
    Words,
)

_OTHERWISE = Limits()


class ConditionsPart(Part):
    """All of these must hold. A fact that is not known stops the matching: a person decides."""

    service: Named | None = None
    location: Named | None = None
    modality: IsModality | None = None
    role: Named | None = None
    initiator: IsInitiator | None = None
    must_not_miss: IsTrue | None = None
    automation: IsAutomation | None = None
    origin: IsOrigin | None = None
    notice: Long | None = None
    late_by: Long | None = None
    patient_no_shows_90d: Many | None = None
    patient_late_cancels_90d: Many | None = None


class RulePart(Part):
    """When one of the triggers, if all conditions hold, then the actions. The first rule that matches acts."""

    rule: Title
    when: Triggers
    then: Annotated[list[ActionPart], Field(min_length=1, max_length=10)]
    if_: Annotated[ConditionsPart, Field(alias="if")] = ConditionsPart()


class ServicePart(Part):
    """What a service demands of coordination."""

    patient_agreement: PatientAgreement = "required"
    must_not_miss: bool = False
    automation: Literal["allowed", "human_first"] = "allowed"
    grace: Grace = 15
    when_late: Literal["see", "shorten", "rebook"] = "see"
    displaceable: bool = False


class StagesPart(Part):
    """Where each roll-out stage stands: a word, or by location with `else` and `from` a day. Not named: off."""

    booking_confirmation: Staged = Stage("off")
    no_show_follow_up: Staged = Stage("off")
    dispatch_routing: Staged = Stage("off")
    escalation: Staged = Stage("off")


class QuietPart(Part):
    """When nobody is disturbed, in the recipient's own zone."""

    staff: Quiet = QuietHours(20 * 60 + 30, 7 * 60)
    patients: Quiet = QuietHours(20 * 60, 8 * 60)


class PerDay(Part):
    """At most so many a day."""

    most: Annotated[int, Field(ge=1, le=50)]
    per: Literal["day"] = "day"


class PerWeek(Part):
    """At most so many a week."""

    most: Annotated[int, Field(ge=1, le=50)]
    per: Literal["week"] = "week"


class TextLimits(Part):
    """The most automated texts that one number gets, unless its owner consented to more."""

    per_day: Annotated[int, Field(ge=1, le=20)] = _OTHERWISE.texts_per_day
    per_week: Annotated[int, Field(ge=1, le=50)] = _OTHERWISE.texts_per_week


class StaffLimits(Part):
    """Limits for one staff member. Urgent paths may pass them."""

    asks: PerDay = PerDay(most=_OTHERWISE.staff_asks_per_day)


class PatientLimits(Part):
    """Limits for one patient (asks, reminders) and for one number (texts)."""

    asks: PerWeek = PerWeek(most=_OTHERWISE.patient_asks_per_week)
    reminders: PerWeek = PerWeek(most=_OTHERWISE.patient_reminders_per_week)
    texts: TextLimits = TextLimits()


class LimitsPart(Part):
    """The most that anybody is asked, over all cases."""

    staff: StaffLimits = StaffLimits()
    patients: PatientLimits = PatientLimits()


class SafetyPart(Part):
    """Who hears of somebody in a crisis, and words that tell of one besides the shipped ones."""

    clinician: Name | Literal[""] = ""
    words: Annotated[list[Title], Field(max_length=500), OneOrMany()] = Field(default_factory=list)


class PlaybookFile(Part):
    """A practice's policy. docs/playbook.md explains every word."""

    playbook: Title
    version: Annotated[int, Field(ge=1)] = 1
    reason: Annotated[str, StringConstraints(max_length=300)] = ""
    people: dict[Name, Annotated[list[Code], OneOrMany()]]
    last_owner: Name = "practice_manager"
    safety: SafetyPart = SafetyPart()
    senders: dict[MessageKind, Code] = Field(default_factory=dict)
    stages: StagesPart = StagesPart()
    quiet_hours: QuietPart = QuietPart()
    texting: dict[UsState, Texting] = Field(default_factory=dict)
    limits: LimitsPart = LimitsPart()
    services: dict[Code, ServicePart] = Field(default_factory=dict)
    settle: Settle = 3
    tell_patient_by: TellBy = 120
    acknowledge: Acknowledge = 15
    calendar_wait: CalendarWait = 60
    coverage_gaps: Times = (72 * 60, 48 * 60, 24 * 60)
    not_started: NotStarted = 15
    moved: Moved = 10
    pace: Pace = 10
    staff: list[RulePart] = Field(default_factory=list)
    patient: list[RulePart] = Field(default_factory=list)
    slot: list[RulePart] = Field(default_factory=list)
    paths: dict[Name, PathPart] = Field(default_factory=dict)
    texts: dict[Name, dict[Language, Words]] = Field(default_factory=dict)
