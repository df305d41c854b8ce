"""Our own format of an appointment (docs/connectors/webhook.md) and the normal form of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from caredispatch.contract.reading import Instant, Line, Loose, Word
from caredispatch.contract.seen import Initiator, SeenAppointment, SeenPatient
from caredispatch.core.content import Content, Modality, Status, instant_text

ROLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
MOST_ROLES = 20
PLAIN = ("status", "service", "location", "modality")


class Patient(Loose):
    """The identity that comes along; any part may be missing."""

    external_id: Word | None = None
    given: Line | None = None
    family: Line | None = None
    birth_date: date | None = None
    phone: Line | None = None
    email: Line | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = None


class Requested(Loose):
    """When a visit that has no time yet is wanted."""

    until: Instant
    from_: Annotated[Instant | None, Field(alias="from")] = None


class Appointment(Loose):
    """One appointment whole. `version` grows with every change of it; a lower one is old news. One that is `requested`
    has no time yet."""

    external_id: Word
    version: Annotated[int, Field(strict=True, ge=0, le=2**53)]
    start_at: Instant | None = None
    end_at: Instant | None = None
    status: Status
    service: Word | None = None
    location: Word | None = None
    modality: Modality | None = None
    actors: dict[str, Word] = Field(default_factory=dict)
    patient: Patient | None = None
    initiator: Initiator | None = None
    ours: Word | None = None
    requested: Requested | None = None
    urgent: bool = False

    @model_validator(mode="after")
    def _has_a_time(self) -> Self:
        """A start and an end, or a period in which both may be."""
        if (self.start_at is None) != (self.end_at is None) or (self.start_at is None and self.requested is None):
            raise PydanticCustomError("fix", "must have start_at and end_at, or requested with until")
        return self

    @field_validator("actors", mode="before")
    @classmethod
    def _roles(cls, value: Any) -> Any:
        """Names of roles are checked before the values, so that no sender's word becomes part of an error's place."""
        if isinstance(value, dict) and (len(value) > MOST_ROLES or not all(_is_role(k, v) for k, v in value.items())):
            raise PydanticCustomError("fix", "must map lower-case role names to ids of at most 200 characters")
        return value


class Envelope(Loose):
    """What every delivery opens with."""

    type: Literal["appointment.seen"]
    data: Appointment


def _is_role(name: object, actor: object) -> bool:
    right_name = isinstance(name, str) and ROLE.fullmatch(name) is not None
    return right_name and isinstance(actor, str) and 0 < len(actor) <= 200 and actor.isprintable()


def seen_of(held: Appointment) -> SeenAppointment:
    """The appointment whole; a field that is missing is one that the system doesn't say."""
    plain = {key: getattr(held, key) for key in PLAIN}
    asks = held.requested if held.start_at is None else None
    times = {
        "start_at": held.start_at,
        "end_at": held.end_at,
        "requested.from": asks.from_ if asks else None,
        "requested.until": asks.until if asks else None,
    }
    content: Content = {
        **{key: instant_text(at) for key, at in times.items() if at is not None},
        **({"urgent": "true"} if held.urgent else {}),
        **{key: value for key, value in plain.items() if value is not None},
        **{f"actor.{role}": actor for role, actor in held.actors.items()},
    }
    return SeenAppointment(
        external_id=held.external_id,
        content=content,
        patient=SeenPatient(**dict(held.patient)) if held.patient else None,
        order=held.version,
        ours=held.ours,
        initiator=held.initiator,
    )


def wanted_of(content: Content) -> dict[str, Any]:
    """The normal form in our format: `actor.*` and `accepted.*` become objects by role."""
    plain: dict[str, Any] = {key: value for key, value in content.items() if "." not in key}
    for prefix, name in (("actor.", "actors"), ("accepted.", "accepted")):
        by_role = {key.removeprefix(prefix): value for key, value in content.items() if key.startswith(prefix)}
        if by_role:
            plain[name] = by_role
    return plain
