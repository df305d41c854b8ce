"""D19: while the patient is asked about a candidate, a stranger can't take that candidate's time on the booking page;
afterwards the visit stands there, or nothing of ours does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from caredispatch.app.directory_file import staff_id
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Acted, Answered, Label
from caredispatch.lab.scenery import CLIENTS, MONDAY, THERAPISTS, Therapist, booking, therapist
from caredispatch.lab.world.client import WorldRefused
from caredispatch.store.inbox import Arrived, observe, want_fetch
from tests.engine.house import PRACTICE, House

START = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)


@dataclass
class Agreeing:
    """Ana can't see a visit that was booked in Acuity, somebody said that they would, and the patient is asked."""

    house: House
    booked: int
    candidate: Therapist

    async def patient(self, label: Label) -> None:
        """The patient's word, and what follows from it."""
        await _answer(self.house, "agree_patient", label)
        await self.house.play(seconds=30)

    async def blocks(self) -> list[tuple[int, datetime]]:
        """What is blocked in Acuity: calendar and begin."""
        rows = (await self.house.world.state())["acuity"]["blocks"]
        return [(b["calendarID"], datetime.fromisoformat(b["start"])) for b in rows]

    async def visit(self) -> dict[str, Any]:
        """The visit as Acuity holds it."""
        rows = (await self.house.world.state())["acuity"]["appointments"]
        found: dict[str, Any] = next(a for a in rows if a["id"] == self.booked)
        return found

    async def stranger_books(self) -> int:
        """Somebody else enters the candidate's time on the booking page."""
        return await self.house.world.book(booking(CLIENTS[3], self.candidate, START))


async def _answer(house: House, purpose: str, label: Label) -> None:
    row = await house.owner.fetchrow(
        "select ask_id, appointment_id from care.asks where purpose = $1 and state in ('pending', 'sent')", purpose
    )
    assert row is not None, f"nobody was asked: {purpose}"
    async with house.pools.intake.acquire() as connection:
        said = Answered(Id(row["ask_id"]), label, "web")
        await observe(connection, [Arrived(PRACTICE, row["appointment_id"], said, house.clock.at)])
    await house.work()


async def _agreeing(house: House) -> Agreeing:
    await house.owner.execute(
        "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
        "values ($1, $2, $3, $4, $5, 'leave')",
        PRACTICE,
        make_id("leave"),
        staff_id(PRACTICE, "Ana"),
        house.clock.at,
        house.clock.at + timedelta(days=9),
    )
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), START))
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n"), "acuity", str(booked), house.clock.at)
    for _ in range(60):
        await house.play(minutes=1)
        if await house.count("asks", "purpose = 'cover' and state in ('pending', 'sent')"):
            break
    await _answer(house, "cover", "yes")
    await house.play(seconds=30)
    who = await house.owner.fetchval("select candidate_id from care.cases where phase = 'agreeing' and state = 'open'")
    return Agreeing(house, booked, next(t for t in THERAPISTS if staff_id(PRACTICE, t.handle) == who))


async def test_d19_a_stranger_is_refused_the_time_in_mid_agreement_and_the_visit_lands_there(house: House) -> None:
    agreeing = await _agreeing(house)
    assert await agreeing.blocks() == [(agreeing.candidate.calendar, START)]
    with pytest.raises(WorldRefused, match="not available"):
        await agreeing.stranger_books()
    await agreeing.patient("yes")
    assert (await agreeing.visit())["calendarID"] == agreeing.candidate.calendar
    assert await agreeing.blocks() == []
    assert await house.count("links", "connection_id = 'acuity' and state = 'landed'") == 1
    assert await house.count("deliveries", "kind in ('hold', 'write') and state <> 'delivered'") == 0
    assert await house.exceptions() == []


async def test_d19_after_a_patients_no_the_time_is_everybodys_again(house: House) -> None:
    agreeing = await _agreeing(house)
    await agreeing.patient("no")
    assert await agreeing.blocks() == []
    await agreeing.stranger_books()


async def test_d19_a_visit_that_moves_meanwhile_leaves_no_block_behind(house: House) -> None:
    agreeing = await _agreeing(house)
    moved = {"id": agreeing.booked, "datetime": (START + timedelta(hours=2)).isoformat()}
    await house.world.act("acuity", "reschedule", moved)
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n2"), "acuity", str(agreeing.booked), house.clock.at)
    await house.play(seconds=30)
    assert await agreeing.blocks() == []


async def test_d19_without_an_answer_or_after_a_crash_there_is_one_block_and_then_none(house: House) -> None:
    await house.world.fault("acuity", "drop", path_regex="/blocks", method="POST")
    await house.world.fault("acuity", "drop", path_regex="/blocks", method="DELETE")
    agreeing = await _agreeing(house)
    assert len(await agreeing.blocks()) == 1
    await _crashed(house)
    assert len(await agreeing.blocks()) == 1
    await agreeing.patient("no")
    await _crashed(house)
    assert await agreeing.blocks() == []
    assert await house.owner.fetchval("select placed from care.holds") == []


async def test_d19_the_time_is_held_in_each_calendar_that_the_candidate_has_there(house: House) -> None:
    spare = THERAPISTS[-1].calendar
    mapped = house.registry.connected(PRACTICE, "acuity").wiring.mappings["actor"]
    mapped[str(spare)] = staff_id(PRACTICE, "Ben")
    agreeing = await _agreeing(house)
    assert agreeing.candidate.handle == "Ben"
    assert sorted(calendar for calendar, _ in await agreeing.blocks()) == sorted([agreeing.candidate.calendar, spare])
    await agreeing.patient("no")
    assert await agreeing.blocks() == []


async def test_d19_who_has_no_calendar_there_has_no_time_to_hold(house: House) -> None:
    mapped = house.registry.connected(PRACTICE, "acuity").wiring.mappings["actor"]
    del mapped[str(therapist("Ben").calendar)]
    agreeing = await _agreeing(house)
    assert (agreeing.candidate.handle, await agreeing.blocks()) == ("Ben", [])
    await agreeing.patient("no")
    assert await house.count("deliveries", "kind = 'hold' and state = 'delivered' and code = 'no_calendar_there'") == 2


async def test_d19_a_block_that_acuity_refuses_to_free_is_put_before_a_person_who_tries_again(house: House) -> None:
    agreeing = await _agreeing(house)
    await house.world.fault("acuity", {"status": 403}, path_regex="/blocks", method="DELETE")
    await agreeing.patient("no")
    [detail] = [d for kind, d in await house.exceptions() if kind == "delivery_failed"]
    assert (detail["system"], detail["why"], len(await agreeing.blocks())) == ("acuity", "hold", 1)
    row = await house.owner.fetchrow(
        "select exception_id, appointment_id from care.exceptions where kind = 'delivery_failed'"
    )
    assert row is not None
    async with house.pools.intake.acquire() as connection:
        again = Acted("retry_write", "dana", Id(row["exception_id"]))
        await observe(connection, [Arrived(PRACTICE, row["appointment_id"], again, house.clock.at)])
    await house.play(seconds=30)
    assert await agreeing.blocks() == []
    assert await house.count("exceptions", "kind = 'delivery_failed' and state <> 'resolved'") == 0


async def _crashed(house: House) -> None:
    """As a kill leaves it: holds that were sent, their end not committed, the lease run out."""
    await house.owner.execute(
        "update care.deliveries set state = 'pending', lease_until = now() - interval '1 second' where kind = 'hold'"
    )
    await house.owner.execute(
        "update care.delivery_keys k set lease_until = null, waiting = (select count(*) from care.deliveries d "
        "where d.practice_id = k.practice_id and d.ordering_key = k.ordering_key and d.state = 'pending')"
    )
    await house.play(seconds=30)
