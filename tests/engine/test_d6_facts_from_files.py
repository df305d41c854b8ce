"""D6: what files say of patients and staff reaches the decisions; all or nothing, and said again it changes nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from caredispatch.app.directory_file import DirectoryInvalid, staff_id
from caredispatch.app.facts_file import read_facts, read_panels
from caredispatch.app.facts_taking import Taken, names_of, take_facts, take_panels
from caredispatch.core.facts import Facts
from caredispatch.core.payers import Authorisation
from caredispatch.lab.scenery import CLIENTS
from caredispatch.store.deciding import in_hand
from caredispatch.store.factual import read
from caredispatch.store.needing import Need
from tests.engine.house import PRACTICE, House, visit
from tests.engine.test_first_yes import _asked, _ill

WHO = f"desk:{CLIENTS[0].fhir_id}"


async def _take(house: House, text: str, *, skip_unseen: bool = False) -> Taken:
    tenant = house.registry.tenant(PRACTICE)
    rows = read_facts(text, "f.csv", names_of(tenant.policy.directory))
    at = house.clock.at
    return await take_facts(house.owner, house.vault, tenant.practice, rows, "f.csv", at, skip_unseen=skip_unseen)


async def _panels(house: House, text: str) -> None:
    tenant = house.registry.tenant(PRACTICE)
    await take_panels(house.owner, tenant.practice, read_panels(text, "p.csv", names_of(tenant.policy.directory)))


async def _facts(house: House, *, pool: bool = True) -> Facts:
    """What a decision about the patient would know."""
    patient = await house.owner.fetchval(
        "select t.actor_id from care.participants t join care.appointments a using (practice_id, appointment_id) "
        "where t.role = 'patient' and a.source = 'desk'"
    )
    async with house.pools.decide.acquire() as connection, connection.transaction():
        await in_hand(connection, PRACTICE)
        at = house.clock.at
        need = Need(people={patient}, patient_id=patient, pool=pool, spans=[(patient, at, at)])
        known = await read(connection, PRACTICE, {patient: need}, at, {"": ("", "")}, at.date(), at - at)
    return known.facts(patient, need)


async def _rows(house: House) -> list[Any]:
    tables = ("patients", "care_team", "authorisations", "panels", "contact_people", "contacts")
    return [await house.owner.fetch(f"select * from care.{name} order by 1, 2, 3, 4") for name in tables]


async def _seen(house: House) -> None:
    await house.push(visit())
    await house.work()


TEXT = (
    "patient,tags,care_team,payer,service,units_left,valid_until,language,guardian_phone,excluded_staff\n"
    f"{WHO},anxiety;adult,Ben:7,blue,therapy-50,4,2027-06-30,es,+15550147001,Elif\n"
    f"{WHO},,,,therapy-50,2,,,,\n"
)


async def test_d6_what_a_file_says_of_a_patient_is_known_to_decisions(house: House) -> None:
    await _seen(house)
    assert await _take(house, TEXT) == Taken(1, 0)
    await _panels(house, "staff,payer,from,until\nBen,blue,2026-01-01,\nAna,green,2026-01-01,\n")
    facts = await _facts(house)
    assert facts.patient is not None
    assert (facts.patient.tags, facts.patient.payer, facts.patient.language) == (("anxiety", "adult"), "blue", "es")
    assert facts.patient.excluded_staff == (staff_id(PRACTICE, "Elif"),)
    assert set(facts.patient.authorisations) == {
        Authorisation("therapy-50", 4, date(2027, 6, 30)),
        Authorisation("therapy-50", 2),
    }
    assert facts.payers is not None
    assert list(facts.payers.panels) == [staff_id(PRACTICE, "Ben")], "of other payers nothing is looked at"
    assert facts.payers.panelled == ("blue", "green")
    assert facts.payers.authorised == (("blue", "therapy-50"),)
    assert [c.own for c in next(iter(facts.contacts.values()))][-1] is False
    assert (await _facts(house, pool=False)).payers is None


async def test_d18_d32_how_long_they_travel_is_known_and_nothing_else_of_where_they_live(house: House) -> None:
    await _seen(house)
    await _take(house, f"patient,travel_minutes\n{WHO},35\n")
    await _take(house, f"patient,travel_minutes,payer\n{WHO},,blue\n")
    facts = await _facts(house)
    assert facts.patient is not None
    assert facts.patient.travel_minutes == 35, "an empty cell takes nothing away"


async def test_d6_said_again_it_changes_nothing_and_an_empty_cell_takes_nothing_away(house: House) -> None:
    await _seen(house)
    await _take(house, TEXT)
    await _panels(house, "staff,payer,from,until\nBen,blue,2026-01-01,\n")
    before = await _rows(house)
    await _take(house, TEXT)
    await _panels(house, "staff,payer,from,until\nBen,blue,2026-01-01,\n")
    await _take(house, f"patient,payer,tags\n{WHO},blue,\n")
    assert await _rows(house) == before
    await _panels(house, "staff,payer,from,until\n")
    assert await house.count("panels") == 0, "the file is all panels"


async def test_d6_a_patient_whom_nobody_has_seen_refuses_the_file_whole_or_is_passed_over(house: House) -> None:
    await _seen(house)
    before = await _rows(house)
    text = f"patient,payer\n{WHO},blue\ndesk:Patient/nobody,blue\n"
    with pytest.raises(DirectoryInvalid, match=r"f\.csv:3: patient: no such patient came with a visit yet"):
        await _take(house, text)
    assert await _rows(house) == before
    assert await _take(house, text, skip_unseen=True) == Taken(1, 0, (3,))


@pytest.mark.parametrize("panelled", ["Ben", "Cleo", None])
async def test_d6_cover_is_asked_of_who_is_panelled_with_the_payer_only(house: House, panelled: str | None) -> None:
    await _seen(house)
    await _take(house, f"patient,payer\n{WHO},blue\n")
    await _panels(house, "staff,payer,from,until\n" + (f"{panelled},blue,2026-01-01,\n" if panelled else ""))
    await _ill(house, "Ana")
    await house.push(visit(2), delivery="d-2")
    await house.work()
    await _asked(house)
    people = await house.owner.fetch("select distinct person_id from care.asks where purpose = 'cover'")
    asked = {row[0] for row in people}
    assert asked == {staff_id(PRACTICE, who) for who in ([panelled] if panelled else ["Ben", "Cleo"])}
