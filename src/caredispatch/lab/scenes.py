"""The demo's scenes: what happens outside, what must come of it, and a line or two for the watcher. Outcomes are read
from the database and from what the outside world saw."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from caredispatch.lab.browser import Browser
from caredispatch.lab.conductor import Conductor
from caredispatch.lab.scenery import CLIENTS, Client, booking, ehr_visit, therapist
from caredispatch.lab.world.client import WorldClient

MINUTE = timedelta(minutes=1)
Narrate = Callable[[str, str], None]


@dataclass
class Player:
    """What a scene plays with."""

    connection: asyncpg.Connection[asyncpg.Record]
    world: WorldClient
    conductor: Conductor
    browser: Browser
    narrate: Narrate
    steps: list[dict[str, Any]] = field(default_factory=list)
    begun: datetime | None = None

    async def say(self, what: str) -> None:
        """One line, with business time since the scene began."""
        now = await self.conductor.now()
        seconds = (now - (self.begun or now)).total_seconds()
        self.steps.append({"at_s": round(seconds, 1), "what": what})
        self.narrate(f"+{seconds:6.0f} s", what)

    async def visit(self, external_id: int | str) -> dict[str, Any] | None:
        """The record of a booking, with everything a scene asks about."""
        row = await self.connection.fetchrow(_VISIT, str(external_id))
        return dict(row) if row else None

    async def until(self, external_id: int, done: Callable[[dict[str, Any]], bool], most: timedelta) -> dict[str, Any]:
        """Let time go on until the record of a booking is as wanted; the record then. Raises SceneFailed."""

        async def look() -> bool:
            found = await self.visit(external_id)
            return found is not None and done(found)

        ok = await self.conductor.until(look, most)
        found = await self.visit(external_id) or {}
        if not ok:
            raise SceneFailed(f"after {most} the visit stood at {found}")
        return found


class SceneFailed(Exception):
    """What should have come of it did not."""


_VISIT = """
select a.appointment_id, a.status, a.confirmation, a.tell_by_done, a.start_at, a.created_at,
       (select min(case p.coverage when 'uncovered' then 0 when 'at_risk' then 1 when 'tentative' then 2 else 3 end)
          from care.participants p where p.appointment_id = a.appointment_id and p.coverage is not null) as cover,
       (select bool_and(l.state = 'landed') from care.links l where l.appointment_id = a.appointment_id) as landed,
       (select count(*)::int from care.links l where l.appointment_id = a.appointment_id) as copies,
       (select coalesce(array_agg(e.kind order by e.raised_at), '{}') from care.exceptions e
         where e.appointment_id = a.appointment_id and e.state <> 'resolved' and e.kind <> 'call') as exceptions,
       (select e.exception_id from care.exceptions e
         where e.appointment_id = a.appointment_id and e.state <> 'resolved' and e.kind <> 'call'
         order by e.raised_at limit 1) as exception_id,
       (select min(k.asked_at) from care.asks k
         where k.appointment_id = a.appointment_id and k.purpose = 'cover') as first_ask,
       (select min(k.asked_at) from care.asks k
         where k.appointment_id = a.appointment_id and k.purpose = 'agree_patient'
           and k.state in ('pending', 'sent')) as agreeing,
       (select min(k.delivered_at) from care.asks k
         where k.appointment_id = a.appointment_id and k.purpose = 'inform_staff') as provider_told,
       (select min(k.delivered_at) from care.asks k
         where k.appointment_id = a.appointment_id and k.purpose = 'confirm_patient') as patient_told
  from care.doors d join care.appointments a using (practice_id, appointment_id)
 where d.connection_id = 'acuity' and d.external_id = $1
"""


def _settled(visit: dict[str, Any]) -> bool:
    return (
        visit["cover"] == 3 and visit["confirmation"] == "confirmed" and bool(visit["landed"]) and visit["copies"] >= 2
    )


async def _says(player: Player, client: Client, *answers: dict[str, Any]) -> None:
    await player.world.script(client.phone, list(answers))


async def booking_scene(player: Player) -> str:
    """A booking becomes a told provider, a confirmed patient and two landed copies."""
    client, who = CLIENTS[0], therapist("Ana")
    start_at = await _morning(player, days=2, hour=16)
    await _says(player, client, {"match": "(?i)reply Y", "after_s": 25, "do": "reply", "text": "Y"})
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} on the booking page (Acuity #{booked}); the webhook carries only ids."
    )
    told = await player.until(booked, lambda v: v["provider_told"] is not None, 5 * MINUTE)
    await player.say(
        f"Detail fetched, the EHR's calendar is free, {who.handle} is told; "
        f"delivered {_seconds(told['created_at'], told['provider_told'])} s after the notice."
    )
    visit = await player.until(booked, _settled, 10 * MINUTE)
    await player.say(
        f"The client's text arrived {_seconds(visit['created_at'], visit['patient_told'])} s after the booking; "
        "they answered Y after 25 s. EHR and booking system were written and read back: landed."
    )
    return "settled"


def _seconds(begin: datetime | None, end: datetime | None) -> int:
    return round((end - begin).total_seconds()) if begin and end else -1


async def _morning(player: Player, *, days: int, hour: int, minute: int = 0) -> datetime:
    """That hour (UTC) some days on."""
    return (await player.conductor.now()).replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(
        days=days
    )


async def _conflict(
    player: Player, client: Client, other: Client, days: int, answer: str
) -> tuple[int, dict[str, Any]]:
    who = therapist("Ben")
    start_at = await _morning(player, days=days, hour=17)
    await player.world.act("fhir", "create", ehr_visit(other, who, start_at))
    await _says(
        player,
        client,
        {"match": "(?i)(another|different|instead|otro|otra|agree)", "after_s": 30, "do": "reply", "text": answer},
        {"match": "(?i)reply Y", "after_s": 20, "do": "reply", "text": "Y"},
    )
    for handle in ("Ana", "Cleo", "Elif"):
        yes = {"match": "(?i)http", "after_s": 40, "do": "open_yes", "times": 1}
        await player.world.script(therapist(handle).address, [yes])
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} (Acuity #{booked}), but the EHR already has {who.handle} elsewhere at that time."
    )
    visit = await player.until(booked, lambda v: v["first_ask"] is not None, 4 * MINUTE)
    seconds = _seconds(visit["created_at"], visit["first_ask"])
    await player.say(f"At risk; the next provider who knows the care plan is asked {seconds} s after the booking.")
    return booked, await player.until(booked, lambda v: v["agreeing"] is not None, 30 * MINUTE)


async def conflict_scene(player: Player) -> str:
    """A conflict finds cover, and the patient agrees."""
    booked, _ = await _conflict(player, CLIENTS[1], CLIENTS[4], 2, "Y")
    await player.say("A colleague accepts on the phone page; held for the client, who is asked to agree to the change.")
    await player.until(booked, _settled, 60 * MINUTE)
    await player.say("The client agrees: settled, the others are released, calendar and EHR are written and read back.")
    return "settled"


async def conflict_refused_scene(player: Player) -> str:
    """A conflict finds cover, but the patient wants their own provider."""
    booked, _ = await _conflict(player, CLIENTS[2], CLIENTS[5], 3, "N")
    await player.say("A colleague accepts; the client is asked to agree to the change.")
    await player.until(booked, lambda v: "patient_declined" in v["exceptions"], 60 * MINUTE)
    await player.say(
        "The client says no: the colleague is released, nobody else is asked, a person gets it with the reason."
    )
    return "exception"


async def unsolvable_scene(player: Player) -> str:
    """Nobody can: the patient hears in time, a person resolves it on the page."""
    client, who = CLIENTS[3], therapist("Dev")
    now = await player.conductor.now()
    start_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    await player.world.act("fhir", "create", ehr_visit(CLIENTS[6], who, start_at))
    booked = await player.world.book(booking(client, who, start_at))
    await player.say(
        f"A client books {who.handle} for this afternoon (Acuity #{booked}); the EHR has a conflict, and nobody "
        f"else knows EMDR."
    )
    visit = await player.until(booked, lambda v: "nobody_found" in v["exceptions"], 10 * MINUTE)
    await player.say("Nobody is eligible: it stands in the exception queue with every reason.")
    visit = await player.until(booked, lambda v: bool(v["tell_by_done"]), timedelta(hours=6))
    left = (visit["start_at"] - await player.conductor.now()) / MINUTE
    await player.say(f"{left:.0f} min before the start the client hears the truth by text.")
    await player.browser.act(
        f"/?exception={visit['exception_id']}", "cancel", reason="nobody with EMDR training is free"
    )
    await player.say("Dana cancels the visit on the page.")
    await player.until(
        booked, lambda v: v["status"] == "cancelled" and bool(v["landed"]) and not v["exceptions"], 10 * MINUTE
    )
    held = (await player.world.state())["acuity"]["appointments"]
    if not next(a for a in held if a["id"] == booked)["canceled"]:
        raise SceneFailed("the booking system still has the visit")
    await player.say("The cancellation is written back and read back; a call to rebook stands on the call list.")
    return "exception"


SCENES: dict[str, Callable[[Player], Awaitable[str]]] = {
    "booking": booking_scene,
    "conflict": conflict_scene,
    "conflict-refused": conflict_refused_scene,
    "unsolvable": unsolvable_scene,
}
