"""An Appointment and the normal form: read from it, written into it. Writing changes what it must and keeps the rest of
the resource as the server sent it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from caredispatch.connectors.fhir.dialect import Dialect, is_urgent, requested, series_of
from caredispatch.connectors.fhir.related import Who, contacts_of
from caredispatch.connectors.fhir.resources import OURS, STAFF, Appointment, Participant, Patient
from caredispatch.contract.seen import Initiator, SeenAppointment, SeenPatient, SeenRecord
from caredispatch.core.content import Content, instant_of, instant_text

Resource = dict[str, Any]
PRIMARY = "PPRF"
REASONS = "http://terminology.hl7.org/CodeSystem/appointment-cancellation-reason"
REASON_OF: dict[Initiator, str] = {"patient": "pat", "practice": "prov"}
INITIATOR_OF: dict[str, Initiator] = {"pat": "patient", "prov": "practice"}


def provider_in(held: Appointment) -> int | None:
    """The place of the provider among the participants: the primary performer, else the first member of staff."""
    staff = [n for n, each in enumerate(held.participant) if each.who.startswith(STAFF)]
    primary = [n for n in staff if any(c.code == PRIMARY for t in held.participant[n].type for c in t.coding)]
    return next(iter([*primary, *staff]), None)


def place_of(held: Appointment, kind: str) -> int | None:
    """The place of the first participant of a type (`Patient/`, `Location/`)."""
    return next((n for n, each in enumerate(held.participant) if each.who.startswith(kind)), None)


def content_of(held: Appointment, dialect: Dialect) -> Content:
    """The normal form. Staff and places are `Type/id`; what the resource doesn't say is missing."""
    people = held.participant
    provider, patient, location = provider_in(held), place_of(held, "Patient/"), place_of(held, "Location/")
    by_type = dialect.service == "appointmentType"
    concept = held.appointmentType if by_type else next(iter(held.serviceType), None)
    said = {
        "start_at": instant_text(held.start) if held.start else None,
        "end_at": instant_text(held.end) if held.end else None,
        "status": held.status,
        "service": concept.code if concept else None,
        "location": people[location].who if location is not None else None,
        "actor.provider": people[provider].who if provider is not None else None,
        "accepted.provider": people[provider].status if provider is not None else None,
        "accepted.patient": people[patient].status if patient is not None else None,
        "urgent": "true" if is_urgent(held, dialect) else None,
        "series": series_of(held, dialect),
        **requested(held, dialect),
    }
    return {key: value for key, value in said.items() if value is not None}


def patient_of(held: Appointment) -> str | None:
    """`Patient/id`."""
    place = place_of(held, "Patient/")
    return held.participant[place].who if place is not None else None


def seen_of(held: Appointment, patient: SeenPatient | None, dialect: Dialect) -> SeenAppointment:
    """The appointment whole. Who cancelled shows by the reason's code (`pat-crs` is `pat`, more closely)."""
    version = held.meta.versionId or ""
    reason = (held.cancelationReason.code or "").partition("-")[0]
    return SeenAppointment(
        external_id=held.id,
        content=content_of(held, dialect),
        patient=patient,
        etag=held.etag,
        order=int(version) if version.isascii() and version.isdigit() and len(version) < 19 else None,
        ours=held.ours,
        initiator=INITIATOR_OF.get(reason) if held.status == "cancelled" else None,
        changed_at=held.meta.lastUpdated,
    )


def identity_of(patient: Patient, who: Who) -> SeenPatient:
    """Their official name if there is one, else the first; and `who` of their contacts."""
    names = sorted(patient.name, key=lambda name: name.use != "official")
    languages = sorted(patient.communication, key=lambda each: not each.preferred)
    return SeenPatient(
        external_id=f"Patient/{patient.id}",
        given=" ".join(names[0].given) or None if names else None,
        family=names[0].family if names else None,
        birth_date=patient.birthDate,
        phone=patient.reached_by("phone") or patient.reached_by("sms"),
        email=patient.reached_by("email"),
        language=languages[0].language.code if languages else None,
        record=SeenRecord(
            replaced_by=next((SeenPatient(external_id=local) for local in patient.linked("replaced-by")), None),
            replaces=patient.linked("replaces"),
            contacts=contacts_of(patient, who),
            state=patient.state,
        ),
    )


# ---------------------------------------------------------------------- writing


def fresh(appointment_id: str, content: Content, patient: str, service: dict[str, Any]) -> Resource:
    """A new Appointment that carries our id. Whoever hasn't answered needs to act."""
    accepted = {key: content.get(f"accepted.{key}", "needs-action") for key in ("patient", "provider")}
    people = [{"actor": {"reference": patient}, "status": accepted["patient"]}]
    if "actor.provider" in content:
        people.append({"actor": {"reference": content["actor.provider"]}, "status": accepted["provider"]})
    if "location" in content:
        people.append({"actor": {"reference": content["location"]}, "status": "accepted"})
    times = {name: content[key] for name, key in (("start", "start_at"), ("end", "end_at")) if key in content}
    return {
        "resourceType": "Appointment",
        "identifier": [{"system": OURS, "value": appointment_id}],
        "status": content.get("status", "booked"),
        **service,
        **times,
        "participant": people,
    }


def changed(
    raw: Resource, held: Appointment, todo: Content, service: dict[str, Any], why: Initiator | None
) -> Resource:
    """The resource with some keys of the normal form set; all else as it was."""
    made = deepcopy(raw)
    for key, name in (("start_at", "start"), ("end_at", "end"), ("status", "status")):
        if key in todo:
            made[name] = todo[key]
    if "service" in todo:
        made.update(service)
    if todo.get("status") == "cancelled" and why is not None:
        made["cancelationReason"] = {"coding": [{"system": REASONS, "code": REASON_OF[why]}]}
    if "minutesDuration" in made and {"start_at", "end_at"} & set(todo) and made.get("start") and made.get("end"):
        made["minutesDuration"] = _minutes(made)
    people: list[Any] = made.setdefault("participant", [])
    _set_person(people, provider_in(held), todo.get("actor.provider"), todo.get("accepted.provider"))
    _set_person(people, place_of(held, "Patient/"), None, todo.get("accepted.patient"))
    _set_person(people, place_of(held, "Location/"), todo.get("location"), None, at_once="accepted")
    return made


def _set_person(
    people: list[Any], place: int | None, who: str | None, answer: str | None, at_once: str = "needs-action"
) -> None:
    """Another actor in a participant's place (whose answer then is theirs to give), or another answer of the same
    one."""
    if place is None and who is not None:
        people.append({"actor": {"reference": who}, "status": answer or at_once})
    elif place is not None and who is not None:
        people[place] = {**people[place], "actor": {"reference": who}, "status": answer or at_once}
    elif place is not None and answer is not None:
        people[place] = {**people[place], "status": answer}


def _minutes(made: Resource) -> int:
    length = instant_of(made["end"]) - instant_of(made["start"])
    return max(1, int(length.total_seconds()) // 60)


def blocking(person: Participant, actors: set[str]) -> bool:
    """Whether a participant keeps one of the asked people busy."""
    return person.who in actors and person.status != "declined"
