"""What every scene plays with: time, the outside world, a signed-in coordinator, and the record as the database
has it. No scene is here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from caredispatch.app.setting_up import practice_id_of, publish
from caredispatch.lab.browser import Browser
from caredispatch.lab.cast import Client
from caredispatch.lab.conductor import Conductor
from caredispatch.lab.world.client import WorldClient

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SATURDAY = 5
OPENS = 15
"""An hour (UTC) at which people are at work everywhere."""
REFRESH_SECONDS = 1.5
"""By the wall: the server looks for new playbooks every second."""
Narrate = Callable[[str, str], None]
Visit = dict[str, Any]
Booking = dict[str, Any]


@dataclass
class Player:
    """What a scene plays with. `slug` is the practice that it plays in."""

    connection: asyncpg.Connection[asyncpg.Record]
    world: WorldClient
    conductor: Conductor
    browser: Browser
    narrate: Narrate
    slug: str = ""
    steps: list[dict[str, Any]] = field(default_factory=list)
    begun: datetime | None = None

    async def say(self, what: str) -> None:
        """One line, with business time since the scene began."""
        now = await self.conductor.now()
        seconds = (now - (self.begun or now)).total_seconds()
        self.steps.append({"at_s": round(seconds, 1), "what": what})
        self.narrate(f"+{seconds:6.0f} s", what)

    @property
    def practice_id(self) -> str:
        """The practice's id."""
        return practice_id_of(self.slug)

    async def publish(self, playbook: str) -> int:
        """Publish a playbook as the practice's next version and wait until the server has it; the version."""
        version = await publish(self.connection, self.slug, playbook, "scene", await self.conductor.now())
        await asyncio.sleep(REFRESH_SECONDS)
        return version

    # ------------------------------------------------------------------ the record

    async def visit(self, external_id: int | str, system: str = "acuity") -> Visit | None:
        """The record of what stands in an outside system, with everything a scene asks about."""
        row = await self.connection.fetchrow(_VISIT, self.practice_id, system, str(external_id))
        return dict(row) if row else None

    async def until(
        self, external_id: int | str, done: Callable[[Visit], bool], most: timedelta, system: str = "acuity"
    ) -> Visit:
        """Let time go on until the record of a visit is as wanted; the record then. Raises SceneFailed."""

        async def look() -> bool:
            found = await self.visit(external_id, system)
            return found is not None and done(found)

        if not await self.conductor.until(look, most):
            raise SceneFailed(f"after {most} the visit stood at {await self.visit(external_id, system)}")
        return await self.visit(external_id, system) or {}

    async def until_booking(self, booking_id: int, done: Callable[[Booking], bool], most: timedelta) -> Booking:
        """Let time go on until the booking system itself has a booking as wanted; the booking. Raises SceneFailed."""

        async def look() -> bool:
            return done(await self.booking(booking_id))

        if not await self.conductor.until(look, most):
            raise SceneFailed(f"after {most} the booking system has {await self.booking(booking_id)}")
        return await self.booking(booking_id)

    async def booking(self, booking_id: int) -> Booking:
        """A booking as the booking system has it; empty where there is none."""
        held: list[Booking] = (await self.world.state())["acuity"]["appointments"]
        return next((each for each in held if each["id"] == booking_id), {})

    async def count(self, query: str, *arguments: Any) -> int:
        """A number from the database; `$1` is the practice."""
        return int(await self.connection.fetchval(query, self.practice_id, *arguments) or 0)

    async def counted(self, query: str, *arguments: Any, wanted: int, most: timedelta) -> None:
        """Let time go on until a number is as wanted. Raises SceneFailed."""

        async def look() -> bool:
            return await self.count(query, *arguments) == wanted

        if not await self.conductor.until(look, most):
            raise SceneFailed(f"after {most} {await self.count(query, *arguments)}, not {wanted}: {query}")

    # ------------------------------------------------------------------ time

    async def morning(self, *, days: int, hour: int, minute: int = 0) -> datetime:
        """That hour (UTC) some days on."""
        now = await self.conductor.now()
        return now.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=days)

    async def workday(self, *, days: int, hour: int, minute: int = 0) -> datetime:
        """That hour (UTC) so many working days on; Monday to Friday."""
        at = await self.morning(days=0, hour=hour, minute=minute)
        while days > 0 or at.weekday() >= SATURDAY:
            at += timedelta(days=1)
            days -= at.weekday() < SATURDAY
        return at

    async def by_day(self) -> datetime:
        """Let business time pass until people are at work and may be texted; the instant."""
        now = await self.conductor.now()
        if now.weekday() >= SATURDAY or not OPENS <= now.hour < OPENS + 4:
            await self.wait_until(await self.workday(days=int(now.hour >= OPENS), hour=OPENS))
        return await self.conductor.now()

    async def wait(self, span: timedelta) -> None:
        """Let business time pass."""
        await self.wait_until(await self.conductor.now() + span)

    async def wait_until(self, at: datetime) -> None:
        """Let business time pass until an instant; one that is past is now."""

        async def there() -> bool:
            return await self.conductor.now() >= at

        await self.conductor.until(there, max(at - await self.conductor.now(), timedelta()))

    async def overnight(self, until: datetime) -> None:
        """Let a night pass. Before she goes, the coordinator claims what is open: none of it climbs all night."""
        await self.conductor.settle()
        for row in await self.connection.fetch(_OPEN, self.practice_id):
            await self.browser.act(f"/?e={row[0]}", "claim")
        await self.wait_until(until)

    # ------------------------------------------------------------------ people

    async def says(self, who: Client, *answers: dict[str, Any]) -> None:
        """How a client answers texts: rules as of `WorldClient.script`, built by `replies`."""
        await self.world.script(who.phone, list(answers))

    async def texts(self, sender: str, body: str, *, at: datetime | None = None) -> None:
        """Somebody texts the practice unasked, now or at an instant."""
        await self.world.act("people", "reply", {"address": sender, "text": body}, at=at)

    async def texted(self, number: str, since: datetime) -> list[str]:
        """What arrived at a number since an instant."""
        log = await self.world.log()
        return [
            entry["body"]
            for entry in log
            if entry["kind"] == "text" and entry["to"] == number and datetime.fromisoformat(entry["at"]) >= since
        ]


class SceneFailed(Exception):
    """What should have come of it did not."""


def replies(match: str, text: str, after_s: float = 30, **more: Any) -> dict[str, Any]:
    """Whoever gets a text that matches (a regular expression) answers with `text`, so many seconds later."""
    return {"match": match, "after_s": after_s, "do": "reply", "text": text, **more}


def presses(answer: str = "yes", match: str = "http", after_s: float = 40, **more: Any) -> dict[str, Any]:
    """Whoever gets a text that matches opens its link and presses yes or no."""
    return {"match": match, "after_s": after_s, "do": f"open_{answer}", **more}


KEEPS = replies("reply Y", "Y", 20)
"""Keeps the visit when asked whether they will come."""


def settled(visit: Visit) -> bool:
    """Staffed for sure, confirmed by the patient, and landed in every system."""
    return (
        visit["cover"] == 3 and visit["confirmation"] == "confirmed" and bool(visit["landed"]) and visit["copies"] >= 2
    )


def seconds(begin: datetime | None, end: datetime | None) -> int:
    """Whole seconds between two instants; -1 where one is missing."""
    return round((end - begin).total_seconds()) if begin and end else -1


_OPEN = """
select exception_id from care.exceptions where practice_id = $1 and state = 'open' order by raised_at, exception_id
"""

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
 where d.practice_id = $1 and d.connection_id = $2 and d.external_id = $3
"""
