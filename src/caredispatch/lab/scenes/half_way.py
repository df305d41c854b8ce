"""A practice is half-way into its roll-out: the first stage is live, the others are off; nothing is dropped (D29)."""

from __future__ import annotations

from caredispatch.lab.cast import clients, therapist
from caredispatch.lab.entries import booking, ehr_busy
from caredispatch.lab.scenery import half_way, playbook_text
from caredispatch.lab.scenes.player import KEEPS, MINUTE, Player, SceneFailed, settled


async def half_way_scene(player: Player) -> str:
    """Stage 1 is live, the others are off: a conflict still reaches the coordinator."""
    version = await player.publish(half_way(playbook_text()))
    try:
        return await _half_way(player, version)
    finally:
        await player.publish(playbook_text())


async def _half_way(player: Player, version: int) -> str:
    sure, other = clients("anxiety")
    who = therapist("Colm")
    await player.says(sure, KEEPS)
    await player.says(other, KEEPS)
    first = await player.world.book(booking(sure, who, await player.morning(days=2, hour=20)))
    await player.until(first, settled, 30 * MINUTE)
    await player.say("Only booking confirmation is live: a visit is told, confirmed and written back.")
    start_at = await player.morning(days=2, hour=21)
    await player.world.enter(ehr_busy(who, start_at))
    booked = await player.world.book(booking(other, who, start_at))
    await player.say(f"Another client books {who.handle}, who is elsewhere then by the EHR.")
    visit = await player.until(booked, lambda v: "stage_not_live" in v["exceptions"], 10 * MINUTE)
    if visit["first_ask"] is not None:
        raise SceneFailed(f"somebody was asked to cover, although playbook {version} has that stage off")
    await player.say("Nobody is asked to cover; the conflict stands before the coordinator at once, marked as by hand.")
    return "exception"
