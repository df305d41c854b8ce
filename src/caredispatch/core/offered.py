"""When people work at a site on a day, and what of it counts as offered: as it stood 14 days before (D39)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from caredispatch.core.facts import Directory, Staff
from caredispatch.core.happened import Shift
from caredispatch.core.ids import Id
from caredispatch.core.stretches import Stretch, without
from caredispatch.core.windows import instant_on, zone

FREEZES_BEFORE = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Absence:
    """Time in which somebody does not work (`who` is theirs), or a site is closed (`who` is its code); `known_at` is
    from when that was known, None: always."""

    who: str
    start_at: datetime
    end_at: datetime
    known_at: datetime | None = None


def shifts_on(day: date, directory: Directory, absences: Sequence[Absence]) -> list[Shift]:
    """When and where those who hold visits (in a role that a service needs) work on a local day, as a directory has it,
    absences taken out."""
    found: list[Shift] = []
    needed = {service.needs_role for service in directory.services.values()}
    for staff_id, staff in sorted(directory.staff.items()):
        if needed.isdisjoint(staff.roles) or (staff.leaves_on is not None and day >= staff.leaves_on):
            continue
        for location, stretch in _hours(day, staff, directory):
            away = [(a.start_at, a.end_at) for a in absences if a.who in (staff_id, location)]
            found += [Shift(Id(staff_id), location, begin, end) for begin, end in without([stretch], away)]
    return found


def _hours(day: date, staff: Staff, directory: Directory) -> list[tuple[str, Stretch]]:
    found = []
    for hours in staff.hours:
        if hours.weekday == day.weekday():
            tz = zone(directory, hours.location)
            found.append((hours.location, (instant_on(day, hours.begin, tz), instant_on(day, hours.end, tz))))
    return found


def offered_on(
    day: date, directories: Sequence[tuple[datetime, Directory]], absences: Sequence[Absence]
) -> list[Shift]:
    """The shifts of a local day as they stood 14 days before it: the directory that counted then (of (since, directory)
    in order; the first there is, where the practice is younger), and the absences that were known then."""
    location = next(iter(directories[-1][1].locations), "")
    freezes = instant_on(day, 0, zone(directories[-1][1], location)) - FREEZES_BEFORE
    then = directories[0][1]
    for since, directory in directories:
        if since <= freezes:
            then = directory
    known = [a for a in absences if a.known_at is None or a.known_at <= freezes]
    return shifts_on(day, then, known)
