"""Several visits that lost the same person at once (a group's, D1; a series', D3): one leads and is covered, the others
wait for what becomes of it. Here is the lead's side: what marks the cases, and the word to those that follow."""

from __future__ import annotations

from dataclasses import replace

from caredispatch.core.draft import Draft
from caredispatch.core.observation import Passed
from caredispatch.core.records import Case


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


def waits_for_lead(draft: Draft, case: Case) -> bool:
    """Whether a case only follows; from the start of its visit on nobody waits any more (promise 3)."""
    return case.phase == "following" and draft.now < draft.visit.start_at


def more_of(draft: Draft, case: Case) -> dict[str, str]:
    """What a text about a lead says of the others: how many visits of the group, or of the series after it."""
    if not case.followers:
        return {}
    if draft.directory.seats(draft.visit.service) > 1:
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
        if case.followers and ended:
            word = _word(draft, case)
            for follower in case.followers:
                draft.pass_on(follower, word)


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


def lead_word(draft: Draft, followers: tuple[str, ...], role: str) -> Passed:
    """That this visit is out of it: the first of those that followed leads the others now."""
    lead, *others = followers
    return Passed("lead", draft.visit.appointment_id, role=role, lead=lead, followers=tuple(others))  # type: ignore[arg-type]  # ids
