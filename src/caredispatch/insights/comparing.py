"""One measure before and after: the whole practice, each location, each service. Which days, whether beside a trend,
and with which word is decided here, for every way in which a report is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from caredispatch.core.measures import Figure, Measure
from caredispatch.insights.control import Chart, control_chart
from caredispatch.insights.going_live import Began
from caredispatch.insights.interrupted import NotEnough, Place, level_changes
from caredispatch.insights.statistics import (
    Day,
    Difference,
    Interval,
    Statistic,
    Word,
    daily,
    difference,
    estimate,
    word_of,
)

LIVE = "live"
"""What all stages together are called, where it is not asked which."""

TARGETS: Mapping[str, float] = {"first_asked_seconds": 300.0}
"""Seconds within which something should have happened, counted from the change outside (D36)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Days, both included."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    def holds(self, day: date) -> bool:
        """Whether a day is one of them."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Days:
    """Which days are compared: the baseline's (None: there is none), those reported on, and since when anything is
    live at each location."""

    before: Span | None
    after: Span
    began: Began

    @property
    def live(self) -> date | None:
        """The first day on which anything was live anywhere."""
        return min((day for stages in self.began.values() for day in stages.values()), default=None)


@dataclass(frozen=True, slots=True)
class Line:
    """One comparison. `days` are those after with something to count. `level` is the change beside trend and weekdays,
    where there are days enough; the word then rests on it, else on the plain difference. `why_no_level` says what was
    lacking."""

    location: str
    service: str
    after: Interval
    days: int
    difference: Difference | None
    level: Interval | None
    why_no_level: str
    word: Word


@dataclass(frozen=True, slots=True)
class Told:
    """All that is told of one measure. `slowest` compares the 95th percentile where it is one of times; `stages` are
    the changes of level that each stage's own beginning made, where they began on different days. `in_time` is the
    share within the target before and after, where there is one (D36)."""

    measure: Measure
    whole: Line
    lines: tuple[Line, ...]
    slowest: Difference | None
    stages: Mapping[str, Interval]
    chart: Chart | None
    in_time: tuple[Interval | None, Interval | None] | None = None

    @property
    def comparisons(self) -> int:
        """How many intervals could have missed the truth."""
        return sum(
            1 for line in (self.whole, *self.lines) if line.difference and line.difference.change.low is not None
        )


def tell(measure: Measure, figures: Sequence[Figure], days: Days) -> Told | None:
    """Compare one measure's figures, those of the baseline and all since. None where nothing was counted in the days
    reported on."""
    whole = _line(measure, figures, days, "", "")
    if whole is None:
        return None
    lines: list[Line] = []
    for location in sorted({f.location for f in figures if f.location}):
        lines += _some(_line(measure, [f for f in figures if f.location == location], days, location, ""))
    for service in sorted({f.service for f in figures if f.service}):
        lines += _some(_line(measure, [f for f in figures if f.service == service], days, "", service))
    slowest = None
    if measure.adds == "times" and days.before:
        slowest = difference(_before(measure, figures, days), _after(measure, figures, days), "p95")
    chart = (
        control_chart(measure, _before(measure, figures, days), _since(measure, figures, days)) if days.before else None
    )
    return Told(
        measure,
        whole,
        tuple(lines),
        slowest,
        _by_stage(measure, figures, days),
        chart,
        _in_time(measure, figures, days),
    )


def _in_time(measure: Measure, figures: Sequence[Figure], days: Days) -> tuple[Interval | None, Interval | None] | None:
    """The share of values within the measure's target, before and after."""
    target = TARGETS.get(measure.code)
    if target is None:
        return None
    shares = [replace(f, amount=sum(1.0 for v in f.values if v <= target), of=float(len(f.values))) for f in figures]
    before, after = _before(measure, shares, days), _after(measure, shares, days)
    return estimate(before, "ratio") if before else None, estimate(after, "ratio")


def _some(line: Line | None) -> list[Line]:
    return [line] if line else []


def _line(measure: Measure, figures: Sequence[Figure], days: Days, location: str, service: str) -> Line | None:
    statistic: Statistic = "median" if measure.adds == "times" else "ratio"
    after_days = _after(measure, figures, days)
    after = estimate(after_days, statistic)
    if after is None:
        return None
    counted = sum(1 for d in after_days if d.of)
    compared = difference(_before(measure, figures, days), after_days, statistic) if days.before else None
    if compared is None:
        return Line(location, service, after, counted, None, None, "", "not measured before")
    changed = level_changes(_places(measure, figures, days, lambda stages: {LIVE: min(stages.values())}), statistic)
    if isinstance(changed, NotEnough):
        return Line(
            location, service, after, counted, compared, None, changed.why, word_of(compared.change, measure.better)
        )
    level = changed.levels[LIVE]
    return Line(location, service, after, counted, compared, level, "", word_of(level, measure.better))


def _by_stage(measure: Measure, figures: Sequence[Figure], days: Days) -> Mapping[str, Interval]:
    """The change at each stage's own beginning; nothing where all began together, or there are too few days."""
    if days.before is None or len({day for stages in days.began.values() for day in stages.values()}) < 2:
        return {}
    changed = level_changes(_places(measure, figures, days, dict), "median" if measure.adds == "times" else "ratio")
    return {} if isinstance(changed, NotEnough) else changed.levels


def _places(
    measure: Measure, figures: Sequence[Figure], days: Days, began: Callable[[dict[str, date]], dict[str, date]]
) -> list[Place]:
    """The series whose level may have changed: one for each location, or one for all that began on the same days."""
    found: dict[tuple[tuple[str, date], ...], list[str]] = {}
    for location in sorted({f.location for f in figures}):
        stages = days.began.get(location) or ({} if location else _earliest(days.began))
        key = tuple(sorted(began(stages).items())) if stages else ()
        found.setdefault(key, []).append(location)
    places = []
    for key, locations in found.items():
        here = [f for f in figures if f.location in locations]
        series = [*_before(measure, here, days), *_since(measure, here, days)]
        if any(d.of for d in series):
            places.append(Place("+".join(locations), series, dict(key)))
    return places


def _earliest(began: Began) -> dict[str, date]:
    """Stage by stage its first day anywhere: for figures that belong to no one location."""
    found: dict[str, date] = {}
    for stages in began.values():
        for stage, day in stages.items():
            found[stage] = min(day, found.get(stage, day))
    return found


def _before(measure: Measure, figures: Sequence[Figure], days: Days) -> list[Day]:
    """The baseline's days, as far as nothing was live yet."""
    if days.before is None:
        return []
    return [d for d in _daily(measure, figures, days.before) if days.live is None or d.day < days.live]


def _since(measure: Measure, figures: Sequence[Figure], days: Days) -> list[Day]:
    """All days since anything is live, to the last reported on."""
    first = min(days.live or days.after.first, days.after.first)
    return _daily(measure, figures, Span(first, days.after.last))


def _after(measure: Measure, figures: Sequence[Figure], days: Days) -> list[Day]:
    return _daily(measure, figures, days.after)


def _daily(measure: Measure, figures: Sequence[Figure], span: Span) -> list[Day]:
    return daily(figures, span.first, span.last, every_day=measure.adds == "count")
