"""Questions are read back as they were sent, by round, without patients' names. Monday 2027-01-11, 09:30 in Chicago."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered
from caredispatch.lab.scenery import MONDAY
from caredispatch.store.asked import Asked, asked_between
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.pages import in_practice
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import announce


async def read(house: House) -> list[Asked]:
    async with in_practice(house.pools.web, PRACTICE) as connection:
        return await asked_between(connection, PRACTICE, MONDAY - timedelta(days=1), MONDAY + timedelta(days=1))


async def test_a_round_of_cover_is_read_with_who_was_asked_and_what_became_of_each(house: House) -> None:
    start = MONDAY.replace(minute=0) + timedelta(hours=6)
    await house.push(visit(1, start_at=start.isoformat(), end_at=(start + timedelta(minutes=50)).isoformat()))
    await house.work()
    house.clock.at += timedelta(minutes=1)
    await announce(house, "staff_unavailable", MONDAY, MONDAY + timedelta(days=5), who="Ana")
    await house.play(seconds=10)
    cover = [a for a in await read(house) if a.staff_id is not None]
    assert cover
    assert len({(a.case_id, a.asked_at, a.rule, a.path, a.step) for a in cover}) == 1
    assert {a.state for a in cover} == {"sent"}

    row = await house.row(
        "select ask_id, appointment_id from care.asks where purpose = 'cover' order by ask_id limit 1"
    )
    house.clock.at += timedelta(minutes=4)
    said = Arrived(PRACTICE, Id(row["appointment_id"]), Answered(Id(row["ask_id"]), "yes", "web"), house.clock.at)
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [said])
    await house.work()
    answered = [a for a in await read(house) if a.answered_at is not None and a.staff_id is not None]
    assert [(a.state, a.answered_at and a.answered_at - a.asked_at < timedelta(minutes=6)) for a in answered] == [
        ("accepted", True)
    ]
