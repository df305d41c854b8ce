"""The playbook file's grammar, as models: what an editor completes (docs/playbook.schema.json) and what the reader
accepts. Names and values are checked one by one here; what refers to what is `check`'s."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from caredispatch.core.playbook import (
    OneOf,
    PatientAgreement,
    Pool,
    Preference,
    QuietHours,
    Stage,
    Trigger,
    Window,
    Within,
)
from caredispatch.core.records import Channel
from caredispatch.policy import notation
from caredispatch.policy.notation import wrong


class OneOrMany:
    """A list, or its only item written without brackets."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        many: Callable[[Any], Any] = lambda value: value if isinstance(value, list) else [value]  # noqa: E731  # reads best in place
        return core_schema.no_info_before_validator_function(many, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


_AFTER = r"\d{1,5} *(min|h|d|w)"
_DURATION: JsonSchemaValue = {"type": "string", "pattern": rf"^{_AFTER}$", "examples": ["20 min", "24 h", "3 d"]}
_SECONDS: JsonSchemaValue = {"type": "string", "pattern": r"^\d{1,5} *(s|min)$", "examples": ["60 s"]}
_BEFORE: JsonSchemaValue = {
    "type": "string",
    "pattern": rf"^{_AFTER} before start$",
    "examples": ["2 h before start"],
}
_ONLY: JsonSchemaValue = {"type": "object", "additionalProperties": False, "minProperties": 1}


def _map(**properties: JsonSchemaValue) -> JsonSchemaValue:
    return {**_ONLY, "properties": properties}


def _tests(item: JsonSchemaValue) -> JsonSchemaValue:
    some = {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}
    return {"anyOf": [*some["anyOf"], _map(**{"not": some})]}


def _compared(item: JsonSchemaValue) -> JsonSchemaValue:
    pair = {"type": "array", "items": item, "minItems": 2, "maxItems": 2}
    return _map(**dict.fromkeys(("below", "above", "at_least", "at_most"), item), between=pair)


_TEXT: JsonSchemaValue = {"type": "string"}
_STATE: JsonSchemaValue = {"enum": list(notation.STATES)}
_COUNT: JsonSchemaValue = {"type": "integer", "minimum": 0}
_WINDOW: JsonSchemaValue = {"anyOf": [_DURATION, _map(until=_BEFORE), _map(reachable=_DURATION)]}
_STAGE: JsonSchemaValue = {
    "anyOf": [
        _STATE,
        {
            "type": "object",
            "properties": {"else": _STATE, "from": {"type": "string", "format": "date"}},
            "additionalProperties": _STATE,
        },
    ]
}
_MODALITIES = ("in_person", "video", "phone")
_BOUND = notation.bounded

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]

Wait = Annotated[Window, PlainValidator(notation.window), WithJsonSchema(_WINDOW)]
Quiet = Annotated[
    QuietHours, PlainValidator(notation.quiet), WithJsonSchema({"type": "string", "examples": ["20:30-07:00"]})
]
Staged = Annotated[Stage, PlainValidator(notation.stage), WithJsonSchema(_STAGE)]
Settle = Annotated[int, PlainValidator(_BOUND(notation.minutes, 0, 60, "0 min", "60 min")), WithJsonSchema(_DURATION)]
Acknowledge = Annotated[
    int, PlainValidator(_BOUND(notation.minutes, 1, 1440, "1 min", "24 h")), WithJsonSchema(_DURATION)
]
TellBy = Annotated[
    int,
    PlainValidator(_BOUND(notation.minutes_before_start, 10, 4320, "10 min before start", "72 h before start")),
    WithJsonSchema(_BEFORE),
]
CalendarWait = Annotated[
    int, PlainValidator(_BOUND(notation.seconds, 5, 600, "5 s", "10 min")), WithJsonSchema(_SECONDS)
]

Named = Annotated[OneOf, PlainValidator(notation.one_of()), WithJsonSchema(_tests(_TEXT))]
IsModality = Annotated[
    OneOf, PlainValidator(notation.one_of(_MODALITIES)), WithJsonSchema(_tests({"enum": [*_MODALITIES]}))
]
IsInitiator = Annotated[
    OneOf,
    PlainValidator(notation.one_of(("patient", "practice"))),
    WithJsonSchema(_tests({"enum": ["patient", "practice"]})),
]
IsAutomation = Annotated[
    OneOf,
    PlainValidator(notation.one_of(("allowed", "human_first"))),
    WithJsonSchema(_tests({"enum": ["allowed", "human_first"]})),
]
IsTrue = Annotated[OneOf, PlainValidator(notation.one_of(("true", "false"))), WithJsonSchema({"type": "boolean"})]
Long = Annotated[Within, PlainValidator(notation.within(notation.minutes)), WithJsonSchema(_compared(_DURATION))]
Many = Annotated[
    Within,
    PlainValidator(notation.within(notation.count, exact="the number")),
    WithJsonSchema({"anyOf": [_COUNT, _compared(_COUNT)]}),
]

Triggers = Annotated[list[Literal[Trigger, "any"]], Field(min_length=1), OneOrMany()]
Channels = Annotated[list[Channel], Field(min_length=1), OneOrMany()]


class Part(BaseModel):
    """A piece of the file: an unknown word is a mistake, and nothing is converted silently."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ConfirmArgs(Part):
    """Ask the provider or the patient along a path."""

    who: Literal["provider", "patient"]
    path: Name


class CoverArgs(Part):
    """Find somebody else: whom to consider, what to prefer (with weights), along which path."""

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

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    confirm: ConfirmArgs | None = None
    cover: CoverArgs | None = None
    tell: TellArgs | None = None
    hand_to: Name | None = None
    nothing: Title | None = None

    @model_validator(mode="after")
    def _one(self) -> ActionPart:
        if sum(v is not None for v in (self.confirm, self.cover, self.tell, self.hand_to, self.nothing)) != 1:
            fix = "Write exactly one of: confirm, cover, tell, hand_to, nothing. Several are several items."
            raise wrong("this is not one action.", fix)
        return self


class DeclinePart(Part):
    """What a no leads to."""

    cover: CoverArgs


_ASKING = ("by", "for_", "at_once", "on_decline")
_STEP_KINDS: list[JsonValue] = [
    {"required": ["ask", "by", "for"], "not": {"anyOf": [{"required": [w]} for w in ("hand_to", "list", "owner")]}},
    {"required": ["hand_to"], "maxProperties": 1},
    {"required": ["list", "owner"], "maxProperties": 2},
]


class StepPart(Part):
    """Ask somebody for a while, or end before a human or on the call list."""

    model_config = ConfigDict(json_schema_extra={"oneOf": _STEP_KINDS})

    ask: Name | None = None
    by: Channels | None = None
    for_: Annotated[Wait | None, Field(alias="for")] = None
    at_once: Annotated[int, Field(ge=1, le=20)] = 1
    on_decline: DeclinePart | None = None
    hand_to: Name | None = None
    list_: Annotated[Literal["calls"] | None, Field(alias="list")] = None
    owner: Name | None = None

    @model_validator(mode="after")
    def _one(self) -> StepPart:
        given = self.model_fields_set
        if sum(v is not None for v in (self.ask, self.hand_to, self.list_)) != 1:
            raise wrong("this is not one step.", "Write exactly one of: ask, hand_to, list.")
        if self.ask is not None and (self.by is None or self.for_ is None):
            lacking = " and ".join(w for w, v in (("`by`", self.by), ("`for`", self.for_)) if v is None)
            fix = "Write for example { ask: pool, by: [sms, email], for: 15 min }."
            raise wrong(f"a step that asks needs {lacking}.", fix)
        if self.ask is None and given & set(_ASKING):
            words = ", ".join(f"`{w.rstrip('_')}`" for w in _ASKING if w in given)
            raise wrong(f"{words} only goes with `ask`.", "Remove it.")
        if (self.list_ is None) != (self.owner is None):
            raise wrong("`list: calls` and `owner` go together.", "Write { list: calls, owner: front_desk }.")
        return self


class PathPart(Part):
    """An escalation path, tried in order. `urgent` ignores quiet hours and limits."""

    steps: Annotated[list[StepPart], Field(min_length=1, max_length=20)]
    urgent: bool = False


class ConditionsPart(Part):
    """All of these must hold. A fact that is not known stops the matching: a person decides."""

    service: Named | None = None
    location: Named | None = None
    modality: IsModality | None = None
    role: Named | None = None
    initiator: IsInitiator | None = None
    must_not_miss: IsTrue | None = None
    automation: IsAutomation | None = None
    notice: Long | None = None
    patient_no_shows_90d: Many | None = None


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


class StaffLimits(Part):
    """Limits for one staff member. Urgent paths may pass them."""

    asks: PerDay = PerDay(most=4)


class PatientLimits(Part):
    """Limits for one patient."""

    asks: PerWeek = PerWeek(most=3)


class LimitsPart(Part):
    """The most that anybody is asked, over all cases."""

    staff: StaffLimits = StaffLimits()
    patients: PatientLimits = PatientLimits()


class PlaybookFile(Part):
    """A practice's policy. docs/playbook.md explains every word."""

    playbook: Title
    version: Annotated[int, Field(ge=1)] = 1
    reason: Annotated[str, StringConstraints(max_length=300)] = ""
    people: dict[Name, Annotated[list[Code], OneOrMany()]]
    last_owner: Name = "practice_manager"
    stages: StagesPart = StagesPart()
    quiet_hours: QuietPart = QuietPart()
    limits: LimitsPart = LimitsPart()
    services: dict[Code, ServicePart] = Field(default_factory=dict)
    settle: Settle = 3
    tell_patient_by: TellBy = 120
    acknowledge: Acknowledge = 15
    calendar_wait: CalendarWait = 60
    staff: list[RulePart] = Field(default_factory=list)
    patient: list[RulePart] = Field(default_factory=list)
    slot: list[RulePart] = Field(default_factory=list)
    paths: dict[Name, PathPart] = Field(default_factory=dict)
    texts: dict[Name, dict[Language, Words]] = Field(default_factory=dict)
