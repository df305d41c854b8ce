"""One message lists what an incident asks of one person (E18), on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.app.directory_file import staff_id
from caredispatch.lab.scenery import CLIENTS, MONDAY, therapist
from caredispatch.store.joined import join
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import announce, says

START = MONDAY.replace(hour=17, minute=0)


async def asked_about_three(house: House) -> None:
    """Ana is out this afternoon, with three visits of clients of one care plan."""
    same = [c for c in CLIENTS if c.tag == CLIENTS[0].tag][:3]
    for n, client in enumerate(same, 1):
        start = START + timedelta(hours=n)
        span: dict[str, Any] = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}
        await house.push(visit(n, client=client, **span), delivery=f"d-{n}")
    await house.work()
    await announce(house, "staff_unavailable", START, START + timedelta(hours=6), who="Ana")
    await house.work()


async def _somebody(house: House) -> str:
    """Who was asked about all three."""
    who = await house.owner.fetchval(
        "select person_id from care.asks where purpose = 'cover' group by 1 having count(*) = 3 order by 1 limit 1"
    )
    return next(n for n in ("Ben", "Cleo", "Elif", "Finn") if staff_id(PRACTICE, n) == who)


async def test_e18_one_text_lists_the_three_and_each_is_sent_delivered_and_counted_once(house: House) -> None:
    await asked_about_three(house)
    house.clock.at += timedelta(seconds=15)
    await house.work()
    who = await _somebody(house)
    bodies = [t["body"] for t in await house.texts() if t["to"] == therapist(who).phone]
    [listing] = [b for b in bodies if "over needed" in b]
    assert "3 visits" in listing
    in_order = "1: Mon 11 Jan 12:00 PM; 2: Mon 11 Jan 1:00 PM; 3: Mon 11 Jan 2:00 PM"
    assert in_order in listing
    mine = f"person_id = '{staff_id(PRACTICE, who)}' and purpose = 'cover'"
    assert await house.count("asks", f"{mine} and state = 'sent' and sent_at is not null") == 3
    assert await house.count("deliveries", "state = 'joined'") == 0
    assert await house.owner.fetchval("select n from care.limits where person_id = $1", staff_id(PRACTICE, who)) == 1


async def test_e18_yes_1_3_answers_two_and_leaves_the_second_open(house: House) -> None:
    await asked_about_three(house)
    house.clock.at += timedelta(seconds=15)
    await house.work()
    who = await _somebody(house)
    await says(house, who, "yes 1 3")
    rows = await house.owner.fetch(
        "select number, state from care.asks where person_id = $1 and purpose = 'cover' order by number",
        staff_id(PRACTICE, who),
    )
    assert [(row[0], row[1]) for row in rows] == [(1, "accepted"), (2, "sent"), (3, "accepted")]


async def test_e18_what_is_tried_again_lists_the_same_and_what_was_taken_back_before_it_left_is_not_listed(
    house: House,
) -> None:
    await asked_about_three(house)
    who = staff_id(PRACTICE, await _somebody(house))
    first, second, third = await house.owner.fetch(
        "select delivery_id, ordering_key, contact_id, params ->> 'together' as incident, ask_id from care.deliveries "
        "where params ? 'together' and person_id = $1 order by seq",
        who,
    )
    key = (PRACTICE, first["delivery_id"], first["ordering_key"], first["contact_id"], first["incident"])
    async with house.pools.reveal.acquire() as connection:
        assert len(await join(connection, *key, house.clock.at, resumed=False)) == 3
        await house.owner.execute("update care.asks set state = 'withdrawn' where ask_id = $1", second["ask_id"])
        again = await join(connection, *key, house.clock.at, resumed=True)
        assert len(again) == 3, "its end is not known: it is looked for as it was"
        fresh = await join(connection, *key, house.clock.at, resumed=False)
    assert {one.ask_id for one in fresh} == {first["ask_id"], third["ask_id"]}
