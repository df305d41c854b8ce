"""Time as people live it: zones, quiet hours, and minutes during which somebody can look (D16). Instants are UTC;
wall-clock only ever through a zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from caredispatch.core.facts import Busy, ContactFacts, Directory, Staff
from caredispatch.core.playbook import QuietHours

_LOOK_AHEAD = timedelta(days=7)
_STEP = timedelta(minutes=5)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def zone(directory: Directory, location: str) -> ZoneInfo:
    """The zone of a location; UTC where the location is not known."""
    found = directory.locations.get(location)
    return _zone(found.time_zone if found else "UTC")


def week_of(day: date) -> str:
    """The week of a day, as limits name it (ISO 8601: `2026-W48`)."""
    week = day.isocalendar()
    return f"{week.year}-W{week.week:02d}"


def clocks(directory: Directory, now: datetime) -> dict[str, tuple[str, str]]:
    """The running day and week by the clock of each site, as limits name them (D21); without a name, by that of a site
    which is not known."""
    days = {code: now.astimezone(zone(directory, code)).date() for code in ("", *directory.locations)}
    return {code: (day.isoformat(), week_of(day)) for code, day in days.items()}


def instant_on(day: date, minute: int, tz: ZoneInfo, *, fold: int = 0) -> datetime:
    """The instant of so many minutes of a local day (1440: the next midnight), by the clock of that zone. `fold`: the
    second time that it comes."""
    days, minute = divmod(minute, 24 * 60)
    day += timedelta(days=days)
    return datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=tz, fold=fold).astimezone(UTC)


def minute_of_day(at: datetime) -> int:
    """Minutes since local midnight of a local time."""
    return at.hour * 60 + at.minute


def quiet_until(contact: ContactFacts, quiet: Sequence[QuietHours], now: datetime) -> datetime | None:
    """When the quiet hours that cover `now` end (UTC), or None when it is not quiet. In the contact's own zone; hours
    of the contact's own take the place of the first."""
    begin, end = contact.quiet_begin, contact.quiet_end
    hours = (QuietHours(begin, end), *quiet[1:]) if begin is not None and end is not None else quiet
    tz = _zone(contact.time_zone)
    at = now
    for _ in range(len(hours) + 1):
        ends = [_end_of(one, tz, at) for one in hours if one.covers(minute_of_day(at.astimezone(tz)))]
        if not ends:
            break
        at = max(ends)
    return at if at > now else None


def _end_of(quiet: QuietHours, tz: ZoneInfo, now: datetime) -> datetime:
    local = now.astimezone(tz)
    day = local.date() + timedelta(days=int(minute_of_day(local) >= quiet.end))
    ends = instant_on(day, quiet.end, tz)
    # The clock was put back: that wall-clock time comes a second time.
    return ends if ends > now else instant_on(day, quiet.end, tz, fold=1)


def reachable_deadline(
    staff: Staff, directory: Directory, busy: Sequence[Busy], now: datetime, minutes: int
) -> datetime:
    """When `minutes` of time in which they can look (on duty, not in a visit, not on leave) have passed from `now`,
    looked at every five minutes. At the latest after seven days."""
    left = timedelta(minutes=minutes)
    at, end = now, now + _LOOK_AHEAD
    duty = _duty(staff, directory, now)
    taken = [(b.start_at, b.end_at) for b in busy]
    while left > timedelta(0) and at < end:
        if not any(begin <= at < until for begin, until in duty):
            begins = min((begin for begin, _ in duty if begin > at), default=end)
            at += -(-(begins - at) // _STEP) * _STEP
        elif any(begin <= at < until for begin, until in taken):
            at += _STEP
        else:
            step = min(_STEP, left)
            left -= step
            at += step
    return min(at, end)


def _duty(staff: Staff, directory: Directory, now: datetime) -> list[tuple[datetime, datetime]]:
    """When somebody is on duty in the days that are looked ahead."""
    found: list[tuple[datetime, datetime]] = []
    for hours in staff.hours:
        tz = zone(directory, hours.location)
        day = now.astimezone(tz).date() - timedelta(days=1)
        for ahead in range(_LOOK_AHEAD.days + 2):
            on = day + timedelta(days=ahead)
            if on.weekday() == hours.weekday:
                found.append((instant_on(on, hours.begin, tz), instant_on(on, hours.end, tz)))
    return found
