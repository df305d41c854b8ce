"""What hits several visits at once: it is echoed where staff said it their way (D26), then every visit that it reaches
is told, and decides for itself (D3, D13, D14, E18). Which of them leads others is in `reaching`."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.content import instant_text
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import Other
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Acted, Announced, Hit, Observation, SeriesSeen, Settled
from caredispatch.core.reaching import TRIGGER_OF, affected, hits, leave
from caredispatch.core.records import Exception_, Incident, IncidentKind
from caredispatch.core.saying import say_to
from caredispatch.core.series import GATHERED, all_gathered, seen_in_series

UNDONE_WITHIN = timedelta(hours=24)
LISTED = 12
"""So many sessions are named in an echo, a group's once with its patients; the others are counted."""
ECHO: dict[IncidentKind, str] = {"staff_late": "staff_echo_late", "video_only": "staff_echo_video"}


def incident_of(practice_id: Id, event: Announced) -> Id:
    """The subject of an announcement. The same thing announced twice is one incident."""
    what = event.staff_id or event.location or ""
    said = event.text_id or f"{event.start_at.isoformat()}/{event.end_at.isoformat()}/{event.minutes}"
    return make_id("incident", practice_id, event.incident, what, said)


def about_incident(draft: Draft, event: Observation) -> None:
    """Something about an incident: announced, confirmed, dropped, undone, or not confirmed in time."""
    incident = draft.incident
    if isinstance(event, SeriesSeen):
        seen_in_series(draft, event)
    elif isinstance(event, Announced):
        if incident is not None and incident.state in ("proposed", "confirmed"):
            draft.note("known_already", incident=incident.incident_id)
        else:
            _announced(draft, event)
    elif incident is None:
        draft.note("nothing_known", kind=event.kind)
    elif isinstance(event, Settled):
        _settled(draft, incident, event)
    elif incident.state == "proposed" and incident.due_at is not None and incident.due_at <= draft.now:
        if incident.kind in GATHERED:
            all_gathered(draft, incident)
        else:
            _nobody_confirmed(draft, incident)
    else:
        draft.note("nothing_known", kind=event.kind)


def _announced(draft: Draft, event: Announced) -> None:
    practice_id = draft.directory.practice_id
    incident = Incident(
        practice_id=practice_id,
        incident_id=incident_of(practice_id, event),
        kind=event.incident,
        at=draft.now,
        state="proposed",
        start_at=event.start_at,
        end_at=event.end_at,
        staff_id=event.staff_id,
        location=event.location,
        minutes=event.minutes,
        reason=event.reason,
        raised_by=event.by,
        contact_id=event.contact_id,
        due_at=draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes),
    )
    found = affected(draft, incident)
    draft.incident = incident = replace(incident, visits=_ids(found))
    draft.note("announced", kind=event.incident, visits=len(incident.visits), by=event.by)
    if event.sure:
        _confirmed(draft, incident)
    else:
        _echo(draft, incident, found, ECHO.get(incident.kind, "staff_echo"))


def _settled(draft: Draft, incident: Incident, event: Settled) -> None:
    match event.label:
        case _ if incident.kind in GATHERED:
            # A source says so: what is done there is undone there.
            draft.note("refused", why="incident_over")
        case "yes" if incident.state == "proposed":
            draft.note("incident_confirmed", by=event.by)
            _before_human_no_more(draft, incident, event.by)
            _confirmed(draft, incident)
        case "no" if incident.state == "proposed":
            draft.note("incident_dropped", by=event.by)
            _before_human_no_more(draft, incident, event.by)
            draft.incident = replace(incident, state="dropped", due_at=None)
            _echo(draft, incident, [], "staff_dropped")
        case "undo" if incident.state == "confirmed" and draft.now - incident.at < UNDONE_WITHIN:
            draft.note("incident_undone", by=event.by)
            draft.incident = replace(incident, state="undone")
            draft.leaves += leave(incident, away=False)
            for visit_id in incident.visits:
                draft.pass_on(visit_id, Hit(incident.incident_id, TRIGGER_OF[incident.kind], undone=True))
        case _:
            draft.note("refused", why="incident_over")


def _confirmed(draft: Draft, incident: Incident) -> None:
    """It is so: whoever is away is so for everybody's ranking, and each visit that it reaches hears of it."""
    found = affected(draft, incident)
    draft.incident = incident = replace(incident, state="confirmed", visits=_ids(found), due_at=None)
    draft.leaves += leave(incident, away=True)
    for visit_id, word in hits(draft, incident, found):
        draft.pass_on(visit_id, word)
    if incident.contact_id is not None:
        _echo(draft, incident, found, "staff_noted")


def _nobody_confirmed(draft: Draft, incident: Incident) -> None:
    """What staff said was not confirmed in time: a person confirms or drops it (D26)."""
    draft.incident = replace(incident, due_at=None)
    detail = {
        "incident": incident.incident_id,
        "what": incident.kind,
        "person": incident.staff_id or "",
        "visits": str(len(incident.visits)),
        "from": instant_text(incident.start_at),
        "to": instant_text(incident.end_at),
        "minutes": str(incident.minutes),
    }
    owner = draft.playbook.last_owner
    row = Exception_(
        practice_id=incident.practice_id,
        exception_id=_exception_of(incident),
        kind="staff_notice",
        owner=owner,
        raised_at=draft.now,
        ack_by=draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes),
        detail=detail,
    )
    draft.put(row)
    draft.note("raised", kind="staff_notice", owner=owner)


def _exception_of(incident: Incident) -> Id:
    return make_id("exception", incident.incident_id, "staff_notice", incident.at)


def _before_human_no_more(draft: Draft, incident: Incident, by: str) -> None:
    """A person who was given it to confirm need not look any more."""
    if incident.due_at is None:
        exception_id = _exception_of(incident)
        draft.pass_on(exception_id, Acted("resolve", by, exception_id, {"note": "settled"}))


def _ids(found: list[Other]) -> tuple[Id, ...]:
    return tuple(dict.fromkeys(o.appointment_id for o in found))


def _named(session: list[Other]) -> str:
    """A session as an echo names it: a group's with how many patients it has."""
    when, patients = f"{instant_text(session[0].start_at)} {session[0].location}", len(_ids(session))
    return f"{when} {patients}" if patients > 1 else when


def _echo(draft: Draft, incident: Incident, found: list[Other], text: str) -> None:
    """Say back to whoever announced it what was understood, with the visits that it affects."""
    if incident.contact_id is None or incident.staff_id is None:
        return
    staff = draft.directory.staff.get(incident.staff_id)
    home = next((h.location for h in staff.hours), "") if staff else ""
    sessions = dict.fromkeys(o.session_id for o in found)
    named = [_named([o for o in found if o.session_id == session]) for session in sessions]
    params = {
        "location": home,
        "from": instant_text(incident.start_at),
        "to": instant_text(incident.end_at),
        "minutes": str(incident.minutes),
        "visits": ";".join(named[:LISTED]),
        "count": str(len(_ids(found))),
    }
    say_to(draft, incident.contact_id, incident.staff_id, text, key=incident.incident_id, params=params)
