"""Interrupted time series: what a stage changed is found beside trend and weekdays, and nothing is found where nothing
changed, as often as the interval says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from caredispatch.insights.interrupted import Change, NotEnough, Place, level_changes
from caredispatch.insights.statistics import Day, difference, word_of
from tests.insights.series import MONDAY, days_of, holds

SERIES = 400


def live(after: int) -> date:
    """The day so many days after the first."""
    return MONDAY + timedelta(days=after)


def changed(places: Sequence[Place]) -> Change:
    found = level_changes(places)
    assert isinstance(found, Change), found
    return found


def stepped(n: int, at: int, effect: float, trend: float = 0.0) -> list[float]:
    """A step of `effect` on day `at`, on a slope of `trend` a day."""
    return [trend * i + (effect if i >= at else 0.0) for i in range(n)]


# ------------------------------------------------------------------ by hand


def test_without_noise_step_and_trend_come_out_as_they_went_in() -> None:
    steps = stepped(70, 30, 0.1, 0.001)
    days = [Day(live(i), (0.5 + steps[i]) * 10, 10) for i in range(70)]
    found = changed([Place("north", days, {"dispatch": live(30)})])
    assert found.levels["dispatch"].value == pytest.approx(0.1)
    assert found.trend is not None
    assert found.trend.value == pytest.approx(0.007)


def test_two_stages_of_two_days_are_told_apart() -> None:
    days = [Day(live(i), 5 + (1 if i >= 30 else 0) + (2 if i >= 70 else 0), 10) for i in range(110)]
    found = changed([Place("north", days, {"booking": live(30), "dispatch": live(70)})])
    assert found.levels["booking"].value == pytest.approx(0.1)
    assert found.levels["dispatch"].value == pytest.approx(0.2)


def test_two_stages_of_one_day_are_not() -> None:
    days = days_of(np.random.default_rng(1), 80)
    found = level_changes([Place("north", days, {"booking": live(40), "dispatch": live(40)})])
    assert found == NotEnough("stages that began on one day can't be told apart")


def test_less_than_four_weeks_a_side_is_too_little() -> None:
    days = days_of(np.random.default_rng(1), 50)
    found = level_changes([Place("north", days, {"dispatch": live(30)})])
    assert found == NotEnough("fewer than 28 days before or after (dispatch)")


def test_where_nothing_is_live_nothing_is_interrupted() -> None:
    days = days_of(np.random.default_rng(1), 80)
    assert level_changes([Place("north", days, {})]) == NotEnough("no stage has gone live")


def test_a_season_is_reckoned_with_from_two_years_on() -> None:
    rng = np.random.default_rng(2)
    yearly = [0.1 * np.sin(2 * np.pi * i / 365.25) for i in range(760)]
    days = days_of(rng, 760, steps=[y + s for y, s in zip(yearly, stepped(760, 600, 0.05), strict=True)])
    found = changed([Place("north", days, {"dispatch": live(600)})])
    assert found.season
    assert holds(found.levels["dispatch"], 0.05)


# ------------------------------------------------------------------ what is promised


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5])
def test_the_interval_of_a_change_holds_the_truth_in_92_to_98_of_100(correlation: float) -> None:
    rng = np.random.default_rng(21)
    held = 0
    for _ in range(SERIES):
        days = days_of(rng, 75, correlation=correlation, steps=stepped(75, 30, 0.08, 0.0005))
        held += holds(changed([Place("north", days, {"dispatch": live(30)})]).levels["dispatch"], 0.08)
    assert 0.92 <= held / SERIES <= 0.98


def test_a_trend_that_was_there_before_is_not_taken_for_an_effect() -> None:
    rng = np.random.default_rng(22)
    plain = adjusted = 0
    for _ in range(SERIES):
        days = days_of(rng, 90, steps=stepped(90, 45, 0.0, 0.002))
        compared = difference(days[:45], days[45:], "ratio")
        assert compared is not None
        plain += word_of(compared.change, "higher") == "better"
        level = changed([Place("north", days, {"dispatch": live(45)})]).levels["dispatch"]
        adjusted += word_of(level, "higher") == "no effect shown"
    assert plain >= 0.9 * SERIES  # a mere comparison is fooled
    assert adjusted >= 0.92 * SERIES


def test_places_that_began_on_different_days_are_pooled_and_a_common_season_is_no_effect() -> None:
    rng = np.random.default_rng(23)
    held = found_zero = 0
    for _ in range(SERIES):
        season = [0.05 * np.sin(i / 12) for i in range(98)]
        began = {"north": 35, "south": 56, "west": 70}
        places: dict[float, list[Place]] = {0.0: [], 0.06: []}
        for effect, of_effect in places.items():
            for name, at in began.items():
                steps = [a + b for a, b in zip(season, stepped(98, at, effect), strict=True)]
                days = days_of(rng, 98, level=0.6 if name == "west" else 0.7, steps=steps)
                of_effect.append(Place(name, days, {"dispatch": live(at)}))
        held += holds(changed(places[0.06]).levels["dispatch"], 0.06)
        found_zero += word_of(changed(places[0.0]).levels["dispatch"], "higher") == "no effect shown"
    assert 0.92 <= held / SERIES <= 0.98
    assert 0.92 <= found_zero / SERIES <= 0.98


def test_a_large_effect_is_found_beside_a_trend() -> None:
    rng = np.random.default_rng(24)
    words = []
    for _ in range(100):
        days = days_of(rng, 90, steps=stepped(90, 30, 0.2, 0.001))
        words.append(word_of(changed([Place("north", days, {"dispatch": live(30)})]).levels["dispatch"], "higher"))
    assert words.count("better") >= 95
