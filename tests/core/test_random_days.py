"""Random days: bookings, answers (right, late, doubled, in other words), illnesses, late and doubled and lost notices,
manual edits, cancellations, the waitlist, requests, closures; after each step the promises of the design hold.

`CAREDISPATCH_RANDOM_DAYS` is how many days are played (1,000), `CAREDISPATCH_FIRST_DAY` the first seed (0); `make soak`
plays more. A day that fails is named by its seed, with the few doings that the failure needs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

import pytest

from caredispatch.core import draft
from tests.core.random_days import HOW_OFTEN, PROFILES, Doing, Player, day_of, play, smallest
from tests.core.town import Town

DAYS = int(os.environ.get("CAREDISPATCH_RANDOM_DAYS", "1000"))
FIRST = int(os.environ.get("CAREDISPATCH_FIRST_DAY", "0"))
PARTS = 10


def outcome(seed: int, doings: Sequence[Doing] | None = None) -> Exception | None:
    """What broke on a day, if anything did."""
    day = day_of(seed)
    try:
        Player(day).play(day.doings if doings is None else doings)
    except Exception as error:
        return error
    return None


def story(seed: int, error: Exception) -> str:
    """A failure that can be replayed."""
    few = smallest(day_of(seed), lambda doings: type(outcome(seed, doings)) is type(error))
    lines = "\n".join(f"    {doing}," for doing in few)
    return f"day {seed}: {outcome(seed, few)!r}\nPlayer(day_of({seed})).play((\n{lines}\n))"


@pytest.mark.parametrize("part", range(PARTS))
def test_on_random_days_every_promise_holds_after_every_step(part: int) -> None:
    for seed in range(FIRST + part, FIRST + DAYS, PARTS):
        error = outcome(seed)
        assert error is None, story(seed, error)


def test_a_day_is_the_same_however_often_it_is_played() -> None:
    first, second = play(day_of(7)), play(day_of(7))
    assert first.decisions == second.decisions
    assert [t.name for t in first.said] == [t.name for t in second.said]


def test_random_days_reach_every_kind_of_coordination() -> None:
    towns = [play(day_of(seed)) for seed in range(40)]
    kinds = {c.kind for town in towns for s in town.states.values() for c in s.cases}
    assert kinds == {"confirm", "cover", "fill", "follow_up", "place"}
    assert {day_of(seed).profile for seed in range(40)} == set(PROFILES)
    assert {d.what for seed in range(40) for d in day_of(seed).doings} == set(HOW_OFTEN)
    outcomes = {c.outcome for town in towns for s in town.states.values() for c in s.cases}
    assert {"covered", "confirmed", "declined", "path_ended", "silent"} <= outcomes


def _broken(monkeypatch: pytest.MonkeyPatch, name: str, how: object) -> list[str]:
    """What 60 days say of a core in which one thing is broken."""
    monkeypatch.setattr(draft.Draft, name, how)
    return [str(error) for seed in range(60) if (error := outcome(seed)) is not None]


def test_a_core_that_withdraws_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _broken(monkeypatch, "withdraw", lambda self, ask: None)


def test_a_core_that_raises_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _broken(monkeypatch, "raise_", lambda self, *args, **more: None)


def test_a_failure_is_told_with_the_few_doings_that_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Player, doing: Doing) -> None:
        raise AssertionError("made up")

    monkeypatch.setattr(Player, "move", fails)
    seed = next(s for s in range(50) if any(d.what == "move" for d in day_of(s).doings))
    error = outcome(seed)
    assert error is not None
    told = story(seed, error)
    assert told.count("Doing(") == 1
    assert f"day {seed}: AssertionError('made up')" in told


def test_a_town_without_anything_to_do_rests() -> None:
    empty = replace(day_of(1), doings=())
    assert isinstance(play(empty), Town)
