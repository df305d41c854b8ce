"""A group of eight is one session (D1), on a real PostgreSQL: it is recorded, loses a therapist, is covered once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.app.directory_file import staff_id
from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered
from caredispatch.lab.scenery import CLIENTS, MONDAY
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import announce, with_groups

START = MONDAY.replace(hour=16, minute=0) + timedelta(days=2)


async def eight(house: House, more: int = 0) -> None:
    """Eight clients (and more) in Ana's group on Wednesday."""
    await with_groups(house)
    span: dict[str, Any] = {"start_at": START.isoformat(), "end_at": (START + timedelta(minutes=90)).isoformat()}
    for n in range(1, 9 + more):
        await house.push(visit(n, client=CLIENTS[n], service="group", **span), delivery=f"d-{n}")
    await house.engine.noticer.turn()
    await house.work()


async def _yes(house: House, ask_id: str, appointment_id: str) -> None:
    async with house.pools.intake.acquire() as connection:
        body = Answered(Id(ask_id), "yes", "link")
        await observe(connection, [Arrived(PRACTICE, appointment_id, body, house.clock.at)])
    await house.work()


async def _agree(house: House) -> None:
    for row in await house.owner.fetch(
        "select ask_id, appointment_id from care.asks where purpose = 'agree_patient' and state in ('pending', 'sent')"
    ):
        await _yes(house, row[0], row[1])


async def test_d1_group_of_eight_arriving_in_one_batch_shares_a_session_and_a_ninth_does_not(house: House) -> None:
    await eight(house, more=1)
    sessions = await house.owner.fetch("select session_id, count(*) from care.appointments group by 1 order by 2")
    assert [row[1] for row in sessions] == [1, 8]
    assert await house.count("appointments", "observed_overlap") == 1
    assert await house.count("occupations", f"resource_id = '{staff_id(PRACTICE, 'Ana')}'") == 8


async def test_d1_group_whose_therapist_is_ill_is_covered_by_one_yes(house: House) -> None:
    await eight(house)
    await announce(house, "staff_unavailable", START, START + timedelta(hours=3), who="Ana")
    house.clock.at += timedelta(seconds=30)
    await house.work()
    assert await house.count("cases", "kind = 'cover' and state = 'open'") == 8
    assert await house.count("cases", "phase = 'following'") == 7
    rows = await house.owner.fetch("select ask_id, appointment_id, person_id from care.asks where purpose = 'cover'")
    assert len({row["appointment_id"] for row in rows}) == 1
    await _yes(house, rows[0]["ask_id"], rows[0]["appointment_id"])
    await _agree(house)  # the first patient, whose visit leads
    await _agree(house)  # the seven others
    who = await house.owner.fetch("select actor_id, count(*) from care.participants where role = 'provider' group by 1")
    assert [(row[0], row[1]) for row in who] == [(rows[0]["person_id"], 8)]
    assert await house.count("asks", "purpose = 'cover' and state = 'accepted'") == 1
