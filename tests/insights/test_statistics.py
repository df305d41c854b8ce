"""Statistics: sums by hand, and what an interval promises, counted over many series whose truth is known."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from caredispatch.core.measures import Figure
from caredispatch.insights.statistics import (
    Day,
    Interval,
    Statistic,
    Word,
    daily,
    difference,
    estimate,
    t_quantile,
    value_of,
    word_of,
)
from tests.insights.series import MONDAY, days_of, holds, times_of

SERIES = 400


# ------------------------------------------------------------------ by hand


def test_a_share_is_the_ratio_of_the_sums_not_the_mean_of_the_days() -> None:
    days = [Day(MONDAY, 10, 10), Day(MONDAY + timedelta(days=1), 0, 30)]
    assert value_of(days, "ratio") == 0.25


def test_median_and_95th_percentile_are_of_all_single_values() -> None:
    days = [Day(MONDAY, 60, 3, (10.0, 20.0, 30.0)), Day(MONDAY + timedelta(days=1), 40, 1, (40.0,))]
    assert value_of(days, "median") == 25.0
    hundred = [Day(MONDAY, 5050, 100, tuple(float(v) for v in range(1, 101)))]
    assert value_of(hundred, "p95") == 95.5


def test_nothing_counted_is_no_zero() -> None:
    assert value_of([Day(MONDAY, 0, 0)], "ratio") is None
    assert value_of([Day(MONDAY, 0, 0)], "median") is None
    assert difference([Day(MONDAY, 0, 0)], [Day(MONDAY, 1, 1)], "ratio") is None


def test_figures_of_places_and_services_add_up_by_day_and_closed_days_keep_their_place() -> None:
    tuesday = date(2026, 9, 8)
    figures = [
        Figure("no_show_rate", MONDAY, "north", "therapy", 2, 20),
        Figure("no_show_rate", MONDAY, "south", "intake", 1, 5),
        Figure("no_show_rate", tuesday + timedelta(days=9), "south", "intake", 9, 9),
    ]
    assert daily(figures, MONDAY, tuesday) == [Day(MONDAY, 3, 25), Day(tuesday, 0, 0)]


def test_what_is_counted_a_day_counts_the_day_once_however_many_places_it_comes_from() -> None:
    figures = [
        Figure("scrambles", MONDAY, "north", "therapy", 2, 1),
        Figure("scrambles", MONDAY, "south", "therapy", 1, 1),
    ]
    assert value_of(daily(figures, MONDAY, MONDAY, every_day=True), "ratio") == 3.0


def test_a_difference_is_after_less_before() -> None:
    before = [Day(MONDAY + timedelta(days=n), 6, 10) for n in range(28)]
    after = [Day(MONDAY + timedelta(days=n), 9, 10) for n in range(28, 56)]
    found = difference(before, after, "ratio")
    assert found is not None
    assert found.before == Interval(0.6, 0.6, 0.6)
    assert found.change.value == pytest.approx(0.3)
    assert (found.days_before, found.days_after) == (28, 28)


def test_below_three_weeks_a_side_there_is_a_number_and_no_interval() -> None:
    rng = np.random.default_rng(1)
    found = difference(days_of(rng, 30), days_of(rng, 20), "ratio")
    assert found is not None
    assert found.after.low is None
    assert word_of(found.change, "higher") == "too few days"


@pytest.mark.parametrize(
    ("low", "high", "better", "word"),
    [
        (0.1, 0.2, "higher", "better"),
        (0.1, 0.2, "lower", "worse"),
        (-0.2, -0.1, "lower", "better"),
        (-0.2, -0.1, "", "lower"),
        (-0.1, 0.2, "higher", "no effect shown"),
    ],
)
def test_the_word_follows_from_the_interval_and_from_what_is_good(
    low: float, high: float, better: str, word: Word
) -> None:
    assert word_of(Interval((low + high) / 2, low, high), better) == word  # type: ignore[arg-type]  # a literal above


def test_students_t_is_that_of_the_tables() -> None:
    assert [round(t_quantile(df), 2) for df in (5, 10, 30, 1000)] == [2.57, 2.23, 2.04, 1.96]


def test_the_same_figures_give_the_same_numbers() -> None:
    days = days_of(np.random.default_rng(3), 35)
    assert estimate(days, "ratio") == estimate(list(days), "ratio")


# ------------------------------------------------------------------ what is promised


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.4])
@pytest.mark.parametrize(("before", "after"), [(28, 28), (30, 90), (60, 60)])
def test_a_95_percent_interval_holds_the_true_change_in_92_to_98_of_100(
    correlation: float, before: int, after: int
) -> None:
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(SERIES):
        one = days_of(rng, before, correlation=correlation)
        two = days_of(rng, after, level=0.75, correlation=correlation)
        found = difference(one, two, "ratio")
        assert found is not None
        held += holds(found.change, 0.05)
    assert 0.92 <= held / SERIES <= 0.98


@pytest.mark.parametrize("statistic", ["median", "p95"])
def test_intervals_of_times_hold_the_truth_as_often(statistic: Statistic) -> None:
    rng = np.random.default_rng(12)
    held = 0
    for _ in range(SERIES):
        found = difference(times_of(rng, 28, median=300), times_of(rng, 28, median=300), statistic)
        assert found is not None
        held += holds(found.change, 0.0)
    assert 0.92 <= held / SERIES <= 0.98


def test_a_known_effect_is_found_and_a_known_zero_is_not() -> None:
    rng = np.random.default_rng(13)
    words: dict[float, list[Word]] = {0.0: [], 0.1: []}
    for effect, said in words.items():
        for _ in range(SERIES):
            found = difference(days_of(rng, 30), days_of(rng, 30, level=0.7 + effect), "ratio")
            assert found is not None
            said.append(word_of(found.change, "higher"))
    assert words[0.1].count("better") >= 0.95 * SERIES
    assert words[0.1].count("worse") == 0
    assert words[0.0].count("no effect shown") >= 0.92 * SERIES
