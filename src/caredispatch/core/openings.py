"""When somebody's day has room for a visit: stretches of possible starts, as whole seconds since 1970 (UTC). Arithmetic
only; whose time, and whether they may, is `searching`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from caredispatch.core.facts import Busy, Hours
from caredispatch.core.windows import instant_on

GRID = 5 * 60
HOUR = 60 * 60
Stretch = tuple[int, int]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)


def seconds_of(at: datetime) -> int:
    """An instant as whole seconds, rounded down."""
    return (at - _EPOCH) // _SECOND


def instant_at(seconds: int) -> datetime:
    """The instant of so many seconds."""
    return _EPOCH + timedelta(seconds=seconds)


def barred(taken: Iterable[Busy], before: int, length: int, after: int) -> list[Stretch]:
    """The starts that taken time rules out for a visit of so many seconds with its buffers: stretches without their
    ends, in order, apart from each other."""
    found: list[Stretch] = []
    ruled = ((seconds_of(b.start_at) - length - after, -(-(b.end_at - _EPOCH) // _SECOND) + before) for b in taken)
    for begin, end in sorted(ruled):
        if found and begin < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((begin, end))
    return found


def duty(hours: Sequence[Hours], site: str | None, day: date, tz: ZoneInfo, begin: int, end: int) -> Iterator[Stretch]:
    """The working time of one day at a site (None: at any), within these minutes of the day, by the site's clock. On a
    day when the clock changes it is as long as it really is."""
    for one in hours:
        first, last = max(one.begin, begin), min(one.end, end)
        if one.weekday == day.weekday() and (site is None or one.location == site) and first < last:
            yield seconds_of(instant_on(day, first, tz)), seconds_of(instant_on(day, last, tz))


def gaps(first: int, last: int, ruled_out: Sequence[Stretch]) -> Iterator[Stretch]:
    """The starts between two (both counted) that nothing rules out; `ruled_out` is in order."""
    for begin, end in ruled_out:
        if begin >= last:
            break
        if end <= first:
            continue
        if begin >= first:
            yield first, begin
        first = max(first, end)
    if first <= last:
        yield first, last


def starts(stretch: Stretch, anchor: int, fits: Callable[[int], bool]) -> Iterator[int]:
    """The first start of each hour, on the grid that begins where duty does."""
    first, last = stretch
    at = anchor + -(-(first - anchor) // GRID) * GRID
    while at <= last:
        if fits(at):
            yield at
            hour = (at // HOUR + 1) * HOUR
            at = anchor + -(-(hour - anchor) // GRID) * GRID
        else:
            at += GRID
