"""D7: records that the EHR merged are one person: the strictest counts, open questions follow, the past stays as
written; an unmerge brings both back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from caredispatch.app.directory_file import staff_id
from caredispatch.contract.seen import SeenReply
from caredispatch.core.draft import Decision
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Due
from caredispatch.core.records import Occupation
from caredispatch.engine.understanding import Report
from caredispatch.lab.scenery import CLIENTS
from caredispatch.store import persisting
from caredispatch.store.deciding import Decided, Item, in_hand
from caredispatch.store.factual import Known, read
from caredispatch.store.identities import Identity, Record
from caredispatch.store.inbox import observe
from caredispatch.store.merging import roots
from caredispatch.store.needing import Need
from caredispatch.store.people import patient_keys
from tests.engine.house import PRACTICE, House, visit

OLD = Identity(external_id="Patient/old", given="Olga", family="Twicemadeup", phone="+15550145001")
NEW = Identity(external_id="Patient/new", given="Olga", family="Newlymadeup", phone="+15550145002")


async def _keys(house: House, *identities: Identity) -> list[str]:
    async with house.pools.intake.acquire() as connection, connection.transaction():
        found = await patient_keys(connection, house.vault, PRACTICE, "desk", list(identities), house.clock.at)
    return [key or "" for key in found]


def _whole(identity: Identity, into: Identity | None = None, replaces: tuple[str, ...] = ()) -> Identity:
    """The same with all that its record says of others."""
    return replace(identity, record=Record(into, replaces))


async def _merged(house: House) -> tuple[str, str]:
    """Both records, the old one given up for the new."""
    old, new = await _keys(house, OLD, NEW)
    [into, _] = await _keys(house, _whole(OLD, _whole(NEW)), NEW)
    assert (old != new, into) == (True, new)
    return old, new


async def _known(house: House, *patients: str) -> Known:
    """What a decision about each patient would know of people."""
    async with house.pools.decide.acquire() as connection, connection.transaction():
        await in_hand(connection, PRACTICE)
        at = house.clock.at
        span = (at, at.replace(year=at.year + 1))
        wanted = {p: Need(people={p}, patient_id=p, pool=True, spans=[(p, *span)]) for p in patients}
        clocks = {"": (at.date().isoformat(), "2027-W01")}
        return await read(connection, PRACTICE, wanted, at, clocks, at.date(), at - at)


async def test_d7_a_record_that_was_given_up_leads_to_the_one_in_its_place_until_the_link_is_gone(house: House) -> None:
    old, new = await _merged(house)
    assert await _keys(house, OLD) == [new]
    assert await _keys(house, _whole(OLD)) == [old], "unmerged"
    assert await _keys(house, OLD, NEW) == [old, new]


async def test_d7_the_record_in_use_may_say_so_too(house: House) -> None:
    old, new = await _keys(house, OLD, NEW)
    await _keys(house, _whole(NEW, replaces=("Patient/old",)))
    assert await _keys(house, OLD) == [new]
    await _keys(house, NEW, OLD)
    assert await _keys(house, OLD) == [new], "who is not read whole says nothing about links"
    await _keys(house, _whole(NEW))
    assert await _keys(house, OLD) == [old]


async def test_d7_what_both_records_say_holds_until_neither_says_it(house: House) -> None:
    old, new = await _merged(house)
    await _keys(house, _whole(NEW, replaces=("Patient/old",)))
    await _keys(house, _whole(OLD))
    assert await _keys(house, OLD) == [new]
    await _keys(house, _whole(NEW))
    assert await _keys(house, OLD) == [old]


def test_d7_a_chain_leads_to_its_end_and_a_circle_nowhere() -> None:
    assert roots([("a", "b"), ("b", "c")]) == {"a": "c", "b": "c"}
    assert roots([("a", "b"), ("b", "a"), ("x", "a")]) == {}
    assert roots([("a", "c"), ("a", "b")]) == roots([("a", "b"), ("a", "c")]) == {"a": "b"}


async def test_d7_of_merged_records_the_strictest_restriction_and_limit_count_for_both(house: House) -> None:
    old, new = await _merged(house)
    ana, ben = staff_id(PRACTICE, "Ana"), staff_id(PRACTICE, "Ben")
    await house.owner.execute(
        "update care.patients set human_only = true, clinician_follows_up = true, automation = 'human_first', "
        "excluded_staff = array[$2::uuid], state = 'IL' where patient_id = $1",
        old,
        ana,
    )
    await house.owner.execute(
        "update care.patients set excluded_staff = array[$2::uuid] where patient_id = $1", new, ben
    )
    day = house.clock.at.date().isoformat()
    await house.owner.execute(
        "insert into care.limits (practice_id, person_id, what, period, n) values ($1, $2, 'asks_day', $4, 2), "
        "($1, $3, 'asks_day', $4, 1)",
        PRACTICE,
        old,
        new,
        day,
    )
    known = await _known(house, old, new)
    for key in (old, new):
        facts = known.facts(key, Need(people={key}, patient_id=key))
        assert facts.patient is not None
        assert facts.patient.human_only
        assert facts.patient.clinician_follows_up
        assert (facts.patient.automation, facts.patient.state) == ("human_first", "IL")
        assert sorted(facts.patient.excluded_staff) == sorted([ana, ben])
        assert facts.asks_made[key] == 2
        assert len(facts.contacts[key]) == 2
    assert (await _known(house, new)).patients[new].human_only, "also where the old one is not looked at"


async def test_d7_an_opt_out_under_either_record_silences_texts_under_both(house: House) -> None:
    old, new = await _merged(house)
    await house.owner.execute(
        "update care.contacts c set status = 'opted_out' from care.contact_people l "
        "where l.contact_id = c.contact_id and l.person_id = $1",
        old,
    )
    known = await _known(house, new)
    assert [c.usable for c in known.contacts[new]] == [False, False]
    await _keys(house, _whole(OLD))
    known = await _known(house, old, new)
    assert [[c.usable for c in known.contacts[p]] for p in (old, new)] == [[False], [True]]


@pytest.mark.parametrize("merged", [True, False])
async def test_d7_a_merged_patient_in_two_places_is_seen(house: House, merged: bool) -> None:
    first = visit(1)
    await house.push(first)
    await house.work()
    await _keys(house, NEW)
    old = Identity(external_id=CLIENTS[0].fhir_id, given=CLIENTS[0].given, family=CLIENTS[0].family)
    await _keys(house, _whole(old, _whole(NEW) if merged else None))
    again = {**visit(2, who="t-2"), "start_at": first["start_at"], "end_at": first["end_at"]}
    again["patient"] = {"external_id": "Patient/new", "given": "Olga", "family": "Newlymadeup"}
    await house.push(again, delivery="d-2")
    await house.work()
    assert await house.count("appointments", "source = 'desk'") == 2
    assert bool(await house.count("appointments", "observed_overlap")) is merged


async def test_d7_of_two_visits_booked_at_once_under_both_records_of_a_patient_one_has_the_time(house: House) -> None:
    """The constraint on occupations knows each record by itself."""
    old, new = await _merged(house)
    same = {old: (new, old), new: (new, old)}

    async def take(key: str, number: int) -> bool:
        visit_id, start = make_id("visit", key, number), house.clock.at + timedelta(hours=number)
        place = Id(PRACTICE), make_id("occupation", visit_id), make_id("session", visit_id), visit_id
        row = Occupation(*place, Id(key), start, start + timedelta(minutes=50))
        booked = Decided(Item(visit_id, Due()), Decision(occupy=(row,)), b"")
        async with house.pools.decide.acquire() as connection, connection.transaction():
            await in_hand(connection, PRACTICE)
            return await persisting._occupy(connection, [booked], same) == set()

    for number in range(20):
        assert sum(await asyncio.gather(take(old, number), take(new, number))) == 1
    assert await house.count("occupations") == 20


async def test_d7_an_answer_from_the_number_of_either_record_counts(house: House) -> None:
    await house.push(visit(1))
    await house.work()
    assert await house.count("asks", "purpose = 'confirm_patient' and state = 'sent'") == 1
    old = Identity(external_id=CLIENTS[0].fhir_id, given=CLIENTS[0].given, family=CLIENTS[0].family)
    await _keys(house, NEW)
    await _say(house, "+15550145002", "yes")
    assert await house.count("asks", "purpose = 'confirm_patient' and state = 'accepted'") == 0
    await _keys(house, _whole(old, _whole(NEW)))
    await _say(house, "+15550145002", "yes")
    assert await house.count("asks", "purpose = 'confirm_patient' and state = 'accepted'") == 1
    key = await house.owner.fetchval("select actor_id from care.participants where role = 'patient'")
    assert Id(key) not in await _keys(house, NEW), "the past stays as written"


async def _say(house: House, number: str, text: str) -> None:
    """Somebody texts."""
    connected = house.registry.connected(PRACTICE, "sms")
    async with house.pools.intake.acquire() as connection, connection.transaction():
        said = Report(SeenReply(number, text, f"{number}{text}{house.clock.at}"))
        await observe(connection, await house.engine.noticer.understanding.arrived(connection, connected, [said]))
    house.clock.at = house.clock.at.replace(second=house.clock.at.second + 1)
    await house.work()
