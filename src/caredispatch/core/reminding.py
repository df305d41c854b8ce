"""Reminders: a patient who was asked and has not answered is asked the same again, some time before the start, until
they answer; within quiet hours and a limit of their own (D21)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import LAST_USEFUL, contacts_of, params_of, quiet_of, text_out
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import ContactFacts
from caredispatch.core.records import Ask, Case, Count
from caredispatch.core.texting import sent_by_another
from caredispatch.core.windows import quiet_until

TEXT = "remind_patient"
APART = timedelta(hours=12)
"""Whoever was asked more recently than this has not forgotten."""


def wait_for(draft: Draft, case: Case, row: Ask) -> None:
    """Wait for an answer, or for the time of the next reminder."""
    at = _next(draft, case, row)
    due_at = row.due_at if at is None else min(at, row.due_at)
    draft.put(replace(draft.cases[case.case_id], phase="asking", due_at=due_at, step_until=row.due_at))


def own_turn(draft: Draft, case: Case) -> datetime | None:
    """When the patient is asked about a visit of a series by itself, who was asked just now about an earlier one: with
    the first reminder. None: what they say of that one is all that is asked (D3)."""
    times = sorted(draft.visit.start_at - timedelta(minutes=m) for m in case.remind)
    return next((at for at in times if at >= draft.now + APART), None)


def remind(draft: Draft, case: Case) -> bool:
    """Remind a patient whose time has come. True: there is an answer, or the next reminder, to wait for."""
    row = next((a for a in draft.asks_of(case) if a.open and a.purpose == "confirm_patient"), None)
    if row is None or not case.remind:
        return False
    at = _next(draft, case, row)
    if at is not None and at <= draft.now:
        contact = _contact(draft, row)
        morning = quiet_until(contact, quiet_of(draft, "patient"), draft.now) if contact else None
        useful = min(row.due_at, draft.visit.start_at - LAST_USEFUL)
        if morning is not None and draft.now < morning < useful:
            draft.put(replace(draft.cases[case.case_id], due_at=morning))
            return True
        why = _obstacle(draft, case, row, contact, quiet=morning is not None)
        if contact is not None and why is None:
            _send(draft, row, contact)
        else:
            draft.note("not_reminded", person=row.person_id, why=why)
        row = replace(row, reminded=row.reminded + 1)
        draft.put(row)
    wait_for(draft, case, row)
    return True


def _next(draft: Draft, case: Case, row: Ask) -> datetime | None:
    """When the next reminder of an ask is due: `reminded` counts those that were looked at, sent or not."""
    times = sorted(draft.visit.start_at - timedelta(minutes=m) for m in case.remind)
    left = [at for at in times if at >= row.asked_at + APART][row.reminded :]
    return left[0] if left else None


def _contact(draft: Draft, row: Ask) -> ContactFacts | None:
    """The contact that was asked, else the first that may be."""
    found = contacts_of(draft, row.person_id, row.by, TEXT, "confirm")
    return next((c for c in found if c.contact_id == row.contact_id), found[0] if found else None)


def _obstacle(draft: Draft, case: Case, row: Ask, contact: ContactFacts | None, *, quiet: bool) -> str | None:
    if sent_by_another(draft, TEXT):
        return "sent_by_another"
    if contact is None:
        return "unreachable"
    if row.sent_at is None:
        return "not_sent_yet"
    if quiet:
        return "quiet_too_long"
    if case.paused or (case.snoozed_until is not None and draft.now < case.snoozed_until):
        return "paused"
    return "limit_reached" if _over_limit(draft, row) else None


def _count(draft: Draft, row: Ask) -> Count:
    most = draft.playbook.limits.patient_reminders_per_week
    return Count(draft.directory.practice_id, row.person_id, "reminders_week", draft.week, most)


def _over_limit(draft: Draft, row: Ask) -> bool:
    count = _count(draft, row)
    pending = sum((c.person_id, c.what) == (count.person_id, count.what) for c in draft.counts)
    return draft.facts.reminders_made.get(row.person_id, 0) + pending >= count.most


def _send(draft: Draft, row: Ask, contact: ContactFacts) -> None:
    draft.counts.append(_count(draft, row))
    draft.note("reminded", person=row.person_id)
    text_out(draft, row, contact, TEXT, key=("reminder", row.reminded), params=params_of(draft))
