"""D1: whose time a visit takes, with which buffers; what one source overlaps on purpose is recorded, never a case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import Busy
from caredispatch.core.ids import Id
from tests.core.clinic import NO_AGREEMENT, VISIT, directory, playbook, policy
from tests.core.play import Play, minutes

CLINIC = directory()
BUFFERED = replace(
    CLINIC,
    services={
        **CLINIC.services,
        "therapy-50": replace(CLINIC.services["therapy-50"], buffer_before=5, buffer_after=10),
    },
)
RULES = policy(playbook(services=NO_AGREEMENT), BUFFERED)
END = VISIT + minutes(50)


def other(begin: float, end: float, source: str = "elsewhere") -> tuple[Busy, ...]:
    """Somebody's other visit, minutes from the start of ours."""
    return (Busy(VISIT + minutes(begin), VISIT + minutes(end), "booked", Id("other"), Id("theirs"), source),)


def test_d1_staff_are_occupied_with_buffers_and_the_patient_without() -> None:
    play = Play(RULES).seen()
    taken = {o.resource_id: (o.start_at, o.end_at) for o in play.state.occupations}
    assert taken == {"ana": (VISIT - minutes(5), END + minutes(10)), "pat": (VISIT, END)}
    assert {o.session_id for o in play.state.occupations} == {play.visit.session_id}


@pytest.mark.parametrize(
    ("begin", "end", "clash"), [(-60, -5, False), (-60, -4, True), (60, 110, False), (59, 110, True)]
)
def test_d1_a_buffer_that_another_systems_visit_reaches_into_is_lost_cover(begin: int, end: int, clash: bool) -> None:
    play = Play(RULES)
    play.busy["ana"] = other(begin, end)
    play.seen().run(1)
    assert (play.coverage, len(play.cases())) == (("at_risk", 1) if clash else ("confirmed", 0))


@pytest.mark.parametrize(("begin", "asked"), [(59, "cleo"), (60, "ben")])
def test_d1_who_covers_must_have_the_buffers_free_as_well(begin: int, asked: str) -> None:
    play = Play(RULES)
    play.busy["ben"] = other(begin, 120)
    play.seen().answer("ana", "no").run(1)
    assert play.asked == [(0, asked)]


def test_d1_a_group_of_eight_at_one_hour_in_one_source_is_eight_visits_and_no_case() -> None:
    for n in range(8):
        play = Play(RULES)
        play.busy["ana"] = other(0, 50, "booking") if n else ()
        play.seen(external=str(n), patient=f"pat-{n}").run(60)
        assert (play.visit.observed_overlap, play.cases(), play.raised) == (n > 0, [], [])
        assert play.texts("ana") == ["new_visit"]


def test_d1_an_overlap_that_is_moved_apart_takes_its_time_again() -> None:
    play = Play(RULES)
    play.busy["ana"] = other(0, 50, "booking")
    play.seen().seen(start_at=VISIT + minutes(180))
    assert not play.visit.observed_overlap
    assert [o.start_at for o in play.state.occupations if o.resource_id == "ana"] == [VISIT + minutes(175)]


def test_what_a_source_holds_for_longer_than_a_week_takes_a_weeks_time() -> None:
    play = Play(RULES).seen(end_at=VISIT + minutes(60 * 24 * 30))
    assert {row.end_at - row.start_at for row in play.state.occupations} == {minutes(60 * 24 * 7)}
