"""Which visits an incident reaches, what each of them hears, and which one leads those of its group or series (D1, D3,
D13, D14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caredispatch.core.asking import quiet_of
from caredispatch.core.draft import Draft
from caredispatch.core.facts import ContactFacts, Other
from caredispatch.core.ids import Id, make_id, site_id
from caredispatch.core.observation import Hit
from caredispatch.core.playbook import Playbook, Trigger
from caredispatch.core.records import Incident, IncidentKind, Leave
from caredispatch.core.windows import quiet_until

FOR_GOOD = timedelta(days=3650)
"""Who leaves is away from then on."""
_HERE = ("arrived", "checked-in")
_ACTIVE = ("pending", "booked", "arrived", "checked-in")
TRIGGER_OF: dict[IncidentKind, Trigger] = {
    "staff_unavailable": "staff_unavailable",
    "video_only": "staff_unavailable",
    "staff_leaving": "staff_leaving",
    "staff_late": "staff_late",
    "location_closed": "location_closed",
    "add_on": "add_on",
    "series_booked": "booked",
    "series_changed": "series_changed",
}


def span_of(incident: Incident) -> tuple[datetime, datetime]:
    """From when to when an incident reaches visits: one that leaves has none after that day."""
    ends = incident.end_at
    if incident.kind == "staff_leaving":
        ends = max(ends, incident.start_at + FOR_GOOD)
    return incident.start_at, ends


def affected(draft: Draft, incident: Incident) -> list[Other]:
    """The visits that it hits and that are still to be, in their order."""
    begin, end = span_of(incident)
    found = [
        o
        for o in draft.facts.others
        if o.status in _ACTIVE and o.start_at < end and begin < o.end_at and draft.now < o.end_at
        if incident.staff_id in (None, o.staff_id) and incident.location in (None, o.location)
        if incident.kind not in ("location_closed", "video_only") or o.modality == "in_person"
        if incident.kind != "staff_late" or o.status not in _HERE
    ]
    return sorted(found, key=lambda o: (o.start_at, o.appointment_id, o.role))


def leave(incident: Incident, *, away: bool) -> list[Leave]:
    """The time in which a person does not work any more because of it, or does again; a site that closes likewise."""
    if incident.kind == "location_closed" and incident.location is not None:
        site = site_id(incident.practice_id, incident.location)
        block_id = make_id("leave", incident.incident_id)
        return [Leave(incident.practice_id, block_id, site, incident.start_at, incident.end_at, away)]
    if incident.staff_id is None or incident.kind not in ("staff_unavailable", "staff_leaving"):
        return []
    begin, end = span_of(incident)
    return [Leave(incident.practice_id, make_id("leave", incident.incident_id), incident.staff_id, begin, end, away)]


def hits(draft: Draft, incident: Incident, found: Sequence[Other]) -> list[tuple[Id, Hit]]:
    """What each visit hears."""
    trigger = TRIGGER_OF[incident.kind]
    match incident.kind:
        case "staff_late":
            return [
                (o.appointment_id, Hit(incident.incident_id, trigger, o.role, minutes, staff_id=o.staff_id))
                for o, minutes in delays(found, incident, draft.playbook)
            ]
        case "location_closed":
            visits = list({o.appointment_id: o for o in found}.values())
            return [
                (
                    o.appointment_id,
                    Hit(incident.incident_id, trigger, reason=incident.reason, not_before=_paced(draft, o, place)),
                )
                for place, o in enumerate(visits)
            ]
        case _:
            return [(o.appointment_id, _lost(incident, trigger, o, found)) for o in found]


def _paced(draft: Draft, visit: Other, place: int) -> datetime:
    """When the text about the visit at this place may leave: so many a minute, from the end of the night on (D14). What
    begins before that waits for nothing: somebody phones."""
    site = draft.directory.locations.get(visit.location)
    contact = ContactFacts(Id(""), "sms", site.time_zone if site else "UTC")
    begin = quiet_until(contact, quiet_of(draft, "patient"), draft.now) or draft.now
    if visit.start_at <= begin:
        return draft.now
    return begin + timedelta(minutes=place // max(draft.playbook.paced_per_minute, 1))


def _lost(incident: Incident, trigger: Trigger, visit: Other, found: Sequence[Other]) -> Hit:
    """That a role lost its person; of visits that belong together the first leads."""
    together = [o.appointment_id for o in _belong(visit, found, series=incident.kind == "staff_leaving")]
    leads = together[0] == visit.appointment_id
    return Hit(
        incident.incident_id,
        trigger,
        visit.role,
        reason=incident.reason,
        lead=None if leads else together[0],
        staff_id=visit.staff_id,
        followers=tuple(together[1:]) if leads else (),
        video_only=incident.kind == "video_only",
    )


def _belong(visit: Other, found: Sequence[Other], *, series: bool) -> list[Other]:
    """The visits that lost the same role and share a session with this one, or where `series` a series, however many
    steps away; in their order."""
    same = [o for o in found if o.role == visit.role and o.staff_id == visit.staff_id]
    group = [visit]
    while True:
        sessions = {o.session_id for o in group}
        courses = {o.series_id for o in group if o.series_id is not None} if series else set()
        grown = [o for o in same if o.session_id in sessions or o.series_id in courses]
        if len(grown) == len(group):
            return grown
        group = grown


def delays(found: Sequence[Other], incident: Incident, playbook: Playbook) -> list[tuple[Other, int]]:
    """By how many minutes each of somebody's visits begins late who comes so many minutes late: gaps absorb it, and
    visits that are shortened, which end when they were to."""
    free_at = incident.start_at + timedelta(minutes=incident.minutes)
    known: list[tuple[Other, int]] = []
    first = True
    for visit in found:
        begins = visit.start_at + timedelta(minutes=incident.minutes) if first else max(visit.start_at, free_at)
        first = False
        late = int((begins - visit.start_at).total_seconds() // 60)
        known.append((visit, late))
        shorter = playbook.service(visit.service).shortens(late)
        ends = max(visit.end_at, begins) if shorter else begins + (visit.end_at - visit.start_at)
        free_at = max(free_at, ends)
    return known
