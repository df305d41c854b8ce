"""The measures of incidents and of cases, one function each; their definitions in words are in `measures`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from caredispatch.core.happened import Change, Coordination, Happened
from caredispatch.core.measures import Figure
from caredispatch.core.tallying import Sums, Where

BY_HAND_FOR = timedelta(hours=24)
"""An edit by hand so long after a case ended is still counted as of it (D38)."""


def disruptions(happened: Happened) -> Iterator[Figure]:
    """Incidents that lost cover, or wanted an add-on, on their day (D37)."""
    return _incidents(happened, "disruptions", lambda _: True)


def scrambles(happened: Happened) -> Iterator[Figure]:
    """Disruptions in which a person had to do something, or that were not resolved (D37)."""
    return _incidents(happened, "scrambles", lambda change: change.by_hand or _unresolved(happened, change))


def unresolved_scrambles(happened: Happened) -> Iterator[Figure]:
    """Disruptions that ended with a visit cancelled or uncovered (D37)."""
    return _incidents(happened, "unresolved_scrambles", lambda change: _unresolved(happened, change))


def first_asked_seconds(happened: Happened) -> Iterator[Figure]:
    """From the change outside to the first question (D35, D36)."""
    sums = Sums("first_asked_seconds")
    for case, where in _due_to_a_change(happened):
        if case.finds_staff and case.asked_at is not None:
            sums.time(where, _seconds(case.changed_at, case.asked_at))
    return sums.figures(happened)


def settled_seconds(happened: Happened) -> Iterator[Figure]:
    """From the change outside until somebody was found (D35, D36)."""
    sums = Sums("settled_seconds")
    for case, where in _due_to_a_change(happened):
        if case.finds_staff and case.found and case.ended_at is not None:
            sums.time(where, _seconds(case.changed_at, case.ended_at))
    return sums.figures(happened)


def confirm_seconds(happened: Happened) -> Iterator[Figure]:
    """From the booking outside until its provider was confirmed."""
    sums = Sums("confirm_seconds")
    for case, where in _due_to_a_change(happened):
        if case.kind == "confirm" and not case.about_patient and case.found and case.ended_at is not None:
            sums.time(where, _seconds(case.changed_at, case.ended_at))
    return sums.figures(happened)


def first_ask_success(happened: Happened) -> Iterator[Figure]:
    """Searches for staff that one of the first asked ended, over those in which somebody was asked."""
    sums = Sums("first_ask_success")
    for case in happened.cases:
        if case.finds_staff and case.asked_at is not None:
            sums.add(_where(happened, case, case.asked_at), float(case.first_asked_taken), 1)
    return sums.figures(happened)


def automation_rate(happened: Happened) -> Iterator[Figure]:
    """Cases that ended without a human, over cases that reached an end (D38)."""
    sums = Sums("automation_rate")
    for case in happened.cases:
        if case.ended_at is not None and (case.state != "closed" or case.by_hand):
            alone = case.state == "settled" and not _by_hand(case)
            sums.add(_where(happened, case, case.ended_at), float(alone), 1)
    return sums.figures(happened)


def _by_hand(case: Coordination) -> bool:
    """Whether somebody acted on a case, or edited its visit in a system until a day after it ended (D38). What opened
    it is no edit."""
    assert case.ended_at is not None
    until = case.ended_at + BY_HAND_FOR
    return case.by_hand or any(case.opened_at < at <= until for at in case.edited_at)


def _incidents(happened: Happened, measure: str, counts: Callable[[Change], bool]) -> Iterator[Figure]:
    """Disruptions that count, a day."""
    sums = Sums(measure)
    for where in happened.open_days:
        sums.count(where, 0)
    for change in happened.changes:
        if _on_its_day(happened, change):
            where = happened.day(change.at, change.location), change.location, change.service
            sums.count(where, float(counts(change)))
    return sums.figures(happened)


def _on_its_day(happened: Happened, change: Change) -> bool:
    day = happened.day(change.at, change.location)
    return any(happened.day(loss.start_at, loss.location) == day for loss in change.losses)


def _unresolved(happened: Happened, change: Change) -> bool:
    day = happened.day(change.at, change.location)
    return any(loss.ended != "covered" and happened.day(loss.start_at, loss.location) == day for loss in change.losses)


def _due_to_a_change(happened: Happened) -> Iterator[tuple[Coordination, Where]]:
    for case in happened.cases:
        yield case, _where(happened, case, case.changed_at)


def _where(happened: Happened, case: Coordination, at: datetime) -> Where:
    return happened.day(at, case.location), case.location, case.service


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())
