"""What people answered while a cancellation settled (D9): it was kept, and nothing was asked or said. Taken back, it
counts; settled, who said yes hears that it came too late."""

from __future__ import annotations

from caredispatch.core.answers import counts
from caredispatch.core.asking import tell
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.observation import Label
from caredispatch.core.records import Ask, Case


def count_kept(draft: Draft) -> None:
    """The visit goes on: what was answered meanwhile counts, in the order in which it was said. Who is asked anew, of a
    visit that was moved as well, has said nothing of that yet."""
    for row in _kept(draft):
        if draft.cases[row.case_id].outcome != "visit_changed":
            label: Label = "yes" if row.state == "accepted" else "no"
            counts(draft, _unanswered(draft, row), label, row.answered_via or "")


def answered_in_vain(draft: Draft) -> None:
    """The visit will not be: a yes that was kept gets a true word. Who is on the visit hears of its end anyway."""
    told = {p.actor_id for p in draft.visit.participants if p.kind == "staff"}
    for row in _kept(draft):
        if row.state == "accepted" and row.person_id not in told:
            tell(draft, row.person_kind, row.person_id, "too_late", key=row.ask_id)


def _kept(draft: Draft) -> list[Ask]:
    """The answers since the visit was cancelled, the earliest first."""
    since = draft.before.appointment.cancelled_at if draft.before.appointment else None
    found = [
        a
        for a in draft.asks.values()
        if since is not None and a.answered_at is not None and a.answered_at >= since
        if a.state in ("accepted", "declined") and not _in_effect(draft, draft.cases[a.case_id], a)
    ]
    return sorted(found, key=lambda a: (str(a.answered_at), a.ask_id))


def _in_effect(draft: Draft, case: Case, row: Ask) -> bool:
    """Whether an answer counted already: it came just before the cancellation, in the same instant."""
    if row.purpose == "cover" and row.state == "accepted":
        return case.candidate_id == row.person_id
    if case.state == "open":
        return False
    if row.person_kind == "patient":
        return draft.visit.confirmation == ("confirmed" if row.state == "accepted" else "declined")
    return row.state == "declined" and _is_uncovered(draft, row)


def _unanswered(draft: Draft, row: Ask) -> Ask:
    """The ask before its kept answer: of somebody who could not do it, or whose window is over."""
    declined = row.purpose != "cover" and _is_uncovered(draft, row)
    return replace(row, state="declined" if declined else "expired", answered_at=None)


def _is_uncovered(draft: Draft, row: Ask) -> bool:
    role = draft.visit.participant(row.role)
    return role is not None and role.coverage == "uncovered"
