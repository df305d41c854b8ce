"""When somebody behind a name is on duty, and when nobody is though visits can fall due (D28). Weeks are counted in
minutes from Monday 00:00 by the practice's own clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

WEEK = 7 * 24 * 60
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Span = tuple[int, int]


def gaps(hours: Mapping[str, tuple[Span, ...]], members: Collection[str]) -> list[Span]:
    """When somebody of the practice works, so that a visit can fall due, and none of the members does."""
    there = _joined(span for name in members for span in hours.get(name, ()))
    found: list[Span] = []
    for begin, end in _joined(span for spans in hours.values() for span in spans):
        at = begin
        for since, until in there:
            if until <= at or since >= end:
                continue
            if since > at:
                found.append((at, since))
            at = max(at, until)
        if at < end:
            found.append((at, end))
    return found


def _joined(spans: Iterable[Span]) -> list[Span]:
    """The same time in spans that neither touch nor overlap, in order."""
    joined: list[Span] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def shown(span: Span) -> str:
    """A span in words: `Tue 18:00-20:00`."""
    day, begin = divmod(span[0], 24 * 60)
    end = span[1] - day * 24 * 60
    return f"{_DAYS[day % 7]} {begin // 60:02d}:{begin % 60:02d}-{end // 60 % 24:02d}:{end % 60:02d}"
