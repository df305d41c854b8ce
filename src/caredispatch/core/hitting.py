"""An incident reaches one visit: who is out, late or gone, a site that closes, a series that changes (D3, D13, D14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import news_to_patient, tell
from caredispatch.core.clearing import patient_hears_who
from caredispatch.core.copying import replace
from caredispatch.core.cover import own_by_video_first
from caredispatch.core.draft import Draft
from caredispatch.core.following import taken_back
from caredispatch.core.leading import lead_word
from caredispatch.core.observation import Hit
from caredispatch.core.playbook import Section
from caredispatch.core.reacting import along, react
from caredispatch.core.records import PATIENT, PROVIDER


def hit(draft: Draft, event: Hit) -> None:
    """What an incident means for this visit."""
    draft.hit = event
    if event.undone:
        _undone(draft, event)
        return
    why = _spared(draft, event)
    if why:
        draft.note("not_hit", why=why)
        if event.followers:
            _leads_no_more(draft, event)
        return
    match event.trigger:
        case "staff_late":
            _late(draft, event)
        case "patient_late":
            _patient_late(draft, event)
        case "location_closed":
            _closed(draft, event)
        case "booked" | "rescheduled" | "series_changed":
            _of_series(draft, event)
        case _:
            _lost(draft, event)


def _leads_no_more(draft: Draft, event: Hit) -> None:
    """The next one leads those that would have followed this: for the role that was lost, or for all that is asked of a
    series."""
    if event.since is None:
        words = [lead_word(draft, event.followers, event.role)]
    else:
        staff = [p.role for p in draft.visit.participants if p.kind == "staff"]
        roles = [event.role] if event.role else [*staff, PATIENT]
        words = [lead_word(draft, event.followers, role, "confirm") for role in roles]
    for word in words:
        for follower in event.followers:
            draft.pass_on(follower, word)


def _spared(draft: Draft, event: Hit) -> str:
    """Why an incident is nothing to this visit (any more); empty when it is."""
    visit = draft.visit
    if not visit.active or visit.end_at <= draft.now:
        return "not_active"
    if visit.settle_at is not None:
        return "being_cancelled"
    if event.staff_id is not None and visit.actor(event.role) != event.staff_id:
        return "somebody_else"
    return "said_already" if event.since is not None and _said_since(draft, event.role, event.since) else ""


def _said_since(draft: Draft, role: str, since: datetime) -> bool:
    """Whether somebody was asked or told already how the visit stands: it changed twice meanwhile."""
    of_staff = (c for c in draft.cases.values() if c.kind == "confirm" and c.role != PATIENT and c.opened_at >= since)
    return any(role in ("", c.role) and c.outcome != "visit_changed" for c in of_staff)


def _may_be_by_video(draft: Draft, event: Hit) -> bool:
    """Whether it is the patient's to say whether whoever sees them by video only still does: not of a group, nor of
    what can't be by video."""
    service = draft.directory.services.get(draft.visit.service)
    one_patient = draft.visit.patient_id is not None and service is not None and service.capacity == 1
    free = draft.open_case("cover", event.role) is None and event.lead is None and not event.followers
    return (
        event.video_only and event.role == PROVIDER and one_patient and free and service is not None and service.video
    )


def _lost(draft: Draft, event: Hit) -> None:
    """The role lost its person: whatever they were asked or told of it, the answer is no. Who sees patients by video
    only keeps those whom that suits (D26)."""
    if _may_be_by_video(draft, event):
        draft.cover_role(event.role, "at_risk")
        react(draft, event.trigger, role=event.role)
        own_by_video_first(draft, event.role)
        return
    for row in list(draft.asks.values()):
        theirs = row.person_id == event.staff_id and row.role == event.role and row.person_kind == "staff"
        if theirs and row.state in ("pending", "sent", "accepted", "expired"):
            if row.open:
                draft.withdrawn.append(row.ask_id)
            draft.put(replace(row, state="declined", answered_at=draft.now, answered_via="incident"))
    draft.cover_role(event.role, "uncovered")
    sought = draft.open_case("cover", event.role)
    if sought is not None:
        draft.note("joined", role=event.role)
        draft.put(replace(sought, incident_id=event.incident_id, followers=event.followers))
        return
    react(draft, event.trigger, role=event.role)


def _late(draft: Draft, event: Hit) -> None:
    """The visit begins so many minutes late. Who is moved by little hears nothing; where the rules do not say what a
    patient hears of more, they hear how long; beyond the grace of a service that is made anew, a person does (D13)."""
    if event.minutes == draft.visit.late_minutes:
        draft.note("not_moved", minutes=event.minutes)
        return
    moved = abs(event.minutes - draft.visit.late_minutes)
    draft.record(late_minutes=event.minutes)
    draft.note("moved", minutes=event.minutes)
    if moved <= draft.playbook.moved_minutes:
        return
    react(draft, "staff_late")
    if draft.rules[-1].rule is None and draft.visit.patient_id is not None:
        news_to_patient(draft, "running_late", key=event.incident_id)
    _beyond_grace(draft, event)


def _beyond_grace(draft: Draft, event: Hit) -> bool:
    """Whether somebody comes later than a service puts up with. A visit to be made anew, or of which nothing would be
    left, is for a person."""
    service = draft.playbook.service(draft.visit.service)
    if event.minutes <= service.grace:
        return False
    draft.note("beyond_grace", minutes=event.minutes, then=service.when_late)
    visit = draft.visit
    nothing_left = service.shortens(event.minutes) and visit.start_at + timedelta(minutes=event.minutes) >= visit.end_at
    if service.when_late == "rebook" or nothing_left:
        detail = {"why": "too_late_to_see", "trigger": event.trigger, "minutes": str(event.minutes)}
        draft.raise_("handed_over", draft.playbook.last_owner, key=f"late:{event.trigger}", detail=detail)
    return True


def _patient_late(draft: Draft, event: Hit) -> None:
    """The patient comes late: whoever sees them knows; beyond grace the rules say what is done (D13)."""
    draft.record(late_minutes=event.minutes)
    draft.note("moved", minutes=event.minutes)
    if _beyond_grace(draft, event):
        react(draft, "patient_late")
        return
    for participant in draft.visit.participants:
        if participant.kind == "staff":
            tell(draft, "staff", participant.actor_id, "patient_late", key=event.incident_id)


def _closed(draft: Draft, event: Hit) -> None:
    """The site is closed then: nobody is asked whether they come, and the rules say what they are offered (D14)."""
    draft.record(closed_by=event.incident_id)
    confirming = draft.open_case("confirm", PATIENT)
    if confirming is not None:
        draft.close(confirming, "closed", "site_closed")
    draft.resolve_exceptions("site_closed", "call", need="confirm_patient")
    react(draft, "location_closed")


def _of_series(draft: Draft, event: Hit) -> None:
    """A series was entered or changed in a source: the visit that leads says so for all of them, once (D3)."""
    draft.concerned = (event.role,) if event.role else None
    agreement = draft.playbook.service(draft.visit.service).patient_agreement
    by_another = event.trigger == "series_changed" and event.role != ""
    staff_only = event.role != "" and not (by_another and agreement == "required")
    only: tuple[Section, ...] | None = ("staff",) if staff_only else None
    if event.lead is not None:
        along(draft, event.trigger, only=only)
        return
    after = {"after": str(len(event.followers))} if event.followers else {}
    if event.lost_id is not None:
        tell(draft, "staff", event.lost_id, "visit_cancelled_staff", key=event.incident_id, extra=after)
    react(draft, event.trigger, role=event.role or PROVIDER, only=only)
    if by_another and agreement == "notice":
        patient_hears_who(draft, event.incident_id, changed=True, extra=after)


def _undone(draft: Draft, event: Hit) -> None:
    """It was taken back: what nobody else took yet is as it was."""
    if draft.visit.closed_by == event.incident_id:
        draft.record(closed_by=None)
    if event.trigger == "staff_late" and draft.visit.active and draft.now < draft.visit.start_at:
        draft.record(late_minutes=0)
    for case in list(draft.cases.values()):
        if case.incident_id == event.incident_id and case.kind == "follow_up" and case.state == "open":
            draft.close(case, "closed", "taken_back")
            draft.resolve_exceptions("taken_back", "call", need="rebook")
    for case in list(draft.cases.values()):
        if case.incident_id != event.incident_id or case.kind != "cover" or case.state not in ("open", "handed"):
            continue
        if case.candidate_id is not None or any(a.stands_by for a in draft.asks_of(case)):
            draft.note("not_undone", role=case.role)
        else:
            taken_back(draft, case)
