"""What somebody in a role puts to rest: what waited for them leaves the queue, each role by itself (D2), whoever had
the role before hears of it, and the patient who heard the bad news hears that it is over (D18)."""

from __future__ import annotations

from caredispatch.core.asking import news_to_patient, tell
from caredispatch.core.content import instant_text
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.records import Case


def role_filled(draft: Draft, role: str, why: str) -> None:
    """What was before a person because this role lacked somebody is done; another role's stays."""
    draft.resolve_exceptions(why, "nobody_found", "patient_declined", "provider_silent", "delivery_failed", role=role)
    draft.resolve_exceptions(why, "not_started", role=role)
    draft.resolve_exceptions(why, "stage_not_live", "handed_over", "missing_fact", role=role)
    draft.resolve_exceptions(why, "call", need="agree_patient", role=role)


def patient_hears_who(draft: Draft, key: str, *, changed: bool, extra: dict[str, str] | None = None) -> None:
    """The patient hears who sees them where that is news: a change, or after the bad news. While another role lacks
    somebody the bad news stays true, and is not told twice."""
    if draft.visit.coverage in ("uncovered", "at_risk"):
        return
    heard = draft.visit.tell_by_done and not draft.open_call("bad_news")
    draft.record(tell_by_done=False)
    draft.resolve_exceptions("covered", "call", need="bad_news")
    if (changed or heard) and draft.visit.patient_id is not None:
        news_to_patient(draft, "patient_settled", key=key, extra=extra)


def replaced(draft: Draft, role: str, lost: Id | None, by: Id, *, told_later: bool = False) -> None:
    """Whoever filled the role before hears of it, if they knew of the visit, and is asked nothing more about it.
    `told_later`: they hear once, of the whole series (D3)."""
    if lost is None or lost == by:
        return
    if knew(draft, role, lost) and not told_later:
        tell(draft, "staff", lost, "visit_cancelled_staff", key=by, extra=_as_they_know_it(draft))
    for row in list(draft.asks.values()):
        if row.open and (row.person_id, row.role) == (lost, role):
            draft.withdraw(row)


def knew(draft: Draft, role: str, staff_id: Id) -> bool:
    """Whether somebody knows that they fill a role: they were asked or told, of this visit or of the one of its series
    that led it (D3)."""
    asked = any(a.sent_at is not None and (a.person_id, a.role) == (staff_id, role) for a in draft.asks.values())
    past = max(
        (c for c in draft.cases.values() if c.role == role), key=lambda c: (c.opened_at, c.case_id), default=None
    )
    return asked or (past is not None and past.follows is not None and past.state == "settled")


def overtaken(draft: Draft, case: Case, outcome: str, *, by: Id | None = None, silent: bool = False) -> None:
    """Close a case that a change, or somebody else's act, overtook (D11). Whoever had said yes and waited for the
    patient's word hears that it is not theirs, unless it is (`by`); the asks of the others are withdrawn."""
    waiting = said_yes_to(draft, case)
    draft.close(case, "closed", outcome)
    for person_id in waiting:
        if person_id != by and not silent:
            key = f"{case.case_id}:{outcome}"
            tell(draft, "staff", person_id, "withdrawn_cover", key=key, extra=_as_they_know_it(draft))


def nobody_needed(draft: Draft, case: Case) -> None:
    """Whoever was asked to cover, or said yes, hears that the patient keeps their own provider."""
    asked = [a.person_id for a in draft.asks_of(case) if a.purpose == "cover" and a.open and a.sent_at is not None]
    for person_id in dict.fromkeys([*said_yes_to(draft, case), *asked]):
        tell(draft, "staff", person_id, "withdrawn_cover", key=f"{case.case_id}:kept")


def said_yes_to(draft: Draft, case: Case) -> list[Id]:
    """Who said yes to an open case and waits: for the patient's word, or standing by."""
    if case.state != "open":
        return []
    standing_by = [a.person_id for a in draft.asks_of(case) if a.stands_by]
    return [case.candidate_id, *standing_by] if case.candidate_id else standing_by


def _as_they_know_it(draft: Draft) -> dict[str, str]:
    """The time that people were told of, where this very decision moves the visit."""
    known = draft.before.appointment
    return {"start_at": instant_text(known.start_at)} if known else {}
