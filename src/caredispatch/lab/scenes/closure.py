"""One site is shut by snow at ten past six: each visit there is decided by itself, texts leave paced when the night is
over, and nobody is a no-show (D14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.lab.cast import SITES, Client, Therapist, clients, therapist
from caredispatch.lab.entries import booking
from caredispatch.lab.scenes.player import HOUR, KEEPS, MINUTE, Player, SceneFailed, replies, settled

SITE = "Hilltop"
THERE = (therapist("Xena"), therapist("Yusuf"))
CLIENTS = clients("pain")
VIDEO, TIMES = "by video", r"3\)"
VIEWERS = CLIENTS[:3]
MOVES, NEITHER = CLIENTS[3:]
PACE = 2
"""So many texts a minute, as the demo's playbook has it."""
_HIT = "select count(*) from care.appointments where practice_id = $1 and closed_by is not null and status = 'booked'"
_BY_VIDEO = f"{_HIT} and modality = 'video'"
_MISSED = (
    "select count(*) from care.appointments where practice_id = $1 and closed_by is not null and status = 'noshow'"
)
_CALLS = """
select count(*) from care.exceptions e join care.appointments a using (practice_id, appointment_id)
 where e.practice_id = $1 and e.kind = 'call' and e.state <> 'resolved' and a.closed_by is not null
"""


async def closure_scene(player: Player) -> str:
    """A site is shut by snow: three clients come by video, one takes another time, one is phoned."""
    first = await player.workday(days=1, hour=16)
    booked = await _booked(player, first)
    await _answers(player)
    await player.overnight(first.replace(hour=12, minute=10))
    begun = await player.conductor.now()
    day = f"{first:%Y-%m-%d}"
    closed = {"start": f"{day}T06:00", "end": f"{day}T20:00", "reason": "snow"}
    await player.browser.announce("location_closed", location=SITE, **closed)
    await player.counted(_HIT, wanted=len(booked), most=MINUTE)
    await player.say(
        f"Ten past six: Dana enters that snow keeps {SITES[SITE][0]} shut. {len(booked)} visits are there."
    )
    await player.counted(_BY_VIDEO, wanted=len(VIEWERS), most=4 * HOUR)
    await _paced(player, begun)
    await _moved(player, booked[CLIENTS.index(MOVES)], first)
    await player.counted(_CALLS, wanted=1, most=HOUR)
    if await player.count(_MISSED):
        raise SceneFailed("somebody was marked a no-show")
    await player.say("One client wants neither: they are on the call list. Nobody is a no-show.")
    return "settled"


async def _booked(player: Player, first: datetime) -> list[int]:
    made = []
    for hour, client in enumerate(CLIENTS):
        await player.says(client, KEEPS)
        made.append(await player.world.book(booking(client, _who(client), first + timedelta(hours=hour))))
    for number in made:
        await player.until(number, settled, 30 * MINUTE)
    return made


def _who(client: Client) -> Therapist:
    return THERE[CLIENTS.index(client) % len(THERE)]


async def _answers(player: Player) -> None:
    for client in VIEWERS:
        await player.says(client, replies(VIDEO, "1", 60))
    await player.says(MOVES, replies(VIDEO, "N", 60), replies(TIMES, "2", 60))
    await player.says(NEITHER, replies(VIDEO, "no", 60), replies(TIMES, "N", 60))


async def _paced(player: Player, begun: datetime) -> None:
    """The first text to each leaves from 8 on, so many a minute."""
    numbers = {client.phone for client in CLIENTS}
    log = [entry for entry in await player.world.log() if entry["kind"] == "text" and entry["to"] in numbers]
    at = [datetime.fromisoformat(t["at"]) for t in log if VIDEO in t["body"]]
    at = sorted(each for each in at if each >= begun)
    minutes = [(each - at[0]) // MINUTE for each in at]
    if len(at) != len(CLIENTS) or at[0].hour != 14 or any(minutes.count(m) > PACE for m in minutes):
        raise SceneFailed(f"texts left at {at}")
    await player.say(
        f"From 8 on, {PACE} a minute, each client is offered the same hour by video; {len(VIEWERS)} take it."
    )


async def _moved(player: Player, booked: int, first: datetime) -> None:
    visit = await player.until(booked, lambda v: v["start_at"].date() > first.date(), HOUR)
    held = await player.until_booking(
        booked, lambda b: datetime.fromisoformat(b["datetime"]) == visit["start_at"], HOUR
    )
    if held["canceled"]:
        raise SceneFailed("the visit was cancelled instead of moved")
    await player.say("One would rather come another day, gets three times, takes one; the booking system has it.")
