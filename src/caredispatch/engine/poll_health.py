"""Whether polls work: one that was refused, or that failed several times in a row, stands before a person, once, until
the connection is read again (D35). Reading itself is in `polling`."""

from __future__ import annotations

from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import NoticeFailed, PolledAgain
from caredispatch.engine.registry import Registry
from caredispatch.store import inbox
from caredispatch.store.inbox import Arrived
from caredispatch.store.practices import Wiring

MOST_FAILURES = 3
"""In a row: after so many a system that can't be reached is a person's to look at."""


class PollHealth:
    """Counts each connection's failures, in this process: another one counts its own."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._failures: dict[str, int] = {}

    async def ended(self, wiring: Wiring, failed: TryLater | Refused | None) -> None:
        """A poll ended. What was refused (a key that is accepted no more) is told at once, for it will be again."""
        about = make_id("polls", wiring.practice_id, wiring.connection_id)
        if failed is None:
            self._failures.pop(about, None)
            await self._again(wiring, about)
            return
        self._failures[about] = self._failures.get(about, 0) + 1
        if isinstance(failed, Refused) or self._failures[about] >= MOST_FAILURES:
            await self._tell(wiring, about, failed.reason)

    async def _tell(self, wiring: Wiring, about: Id, reason: str) -> None:
        async with self.registry.pools.intake.acquire() as connection:
            if await inbox.raised_about(connection, wiring.practice_id, about):
                return
            why = f"this connection is not read any more: {reason}"
            body = NoticeFailed(wiring.connection_id, about, "fetch_failed", why)
            await inbox.observe(connection, [Arrived(wiring.practice_id, about, body, self.registry.clock.now())])

    async def _again(self, wiring: Wiring, about: Id) -> None:
        now, body = self.registry.clock.now(), PolledAgain(wiring.connection_id)
        async with self.registry.pools.intake.acquire() as connection:
            told = await inbox.raised_about(connection, wiring.practice_id, about)
            await inbox.observe(connection, [Arrived(wiring.practice_id, Id(one), body, now) for one in told])
