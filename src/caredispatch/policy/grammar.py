"""The playbook file's grammar, as models: what an editor completes (docs/playbook.schema.json) and what the reader
accepts. Names, durations and tests are checked here; what refers to what is `check`'s."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from caredispatch.core.playbook import PatientAgreement, Pool, Preference, Trigger
from caredispatch.core.records import Channel, StageState

_DURATION = re.compile(r"^(\d{1,5})\s*(s|min|h|d|w)$")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BEFORE = re.compile(r"^(.+?)\s+before\s+start$")


def seconds(text: Any) -> int:
    """The seconds of `20 min`, `24 h`, `3 d`. Raises ValueError."""
    found = _DURATION.match(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("write a number and a unit: 90 s, 20 min, 24 h, 3 d")
    return int(found[1]) * _UNITS[found[2]]


def minutes(text: Any) -> int:
    """Whole minutes of a duration. Raises ValueError."""
    total = seconds(text)
    if total % 60:
        raise ValueError("whole minutes are needed here")
    return total // 60


def minutes_before(text: Any) -> int:
    """Minutes of `24 h before start`. Raises ValueError."""
    found = _BEFORE.match(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("write for example: 24 h before start")
    return minutes(found[1])


def _many(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _quiet(value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError('write two times in quotes: "20:30-07:00"')
    return value


Duration = Annotated[str, BeforeValidator(lambda v: (minutes(v), v)[1])]
Seconds = Annotated[str, BeforeValidator(lambda v: (seconds(v), v)[1])]
Before = Annotated[str, BeforeValidator(lambda v: (minutes_before(v), v)[1])]
Quiet = Annotated[str, BeforeValidator(_quiet)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Triggers = Annotated[list[Literal[Trigger, "any"]], BeforeValidator(_many), Field(min_length=1)]
Channels = Annotated[list[Channel], BeforeValidator(_many), Field(min_length=1)]


class Part(BaseModel):
    """A piece of the file: an unknown word is a mistake."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Until(Part):
    """Wait until so long before the visit."""

    until: Before


class Reachable(Part):
    """Wait while the person can look: on duty and not in a visit."""

    reachable: Duration


class ConfirmArgs(Part):
    """Ask the provider or the patient along a path."""

    who: Literal["provider", "patient"]
    path: Name


class CoverArgs(Part):
    """Find somebody else: whom to consider, what to prefer, along which path."""

    pool: Pool
    path: Name
    prefer: dict[Preference, Annotated[int, Field(ge=0, le=100)]] = Field(default_factory=dict)


class TellArgs(Part):
    """Say something, expecting no answer."""

    who: Literal["provider", "patient"]
    text: Name
    by: Channels = ["sms", "email"]


class ActionPart(Part):
    """Exactly one of these."""

    confirm: ConfirmArgs | None = None
    cover: CoverArgs | None = None
    tell: TellArgs | None = None
    hand_to: Name | None = None
    nothing: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> ActionPart:
        if len(self.model_fields_set) != 1:
            raise ValueError("an action is exactly one of: confirm, cover, tell, hand_to, nothing")
        return self


class StepPart(Part):
    """Ask somebody for a while, or end before a human or on the call list."""

    ask: Name | None = None
    by: Channels | None = None
    for_: Annotated[Duration | Until | Reachable | None, Field(alias="for")] = None
    at_once: Annotated[int, Field(ge=1, le=50)] = 1
    on_decline: ActionPart | None = None
    hand_to: Name | None = None
    list_: Annotated[Literal["calls"] | None, Field(alias="list")] = None
    owner: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> StepPart:
        if sum(x is not None for x in (self.ask, self.hand_to, self.list_)) != 1:
            raise ValueError("a step is exactly one of: ask, hand_to, list")
        if self.ask is not None and (self.by is None or self.for_ is None):
            raise ValueError("a step that asks needs `by` (channels) and `for` (how long)")
        if self.list_ is not None and self.owner is None:
            raise ValueError("`list: calls` needs an `owner` under people")
        return self


class PathPart(Part):
    """An escalation path. `urgent` ignores quiet hours and limits."""

    steps: Annotated[list[StepPart], Field(min_length=1, max_length=20)]
    urgent: bool = False


class TestPart(Part):
    """A comparison: numbers, or durations for `notice`."""

    not_: Annotated[str | list[str] | None, Field(alias="not")] = None
    below: str | int | None = None
    above: str | int | None = None
    at_least: str | int | None = None
    at_most: str | int | None = None
    between: Annotated[list[str | int] | None, Field(min_length=2, max_length=2)] = None

    @model_validator(mode="after")
    def _some(self) -> TestPart:
        if not self.model_fields_set:
            raise ValueError("a test is a value, [values], or one of: not, below, above, at_least, at_most, between")
        return self


Test = bool | int | str | list[str] | TestPart


class ConditionsPart(Part):
    """All of these must hold."""

    service: Test | None = None
    location: Test | None = None
    modality: Test | None = None
    role: Test | None = None
    initiator: Test | None = None
    must_not_miss: Test | None = None
    automation: Test | None = None
    notice: TestPart | None = None
    patient_no_shows_90d: TestPart | None = None


class RulePart(Part):
    """When one of the triggers, if all conditions hold, then the actions. The first rule that matches acts."""

    rule: Name
    when: Triggers
    then: Annotated[list[ActionPart], Field(min_length=1)]
    if_: Annotated[ConditionsPart, Field(alias="if")] = Field(default_factory=ConditionsPart)


class ServicePart(Part):
    """What a service demands."""

    patient_agreement: PatientAgreement = "required"
    must_not_miss: bool = False
    automation: Literal["allowed", "human_first"] = "allowed"


class StagesPart(Part):
    """Where each roll-out stage stands: a word, or by location with `else` and `from` a date."""

    booking_confirmation: StageState | dict[str, StageState | date] = "off"
    no_show_follow_up: StageState | dict[str, StageState | date] = "off"
    dispatch_routing: StageState | dict[str, StageState | date] = "off"
    escalation: StageState | dict[str, StageState | date] = "off"


class QuietPart(Part):
    """When nobody is disturbed, in their own zone."""

    staff: Quiet = "20:30-07:00"
    patients: Quiet = "20:00-08:00"


class PerDay(Part):
    """At most so many a day."""

    most: Annotated[int, Field(ge=1, le=50)]
    per: Literal["day"] = "day"


class PerWeek(Part):
    """At most so many a week."""

    most: Annotated[int, Field(ge=1, le=50)]
    per: Literal["week"] = "week"


class StaffLimits(Part):
    """Limits for staff."""

    asks: PerDay = PerDay(most=4)


class PatientLimits(Part):
    """Limits for patients, per person."""

    asks: PerWeek = PerWeek(most=3)


class LimitsPart(Part):
    """Over all cases."""

    staff: StaffLimits = StaffLimits()
    patients: PatientLimits = PatientLimits()


class PlaybookFile(Part):
    """The whole file."""

    playbook: Name
    people: dict[str, list[Name]]
    version: int | None = None
    reason: str = ""
    stages: StagesPart = StagesPart()
    quiet_hours: QuietPart = QuietPart()
    limits: LimitsPart = LimitsPart()
    services: dict[str, ServicePart] = Field(default_factory=dict)
    settle: Duration = "3 min"
    tell_patient_by: Before = "2 h before start"
    acknowledge: Duration = "15 min"
    calendar_wait: Seconds = "60 s"
    last_owner: Name
    staff: list[RulePart] = Field(default_factory=list)
    patient: list[RulePart] = Field(default_factory=list)
    slot: list[RulePart] = Field(default_factory=list)
    paths: dict[str, PathPart] = Field(default_factory=dict)
    texts: dict[str, dict[Annotated[str, StringConstraints(pattern="^[a-z]{2}$")], str]] = Field(default_factory=dict)
