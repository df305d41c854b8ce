"""Several asked at once: the first yes wins in the database, the other hears the truth (promises 2 and 4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from caredispatch.app.directory_file import staff_id
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Answered
from caredispatch.lab.scenery import CLIENTS, therapist
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, visit


async def _ill(house: House, who: str) -> None:
    await house.owner.execute(
        "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
        "values ($1, $2, $3, $4, $5, 'leave')",
        PRACTICE,
        make_id("leave"),
        staff_id(PRACTICE, who),
        house.clock.at,
        house.clock.at + timedelta(days=9),
    )


async def _asked(house: House, most: int = 1) -> list[str]:
    """The cover asks, once there are so many."""
    asks: list[str] = []
    for _ in range(60):
        rows = await house.owner.fetch(
            "select ask_id from care.asks where purpose = 'cover' and state in ('sent', 'pending', 'expired')"
        )
        asks = [row[0] for row in rows]
        if len(asks) >= most:
            break
        await house.play(minutes=1)
    assert len(asks) >= most
    return asks


async def test_of_two_yes_at_once_one_covers_the_visit(house: House) -> None:
    await _ill(house, "Ana")
    await house.push(visit())
    await house.work()
    asks = await _asked(house, 2)

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


async def test_e9_a_booking_over_the_time_held_for_a_candidate_is_no_overlap_of_its_source(house: House) -> None:
    await _ill(house, "Ana")
    await house.push(visit(), delivery="d-1")
    await house.work()
    asks = await _asked(house)
    async with house.pools.intake.acquire() as connection:
        row = await connection.fetchrow("select appointment_id, person_id from care.asks where ask_id = $1", asks[0])
        assert row is not None
        yes = Answered(Id(asks[0]), "yes", "link")
        await observe(connection, [Arrived(PRACTICE, row["appointment_id"], yes, house.clock.at)])
    await house.work()
    assert await house.count("cases", "phase = 'agreeing' and state = 'open'") == 1
    who = next(h for h in ("Ben", "Cleo", "Elif", "Finn") if staff_id(PRACTICE, h) == row["person_id"])
    start = visit()["start_at"], visit()["end_at"]
    other = visit(2, who=f"t-{therapist(who).number}", client=CLIENTS[3], start_at=start[0], end_at=start[1])
    await house.push(other, delivery="d-2")
    await house.work()
    assert await house.count("appointments", "observed_overlap") == 0
    assert await house.count("participants p", f"p.actor_id = '{row['person_id']}' and p.coverage = 'at_risk'") == 1
    taken = await house.owner.fetchval("select count(*) from care.occupations where resource_id = $1", row["person_id"])
    assert taken == 1


async def test_e6_nine_visits_of_one_batch_do_not_all_ask_the_same_person(house: House) -> None:
    await _ill(house, "Ana")
    for number in range(1, 10):
        await house.push(visit(number, client=CLIENTS[number % 8]), delivery=f"d-{number}")
    await house.engine.noticer.turn()
    assert await house.engine.decider.turn() == 9
    assert await house.engine.decider.turn() == 9, "the first step of each case follows at once, again in one batch"
    rows = await house.owner.fetch(
        "select person_id, count(*) as asks, count(distinct number) as numbers from care.asks "
        "where purpose = 'cover' and state in ('pending', 'sent') group by person_id"
    )
    most = house.registry.tenant(PRACTICE).policy.playbook.limits.staff_asks_per_day
    assert len(rows) > 1
    assert max(row["asks"] for row in rows) <= most
    assert all(row["asks"] == row["numbers"] for row in rows)


async def test_d5_the_database_refuses_two_open_questions_of_one_number(house: House) -> None:
    await house.push(visit())
    await house.work()
    with pytest.raises(asyncpg.UniqueViolationError):
        await house.owner.execute(
            "insert into care.asks (practice_id, ask_id, case_id, appointment_id, purpose, person_kind, person_id, "
            "role, step, asked_at, due_at, number, by, state, tried) select practice_id, gen_random_uuid(), case_id, "
            "appointment_id, purpose, person_kind, person_id, role, step, asked_at, due_at, number, by, state, tried "
            "from care.asks"
        )
