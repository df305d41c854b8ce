"""All later visits of a series given to somebody else in a source are one change (D3), on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.core.ids import make_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, therapist
from tests.engine.house import House, visit

FIRST = MONDAY.replace(hour=16, minute=0) + timedelta(days=9)
"""Wednesday of next week at eleven in Chicago."""


def weekly(n: int, **more: Any) -> dict[str, Any]:
    """One of the weekly visits of a client."""
    start = FIRST + timedelta(days=7 * n)
    end = start + timedelta(minutes=50)
    return visit(n + 1, client=CLIENTS[1], start_at=start.isoformat(), end_at=end.isoformat(), **more)


async def test_d3_all_following_given_to_somebody_else_is_one_text_to_each_after_the_settle_time(house: House) -> None:
    for n in range(2):
        await house.push(weekly(n), delivery=f"d-{n}")
    await _pass(house, minutes=1)
    # Of what the rules' own connector brings nothing says that it is a series.
    await house.owner.execute("update care.appointments set series_id = $1", make_id("series", "weekly"))
    await _pass(house, minutes=24 * 60)
    before = len(await house.texts())
    ben = {"provider": f"t-{therapist('Ben').number}"}
    for n in range(2):
        await house.push(weekly(n, actors=ben, version=2), delivery=f"m-{n}")
    await _pass(house, minutes=1)
    assert await house.count("incidents", "kind = 'series_changed' and state = 'proposed'") == 1
    assert len(await house.texts()) == before
    await _pass(house, minutes=3)
    said = {text["to"]: text["body"] for text in (await house.texts())[before:]}
    assert len(said) == len((await house.texts())[before:]) == 3, "Ana, Ben and the client hear once"
    assert "and the one after it" in said[therapist("Ben").phone]
    assert "and the one after it" in said[CLIENTS[1].phone]
    assert await house.count("cases", "kind = 'confirm' and follows is not null and phase = 'following'") == 1


async def _pass(house: House, *, minutes: int) -> None:
    house.clock.at += timedelta(minutes=minutes)
    await house.work()
    house.clock.at += timedelta(seconds=10)
    await house.work()
