"""What people decide on the pages. A person's decision stands; automation backs off (D28, promise 6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from caredispatch.core.asking import tell
from caredispatch.core.confirm import open_confirm
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.occupying import release, take
from caredispatch.core.observation import Acted
from caredispatch.core.reacting import react
from caredispatch.core.records import Exception_


def acted(draft: Draft, event: Acted) -> None:
    """Carry out one act of a signed-in person."""
    row = draft.exceptions.get(event.exception_id) if event.exception_id else None
    draft.note("by_hand", act=event.act, account=event.account, **event.params)
    match event.act:
        case "assign":
            _assign(draft, event, row)
        case "cancel":
            cancel_visit(draft, "by_hand", event.account)
        case "resolve":
            _resolved(draft, row, event)
        case "claim":
            if row and row.state == "open":
                draft.put(replace(row, state="claimed", claimed_by=event.account))
        case "release_claim":
            if row and row.state == "claimed":
                ack_by = draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes)
                draft.put(replace(row, state="open", claimed_by=None, ack_by=ack_by))
        case "retry_write":
            _again(draft, row, event)
        case "keep_ours" | "accept_theirs":
            _decide_conflict(draft, row, event)
        case "release_volume" | "discard_volume":
            held = draft.visit.held_triggers
            draft.record(held_triggers=())
            if event.act == "release_volume" and draft.visit.active and draft.visit.end_at > draft.now:
                for trigger in held:
                    react(draft, trigger)  # type: ignore[arg-type]  # only triggers are ever held


def _assign(draft: Draft, event: Acted, row: Exception_ | None) -> None:
    """Somebody is put on the visit by hand: cover ends, they and the patient are told."""
    role, staff_id = event.params.get("role", "provider"), Id(event.params.get("staff_id", ""))
    if staff_id not in draft.directory.staff:
        draft.note("refused", why="unknown_staff")
        return
    if not take(draft, staff_id):
        draft.note("refused", why="already_booked", person=staff_id)
        return
    for case in list(draft.cases.values()):
        if case.role == role and case.state in ("open", "handed"):
            draft.close(case, "closed", "by_hand")
    draft.cover_role(role, "tentative", staff_id)
    release(draft, keep=[p.actor_id for p in draft.visit.participants if p.actor_id is not None])
    open_confirm(draft, role, "by hand", "", "new_visit", ())
    if draft.visit.patient_id:
        tell(draft, "patient", draft.visit.patient_id, "patient_settled", key=event.account)
    for kind in ("nobody_found", "patient_declined", "provider_silent", "objection", "stage_not_live"):
        draft.resolve_exceptions(f"by_hand:{event.account}", kind)
    if row is not None:
        _resolved(draft, row, event)


def cancel_visit(draft: Draft, outcome: str, account: str | None = None) -> None:
    """The practice cancels: everyone concerned hears it, the copies follow."""
    if not draft.visit.active:
        draft.note("refused", why="not_active")
        return
    draft.record(status="cancelled", initiator="practice", cancelled_at=draft.now)
    if not tell(draft, "patient", draft.visit.patient_id, "patient_cancelled", key=outcome):
        draft.raise_("call", draft.playbook.last_owner, detail={"need": "tell_cancelled"})
    wind_down(draft, outcome)
    if account:
        for row in list(draft.exceptions.values()):
            if row.state != "resolved" and row.kind != "call":
                draft.put(replace(row, state="resolved", resolved_at=draft.now, resolution=f"cancelled:{account}"))


def wind_down(draft: Draft, outcome: str) -> None:
    """A visit that will not be: cases end, staff who knew of it hear, time is given back."""
    for case in list(draft.cases.values()):
        if case.state in ("open", "handed"):
            draft.close(case, "closed", outcome)
    knew = sorted({a.person_id for a in draft.asks.values() if a.person_kind == "staff" and a.sent_at is not None})
    assigned = {p.actor_id for p in draft.visit.participants if p.kind == "staff"}
    for person_id in knew:
        if person_id in assigned:
            tell(draft, "staff", person_id, "visit_cancelled_staff", key=outcome)
    for ask in list(draft.asks.values()):
        if ask.open:
            draft.withdraw(ask)
    release(draft, keep=())


def _resolved(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    if row is None or row.state == "resolved":
        draft.note("refused", why="not_open")
        return
    note = event.params.get("note") or event.act
    draft.put(
        replace(row, state="resolved", resolved_at=draft.now, resolution=note, claimed_by=row.claimed_by or event.account)
    )


def _again(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Write again, or read again, what failed."""
    for link in list(draft.links.values()):
        if link.state in ("refused", "conflict") and (row is None or row.detail.get("key") in ("", None, link.link_id)):
            draft.put(replace(link, state="idle", rounds=0))
    if row is not None and row.connection_id and row.detail.get("external_id"):
        draft.fetches.append((row.connection_id, row.detail["external_id"]))
    _resolved(draft, row, event)


def _decide_conflict(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Both sides changed: a person says whose word counts."""
    link = draft.links.get(Id(row.detail.get("key", ""))) if row else None
    if row is None or link is None:
        draft.note("refused", why="not_open")
        return
    if event.act == "accept_theirs":
        # Forget the base: at the next reading their values are taken over as their change.
        draft.put(replace(link, state="idle", rounds=0, sent=(), seen={}, seen_order=None))
        if link.external_id:
            draft.fetches.append((link.connection_id, link.external_id))
    else:
        draft.put(replace(link, state="idle", rounds=0))
    _resolved(draft, row, event)


