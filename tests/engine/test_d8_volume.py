"""D8: first loads fire nothing, a flood waits behind one exception, sending can be paused."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from caredispatch.app.setting_up import invite
from caredispatch.core.ids import make_id
from caredispatch.core.observation import Acted, Answered
from caredispatch.lab.scenery import CLIENTS, MONDAY, SLUG, booking, therapist
from caredispatch.store.inbox import Arrived, observe, want_fetch
from caredispatch.store.server import EmbeddedServer
from tests.engine.house import PRACTICE, URL, House, house_on, visit


@pytest_asyncio.fixture
async def small(pg: EmbeddedServer) -> AsyncIterator[House]:
    """A house whose front desk may change three visits in ten minutes."""
    async with house_on(pg, "house_small", burst_floor=3) as made:
        yield made


async def _flood(house: House) -> None:
    for number in range(1, 6):
        await house.push(visit(number), delivery=f"d-{number}")
        await house.work()


async def test_a_flood_waits_behind_one_exception(small: House) -> None:
    await _flood(small)
    assert [kind for kind, _ in await small.exceptions()].count("volume") == 1
    assert await small.count("appointments") == 5
    assert await small.count("appointments", "held_triggers <> '{}'") == 2
    assert await small.count("cases c join care.appointments a using (appointment_id)", "a.held_triggers <> '{}'") == 0


@pytest.mark.parametrize(("act", "fires"), [("release_volume", True), ("discard_volume", False)])
async def test_a_person_releases_or_discards_the_flood_on_the_page(small: House, act: str, fires: bool) -> None:
    await _flood(small)
    before = await small.count("cases")
    link = await invite(small.owner, SLUG, "dana", "coordinator", small.clock.wall_at)
    page = await small.http.get(f"/sign-in/once/{link}")
    mark = re.search(r'name="mark" value="([^"]+)"', page.text)
    assert mark is not None
    small.http.headers["origin"] = URL
    signed_in = await small.http.post(f"/sign-in/once/{link}", data={"mark": mark[1]})
    assert signed_in.status_code == 303, signed_in.text
    shown = await small.owner.fetchval("select exception_id from care.exceptions where kind = 'volume'")
    account = await small.http.get("/account")
    csrf = re.search(r'name="csrf" value="([^"]+)"', account.text)
    assert csrf is not None, account.text
    answer = await small.http.post(f"/exceptions/{shown}/act", data={"csrf": csrf[1], "act": act})
    assert answer.status_code == 303, answer.text
    await small.work()
    assert await small.count("appointments", "held_triggers <> '{}'") == 0
    assert (await small.count("cases") > before) == fires
    assert await small.count("exceptions", "kind = 'volume' and state <> 'resolved'") == 0


async def test_a_first_load_fires_nothing_and_any_process_learns_that_it_is_over(house: House) -> None:
    await house.owner.execute("update care.connections set loaded = false where connection_id = 'desk'")
    wiring = house.registry.connected(PRACTICE, "desk")
    object.__setattr__(wiring.wiring, "loaded", False)
    await house.push(visit(1), delivery="d-1")
    await house.work()
    assert (await house.count("appointments"), await house.count("cases")) == (1, 0)
    await house.owner.execute("update care.connections set loaded = true where connection_id = 'desk'")
    await house.push(visit(2), delivery="d-2")
    await house.work()
    assert await house.count("cases") > 0


async def test_pausing_holds_all_sending_and_resuming_lets_it_go(house: House) -> None:
    await house.owner.execute("update care.practices set sending_paused = true")
    await house.push(visit())
    await house.play(seconds=30)
    assert await house.texts() == []
    assert await house.count("deliveries", "state = 'pending'") > 0
    await house.owner.execute("update care.practices set sending_paused = false")
    await house.play(seconds=30)
    assert len(await house.texts()) > 0


async def test_a_revoked_key_brings_an_exception_and_no_text(house: House) -> None:
    await house.world.fault("acuity", {"status": 401}, times=50)
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, "00000000-0000-8000-8000-000000000001", "acuity", "1", house.clock.at)
    await house.play(minutes=10)
    assert await house.texts() == []
    assert "fetch_failed" in [kind for kind, _ in await house.exceptions()]


async def test_an_act_on_nothing_is_refused_and_changes_nothing(house: House) -> None:
    async with house.pools.intake.acquire() as connection:
        act = Acted("release_volume", "dana")
        await observe(connection, [Arrived(PRACTICE, "00000000-0000-8000-8000-00000000000a", act, house.clock.at)])
    await house.work()
    assert await house.count("observations", "state <> 'done'") == 0
    assert await house.count("exceptions") == 0


async def test_reading_the_same_again_is_no_change_of_the_source(small: House) -> None:
    for version in range(1, 9):
        await small.push(visit(version=version), delivery=f"d-{version}")
        await small.work()
    assert [kind for kind, _ in await small.exceptions()] == []
    assert await small.owner.fetchval("select sum(n) from care.change_counts where connection_id = 'desk'") == 1


async def test_the_echo_of_our_own_writes_is_no_change_of_the_source(house: House) -> None:
    start = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("notice"), "acuity", str(booked), house.clock.at)
    await house.play(seconds=10)
    asked = await house.owner.fetchrow("select * from care.asks where purpose = 'confirm_patient'")
    assert asked is not None
    async with house.pools.intake.acquire() as connection:
        yes = Answered(asked["ask_id"], "yes", "sms")
        await observe(connection, [Arrived(PRACTICE, asked["appointment_id"], yes, house.clock.at)])
    await house.play(seconds=30)
    assert await house.count("links", "connection_id = 'acuity' and state = 'landed'") == 1
    assert await house.count("deliveries", "kind = 'write' and state = 'delivered'") == 1
    assert await house.count("notices", "kind = 'fetch' and connection_id = 'acuity'") == 2
    assert await house.owner.fetchval("select sum(n) from care.change_counts where connection_id = 'acuity'") == 1
