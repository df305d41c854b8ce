"""A client asks for a visit on the portal (D15): it is placed without a human, and written back to where they asked."""

from __future__ import annotations

from typing import Any

from caredispatch.lab.cast import SERVICES, SITES, clients, therapist
from caredispatch.lab.entries import ehr_request
from caredispatch.lab.scenes.player import KEEPS, MINUTE, Player, SceneFailed, replies, seconds

_ASK = """
select min(k.asked_at) as asked_at, count(*)::int as asked, max(k.choice) as choice
  from care.doors d join care.asks k using (practice_id, appointment_id)
 where d.practice_id = $1 and d.connection_id = 'ehr' and d.external_id = $2 and k.purpose = 'offer_times'
"""


async def request_scene(player: Player) -> str:
    """A portal request gets three times, is booked by the client's answer, and lands in the resource it came in."""
    client, who = clients("couples")[0], therapist("Umar")
    await player.says(client, replies("times for your visit", "2", 60), KEEPS)
    begin, end = await player.morning(days=1, hour=14), await player.morning(days=8, hour=23)
    site = SITES[who.site][3]
    asked = await player.world.enter(ehr_request(client, SERVICES["therapy-50"][2], begin, end, site=site, who=who))
    entered = await player.conductor.now()
    await player.say(f"A client asks for a visit with {who.handle} on the portal: this week or next, no time yet.")
    visit = await player.until(asked[0], lambda v: v["cover"] == 3 and bool(v["landed"]), 30 * MINUTE, "ehr")
    row = await player.connection.fetchrow(_ASK, player.practice_id, asked[0])
    assert row is not None
    after, own = seconds(entered, row["asked_at"]), seconds(visit["created_at"], row["asked_at"])
    await player.say(
        f"Read from the EHR and searched: three times by text {after} s after they asked, {own} s of it ours."
    )
    _holds(await _resource(player, asked[0]), who.practitioner, visit)
    if visit["exceptions"] or visit["confirmation"] != "confirmed" or row["asked"] != 1:
        raise SceneFailed(f"a person was needed, or more than one question: {visit}")
    await player.say(
        "They answer 2: booked and confirmed, written into the very request, and read back. No human acted."
    )
    return "settled"


async def _resource(player: Player, resource_id: str) -> dict[str, Any]:
    held = (await player.world.state())["fhir"]["Appointment"]
    found: dict[str, Any] = next(each for each in held if each["id"] == resource_id)
    return found


def _holds(resource: dict[str, Any], practitioner: str, visit: dict[str, Any]) -> None:
    """Whether the resource that asked for a time has it now. Raises SceneFailed."""
    actors = [p["actor"]["reference"] for p in resource["participant"]]
    at = visit["start_at"].strftime("%Y-%m-%dT%H:%M")
    begins = resource.get("start", "").startswith(at)
    if resource["status"] != "booked" or not begins or f"Practitioner/{practitioner}" not in actors:
        raise SceneFailed(f"the EHR holds {resource}")
