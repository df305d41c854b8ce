"""A group of eight with two therapists, one of whom is ill: somebody is sought once, and each client hears of it once
(D1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from caredispatch.app.directory_file import staff_id
from caredispatch.lab.accounts import GROUPS_SECRET
from caredispatch.lab.cast import SERVICES, Client, clients, therapist
from caredispatch.lab.scenes.player import KEEPS, MINUTE, Player, SceneFailed, presses, replies

SERVICE = "group-90"
ILL, WELL, STEPS_IN = therapist("Zoe"), therapist("Abel"), therapist("Brita")
MEMBERS = clients("skills")
_GROUP = "practice_id = $1 and service = 'group-90' and start_at = $2"
_CONFIRMED = f"select count(*) from care.appointments where {_GROUP} and confirmation = 'confirmed'"  # noqa: S608 our own words
_SESSIONS = f"select count(distinct session_id) from care.appointments where {_GROUP}"  # noqa: S608 our own words
_SEEN_BY = f"""
select count(*) from care.participants p join care.appointments a using (practice_id, appointment_id)
 where {_GROUP} and p.role = $3 and p.actor_id = $4 and p.coverage = 'confirmed'
"""  # noqa: S608 our own words
_ASKED = f"""
select count(*) from care.asks k join care.appointments a using (practice_id, appointment_id)
 where {_GROUP} and k.purpose = 'cover'
"""  # noqa: S608 our own words


async def group_scene(player: Player) -> str:
    """Eight clients and two therapists, one of whom is ill."""
    start_at = await player.workday(days=1, hour=20)
    await _signed_up(player, start_at)
    await player.world.script(STEPS_IN.address, [presses("yes")])
    await player.world.script(ILL.address, [replies("reply Y to confirm", "Y", 20)])
    begun = await player.conductor.now()
    await player.texts(ILL.phone, "out tomorrow")
    who = staff_id(player.practice_id, STEPS_IN.handle)
    await player.counted(_SEEN_BY, start_at, "provider", who, wanted=len(MEMBERS), most=30 * MINUTE)
    await player.conductor.settle()
    asked = await player.count(_ASKED, start_at)
    texts = [text for text in await player.texted(STEPS_IN.phone, begun) if "Cover needed" in text]
    if asked != 1 or len(texts) != 1 or f"group of {len(MEMBERS)}" not in texts[0]:
        raise SceneFailed(f"{asked} questions instead of one: {texts}")
    await player.say(f'{ILL.handle} texts "out tomorrow"; {STEPS_IN.handle} is asked once for the group, and says yes.')
    other = staff_id(player.practice_id, WELL.handle)
    if await player.count(_SEEN_BY, start_at, "co_provider", other) != len(MEMBERS):
        raise SceneFailed(f"{WELL.handle} lost the group")
    await _each_heard_once(player, begun)
    await player.say(f"All {len(MEMBERS)} clients hear once who leads it with {WELL.handle}, who is asked nothing.")
    return "settled"


async def _each_heard_once(player: Player, begun: datetime) -> None:
    await player.wait(MINUTE)
    for client in MEMBERS:
        texts = await player.texted(client.phone, begun)
        if len(texts) != 1 or f"with {STEPS_IN.handle}" not in texts[0]:
            raise SceneFailed(f"a client heard {texts}")
    if texts := await player.texted(WELL.phone, begun):
        raise SceneFailed(f"{WELL.handle} heard {texts}")


async def _signed_up(player: Player, start_at: datetime) -> None:
    for client in MEMBERS:
        await player.says(client, KEEPS)
        await _place(player, client, start_at)
    await player.counted(_CONFIRMED, start_at, wanted=len(MEMBERS), most=30 * MINUTE)
    if await player.count(_SESSIONS, start_at) != 1:
        raise SceneFailed(f"the group is {await player.count(_SESSIONS, start_at)} sessions")
    await player.say(
        f"{len(MEMBERS)} clients are in tomorrow's group with {ILL.handle} and {WELL.handle}, and mean to come: one "
        "session of eight visits."
    )


async def _place(player: Player, client: Client, start_at: datetime) -> None:
    """The groups' sign-up list pushes one place in the group, signed."""
    external_id = f"place-{client.number}"
    patient = {
        "external_id": client.fhir_id,
        "given": client.given,
        "family": client.family,
        "phone": client.phone,
    }
    held: dict[str, Any] = {
        "external_id": external_id,
        "version": 1,
        "start_at": start_at.isoformat(),
        "end_at": (start_at + timedelta(minutes=SERVICES[SERVICE][1])).isoformat(),
        "status": "booked",
        "service": "skills",
        "location": ILL.site,
        "modality": "in_person",
        "actors": {"provider": ILL.handle, "co_provider": WELL.handle},
        "patient": patient,
    }
    details = {
        "url": f"{player.browser.base_url}/hooks/{player.slug}/groups",
        "secret": GROUPS_SECRET,
        "id": f"{external_id}-1",
        "data": {"type": "appointment.seen", "data": held},
    }
    await player.world.act("webhook", "send", details)
