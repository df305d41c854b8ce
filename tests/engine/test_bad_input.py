"""What comes in wrong: refused and not kept, or kept and put before a human with the reason (issue 3, "Bad input")."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.store import inbox
from tests.engine.house import PRACTICE, House, visit


async def test_a_wrong_signature_is_401_and_nothing_is_kept(house: House) -> None:
    answer = await house.push(visit(), secret="YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlciE=")
    assert answer.status_code == 401
    assert await house.count("notices") == 0


async def test_a_stale_timestamp_is_401_and_nothing_is_kept(house: House) -> None:
    answer = await house.push(visit(), age=timedelta(minutes=6))
    assert answer.status_code == 401
    assert await house.count("notices") == 0


async def test_a_body_over_the_limit_is_413(house: House) -> None:
    answer = await house.push(b"x" * 262_145)
    assert answer.status_code == 413
    assert await house.count("notices") == 0


async def test_signed_but_malformed_is_kept_and_put_before_a_human(house: House) -> None:
    answer = await house.push(b'{"type": "appointment.seen", "data": {}}')
    assert answer.status_code == 200
    await house.work()
    [(kind, detail)] = await house.exceptions()
    assert kind == "not_understood"
    assert "external_id" in detail["reason"]
    async with house.pools.reveal.acquire() as connection:
        kept = await house.vault.get_payloads(connection, PRACTICE, [detail["notice"]])
    assert kept[detail["notice"]].endswith(b'{"type": "appointment.seen", "data": {}}')


async def test_a_repeated_delivery_is_200_and_acted_upon_once(house: House) -> None:
    for _ in range(3):
        assert (await house.push(visit())).status_code == 200
    await house.work()
    assert (await house.push(visit())).status_code == 200
    await house.work()
    assert await house.count("notices") == 1
    assert await house.count("journal", "kind = 'appointment_seen'") == 1


async def test_an_unknown_calendar_is_an_exception_that_names_the_mapping(house: House) -> None:
    assert (await house.push(visit(who="t-99"))).status_code == 200
    await house.work()
    assert any("actor.provider=t-99" in str(detail) for _, detail in await house.exceptions())


async def test_back_pressure_is_503_before_anything_is_kept(house: House) -> None:
    house.engine.receiver.oldest = {PRACTICE: house.clock.at - timedelta(seconds=61)}
    answer = await house.push(visit())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert await house.count("notices") == 0


async def test_an_unknown_hook_is_404(house: House) -> None:
    assert (await house.http.post("/hooks/river/nobody", content=b"")).status_code == 404


async def test_what_is_understood_but_not_yet_decided_counts_for_back_pressure(house: House) -> None:
    await house.push(visit())
    await house.engine.noticer.turn()
    async with house.pools.intake.acquire() as connection:
        assert await inbox.oldest_undecided(connection) == {PRACTICE: house.clock.at}
    await house.work()
    async with house.pools.intake.acquire() as connection:
        assert await inbox.oldest_undecided(connection) == {}
