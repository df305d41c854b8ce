"""What people enter into the outside systems, in those systems' own words: a client on the booking page, a clerk or a
portal in the EHR. How the systems behave is the world's (`world/`).

R4 has no series of its own. Its visits name the first of them by the documented cross-version extensions of R5's
elements `originatingAppointment`, `recurrenceId` and `occurrenceChanged` (hl7.org/fhir/uv/xver-r5.r4/0.1.0). An
emergency is `appointmentType` EMERGENCY of HL7's table 0276, with the highest `priority` (1, as in iCalendar)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from caredispatch.lab.cast import SERVICES, SITES, Client, Therapist

Resource = dict[str, Any]
R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment"
TABLE_0276 = "http://terminology.hl7.org/CodeSystem/v2-0276"


class Seen(Protocol):
    """Whoever is somebody's patient in the EHR."""

    @property
    def fhir_id(self) -> str:
        """Their id in the EHR."""


class Seeing(Protocol):
    """Whoever has a calendar in the EHR."""

    @property
    def practitioner(self) -> str:
        """Their id in the EHR."""


# ------------------------------------------------------------------ the booking page


def booking(client: Client, who: Therapist, start_at: datetime, service: str = "therapy-50") -> dict[str, Any]:
    """What a client enters on the booking page."""
    return {
        "calendarID": who.calendar,
        "appointmentTypeID": int(SERVICES[service][2]),
        "datetime": start_at.isoformat(),
        "firstName": client.given,
        "lastName": client.family,
        "phone": client.phone,
        "email": client.email,
    }


# ------------------------------------------------------------------ the EHR


def ehr_visit(
    client: Seen, who: Seeing, start_at: datetime, minutes: int = 50, *, service: str | None = None, **more: Any
) -> Resource:
    """An appointment that somebody entered straight into the EHR; `more` are further elements."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": start_at.isoformat(),
        "end": (start_at + timedelta(minutes=minutes)).isoformat(),
        **({"serviceType": [{"coding": [{"code": service}]}]} if service else {}),
        "participant": [_takes_part(f"Practitioner/{who.practitioner}"), _takes_part(f"Patient/{client.fhir_id}")],
        **more,
    }


def at_site(visit: Resource, number: str) -> Resource:
    """The appointment at a site, by the site's number in the EHR."""
    return {**visit, "participant": [*visit["participant"], _takes_part(f"Location/{number}")]}


def river_visit(client: Seen, who: Therapist, start_at: datetime, service: str = "therapy-50", **more: Any) -> Resource:
    """An appointment in River's EHR with its service and its therapist's site."""
    _, minutes, number = SERVICES[service]
    return at_site(ehr_visit(client, who, start_at, minutes, service=number, **more), SITES[who.site][3])


def ehr_busy(who: Seeing, start_at: datetime, minutes: int = 50) -> Resource:
    """Time in the EHR in which somebody is elsewhere: a slot of their schedule."""
    return {
        "resourceType": "Slot",
        "schedule": {"reference": f"Schedule/{who.practitioner}"},
        "status": "busy-unavailable",
        "start": start_at.isoformat(),
        "end": (start_at + timedelta(minutes=minutes)).isoformat(),
    }


def ehr_request(
    client: Seen, service: str, begin_at: datetime, end_at: datetime, *, site: str, who: Seeing | None = None
) -> Resource:
    """What a patient asks for on the portal: no time yet, only when it suits (`requestedPeriod`)."""
    people = [_takes_part(f"Patient/{client.fhir_id}"), _takes_part(f"Location/{site}")]
    if who is not None:
        people.append(_takes_part(f"Practitioner/{who.practitioner}", "needs-action"))
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        "serviceType": [{"coding": [{"code": service}]}],
        "requestedPeriod": [{"start": begin_at.isoformat(), "end": end_at.isoformat()}],
        "participant": people,
    }


def as_emergency(request: Resource) -> Resource:
    """A request that can't wait, as an EHR flags it."""
    kind = {"coding": [{"system": TABLE_0276, "code": "EMERGENCY", "display": "Emergency appointment"}]}
    return {**request, "appointmentType": kind, "priority": 1}


def ehr_series(visits: Sequence[Resource], first_id: str) -> list[Resource]:
    """Appointments as the occurrences of one series; the first gets `first_id`, and the others name it."""
    timing = [
        {"url": "recurrenceType", "valueCodeableConcept": {"coding": [{"code": "wk"}]}},
        {"url": "occurrenceCount", "valuePositiveInt": len(visits)},
    ]
    made = []
    for number, visit in enumerate(visits, start=1):
        extension: list[Resource] = [{"url": f"{R5}.recurrenceId", "valuePositiveInt": number}]
        if number == 1:
            extension.append({"url": f"{R5}.recurrenceTemplate", "extension": timing})
        else:
            first = {"reference": f"Appointment/{first_id}"}
            extension.append({"url": f"{R5}.originatingAppointment", "valueReference": first})
        made.append({**visit, "id": first_id if number == 1 else f"{first_id}-{number}", "extension": extension})
    return made


def moved_off_pattern(visit: Resource) -> Resource:
    """An occurrence that is not where its series would have it."""
    off = {"url": f"{R5}.occurrenceChanged", "valueBoolean": True}
    return {**visit, "extension": [*visit.get("extension", []), off]}


def _takes_part(reference: str, status: str = "accepted") -> Resource:
    return {"actor": {"reference": reference}, "status": status}
