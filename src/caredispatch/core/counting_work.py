"""The measures of people's work and of systems, one function each, and all of them together; their definitions in words
are in `measures`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

from caredispatch.core.counting_cases import (
    automation_rate,
    confirm_seconds,
    disruptions,
    first_ask_success,
    first_asked_seconds,
    scrambles,
    settled_seconds,
    unresolved_scrambles,
)
from caredispatch.core.counting_visits import (
    confirmation_rate,
    fill_rate,
    kept_fills,
    late_cancellations,
    no_show_rate,
    overtime_minutes,
    slot_utilisation,
)
from caredispatch.core.happened import Happened
from caredispatch.core.measures import Figure
from caredispatch.core.tallying import Sums

STILL_ON_IT = timedelta(minutes=5)
A_MOMENT = 1.0
"""Minutes on our pages that the last act of a row stands for."""


class MixedInstruments(ValueError):
    """Minutes of coordinators that were measured in two ways can't be told together (D38)."""


def coordinator_minutes(happened: Happened) -> Iterator[Figure]:
    """Minutes of coordination over incidents; by location where every note names one. Raises MixedInstruments."""
    instruments = sorted({n.instrument for n in happened.noted})
    if len(instruments) > 1:
        raise MixedInstruments(
            f"coordinators' minutes from {happened.first_day} to {happened.last_day} come from "
            f"{' and '.join(instruments)}: report days in which only one was used"
        )
    sums = Sums("coordinator_minutes")
    named = all(n.location for n in happened.noted)
    for change in happened.changes if happened.noted else ():
        location = change.location if named else ""
        sums.add((happened.day(change.at, change.location), location, ""), 0, 1)
    for note in happened.noted:
        location = note.location if named else ""
        sums.add((happened.day(note.at, note.location), location, ""), note.minutes, 0)
    return sums.figures(happened)


def page_minutes(happened: Happened) -> Iterator[Figure]:
    """Minutes on our own pages over incidents."""
    sums = Sums("page_minutes")
    for change in happened.changes if happened.acts else ():
        sums.add((happened.day(change.at, change.location), "", ""), 0, 1)
    rows = sorted(happened.acts, key=lambda act: (act.who, act.at))
    for n, act in enumerate(rows):
        following = rows[n + 1] if n + 1 < len(rows) else None
        goes_on = following is not None and following.who == act.who and following.at - act.at <= STILL_ON_IT
        minutes = (following.at - act.at) / timedelta(minutes=1) if following is not None and goes_on else A_MOMENT
        sums.add((happened.day(act.at), "", ""), minutes, 0)
    return sums.figures(happened)


def asks_per_person(happened: Happened) -> Iterator[Figure]:
    """Questions to staff over the people asked."""
    sums = Sums("asks_per_person")
    seen: set[tuple[date, str, str]] = set()
    for question in happened.questions:
        day = happened.day(question.at, question.location)
        person = day, question.location, str(question.person_id)
        sums.add((day, question.location, ""), 1, float(person not in seen))
        seen.add(person)
    return sums.figures(happened)


def writeback_landed(happened: Happened) -> Iterator[Figure]:
    """Copies that say what they should, over those that should say something."""
    sums = Sums("writeback_landed")
    for copy in happened.copies:
        where = happened.day(copy.start_at, copy.location), copy.location, copy.service
        sums.add(where, float(copy.landed), 1)
    return sums.figures(happened)


def writeback_seconds(happened: Happened) -> Iterator[Figure]:
    """From a wish to its landing."""
    sums = Sums("writeback_seconds")
    for landing in happened.landings:
        where = happened.day(landing.wanted_at, landing.location), landing.location, landing.service
        sums.time(where, (landing.landed_at - landing.wanted_at).total_seconds())
    return sums.figures(happened)


def entry_errors(happened: Happened) -> Iterator[Figure]:
    """Fields that differed between systems and were repaired."""
    sums = Sums("entry_errors")
    for where in happened.open_days:
        sums.count(where, 0)
    for difference in happened.differences:
        if difference.repaired:
            day = happened.day(difference.at, difference.location)
            sums.count((day, difference.location, difference.service), 1)
    return sums.figures(happened)


def exceptions(happened: Happened) -> Iterator[Figure]:
    """Exceptions over coordinators at work (D25)."""
    sums = Sums("exceptions")
    at_work: dict[date, set[str]] = {day: set() for day, _, _ in happened.open_days}
    for act in happened.acts:
        at_work.setdefault(happened.day(act.at), set()).add(act.who)
    for raised in happened.raised:
        day = happened.day(raised.at)
        at_work.setdefault(day, set())
        sums.add((day, "", ""), float(not raised.call), 0)
    for day, people in at_work.items():
        sums.add((day, "", ""), 0, max(1, len(people)))
    return sums.figures(happened)


COUNTING: Mapping[str, Callable[[Happened], Iterator[Figure]]] = {
    count.__name__: count
    for count in (
        slot_utilisation,
        coordinator_minutes,
        page_minutes,
        disruptions,
        scrambles,
        unresolved_scrambles,
        confirmation_rate,
        first_asked_seconds,
        settled_seconds,
        confirm_seconds,
        fill_rate,
        no_show_rate,
        late_cancellations,
        kept_fills,
        first_ask_success,
        asks_per_person,
        automation_rate,
        writeback_landed,
        writeback_seconds,
        overtime_minutes,
        entry_errors,
        exceptions,
    )
}
"""How each measure is counted, by its code."""


def figures_of(happened: Happened) -> list[Figure]:
    """Every measure of these days. Raises MixedInstruments."""
    return [figure for count in COUNTING.values() for figure in count(happened)]
