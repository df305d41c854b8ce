"""The outbox (E19-E21): nothing queued is lost, a dead target holds up nobody else, a crash sends nobody twice."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # has no type hints

from caredispatch.core.ids import make_id
from caredispatch.lab.scenery import CLIENTS, SLUG, TWILIO_TOKEN
from caredispatch.store import outbox
from caredispatch.store.inbox import want_fetch
from caredispatch.store.outbox import Outgoing
from caredispatch.store.pools import Connection
from tests.engine.house import PRACTICE, URL, House, visit

_QUEUE = (
    "insert into care.deliveries (practice_id, delivery_id, kind, ordering_key, created_at, params) "
    "values ($1, $2, 'tell', 'contact:x', $3, '{}')"
)
_KEY = (
    "insert into care.delivery_keys (practice_id, ordering_key, target, waiting, ready_at) "
    "values ($1, 'contact:x', 'channel:sms', 1, $2) "
    "on conflict (practice_id, ordering_key) do update set waiting = care.delivery_keys.waiting + 1"
)


async def _queue(house: House, name: str) -> None:
    await house.owner.execute(_QUEUE, PRACTICE, make_id("delivery", name), house.clock.at)
    await house.owner.execute(_KEY, PRACTICE, house.clock.at)


async def _claim(house: House) -> list[outbox.Outgoing]:
    async with house.pools.reveal.acquire() as connection:
        return await outbox.lease(connection, house.clock.at, await outbox.ready_keys(connection, house.clock.at, 10))


async def _end(connection: Connection, outgoing: Outgoing, at: datetime, state: str = "accepted") -> None:
    await outbox.end(connection, [outbox.Ended(outgoing, state, at, at)])


async def test_a_text_queued_while_its_key_is_freed_is_still_sent(house: House) -> None:
    await _queue(house, "first")
    [first] = await _claim(house)
    async with house.pools.reveal.acquire() as connection:
        deciding = house.owner.transaction()
        await deciding.start()
        await _queue(house, "second")  # holds the key's row until its commit
        ending = asyncio.create_task(_end(connection, first, house.clock.at))
        await asyncio.sleep(0.2)
        await deciding.commit()
        await ending
    assert [o.delivery_id for o in await _claim(house)] == [make_id("delivery", "second")]


async def test_a_key_whose_texts_were_withdrawn_sends_the_next_at_once(house: House) -> None:
    await _queue(house, "first")
    await house.owner.execute("update care.deliveries set state = 'withdrawn'")
    assert await _claim(house) == []
    await _queue(house, "second")
    assert [o.delivery_id for o in await _claim(house)] == [make_id("delivery", "second")]


async def test_one_key_sends_in_order_and_one_at_a_time(house: House) -> None:
    await _queue(house, "first")
    await _queue(house, "second")
    [first] = await _claim(house)
    assert first.delivery_id == make_id("delivery", "first")
    assert await _claim(house) == []
    async with house.pools.reveal.acquire() as connection:
        await _end(connection, first, house.clock.at + timedelta(minutes=1), "pending")
    assert await _claim(house) == []
    house.clock.at += timedelta(minutes=1)
    assert [o.delivery_id for o in await _claim(house)] == [first.delivery_id]


async def test_claiming_reads_no_row_queued_behind_a_backed_off_key(house: House) -> None:
    await house.owner.execute(
        "insert into care.deliveries (practice_id, delivery_id, kind, ordering_key, created_at, params) "
        "select $1, gen_random_uuid(), 'tell', 'k' || n % 200, $2, '{}' from generate_series(1, 5000) n",
        PRACTICE,
        house.clock.at,
    )
    await house.owner.execute(
        "insert into care.delivery_keys (practice_id, ordering_key, target, waiting, ready_at) "
        "select $1, 'k' || n, 'channel:sms', 25, $2 from generate_series(0, 199) n",
        PRACTICE,
        house.clock.at + timedelta(minutes=5),
    )
    await house.owner.execute("analyze care.deliveries; analyze care.delivery_keys")
    query = outbox._READY.replace("$1", "now()").replace("$2", "10").replace("$3", "'{}'").replace("$4", "'{}'")
    rows = await house.owner.fetch(f"explain (analyze) {query}")
    plan = "\n".join(row[0] for row in rows)
    assert "delivery_keys_ready" in plan, plan
    assert "deliveries " not in plan, plan


async def test_a_dead_target_holds_up_nobody_else(house: House) -> None:
    await house.world.phone(CLIENTS[0].phone, refuse=True)
    await house.push(visit(1), delivery="d-1")
    await house.push(visit(2, who="t-2", client=CLIENTS[1]), delivery="d-2")
    await house.play(seconds=60)
    assert {text["to"] for text in await house.texts()} >= {CLIENTS[1].phone}


async def test_a_text_whose_sending_broke_off_is_not_sent_again_where_that_can_be_a_repeat(house: House) -> None:
    await house.push(visit())
    await house.engine.noticer.turn()
    await house.engine.decider.turn()
    begun = [o for o in await _claim(house) if o.kind == "tell"]
    assert begun
    await house.owner.execute("update care.deliveries set lease_until = now() - interval '1 second' "
                              "where lease_until is not null")  # fmt: skip
    await house.owner.execute("update care.delivery_keys set lease_until = null")
    again = [o for o in await _claim(house) if o.kind == "tell"]
    assert {o.delivery_id for o in again} == {o.delivery_id for o in begun}
    assert all(o.resumed for o in again)


async def _broken_off(house: House) -> None:
    """As a kill leaves it: every begun sending without its end, the leases run out."""
    await house.owner.execute(
        "update care.deliveries set state = 'pending', ref = null, lease_until = now() - interval '1 second' "
        "where kind = 'tell' and begun_at is not null"
    )
    await house.owner.execute(
        "update care.delivery_keys k set lease_until = null, waiting = (select count(*) from care.deliveries d "
        "where d.practice_id = k.practice_id and d.ordering_key = k.ordering_key and d.state = 'pending')"
    )


async def test_a_text_that_left_before_the_crash_is_found_again_and_not_sent_twice(house: House) -> None:
    await house.push(visit())
    await house.work()
    before = await house.texts()
    assert len(before) == 2
    await _broken_off(house)
    await house.play(seconds=30)
    assert await house.texts() == before
    assert await house.count("deliveries", "kind = 'tell' and state = 'accepted' and ref is not null") == 2


async def test_a_text_that_had_not_left_before_the_crash_is_sent_then(house: House) -> None:
    await house.push(visit())
    await house.engine.noticer.turn()
    await house.engine.decider.turn()
    assert await _claim(house)
    await _broken_off(house)
    await house.play(seconds=30)
    assert len(await house.texts()) == 2


async def test_a_system_that_does_not_answer_holds_up_neither_inbox_nor_outbox(house: House) -> None:
    await house.world.fault("acuity", {"delay_ms": 3000}, times=50)
    for number in range(1, 41):  # far more than may be under way to one system
        async with house.pools.intake.acquire() as connection:
            await want_fetch(connection, PRACTICE, make_id("n", number), "acuity", str(number), house.clock.at)
    await house.push(visit())
    engine = house.engine
    for _ in range(8):
        await engine.noticer.turn()
        await engine.decider.turn()
        await engine.deliverer.turn()
        await engine.deliverer.in_hand.settled()
    assert len(await house.texts()) == 2
    waiting = house.registry.connected(PRACTICE, "acuity").manifest.concurrency
    assert len(engine.noticer.in_hand) == waiting
    assert await house.count("notices", "state = 'pending' and lease_until is not null") == waiting
    await house.world.clear_faults()
    await engine.settled()


async def test_a_text_without_an_answer_is_looked_for_and_not_sent_twice(house: House) -> None:
    await house.world.fault("twilio", "drop", times=2, method="POST")
    await house.push(visit())
    await house.play(seconds=60)
    assert len(await house.texts()) == 2
    assert await house.count("deliveries", "kind = 'tell' and state = 'accepted' and ref is not null") == 2


async def test_what_must_wait_for_the_morning_lets_what_may_go_first(house: House) -> None:
    morning = house.clock.at + timedelta(hours=8)
    await _queue(house, "news at night")
    await house.owner.execute("update care.deliveries set not_before = $1", morning)
    assert await _claim(house) == []
    assert await house.owner.fetchval("select ready_at from care.delivery_keys") == morning
    assert await _claim(house) == []
    await _queue(house, "an answer to their own words")
    await house.owner.execute("update care.delivery_keys set ready_at = $1", house.clock.at)
    [first] = await _claim(house)
    assert first.delivery_id == make_id("delivery", "an answer to their own words")
    async with house.pools.reveal.acquire() as connection:
        await _end(connection, first, house.clock.at)
    assert await _claim(house) == []
    assert await house.owner.fetchval("select ready_at from care.delivery_keys") == morning
    house.clock.at = morning
    assert [o.delivery_id for o in await _claim(house)] == [make_id("delivery", "news at night")]


async def test_a_report_that_is_faster_than_our_own_commit_is_not_lost(house: House) -> None:
    await house.push(visit())
    await house.work()
    ref = await house.owner.fetchval("select ref from care.deliveries where kind = 'tell' limit 1")
    await house.owner.execute("update care.deliveries set ref = null where ref = $1", ref)
    form = {"MessageSid": ref, "SmsSid": ref, "MessageStatus": "delivered", "SmsStatus": "delivered"}
    url = f"{URL}/hooks/{SLUG}/sms"
    signed = RequestValidator(TWILIO_TOKEN).compute_signature(url, form)
    answer = await house.http.post(f"/hooks/{SLUG}/sms", data=form, headers={"x-twilio-signature": signed})
    assert answer.status_code == 200
    await house.work()
    await house.owner.execute("update care.deliveries set ref = $1 where kind = 'tell' and ref is null", ref)
    assert await house.count("deliveries", "state = 'delivered'") == 0
    await house.play(seconds=5)
    assert await house.count("deliveries", f"state = 'delivered' and ref = '{ref}'") == 1
