"""Somebody wants a visit that has no time yet, or waits for one: it is on record from now on (D15, D19). What is asked
for at once sets off its trigger; an entry of the waitlist waits until there is a time to offer."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Requested
from caredispatch.core.reacting import react
from caredispatch.core.records import OURS, PATIENT, Appointment, Participant
from caredispatch.core.requests import last_time


def request_id(practice_id: str, event: Requested) -> Id:
    """The id of the visit that a request becomes: the same however often it arrives."""
    what = "waiting" if event.waitlist else "request"
    return make_id(what, practice_id, event.patient_id, event.service, event.location, event.request.since)


def requested(draft: Draft, event: Requested) -> None:
    """Put a request on record, and act on it."""
    practice_id = draft.directory.practice_id
    appointment_id = request_id(practice_id, event)
    draft.appointment = Appointment(
        practice_id=practice_id,
        appointment_id=appointment_id,
        session_id=make_id("session", appointment_id),
        source=OURS,
        service=event.service,
        location=event.location,
        modality=event.modality,
        status="waitlist" if event.waitlist else "proposed",
        start_at=last_time(draft.directory, event.service, event.request.until),
        end_at=event.request.until,
        created_at=draft.now,
        participants=(Participant(PATIENT, "patient", event.patient_id),),
        request=event.request,
    )
    draft.note("requested", by=event.by, service=event.service)
    if not event.waitlist:
        react(draft, "add_on" if event.request.urgent else "request_received")
