"""What comes in finds its place: polls that are older than they look (E3), copies that fit several visits (E5), and a
connection that can't be built, beside those that can."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from caredispatch.core.ids import make_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, booking, therapist
from caredispatch.store.inbox import want_fetch
from tests.engine.house import PRACTICE, House, visit

HOUR = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)


async def _poll(house: House) -> None:
    await house.owner.execute(
        "update care.connections set poll_at = $1, loaded = true where connection_id = 'acuity'", house.clock.at
    )
    assert await house.engine.poller.turn() == 1
    await house.engine.settled()


async def test_e3_what_a_poll_of_a_source_without_versions_shows_is_read_by_id(house: House) -> None:
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), HOUR))
    await _poll(house)
    assert await house.count("observations") == 0
    assert await house.count("notices", f"kind = 'fetch' and subject = '{booked}' and state = 'pending'") == 1
    await house.play(seconds=10)
    assert await house.count("appointments") == 1
    await _poll(house)
    assert await house.count("notices", "state = 'pending'") == 0, "what stands as it was seen is not read again"


async def test_a_system_is_marked_as_being_read_for_as_long_as_it_is_also_when_it_fails(house: House) -> None:
    being_read = "select read_until > clock_timestamp() from care.connections where connection_id = 'acuity'"
    await house.world.fault("acuity", {"status": 503}, times=50)
    for _ in range(2):
        await house.owner.execute(
            "update care.connections set poll_at = $1, loaded = true where connection_id = 'acuity'", house.clock.at
        )
        assert await house.engine.poller.turn() == 1
        assert await house.owner.fetchval(being_read) is True
        await house.engine.settled()
        assert await house.owner.fetchval(being_read) is None
        await house.world.clear_faults()


async def test_e5_a_copy_that_fits_several_visits_goes_to_a_person(house: House) -> None:
    await house.push(visit(1), delivery="d-1")
    await house.push(visit(1, external_id="X-1b"), delivery="d-2")
    await house.work()
    assert await house.count("appointments") == 2, "one system may hold two at once (D1)"
    start = visit(1)["start_at"]
    booked = await house.world.book({**booking(CLIENTS[0], therapist("Ana"), HOUR), "datetime": start})
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n"), "acuity", str(booked), house.clock.at)
    await house.play(seconds=10)
    assert await house.count("appointments") == 2
    [(_, detail)] = [e for e in await house.exceptions() if e[0] == "not_understood"]
    assert "several visits of this patient" in detail["reason"]
    assert detail["external_id"] == str(booked)


async def test_a_connection_that_cannot_be_built_leaves_the_others_at_work_and_stands_before_a_human(
    house: House,
) -> None:
    await house.owner.execute(
        "update care.connections set settings = settings - 'user_id' where connection_id = 'acuity'"
    )
    await house.owner.execute("update care.practices set directory_version = directory_version + 1")
    await house.owner.execute(
        "insert into care.directories select practice_id, version + 1, body, written_at from care.directories"
    )
    await house.engine._keep_house()
    await house.engine._keep_house()
    await house.push(visit())
    await house.play(seconds=10)
    assert len(await house.texts()) == 2
    failed = [detail["reason"] for kind, detail in await house.exceptions() if kind == "fetch_failed"]
    assert len(failed) == 1
    assert "user_id" in failed[0]
    assert "caredispatch import" in failed[0]


async def test_e22_a_process_whose_clock_is_off_claims_nothing_until_it_is_right(house: House) -> None:
    house.clock.off = timedelta(seconds=2)
    await house.engine._check_clock()
    await house.push(visit())
    running = asyncio.create_task(house.engine.run())
    await asyncio.sleep(0.5)
    assert await house.count("notices", "state = 'pending'") == 1
    house.clock.off = timedelta()
    for _ in range(200):
        if await house.count("appointments"):
            break
        await asyncio.sleep(0.05)
    assert await house.count("appointments") == 1
    await house.engine.stop()
    await running
