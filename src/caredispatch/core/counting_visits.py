"""The measures of visits and of people's time, one function each; their definitions in words are in `measures`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from caredispatch.core.happened import Happened, Shift, Stood, Visit
from caredispatch.core.ids import Id
from caredispatch.core.measures import Figure
from caredispatch.core.stretches import Stretch, joined, length, shared, without
from caredispatch.core.tallying import Sums

DAY = timedelta(hours=24)
FREED_AHEAD = timedelta(hours=2)
"""A time that becomes free later than this before its start is not counted as one that could be filled."""
HALF = 0.5


def slot_utilisation(happened: Happened) -> Iterator[Figure]:
    """Kept minutes over offered minutes (D39)."""
    sums = Sums("slot_utilisation")
    held = _held(happened.visits)
    for (day, location, who), shifts in _by_person(happened, happened.offered).items():
        kept = shared(shifts, held.get(who, ()))
        sums.add((day, location, ""), length(kept) / timedelta(minutes=1), length(shifts) / timedelta(minutes=1))
    return sums.figures(happened)


def overtime_minutes(happened: Happened) -> Iterator[Figure]:
    """Minutes of visits outside the working hours of whoever held them."""
    sums = Sums("overtime_minutes")
    for day, location, service in happened.open_days:
        sums.count((day, location, service), 0)
    at_work = _by_worker(happened.worked)
    counted: dict[Id, list[Stretch]] = {}
    for visit in sorted(happened.visits, key=lambda v: (v.start_at, v.visit_id)):
        who = visit.last.staff_id
        if not visit.kept or who is None or who in happened.no_hours:
            continue
        before = counted.setdefault(who, [])
        over = without([(visit.start_at, visit.last.end_at)], [*at_work.get(who, ()), *before])
        before += over
        where = happened.day(visit.start_at, visit.location), visit.location, visit.service
        sums.count(where, length(over) / timedelta(minutes=1))
    return sums.figures(happened)


def confirmation_rate(happened: Happened) -> Iterator[Figure]:
    """Visits with a human yes over all that were open for 24 hours (D39)."""
    sums = Sums("confirmation_rate")
    for visit, where in _on_their_day(happened):
        if visit.stands_at(visit.start_at - DAY):
            yes = visit.patient_yes_at is not None and visit.patient_yes_at <= visit.start_at
            sums.add(where, float(yes), 1)
    return sums.figures(happened)


def no_show_rate(happened: Happened) -> Iterator[Figure]:
    """Missed visits over those that were still to be at their start."""
    sums = Sums("no_show_rate")
    for visit, where in _on_their_day(happened):
        if visit.kept or visit.status == "noshow":
            sums.add(where, float(visit.status == "noshow"), 1)
    return sums.figures(happened)


def late_cancellations(happened: Happened) -> Iterator[Figure]:
    """What patients cancelled in the last 24 hours, over what stood then."""
    sums = Sums("late_cancellations")
    for visit, where in _on_their_day(happened):
        if visit.stands_at(visit.start_at - DAY):
            late = (
                visit.cancelled_by == "patient"
                and not visit.replaced
                and visit.cancelled_at is not None
                and visit.cancelled_at <= visit.start_at
            )
            sums.add(where, float(late), 1)
    return sums.figures(happened)


def fill_rate(happened: Happened) -> Iterator[Figure]:
    """Freed times that another visit took, over freed times."""
    sums, held = Sums("fill_rate"), _by_holder(happened)
    for visit, stood, where in _freed(happened):
        sums.add(where, float(bool(_takers(held, visit, stood))), 1)
    return sums.figures(happened)


def kept_fills(happened: Happened) -> Iterator[Figure]:
    """Freed times in which the visit that took them was kept, over freed times."""
    sums, held = Sums("kept_fills"), _by_holder(happened)
    for visit, stood, where in _freed(happened):
        kept = any(taker.kept and then is taker.last for taker, then in _takers(held, visit, stood))
        sums.add(where, float(kept), 1)
    return sums.figures(happened)


def _on_their_day(happened: Happened) -> Iterator[tuple[Visit, tuple[date, str, str]]]:
    """Each visit with the day, location and service that it is counted under."""
    for visit in happened.visits:
        yield visit, (happened.day(visit.start_at, visit.location), visit.location, visit.service)


def _held(visits: Iterable[Visit]) -> dict[Id, list[Stretch]]:
    """The time of visits that took place, by who held them."""
    found: dict[Id, list[Stretch]] = {}
    for visit in visits:
        if visit.kept and visit.last.staff_id is not None:
            found.setdefault(visit.last.staff_id, []).append((visit.start_at, visit.last.end_at))
    return {who: joined(stretches) for who, stretches in found.items()}


def _by_person(happened: Happened, shifts: Iterable[Shift]) -> dict[tuple[date, str, Id], list[Stretch]]:
    found: dict[tuple[date, str, Id], list[Stretch]] = {}
    for shift in shifts:
        key = happened.day(shift.start_at, shift.location), shift.location, shift.staff_id
        found.setdefault(key, []).append((shift.start_at, shift.end_at))
    return found


def _by_worker(shifts: Iterable[Shift]) -> dict[Id, list[Stretch]]:
    found: dict[Id, list[Stretch]] = {}
    for shift in shifts:
        found.setdefault(shift.staff_id, []).append((shift.start_at, shift.end_at))
    return found


def _freed(happened: Happened) -> Iterator[tuple[Visit, Stood, tuple[date, str, str]]]:
    """Times that a visit gave up early enough, of people who still worked then."""
    at_work = _by_worker(happened.worked)
    for visit in happened.visits:
        for stood in visit.stood:
            if stood.until is None or stood.ended not in ("cancelled", "moved") or stood.staff_id is None:
                continue
            in_time = stood.until <= stood.start_at - FREED_AHEAD
            if in_time and shared([(stood.start_at, stood.end_at)], at_work.get(stood.staff_id, ())):
                yield visit, stood, (happened.day(stood.start_at, visit.location), visit.location, visit.service)


_Held = dict[Id | None, list[tuple[Visit, Stood]]]


def _by_holder(happened: Happened) -> _Held:
    """How visits stood, by whom they were with."""
    found: _Held = {}
    for visit in happened.visits:
        for stood in visit.stood:
            found.setdefault(stood.staff_id, []).append((visit, stood))
    return found


def _takers(held: _Held, freed_by: Visit, freed: Stood) -> list[tuple[Visit, Stood]]:
    """Visits that stood, with the same person, in at least half of a time since it was free."""
    assert freed.until is not None
    return [
        (visit, stood)
        for visit, stood in held.get(freed.staff_id, ())
        if visit.visit_id != freed_by.visit_id and stood.since >= freed.until and _half(stood, freed)
    ]


def _half(stood: Stood, freed: Stood) -> bool:
    both = min(stood.end_at, freed.end_at) - max(stood.start_at, freed.start_at)
    return both >= HALF * (freed.end_at - freed.start_at)
