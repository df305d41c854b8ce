"""Intervals and differences of figures by day, seeded: the same figures give the same numbers. What lies behind a
whole trend is `interrupted`'s, what a single day says `control`'s; what is counted is `core.measures`'.

Days are not independent: they have weekdays, and bad days come together. Whole weeks are therefore drawn again, as
blocks of seven days on a circle, never single days; and because a month holds few weeks, the spread is widened by
n / (n - 7) and Student's t at the number of weeks. docs/reports.md says how often such intervals hold the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from caredispatch.core.measures import Better, Figure

Floats = npt.NDArray[np.float64]
Statistic = Literal["ratio", "median", "p95"]
Word = Literal["better", "worse", "higher", "lower", "no effect shown", "too few days", "not measured before"]

BLOCK_DAYS = 7
FEWEST_DAYS = 21
"""Below three weeks a side there is nothing to draw from: no word is said."""
DRAWS = 2000
_SEED = 20_261_124
_STEPS = 1000
_SLACK = 1e-9
_Z = 1.959963984540054
_QUANTILES = {"median": 0.5, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class Day:
    """One calendar day: `amount` of `of`, and single values where the measure is of times. A day on which there was
    nothing to count has `of` 0; it keeps its place in the week."""

    day: date
    amount: float
    of: float
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Interval:
    """A number, and the bounds between which the truth lies at 95 %. Both are None where there are too few days."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """Before, after, and after less before; days are those with something to count."""

    before: Interval
    after: Interval
    change: Interval
    days_before: int
    days_after: int


def daily(figures: Iterable[Figure], first: date, last: date, *, every_day: bool = False) -> list[Day]:
    """Figures of one measure added up by day, for each calendar day from `first` to `last`. `every_day`: what is
    counted by the day counts once a day, however many places and services it comes from."""
    found: dict[date, list[Figure]] = {}
    for figure in figures:
        if first <= figure.day <= last:
            found.setdefault(figure.day, []).append(figure)
    return [_added(first + timedelta(days=n), found, every_day) for n in range((last - first).days + 1)]


def _added(day: date, found: dict[date, list[Figure]], every_day: bool) -> Day:
    here = found.get(day, [])
    of = max((f.of for f in here), default=0.0) if every_day else sum(f.of for f in here)
    return Day(day, sum(f.amount for f in here), of, tuple(v for f in here for v in f.values))


def value_of(days: Sequence[Day], statistic: Statistic) -> float | None:
    """A ratio of sums, or a quantile of all single values; None where nothing was counted."""
    if statistic == "ratio":
        of = sum(d.of for d in days)
        return sum(d.amount for d in days) / of if of else None
    values = np.sort(np.array([v for d in days for v in d.values], dtype=np.float64))
    if not len(values):
        return None
    reached = np.arange(1, len(values) + 1, dtype=np.float64)[None, :]
    return float(_at(values, reached, reached[:, -1], _QUANTILES[statistic])[0])


def estimate(days: Sequence[Day], statistic: Statistic, seed: int = 0) -> Interval | None:
    """The value over some days with its interval; None where nothing was counted."""
    side = _side(days, statistic, seed)
    return None if side is None else side.interval


def difference(before: Sequence[Day], after: Sequence[Day], statistic: Statistic, seed: int = 0) -> Difference | None:
    """After less before, with intervals; None where one side counted nothing."""
    first, second = _side(before, statistic, seed), _side(after, statistic, seed + 1)
    if first is None or second is None:
        return None
    change = Interval(second.value - first.value)
    if first.moved is not None and second.moved is not None:
        var0, var1 = float(first.moved.var()), float(second.moved.var())
        # Welch and Satterthwaite: how many weeks the two spreads together are worth.
        parts = var0**2 / (first.weeks - 1) + var1**2 / (second.weeks - 1)
        df = (var0 + var1) ** 2 / parts if parts else 2.0
        change = _interval(change.value, second.moved - first.moved, var0 + var1, df)
    return Difference(first.interval, second.interval, change, _counted(before), _counted(after))


def word_of(change: Interval, better: Better) -> Word:
    """What an interval of a change lets one say. A measure that is neither good nor bad is higher or lower."""
    if change.low is None or change.high is None:
        return "too few days"
    if change.low <= 0 <= change.high:
        return "no effect shown"
    higher = change.low > 0
    if not better:
        return "higher" if higher else "lower"
    return "better" if higher == (better == "higher") else "worse"


def t_quantile(df: float) -> float:
    """Student's t at 97.5 %, by Cornish and Fisher's series; good to 1 % from 3 degrees of freedom, which is the least
    that is taken."""
    df = max(df, 3.0)
    z = _Z
    return (
        z
        + (z**3 + z) / (4 * df)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
    )


def _counted(days: Sequence[Day]) -> int:
    return sum(1 for d in days if d.of)


@dataclass(frozen=True, slots=True)
class _Side:
    """Some days: their value, and how far the value of each draw lies from it, widened; None with too few days."""

    value: float
    weeks: float
    moved: Floats | None = None

    @property
    def interval(self) -> Interval:
        if self.moved is None:
            return Interval(self.value)
        return _interval(self.value, self.moved, float(self.moved.var()), self.weeks - 1)


def _side(days: Sequence[Day], statistic: Statistic, seed: int) -> _Side | None:
    value, n = value_of(days, statistic), len(days)
    if value is None:
        return None
    if n < FEWEST_DAYS:
        return _Side(value, n / BLOCK_DAYS)
    drawn = _draws(n, seed)
    if statistic == "ratio":
        amount, of = (np.array([getattr(d, name) for d in days], dtype=np.float64) for name in ("amount", "of"))
        below = drawn @ of
        values = np.divide(drawn @ amount, below, out=np.full(DRAWS, value), where=below > 0)
    else:
        values = _drawn_quantiles(days, drawn, _QUANTILES[statistic], value)
    return _Side(value, n / BLOCK_DAYS, (values - value) * np.sqrt(n / (n - BLOCK_DAYS)))


def _interval(value: float, moved: Floats, variance: float, df: float) -> Interval:
    if not variance:
        return Interval(value, value, value)
    low, high = np.quantile(moved, [0.025, 0.975]) * (t_quantile(df) / _Z)
    return Interval(value, value + float(low), value + float(high))


@lru_cache(maxsize=32)
def _draws(n: int, seed: int) -> Floats:
    """How often each of n days is in each draw: weeks on a circle, the last one cut where n is reached."""
    blocks = -(-n // BLOCK_DAYS)
    starts = np.random.default_rng((_SEED, seed)).integers(0, n, size=(DRAWS, blocks, 1))
    days = ((starts + np.arange(BLOCK_DAYS)) % n).reshape(DRAWS, -1)[:, :n]
    flat = (days + n * np.arange(DRAWS)[:, None]).ravel()
    return np.bincount(flat, minlength=DRAWS * n).reshape(DRAWS, n).astype(np.float64)


def _drawn_quantiles(days: Sequence[Day], drawn: Floats, q: float, value: float) -> Floats:
    """The quantile of each draw. Of very many values so many evenly spaced ones are taken as steps."""
    values = np.sort(np.array([v for d in days for v in d.values], dtype=np.float64))
    steps = values if len(values) <= _STEPS else values[np.linspace(0, len(values) - 1, _STEPS).astype(np.int64)]
    # How many values of each day lie at or below each step: those of a draw are sums of its days.
    below = np.array([np.searchsorted(np.sort(d.values), steps, side="right") for d in days], dtype=np.float64)
    found = _at(steps, drawn @ below, drawn @ np.array([len(d.values) for d in days], dtype=np.float64), q)
    return np.where(np.isnan(found), value, found)


def _at(values: Floats, reached: Floats, total: Floats, q: float) -> Floats:
    """The q-quantile of sorted values of which so many are `reached` at each, in each row: where two values bound it,
    their middle. NaN where a row has none."""
    wanted, last = (q * total)[:, None], len(values) - 1
    low = np.minimum((reached < wanted - _SLACK).sum(axis=1), last)
    high = np.minimum((reached <= wanted + _SLACK).sum(axis=1), last)
    return np.where(total > 0, (values[low] + values[high]) / 2, np.nan)
