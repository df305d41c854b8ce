"""One engine process: loops that work until nothing is left, then wait to be woken or for the next look. Several
processes may run side by side; what they must not do twice, the database refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg
import structlog

from caredispatch.core.ids import make_id
from caredispatch.core.observation import NoticeFailed
from caredispatch.engine.deciding import Decider
from caredispatch.engine.delivering import Deliverer
from caredispatch.engine.noticing import Noticer
from caredispatch.engine.polling import Poller
from caredispatch.engine.receiving import Receiver
from caredispatch.engine.registry import Registry, Tenant
from caredispatch.engine.wording import Links
from caredispatch.store import checkpoints, inbox
from caredispatch.store.inbox import Arrived
from caredispatch.store.pools import Connection

LONGEST_WAIT_SECONDS = 0.25
ROOT_EVERY_SECONDS = 1.0
CHECKPOINT_EVERY = timedelta(minutes=5)
TROUBLE_SECONDS = 1.0
MOST_DRIFT = timedelta(seconds=1)
# What a loop's work may have made ready for which loops. Polls and housekeeping go by the clock alone: work must not
# set them off, or each notice costs their queries too.
_NEXT = {
    "notices": ("decisions",),
    "decisions": ("deliveries", "notices"),
    "deliveries": ("decisions",),
    "polls": (),
    "housekeeping": (),
}

log = structlog.get_logger("engine")


class Engine:
    """Notices, decisions, deliveries, polls. `run` until `stop`: what is in hand is finished first."""

    def __init__(self, registry: Registry, links: Links, hook_base: str, *, wait_seconds: float) -> None:
        self.registry = registry
        self.receiver = Receiver(registry, lambda: self.wake("notices"))
        self.noticer = Noticer(registry, lambda: self.wake("decisions", "notices"))
        self.decider = Decider(registry)
        self.deliverer = Deliverer(registry, links, hook_base, lambda: self.wake("decisions", "deliveries"))
        self.poller = Poller(registry, lambda: self.wake("decisions", "notices"))
        self._wait_seconds = wait_seconds
        self._wakes: dict[str, asyncio.Event] = {}
        self._stopping = asyncio.Event()
        self._checkpoint_at = registry.clock.now()
        self._clock_is_right = True

    def wake(self, *loops: str) -> None:
        """Something was committed that these loops should look at now."""
        for name in loops:
            if name in self._wakes:
                self._wakes[name].set()

    async def run(self) -> None:
        """Run until stopped."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._loop("notices", self.noticer.turn, self._wait_seconds))
            group.create_task(self._loop("decisions", self.decider.turn, self._wait_seconds))
            group.create_task(self._loop("deliveries", self.deliverer.turn, self._wait_seconds))
            group.create_task(self._loop("polls", self.poller.turn, max(self._wait_seconds, 0.1)))
            group.create_task(self._loop("housekeeping", self._keep_house, ROOT_EVERY_SECONDS))
        await self.settled()

    async def settled(self) -> None:
        """Return when no call to another system is under way."""
        for loop in (self.poller, self.noticer, self.deliverer):
            await loop.in_hand.settled()

    async def stop(self) -> None:
        """Finish what is in hand and end."""
        self._stopping.set()
        for event in self._wakes.values():
            event.set()

    async def _loop(self, name: str, turn: Callable[[], Awaitable[int]], wait_seconds: float) -> None:
        woken = asyncio.Event()
        self._wakes[name] = woken
        while not self._stopping.is_set():
            woken.clear()
            try:
                await self.registry.clock.refresh()
                worked = await turn() if self._clock_is_right or name == "housekeeping" else 0
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                # Its text is not logged: it may quote a value (promise 8).
                log.warning("turn failed", loop=name, error=type(error).__name__)
                worked = 0
                await asyncio.sleep(TROUBLE_SECONDS)
            except Exception as error:
                # One practice's trouble must not end the engine for all.
                log.error("turn failed", loop=name, error=type(error).__name__, exc_info=error)
                worked = 0
                await asyncio.sleep(TROUBLE_SECONDS)
            if worked:
                self.wake(*_NEXT[name])
                continue
            try:
                async with asyncio.timeout(wait_seconds):
                    await woken.wait()
            except TimeoutError:
                pass

    async def _keep_house(self) -> int:
        await self.registry.refresh()
        await self._check_clock()
        now = self.registry.clock.now()
        async with self.registry.pools.intake.acquire() as connection:
            self.receiver.oldest = await inbox.oldest_undecided(connection)
            for tenant in self.registry.tenants():
                await self._say_unusable(connection, tenant, now)
        if now >= self._checkpoint_at:
            self._checkpoint_at = now + CHECKPOINT_EVERY
            key = self.registry.vault.key.derive("checkpoint")
            for tenant in self.registry.tenants():
                async with self.registry.pools.decide.acquire() as connection, connection.transaction():
                    await checkpoints.write(connection, tenant.practice.practice_id, now, key)
        return 0

    async def _say_unusable(self, connection: Connection, tenant: Tenant, now: datetime) -> None:
        """A connection that can't be built is left out, and stands before a human, once."""
        practice_id = tenant.practice.practice_id
        for connection_id, why in tenant.unusable.items():
            key = make_id("unusable", practice_id, connection_id, why)
            if not await inbox.raised_about(connection, practice_id, key):
                reason = f"this connection can't be used: {why}; mend it with `caredispatch import`"
                body = NoticeFailed(connection_id, key, "fetch_failed", reason)
                await inbox.observe(connection, [Arrived(practice_id, key, body, now)])

    async def _check_clock(self) -> None:
        """A process whose clock is wrong stops claiming work until it is right again (E22)."""
        off = await self.registry.clock.off_by()
        if (off <= MOST_DRIFT) != self._clock_is_right:
            self._clock_is_right = off <= MOST_DRIFT
            log.error(
                "clock is right again" if self._clock_is_right else "clock is off: claiming nothing", off=str(off)
            )
