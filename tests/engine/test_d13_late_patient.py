"""A patient texts that they are late (D13), on a real PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.lab.scenery import CLIENTS, therapist
from tests.engine.house import House, visit
from tests.engine.incidents import says


async def test_d13_late_patient_who_texts_so_the_provider_hears_it_and_nobody_reads_the_text(house: House) -> None:
    start = house.clock.at + timedelta(hours=1)
    soon = {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}
    await house.push({**visit(), **soon})
    await house.play(seconds=10)
    await says(house, CLIENTS[0].phone, "running 10 min late")
    await house.play(seconds=10)
    assert await house.count("appointments", "late_minutes = 10") == 1
    bodies = [t["body"] for t in await house.texts() if t["to"] == therapist("Ana").phone]
    assert "about 10 min late" in bodies[-1]
    assert "free_text" not in [kind for kind, _ in await house.exceptions()]
