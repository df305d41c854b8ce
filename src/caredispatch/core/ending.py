"""The end of a visit that will not be: its cases close, its people hear, time is given back."""

from __future__ import annotations

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
    draft.resolve_exceptions(outcome, "gap", "not_started")
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


def hears_of_cancellation(draft: Draft) -> None:
    """The patient hears that the practice cancels; with whom a clinician follows up, that one speaks (D23)."""
    if draft.visit.patient_id is None or (draft.facts.patient is not None and draft.facts.patient.clinician_follows_up):
        return
    news_to_patient(draft, "patient_cancelled")


def somebody_rebooks(draft: Draft) -> None:
    """Where nothing brings the patient back by itself and no person has it, whoever phones patients does (D18)."""
    followed = any(c.kind == "follow_up" and c.state in ("open", "handed") for c in draft.cases.values())
    before_somebody = any(
        e.state != "resolved" and e.detail.get("trigger") == "cancelled" for e in draft.exceptions.values()
    )
    if draft.visit.patient_id is not None and not followed and not before_somebody:
        draft.raise_("call", draft.playbook.last_owner, key="rebook", detail={"need": "rebook"})
