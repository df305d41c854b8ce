"""What a decision wants of a copy reaches it as such: the version, who cancelled, what was read back."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Acted
from caredispatch.lab.scenery import CLIENTS, MONDAY, booking, therapist
from caredispatch.store.inbox import Arrived, observe, want_fetch
from tests.engine.house import PRACTICE, House


async def test_d9_a_visit_that_the_practice_cancels_is_written_back_as_the_practices(house: House) -> None:
    start = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n"), "acuity", str(booked), house.clock.at)
    await house.play(seconds=10)
    visit: Id = await house.owner.fetchval("select appointment_id from care.appointments")
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, visit, Acted("cancel", "dana"), house.clock.at)])
    await house.play(seconds=30)
    [held] = (await house.world.state())["acuity"]["appointments"]
    assert held["canceled"]
    [sent] = [e for e in await house.world.log() if e["kind"] == "request" and e["path"].endswith("/cancel")]
    assert sent["body"]["cancelNote"] == "Cancelled by the practice."
    assert await house.count("links", "connection_id = 'acuity' and state = 'landed'") == 1
