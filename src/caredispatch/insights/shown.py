"""Numbers in words: the same in text, page, mail and file."""

from __future__ import annotations

from datetime import date

from caredispatch.core.measures import Measure
from caredispatch.insights.statistics import Difference, Interval


def number(value: float, measure: Measure) -> str:
    """A value of a measure with its unit."""
    match measure.unit:
        case "%":
            return f"{value * 100:.1f} %"
        case "seconds":
            return duration(value)
        case "minutes":
            return f"{value:.1f} min{' a day' if measure.adds == 'count' else ''}"
        case "a day":
            return f"{value:.2f} a day"
        case "each":
            return f"{value:.2f}"


def duration(seconds: float) -> str:
    """Seconds as people say them."""
    size = abs(seconds)
    sign = "−" if seconds < 0 else ""
    if size < 60:
        return f"{sign}{size:.0f} s"
    if 600 <= size < 3600:
        return f"{sign}{size / 60:.0f} min"
    if size < 3600:
        return f"{sign}{int(size) // 60} min {int(size) % 60:02d} s"
    return f"{sign}{int(size) // 3600} h {int(size) % 3600 // 60:02d} min"


def change(interval: Interval, measure: Measure) -> str:
    """A change with its sign and interval: percentages change by points."""
    unit = " points" if measure.unit == "%" else ""
    if interval.low is None or interval.high is None:
        return _signed(interval.value, measure) + unit
    low, high = _signed(interval.low, measure), _signed(interval.high, measure)
    return f"{_signed(interval.value, measure)}{unit} ({low} to {high})"


def _signed(value: float, measure: Measure) -> str:
    shown = number(value, measure).removesuffix(" a day").removesuffix(" %").replace("-", "−")
    return shown if shown.startswith("−") else f"+{shown}"


def within(interval: Interval, measure: Measure) -> str:
    """A value with its interval."""
    if interval.low is None or interval.high is None:
        return number(interval.value, measure)
    return f"{number(interval.value, measure)} ({number(interval.low, measure)} to {number(interval.high, measure)})"


def sides(difference: Difference, measure: Measure) -> tuple[str, str, str]:
    """Before, after, and the change."""
    return (
        number(difference.before.value, measure),
        number(difference.after.value, measure),
        change(difference.change, measure),
    )


def in_time(shares: tuple[Interval | None, Interval | None], target: float) -> str:
    """The share within a target, before (where it was measured) and after."""
    told = [f"{share.value * 100:.0f} %" for share in shares if share]
    return f"within {duration(target).removesuffix(' 00 s')}: {' → '.join(told)}"


def days(first: date, last: date) -> str:
    """`2 Nov to 29 Nov 2026`."""
    year = f" {first.year}" if first.year != last.year else ""
    return f"{first.day} {first:%b}{year} to {last.day} {last:%b} {last.year}"
