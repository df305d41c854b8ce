"""How often an outside system is called (its manifest's rate)."""

from __future__ import annotations

import asyncio
import time

import pytest

from caredispatch.contract.manifest import load_manifest
from caredispatch.engine.registry import Connected
from caredispatch.store.practices import Wiring
from tests.engine.test_translating import WIRING


async def took(wiring: Wiring, calls: int, *, per_second: int, speed: float) -> float:
    """Seconds by the wall that so many calls at once take, each of which takes none."""
    connected = Connected(wiring, load_manifest("fhir"), None, calls, per_second, lambda: speed)
    begun = time.monotonic()
    await asyncio.gather(*(connected.call(asyncio.sleep(0), None) for _ in range(calls)))
    return time.monotonic() - begun


@pytest.mark.parametrize(("speed", "least", "most"), [(1.0, 0.95, 1.9), (10.0, 0.095, 0.9), (0.0, 0.0, 0.9)])
async def test_e22_the_rate_of_a_system_is_of_business_seconds(speed: float, least: float, most: float) -> None:
    assert least <= await took(WIRING, 6, per_second=3, speed=speed) < most
