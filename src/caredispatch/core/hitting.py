"""An incident reaches one visit: who is out, late or gone, a site that closes (D3, D13, D14)."""

from __future__ import annotations

from dataclasses import replace

from caredispatch.core.draft import Draft
from caredispatch.core.following import taken_back
from caredispatch.core.leading import lead_word
from caredispatch.core.observation import Hit
from caredispatch.core.reacting import react


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
            word = lead_word(draft, event.followers, event.role)
            for follower in event.followers:
                draft.pass_on(follower, word)
        return
    match event.trigger:
        case _:
            _lost(draft, event)


def _spared(draft: Draft, event: Hit) -> str:
    """Why an incident is nothing to this visit (any more); empty when it is."""
    visit = draft.visit
    if not visit.active or visit.end_at <= draft.now:
        return "not_active"
    if visit.settle_at is not None:
        return "being_cancelled"
    if event.staff_id is not None and visit.actor(event.role) != event.staff_id:
        return "somebody_else"
    return ""


def _lost(draft: Draft, event: Hit) -> None:
    """The role lost its person: whatever they were asked or told of it, the answer is no."""
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


def _undone(draft: Draft, event: Hit) -> None:
    """It was taken back: what nobody else took yet is as it was."""
    for case in list(draft.cases.values()):
        if case.incident_id != event.incident_id or case.kind != "cover" or case.state not in ("open", "handed"):
            continue
        if case.candidate_id is not None or any(a.stands_by for a in draft.asks_of(case)):
            draft.note("not_undone", role=case.role)
        else:
            taken_back(draft, case)
