"""An import puts 5,000 appointments into the EHR: nobody gets a text, one exception says so (D8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from caredispatch.lab.cast import THERAPISTS
from caredispatch.lab.entries import river_visit
from caredispatch.lab.scenes.player import MINUTE, Player, SceneFailed

VISITS, PATIENTS = 5_000, 250
HOURS_A_DAY = 8
NUMBERS = "+1555017"
_WAITING = "select count(*) from care.appointments where practice_id = $1 and held_triggers <> '{}'"
_CASES = (
    "select count(*) from care.cases join care.appointments a using (practice_id, appointment_id) "
    "where practice_id = $1 and a.held_triggers <> '{}'"
)
_DELIVERIES = (
    "select count(*) from care.deliveries join care.appointments a using (practice_id, appointment_id) "
    "where practice_id = $1 and a.held_triggers <> '{}'"
)
_VOLUME = "select count(*) from care.exceptions where practice_id = $1 and kind = 'volume' and state <> 'resolved'"


async def flood_scene(player: Player) -> str:
    """An import puts 5,000 appointments into the EHR: nobody gets a text."""
    await player.wait(11 * MINUTE)  # what was entered before is no part of this flood
    first = await player.morning(days=42, hour=15)
    await player.world.enter(*_patients(), *_visits(first))
    await player.say(f"An import puts {VISITS:,} appointments of {PATIENTS:,} patients into the EHR.")
    await player.counted(_WAITING, wanted=VISITS, most=20 * MINUTE)
    if await player.count(_VOLUME) != 1 or await player.count(_CASES):
        raise SceneFailed(
            f"{await player.count(_VOLUME)} exceptions for the volume, {await player.count(_CASES)} cases"
        )
    await player.say(
        "All of them are on record; not one has sent or asked anything. One exception: release or discard?"
    )
    texts = [t for t in await player.world.log() if t["kind"] == "text" and t["to"].startswith(NUMBERS)]
    if texts or await player.count(_DELIVERIES):
        raise SceneFailed(f"{len(texts)} texts left, {await player.count(_DELIVERIES)} deliveries are on their way")
    await player.say("Neither patients nor therapists got a text.")
    return "exception"


def _patients() -> list[dict[str, Any]]:
    return [
        {
            "resourceType": "Patient",
            "id": f"imported-{n:04d}",
            "name": [{"given": [f"Imported{n:04d}"], "family": "Madeupperson"}],
            "telecom": [{"system": "phone", "value": f"{NUMBERS}{n:04d}"}],
        }
        for n in range(PATIENTS)
    ]


class _Imported:
    def __init__(self, number: int) -> None:
        self.fhir_id = f"imported-{number:04d}"


def _visits(first: datetime) -> list[dict[str, Any]]:
    """Everybody's hours are filled, day by day; nobody is in two visits at once."""
    made = []
    for n in range(VISITS):
        slot, who = divmod(n, len(THERAPISTS))
        day, hour = divmod(slot, HOURS_A_DAY)
        start_at = first + timedelta(days=day + day // 5 * 2, hours=hour)
        visit = river_visit(_Imported(n % PATIENTS), THERAPISTS[who], start_at)
        made.append({**visit, "id": f"import-{n:04d}"})
    return made
