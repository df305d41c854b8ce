"""D10: an entry of a calendar that stands for a visit that we know, written there by another connected system, is known
to be that visit's."""

from __future__ import annotations

from caredispatch.contract.seen import SeenBlock
from caredispatch.core.ids import make_id
from caredispatch.engine.delivering import _block
from caredispatch.store.doors import anywhere, open_one
from tests.engine.house import PRACTICE, House, visit


async def test_d10_an_entry_that_carries_another_systems_id_is_the_visit_that_we_know_by_it(house: House) -> None:
    await house.push(visit())
    await house.work()
    known = await house.owner.fetchval("select appointment_id from care.appointments")
    async with house.pools.reveal.acquire() as connection:
        ours = await anywhere(connection, PRACTICE, ["X-1", "X-9"])
    assert ours == {"X-1": known}
    block = SeenBlock("t-1", "E-77", house.clock.at, house.clock.at, origin="X-1")
    assert _block(block, make_id("staff"), ours).ours == known


async def test_d10_an_id_that_two_systems_use_for_different_visits_says_nothing(house: House) -> None:
    async with house.pools.intake.acquire() as connection:
        for system in ("acuity", "ehr"):
            await open_one(connection, PRACTICE, system, "77", make_id("visit", system))
        assert await anywhere(connection, PRACTICE, ["77"]) == {}
