"""What is read for a decision, against the real tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from caredispatch.app.directory_file import staff_id
from caredispatch.core.facts import Location
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import AppointmentSeen, Due, Passed, Requested
from caredispatch.core.playbook import AskStep, Window
from caredispatch.core.records import Case, Option, Request, State
from caredispatch.core.windows import clocks
from caredispatch.lab.scenery import MONDAY
from caredispatch.store.deciding import in_hand
from caredispatch.store.factual import read
from caredispatch.store.needing import REACHABLE, Need, needs, place_of
from tests.engine.house import PRACTICE, House, visit


async def _cancelled(house: House, number: int) -> None:
    """The source says that the practice cancelled: it settles."""
    await house.owner.execute(
        "update care.appointments a set status = 'cancelled', initiator = 'practice', cancelled_at = $2, "
        "settle_at = $3, next_look_at = $3 from care.links l where l.practice_id = a.practice_id "
        "and l.appointment_id = a.appointment_id and l.external_id = $1",
        f"X-{number}",
        house.clock.at,
        house.clock.at + timedelta(minutes=3),
    )


def _cover_case(now: datetime) -> Case:
    """Cover is being found; its first step is current."""
    return Case(Id(PRACTICE), make_id("case"), "cover", make_id("visit"), "provider", "r", "cover", 1, now, due_at=now)


async def _followed_up(house: House) -> int:
    """How many visits count as cancelled: the playbook follows each up."""
    return await house.count("cases", "kind = 'follow_up'")


async def _booked(house: House, *numbers: int) -> None:
    for number in numbers:
        await house.push(visit(number), delivery=f"b-{number}")
        await house.work()


async def test_d9_one_new_booking_takes_the_place_of_one_cancelled_visit_and_not_of_two(house: House) -> None:
    await _booked(house, 1, 2)
    await house.play(minutes=10)
    await _booked(house, 3)
    await _cancelled(house, 1)
    await _cancelled(house, 2)
    await house.play(minutes=5)
    assert await _followed_up(house) == 1


async def test_d9_two_visits_that_are_both_booked_anew_are_two_reschedules(house: House) -> None:
    await _booked(house, 1, 2)
    await house.play(minutes=10)
    await _booked(house, 3, 4)
    await _cancelled(house, 1)
    await _cancelled(house, 2)
    await house.play(minutes=5)
    assert await _followed_up(house) == 0


async def test_d9_whatever_is_booked_while_two_cancellations_settle_replaces_the_first_then_the_second(
    house: House,
) -> None:
    await _booked(house, 1, 2)
    await house.play(minutes=10)
    await _cancelled(house, 1)
    await house.play(seconds=10)
    await _cancelled(house, 2)
    await _booked(house, 3)
    assert await house.count("appointments", "rescheduled_from is not null") == 1
    await _booked(house, 4)
    assert await house.count("appointments", "rescheduled_from is not null") == 2
    await house.play(minutes=5)
    assert await _followed_up(house) == 0
    assert await house.owner.fetchval("select count(distinct rescheduled_from) from care.appointments") == 2


async def test_d9_a_booking_that_replaces_another_visit_is_no_successor(house: House) -> None:
    await _booked(house, 1, 2)
    await house.play(minutes=10)
    await _cancelled(house, 1)
    await _booked(house, 3)
    await _cancelled(house, 2)
    await house.play(minutes=5)
    assert await _followed_up(house) == 1


async def test_d16_where_cover_counts_reachable_minutes_the_whole_pools_time_from_now_on_is_read(house: House) -> None:
    """Only minutes in which they can look count."""
    policy = house.registry.tenant(PRACTICE).policy
    path = policy.playbook.paths["cover"]
    now = house.clock.at
    for window, reads in ((Window("reachable", 20), True), (Window("minutes", 20), False)):
        steps = tuple(replace(s, window=window) if isinstance(s, AskStep) else s for s in path.steps)
        book = replace(policy.playbook, paths={**policy.playbook.paths, "cover": replace(path, steps=steps)})
        state = State(cases=(_cover_case(now),))
        found = needs(state, [], replace(policy, playbook=book, older={}), now)
        assert ((staff_id(PRACTICE, "Ben"), now, now + REACHABLE) in found.spans) is reads


async def test_d5_who_may_only_be_told_is_not_asked(house: House) -> None:
    await _booked(house, 1)
    assert "confirm_patient" in await _texts(house)
    await house.owner.execute("update care.contact_people set rights = '{told}' where person_kind = 'patient'")
    await _booked(house, 2)
    assert (await _texts(house)).count("confirm_patient") == 1
    assert await house.count("exceptions", "kind = 'call'") == 1


async def _texts(house: House) -> list[str]:
    return [row[0] for row in await house.owner.fetch("select text from care.deliveries where kind = 'tell'")]


async def test_d9_late_cancellations_are_counted_the_patients_own_only(house: House) -> None:
    """Late by the patient (two), early, by the practice, by nobody knows whom, still settling, and booked anew."""
    await _booked(house, *range(1, 9))
    start, now = house.clock.at + timedelta(hours=6), house.clock.at
    for number, (initiator, at, settles) in enumerate(
        [
            ("patient", now, None),
            ("patient", now - timedelta(hours=12), None),
            ("patient", now - timedelta(days=3), None),
            ("practice", now, None),
            (None, now, None),
            ("patient", now, now + timedelta(minutes=3)),
            ("patient", now, None),
        ],
        1,
    ):
        await house.owner.execute(
            "update care.appointments a set status = 'cancelled', start_at = $2, initiator = $3, cancelled_at = $4, "
            "settle_at = $5, next_look_at = null from care.links l where l.practice_id = a.practice_id "
            "and l.appointment_id = a.appointment_id and l.external_id = $1",
            f"X-{number}",
            start,
            initiator,
            at,
            settles,
        )
    await house.owner.execute(
        "update care.appointments a set rescheduled_from = b.appointment_id from care.links l, care.links b "
        "where l.appointment_id = a.appointment_id and l.external_id = 'X-8' and b.external_id = 'X-7'"
    )
    await house.push(visit(8, version=2, status="arrived"), delivery="again")
    await house.work()
    counted = await house.owner.fetchval(
        "select body::json -> 'facts' -> 'patient' ->> 'late_cancels_90d' from care.journal j join care.links l "
        "on l.appointment_id = j.subject_id where l.external_id = 'X-8' order by j.seq desc limit 1"
    )
    assert counted == "2"


async def test_d21_what_counts_against_a_limit_is_that_of_the_day_at_the_visits_site(house: House) -> None:
    """By the same clock by which it is counted: where one site has Tuesday already, Monday's questions are over."""
    tenant = house.registry.tenant(PRACTICE)
    far = Location("Harbour", "Harbour", "Pacific/Auckland", "")
    directory = replace(tenant.policy.directory, locations={**tenant.policy.directory.locations, "Harbour": far})
    ana = staff_id(PRACTICE, "Ana")
    await house.owner.execute(
        "insert into care.limits (practice_id, person_id, what, period, n) values ($1, $2, 'asks_day', '2027-01-11', "
        "3), ($1, $2, 'asks_day', '2027-01-12', 1)",
        PRACTICE,
        ana,
    )
    async with house.pools.decide.acquire() as connection, connection.transaction():
        await in_hand(connection, PRACTICE)
        now = house.clock.at
        need = Need(people={ana})
        known = await read(connection, PRACTICE, {ana: need}, now, clocks(directory, now), now.date(), timedelta())
    assert [known.facts(ana, need, place).asks_made.get(ana) for place in ("Lakeside", "Harbour")] == [3, 1]


def test_d21_a_visit_counts_by_the_clock_of_its_site_also_while_it_is_new() -> None:
    wish = Request(MONDAY, MONDAY, MONDAY + timedelta(days=7))
    asked = Requested(make_id("patient"), "therapy-50", "North", "in_person", wish, "ana")
    seen = AppointmentSeen("desk", "X-1", {"location": "North"}, 1)
    option = Option(MONDAY, MONDAY + timedelta(minutes=50), make_id("ana"), "North", "in_person")
    booked = Passed("book", make_id("visit"), option=option)
    assert [place_of(State(), event) for event in (asked, seen, booked, Due())] == ["North", "North", "North", ""]
