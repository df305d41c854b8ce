"""Control charts: limits by hand, each rule once, and how often a quiet week is called a signal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import sqrt

import numpy as np
import pytest

from caredispatch.core.measures import MEASURES
from caredispatch.insights.control import Chart, control_chart
from caredispatch.insights.statistics import Day
from tests.insights.series import MONDAY, days_of, times_of

SERIES = 400


def counts(*values: float, first: int = 0) -> list[Day]:
    """Days of so many scrambles."""
    return [Day(MONDAY + timedelta(days=first + i), v, 1.0) for i, v in enumerate(values)]


def charted(code: str, before: Sequence[Day], judged: Sequence[Day]) -> Chart:
    found = control_chart(MEASURES[code], before, judged)
    assert found is not None
    return found


def test_xmr_limits_by_hand() -> None:
    before = counts(*[2.0, 4.0] * 8)
    found = charted("scrambles", before, counts(3.0, first=16))
    # Each moving range is 2, sigma 2 / 1.128. Sixteen days about one centre that they made themselves: days to come
    # spread sqrt((1 + 1/16) / (1 - 1/16)) as much, and t of 15 degrees stands for the normal's 1.96.
    sigma = 2 / 1.128 * sqrt((17 / 16) / (15 / 16)) * 2.1314 / 1.96
    assert found.kind == "XmR"
    assert found.points[-1].centre == 3.0
    assert found.points[-1].high == pytest.approx(3 + 3 * sigma, rel=0.001)
    assert found.points[-1].low == 0.0
    assert found.verdict == "noise"


def test_a_share_has_limits_by_the_days_number() -> None:
    rng = np.random.default_rng(1)
    before = [Day(MONDAY + timedelta(days=i), float(rng.binomial(50, 0.1)), 50.0) for i in range(21)]
    small, large = (charted("no_show_rate", before, [Day(MONDAY + timedelta(days=21), n * 0.1, n)]) for n in (25, 100))
    assert small.kind == "p′"
    high = [c.points[-1].high - c.points[-1].centre for c in (small, large)]
    assert high[0] == pytest.approx(2 * high[1])


def test_a_day_beyond_three_sigma_is_a_signal() -> None:
    found = charted("scrambles", counts(*[2.0, 4.0] * 8), counts(3.0, 12.0, 3.0, first=16))
    assert [(p.value, p.breaks) for p in found.signals] == [(12.0, "beyond three sigma")]
    assert found.verdict == "signal"


def test_the_eighth_day_in_a_row_on_one_side_is_a_signal() -> None:
    seven = charted("scrambles", counts(*[2.0, 4.0] * 8), counts(3.0, *[2.0] * 7, first=16))
    eight = charted("scrambles", counts(*[2.0, 4.0] * 8), counts(3.0, *[2.0] * 8, first=16))
    assert seven.verdict == "noise"
    assert [p.breaks for p in eight.signals] == ["eight in a row on one side"]


def test_a_signal_of_last_month_does_not_make_this_week_one() -> None:
    found = charted("scrambles", counts(*[2.0, 4.0] * 8), counts(12.0, *[2.0, 4.0] * 5, first=16))
    assert found.signals
    assert found.verdict == "noise"


def test_ordinary_mondays_are_no_signal() -> None:
    rng = np.random.default_rng(4)
    days = days_of(rng, 70, level=0.5, spread=0.01)
    busy = [Day(d.day, d.amount + 0.2 * d.of * (d.day.weekday() == 0), d.of) for d in days]
    assert charted("no_show_rate", busy[:30], busy[30:63]).verdict == "noise"


def test_too_few_days_or_none_that_differ_make_no_chart() -> None:
    assert control_chart(MEASURES["scrambles"], counts(*[2.0, 4.0] * 7), counts(3.0, first=14)) is None
    assert control_chart(MEASURES["scrambles"], counts(*[2.0] * 20), counts(3.0, first=20)) is None


@pytest.mark.parametrize("code", ["no_show_rate", "settled_seconds", "scrambles"])
@pytest.mark.parametrize("correlation", [0.0, 0.3])
def test_of_100_quiet_weeks_at_most_10_are_called_a_signal(code: str, correlation: float) -> None:
    rng = np.random.default_rng(31)
    called = 0
    for _ in range(SERIES):
        if code == "settled_seconds":
            days = times_of(rng, 37, median=300, correlation=correlation)
        elif code == "scrambles":
            days = counts(*(float(n) for n in rng.poisson(2.2, size=37)))
        else:
            days = days_of(rng, 37, correlation=correlation)
        called += charted(code, days[:30], days[30:]).verdict == "signal"
    assert called <= 0.1 * SERIES


def test_a_halved_time_to_settle_is_a_signal_within_two_weeks() -> None:
    rng = np.random.default_rng(32)
    found = 0
    for _ in range(100):
        before, after = times_of(rng, 30, median=300), times_of(rng, 14, median=150, first=MONDAY + timedelta(days=30))
        found += charted("settled_seconds", before, after).verdict == "signal"
    assert found >= 80
