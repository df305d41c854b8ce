"""Two clients miss their hour (D13): one is brought back by a text, the other turns up late, and nobody asks them."""

from __future__ import annotations

from typing import Any

from caredispatch.lab.cast import Client, clients, therapist
from caredispatch.lab.entries import river_visit
from caredispatch.lab.scenes.player import HOUR, KEEPS, MINUTE, Player, SceneFailed, replies

RHEA = therapist("Rhea")
OFFER = "times for your visit"
_FOLLOW_UP = """
select c.state, c.outcome, c.phase, c.booked_id::text,
       (select count(*)::int from care.asks k where k.case_id = c.case_id) as asked
  from care.doors d join care.cases c using (practice_id, appointment_id)
 where d.practice_id = $1 and d.connection_id = 'ehr' and d.external_id = $2 and c.kind = 'follow_up'
"""


async def no_show_scene(player: Player) -> str:
    """A no-show is rebooked in every system; another turns up late, and the follow-up ends unsaid."""
    missed, late = clients("grief")
    now = await player.conductor.now()
    first = now.replace(minute=0, second=0, microsecond=0) + HOUR
    second = first + HOUR
    await player.says(missed, KEEPS, replies(OFFER, "1", 120))
    await player.says(late, KEEPS)
    visits = [(missed, first), (late, second)]
    gone, slow = await player.world.enter(*(river_visit(client, RHEA, at) for client, at in visits))
    await player.until(slow, lambda v: v["confirmation"] == "confirmed", 20 * MINUTE, "ehr")
    await _marked(player, gone, first + 15 * MINUTE)
    await player.say(
        "A client does not come; the desk marks the no-show in the EHR. They are left alone for two hours."
    )
    await _marked(player, slow, second + 15 * MINUTE)
    await _turns_up(player, late, slow)
    await _brought_back(player, missed, gone)
    return "settled"


async def _marked(player: Player, visit: str, at: Any) -> None:
    await player.wait_until(at)
    await player.world.edit("Appointment", visit, status="noshow")
    await _follow_up(player, visit, lambda case: case["state"] == "open", 5)


async def _turns_up(player: Player, client: Client, visit: str) -> None:
    since = await player.conductor.now()
    await player.say("The next one is marked as a no-show as well: a follow-up waits for them, too.")
    await player.wait(10 * MINUTE)
    await player.world.edit("Appointment", visit, status="arrived")
    await player.until(visit, lambda v: v["status"] == "arrived", 5 * MINUTE, "ehr")
    case = await _follow_up(player, visit, lambda case: case["state"] == "closed", 5)
    if case["asked"] or await player.texted(client.phone, since):
        raise SceneFailed(f"who came late was asked to come again: {case}")
    await player.say("But they turn up 25 min late: the follow-up is withdrawn, and not a word was sent.")


async def _brought_back(player: Player, client: Client, visit: str) -> None:
    case = await _follow_up(player, visit, lambda case: case["asked"] == 1, 150)
    await player.say(
        "Two hours after the first no-show the client is offered times by text, their own therapist's first."
    )
    case = await _follow_up(player, visit, lambda case: case["outcome"] == "rebooked", 30)
    held = (await player.world.state())["fhir"]["Appointment"]
    mine = f"Patient/{client.fhir_id}"
    ahead = [v for v in held if v["status"] == "booked" and mine in [p["actor"]["reference"] for p in v["participant"]]]
    own = [
        v for v in ahead if f"Practitioner/{RHEA.practitioner}" in [p["actor"]["reference"] for p in v["participant"]]
    ]
    if len(ahead) != 1 or not own or case["state"] != "settled":
        raise SceneFailed(f"the EHR has {ahead} ahead for the client; the follow-up stands at {case}")
    await player.say(f"They answer 1: rebooked with {RHEA.handle}, written to the EHR and read back. It ends there.")


async def _follow_up(player: Player, visit: str, done: Any, minutes: int) -> dict[str, Any]:
    """Let time go on until the follow-up of a visit is as wanted; the case then. Raises SceneFailed."""

    async def now() -> dict[str, Any]:
        row = await player.connection.fetchrow(_FOLLOW_UP, player.practice_id, visit)
        return dict(row) if row else {}

    async def look() -> bool:
        case = await now()
        return bool(case) and bool(done(case))

    if not await player.conductor.until(look, minutes * MINUTE):
        raise SceneFailed(f"after {minutes} min the follow-up stood at {await now()}")
    return await now()
