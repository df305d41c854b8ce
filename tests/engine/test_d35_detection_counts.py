"""D35: a time runs from the change outside, not from when we heard of it."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.app.directory_file import staff_id
from caredispatch.contract.manifest import load_manifest
from caredispatch.core.ids import Id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import Announced
from caredispatch.lab.scenery import CLIENTS, MONDAY, booking, therapist
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, visit


async def _began(house: House) -> list[timedelta | None]:
    """How long before it was decided each decision's change had happened outside; None where time alone passed."""
    rows = await house.owner.fetch("select at - outside_at from care.journal order by at, subject_id, seq")
    return [row[0] for row in rows]


async def test_d35_a_push_counts_from_when_it_was_received_though_it_is_decided_later(house: House) -> None:
    await house.push(visit())
    house.clock.at += timedelta(seconds=40)
    await house.work()
    assert (await _began(house))[0] == timedelta(seconds=40)


async def test_d35_what_a_poll_finds_counts_from_the_poll_before(house: House) -> None:
    await house.world.book(booking(CLIENTS[0], therapist("Ana"), MONDAY.replace(minute=0) + timedelta(days=2)))
    await house.owner.execute(
        "update care.connections set poll_at = $1, loaded = true where connection_id = 'acuity'", house.clock.at
    )
    assert await house.engine.poller.turn() == 1
    await house.engine.settled()
    house.clock.at += timedelta(seconds=20)
    await house.work()
    [found] = [
        row[0]
        for row in await house.owner.fetch(
            "select at - outside_at from care.journal where kind = 'appointment_seen' order by seq limit 1"
        )
    ]
    every = load_manifest("acuity").poll_seconds
    assert every == 300
    assert found == timedelta(seconds=every + 20)


async def test_d35_the_visits_of_an_incident_count_from_when_it_was_said(house: House) -> None:
    await house.push(visit(1))
    await house.work()
    body = Announced("staff_unavailable", house.clock.at, house.clock.at + timedelta(days=5), "Noor",
                     staff_id(PRACTICE, "Ana"), sure=True)  # fmt: skip
    said_at = house.clock.at
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, incident_of(Id(PRACTICE), body), body, said_at)])
    house.clock.at += timedelta(seconds=30)
    await house.work()
    hit = await house.row("select outside_at, at from care.journal where kind = 'hit'")
    assert (hit["outside_at"], hit["at"]) == (said_at, said_at + timedelta(seconds=30))
