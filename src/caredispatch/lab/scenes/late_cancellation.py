"""Three clients cancel at short notice (D19): one hour is held and filled from the waitlist, one a stranger gets in
mid-offer (D11), and one nobody takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from caredispatch.lab.cast import Client, clients, therapist
from caredispatch.lab.entries import booking, river_visit
from caredispatch.lab.scenes.player import KEEPS, MINUTE, Player, SceneFailed, replies, seconds
from caredispatch.lab.world.client import WorldRefused

SLEEP = {client.given: client for client in clients("sleep")}
QUINN = therapist("Quinn")
OFFER = "earlier time"
_SLOT = """
select a.appointment_id, a.status, a.confirmation, c.state, c.outcome, c.opened_at,
       (select count(*)::int from care.asks k where k.case_id = c.case_id and k.delivered_at is not null) as offered,
       (select min(k.asked_at) from care.asks k where k.case_id = c.case_id) as first_offer,
       (select e.owner from care.exceptions e
         where e.case_id = c.case_id and e.kind = 'slot_unfilled' and e.state <> 'resolved') as owner,
       (select bool_and(l.state = 'landed') from care.links l where l.appointment_id = a.appointment_id) as landed,
       (select w.status from care.appointments w where w.appointment_id = a.rescheduled_from) as entry
  from care.cases c join care.appointments a using (practice_id, appointment_id)
 where c.practice_id = $1 and c.kind = 'fill' and a.start_at = $2
"""
Slot = dict[str, Any]


async def late_cancellation_scene(player: Player) -> str:
    """One hour is filled, one taken by a stranger, and one is before the practice manager after 20 minutes."""
    filled, contested = [await player.morning(days=1, hour=hour) for hour in (14, 15)]
    unwanted = await player.morning(days=0, hour=23)
    hours = zip(("Anise", "Chervil", "Lemongrass"), (filled, contested, unwanted), strict=True)
    booked = [await _booked(player, SLEEP[given], at) for given, at in hours]
    for number in booked:
        await player.until(number, lambda v: v["confirmation"] == "confirmed", 10 * MINUTE)
    await player.says(SLEEP["Caraway"], replies(OFFER, "Y", 90))
    await player.says(SLEEP["Cicely"], replies(OFFER, "yes please", 400))
    for number in booked:
        await player.world.act("acuity", "cancel", {"id": number})
    await player.say(
        f"Three clients cancel: two hours of {QUINN.handle}'s tomorrow, one of today. A cancellation settles first."
    )
    await _filled_from_the_waitlist(player, filled)
    await _taken_by_a_stranger(player, contested)
    await _nobody_takes_it(player, unwanted)
    return "settled"


async def _booked(player: Player, client: Client, at: datetime) -> int:
    await player.says(client, KEEPS)
    return await player.world.book(booking(client, QUINN, at))


async def _filled_from_the_waitlist(player: Player, at: datetime) -> None:
    since = await player.conductor.now()
    slot = await _until(player, at, lambda s: s["offered"] == 2)
    blocks = (await player.world.state())["acuity"]["blocks"]
    if not any(b["calendarID"] == QUINN.calendar and datetime.fromisoformat(b["start"]) == at for b in blocks):
        raise SceneFailed(f"no block holds the hour in the booking system: {blocks}")
    await _not_for_sale(player, at)
    after = seconds(since, slot["first_offer"])
    await player.say(f"{after} s after the cancellation the two who wait longest are offered the first hour.")
    await player.say("It is held: a stranger on the booking page can't have it meanwhile.")
    await _until(player, at, lambda s: s["status"] == "booked" and bool(s["landed"]) and s["entry"] == "cancelled")
    if not await _says(player, SLEEP["Borage"], since, "sorry") or not await _says(
        player, SLEEP["Caraway"], since, "you are booked"
    ):
        raise SceneFailed("who was offered the hour did not hear what became of it")
    await _not_for_sale(player, at)
    await player.say("The second says yes and has it; the first hears that it is gone. Booked, and landed in the EHR.")
    await player.say("The booking page, which has no copy of that visit, still does not sell the hour.")


async def _not_for_sale(player: Player, at: datetime) -> None:
    """A stranger tries to book the hour. Raises SceneFailed where the booking page sells it."""
    try:
        await player.world.book(booking(SLEEP["Coriander"], QUINN, at))
    except WorldRefused:
        return
    raise SceneFailed("the booking page sold an hour that is held or taken")


async def _taken_by_a_stranger(player: Player, at: datetime) -> None:
    since = await player.conductor.now()
    await player.says(SLEEP["Coriander"], KEEPS)
    made = await player.world.enter(river_visit(SLEEP["Coriander"], QUINN, at))
    await player.say("A clerk enters somebody else into the EHR at the second hour, while it is offered.")
    await player.until(made[0], lambda v: v["cover"] == 3 and v["confirmation"] == "confirmed", 20 * MINUTE, "ehr")
    slot = await _until(player, at, lambda s: s["outcome"] == "taken_elsewhere")
    if slot["status"] != "cancelled" or not await _says(player, SLEEP["Cicely"], since, "sorry"):
        raise SceneFailed(f"who was offered the hour was not told that it is gone; it stands at {slot}")
    await player.say("What is booked beats what is held: the offer is withdrawn with an apology.")


async def _nobody_takes_it(player: Player, at: datetime) -> None:
    slot = await _until(player, at, lambda s: s["owner"] is not None)
    after = (await player.conductor.now() - slot["first_offer"]) / MINUTE
    if slot["owner"] != "practice_manager" or after > 21:
        raise SceneFailed(f"after {after:.0f} min the hour that nobody takes is before {slot['owner']}")
    await player.say(f"Nobody answers about the third hour: {after:.0f} min later it is before the practice manager.")


async def _until(player: Player, at: datetime, done: Any) -> Slot:
    """Let time go on until the free time at an instant is as wanted. Raises SceneFailed."""

    async def look() -> bool:
        row = await player.connection.fetchrow(_SLOT, player.practice_id, at)
        return row is not None and bool(done(dict(row)))

    reached = await player.conductor.until(look, 30 * MINUTE)
    row = await player.connection.fetchrow(_SLOT, player.practice_id, at)
    if not reached or row is None:
        raise SceneFailed(f"the free time at {at} stood at {dict(row) if row else None}")
    return dict(row)


async def _says(player: Player, client: Client, since: datetime, words: str) -> bool:
    return any(words in body for body in await player.texted(client.phone, since))
