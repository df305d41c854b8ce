"""An aide does not begin a visit that must not be missed: the nurse on call and the backup are asked at once (D12)."""

from __future__ import annotations

from typing import Any

from caredispatch.lab.entries import at_site, ehr_visit
from caredispatch.lab.meadow import AREAS, EHR, PATIENTS, SERVICES, caregiver
from caredispatch.lab.scenes.player import HOUR, KEEPS, MINUTE, Player, SceneFailed, Visit, presses, seconds

AIDE, NURSE, BACKUP = caregiver("Jude"), caregiver("Cleo"), caregiver("Ben")
PATIENT = PATIENTS[0]
SERVICE = "bedbound-care"


async def home_health_scene(player: Player) -> str:
    """An aide does not begin a visit that must not be missed; the nurse on call goes."""
    booked, start_at = await _booked(player)
    await player.world.script(NURSE.phone, [presses("yes", after_s=100)])
    visit = await player.until(booked, lambda v: v["first_ask"] is not None, 3 * HOUR, system="ehr")
    asked = {who.handle: await player.texted(who.phone, start_at) for who in (NURSE, BACKUP)}
    if any(len(texts) != 1 for texts in asked.values()):
        raise SceneFailed(f"the nurse on call and the backup should have one question each: {asked}")
    await player.say(
        f"{seconds(start_at, visit['first_ask']) // 60} min after the start nobody has arrived: the nurse on call "
        f"({NURSE.handle}) and the backup ({BACKUP.handle}) are asked at once, together."
    )
    visit = await player.until(booked, _covered, 30 * MINUTE, system="ehr")
    held = await _in_the_ehr(player, booked)
    if f"Practitioner/{NURSE.practitioner}" not in held:
        raise SceneFailed(f"the EHR has {held}")
    after = seconds(start_at, await player.conductor.now()) // 60
    heard = await player.texted(PATIENT.phone, start_at), await player.texted(BACKUP.phone, start_at)
    if f"with {NURSE.handle}" not in heard[0][-1] or len(heard[1]) != 2:
        raise SceneFailed(f"the patient and the backup heard {heard}")
    await player.say(
        f"{NURSE.handle} says yes and goes, {after} min after the start; the patient hears who comes, "
        f"{BACKUP.handle} that it is settled, and the EHR has it."
    )
    return "settled"


async def _booked(player: Player) -> tuple[str, Any]:
    """A visit of today, which the aide agreed to and the patient expects; its id in the EHR and its start."""
    now = await player.by_day()
    _, minutes, _, number = SERVICES[SERVICE]
    start_at = now.replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    await player.world.script(PATIENT.phone, [KEEPS])
    await player.world.script(AIDE.phone, [presses("yes", times=1)])
    visit = at_site(ehr_visit(PATIENT, AIDE, start_at, minutes, service=number), AREAS[AIDE.area][1])
    [booked] = await player.world.enter(visit, server=EHR)
    await player.until(
        booked, lambda v: v["cover"] == 3 and v["confirmation"] == "confirmed", start_at - now, system="ehr"
    )
    await player.say(f"{AIDE.handle}, an aide, agreed to care for somebody who can't get up; it must not be missed.")
    return booked, start_at


def _covered(visit: Visit) -> bool:
    return visit["cover"] == 3 and bool(visit["landed"]) and not visit["exceptions"]


async def _in_the_ehr(player: Player, booked: str) -> set[str]:
    held = (await player.world.state())[EHR]["Appointment"]
    visit = next(each for each in held if each["id"] == booked)
    return {each["actor"]["reference"] for each in visit["participant"]}
