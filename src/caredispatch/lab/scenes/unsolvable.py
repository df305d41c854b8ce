"""Nobody can: the patient hears in time, a person resolves it on the page."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.lab.cast import CLIENTS, therapist
from caredispatch.lab.entries import booking, ehr_busy
from caredispatch.lab.scenes.player import MINUTE, Player


async def unsolvable_scene(player: Player) -> str:
    """Nobody can: the patient hears in time, a person resolves it on the page."""
    client, who = CLIENTS[3], therapist("Dev")
    now = await player.conductor.now()
    start_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    await player.world.act("fhir", "create", ehr_busy(who, start_at))
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} for this afternoon (Acuity #{booked}); the EHR has a conflict, and nobody "
        f"else knows EMDR."
    )
    visit = await player.until(booked, lambda v: "nobody_found" in v["exceptions"], 10 * MINUTE)
    await player.say("Nobody is eligible: it stands in the exception queue with every reason.")
    visit = await player.until(booked, lambda v: bool(v["tell_by_done"]), timedelta(hours=6))
    left = (visit["start_at"] - await player.conductor.now()) / MINUTE
    await player.say(f"{left:.0f} min before the start the client hears the truth by text.")
    await player.browser.act(f"/?e={visit['exception_id']}", "cancel", reason="nobody with EMDR training is free")
    await player.say("Dana cancels the visit on the page.")
    await player.until_booking(booked, lambda b: bool(b["canceled"]), 10 * MINUTE)
    await player.until(
        booked, lambda v: v["status"] == "cancelled" and bool(v["landed"]) and not v["exceptions"], 10 * MINUTE
    )
    await player.say("The cancellation is written back and read back; a call to rebook stands on the call list.")
    return "exception"
