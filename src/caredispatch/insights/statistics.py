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
_CHUNK = 4_000_000
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
    return float(_quantiles(values, np.ones((1, len(values))), _QUANTILES[statistic])[0]) if len(values) else None


def estimate(days: Sequence[Day], statistic: Statistic, seed: int = 0) -> Interval | None:
    """The value over some days with its interval; None where nothing was counted."""
    value = value_of(days, statistic)
    if value is None:
        return None
    if not _enough(days):
        return Interval(value)
    moved, weeks = _moved(days, statistic, value, seed)
    return _interval(value, moved, float(moved.var()), weeks - 1)


def difference(before: Sequence[Day], after: Sequence[Day], statistic: Statistic, seed: int = 0) -> Difference | None:
    """After less before, with intervals; None where one side counted nothing."""
    first, second = estimate(before, statistic, seed), estimate(after, statistic, seed + 1)
    if first is None or second is None:
        return None
    change = Interval(second.value - first.value)
    if _enough(before) and _enough(after):
        moved0, weeks0 = _moved(before, statistic, first.value, seed)
        moved1, weeks1 = _moved(after, statistic, second.value, seed + 1)
        var0, var1 = float(moved0.var()), float(moved1.var())
        # Welch and Satterthwaite: how many weeks the two spreads together are worth.
        parts = var0**2 / (weeks0 - 1) + var1**2 / (weeks1 - 1)
        change = _interval(change.value, moved1 - moved0, var0 + var1, (var0 + var1) ** 2 / parts if parts else 2.0)
    return Difference(first, second, change, _counted(before), _counted(after))


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


def _enough(days: Sequence[Day]) -> bool:
    return len(days) >= FEWEST_DAYS


def _interval(value: float, moved: Floats, variance: float, df: float) -> Interval:
    if not variance:
        return Interval(value, value, value)
    low, high = np.quantile(moved, [0.025, 0.975]) * (t_quantile(df) / _Z)
    return Interval(value, value + float(low), value + float(high))


def _moved(days: Sequence[Day], statistic: Statistic, value: float, seed: int) -> tuple[Floats, float]:
    """How far the statistic of each draw lies from the value, widened; and the number of weeks."""
    n = len(days)
    drawn = _draws(n, seed)
    if statistic == "ratio":
        amount, of = (np.array([getattr(d, name) for d in days], dtype=np.float64) for name in ("amount", "of"))
        below = drawn @ of
        of_draws = np.divide(drawn @ amount, below, out=np.full(DRAWS, value), where=below > 0)
    else:
        of_draws = _drawn_quantiles(days, drawn, _QUANTILES[statistic], value)
    return (of_draws - value) * np.sqrt(n / (n - BLOCK_DAYS)), n / BLOCK_DAYS


@lru_cache(maxsize=32)
def _draws(n: int, seed: int) -> Floats:
    """How often each of n days is in each draw: weeks on a circle, the last one cut where n is reached."""
    blocks = -(-n // BLOCK_DAYS)
    starts = np.random.default_rng((_SEED, seed)).integers(0, n, size=(DRAWS, blocks, 1))
    days = ((starts + np.arange(BLOCK_DAYS)) % n).reshape(DRAWS, -1)[:, :n]
    flat = (days + n * np.arange(DRAWS)[:, None]).ravel()
    return np.bincount(flat, minlength=DRAWS * n).reshape(DRAWS, n).astype(np.float64)


def _drawn_quantiles(days: Sequence[Day], drawn: Floats, q: float, value: float) -> Floats:
    values = np.array([v for d in days for v in d.values], dtype=np.float64)
    owner = np.repeat(np.arange(len(days)), [len(d.values) for d in days])
    order = np.argsort(values, kind="stable")
    values, owner = values[order], owner[order]
    rows = max(1, _CHUNK // len(values))
    parts = [_quantiles(values, drawn[at : at + rows][:, owner], q) for at in range(0, DRAWS, rows)]
    found = np.concatenate(parts)
    return np.where(np.isnan(found), value, found)


def _quantiles(values: Floats, weights: Floats, q: float) -> Floats:
    """The q-quantile of sorted values under each row of weights: where two values bound it, their middle. NaN where a
    row weighs nothing."""
    reached = np.cumsum(weights, axis=1)
    total = reached[:, -1]
    wanted = (q * total)[:, None]
    slack = 1e-9
    last = len(values) - 1
    low = np.minimum((reached < wanted - slack).sum(axis=1), last)
    high = np.minimum((reached <= wanted + slack).sum(axis=1), last)
    return np.where(total > 0, (values[low] + values[high]) / 2, np.nan)
