"""A visit that lost the same person as the one that leads it (D1, D3): it takes whom that one found without asking
staff again, each patient by the service's agreement; it goes its own way where it must."""

from __future__ import annotations

from caredispatch.core.agreeing import takes_it
from caredispatch.core.asking import tell
from caredispatch.core.clearing import patient_hears_who, role_filled
from caredispatch.core.confirm import gate_ends, knows
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Question, judge
from caredispatch.core.ids import Id
from caredispatch.core.leading import lead_word
from caredispatch.core.observation import Passed
from caredispatch.core.occupying import take
from caredispatch.core.records import PATIENT, Case


def lead_said(draft: Draft, event: Passed) -> None:
    """What the visit that this one follows settled on: a person, or that a human has it."""
    case = _follower(draft, event)
    if case is None or not draft.visit.active or draft.now >= draft.visit.start_at:
        draft.note("follows_no_more", lead=event.origin)
        return
    if event.about == "confirm":
        _heard(draft, case, event)
    elif event.actor_id is None:
        if case.state == "open":
            draft.close(case, "handed", "lead_handed")
    elif event.actor_id == case.lost_id:
        taken_back(draft, case)
    elif not _takes(draft, case, event.actor_id):
        _not_with_them(draft, case, event.actor_id)
    else:
        draft.note("led", person=event.actor_id, lead=event.origin)
        case = replace(case, state="open", outcome=None, closed_at=None, candidate_id=event.actor_id)
        takes_it(draft, case, agreed=_agreed(draft, event))


def _heard(draft: Draft, case: Case, event: Passed) -> None:
    """What was heard for a whole series: they know, or confirmed it; or a person has it. A patient whose turn about
    this visit comes is asked then."""
    theirs = event.actor_id is not None and event.actor_id == draft.visit.actor(case.role)
    if case.phase == "waiting":
        draft.note("own_turn", role=case.role)
    elif not theirs:
        if case.state == "open" and case.phase == "following":
            draft.close(case, "handed", "lead_handed")
    elif case.phase == "checking" and case.state == "open":
        draft.cover_role(case.role, "confirmed")
    elif case.role == PATIENT:
        draft.record(confirmation="confirmed", confirmed_at=draft.now)
        draft.close(case, "settled", "with_the_series")
    else:
        knows(draft, replace(case, state="open"), "with_the_series")


def lead_is(draft: Draft, event: Passed) -> None:
    """Another visit leads: this one, which searches afresh, or one that this follows from now on."""
    case = _follower(draft, event)
    leads = event.lead == draft.visit.appointment_id
    if case is None:
        draft.note("follows_no_more", lead=event.origin)
        if leads and event.followers:
            word = lead_word(draft, event.followers, event.role, event.about)
            for follower in event.followers:
                draft.pass_on(follower, word)
    elif not leads:
        draft.put(replace(case, follows=event.lead))
    else:
        draft.note("leads_now", role=case.role)
        case = replace(case, state="open", outcome=None, closed_at=None, follows=None, followers=event.followers)
        if case.role == PATIENT:
            draft.put(replace(case, phase="gated", due_at=gate_ends(draft)))
        elif case.phase == "checking":
            draft.put(case)
        else:
            draft.put(replace(case, phase="asking", due_at=draft.now))


def taken_back(draft: Draft, case: Case) -> None:
    """Whoever was lost can after all, and nobody else took it yet: they have it as before."""
    told = [a for a in draft.asks_of(case) if a.open and a.purpose == "cover" and a.sent_at is not None]
    draft.close(case, "closed", "taken_back")
    for other in told:
        tell(draft, "staff", other.person_id, "withdrawn_cover", key=other.ask_id)
    draft.cover_role(case.role, "confirmed")
    draft.resolve_exceptions("taken_back", "nobody_found", role=case.role)
    role_filled(draft, case.role, "taken_back")
    patient_hears_who(draft, f"{case.case_id}:taken_back", changed=False)


def _follower(draft: Draft, event: Passed) -> Case | None:
    """The case that follows where a word comes from."""
    key = (event.about, event.role, event.origin)
    found = [c for c in draft.cases.values() if (c.kind, c.role, c.follows) == key]
    sought = draft.open_case(event.about, event.role)
    return next((c for c in found if c.state in ("open", "handed") and sought in (None, c)), None)


def _takes(draft: Draft, case: Case, staff_id: Id) -> bool:
    """Book whom the lead found, if they may see this patient too. A group has one care plan, the lead's."""
    staff = draft.directory.staff.get(staff_id)
    if staff is None:
        return False
    _, reasons = judge(Question(draft.visit, case, draft.facts, draft.directory), staff)
    against = [r for r in reasons if not (_is_group(draft) and r.startswith("care_plan"))]
    return not against and take(draft, staff_id)


def _not_with_them(draft: Draft, case: Case, staff_id: Id) -> None:
    """Whom the lead found can't see this one. A visit of a series is covered by itself; one of a group can't be, and
    its path's human gets it."""
    draft.note("not_led", person=staff_id)
    case = replace(case, state="open", outcome=None, closed_at=None, phase="asking", due_at=draft.now)
    draft.put(case if _is_group(draft) else replace(case, follows=None))


def _is_group(draft: Draft) -> bool:
    return draft.directory.seats(draft.visit.service) > 1


def _agreed(draft: Draft, event: Passed) -> bool:
    """Whether the patient agreed with the lead's visit: a new provider is agreed once per series (D3)."""
    return event.series_id is not None and event.series_id == draft.visit.series_id and not _is_group(draft)
