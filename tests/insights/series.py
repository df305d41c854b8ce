"""Made-up series whose truth is known: days with weekdays, closed Sundays, and bad days that come together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from caredispatch.insights.statistics import Day, Interval

MONDAY = date(2026, 9, 7)
WEEKDAYS = (1.0, 0.4, 0.0, -0.2, -0.9, -0.3)
"""How the days from Monday to Saturday differ; on Sundays nobody works."""


def together(rng: np.random.Generator, n: int, correlation: float) -> npt.NDArray[np.float64]:
    """n numbers of variance 1, each so alike to the one before."""
    out = np.empty(n + 30)
    out[0] = 0.0
    shocks = rng.normal(size=n + 30) * np.sqrt(1 - correlation**2)
    for t in range(1, n + 30):
        out[t] = correlation * out[t - 1] + shocks[t]
    return out[30:]


def days_of(
    rng: np.random.Generator,
    n: int,
    *,
    level: float = 0.7,
    correlation: float = 0.3,
    steps: Sequence[float] = (),
    first: date = MONDAY,
    spread: float = 0.05,
) -> list[Day]:
    """n days of a share: 40 to 80 visits on a working day, none on Sundays. `steps[i]` is added on day i."""
    noise = together(rng, n, correlation) * spread
    made = []
    for i in range(n):
        day = first + timedelta(days=i)
        if day.weekday() == 6:
            made.append(Day(day, 0.0, 0.0))
            continue
        of = float(rng.integers(40, 81))
        share = level + spread * WEEKDAYS[day.weekday()] + noise[i] + (steps[i] if steps else 0.0)
        made.append(Day(day, share * of, of))
    return made


def times_of(
    rng: np.random.Generator, n: int, *, median: float, correlation: float = 0.3, first: date = MONDAY
) -> list[Day]:
    """n days with three to six times each, log-normal, slow days coming together."""
    slow = together(rng, n, correlation) * 0.3
    made = []
    for i in range(n):
        values = tuple(float(v) for v in np.exp(np.log(median) + slow[i] + rng.normal(size=rng.integers(3, 7)) * 0.5))
        made.append(Day(first + timedelta(days=i), sum(values), len(values), values))
    return made


def holds(interval: Interval, truth: float) -> bool:
    """Whether the truth lies in it."""
    assert interval.low is not None
    assert interval.high is not None
    return interval.low <= truth <= interval.high
