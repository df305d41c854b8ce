"""The days of a simulated month as measures count them, before anything happened in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from caredispatch.core.facts import Directory
from caredispatch.core.happened import Happened
from caredispatch.core.offered import Absence, offered_on, shifts_on
from caredispatch.core.windows import zone
from caredispatch.rehearsal.month import Month

LONG_SINCE = timedelta(days=365)
"""Since when the directory stands as it is: before any day's offered minutes freeze (D39)."""


def days_of(directory: Directory, month: Month, absences: Sequence[Absence]) -> Happened:
    """The local days of a month, with who works when: as it stood 14 days before, and as it was."""
    home = zone(directory, next(iter(directory.locations), ""))
    first = month.begin.astimezone(home).date()
    days = [first + timedelta(days=n) for n in range(month.days)]
    as_it_was = [(month.begin - LONG_SINCE, directory)]
    return Happened(
        days[0],
        days[-1],
        {"": home.key} | {code: site.time_zone for code, site in directory.locations.items()},
        offered=tuple(s for day in days for s in offered_on(day, as_it_was, absences)),
        worked=tuple(s for day in days for s in shifts_on(day, directory, absences)),
    )
