"""D19 on a real database: a late cancellation filled from the waitlist, two yes at once, a stranger in mid-offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from caredispatch.app.directory_file import staff_id
from caredispatch.app.setting_up import publish
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Acted, Answered, Label, Requested
from caredispatch.core.records import Request
from caredispatch.core.requesting import request_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, SLUG, Client, booking, therapist
from caredispatch.lab.world.client import WorldRefused
from caredispatch.policy.profiles import profile_text
from caredispatch.store.inbox import Arrived, observe, want_fetch
from caredispatch.store.server import EmbeddedServer
from caredispatch.store.waiting import offers_of
from tests.engine import house as houses
from tests.engine.house import PRACTICE, House, house_on, visit

SHIPPED = "- { ask: waitlist, by: [sms, email], for: 20 min, at_once: 3 }"
TWO = "- { ask: waitlist, by: [sms], for: 10 min, at_once: 2 }\n      - { ask: front_desk, by: [sms], for: 20 min }"
NOON = MONDAY.replace(hour=18, minute=0) + timedelta(days=2)
EIGHT = MONDAY.replace(hour=14, minute=0) + timedelta(days=2)
"""Wednesday, 08:00 in Chicago."""
AT_50 = (NOON + timedelta(minutes=50)).isoformat()


@pytest_asyncio.fixture
async def house(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose visits are made in Acuity where they are not there yet."""
    usual = houses.practice

    def practice(*args: Any, **desk: Any) -> Any:
        made = usual(*args, **desk)
        parsed = made.model_dump(by_alias=True)
        parsed["connections"]["acuity"]["creates"] = True
        return type(made).model_validate(parsed)

    monkeypatch.setattr(houses, "practice", practice)
    async with house_on(pg, "house_waitlist") as made:
        yield made


async def prepared(house: House) -> None:
    """Wednesday at eight, three patients whose numbers may be texted, and a path that offers to two at once."""
    text = profile_text("behavioral-health")
    assert SHIPPED in text
    await publish(house.owner, SLUG, text.replace(SHIPPED, TWO), "test", MONDAY)
    await house.registry.refresh()
    for number, client in enumerate(CLIENTS[1:4]):
        await house.push(visit(60 + number, client=client), delivery=f"known-{number}")
    await house.play(seconds=20)
    await house.owner.execute("update care.contacts set consent = 'test'")
    await house.owner.execute("delete from care.limits")
    house.clock.at = EIGHT
    await house.play(seconds=5)


async def patient_of(house: House, client: Client) -> Id:
    """A client's key, by the visit that they have already."""
    number = 60 + CLIENTS.index(client) - 1
    found = await house.owner.fetchval(
        "select t.actor_id from care.doors d join care.participants t using (practice_id, appointment_id) "
        "where d.external_id = $1 and t.role = 'patient'",
        f"X-{number}",
    )
    return Id(found)


async def waits(house: House, client: Client, *, weeks: int, until: datetime | None = None) -> Id:
    """A client is on the waitlist for therapy; returns the entry's id."""
    since = house.clock.at - timedelta(weeks=weeks)
    last = until or house.clock.at + timedelta(days=20)
    body = Requested(
        await patient_of(house, client),
        "therapy-50",
        "North",
        "in_person",
        Request(since, since, last, origin="waitlist"),
        "test",
        waitlist=True,
    )
    subject = request_id(PRACTICE, body)
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, subject, body, house.clock.at)])
    await house.work()
    return subject


async def later(house: House, **span: float) -> None:
    """Business time passes; the world outside stands still."""
    house.clock.at += timedelta(**span)
    await house.work()


async def read_acuity(house: House, booked: int, key: str) -> None:
    """Acuity tells us that something about a visit changed."""
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id(key, booked), "acuity", str(booked), house.clock.at)
    await house.work()


async def cancelled_late(house: House, start: datetime = NOON) -> Id:
    """A visit with Ana at that time is booked in Acuity and cancelled, and the settle time passes; the slot's id."""
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    await read_acuity(house, booked, "booked")
    await house.world.act("acuity", "cancel", {"id": booked})
    await read_acuity(house, booked, "gone")
    await later(house, minutes=3)
    found = await house.owner.fetchval(
        "select a.appointment_id from care.appointments a join care.cases c using (practice_id, appointment_id) "
        "where c.kind = 'fill' and a.start_at = $1",
        start,
    )
    assert found is not None, "no time was offered"
    return Id(found)


async def says(house: House, client: Client, label: Label, slot: Id) -> None:
    """A client's answer to the offer is observed; nothing is decided yet."""
    who = await patient_of(house, client)
    ask = await house.owner.fetchval(
        "select ask_id from care.asks where appointment_id = $1 and person_id = $2 and purpose = 'offer_slot'",
        slot,
        who,
    )
    assert ask is not None, "they were offered nothing"
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, slot, Answered(Id(ask), label, "web"), house.clock.at)])


async def texts_to(house: House, client: Client) -> list[str]:
    return [t["body"] for t in await house.texts() if t["to"] == client.phone]


async def status_of(house: House, appointment: Id) -> str:
    found: str = await house.owner.fetchval(
        "select status from care.appointments where appointment_id = $1", appointment
    )
    return found


async def test_d19_a_late_cancellation_at_eight_is_filled_by_the_second_who_says_yes(house: House) -> None:
    await prepared(house)
    entries = [await waits(house, c, weeks=9 - n) for n, c in enumerate(CLIENTS[1:4])]
    slot = await cancelled_late(house)
    offers = await house.owner.fetch("select person_id from care.asks where purpose = 'offer_slot' order by asked_at")
    assert {r["person_id"] for r in offers} == {await patient_of(house, c) for c in CLIENTS[1:3]}
    [until] = [b for b in await texts_to(house, CLIENTS[1]) if "earlier time" in b]
    assert "Wed 13 Jan" in until
    assert "12:00" in until
    await later(house, seconds=30)
    await says(house, CLIENTS[2], "yes", slot)
    await house.work()
    await later(house, seconds=90)
    booked = await house.owner.fetchrow(
        "select status, confirmation, rescheduled_from from care.appointments where appointment_id = $1", slot
    )
    assert booked is not None
    assert (booked["status"], booked["confirmation"], booked["rescheduled_from"]) == ("booked", "confirmed", entries[1])
    assert await house.count("occupations", f"appointment_id = '{slot}'") == 2
    there = [a for a in (await house.world.state())["acuity"]["appointments"] if not a["canceled"]]
    assert [a["calendarID"] for a in there if datetime.fromisoformat(a["datetime"]) == NOON] == [
        therapist("Ana").calendar
    ]
    assert await house.count("links", f"appointment_id = '{slot}' and state = 'landed'") == 1
    assert (await house.world.state())["acuity"]["blocks"] == []
    assert await status_of(house, entries[1]) == "cancelled"
    assert any("sorry" in b for b in await texts_to(house, CLIENTS[1]))
    assert any("you are booked" in b for b in await texts_to(house, CLIENTS[2]))
    assert not any("earlier time" in b for b in await texts_to(house, CLIENTS[3]))
    async with house.pools.decide.acquire() as connection, connection.transaction():
        await connection.execute("select set_config('care.practice', $1, true)", PRACTICE)
        ledger = [await offers_of(connection, PRACTICE, e) for e in entries]
    assert [[o.state for o in rows] for rows in ledger] == [["withdrawn"], ["accepted"], []]
    needed = {kind for kind, _ in await house.exceptions()}
    assert not needed & {"slot_unfilled", "conflict", "overlap", "handed_over", "nobody_found"}


async def test_d19_after_the_yes_a_stranger_cannot_have_the_hour_in_acuity_though_no_copy_is_made_there(
    pg: EmbeddedServer,
) -> None:
    async with house_on(pg, "house_waitlist_held") as house:
        await prepared(house)
        await waits(house, CLIENTS[1], weeks=2)
        slot = await cancelled_late(house)
        await says(house, CLIENTS[1], "yes", slot)
        await house.work()
        await later(house, minutes=5)
        assert await status_of(house, slot) == "booked"
        stranger = booking(CLIENTS[4], therapist("Ana"), NOON)
        with pytest.raises(WorldRefused, match="not available"):
            await house.world.book(stranger)
        async with house.pools.intake.acquire() as connection:
            await observe(connection, [Arrived(PRACTICE, slot, Acted("cancel", "dana"), house.clock.at)])
        await house.work()
        await later(house, minutes=30)
        await house.world.book(stranger)
        assert await house.owner.fetchval("select placed from care.holds where appointment_id = $1", slot) == []


async def test_d19_a_freed_time_that_nobody_takes_is_before_the_front_desk_and_then_the_practice_manager(
    house: House,
) -> None:
    await prepared(house)
    await waits(house, CLIENTS[1], weeks=1)
    await cancelled_late(house)
    await later(house, minutes=10)
    owner = "select owner from care.exceptions where kind = 'slot_unfilled' and state = 'open'"
    assert await house.owner.fetchval(owner) == "front_desk"
    await later(house, minutes=20)
    assert await house.owner.fetchval(owner) == "practice_manager"
    house.clock.at = EIGHT + timedelta(hours=4)
    await house.work()
    assert await house.owner.fetchval(owner) is None


async def test_d1_over_a_visit_that_the_source_put_there_on_purpose_no_time_is_offered(house: House) -> None:
    await prepared(house)
    await waits(house, CLIENTS[1], weeks=1)
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), NOON))
    await read_acuity(house, booked, "booked")
    await house.push(visit(50, client=CLIENTS[4], start_at=NOON.isoformat(), end_at=AT_50), delivery="over")
    await house.work()
    await house.owner.execute("update care.appointments set source = 'acuity', observed_overlap = true")
    await house.owner.execute("update care.participants set coverage = 'confirmed' where coverage = 'at_risk'")
    await house.world.act("acuity", "cancel", {"id": booked})
    await read_acuity(house, booked, "gone")
    await later(house, minutes=3)
    assert await house.count("cases", "kind = 'fill'") == 0
    assert await house.count("journal", "body like '%nothing_to_fill%already_taken%'") == 1


async def test_d19_of_two_yes_and_a_stranger_at_once_one_has_the_time_and_the_others_hear(house: House) -> None:
    """Many times, with two engines: whatever comes first, nobody is booked twice and nobody is left in doubt."""
    await prepared(house)
    for turn in range(8):
        await house.owner.execute("delete from care.limits")
        house.clock.at = EIGHT + timedelta(days=turn // 4 * 7, minutes=15 * turn)
        start = NOON + timedelta(hours=turn % 4, days=turn // 4 * 7)
        for n, client in enumerate(CLIENTS[1:3]):
            await waits(house, client, weeks=2 - n)
        slot = await cancelled_late(house, start)
        for client in CLIENTS[1:3]:
            await says(house, client, "yes", slot)
        end = start + timedelta(minutes=50)
        stranger = visit(900 + turn, client=CLIENTS[4], start_at=start.isoformat(), end_at=end.isoformat())
        await house.push(stranger, delivery=f"stranger-{turn}")
        await asyncio.gather(house.work(), house.work(house.second()))
        await house.work()
        booked = await status_of(house, slot) == "booked"
        assert await house.count("asks", f"appointment_id = '{slot}' and state = 'accepted'") == int(booked)
        takes = await house.owner.fetch(
            "select distinct appointment_id from care.occupations where resource_id = $1 and start_at < $3 "
            "and end_at > $2",
            staff_id(PRACTICE, "Ana"),
            start,
            end,
        )
        assert len(takes) == 1
        assert (takes[0]["appointment_id"] == slot) == booked
        still = f"appointment_id = '{slot}' and purpose = 'offer_slot' and state in ('pending', 'sent')"
        assert await house.count("asks", still) == 0
        for client in CLIENTS[1:3]:
            if not await _has(house, client, slot):
                assert any("sorry" in body for body in await texts_to(house, client))
        await house.owner.execute("update care.appointments set status = 'cancelled' where status = 'waitlist'")
    assert await house.count("observations", "attempts > 0 or state = 'parked'") == 0


async def _has(house: House, client: Client, slot: Id) -> bool:
    who = await patient_of(house, client)
    return bool(await house.count("participants", f"appointment_id = '{slot}' and actor_id = '{who}'"))
