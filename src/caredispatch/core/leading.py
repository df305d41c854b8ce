"""Several visits of which the same is asked at once: they lost the same person (a group's, D1; a series', D3), or their
series was entered or changed in a source (D3). One leads, the others wait for what becomes of it. Here is the lead's
side: what marks the cases, and the word to those that follow."""

from __future__ import annotations

from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.observation import Hit, Passed
from caredispatch.core.records import PATIENT, Appointment, Case, CaseKind


def by_incident(draft: Draft, case: Case) -> Case:
    """A case that an incident opens: it knows which, and whether it leads or follows."""
    hit = draft.hit
    if hit is None:
        return case
    case = replace(case, incident_id=hit.incident_id, followers=hit.followers)
    if hit.lead is None:
        return case
    draft.note("follows", lead=hit.lead)
    return replace(case, follows=hit.lead, phase="following", due_at=draft.visit.start_at)


def with_series(draft: Draft, case: Case) -> Case:
    """A question about a series that was entered or changed in a source: it leads those of the other visits, or waits
    for what is heard there."""
    hit = draft.hit
    if hit is None or hit.since is None:
        return case
    return replace(case, incident_id=hit.incident_id, follows=hit.lead, followers=hit.followers)


def loses_all(draft: Draft, case: Case, staff_id: Id) -> None:
    """Whoever was asked for a whole series can't: every visit of it loses them, and this one leads the search."""
    incident = case.incident_id or case.case_id
    lost = Hit(incident, "staff_unavailable", case.role, lead=draft.visit.appointment_id, staff_id=staff_id)
    for follower in case.followers:
        draft.pass_on(follower, lost)
    draft.hit = replace(lost, lead=None, followers=case.followers)


def waits_for_lead(draft: Draft, case: Case) -> bool:
    """Whether a case only follows; from the start of its visit on nobody waits any more (promise 3)."""
    return case.phase == "following" and draft.now < draft.visit.start_at


def more_of(draft: Draft, case: Case) -> dict[str, str]:
    """What a text about a lead says of the others: how many visits of the group, or of the series after it."""
    if not case.followers:
        return {}
    if case.kind == "cover" and draft.directory.seats(draft.visit.service) > 1:
        return {"group": str(len(case.followers) + 1)}
    return {"after": str(len(case.followers))}


def tell_followers(draft: Draft) -> None:
    """What became of a lead in this decision goes to those that follow it: who has the role now, that a person has it,
    or that another leads since this visit is out of it."""
    before = {c.case_id: c.state for c in draft.before.cases}
    for case_id in sorted(draft.cases):
        case = draft.cases[case_id]
        was = before.get(case_id, "open")
        ended = was in ("open", "handed") and case.state not in ("open", was)
        if case.followers and (ended or _sure_after_all(draft, case)):
            word = _word(draft, case) if case.kind == "cover" else _heard(draft, case)
            if word is not None:
                for follower in case.followers:
                    draft.pass_on(follower, word)


def _who_is_sure(visit: Appointment | None, role: str) -> Id | None:
    """Who fills a role and said so, or knows of it; the patient who confirmed."""
    if visit is None:
        return None
    sure = visit.confirmation == "confirmed" if role == PATIENT else _is_sure(visit, role)
    return visit.actor(role) if sure else None


def _is_sure(visit: Appointment, role: str) -> bool:
    found = visit.participant(role)
    return found is not None and found.coverage == "confirmed"


def _sure_after_all(draft: Draft, case: Case) -> bool:
    """Whether an answer, or the news that a text arrived, came after its question had ended."""
    if case.kind != "confirm" or case.state not in ("settled", "handed"):
        return False
    return _who_is_sure(draft.visit, case.role) is not None and not _who_is_sure(draft.before.appointment, case.role)


def _heard(draft: Draft, case: Case) -> Passed | None:
    """What was heard for a whole series. Of a no each visit heard already (`loses_all`)."""
    if case.state == "closed":
        return lead_word(draft, case.followers, case.role, "confirm")
    if case.outcome == "declined" and case.role != PATIENT:
        return None
    who = _who_is_sure(draft.visit, case.role)
    visit_id = draft.visit.appointment_id
    return Passed("leads", visit_id, case.case_id, role=case.role, actor_id=who, about="confirm")


def _word(draft: Draft, case: Case) -> Passed:
    visit = draft.visit
    taken = visit.participant(case.role)
    if case.state == "handed":
        return Passed("leads", visit.appointment_id, case.case_id, role=case.role)
    if visit.active and taken is not None and taken.coverage in ("tentative", "confirmed"):
        return Passed(
            "leads",
            visit.appointment_id,
            case.case_id,
            role=case.role,
            actor_id=taken.actor_id,
            series_id=visit.series_id,
        )
    return lead_word(draft, case.followers, case.role)


def lead_word(draft: Draft, followers: tuple[Id, ...], role: str, about: CaseKind = "cover") -> Passed:
    """That this visit is out of it: the first of those that followed leads the others now."""
    lead, *others = followers
    return Passed("lead", draft.visit.appointment_id, role=role, lead=lead, followers=tuple(others), about=about)
