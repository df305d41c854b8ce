"""What is set beside the industry's claims: every row, with input, formula and interval; and the page that says so."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

import pytest

from caredispatch.lab.outcomes import MOVED, trial_of
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.rehearsal.beside import WORKED_EXAMPLE
from caredispatch.rehearsal.claimed import beside
from caredispatch.rehearsal.claims import claims, range_of
from caredispatch.rehearsal.outcomes import (
    ALL_FOUR,
    BEGIN,
    BY_HAND,
    STAGES,
    WARM_UP,
    WAYS,
    Results,
    interval,
    minutes_to_a_person,
    month_told,
    played,
)
from caredispatch.rehearsal.outcomes_page import outcomes_text
from caredispatch.rehearsal.parameters_reading import shipped
from caredispatch.rehearsal.practices import practice_names
from caredispatch.rehearsal.sensitivity import Swing
from caredispatch.rehearsal.summing import Interval
from tests.docs.pages import page

FIGURES = {
    BY_HAND.name: {"utilisation": 70.0, "scrambles": 6.0, "coordinator_hours": 60.0, "wrong_entries": 100.0,
                   "errors": 18.0, "hours_a_day_each": 4.0, "overtime": 60.0, "no_show_hours": 5.0,
                   "minutes_a_disruption": 70.0, "confirmed_in": 9000.0, "lost_share": 20.0},
    "stage 1": {"coordinator_hours": 56.0, "wrong_entries": 0.0},
    "stages 1 to 2": {"coordinator_hours": 54.0, "wrong_entries": 0.0},
    "stages 1 to 3": {"coordinator_hours": 48.0, "wrong_entries": 0.0},
    ALL_FOUR.name: {"utilisation": 72.0, "scrambles": 2.0, "coordinator_hours": 46.0, "wrong_entries": 0.0,
                    "errors": 0.0, "hours_a_day_each": 3.0, "overtime": 30.0, "no_show_hours": 1.0,
                    "minutes_a_disruption": 40.0, "confirmed_in": 30.0, "lost_share": 18.0},
}  # fmt: skip
"""Made-up figures of one month, to see what is made of them."""


@lru_cache(maxsize=1)
def made_up() -> Results:
    """Two months of every practice that are both the same."""
    trials = {name: trial_of(name) for name in (*practice_names(), WORKED_EXAMPLE)}
    months = {(name, way.name): [FIGURES[way.name]] * 2 for name in trials for way in WAYS}
    return Results(trials, months, (7, 8), 28)


def of(metric: str, words: str) -> tuple[str, str]:
    """Verdict and change of one row."""
    claim = next(c for c in claims() if c.metric == metric and c.of.startswith(words))
    found = beside(claim, made_up())
    change = found.change or found.after
    return found.verdict, f"{change.middle:g}" if change is not None else ""


def test_every_row_has_an_input_and_a_formula() -> None:
    assert len(claims()) == 38
    for claim in claims():
        found = beside(claim, made_up())
        assert found.input, claim
        assert found.formula, claim
        assert found.needs or found.verdict in ("reached", "nothing is claimed"), claim


@pytest.mark.parametrize(
    ("metric", "words", "expected"),
    [
        ("slot utilisation", "primary care", ("not reached", "2")),  # 70 to 72, where 17 points are claimed
        ("same-day scrambles", "worked example", ("reached", "-4")),  # 2 a week left, where 3 are claimed
        ("same-day scrambles", "specialty", ("nothing is claimed", "-4")),
        ("coordinator hours saved", "home health", ("not reached", "14")),  # 60 less 46, where 18 to 25 are claimed
        ("coordinator hours freed", "stage 1", ("reached", "4")),  # 60 less 56, where 3 to 5 are claimed
        ("coordinator hours freed", "stage 3", ("reached", "6")),  # 54 less 48
        ("annual labour savings", "stage 1", ("not reached", "5408")),  # 4 hours × 52 weeks × 26 USD
        ("error rate change", "stage 1", ("reached", "-100")),
        ("error rate change", "stage 2", ("not reached", "0")),  # nothing is left to better
        ("admin labour on scheduling", "per", ("not reached", "-1")),
        ("no-show rescheduling cost", "per", ("reached", "-2704")),  # 4 hours × 26 USD × 52, of 2 people
        ("EHR data entry errors", "all", ("reached", "-18")),
        ("same-day change by hand", "each", ("not reached", "-30")),
        ("booking to provider confirmation to patient notice", "worked example", ("reached", "-8970")),
        ("status change by hand", "each", ("an input", "")),
    ],
)
def test_ours_beside_a_claim(metric: str, words: str, expected: tuple[str, str]) -> None:
    assert of(metric, words) == expected


def test_a_claim_that_some_months_reach_is_within_the_interval() -> None:
    results = made_up()
    months = {key: list(found) for key, found in results.months.items()}
    for hours, seed in ((50.0, 0), (35.0, 1)):
        key = "home-health", ALL_FOUR.name
        months[key][seed] = {**months[key][seed], "coordinator_hours": hours}
    claim = next(c for c in claims() if c.metric == "coordinator hours saved" and c.of == "home health")
    found = beside(claim, Results(results.trials, months, results.seeds, results.days))
    assert (found.verdict, found.change) == ("within the interval", Interval(10.375, 17.5, 24.625))


def test_an_interval_bounds_95_of_100_months() -> None:
    assert interval([float(n) for n in range(101)]) == Interval(2.5, 50.0, 97.5)
    assert interval([]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12-18", (12, 18)), ("-40", (-40, -40)), ("under 5", (0, 5)), ("3.2", (3.2, 3.2)), ("", None), ("many", None)],
)
def test_what_is_claimed_is_a_range(text: str, expected: tuple[float, float] | None) -> None:
    assert range_of(text) == expected


def test_how_soon_a_person_has_it_is_what_the_windows_of_a_path_add_up_to() -> None:
    playbook = read_playbook(profile_text("behavioral-health"))
    assert minutes_to_a_person(playbook, "urgent") == 4  # 2 min, then 2 min
    assert minutes_to_a_person(playbook, "cover") == 30
    assert minutes_to_a_person(playbook, "patient") is None  # ends on the call list
    assert minutes_to_a_person(playbook, "provider") is None  # counts minutes in which they can look


def test_the_ways_add_one_stage_at_a_time() -> None:
    assert [way.live for way in WAYS] == [None, STAGES[:1], STAGES[:2], STAGES[:3], STAGES]


def test_the_assumptions_that_are_moved_have_a_range() -> None:
    rows = shipped().rows
    assert all(rows[name].low is not None and rows[name].high is not None for name in MOVED)


def test_a_month_is_told_by_hand_and_with_the_product_in_the_same_figures() -> None:
    outreach = trial_of("behavioral-outreach")
    hand, product = (month_told(outreach, way, 1, 4) for way in (BY_HAND, ALL_FOUR))
    assert {"utilisation", "scrambles", "coordinator_hours", "hours_a_day_each", "lost_share"} <= set(hand) & set(
        product
    )
    assert hand["coordinator_hours"] == pytest.approx(hand["hours_a_day_each"] * 5)  # one coordinator


def test_days_before_the_count_begins_are_played_and_left_out() -> None:
    run = played(trial_of("behavioral-outreach"), BY_HAND, 1, 4)
    since = BEGIN + timedelta(days=WARM_UP)
    assert run.days == 4
    assert run.visits
    assert all(since <= v.start_at < since + timedelta(days=4) for v in run.visits)
    assert all(i.at >= since for i in run.incidents)
    assert run.happened is not None
    assert run.human_minutes == sum(n.minutes for n in run.happened.noted)
    assert (run.happened.first_day.isoformat(), run.happened.last_day.isoformat()) == ("2027-01-18", "2027-01-21")


def test_the_worked_example_has_twelve_therapists() -> None:
    directory = trial_of(WORKED_EXAMPLE).policy.directory
    assert sum("therapist" in s.roles for s in directory.staff.values()) == 12


def test_the_page_names_its_build_and_seeds_and_every_claim() -> None:
    row = shipped().rows["staff.call_outs"]
    text = outcomes_text(made_up(), [Swing(row, 3, 12, 10.0, 16.0, 14.0)], "v1.2-3-gabc")
    assert "build v1.2-3-gabc: 2 months of 28 days" in text
    assert "seeds 7 to 8" in " ".join(text.split())
    for claim in claims():
        assert f"| {claim.of} |" in text
    assert (
        "| `staff.call_outs`: Staff who call off a day, each week. | 3 % a week | 10.0 | 12 % a week | 16.0 |" in text
    )
    assert "| utilisation |" not in text
    assert "Left out of this run." in outcomes_text(made_up(), [], "x")


def test_the_published_page_holds_every_claim() -> None:
    text = page("docs/outcomes.md")
    assert "Made by `make outcomes` with build " in text
    for claim in claims():
        assert f"### {claim.metric[0].upper()}{claim.metric[1:]}\n" in text
        assert f"| {claim.of} | " in text
