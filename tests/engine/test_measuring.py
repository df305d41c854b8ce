"""What measures need is read from a real database, under the user of the pages, and counted by hand here. Monday
2027-01-11, 09:30 in Chicago; visits of the same afternoon."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from caredispatch.core.happened import Happened
from caredispatch.core.ids import Id, make_id
from caredispatch.core.measures import Figure
from caredispatch.core.observation import Acted, ActName, Answered
from caredispatch.lab.scenery import CLIENTS, MONDAY, booking, therapist
from caredispatch.store.inbox import Arrived, observe, want_fetch
from caredispatch.store.measuring import figures, happened_in
from caredispatch.store.pages import in_practice
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import announce
from tests.engine.test_d15_requests import requested

TODAY = MONDAY.date()


def today(number: int, hours: int, **more: Any) -> dict[str, Any]:
    """A visit of 50 minutes so many hours after 09:00 there."""
    start = MONDAY.replace(minute=0) + timedelta(hours=hours)
    return visit(number, start_at=start.isoformat(), end_at=(start + timedelta(minutes=50)).isoformat(), **more)


async def told(house: House, first: date = TODAY, last: date = TODAY) -> dict[str, list[Figure]]:
    """The figures of some days by measure, as the user of the pages reads them."""
    async with in_practice(house.pools.web, PRACTICE) as connection:
        found = await figures(connection, PRACTICE, first, last)
    return {code: [f for f in found if f.measure == code] for code in {f.measure for f in found}}


async def read(house: House) -> Happened:
    async with in_practice(house.pools.web, PRACTICE) as connection:
        return await happened_in(connection, PRACTICE, TODAY, TODAY)


async def _seen(house: House, *observations: tuple[Id, Answered | Acted]) -> None:
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, who, body, house.clock.at) for who, body in observations])
    await house.work()


async def _the_visit(house: House) -> Id:
    return Id(await house.owner.fetchval("select appointment_id from care.appointments order by start_at limit 1"))


async def _says_yes(house: House, purpose: str) -> None:
    row = await house.row("select ask_id, appointment_id from care.asks where purpose = $1 and state = 'sent' "
                          "order by ask_id limit 1", purpose)  # fmt: skip
    await _seen(house, (Id(row["appointment_id"]), Answered(Id(row["ask_id"]), "yes", "web")))


async def _act(house: House, act: ActName, **params: str) -> None:
    exception = await house.owner.fetchval("select exception_id from care.exceptions where state <> 'resolved' limit 1")
    await _seen(house, (await _the_visit(house), Acted(act, "dana", exception, params)))


async def _ana_is_out(house: House) -> None:
    """Booked at 15:00, and a minute later Ana is out."""
    await house.push(today(1, 6))
    await house.work()
    house.clock.at += timedelta(minutes=1)
    await announce(house, "staff_unavailable", MONDAY, MONDAY + timedelta(days=5), who="Ana")
    await house.play(seconds=10)


def amounts(found: list[Figure]) -> list[tuple[float, float]]:
    return [(f.amount, f.of) for f in found]


async def test_d36_d37_a_call_out_that_is_covered_alone_is_a_disruption_and_no_scramble(house: House) -> None:
    await _ana_is_out(house)
    await _says_yes(house, "cover")
    house.clock.at += timedelta(seconds=50)
    await _says_yes(house, "agree_patient")
    found = await told(house)
    assert amounts(found["disruptions"]) == [(1, 1)]
    assert amounts(found["scrambles"]) == [(0, 1)]
    assert found["first_asked_seconds"][0].values == (10,), "out at 09:31:00, the first text left at 09:31:10"
    assert found["settled_seconds"][0].values == (60,)
    assert amounts(found["first_ask_success"]) == [(1, 1)]
    assert amounts(found["asks_per_person"]) == [(2, 2)], "two were asked to cover it"
    [visit] = (await read(house)).visits
    assert [s.ended for s in visit.stood] == ["handed_on", ""]


async def test_d37_what_a_person_assigns_by_hand_is_a_scramble_and_was_not_automated(house: House) -> None:
    await _ana_is_out(house)
    who = therapist("Finn")
    house.clock.at += timedelta(minutes=4)
    finn = await house.owner.fetchval("select key from care.directories, jsonb_each(body -> 'staff') "
                                      "where value ->> 'handle' = $1 limit 1", who.handle)  # fmt: skip
    await _act(house, "assign", role="provider", staff_id=finn)
    found = await told(house)
    assert amounts(found["scrambles"]) == [(1, 1)]
    assert amounts(found["unresolved_scrambles"]) == [(0, 1)]
    assert amounts(found["automation_rate"]) == [(0, 1)]
    assert found["settled_seconds"][0].values == (250,), "09:31:00 to 09:35:10"
    assert amounts(found["page_minutes"]) == [(1, 2)], "one act; the booking and the call-out are two incidents"
    assert amounts(found["exceptions"]) == [(0, 1)]


async def test_d37_a_visit_that_ends_cancelled_is_an_unresolved_scramble(house: House) -> None:
    await _ana_is_out(house)
    await _act(house, "cancel", reason="nobody there")
    found = await told(house)
    assert amounts(found["unresolved_scrambles"]) == [(1, 1)]


async def test_d36_d37_an_add_on_that_somebody_takes_is_a_disruption_and_the_first_ask_counts(house: House) -> None:
    await house.push(today(1, 6))
    await house.work()
    await requested(house, urgent=True, hours=6)
    await house.play(seconds=15)
    await _says_yes(house, "take_add_on")
    found = await told(house)
    assert amounts(found["disruptions"]) == [(1, 1)]
    assert amounts(found["scrambles"]) == [(0, 1)]
    [asked], [settled] = found["first_asked_seconds"], found["settled_seconds"]
    assert asked.values[0] <= settled.values[0] == 15
    assert amounts(found["first_ask_success"]) == [(1, 1)]


async def test_d38_a_case_whose_visit_is_edited_in_a_system_the_next_morning_was_not_automated(house: House) -> None:
    await house.push(visit(1))
    await house.play(seconds=20)
    await _says_yes(house, "confirm_patient")
    assert amounts((await told(house))["automation_rate"]) == [(1, 1)]
    house.clock.at += timedelta(hours=23)
    await house.push(visit(1, version=2, who="t-2"), delivery="d-2")
    await house.work()
    assert amounts((await told(house))["automation_rate"]) == [(0, 1)]


async def test_d38_that_the_patient_moved_it_themselves_is_no_edit_by_hand(house: House) -> None:
    await house.push(visit(1))
    await house.play(seconds=20)
    await _says_yes(house, "confirm_patient")
    later = visit(2)
    times = {key: later[key] for key in ("start_at", "end_at")}
    await house.push(visit(1, version=2, initiator="patient", **times), delivery="d-2")
    await house.work()
    [stood] = (await read(house)).visits
    assert [s.ended for s in stood.stood] == ["moved", ""]
    assert amounts((await told(house))["automation_rate"]) == [(1, 1)]


async def test_d39_a_time_that_is_cancelled_and_taken_again_is_a_fill(house: House) -> None:
    await house.push(today(1, 6), delivery="d-1")
    await house.work()
    await house.push(today(1, 6, version=2, status="cancelled", initiator="patient"), delivery="d-2")
    await house.work()
    house.clock.at += timedelta(minutes=10)
    await house.push(today(2, 6, client=CLIENTS[1]), delivery="d-3")
    await house.work()
    found = await told(house)
    assert amounts(found["fill_rate"]) == [(1, 1)]
    assert "late_cancellations" not in found, "it did not stand 24 hours before"


async def test_d39_leave_that_is_entered_late_takes_no_offered_minutes_away(house: House) -> None:
    before = (await told(house))["slot_utilisation"]
    await announce(house, "staff_unavailable", MONDAY, MONDAY + timedelta(hours=8), who="Ana")
    those = await read(house)
    assert (await told(house))["slot_utilisation"] == before
    assert sum((s.end_at - s.start_at for s in those.worked), timedelta()) < sum(
        (s.end_at - s.start_at for s in those.offered), timedelta()
    )


async def test_d39_a_human_yes_before_the_start_confirms_and_the_rate_is_over_visits_open_for_24_hours(
    house: House,
) -> None:
    for number, client in ((1, CLIENTS[0]), (2, CLIENTS[1])):
        await house.push(visit(number, client=client), delivery=f"d-{number}")
    await house.push(today(3, 6, client=CLIENTS[2]), delivery="d-3")
    await house.play(seconds=20)
    await _says_yes(house, "confirm_patient")
    later = datetime.fromisoformat(visit(1)["start_at"]).date()
    found = await told(house, TODAY, later)
    assert amounts(found["confirmation_rate"]) == [(1, 2)]


async def test_a_write_that_is_read_back_has_landed_after_so_many_seconds(house: House) -> None:
    start = MONDAY.replace(minute=0) + timedelta(hours=4)
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n"), "acuity", str(booked), house.clock.at)
    await house.play(seconds=10)
    house.clock.at += timedelta(minutes=1)
    await _act(house, "cancel", reason="closed")
    await house.play(seconds=30)
    found = await told(house)
    assert amounts(found["writeback_landed"]) == [(1, 1)]
    [age] = [f for f in found["writeback_seconds"] if f.values]
    assert all(0 <= seconds <= 30 for seconds in age.values)


async def test_what_a_system_is_seen_to_hold_otherwise_and_is_put_right_is_an_entry_error_caught(house: House) -> None:
    await house.push(visit(1))
    await house.work()
    start = datetime.fromisoformat(visit(1)["start_at"])
    booked = await house.world.book(booking(CLIENTS[0], therapist("Ana"), start))
    async with house.pools.intake.acquire() as connection:
        await want_fetch(connection, PRACTICE, make_id("n"), "acuity", str(booked), house.clock.at)
    await house.play(seconds=10)
    assert await house.count("appointments") == 1
    assert amounts((await told(house))["entry_errors"]) == [(0, 1)], "both say the same"
    wrong: dict[str, Any] = {
        key: (start + timedelta(minutes=m)).isoformat() for key, m in (("start_at", 60), ("end_at", 110))
    }
    await house.push(visit(1, version=2, **wrong), delivery="d-2")
    await house.work()
    assert amounts((await told(house))["entry_errors"]) == [(0, 1)], (
        "the booking system owns the time: not repaired yet"
    )
    await house.push(visit(1, version=3), delivery="d-3")
    await house.work()
    assert amounts((await told(house))["entry_errors"]) == [(2, 1)], "its start and its end"


async def test_nobody_reads_the_figures_of_another_practice(house: House) -> None:
    await house.push(today(1, 6))
    await house.work()
    async with in_practice(house.pools.web, make_id("practice", "another")) as connection:
        assert (await happened_in(connection, PRACTICE, TODAY, TODAY)).visits == ()


async def test_a_frozen_baseline_can_be_changed_by_nobody_not_even_the_owner(house: House) -> None:
    await house.owner.execute(
        "insert into care.baselines values ($1, 1, 'file', 'tally', $2, $2, $3, '', '[]')", PRACTICE, TODAY, MONDAY
    )
    for change in ("update care.baselines set instrument = ''", "delete from care.baselines"):
        with pytest.raises(asyncpg.RaiseError, match="frozen"):
            await house.owner.execute(change)
