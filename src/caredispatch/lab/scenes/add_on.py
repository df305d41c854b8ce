"""An emergency that can't wait (D15): a first visit gives way to it, and is a case of its own from then on."""

from __future__ import annotations

from typing import Any

from caredispatch.lab.cast import SERVICES, SITES, clients, therapist
from caredispatch.lab.entries import as_emergency, ehr_request, river_visit
from caredispatch.lab.scenes.player import HOUR, KEEPS, MINUTE, Player, SceneFailed, presses, replies, seconds

_ASKS = """
select min(k.asked_at) as first, count(*)::int as asked
  from care.doors d join care.asks k using (practice_id, appointment_id)
 where d.practice_id = $1 and d.connection_id = 'ehr' and d.external_id = $2 and k.purpose = 'take_add_on'
"""
_COVER = """
select c.state from care.doors d join care.cases c using (practice_id, appointment_id)
 where d.practice_id = $1 and d.connection_id = 'ehr' and d.external_id = $2 and c.kind = 'cover'
"""


async def add_on_scene(player: Player) -> str:
    """An add-on is taken within minutes; the visit that gave way finds somebody else, and its client agrees."""
    emergency, displaced = clients("acute")[:2]
    sven, tess = therapist("Sven"), therapist("Tess")
    now = await player.conductor.now()
    start_at = now.replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    await player.says(displaced, KEEPS, replies("(another|different|instead|agree)", "Y", 60))
    await player.says(emergency, KEEPS)
    await player.world.script(sven.address, [presses("yes", match="Urgent", after_s=30)])
    await player.world.script(tess.address, [presses("yes", match="Cover", after_s=60)])
    [first_visit] = await player.world.enter(river_visit(displaced, sven, start_at, "intake"))
    await player.until(first_visit, lambda v: v["confirmation"] == "confirmed", 20 * MINUTE, "ehr")
    site, code = SITES[sven.site][3], SERVICES["therapy-50"][2]
    wish = ehr_request(emergency, code, start_at, start_at + HOUR, site=site, who=sven)
    [urgent] = await player.world.enter(as_emergency(wish))
    await player.say(f"The EHR flags an emergency for {sven.handle}, who has a first visit at that time.")
    await _asked(player, urgent)
    visit = await player.until(urgent, lambda v: v["status"] == "booked" and bool(v["landed"]), 20 * MINUTE, "ehr")
    took = seconds(visit["created_at"], await player.conductor.now())
    await player.say(
        f"{sven.handle} takes it: the first visit gives way, and the add-on is booked, {took} s after it came."
    )
    await player.until(first_visit, lambda v: v["cover"] == 3 and bool(v["landed"]), HOUR, "ehr")
    if not any(tess.handle in text for text in await player.texted(displaced.phone, now)):
        raise SceneFailed("the client of the visit that gave way does not know who sees them")
    row = await player.connection.fetchrow(_COVER, player.practice_id, first_visit)
    if row is None or row["state"] != "settled":
        raise SceneFailed(f"the visit that gave way is no case of its own: {row}")
    await player.say(f"The first visit is a case of its own: {tess.handle} covers it, and its client is told so.")
    return "settled"


async def _asked(player: Player, urgent: str) -> Any:
    """Let time go on until somebody was asked to take it, within a minute of its record. Raises SceneFailed."""

    async def look() -> bool:
        row = await player.connection.fetchrow(_ASKS, player.practice_id, urgent)
        return row is not None and row["asked"] > 0

    if not await player.conductor.until(look, 5 * MINUTE):
        raise SceneFailed(f"nobody was asked to take the add-on: {await player.visit(urgent, 'ehr')}")
    row = await player.connection.fetchrow(_ASKS, player.practice_id, urgent)
    visit = await player.visit(urgent, "ehr")
    assert row is not None
    assert visit is not None
    after = seconds(visit["created_at"], row["first"])
    if after >= 60:
        raise SceneFailed(f"the first eligible person was asked only after {after} s")
    await player.say(f"The first eligible person is asked {after} s after it was read.")
