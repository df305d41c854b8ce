"""The values inside the playbook's grammar: each with its reader (`notation`) and what an editor knows of it (its piece
of JSON Schema). Which words hold them is in `grammar` and `acting`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from caredispatch.core.playbook import Offer, OneOf, QuietHours, Stage, Trigger, Window, Within
from caredispatch.core.records import Channel
from caredispatch.core.routing import UNKNOWN
from caredispatch.policy import notation


class OneOrMany:
    """A list, or its only item written without brackets."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        many: Callable[[Any], Any] = lambda value: value if isinstance(value, list) else [value]  # noqa: E731  # reads best in place
        return core_schema.no_info_before_validator_function(many, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], listed]}


# ------------------------------------------------------------------ pieces of JSON Schema

_AFTER = r"\d{1,5} *(min|h|d|w)"
_DURATION: JsonSchemaValue = {"type": "string", "pattern": rf"^{_AFTER}$", "examples": ["20 min", "24 h", "3 d"]}
_SECONDS: JsonSchemaValue = {"type": "string", "pattern": r"^\d{1,5} *(s|min)$", "examples": ["60 s"]}
_BEFORE: JsonSchemaValue = {
    "type": "string",
    "pattern": rf"^{_AFTER} before start$",
    "examples": ["2 h before start"],
}
_PACE: JsonSchemaValue = {"type": "string", "pattern": r"^\d{1,3} per minute$", "examples": ["10 per minute"]}
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
_HOURS: JsonSchemaValue = {"type": "string", "examples": ["20:30-07:00"]}
_TIMES: JsonSchemaValue = {
    "anyOf": [_DURATION, {"type": "array", "items": _DURATION, "minItems": 1, "maxItems": notation.MOST_TIMES}]
}
_AT_ONCE: JsonSchemaValue = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": notation.MOST_AT_ONCE}, {"const": "auto"}],
    "default": 1,
}
_OFFER: JsonSchemaValue = _map(
    openings={"type": "integer", "minimum": 1, "maximum": notation.MOST_OPENINGS},
    own_provider={"const": "later"},
    modality={"enum": list(notation.MODALITIES)},
    site={"const": "other"},
)
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

# ------------------------------------------------------------------ names

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
UsState = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Title = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=1000)]

# ------------------------------------------------------------------ times


def _lasting(low: int, high: int, shortest: str, longest: str) -> PlainValidator:
    return PlainValidator(notation.bounded(notation.minutes, low, high, shortest, longest))


Wait = Annotated[Window, PlainValidator(notation.window), WithJsonSchema(_WINDOW)]
Quiet = Annotated[QuietHours, PlainValidator(notation.quiet), WithJsonSchema(_HOURS)]
Texting = Annotated[
    QuietHours, PlainValidator(notation.texting), WithJsonSchema({**_HOURS, "examples": ["09:00-20:00"]})
]
Settle = Annotated[int, _lasting(0, 60, "0 min", "60 min"), WithJsonSchema(_DURATION)]
Acknowledge = Annotated[int, _lasting(1, 1440, "1 min", "24 h"), WithJsonSchema(_DURATION)]
Grace = Annotated[int, _lasting(0, 120, "0 min", "2 h"), WithJsonSchema(_DURATION)]
NotStarted = Annotated[int, _lasting(5, 240, "5 min", "4 h"), WithJsonSchema(_DURATION)]
Moved = Annotated[int, _lasting(1, 120, "1 min", "2 h"), WithJsonSchema(_DURATION)]
After = Annotated[int, _lasting(0, 7 * 1440, "0 min", "7 d"), WithJsonSchema(_DURATION)]
TellBy = Annotated[
    int,
    PlainValidator(
        notation.bounded(notation.minutes_before_start, 10, 4320, "10 min before start", "72 h before start")
    ),
    WithJsonSchema(_BEFORE),
]
CalendarWait = Annotated[
    int, PlainValidator(notation.bounded(notation.seconds, 5, 600, "5 s", "10 min")), WithJsonSchema(_SECONDS)
]
Times = Annotated[tuple[int, ...], PlainValidator(notation.times_before), WithJsonSchema(_TIMES)]
Pace = Annotated[int, PlainValidator(notation.pace), WithJsonSchema(_PACE)]

# ------------------------------------------------------------------ tests


def _word_of(*words: str) -> tuple[PlainValidator, WithJsonSchema]:
    return PlainValidator(notation.one_of(words)), WithJsonSchema(_tests({"enum": [*words]}))


Named = Annotated[OneOf, PlainValidator(notation.one_of()), WithJsonSchema(_tests(_TEXT))]
IsModality = Annotated[OneOf, *_word_of(*notation.MODALITIES)]
IsInitiator = Annotated[OneOf, *_word_of("patient", "practice", UNKNOWN)]
IsAutomation = Annotated[OneOf, *_word_of("allowed", "human_first")]
IsOrigin = Annotated[OneOf, *_word_of(*notation.ORIGINS)]
IsTrue = Annotated[OneOf, PlainValidator(notation.one_of(("true", "false"))), WithJsonSchema({"type": "boolean"})]
Long = Annotated[Within, PlainValidator(notation.within(notation.minutes)), WithJsonSchema(_compared(_DURATION))]
Many = Annotated[
    Within,
    PlainValidator(notation.within(notation.count, exact="the number")),
    WithJsonSchema({"anyOf": [_COUNT, _compared(_COUNT)]}),
]

# ------------------------------------------------------------------ others

Staged = Annotated[Stage, PlainValidator(notation.stage), WithJsonSchema(_STAGE)]
AtOnce = Annotated[int, PlainValidator(notation.at_once), WithJsonSchema(_AT_ONCE)]
Offered = Annotated[Offer, PlainValidator(notation.offer), WithJsonSchema(_OFFER)]
Weight = Annotated[int, Field(ge=0, le=100)]
Triggers = Annotated[list[Literal[Trigger, "any"]], Field(min_length=1), OneOrMany()]
Channels = Annotated[list[Channel], Field(min_length=1), OneOrMany()]
