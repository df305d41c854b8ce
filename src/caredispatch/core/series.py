"""One change of a whole series, seen visit by visit (D3): "all following" moved or given to somebody else, or a series
that is entered. The visits of it are gathered for as long as a cancellation settles; then the earliest leads, and staff
and patient hear once. What each visit does then is in `hitting`."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.clearing import knew
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.ids import make_id
from caredispatch.core.merge import Merged
from caredispatch.core.observation import Hit, Mode, SeriesSeen
from caredispatch.core.playbook import Trigger
from caredispatch.core.reaching import TRIGGER_OF
from caredispatch.core.records import PROVIDER, Appointment, Incident
from caredispatch.core.windows import zone

GATHERED = ("series_booked", "series_changed")


def is_gathered(draft: Draft, merged: Merged, mode: Mode) -> bool:
    """Whether what a visit's change stands for waits for the others of its series. What a person did here is about the
    one visit, and what changes several roles in different ways is told by itself."""
    visit = draft.visit
    by_a_source = merged.link is not None and mode == "live"
    one_thing = merged.moved or len(merged.roles) == 1
    return by_a_source and one_thing and visit.series_id is not None and visit.timed and visit.start_at > draft.now


def gather(draft: Draft, before: Appointment | None, merged: Merged, trigger: Trigger) -> None:
    """Say of this visit what changed, to the incident that it shares with the others of its series that changed the
    same: moved by as much of the wall clock, to the same place, with the same person."""
    visit = draft.visit
    booked = trigger == "booked"
    role = "" if booked or merged.moved else merged.roles[0]
    who = visit.actor(role or PROVIDER)
    to = () if booked else (_moved_by(draft, before), visit.location, visit.modality, visit.end_at - visit.start_at)
    subject = make_id("incident", visit.series_id, visit.patient_id, trigger, role, who, *to)
    lost = before.actor(role) if role and before is not None else None
    word = SeriesSeen(
        "series_booked" if booked else "series_changed",
        subject,
        visit.appointment_id,
        visit.start_at,
        visit.end_at,
        visit.source,
        role,
        lost if lost is not None and knew(draft, role, lost) else None,
    )
    draft.note("gathered", trigger=trigger)
    draft.pass_on(subject, word)


def _moved_by(draft: Draft, before: Appointment | None) -> int:
    """By how many minutes of the clock on the wall a visit was moved: the same in summer and winter."""
    if before is None:
        return 0
    since, to = (_wall(draft, v) for v in (before, draft.visit))
    return int((to - since).total_seconds() // 60)


def _wall(draft: Draft, visit: Appointment) -> datetime:
    return visit.start_at.astimezone(zone(draft.directory, visit.location)).replace(tzinfo=None)


def seen_in_series(draft: Draft, event: SeriesSeen) -> None:
    """One more visit of a change; the first of them opens the incident. What comes after the others were told is
    another one."""
    incident = draft.incident
    if incident is None or incident.state != "proposed":
        incident = Incident(
            practice_id=draft.directory.practice_id,
            incident_id=event.incident_id,
            kind=event.incident,
            at=draft.now,
            state="proposed",
            start_at=event.start_at,
            end_at=event.end_at,
            reason=event.role,
            raised_by=event.source,
            due_at=draft.now + timedelta(minutes=draft.playbook.settle_minutes),
        )
    others = tuple(v for v in incident.visits if v != event.visit_id)
    first = not others or event.start_at < incident.start_at
    draft.incident = replace(
        incident,
        start_at=min(incident.start_at, event.start_at),
        end_at=max(incident.end_at, event.end_at),
        staff_id=incident.staff_id or event.lost_id,
        visits=(event.visit_id, *others) if first else (*others, event.visit_id),
    )


def all_gathered(draft: Draft, incident: Incident) -> None:
    """Each visit of the change hears of it: the earliest leads the others. One by itself is a visit like any other."""
    draft.incident = replace(incident, state="confirmed", due_at=None)
    lead, *followers = incident.visits
    trigger = TRIGGER_OF[incident.kind]
    if not followers and trigger == "series_changed":
        trigger = "rescheduled"
    for visit_id in incident.visits:
        leads = visit_id == lead
        word = Hit(
            incident.incident_id,
            trigger,
            incident.reason,
            lead=None if leads else lead,
            followers=tuple(followers) if leads else (),
            since=incident.at,
            lost_id=incident.staff_id if leads else None,
        )
        draft.pass_on(visit_id, word)
