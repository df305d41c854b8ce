"""Where servers differ in how they say a thing, and what they then say: the service, an emergency, a series, the time
that somebody asks for. Sources: FHIR R4 and R5 Appointment; HL7 v2 table 0276 and v3 ActPriority for the codes of an
emergency; the R4 package of R5's elements (hl7.fhir.uv.xver-r5.r4), whose extension `originatingAppointment` names the
first visit of a series, which itself has `recurrenceTemplate`. R5's `recurrenceId` counts within a series and names
none; for servers whose visits of a series share an identifier (as Medplum's) there is the setting `series_system`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from caredispatch.connectors.fhir.resources import Appointment, Concept, Period
from caredispatch.contract.reading import FIRST_YEAR, LAST_YEAR
from caredispatch.contract.settings import Settings
from caredispatch.core.content import Content, instant_of, instant_text

R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment."
ORIGINATING, TEMPLATE = f"{R5}originatingAppointment", f"{R5}recurrenceTemplate"
ELEMENTS = ("priority", "appointmentType", "serviceCategory", "serviceType")
WITHOUT_TIME = ("proposed", "waitlist")
_DAY = len("2026-11-24")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one server says things. `urgent` are pairs of element and code."""

    service: str = "serviceType"
    urgent: frozenset[tuple[str, str]] = frozenset()
    series_system: str = ""
    zone: tzinfo = UTC


def dialect_of(settings: Settings) -> Dialect:
    """The dialect that a connection is set to. Raises ValueError naming a wrong setting and its fix."""
    marks = [mark.strip().partition("=") for mark in settings["urgent"].split(",") if mark.strip()]
    if not all(element in ELEMENTS and code for element, _, code in marks):
        raise settings.wrong("urgent", f"write element=code, separated by commas; elements: {', '.join(ELEMENTS)}")
    try:
        zone = ZoneInfo(settings["time_zone"])
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise settings.wrong("time_zone", "write an IANA name, as America/Denver") from None
    service = settings.one_of("service_element", "serviceType", "appointmentType")
    return Dialect(service, frozenset((element, code) for element, _, code in marks), settings["series_system"], zone)


def is_urgent(held: Appointment, dialect: Dialect) -> bool:
    """Whether the visit is marked as an emergency. R4's priority is iCalendar's: 1 is the highest."""
    number = {("priority", str(held.priority))} if isinstance(held.priority, int) else set()
    concepts: dict[str, Iterable[Concept]] = {
        "priority": [held.priority] if isinstance(held.priority, Concept) else [],
        "appointmentType": [held.appointmentType],
        "serviceCategory": held.serviceCategory,
        "serviceType": held.serviceType,
    }
    said = {(name, c.code) for name, some in concepts.items() for concept in some for c in concept.coding}
    return not dialect.urgent.isdisjoint(said | number)


def series_of(held: Appointment, dialect: Dialect) -> str | None:
    """What the server calls the visit's series: the identifier's value, or the `Appointment/id` that it began with."""
    if dialect.series_system:
        return next((i.value for i in held.identifier if i.system == dialect.series_system), None)
    if held.recurrenceTemplate or any(each.url == TEMPLATE for each in held.extension):
        return f"Appointment/{held.id}"
    origins = [held.originatingAppointment, *(e.valueReference for e in held.extension if e.url == ORIGINATING)]
    return next((each.local for each in origins if each.local), None)


def requested(held: Appointment, dialect: Dialect) -> Content:
    """When a visit without a time is asked for: the first period, for a later one would allow what nobody asked for
    in between."""
    if held.start is not None or held.status not in WITHOUT_TIME or not held.requestedPeriod:
        return {}
    period: Period = held.requestedPeriod[0]
    said = {
        "requested.from": _instant(period.start, dialect.zone, days_later=0),
        "requested.until": _instant(period.end, dialect.zone, days_later=1),
    }
    return {key: instant_text(at) for key, at in said.items() if at is not None}


def _instant(text: str | None, zone: tzinfo, days_later: int) -> datetime | None:
    """The instant that an end of a period stands for; a whole day ends when the next one begins. What is less exact
    than a day, or no time at all, says nothing."""
    if not text or not text.isascii():
        return None
    try:
        if len(text) == _DAY:
            day = date.fromisoformat(text) + timedelta(days=days_later)
            at = datetime.combine(day, time(), zone).astimezone(UTC)
        else:
            at = instant_of(text)
    except (ValueError, OverflowError):
        return None
    return at if FIRST_YEAR <= at.year <= LAST_YEAR else None
