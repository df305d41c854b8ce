"""One bad item never stops its batch (E13); what the database refuses costs one item (E7)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from caredispatch.core import decide as core
from caredispatch.core.ids import make_id
from caredispatch.core.observation import AppointmentSeen
from caredispatch.engine import deciding
from tests.engine.house import PRACTICE, House, visit


async def _until_decided(house: House) -> None:
    for _ in range(8):
        await house.work()


async def test_an_unreadable_observation_is_parked_and_its_batch_goes_on(house: House) -> None:
    await house.owner.execute(
        "insert into care.observations (practice_id, subject_id, kind, body, observed_at) values ($1, $2, 'x', $3, $4)",
        PRACTICE,
        make_id("nobody"),
        {"kind": "no such kind"},
        house.clock.at,
    )
    await house.push(visit())
    await _until_decided(house)
    assert await house.count("observations", "state = 'parked'") == 1
    assert await house.count("appointments") == 1
    assert [kind for kind, _ in await house.exceptions()] == ["poison"]


async def test_an_observation_that_fails_three_times_is_parked_alone(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def explode(state: Any, facts: Any, event: Any, policy: Any, now: Any) -> Any:
        if isinstance(event, AppointmentSeen) and event.external_id == "X-2":
            tries.append(event)
            raise RuntimeError("made to fail")
        return core.decide(state, facts, event, policy, now)

    monkeypatch.setattr(deciding, "decide", explode)
    for number in (1, 2, 3):
        await house.push(visit(number), delivery=f"d-{number}")
    await _until_decided(house)
    assert await house.count("appointments") == 2
    assert await house.count("observations", "state = 'parked'") == 1
    assert "poison" in [kind for kind, _ in await house.exceptions()]
    assert 3 <= len(tries) <= 6  # each counted try may follow one in company


async def test_what_falls_due_and_fails_is_looked_at_later_and_seen_by_a_human(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.push(visit())
    await house.work()
    await house.owner.execute("update care.appointments set next_look_at = $1", house.clock.at)

    def explode(state: Any, facts: Any, event: Any, policy: Any, now: Any) -> Any:
        if event.kind == "due" and state.appointment is not None:
            raise RuntimeError("made to fail")
        return core.decide(state, facts, event, policy, now)

    monkeypatch.setattr(deciding, "decide", explode)
    await house.work()
    await house.work()
    later = await house.owner.fetchval("select min(next_look_at) from care.appointments")
    assert later > house.clock.at
    assert "poison" in [kind for kind, _ in await house.exceptions()]


async def test_several_engines_decide_each_observation_once(house: House) -> None:
    for number in range(1, 25):
        await house.push(visit(number), delivery=f"d-{number}")
        await house.push(visit(number, version=2), delivery=f"e-{number}")
    engines = [house.engine, house.second(), house.second()]
    await asyncio.gather(*(house.work(engine) for engine in engines))
    await house.work()
    assert await house.count("observations", "state <> 'done'") == 0
    rows = await house.owner.fetch(
        "select o.observation_id, o.subject_id, (o.body ->> 'order')::int from care.observations o "
        "where kind = 'appointment_seen'"
    )
    journal = await house.count("journal", "kind = 'appointment_seen'")
    assert journal == len(rows) == 48
    assert await house.count("links", "seen_order <> 2") == 0
