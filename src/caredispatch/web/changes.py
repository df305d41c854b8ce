"""What changed, for the live pages: one look a second per practice that somebody watches, however many watch (E32).
The stream says only that a view changed; the page then asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import structlog

from caredispatch.store import pages
from caredispatch.web.services import WebServices

EVERY_SECONDS = 1.0
# Decisions of several workers commit out of order by a little, and business time may run faster than the wall.
_LEAST_LOOK_BACK = timedelta(seconds=30)

log = structlog.get_logger("live")


class _Watched:
    """One practice that is being watched: its poller, and a condition that wakes the watchers."""

    def __init__(self) -> None:
        self.watchers = 0
        self.known: dict[str, int] | None = None
        self.looked_at: datetime | None = None
        self.changed: dict[str, int] = {}
        self.condition = asyncio.Condition()
        self.task: asyncio.Task[None] | None = None


class Changes:
    """Watches the journals of practices while anybody looks."""

    def __init__(self, services: WebServices) -> None:
        self._services = services
        self._watched: dict[str, _Watched] = {}
        self._versions: dict[str, int] = {}

    def version(self, practice_id: str) -> int:
        """Grows with every change that is known here."""
        return self._versions.get(practice_id, 0)

    def bump(self, practice_id: str) -> None:
        """Something was just changed from this process."""
        self._versions[practice_id] = self.version(practice_id) + 1

    async def watch(self, practice_id: str, subject_id: str | None) -> AsyncIterator[bool]:
        """Yields at most once a second: True when the subject (None: anything) changed, False as a sign of life."""
        watched = self._watched.setdefault(practice_id, _Watched())
        watched.watchers += 1
        if watched.task is None:
            watched.task = asyncio.create_task(self._poll(practice_id, watched))
        try:
            seen = self.version(practice_id)
            while True:
                yield await self._next(practice_id, watched, subject_id, seen)
                seen = self.version(practice_id)
        finally:
            watched.watchers -= 1
            if watched.watchers == 0 and watched.task is not None:
                watched.task.cancel()
                watched.task = None
                watched.known = None

    async def _next(self, practice_id: str, watched: _Watched, subject_id: str | None, seen: int) -> bool:
        """Wait for a change that concerns the watcher, fifteen seconds at most."""
        try:
            async with asyncio.timeout(15), watched.condition:
                while True:
                    await watched.condition.wait()
                    if self.version(practice_id) > seen and (subject_id is None or subject_id in watched.changed):
                        return True
        except TimeoutError:
            return False

    async def _poll(self, practice_id: str, watched: _Watched) -> None:
        while True:
            try:
                await self._look(practice_id, watched)
            except Exception as error:  # the next look may succeed; watchers keep their stream
                log.warning("look failed", error=type(error).__name__)
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self, practice_id: str, watched: _Watched) -> None:
        now = self._services.clock.now()
        since = now - max(_LEAST_LOOK_BACK, 3 * (now - (watched.looked_at or now)))
        watched.looked_at = now
        async with pages.in_practice(self._services.pool, practice_id) as connection:
            found = await pages.changed_since(connection, practice_id, since)
        known = watched.known
        watched.known = found
        changed = {s: seq for s, seq in found.items() if known is not None and known.get(s) != seq}
        if changed:
            self.bump(practice_id)
            async with watched.condition:
                watched.changed = changed
                watched.condition.notify_all()
