"""Leave is a fact of `practice.yaml`: who is away is in a conflict with what is booked anew and covers nothing (D6)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from ruamel.yaml import YAML

from caredispatch.app.directory_file import DirectoryFile
from caredispatch.app.setting_up import export_text, import_directory
from caredispatch.lab.scenery import MONDAY, SLUG, therapist
from caredispatch.store import practices as db
from tests.engine.house import PRACTICE, House, practice, visit


def _away(house: House, handle: str, begin: date, end: date) -> DirectoryFile:
    people = tuple(therapist(h) for h in ("Ana", "Ben", "Cleo", "Elif", "Finn"))
    parsed: dict[str, Any] = practice(house.world.url, 25, people).model_dump(by_alias=True)
    for part in parsed["staff"]:
        if part["handle"] == handle:
            part["leave"] = [{"from": begin, "to": end}]
    found: DirectoryFile = DirectoryFile.model_validate(parsed)
    return found


async def test_d6_a_booking_of_somebody_on_leave_is_at_risk_and_they_are_not_asked_to_cover(house: House) -> None:
    day = (MONDAY + timedelta(days=2)).date()
    await import_directory(house.owner, house.vault, SLUG, _away(house, "Ana", day, day), house.clock.at)
    await house.registry.refresh()
    await house.push(visit())
    await house.play(seconds=10)
    assert await house.count("cases", "kind = 'cover'") == 1
    asked = await house.owner.fetch("select person_id from care.asks where purpose = 'cover'")
    assert asked
    ana = await house.owner.fetchval("select lost_id from care.cases where kind = 'cover'")
    assert ana not in [row[0] for row in asked]


async def test_leave_is_written_out_as_it_was_read_and_goes_when_the_file_has_it_no_more(house: House) -> None:
    begin, end = date(2027, 3, 12), date(2027, 3, 16)  # over the night on which the clock is put forward
    await import_directory(house.owner, house.vault, SLUG, _away(house, "Ana", begin, end), house.clock.at)
    await house.registry.refresh()
    tenant = house.registry.tenant(PRACTICE)
    leaves = await db.leaves_of(house.owner, PRACTICE)
    written = YAML(typ="safe").load(export_text(tenant.practice, tenant.policy.directory, [], leaves))
    ana = next(part for part in written["staff"] if part["handle"] == "Ana")
    assert ana["leave"] == [{"from": begin, "to": end}]
    again = _away(house, "nobody", begin, end)
    await import_directory(house.owner, house.vault, SLUG, again, house.clock.at)
    assert await db.leaves_of(house.owner, PRACTICE) == []
