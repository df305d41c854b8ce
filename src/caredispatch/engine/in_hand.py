"""Outward calls that are under way. The loop that starts one never waits for it: one target that does not answer must
not hold up another. How many may be under way to a connection is the connection's business (`Connected.take`): whoever
takes a place gives it back when the call has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

log = structlog.get_logger("engine")


class InHand:
    """The calls of one loop. `ended` is called after each: what it held back may go now."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended = ended
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Start one call and what follows from its end."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Its lease runs out, and it is taken up again.
            log.error("call failed", error=type(error).__name__, exc_info=error)
        self._ended()

    def __len__(self) -> int:
        return len(self._tasks)

    async def settled(self) -> None:
        """Return when nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
