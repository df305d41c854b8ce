"""What several do at the same moment, over real connections: the database decides (promise 2, E3, E8, E12)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from caredispatch.core.ids import Id, make_id
from caredispatch.core.records import Occupation
from caredispatch.store import inbox, persisting
from caredispatch.store.pools import Connection
from tests.engine.house import PRACTICE, House

STAFF = make_id("staff", "only one")


async def _in_hand(connection: Connection) -> None:
    await connection.execute("select set_config('care.practice', $1, true)", PRACTICE)


async def _claim(house: House, connection: Connection) -> list[inbox.Notice]:
    return await inbox.claim_notices(connection, await inbox.ready_notices(connection, house.clock.at, 10))


async def test_of_two_who_take_the_last_slot_one_gets_it_a_hundred_times(house: House) -> None:
    async def take(name: str, minutes: int) -> int:
        start = house.clock.at + timedelta(hours=minutes)
        row = Occupation(
            Id(PRACTICE), make_id("o", name, minutes), make_id("s", name, minutes), make_id("a", name, minutes),
            STAFF, start + timedelta(minutes=10 * (name == "ben")), start + timedelta(minutes=50),
        )  # fmt: skip
        async with house.pools.decide.acquire() as connection, connection.transaction():
            await _in_hand(connection)
            return len(await connection.fetch(persisting._OCCUPY, [row]))

    for n in range(100):
        assert sum(await asyncio.gather(take("ana", n), take("ben", n))) == 1


async def test_a_limit_holds_however_many_count_at_once(house: House) -> None:
    async def bump() -> int:
        async with house.pools.decide.acquire() as connection, connection.transaction():
            await _in_hand(connection)
            return len(await connection.fetch(persisting._BUMP, PRACTICE, [STAFF], ["asks_day"], ["2027-01-11"], [3]))

    assert sum(await asyncio.gather(*(bump() for _ in range(12)))) == 3
    assert await house.owner.fetchval("select n from care.limits") == 3


async def test_thin_notices_become_one_fetch_and_one_that_comes_meanwhile_runs_it_again(house: House) -> None:
    async with house.pools.intake.acquire() as connection:

        async def thin(name: str) -> None:
            await inbox.want_fetch(connection, PRACTICE, make_id("n", name), "acuity", "77", house.clock.at)

        await thin("1")
        await thin("2")
        [notice] = await _claim(house, connection)
        assert await _claim(house, connection) == []
        await thin("3")
        await inbox.finish(connection, PRACTICE, [notice.notice_id], [])
        [again] = await _claim(house, connection)
        assert again.notice_id == notice.notice_id
        await inbox.finish(connection, PRACTICE, [notice.notice_id], [])
        assert await _claim(house, connection) == []


async def test_a_fetch_given_up_while_another_notice_came_runs_again(house: House) -> None:
    async with house.pools.intake.acquire() as connection:
        await inbox.want_fetch(connection, PRACTICE, make_id("n", "1"), "acuity", "77", house.clock.at)
        [notice] = await _claim(house, connection)
        await inbox.want_fetch(connection, PRACTICE, make_id("n", "2"), "acuity", "77", house.clock.at)
        await inbox.park(connection, notice, [])
        assert len(await _claim(house, connection)) == 1
