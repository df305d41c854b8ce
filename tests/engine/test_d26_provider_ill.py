"""A provider who is ill for a day (D26, E18), on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.app.directory_file import staff_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, therapist
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import announce, says

ELEVEN = MONDAY.replace(hour=16, minute=0)


def seventh(number: int, **more: Any) -> dict[str, Any]:
    """One of seven visits of Ana's today, one at every hour from eleven in Chicago."""
    start = ELEVEN + timedelta(hours=number)
    end = start + timedelta(minutes=50)
    return visit(number, client=CLIENTS[number], start_at=start.isoformat(), end_at=end.isoformat(), **more)


async def seven_visits(house: House) -> None:
    for number in range(1, 8):
        await house.push(seventh(number), delivery=f"d-{number}")
    house.clock.at += timedelta(seconds=20)
    await house.work()
    assert await house.count("cases", "kind = 'cover'") == 0


async def test_d26_out_by_text_is_echoed_confirmed_and_every_visit_seeks_cover(house: House) -> None:
    await seven_visits(house)
    await says(house, "Ana", "out Wednesday maybe?")
    assert await house.count("incidents") == 0
    await says(house, "Ana", "out today")
    assert await house.count("incidents", "state = 'proposed'") == 1
    house.clock.at += timedelta(seconds=10)
    await house.work()
    echo = [t for t in await house.texts() if t["to"] == therapist("Ana").phone][-1]
    assert "11:00 AM, 12:00 PM, 1:00 PM" in echo["body"]
    assert await house.count("cases", "kind = 'cover'") == 0
    await says(house, "Ana", "Y")
    assert await house.count("incidents", "state = 'confirmed'") == 1
    assert await house.count("cases", "kind = 'cover' and incident_id is not null") == 7
    assert await house.count("busy_blocks", "kind = 'leave'") == 1
    asked = await house.owner.fetch("select distinct person_id from care.asks where purpose = 'cover'")
    assert staff_id(PRACTICE, "Ana") not in [row[0] for row in asked]


async def test_d26_nobody_confirms_and_a_person_has_it_at_the_acknowledge_time(house: House) -> None:
    await seven_visits(house)
    await says(house, "Ana", "out")
    house.clock.at += timedelta(minutes=16)
    await house.work()
    assert [detail["visits"] for kind, detail in await house.exceptions() if kind == "staff_notice"] == ["7"]
    await says(house, "Ana", "no")
    assert await house.count("incidents", "state = 'dropped'") == 1
    assert await house.count("exceptions", "kind = 'staff_notice' and state <> 'resolved'") == 0


async def test_d36_the_first_of_the_seven_is_asked_about_within_a_minute_and_every_visit_has_its_case(
    house: House,
) -> None:
    await seven_visits(house)
    since = house.clock.at
    await announce(house, "staff_unavailable", since, since + timedelta(hours=12), who="Ana")
    house.clock.at += timedelta(seconds=15)
    await house.work()
    assert await house.count("cases", "kind = 'cover' and state in ('open', 'handed')") == 7
    first = await house.owner.fetchval("select min(sent_at) from care.asks where purpose = 'cover'")
    assert first - since <= timedelta(minutes=1)
