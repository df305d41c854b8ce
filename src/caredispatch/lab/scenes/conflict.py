"""The EHR has the provider elsewhere: cover is found, and the patient agrees or does not."""

from __future__ import annotations

from caredispatch.lab.cast import CLIENTS, Client, therapist
from caredispatch.lab.entries import booking, ehr_busy
from caredispatch.lab.scenes.player import KEEPS, MINUTE, Player, Visit, presses, replies, seconds, settled


async def _conflict(player: Player, client: Client, days: int, answer: str) -> tuple[int, Visit]:
    who = therapist("Ben")
    start_at = await player.morning(days=days, hour=17)
    await player.world.act("fhir", "create", ehr_busy(who, start_at))
    await player.says(client, replies("(another|different|instead|otro|otra|agree)", answer), KEEPS)
    for handle in ("Ana", "Cleo", "Elif"):
        await player.world.script(therapist(handle).address, [presses("yes", times=1)])
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} (Acuity #{booked}), but the EHR already has {who.handle} elsewhere at that time."
    )
    visit = await player.until(booked, lambda v: v["first_ask"] is not None, 4 * MINUTE)
    after = seconds(visit["created_at"], visit["first_ask"])
    await player.say(f"At risk; the next provider who knows the care plan is asked {after} s after the booking.")
    return booked, await player.until(booked, lambda v: v["agreeing"] is not None, 30 * MINUTE)


async def conflict_scene(player: Player) -> str:
    """A conflict finds cover, and the patient agrees."""
    booked, _ = await _conflict(player, CLIENTS[1], 2, "Y")
    await player.say("A colleague accepts on the phone page; held for the client, who is asked to agree to the change.")
    await player.until(booked, settled, 60 * MINUTE)
    await player.say("The client agrees: settled, the others are released, calendar and EHR are written and read back.")
    return "settled"


async def conflict_refused_scene(player: Player) -> str:
    """A conflict finds cover, but the patient wants their own provider."""
    booked, _ = await _conflict(player, CLIENTS[2], 3, "N")
    await player.say("A colleague accepts; the client is asked to agree to the change.")
    await player.until(booked, lambda v: "patient_declined" in v["exceptions"], 60 * MINUTE)
    await player.say(
        "The client says no: the colleague is released, nobody else is asked, a person gets it with the reason."
    )
    return "exception"
