"""Reading systems that send nothing, or not everything: changes since a cursor, the first load (which fires nothing),
and a fetch by id for what a complete page no longer shows (D8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.contract.seen import Seen, SeenAppointment
from caredispatch.contract.verbs import Page, Polls
from caredispatch.core.content import instant_of
from caredispatch.core.ids import make_id
from caredispatch.engine.in_hand import InHand
from caredispatch.engine.poll_health import PollHealth
from caredispatch.engine.registry import NOT_READ, Connected, Registry, Unconfigured
from caredispatch.engine.understanding import Report, Understanding
from caredispatch.store import doors, inbox, polling
from caredispatch.store.pools import Connection

MOST_PAGES = 100
"""In one turn: a longer poll goes on in the next."""

log = structlog.get_logger("polling")


def unseen_for(connected: Connected) -> timedelta:
    """How long a change may have stood there unseen when a poll shows it (D35)."""
    return timedelta(seconds=connected.manifest.poll_seconds or 0)


class Poller:
    """Polls every connection whose time has come. `polled` is called after each poll."""

    def __init__(self, registry: Registry, polled: Callable[[], None]) -> None:
        self.registry = registry
        self.understanding = Understanding(registry)
        self.health = PollHealth(registry)
        self.in_hand = InHand(polled)
        self._polling: set[tuple[str, str]] = set()

    async def turn(self) -> int:
        """Start the polls that are due; returns how many. One that still runs is not started again."""
        now = self.registry.clock.now()
        async with self.registry.pools.intake.acquire() as connection:
            due = await polling.due(connection, now)
        return sum([await self._start(practice_id, connection_id, now) for practice_id, connection_id in due])

    async def _start(self, practice_id: str, connection_id: str, now: datetime) -> int:
        try:
            connected = self.registry.connected(practice_id, connection_id)
        except Unconfigured:
            return 0
        every, connector = connected.manifest.poll_seconds, connected.connector
        key = (practice_id, connection_id)
        if every is None or connected.wiring.paused or not isinstance(connector, Polls) or key in self._polling:
            return 0
        if not connected.take(1):
            return 0
        async with self.registry.pools.intake.acquire() as connection:
            taken = await polling.take_turn(connection, practice_id, connection_id, now, now + timedelta(seconds=every))
        if taken is None:
            connected.give(1)
            return 0
        self._polling.add(key)
        self.in_hand.start(self._guarded(connected, connector, taken))
        return 1

    async def _guarded(self, connected: Connected, connector: Polls, taken: polling.Turn) -> None:
        wiring = connected.wiring
        try:
            await self.health.ended(wiring, await self._tried(connected, connector, taken))
        except Exception as error:
            log.error("poll failed", connection=wiring.connection_id, exc_info=error)
        finally:
            connected.give(1)
            self._polling.discard((wiring.practice_id, wiring.connection_id))
            async with self.registry.pools.intake.acquire() as connection:
                await polling.give_back(connection, wiring.practice_id, wiring.connection_id)

    async def _tried(self, connected: Connected, connector: Polls, taken: polling.Turn) -> TryLater | Refused | None:
        """Poll; what went wrong, if anything did."""
        try:
            failed = await self._poll(connected, connector, taken)
        except Exception as error:
            log.error("poll failed", connection=connected.wiring.connection_id, exc_info=error)
            return TryLater(f"an error of our own ({type(error).__name__}), which the log shows")
        if failed is not None:
            log.warning("poll failed", connection=connected.wiring.connection_id, reason=failed.reason)
        return failed

    async def _poll(self, connected: Connected, connector: Polls, taken: polling.Turn) -> TryLater | Refused | None:
        """Take in page after page. Where each one ends is kept: what fails, or takes longer than a turn, is gone on
        with in the next. Only what is complete ends the first load."""
        wiring = connected.wiring
        now = self.registry.clock.now()
        cursor = taken.cursor
        everything: list[Seen] = []
        for _ in range(MOST_PAGES):
            page = await connected.call(connector.poll(cursor, now), NOT_READ)
            if isinstance(page, TryLater | Refused):
                return page
            await self._keep(connected, page)
            everything += page.seen
            cursor = page.cursor
            if page.complete:
                await self._finish(connected, cursor, everything if page.lists_all else [])
                return None
            async with self.registry.pools.intake.acquire() as connection:
                await polling.keep_place(connection, wiring.practice_id, wiring.connection_id, cursor)
        return None

    async def _finish(self, connected: Connected, cursor: str, listed: list[Seen]) -> None:
        wiring = connected.wiring
        async with self.registry.pools.intake.acquire() as connection:
            await polling.finish(connection, wiring.practice_id, wiring.connection_id, cursor)
        connected.wiring = polling.loaded(wiring)
        await self._missing(connected, listed)

    async def _keep(self, connected: Connected, page: Page) -> None:
        """Commit one page: only what differs from what was last seen becomes an observation. Where a copy's order is
        the number of its fetch, a page is older than it looks, and what differs is fetched (E3)."""
        wiring = connected.wiring
        async with self.registry.pools.intake.acquire() as connection, connection.transaction():
            if connected.manifest.version == "fetch" and await polling.is_loaded(connection, wiring):
                listed = [seen for seen in page.seen if isinstance(seen, SeenAppointment)]
                differing = await self.understanding.differing(connection, connected, listed)
                await self._fetch(connection, connected, differing)
                return
            reports = []
            since = self.registry.clock.now() - unseen_for(connected)
            for seen in page.seen:
                number = None
                if isinstance(seen, SeenAppointment):
                    number = await doors.fetch_number(
                        connection, wiring.practice_id, wiring.connection_id, seen.external_id
                    )
                reports.append(Report(seen, None, number, changed_at=since))
            await inbox.observe(connection, await self.understanding.arrived(connection, connected, reports))

    async def _missing(self, connected: Connected, seen: list[Seen]) -> None:
        """What the system no longer lists is asked for by id; only that says it is gone."""
        starts = [
            instant_of(s.content["start_at"])
            for s in seen
            if isinstance(s, SeenAppointment) and "start_at" in s.content
        ]
        if not starts:
            return
        wiring = connected.wiring
        here = {s.external_id for s in seen if isinstance(s, SeenAppointment)}
        now = self.registry.clock.now()
        async with self.registry.pools.intake.acquire() as connection:
            known = await polling.known_between(
                connection, wiring.practice_id, wiring.connection_id, max(min(starts), now), max(starts)
            )
            await self._fetch(connection, connected, sorted(known - here))

    async def _fetch(self, connection: Connection, connected: Connected, external_ids: list[str]) -> None:
        wiring, now = connected.wiring, self.registry.clock.now()
        since = now - unseen_for(connected)
        for external_id in external_ids:
            notice_id = make_id("polled", wiring.practice_id, wiring.connection_id, external_id, now)
            await inbox.want_fetch(
                connection, wiring.practice_id, notice_id, wiring.connection_id, external_id, now, since
            )
