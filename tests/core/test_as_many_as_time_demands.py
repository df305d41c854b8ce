"""`at_once: auto`: as many are asked at once as the time that is left demands, and the note says why."""

from __future__ import annotations

import pytest

from caredispatch.core.playbook import AUTO, AskStep, Window
from tests.core.clinic import NO_AGREEMENT, at, cover_path, directory, playbook, policy, staff
from tests.core.play import Play, minutes

FOUR = at(6, 16)
PEOPLE = [staff(name) for name in ("ana", "ben", "cleo", "dora", "elif", "finn", "gus", "hal", "ira")]
RULES = policy(
    playbook(
        services=NO_AGREEMENT,
        cover=cover_path(AskStep("pool", ("sms",), Window("minutes", 20), at_once=AUTO)),
        tell_by_minutes=120,
    ),
    directory(*PEOPLE),
)


@pytest.mark.parametrize(
    ("before_tell_by", "asked"),
    [(24 * 60, 1), (160, 1), (159, 2), (80, 2), (60, 3), (40, 4), (39, 5), (20, 5), (1, 5)],
)
def test_as_many_at_once_as_the_windows_before_the_tell_by_time_demand(before_tell_by: int, asked: int) -> None:
    play = Play(RULES, now=FOUR - minutes(120 + before_tell_by)).seen(start_at=FOUR).answer("ana", "no")
    assert len([1 for a in play.state.asks if a.purpose == "cover"]) == asked
    notes = [n for _, d in play.decisions for n in d.trace.notes if n["code"] == "at_once"]
    assert notes[0] == {"code": "at_once", "people": str(asked), "minutes": str(before_tell_by)}
