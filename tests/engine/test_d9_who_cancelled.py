"""D9 and D25 on a real database: a client cancels in Acuity, which does not say who did; nobody's queue grows."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.ids import make_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, booking, therapist
from caredispatch.store.inbox import want_fetch
from tests.engine.house import PRACTICE, House


async def look(house: House, booked: int, why: str) -> None:
    """Acuity says that something about a visit changed."""
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id(why, booked), "acuity", str(booked), house.clock.at)
    await house.work()


async def test_d25_cancelled_in_acuity_by_whomever_the_patient_keeps_a_way_back_and_no_exception_is_raised(
    house: House,
) -> None:
    start = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    await look(house, booked, "booked")
    await house.world.act("acuity", "cancel", {"id": booked})
    await look(house, booked, "gone")
    house.clock.at += timedelta(minutes=4)
    await house.work()
    assert await house.exceptions() == []
    held = await house.row(
        "select a.initiator, c.state, c.due_at - a.cancelled_at as waits "
        "from care.cases c join care.appointments a using (practice_id, appointment_id) where c.kind = 'follow_up'"
    )
    assert (held["initiator"], held["state"]) == (None, "open")
    assert held["waits"] >= timedelta(hours=2)
