"""A booking becomes a told provider, a confirmed patient and two landed copies."""

from __future__ import annotations

from caredispatch.lab.cast import CLIENTS, therapist
from caredispatch.lab.entries import booking
from caredispatch.lab.scenes.player import MINUTE, Player, replies, seconds, settled


async def booking_scene(player: Player) -> str:
    """A booking becomes a told provider, a confirmed patient and two landed copies."""
    client, who = CLIENTS[0], therapist("Ana")
    start_at = await player.morning(days=2, hour=16)
    await player.says(client, replies("reply Y", "Y", 25))
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} on the booking page (Acuity #{booked}); the webhook carries only ids."
    )
    told = await player.until(booked, lambda v: v["provider_told"] is not None, 5 * MINUTE)
    await player.say(
        f"Detail fetched, the EHR's calendar is free, {who.handle} is told; "
        f"delivered {seconds(told['created_at'], told['provider_told'])} s after the notice."
    )
    visit = await player.until(booked, settled, 10 * MINUTE)
    await player.say(
        f"The client's text arrived {seconds(visit['created_at'], visit['patient_told'])} s after the booking; "
        "they answered Y after 25 s. EHR and booking system were written and read back: landed."
    )
    return "settled"
