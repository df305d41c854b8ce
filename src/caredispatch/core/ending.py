"""The end of a visit that will not be: its cases close, its people hear, time is given back."""

from __future__ import annotations

from dataclasses import replace

from caredispatch.core.asking import news_to_patient, tell
from caredispatch.core.clearing import said_yes_to
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.occupying import release
from caredispatch.core.playbook import ROLE_LOST
from caredispatch.core.unbound import CALLS_OF_A_VISIT

_OVER = ("fulfilled", "noshow", "arrived", "checked-in")


def wind_down(draft: Draft, outcome: str, *, silent: bool = False) -> None:
    """Close what was being coordinated. Staff who knew of a visit that was cancelled ahead of its time hear of it
    (unless `silent`); what happened, or is over, is news to nobody."""
    waiting = [who for case in draft.cases.values() for who in said_yes_to(draft, case)]
    for case in list(draft.cases.values()):
        if case.state in ("open", "handed"):
            draft.close(case, "closed", outcome)
    if not silent and outcome not in _OVER and draft.visit.end_at > draft.now:
        _tell_staff(draft, outcome, waiting)
    for ask in list(draft.asks.values()):
        if ask.open:
            draft.withdraw(ask)
    for need in CALLS_OF_A_VISIT:
        draft.resolve_exceptions(outcome, "call", need=need)
    draft.resolve_exceptions(outcome, "nobody_found", "provider_silent", "patient_declined", "probably_cancels")
    for trigger in ("booked", "rescheduled", *ROLE_LOST, "patient_declined"):
        draft.resolve_exceptions(outcome, "stage_not_live", "handed_over", "missing_fact", trigger=trigger)
    release(draft, keep=())


def _tell_staff(draft: Draft, outcome: str, waiting: list[Id]) -> None:
    """Whoever knew of the visit and is on it, or waits to be."""
    knew = sorted({a.person_id for a in draft.asks.values() if a.person_kind == "staff" and a.sent_at is not None})
    assigned = {p.actor_id for p in draft.visit.participants if p.kind == "staff"}
    for person_id in knew:
        if person_id in assigned or person_id in waiting:
            tell(draft, "staff", person_id, "visit_cancelled_staff", key=outcome)


def cancel_by_hand(draft: Draft, account: str) -> None:
    """Somebody at the practice cancels: everyone concerned hears it, the copies follow, and whoever phones patients
    has one to rebook (D18)."""
    if not draft.visit.active:
        draft.note("refused", why="not_active")
        return
    draft.record(status="cancelled", initiator="practice", cancelled_at=draft.now, settle_at=None)
    wind_down(draft, "by_hand")
    for row in list(draft.exceptions.values()):
        if row.state != "resolved" and row.kind != "call":
            draft.put(replace(row, state="resolved", resolved_at=draft.now, resolution=f"cancelled:{account}"))
    if draft.visit.end_at > draft.now and draft.visit.patient_id is not None:
        news_to_patient(draft, "patient_cancelled")
        draft.raise_("call", draft.playbook.last_owner, key="rebook", detail={"need": "rebook"})
