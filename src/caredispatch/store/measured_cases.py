"""From recorded cases and questions to what measures count of them. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from caredispatch.core.happened import Coordination, Question
from caredispatch.core.records import PATIENT, Ask, Case
from caredispatch.store.measured_visits import stood_before_human
from caredispatch.store.recorded import Entry, History

BY_OTHERS = ("by_hand", "assigned_elsewhere", "placed_elsewhere", "rebooked_elsewhere")
"""How a case ends that somebody carried through by hand."""
NEEDS_ANSWER = ("confirm_staff", "cover", "take_add_on")


def coordinations_of(history: History, edits: tuple[datetime, ...]) -> Iterator[Coordination]:
    """The cases of a visit."""
    for case in history.cases:
        sent = [a for a in history.asks if a.case_id == case.case_id and a.sent_at is not None]
        yes = case.state == "settled" and case.outcome != "declined"
        by_others = case.outcome in BY_OTHERS
        opening = _opening(history, case)
        yield Coordination(
            case.kind,
            case.role == PATIENT,
            history.record.location,
            history.record.service,
            opening.outside_at if opening is not None else case.opened_at,
            case.opened_at,
            case.state,
            min((a.sent_at for a in sent if a.sent_at is not None), default=None),
            yes and _first_took(sent),
            case.closed_at,
            yes or by_others,
            case.state == "handed" or by_others or _before_human(history, case),
            edits,
            case.kind == "place" and opening is not None and "add_on" in opening.triggers,
        )


def questions_of(history: History) -> Iterator[Question]:
    """The questions that staff were sent about a visit."""
    for row in history.asks:
        if row.person_kind == "staff" and row.purpose in NEEDS_ANSWER and row.sent_at is not None:
            yield Question(row.person_id, history.record.location, row.sent_at)


def _opening(history: History, case: Case) -> Entry | None:
    """The decision that opened a case."""
    return next((e for e in history.entries if e.at == case.opened_at and case.case_id in e.cases), None)


def _first_took(sent: Iterable[Ask]) -> bool:
    """Whether one of those who were asked first said yes."""
    rows = list(sent)
    first = min((a.asked_at for a in rows), default=None)
    return any(a.asked_at == first and a.state == "accepted" for a in rows)


def _before_human(history: History, case: Case) -> bool:
    return any(row.case_id == case.case_id and stood_before_human(row) for row in history.exceptions)
