"""Bringing a patient back after a no-show or a visit that the practice cancelled: they are offered times, their own
provider's first, and the case ends rebooked and landed, declined, or with a person (D13, D18, D23). A visit that is
still to be, and can't be as it is (a closed site, D14), is offered another way or time in the same manner."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.agreeing import LATER_NEWS
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Passed
from caredispatch.core.placing import advance_offers, owner_of
from caredispatch.core.playbook import FollowUp
from caredispatch.core.records import PROVIDER, SLOT, Appointment, Case, Option

LANDING = timedelta(minutes=30)
"""How long the new visit may take until every system has it; then a person looks."""


def open_follow_up(draft: Draft, action: FollowUp, rule: str) -> None:
    """Open the case on a visit that was missed or cancelled; its first step follows after a while. A visit is followed
    up once."""
    if draft.visit.patient_id is None:
        draft.note("no_patient")
        return
    if any(c.kind == "follow_up" for c in draft.cases.values()):
        draft.note("followed_up_already")
        return
    wait = timedelta(minutes=action.after)
    case = draft.new_case("follow_up", SLOT, rule, action.path)
    case = replace(case, due_at=draft.now + wait, phase="waiting")
    if draft.hit is not None:
        paced = draft.hit.not_before or draft.now
        case = replace(case, incident_id=draft.hit.incident_id, due_at=draft.now + max(paced - draft.now, wait))
    draft.put(case)
    draft.note("case_opened", kind="follow_up", role=SLOT, path=action.path)
    _clinicians(draft, case)


def _clinicians(draft: Draft, case: Case) -> bool:
    """A patient whom a clinician follows up hears nothing automated: the clinician is asked at once (D23)."""
    if draft.facts.patient is None or not draft.facts.patient.clinician_follows_up:
        return False
    draft.close(case, "handed", "clinician_follows_up")
    owner = draft.playbook.clinician or draft.playbook.last_owner
    detail = {"why": "clinician_follows_up", "rule": case.rule, "trigger": draft.visit.status}
    draft.raise_("handed_over", owner, case=case, detail=detail)
    return True


def follow_up_due(draft: Draft, case: Case) -> None:
    """Time passed for an open follow-up."""
    if case.phase == "booking":
        draft.close(case, "handed", "not_landed")
        detail = {"why": "not_landed", "booked": str(case.booked_id)}
        draft.raise_("not_placed", draft.playbook.last_owner, case=case, detail=detail)
        return
    if _over(draft, case) or _clinicians(draft, case):
        return
    case = replace(case, phase="asking")
    draft.put(case)
    advance_offers(draft, case)


def unagreed_at(draft: Draft) -> datetime | None:
    """When a person must have a visit of a closed site for which nothing else is agreed yet (D14, D18): by the time at
    which the patient must hear, or ten minutes after we knew; None where nobody need, or somebody has it."""
    visit = draft.visit
    going = (c for c in draft.cases.values() if c.kind == "follow_up" and c.state == "open")
    case = next((c for c in going if c.incident_id == visit.closed_by), None)
    if case is None or visit.closed_by is None or not visit.active or visit.start_at <= draft.now:
        return None
    if any(e.case_id == case.case_id for e in draft.exceptions.values()):
        return None
    return min(max(draft.tell_by(), case.opened_at + LATER_NEWS), visit.start_at - timedelta(minutes=1))


def unagreed(draft: Draft) -> None:
    """Put it before a person when it is time. The patient's question goes on: what they choose still counts."""
    at = unagreed_at(draft)
    if at is None or at > draft.now:
        return
    case = next(c for c in draft.cases.values() if c.kind == "follow_up" and c.state == "open")
    draft.raise_("call", owner_of(draft, case), case=case, detail={"need": "rebook", "why": "not_agreed_in_time"})


def _over(draft: Draft, case: Case) -> bool:
    """Whether nobody need be brought back any more: they came, or booked anew by themselves."""
    if draft.visit.status in ("arrived", "checked-in", "fulfilled"):
        draft.close(case, "closed", draft.visit.status)
        return True
    if draft.facts.successor is not None:
        draft.note("rescheduled_to", appointment=draft.facts.successor)
        draft.close(case, "closed", "rebooked_elsewhere")
        return True
    return False


def came_after_all(draft: Draft, before: Appointment | None) -> None:
    """A no-show turned up, or a cancelled visit is back: nobody is asked to come again (D13)."""
    gone = ("noshow", "cancelled", "entered-in-error")
    if before is None or before.status not in gone or draft.visit.status in gone:
        return
    for case in list(draft.cases.values()):
        if case.kind == "follow_up" and case.state in ("open", "handed"):
            draft.close(case, "closed", draft.visit.status)
            settled(draft, draft.visit.status)


def settled(draft: Draft, why: str) -> None:
    """What waits for a person because the patient had no time is done."""
    draft.resolve_exceptions(why, "not_placed", "slot_unfilled")
    for need in ("rebook", "place"):
        draft.resolve_exceptions(why, "call", need=need)
    for trigger in ("no_show", "cancelled", "noshow", "request_received", "add_on"):
        draft.resolve_exceptions(why, "handed_over", "stage_not_live", trigger=trigger)


def rebooked_id(case_id: Id, option: Option) -> Id:
    """The id of the visit that a follow-up's chosen time becomes."""
    return make_id("rebooked", case_id, option.start_at, option.provider_id, option.location)


def rebook(draft: Draft, case: Case, option: Option) -> None:
    """They chose a time: it becomes a visit of its own, which says what came of it."""
    visit = draft.visit
    to = rebooked_id(case.case_id, option)
    draft.put(replace(case, phase="booking", booked_id=to, due_at=draft.now + LANDING))
    word = Passed(
        "book",
        visit.appointment_id,
        case.case_id,
        option=option,
        service=visit.service,
        patient_id=visit.patient_id,
        instead_of=visit.appointment_id,
        role=PROVIDER,
        rule=case.rule,
    )
    draft.pass_on(to, word)


def _booked_elsewhere(draft: Draft, case: Case, event: Passed) -> None:
    """They booked anew by themselves, or somebody did it for them: nobody offers them times any more (D11)."""
    if event.word == "booked" and case.state in ("open", "handed") and case.phase != "booking":
        draft.note("rescheduled_to", appointment=event.origin)
        draft.close(case, "closed", "rebooked_elsewhere")
        settled(draft, "rebooked_elsewhere")
    else:
        draft.note("nothing_known", kind=event.word)


def rebooking_said(draft: Draft, event: Passed) -> None:
    """What became of the time that the patient chose: booked, landed everywhere, or gone meanwhile."""
    case = next((c for c in draft.cases.values() if c.kind == "follow_up"), None)
    if case is not None and case.booked_id != event.origin:
        _booked_elsewhere(draft, case, event)
        return
    if case is None or case.state not in ("open", "handed"):
        draft.note("nothing_known", kind=event.word)
    elif event.word == "landed":
        draft.close(case, "settled", "rebooked")
        settled(draft, "rebooked")
    elif event.word == "booked":
        draft.note("rescheduled_to", appointment=event.origin)
    elif case.state == "open":
        draft.note("time_gone")
        chosen = [a for a in draft.asks_of(case) if a.state == "accepted"]
        for row in chosen:
            draft.put(replace(row, state="withdrawn"))
        case = replace(case, phase="asking", booked_id=None, step=chosen[-1].step if chosen else case.step)
        draft.put(case)
        advance_offers(draft, case)
