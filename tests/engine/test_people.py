"""Whose number is whose, and by whose clock they are told (D5, D21)."""

from __future__ import annotations

from typing import Any

from caredispatch.app.directory_file import DirectoryFile, staff_id
from caredispatch.app.setting_up import import_directory
from caredispatch.lab.scenery import CLIENTS, SLUG
from caredispatch.store.contacts import who_is
from tests.engine.house import PRACTICE, House, practice, visit


def _practice(**ana: Any) -> DirectoryFile:
    parsed = practice("http://127.0.0.1:9", 25, ()).model_dump(by_alias=True)
    for part in parsed["staff"]:
        if part["handle"] == "Ana":
            part.update(ana)
    found: DirectoryFile = DirectoryFile.model_validate(parsed)
    return found


async def _numbers(house: House, person_id: str) -> list[str]:
    rows = await house.owner.fetch(
        "select c.channel from care.contact_people l join care.contacts c using (practice_id, contact_id) "
        "where l.person_id = $1 order by 1",
        person_id,
    )
    return [row[0] for row in rows]


async def test_d5_a_staff_members_new_number_takes_the_place_of_the_old(house: House) -> None:
    old, new = "+15550130001", "+15550130099"
    await import_directory(house.owner, house.vault, SLUG, _practice(phone=new), house.clock.at)
    assert await _numbers(house, staff_id(PRACTICE, "Ana")) == ["sms"]
    assert await who_is(house.owner, house.vault, PRACTICE, "sms", old) == []
    [(_, person)] = await who_is(house.owner, house.vault, PRACTICE, "sms", new)
    assert person == staff_id(PRACTICE, "Ana")
    await import_directory(house.owner, house.vault, SLUG, _practice(phone=None), house.clock.at)
    assert await _numbers(house, staff_id(PRACTICE, "Ana")) == ["sms"], "what a file does not say stays"


async def test_d5_of_a_patients_numbers_the_newest_is_used_first(house: House) -> None:
    await house.push(visit())
    await house.work()
    patient = {"external_id": CLIENTS[0].fhir_id, "given": CLIENTS[0].given, "family": CLIENTS[0].family}
    house.clock.at = house.clock.at.replace(minute=59)
    await house.push(visit(2, patient={**patient, "phone": "+15550149999"}), delivery="d-2")
    await house.work()
    texts = [text["to"] for text in await house.texts() if text["to"] != "+15550130001"]
    assert texts == [CLIENTS[0].phone, "+15550149999"]


async def test_d21_everybody_is_told_by_the_clock_of_their_site(house: House) -> None:
    zones = await house.owner.fetch(
        "select distinct c.time_zone from care.contact_people l join care.contacts c using (practice_id, contact_id) "
        "where l.person_kind = 'staff' order by 1"
    )
    assert [row[0] for row in zones] == ["America/Chicago", "America/New_York"]
