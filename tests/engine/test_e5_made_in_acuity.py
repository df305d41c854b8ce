"""E5, E21: a visit that Acuity lacks is made there once, carries our id and stays one visit, also where the answer to
its making is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from caredispatch.store.server import EmbeddedServer
from tests.engine import house as houses
from tests.engine.house import House, house_on, visit


@pytest_asyncio.fixture
async def making(pg: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """A house whose desk pushes visits that are made in Acuity too."""
    usual = houses.practice

    def practice(*args: Any, **desk: Any) -> Any:
        parsed = usual(*args, **desk).model_dump(by_alias=True)
        parsed["connections"]["acuity"]["creates"] = True
        return type(usual(*args, **desk)).model_validate(parsed)

    monkeypatch.setattr(houses, "practice", practice)
    async with house_on(pg, "house_making") as house:
        yield house


async def _in_acuity(house: House) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await house.world.state())["acuity"]["appointments"]
    return rows


@pytest.mark.parametrize("lost", [False, True])
async def test_e5_a_visit_made_in_acuity_is_one_visit_and_lands_though_the_answer_is_lost(
    making: House, lost: bool
) -> None:
    if lost:
        await making.world.fault("acuity", "drop", method="POST", path_regex="/appointments")
    assert (await making.push(visit())).status_code < 300
    await making.play(minutes=3)
    [made] = await _in_acuity(making)
    ours = str(await making.owner.fetchval("select appointment_id from care.appointments"))
    assert f"caredispatch: {ours}" in made["notes"].splitlines()
    assert await making.count("appointments") == 1
    assert await making.count("links", "connection_id = 'acuity' and state = 'landed'") == 1
    assert await making.exceptions() == []
    log = await making.world.log()
    assert (
        len([e for e in log if e["kind"] == "request" and (e["method"], e["path"][-13:]) == ("POST", "/appointments")])
        == 1
    )
    assert not [e for e in log if e["kind"] == "vendor_mail"]
