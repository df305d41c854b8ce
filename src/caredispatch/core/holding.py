"""A candidate's time is held where others could book it, while the patient is asked, and a slot's while it is offered
(D19); what we booked is held where others could book it for as long as the system has no copy of the visit. What each
system should hold for the visit, and whether it does: a hold is no copy; it is projected like one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from caredispatch.core.agreeing import agree_by
from caredispatch.core.content import Content, instant_text
from caredispatch.core.draft import Draft
from caredispatch.core.filling import can_be_held
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Held
from caredispatch.core.projecting import ordering_key
from caredispatch.core.records import OURS, PROVIDER, Case, Delivery, Exception_, Hold, Occupation
from caredispatch.core.slots import offers_out


def hold(draft: Draft) -> None:
    """Compare what each system should hold for the visit with what it does, and let a change out."""
    able = {s.connection_id for s in draft.directory.systems.values() if s.holds_slots}
    for connection_id in sorted(able | draft.holds.keys()):
        there = draft.holds.get(connection_id) or Hold(
            draft.visit.practice_id, draft.visit.appointment_id, connection_id
        )
        content = _wanted(draft, connection_id) if connection_id in able else {}
        if there.wanted != content:
            draft.note("hold_wanted" if content else "hold_ended", system=connection_id)
            _let_out(draft, replace(there, wanted=content))


def _wanted(draft: Draft, connection_id: str) -> Content:
    """The time of everyone who said yes and waits for the patient's word, of a slot while it is offered (E10), and of
    a visit that would be sold again there, as it is booked; empty where there is none."""
    content = _unsold(draft, connection_id)
    for case in sorted(draft.cases.values(), key=lambda c: c.role):
        for row in draft.occupations.values():
            role = _held_for(draft, case, row.resource_id)
            if role is not None:
                content |= _time_of(row, role)
    return content


def _held_for(draft: Draft, case: Case, resource_id: Id) -> str | None:
    """The role in which somebody's time is kept by an open case, or None."""
    if case.state == "open" and case.phase == "agreeing" and resource_id == case.candidate_id:
        return case.role
    on_offer = case.state == "open" and case.kind == "fill" and can_be_held(draft) and offers_out(draft, case)
    return PROVIDER if on_offer and resource_id == draft.visit.actor(PROVIDER) else None


def _unsold(draft: Draft, connection_id: str) -> Content:
    """The provider's time of a visit that we booked, until the system has a copy of it. A group's seat is no time of
    its own."""
    visit, provider = draft.visit, draft.visit.actor(PROVIDER)
    by_us = visit.source == OURS or any(c.kind == "place" and c.state == "settled" for c in draft.cases.values())
    ahead = visit.active and visit.timed and not visit.is_slot and visit.end_at > draft.now
    there = any(li.connection_id == connection_id and li.external_id is not None for li in draft.links.values())
    if not by_us or not ahead or there or not can_be_held(draft):
        return {}
    rows = [row for row in draft.occupations.values() if row.resource_id == provider]
    return {k: v for row in rows for k, v in _time_of(row, PROVIDER).items()}


def _time_of(row: Occupation, role: str) -> Content:
    return {
        "start_at": instant_text(row.start_at),
        "end_at": instant_text(row.end_at),
        f"actor.{role}": row.resource_id,
    }


def _let_out(draft: Draft, there: Hold) -> None:
    """What may stand there is written down before it is sent: whatever becomes of the call, it is taken away again."""
    new = there.wanted and there.wanted not in there.placed
    there = replace(
        there,
        placed=(*there.placed, there.wanted) if new else there.placed,
        until=_until(draft) if there.wanted else None,
        version=there.version + 1,
    )
    draft.put(there)
    draft.send(
        Delivery(
            practice_id=there.practice_id,
            delivery_id=make_id("hold", there.appointment_id, there.connection_id, there.version),
            kind="hold",
            ordering_key=ordering_key(there.connection_id, there.appointment_id),
            created_at=draft.now,
            appointment_id=there.appointment_id,
            connection_id=there.connection_id,
        )
    )


def _until(draft: Draft) -> datetime:
    agreeing = any(c.state == "open" and c.phase == "agreeing" for c in draft.cases.values())
    return agree_by(draft) if agreeing else draft.visit.end_at


def held(draft: Draft, event: Held) -> None:
    """A hold was placed or taken away, or could not be: what may still stand there is known, or a person's to see."""
    there = draft.holds.get(event.connection_id)
    if there is None:
        draft.note("no_such_copy", system=event.connection_id)
    elif event.outcome == "delivered":
        left = (there.wanted, event.content)
        draft.put(replace(there, placed=tuple(c for c in there.placed if c in left or c not in event.cleared)))
        draft.resolve_exceptions("held_as_wanted", "delivery_failed", key=_key(event.connection_id))
    else:
        detail = {"system": event.connection_id, "why": "hold", "code": event.code or ""}
        draft.raise_("delivery_failed", draft.playbook.last_owner, key=_key(event.connection_id), detail=detail)


def hold_again(draft: Draft, row: Exception_ | None) -> None:
    """A person wants a hold that failed tried again: as it should be by now."""
    for there in list(draft.holds.values()):
        if row is not None and row.detail.get("key") == _key(there.connection_id):
            _let_out(draft, there)


def _key(connection_id: str) -> str:
    return f"hold:{connection_id}"
