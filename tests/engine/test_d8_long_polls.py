"""D8 on a real database: a first load that takes several turns, and fails in between, brings everything, once, and
fires nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from caredispatch.engine import polling
from caredispatch.lab.entries import river_visit
from caredispatch.lab.scenery import CLIENTS, MONDAY, therapist, world_seed
from caredispatch.store.server import EmbeddedServer
from tests.engine import house as houses
from tests.engine.house import House, house_on

VISITS = 10


@pytest_asyncio.fixture
async def house(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose EHR answers in pages of two, of which a turn reads three; its first load is ahead."""

    def seed(*args: Any) -> dict[str, Any]:
        made = world_seed(*args)
        return {**made, "fhir": {**made["fhir"], "page_size": 2, "appointments": []}}

    made = houses.practice

    def practice(*args: Any, **desk: Any) -> Any:
        parsed = made(*args, **desk).model_dump(by_alias=True)
        parsed["connections"]["ehr"] |= {"poll": True, "first_load": True}
        return type(made(*args, **desk)).model_validate(parsed)

    monkeypatch.setattr(houses, "world_seed", seed)
    monkeypatch.setattr(houses, "practice", practice)
    monkeypatch.setattr(polling, "MOST_PAGES", 3)
    async with house_on(pg, "house_long_polls") as there:
        yield there


async def turn(house: House) -> None:
    """The EHR's next poll, and all that follows from it."""
    house.clock.at += timedelta(minutes=1)
    await house.engine.poller.turn()
    await house.engine.settled()
    await house.work()


async def test_d8_a_first_load_over_several_turns_brings_everything_once_and_fires_nothing(house: House) -> None:
    start = MONDAY.replace(minute=0) + timedelta(days=2)
    for n in range(VISITS):
        await house.world.enter(river_visit(CLIENTS[n], therapist("Ana"), start + timedelta(hours=n)))
    loaded = "select loaded from care.connections where connection_id = 'ehr'"
    await turn(house)
    assert 0 < await house.count("appointments") < VISITS
    assert await house.owner.fetchval(loaded) is False, "a first load is over when it is complete"
    so_far = await house.count("appointments")
    await house.world.fault("fhir", {"status": 503}, times=50)
    await turn(house)
    assert await house.count("appointments") == so_far
    await house.world.clear_faults()
    for _ in range(4):
        await turn(house)
    assert await house.owner.fetchval(loaded) is True
    assert await house.count("appointments") == VISITS
    assert await house.count("observations", "body ->> 'kind' = 'appointment_seen'") == VISITS, "each once"
    assert (await house.count("cases"), await house.texts()) == (0, [])
    await house.world.enter(river_visit(CLIENTS[0], therapist("Ben"), start + timedelta(hours=30)))
    for _ in range(2):
        await turn(house)
    assert await house.count("appointments") == VISITS + 1
    assert await house.count("cases") > 0, "from now on news fires"
