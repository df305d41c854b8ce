"""Several asked at once: the first yes wins in the database, the other hears the truth (promises 2 and 4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from caredispatch.app.directory_file import staff_id
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Answered
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, visit


async def test_of_two_yes_at_once_one_covers_the_visit(house: House) -> None:
    await house.owner.execute(
        "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
        "values ($1, $2, $3, $4, $5, 'leave')",
        PRACTICE,
        make_id("leave"),
        staff_id(PRACTICE, "Ana"),
        house.clock.at,
        house.clock.at + timedelta(days=9),
    )
    await house.push(visit())
    await house.work()
    asks: list[str] = []
    for _ in range(60):
        rows = await house.owner.fetch(
            "select ask_id from care.asks where purpose = 'cover' and state in ('sent', 'pending', 'expired')"
        )
        asks = [row[0] for row in rows]
        if len(asks) >= 2:
            break
        await house.play(minutes=1)
    assert len(asks) >= 2

    async def yes(ask: str) -> None:
        async with house.pools.intake.acquire() as connection:
            subject = await connection.fetchval("select appointment_id from care.asks where ask_id = $1", ask)
            await observe(connection, [Arrived(PRACTICE, subject, Answered(Id(ask), "yes", "web"), house.clock.at)])

    await asyncio.gather(*(yes(ask) for ask in asks[:2]))
    await asyncio.gather(house.work(), house.work(house.second()))
    assert await house.count("asks", "purpose = 'cover' and state = 'accepted'") == 1
    holders = await house.owner.fetch(
        "select distinct resource_id from care.occupations where resource_id = any($1)",
        [staff_id(PRACTICE, handle) for handle in ("Ben", "Cleo", "Elif", "Finn")],
    )
    assert len(holders) == 1
