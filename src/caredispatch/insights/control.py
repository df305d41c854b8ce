"""Control charts: whether days of a measure lie where chance alone would put them. What is a share has a p′-chart
(Laney: limits by the day's number, widened by how much the days really differ); everything else an XmR-chart, times on
the scale of their logarithms. Limits come from the days before, weekday by weekday where there are four weeks of them.

Two of Western Electric's rules are kept: a day beyond three sigma, and eight days in a row on one side of the centre.
Their other two (two of three beyond two sigma, four of five beyond one) raise more false alarms than they find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from math import exp, log, sqrt
from statistics import fmean, stdev
from typing import Literal

from caredispatch.core.measures import Measure
from caredispatch.insights.statistics import Day, t_quantile, value_of

Kind = Literal["p′", "XmR", "XmR of logarithms"]
Rule = Literal["beyond three sigma", "eight in a row on one side"]

FEWEST_POINTS = 15
WEEKDAYS_FROM = timedelta(days=28)
WEEK = timedelta(days=7)
RUN = 8
_D2 = 1.128
"""The mean moving range of two normal values, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Point:
    """One day: its value, its limits, and the rule that it breaks. Days that made the limits are `judged` too."""

    day: date
    value: float
    centre: float
    low: float
    high: float
    breaks: Rule | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """The days in order; `since` is the first of those that were to be judged."""

    kind: Kind
    points: tuple[Point, ...]
    since: date

    @property
    def signals(self) -> list[Point]:
        """The judged days that break a rule. In a long quiet time there are some by chance."""
        return [p for p in self.points if p.breaks and p.day >= self.since]

    @property
    def latest(self) -> Point | None:
        """The last such day of the last week."""
        week = self.points[-1].day - WEEK
        return next((p for p in reversed(self.signals) if p.day > week), None)

    @property
    def verdict(self) -> Literal["signal", "noise"]:
        """What the last week is. A quiet week is called a signal in 4 to 10 of 100."""
        return "signal" if self.latest else "noise"


@dataclass(frozen=True, slots=True)
class _Scale:
    """A chart's ruler, in units of which a day's spread is `unit` times the common sigma."""

    kind: Kind
    centre: float
    weekday: dict[int, float]
    sigma: float

    def unit(self, day: Day) -> float:
        """How wide chance alone makes this day."""
        return sqrt(self.centre * (1 - self.centre) / day.of) if self.kind == "p′" else 1.0

    def point(self, day: Day, value: float) -> tuple[float, Point]:
        """How many sigma a day lies from its centre, and the day as it is drawn."""
        centre, width = self.centre + self.weekday.get(day.day.weekday(), 0.0), self.sigma * self.unit(day)
        low, high = centre - 3 * width, centre + 3 * width
        if self.kind == "p′":
            low, high = max(0.0, low), min(1.0, high)
        if self.kind == "XmR of logarithms":
            point = Point(day.day, exp(value), exp(centre), exp(low), exp(high))
        else:
            point = Point(day.day, value, centre, max(0.0, low), high)
        return (value - centre) / width, point


def control_chart(measure: Measure, before: Sequence[Day], judged: Sequence[Day]) -> Chart | None:
    """The chart of a measure's days against the days before; None where fewer than 15 of those counted anything, or
    they all counted the same."""
    kind = _kind(measure)
    known = [(d, v) for d in before if (v := _value(d, kind)) is not None]
    later = [(d, v) for d in judged if (v := _value(d, kind)) is not None]
    scale = _scale(kind, known) if len(known) >= FEWEST_POINTS else None
    if scale is None or not later:
        return None
    placed = [scale.point(d, v) for d, v in known + later]
    runs = _runs([z for z, _ in placed])
    points = tuple(
        Point(p.day, p.value, p.centre, p.low, p.high, _broken(z, run))
        for (z, p), run in zip(placed, runs, strict=True)
    )
    return Chart(kind, points, later[0][0].day)


def _kind(measure: Measure) -> Kind:
    if measure.adds == "times":
        return "XmR of logarithms"
    return "p′" if measure.unit == "%" else "XmR"


def _value(day: Day, kind: Kind) -> float | None:
    """Where a day stands on the chart's scale. The half second keeps a time of nothing on it."""
    if kind != "XmR of logarithms":
        return value_of([day], "ratio")
    median = value_of([day], "median")
    return None if median is None else log(max(median, 0.5))


def _scale(kind: Kind, known: Sequence[tuple[Day, float]]) -> _Scale | None:
    days = [d for d, _ in known]
    if kind == "p′":
        # Half a visit more of either kind keeps a share that was never seen from having no width at all.
        centre = (sum(d.amount for d in days) + 0.5) / (sum(d.of for d in days) + 1)
        if not 0 < centre < 1:
            return None
    else:
        centre = fmean(v for _, v in known)
    weekday = _weekdays(known, centre) if days[-1].day - days[0].day >= WEEKDAYS_FROM - timedelta(days=2) else {}
    plain = _Scale(kind, centre, weekday, 1.0)
    z = [plain.point(d, v)[0] for d, v in known]
    # Where bad days come together, one differs little from the next, and moving ranges alone are too narrow.
    sigma = max(fmean(abs(b - a) for a, b in pairwise(z)) / _D2, stdev(z))
    return _Scale(kind, centre, weekday, sigma * _ahead(len(z), max(1, len(weekday)))) if sigma > 0 else None


def _ahead(n: int, centres: int) -> float:
    """How much wider days to come spread around centres that were estimated, than the days that they were estimated
    from; and how much three sigma that are estimated themselves must be widened to be passed as seldom."""
    each = n / centres
    return sqrt((1 + 1 / each) / (1 - 1 / each)) * t_quantile(n - centres) / t_quantile(1e9)


def _weekdays(known: Sequence[tuple[Day, float]], centre: float) -> dict[int, float]:
    """How far each weekday lies from the centre on average."""
    of: dict[int, list[float]] = {}
    for day, value in known:
        of.setdefault(day.day.weekday(), []).append(value)
    return {weekday: fmean(values) - centre for weekday, values in of.items() if len(values) >= 3}


def _runs(z: Sequence[float]) -> list[int]:
    """For each day, how many in a row up to it lie on its side of the centre."""
    runs: list[int] = []
    for i, one in enumerate(z):
        same = i > 0 and one * z[i - 1] > 0
        runs.append(runs[-1] + 1 if same else 1)
    return runs


def _broken(z: float, run: int) -> Rule | None:
    if abs(z) > 3:
        return "beyond three sigma"
    return "eight in a row on one side" if run >= RUN else None
