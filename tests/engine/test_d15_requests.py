"""D15 on a real database: a request placed without a human, an add-on that displaces a visit, a no-show rebooked."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

from caredispatch.app.directory_file import DirectoryFile, staff_id
from caredispatch.app.setting_up import import_directory, publish
from caredispatch.contract.seen import SeenReply
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Requested
from caredispatch.core.records import Request
from caredispatch.core.requesting import request_id
from caredispatch.engine.understanding import Report, Understanding
from caredispatch.lab.scenery import CLIENTS, SLUG, therapist
from caredispatch.policy.profiles import profile_text
from caredispatch.store.contacts import who_is
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, practice, visit

_texts = count()


async def replies(house: House, phone: str, text: str) -> None:
    """Somebody texts us, and what follows from it."""
    connected = house.registry.channel(PRACTICE, "sms")
    assert connected is not None
    async with house.pools.intake.acquire() as connection:
        reply = SeenReply(phone, text, f"SM-d15-{next(_texts)}")
        arrived = await Understanding(house.registry).arrived(connection, connected, [Report(reply)])
        await observe(connection, arrived)
    await house.work()


async def known_patient(house: House, number: int = 0) -> Id:
    """A patient whom the practice knows, who agreed to be texted."""
    async with house.pools.intake.acquire() as connection:
        [(_, person)] = await who_is(connection, house.vault, PRACTICE, "sms", CLIENTS[number].phone)
    await house.owner.execute("update care.contacts set consent = 'test'")
    return Id(person)


async def requested(house: House, *, urgent: bool = False, service: str = "therapy-50", hours: int = 72) -> Id:
    """Somebody wants a visit at North."""
    patient = await known_patient(house)
    now = house.clock.at
    origin = "add_on" if urgent else "portal"
    request = Request(now, now, now + timedelta(hours=hours), origin=origin, urgent=urgent)  # type: ignore[arg-type]  # an origin
    event = Requested(patient, service, "North", "in_person", request, "test")
    subject = request_id(PRACTICE, event)
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, subject, event, now)])
    await house.work()
    return subject


async def test_d15_a_request_from_a_portal_is_placed_without_a_human(house: House) -> None:
    subject = await requested(house)
    await house.play(seconds=20)
    phone = CLIENTS[0].phone
    [offer] = [t["body"] for t in await house.texts() if t["to"] == phone and "1)" in t["body"]]
    assert "2)" in offer
    assert "Inventedname" in offer
    await replies(house, phone, "2")
    await house.play(seconds=30)
    row = await house.row("select status, confirmation from care.appointments where appointment_id = $1", subject)
    assert (row["status"], row["confirmation"]) == ("booked", "confirmed")
    assert await house.count("occupations", f"appointment_id = '{subject}'") == 2
    assert any("you are booked" in t["body"] for t in await house.texts() if t["to"] == phone)
    assert await house.exceptions() == []


async def offered(house: House, phone: str) -> list[str]:
    """The texts that offered times."""
    return [t["body"] for t in await house.texts() if t["to"] == phone and "1)" in t["body"]]


async def test_d15_what_is_taken_between_offer_and_choice_is_offered_anew(house: House) -> None:
    subject = await requested(house)
    await house.play(seconds=20)
    chosen = await house.row(
        "select o ->> 'start_at' as at, o ->> 'provider_id' as who from care.asks, jsonb_array_elements(options) o "
        "where purpose = 'offer_times' limit 1"
    )
    await house.owner.execute(
        "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
        "values ($1, $2, $3, $4::text::timestamptz, $4::text::timestamptz + interval '1 hour', 'external')",
        PRACTICE,
        make_id("block"),
        chosen["who"],
        chosen["at"],
    )
    await replies(house, CLIENTS[0].phone, "1")
    await house.play(seconds=20)
    assert len(await offered(house, CLIENTS[0].phone)) == 2
    assert (
        await house.owner.fetchval("select status from care.appointments where appointment_id = $1", subject)
        == "proposed"
    )
    await replies(house, CLIENTS[0].phone, "1")
    assert (
        await house.owner.fetchval("select status from care.appointments where appointment_id = $1", subject)
        == "booked"
    )


async def test_d36_an_add_on_asks_the_first_eligible_people_within_a_minute_and_displaces_what_may_give_way(
    house: House,
) -> None:
    text = profile_text("behavioral-health").replace(
        "{ patient_agreement: required,", "{ displaceable: true, patient_agreement: required,"
    )
    await publish(house.owner, SLUG, text, "test", house.clock.at)
    await house.registry.refresh()
    start = house.clock.at + timedelta(hours=1)
    everybody = [
        row[0]
        for row in await house.owner.fetch(
            "select distinct person_id from care.contact_people where person_kind = 'staff'"
        )
    ]
    times: dict[str, Any] = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}
    await house.push(visit(1, client=CLIENTS[1], **times), delivery="d-routine")
    await house.play(seconds=20)
    routine = await house.owner.fetchval("select appointment_id from care.appointments")
    for number, who in enumerate(everybody):
        for begin, end in ((house.clock.at, start), (start + timedelta(minutes=50), start + timedelta(hours=12))):
            await house.owner.execute(
                "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
                "values ($1, $2, $3, $4, $5, 'external')",
                PRACTICE, make_id("full", number, begin), who, begin, end,
            )  # fmt: skip
        if who != staff_id(PRACTICE, "Ana"):
            await house.owner.execute(
                "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
                "values ($1, $2, $3, $4, $5, 'external')",
                PRACTICE, make_id("full", number), who, start, start + timedelta(minutes=50),
            )  # fmt: skip
    subject = await requested(house, urgent=True, service="therapy-50", hours=6)
    noticed = house.clock.at
    await house.play(seconds=55)
    asked = await house.row("select person_id, asked_at from care.asks where purpose = 'take_add_on'")
    assert asked["person_id"] == staff_id(PRACTICE, "Ana")
    assert asked["asked_at"] - noticed < timedelta(minutes=1)
    await replies(house, therapist("Ana").phone, "yes")
    await house.play(seconds=30)
    add_on = await house.row("select status, start_at from care.appointments where appointment_id = $1", subject)
    assert (add_on["status"], add_on["start_at"]) == ("booked", start)
    cover = await house.owner.fetchval(
        "select count(*) from care.cases where kind = 'cover' and appointment_id = $1", routine
    )
    assert cover == 1
    there = await house.owner.fetch(
        "select appointment_id from care.occupations where resource_id = $1", staff_id(PRACTICE, "Ana")
    )
    assert [row[0] for row in there] == [subject]


async def desk_knows(house: House) -> None:
    """What the front desk's system says of a status counts."""
    people = tuple(therapist(h) for h in ("Ana", "Ben", "Cleo", "Elif", "Finn"))
    parsed: dict[str, Any] = practice(house.world.url, 25, people).model_dump(by_alias=True)
    for name in ("acuity", "ehr"):
        parsed["connections"][name]["owns"] = []
    await import_directory(house.owner, house.vault, SLUG, DirectoryFile.model_validate(parsed), house.clock.at)
    await house.registry.refresh()


async def test_d13_a_no_show_is_rebooked_and_landed(house: House) -> None:
    await desk_knows(house)
    await known_patient(house)
    start = house.clock.at + timedelta(minutes=5)
    times: dict[str, Any] = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}
    await house.push(visit(1, **times), delivery="d-1")
    await house.play(minutes=1)
    await house.push(visit(1, version=2, **times, status="noshow"), delivery="d-2")
    await house.play(seconds=10)
    missed = await house.owner.fetchval("select appointment_id from care.appointments")
    assert await house.owner.fetchval("select phase from care.cases where kind = 'follow_up'") == "waiting"
    house.clock.at += timedelta(hours=2)
    await house.play(seconds=20)
    assert len(await offered(house, CLIENTS[0].phone)) == 1
    await replies(house, CLIENTS[0].phone, "3")
    await house.play(minutes=2)
    new = await house.row("select status, rescheduled_from from care.appointments where rescheduled_from is not null")
    assert (new["status"], new["rescheduled_from"]) == ("booked", missed)
    ended = await house.row("select state, outcome from care.cases where kind = 'follow_up'")
    assert (ended["state"], ended["outcome"]) == ("settled", "rebooked")


async def test_d11_who_books_anew_is_not_offered_times(house: House) -> None:
    await desk_knows(house)
    start = house.clock.at + timedelta(minutes=5)
    times: dict[str, Any] = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}
    await house.push(visit(1, **times), delivery="d-1")
    await house.play(seconds=10)
    await house.push(visit(1, version=2, **times, status="noshow"), delivery="d-2")
    await house.play(seconds=10)
    await house.push(visit(9), delivery="d-3")
    await house.play(seconds=10)
    ended = await house.row("select state, outcome from care.cases where kind = 'follow_up'")
    assert (ended["state"], ended["outcome"]) == ("closed", "rebooked_elsewhere")
