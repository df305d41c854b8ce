"""Time in the demo (E23): stepped, business time goes to the next due instant of product or outside world, and only
when both are idle; otherwise it runs by itself and the conductor only looks on. A poll is only waited for while it can
find something: while the last one was before the last change outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import cache

import asyncpg

from caredispatch.app.clock import wall
from caredispatch.contract.manifest import load_manifest
from caredispatch.lab.world.client import WorldClient
from caredispatch.store.practices import clock_row, set_clock

SETTLED_LOOKS = 3
STUCK_SECONDS = 30.0
LEAST_SECONDS = 10.0
MANY = 50
"""With so much to do a look comes only now and then: looking costs the machine, too."""


class Stuck(Exception):
    """Neither side gets idle: something hangs."""


_STANDING = """
select (select count(*) from care.notices where state = 'pending' and due_at <= $1)
     + (select count(*) from care.observations where state = 'pending')
     + (select count(*) from care.appointments where next_look_at <= $1)
     + (select count(*) from care.delivery_keys where waiting > 0 and (ready_at <= $1 or lease_until >
         clock_timestamp()))
     + (select count(*) from care.exceptions where state = 'open' and appointment_id is null and ack_by <= $1)
     + (select count(*) from care.incidents where due_at <= $1)
     + (select count(*) from care.connections where poll_at <= $1 or read_until > clock_timestamp()) as busy,
       least((select min(due_at) from care.notices where state = 'pending'),
             (select min(next_look_at) from care.appointments),
             (select min(ready_at) from care.delivery_keys where waiting > 0),
             (select min(due_at) from care.incidents),
             (select min(ack_by) from care.exceptions where state = 'open' and appointment_id is null)) as next_due
"""
_POLLS = "select connector, poll_at from care.connections where poll_at is not null"


@cache
def _every(connector: str) -> timedelta:
    """How long it is between two polls of a system."""
    return timedelta(seconds=load_manifest(connector).poll_seconds or 0)


class Conductor:
    """Steps both clocks, or watches them run. `connection` is the database owner's."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record], world: WorldClient, *, stepped: bool) -> None:
        self.connection = connection
        self.world = world
        self.stepped = stepped

    async def now(self) -> datetime:
        """Business time."""
        row = await clock_row(self.connection)
        assert row is not None
        wall0, sim0, speed = row
        return sim0 + (wall() - wall0) * speed

    async def until(self, done: Callable[[], Awaitable[bool]], most: timedelta) -> bool:
        """Let time go on until `done`, for at most `most` of business time. Whether it was done. Where time runs by
        itself the machine has LEAST_SECONDS by the wall: at 600 times, ten minutes are one second."""
        end = await self.now() + most
        patient_until = time.monotonic() + (0 if self.stepped else LEAST_SECONDS)
        while True:
            if self.stepped:
                await self._idle()
            if await done():
                return True
            if await self.now() >= end and time.monotonic() >= patient_until:
                return False
            if self.stepped:
                await self._step(end)
            else:
                await asyncio.sleep(0.1)

    async def settle(self) -> None:
        """Let everything that is due right now be done."""
        if self.stepped:
            await self._idle()

    async def _standing(self, now: datetime) -> tuple[int, datetime | None]:
        row = await self.connection.fetchrow(_STANDING, now)
        assert row is not None
        return int(row[0]), row[1]

    async def _next_poll(self, changed_at: datetime) -> datetime | None:
        """The next poll of a system that was not read since something changed outside."""
        polls = [(row["poll_at"], _every(row["connector"])) for row in await self.connection.fetch(_POLLS)]
        return min((poll_at for poll_at, every in polls if poll_at - every <= changed_at), default=None)

    async def _idle(self) -> None:
        """Wait until neither side has anything to do at this instant. Raises Stuck when nothing gets done for long."""
        begun = time.monotonic()
        quiet, seen, former = 0, -1, 0
        while quiet < SETTLED_LOOKS:
            now = await self.now()
            busy, _ = await self._standing(now)
            idle = await self.world.idle()
            busy += idle.seen != seen
            seen = idle.seen
            if idle.next_due_at is not None and idle.next_due_at <= now:
                idle = await self.world.run(now)
                busy += 1
            quiet = 0 if busy or idle.in_flight else quiet + 1
            if busy < former:
                begun = time.monotonic()
            former = busy
            if time.monotonic() - begun > STUCK_SECONDS:
                raise Stuck(
                    f"{busy} things stay undone in the product, {idle.in_flight} in the world, at {now.isoformat()}"
                )
            await asyncio.sleep(0.003 if busy < MANY else 0.1)

    async def _step(self, end: datetime) -> None:
        """Go to the next instant at which anything is due."""
        now = await self.now()
        _, ours = await self._standing(now)
        idle = await self.world.idle()
        poll = await self._next_poll(idle.changed_at)
        due = min((at for at in (ours, idle.next_due_at, poll) if at is not None), default=end)
        at = min(max(due, now + timedelta(milliseconds=1)), end)
        await set_clock(self.connection, wall(), at, 0.0)
        await self.world.run(at)
