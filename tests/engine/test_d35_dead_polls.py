"""D35: a poll that is dead is never silent: a person knows which connection is not read any more, once, until it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.engine.poll_health import MOST_FAILURES
from tests.engine.house import House


async def polled(house: House, connection: str = "acuity") -> None:
    """The connection's next poll, and what is decided upon it."""
    house.clock.at += timedelta(minutes=5)
    await house.owner.execute("update care.connections set poll_at = $1 where connection_id = $2",
                              house.clock.at, connection)  # fmt: skip
    assert await house.engine.poller.turn() == 1
    await house.engine.settled()
    await house.work()


async def told(house: House) -> list[tuple[str, Any]]:
    """What stands before a person about connections: its state and detail."""
    rows = await house.owner.fetch(
        "select state, detail, connection_id from care.exceptions where kind = 'fetch_failed' order by raised_at"
    )
    return [(row["state"], row["detail"]) for row in rows]


async def test_d35_a_key_that_is_accepted_no_more_is_one_exception_at_once_and_gone_when_it_is_read_again(
    house: House,
) -> None:
    await house.world.fault("acuity", {"status": 401}, times=50)
    await polled(house)
    [(state, detail)] = await told(house)
    assert (state, detail["system"]) == ("open", "acuity")
    assert "answered 401" in detail["reason"]
    await polled(house)
    assert len(await told(house)) == 1
    await house.world.clear_faults()
    await polled(house)
    assert [state for state, _ in await told(house)] == ["resolved"]
    await polled(house)
    assert await house.count("observations", "body ->> 'kind' = 'polled_again'") == 1


async def test_d35_a_system_that_is_not_reached_is_an_exception_after_some_polls_in_a_row(house: House) -> None:
    await house.world.fault("acuity", {"status": 503}, times=500)
    for _ in range(MOST_FAILURES - 1):
        await polled(house)
    assert await told(house) == []
    await house.world.clear_faults()
    await polled(house)
    await house.world.fault("acuity", {"status": 503}, times=500)
    for _ in range(MOST_FAILURES - 1):
        await polled(house)
    assert await told(house) == [], "in a row"
    await polled(house)
    [(state, detail)] = await told(house)
    assert (state, "answered 503" in detail["reason"]) == ("open", True)


async def test_d35_what_a_person_put_away_is_said_again_while_it_lasts(house: House) -> None:
    await house.world.fault("acuity", {"status": 403}, times=50)
    await polled(house)
    await house.owner.execute("update care.exceptions set state = 'resolved'")
    await polled(house)
    assert [state for state, _ in await told(house)] == ["resolved", "open"]
