"""The parts of FHIR R4 resources that are read here, as models. What is not named stays untouched in the raw
resource."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from caredispatch.contract.reading import Instant, Line, Loose, Word
from caredispatch.core.content import Status

OURS = "urn:caredispatch:appointment"
ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$")
STAFF = ("Practitioner/", "PractitionerRole/")
_STATE = re.compile(r"[A-Z]{2}")
Answer = Literal["accepted", "declined", "tentative", "needs-action"]


class Coding(Loose):
    """A code of a code system."""

    system: Line | None = None
    code: Word | None = None


class Concept(Loose):
    """A CodeableConcept."""

    coding: list[Coding] = Field(default_factory=list)

    @property
    def code(self) -> str | None:
        """The first code."""
        return next((each.code for each in self.coding if each.code), None)


class Reference(Loose):
    """A reference; `local` is `Type/id`, of absolute and versioned ones too, None of any other kind."""

    reference: Line | None = None

    @property
    def local(self) -> str | None:
        """`Type/id`."""
        found = _REFERENCE.search(self.reference or "")
        return found.group(1) if found else None


class Identifier(Loose):
    """A business identifier."""

    system: Line | None = None
    value: Word | None = None


class Meta(Loose):
    """Version and last change."""

    versionId: Word | None = None
    lastUpdated: Instant | None = None


class Period(Loose):
    """A stretch of time; its ends may be whole days, months or years."""

    start: Line | None = None
    end: Line | None = None


class Extension(Loose):
    """An extension; of its values only references are read here."""

    url: Line = ""
    valueReference: Reference = Field(default_factory=Reference)


class Participant(Loose):
    """Who takes part and what they answered."""

    type: list[Concept] = Field(default_factory=list)
    actor: Reference = Field(default_factory=Reference)
    status: Answer

    @property
    def who(self) -> str:
        """`Type/id`, or empty."""
        return self.actor.local or ""


def _priority(value: object) -> object:
    """A number (R4) or a concept (R5); anything else says nothing."""
    return value if isinstance(value, int | dict) and not isinstance(value, bool) else None


ResourceId = Annotated[str, Field(pattern=rf"^{ID.pattern}$")]


class Appointment(Loose):
    """An Appointment."""

    resourceType: Literal["Appointment"]
    id: ResourceId
    meta: Meta = Field(default_factory=Meta)
    identifier: list[Identifier] = Field(default_factory=list)
    status: Status
    start: Instant | None = None
    end: Instant | None = None
    requestedPeriod: list[Period] = Field(default_factory=list)
    priority: Annotated[int | Concept | None, BeforeValidator(_priority)] = None
    serviceCategory: list[Concept] = Field(default_factory=list)
    serviceType: list[Concept] = Field(default_factory=list)
    appointmentType: Concept = Field(default_factory=Concept)
    cancelationReason: Concept = Field(default_factory=Concept)
    slot: list[Reference] = Field(default_factory=list)
    originatingAppointment: Reference = Field(default_factory=Reference)
    recurrenceTemplate: list[Any] = Field(default_factory=list)
    extension: list[Extension] = Field(default_factory=list)
    participant: list[Participant] = Field(default_factory=list)

    @property
    def etag(self) -> str | None:
        """The version as `If-Match` wants it."""
        return f'W/"{self.meta.versionId}"' if self.meta.versionId else None

    @property
    def ours(self) -> str | None:
        """Our appointment id, if the resource carries it (E5)."""
        return next((each.value for each in self.identifier if each.system == OURS and each.value), None)

    @property
    def origin(self) -> str | None:
        """The id that another system wrote into it."""
        return next((each.value for each in self.identifier if each.system != OURS and each.value), None)


class Slot(Loose):
    """A stretch of a schedule."""

    resourceType: Literal["Slot"]
    id: ResourceId
    schedule: Reference
    status: Literal["busy", "free", "busy-unavailable", "busy-tentative", "entered-in-error"]
    start: Instant
    end: Instant


class Schedule(Loose):
    """Whose slots they are."""

    resourceType: Literal["Schedule"]
    id: ResourceId
    actor: list[Reference] = Field(default_factory=list)


def _day(value: object) -> object:
    """FHIR dates may be a year or a month only: then the day is not known."""
    return value if not isinstance(value, str) or len(value) == len("2026-11-24") else None


class Name(Loose):
    """A HumanName."""

    use: Line | None = None
    family: Line | None = None
    given: list[Line] = Field(default_factory=list)


class Telecom(Loose):
    """A ContactPoint."""

    system: Line | None = None
    value: Line | None = None
    use: Line | None = None


def current(telecom: list[Telecom], system: str) -> str | None:
    """The first current number or address of a kind, a mobile one before others."""
    found = [t for t in telecom if t.system == system and t.value and t.use != "old"]
    found.sort(key=lambda t: t.use != "mobile")
    return found[0].value if found else None


class Communication(Loose):
    """A language, and whether the patient prefers it."""

    language: Concept = Field(default_factory=Concept)
    preferred: bool = False


class Address(Loose):
    """An Address, of which only the state is read (D32)."""

    use: Line | None = None
    state: Line | None = None
    period: Period = Field(default_factory=Period)


class ContactPerson(Loose):
    """Somebody of a Patient, how they are related, and until when."""

    relationship: list[Concept] = Field(default_factory=list)
    telecom: list[Telecom] = Field(default_factory=list)
    period: Period = Field(default_factory=Period)


class Succession(Loose):
    """A link of one Patient to another (`replaced-by`, `replaces`; the other types make no one of two)."""

    other: Reference = Field(default_factory=Reference)
    type: Line | None = None


class Patient(Loose):
    """A Patient."""

    resourceType: Literal["Patient"]
    id: ResourceId
    active: bool = True
    name: list[Name] = Field(default_factory=list)
    telecom: list[Telecom] = Field(default_factory=list)
    birthDate: Annotated[date | None, BeforeValidator(_day)] = None
    communication: list[Communication] = Field(default_factory=list)
    link: list[Succession] = Field(default_factory=list)
    address: list[Address] = Field(default_factory=list)
    contact: list[ContactPerson] = Field(default_factory=list)

    def linked(self, kind: str) -> tuple[str, ...]:
        """The other Patients of one type of link, as `Patient/id`."""
        found = [each.other.local for each in self.link if each.type == kind]
        return tuple(local for local in found if local is not None and local.startswith("Patient/"))

    def reached_by(self, system: str) -> str | None:
        """Their first current number or address of a kind, a mobile one before others."""
        return current(self.telecom, system)

    @property
    def state(self) -> str | None:
        """The state where they live, by its two letters; None where the record doesn't say it so."""
        homes = [a for a in self.address if a.use in (None, "home") and a.period.end is None]
        homes.sort(key=lambda a: a.use is None)
        found = (homes[0].state or "").strip().upper() if homes else ""
        return found if _STATE.fullmatch(found) else None


class Entry(Loose):
    """An entry of a Bundle, raw: it may be of any type."""

    resource: dict[str, Any] = Field(default_factory=dict)


class Link(Loose):
    """Where other pages of a Bundle are."""

    relation: Line
    url: Annotated[str, Field(max_length=8000)]


class Bundle(Loose):
    """A page of a search."""

    resourceType: Literal["Bundle"]
    link: list[Link] = Field(default_factory=list)
    entry: list[Entry] = Field(default_factory=list)

    @property
    def next_url(self) -> str | None:
        """The page after this one."""
        return next((each.url for each in self.link if each.relation == "next"), None)


class Issue(Loose):
    """One issue of an OperationOutcome; its words aren't kept."""

    code: Annotated[str, Field(pattern=r"^[a-z-]{1,40}$")]


class OperationOutcome(Loose):
    """Why something was refused."""

    issue: list[Issue] = Field(default_factory=list)
