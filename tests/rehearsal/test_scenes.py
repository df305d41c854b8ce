"""Scenes on a practice's own people, and what many months together say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caredispatch.app.shipped import Shipped, shipped_practice
from caredispatch.core.ids import Id
from caredispatch.core.records import Appointment, Case, Exception_, Participant, State
from caredispatch.rehearsal.practices import practice_names
from caredispatch.rehearsal.scenes import SCENES, NotHere, scene
from caredispatch.rehearsal.summing import Interval, differences, intervals, percentile
from caredispatch.rehearsal.telling import Played, not_kept, play_scene
from caredispatch.rehearsal.world import World
from tests.rehearsal.made_up import BEGIN, NORTH, practice, somebody

A_DAY = timedelta(days=1)


def scene_of(name: str, there: Shipped) -> Played:
    made = scene(name, there.policy, there.parameters, BEGIN, there.facts.visits_a_day, 1)
    return play_scene(made, there.parameters, coordinators=there.facts.coordinators, seed=1)


@pytest.mark.parametrize("type_", practice_names())
def test_every_scene_that_a_practice_has_a_place_for_goes_as_promised(type_: str) -> None:
    there, not_here = shipped_practice(type_), list[str]()
    for name in SCENES:
        try:
            played = scene_of(name, there)
        except NotHere:
            not_here.append(name)
            continue
        assert (name, played.failed) == (name, ())
        assert played.lines, f"{name} tells nothing"
    assert set(not_here) <= {"flood", "group", "home-health"}


def test_d36_where_nobody_is_asked_and_no_human_knows_the_scene_says_so() -> None:
    world = World(practice(somebody("Ana", NORTH)), now=BEGIN)
    at = BEGIN + timedelta(hours=10)
    parts = (Participant("patient", "patient", Id("pat")), Participant("provider", "staff", None, "uncovered"))
    visit = Appointment(
        Id("practice"), Id("v"), Id("s"), "booking", "talk", "north", "in_person", "booked", at, at + A_DAY / 24, BEGIN,
        participants=parts,
    )  # fmt: skip
    case = Case(Id("practice"), Id("c"), "cover", Id("v"), "provider", "a rule", "a path", 1, BEGIN, due_at=at)
    world.keep(Id("v"), State(visit, cases=(case,)))
    late = "talk Mon 10:00: nobody was asked and no human knew within 4 minutes"
    assert not_kept(world, [Id("v")], BEGIN) == [late]
    world.now = at
    assert not_kept(world, [Id("v")], BEGIN) == [late, "talk Mon 10:00: began without anybody, and no human knew"]
    told = Exception_(Id("practice"), Id("e"), "nobody_found", "manager", BEGIN, at, Id("v"), Id("c"))
    world.keep(Id("v"), State(visit, cases=(case,), exceptions=(told,)))
    assert not_kept(world, [Id("v")], BEGIN) == []


def test_a_scene_is_told_from_the_change_on_and_in_words() -> None:
    played = scene_of("booking", shipped_practice("primary-care"))
    assert played.lines[0].at == played.begins
    assert "is booked" in played.lines[0].words
    assert any("is asked whether they come" in line.words for line in played.lines)


def test_no_scene_has_another_name() -> None:
    there = shipped_practice("primary-care")
    with pytest.raises(KeyError):
        scene("party", there.policy, there.parameters, BEGIN, 80, 1)


# ------------------------------------------------------------------ many months


def test_percentiles_lie_between_neighbours() -> None:
    # Of 10, 20, 30, 40 the middle is half way from 20 to 30; 2.5 of 100 lie at 0.075 of the way from 10 to 20.
    assert percentile([10, 20, 30, 40], 50) == 25
    assert percentile([10, 20, 30, 40], 2.5) == pytest.approx(10.75)
    assert percentile([], 50) is None


def test_an_interval_is_of_the_months_in_which_there_was_something_to_count() -> None:
    assert intervals([{"fill_rate": 10.0}, {}, {"fill_rate": 20.0}]) == {"fill_rate": Interval(10.25, 15.0, 19.75)}


def test_a_difference_is_taken_month_by_month_on_the_same_luck() -> None:
    # Months differ by 100, the two ways by 1 each month: the difference is certain, though the intervals overlap.
    ours, theirs = [{"scrambles": 100.0}, {"scrambles": 0.0}], [{"scrambles": 101.0}, {"scrambles": 1.0}]
    assert differences(ours, theirs) == {"scrambles": Interval(-1.0, -1.0, -1.0)}
