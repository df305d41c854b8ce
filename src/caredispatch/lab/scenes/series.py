"""A therapist leaves at the month's end: one plan over all later visits, and each client agrees once for a whole series
(D3)."""

from __future__ import annotations

from datetime import datetime

from caredispatch.app.directory_file import staff_id
from caredispatch.lab.cast import clients, therapist
from caredispatch.lab.scenes.player import HOUR, MINUTE, Player, SceneFailed, replies

LEAVES, FOLLOWS = therapist("Vera"), therapist("Wim")
CLIENTS = clients("schema")
ENDS = datetime.fromisoformat("2027-02-01T00:00:00-05:00")
"""The month's end where they work."""
_OF = """
  from care.participants p join care.appointments a using (practice_id, appointment_id)
 where practice_id = $1 and p.role = 'provider' and p.actor_id = $2 and a.series_id is not null
"""
_LATER = f"select count(*) {_OF} and a.start_at >= $3"
_SETTLED = f"{_LATER} and p.coverage = 'confirmed'"
_EARLIER = f"select count(*) {_OF} and a.start_at < $3"
_SERIES = f"select count(distinct a.series_id) {_OF} and a.start_at >= $3"
_LANDED = f"""
select count(*) from care.links l where l.state = 'landed' and l.connection_id = 'ehr'
   and l.appointment_id in (select a.appointment_id {_OF} and a.start_at >= $3)
"""  # noqa: S608 our own words


async def series_scene(player: Player) -> str:
    """A therapist leaves at the month's end; whoever follows is agreed upon once per series."""
    begun = await player.by_day()
    leaves, follows = (staff_id(player.practice_id, each.handle) for each in (LEAVES, FOLLOWS))
    await player.counted(_SERIES, leaves, ENDS, wanted=len(CLIENTS), most=10 * MINUTE)
    later, earlier = await player.count(_LATER, leaves, ENDS), await player.count(_EARLIER, leaves, ENDS)
    if later <= len(CLIENTS) or not earlier:
        raise SceneFailed(f"{LEAVES.handle} has {earlier} visits before that day and {later} after it")
    await player.world.script(FOLLOWS.address, [replies("with the numbers", "Y all", 90)])
    for client in CLIENTS:
        await player.says(client, replies("another provider", "Y", 60))
    await player.browser.announce("staff_leaving", staff_id=leaves, start=f"{ENDS:%Y-%m-%dT%H:%M}")
    await player.say(
        f"Dana enters that {LEAVES.handle} leaves at the month's end. {len(CLIENTS)} clients come every week: "
        f"{later} visits are after that day, {earlier} before it."
    )
    await player.counted(_SETTLED, follows, ENDS, wanted=later, most=HOUR)
    await _asked_once(player, begun, later)
    await player.counted(_LANDED, follows, ENDS, wanted=later, most=HOUR)
    if await player.count(_EARLIER, leaves, ENDS) != earlier or await player.count(_LATER, leaves, ENDS):
        raise SceneFailed("a visit before that day changed hands, or one after it did not")
    await player.say(
        f"All {later} later visits are theirs, written and read back; the earlier ones stay {LEAVES.handle}'s."
    )
    return "settled"


async def _asked_once(player: Player, begun: datetime, later: int) -> None:
    asked = [text for text in await player.texted(FOLLOWS.phone, begun) if "Cover needed" in text]
    if len(asked) != 1:
        raise SceneFailed(f"{FOLLOWS.handle} got {asked}")
    more = f"and the {later // len(CLIENTS) - 1} visits after it"
    await player.wait(MINUTE)
    for client in CLIENTS:
        texts = await player.texted(client.phone, begun)
        if [more in text for text in texts] != [True, True] or f"with {FOLLOWS.handle}" not in texts[1]:
            raise SceneFailed(f"a client heard {texts}")
    await player.say(
        f"{FOLLOWS.handle} gets one text about both series and says yes to all; each client is asked once for the "
        "whole series, agrees, and hears it once."
    )
