"""Reading what came from outside without trusting it: bodies become models with bounded, printable fields, or
Malformed. Malformed names the field and the fix and never holds a value, for any value may identify a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from caredispatch.contract.verbs import Malformed

MOST_FIELDS = 200
FIRST_YEAR, LAST_YEAR = 1970, 2200


class Loose(BaseModel):
    """A part of somebody else's format: fields that we don't know are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=Loose)


def _wrong(fix: str) -> PydanticCustomError:
    return PydanticCustomError("fix", "{fix}", {"fix": fix})


def _storable(text: str) -> str:
    if "\x00" in text:
        raise _wrong("must not hold a NUL character")
    return text


def _printable(text: str) -> str:
    if not text.isprintable():
        raise _wrong("must be one line of printable characters")
    return text


def _instant(value: object) -> datetime:
    if not isinstance(value, str | datetime):
        raise _wrong("must be an ISO 8601 text")
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if at.tzinfo is None:
            raise _wrong("must have an offset from UTC")
        at = at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        if isinstance(error, PydanticCustomError):
            raise
        raise _wrong("must be an ISO 8601 date and time with an offset") from None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise _wrong(f"must lie between the years {FIRST_YEAR} and {LAST_YEAR}")
    return at


Word = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_printable)]
"""An id, a code: one line, at most 200 characters."""
Line = Annotated[str, StringConstraints(max_length=500), AfterValidator(_printable)]
"""One line, may be empty."""
Prose = Annotated[str, StringConstraints(max_length=50_000), AfterValidator(_storable)]
"""What people wrote."""
Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An aware instant, in UTC."""


def read_json(model: type[Model], body: bytes, what: str) -> Model:
    """A JSON body as a model. Raises Malformed; `what` opens its sentence (`Acuity's appointment`)."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise malformed(error, what) from None


def read_value(model: type[Model], value: Any, what: str) -> Model:
    """A decoded value as a model. Raises Malformed."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise malformed(error, what) from None


def malformed(error: ValidationError, what: str) -> Malformed:
    """The first thing wrong, as a sentence with the field and the fix."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the body"
    return Malformed(f"{what}: {where} {_fix(first)}")


def _fix(error: ErrorDetails) -> str:
    """What the field must be. Only from our own side of the check: what was sent may be somebody's name."""
    match error["type"]:
        case "missing":
            return "is missing"
        case "json_invalid":
            return "is not valid JSON in UTF-8"
        case "fix":
            return error["msg"]
        case "literal_error" | "enum":
            return f"must be {error['ctx']['expected']}"
        case "model_type":
            return "must be an object"
        case kind if kind.endswith("_type"):
            return error["msg"].replace("Input should be", "must be")
        case kind if kind.endswith("_parsing"):
            return f"must be {_WRITTEN.get(kind.partition('_')[0], 'a value')} as documented"
        case kind:
            return f"is not as documented ({kind})"


_WRITTEN = {"int": "a whole number", "date": "a date", "bool": "true or false", "float": "a number"}


def read_form(body: bytes, what: str) -> list[tuple[str, str]]:
    """The fields of an `application/x-www-form-urlencoded` body, in order, empty ones included. Raises Malformed."""
    try:
        fields = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError:
        raise Malformed(f"{what}: the body must be form-encoded UTF-8") from None
    except ValueError:
        raise Malformed(f"{what}: the body has more than {MOST_FIELDS} fields") from None
    return fields
