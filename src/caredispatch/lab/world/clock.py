"""Business time and what is due in it: the world's clock and its list of future actions.

The wall clock comes in as a function; nothing here reads it otherwise. Stepped (speed 0), actions run
one after another when the conductor says so; else a background task starts each at its wall time. What
the actions do lives with the systems and the people.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import count

Wall = Callable[[], datetime]
Action = Callable[[], Awaitable[None]]


def iso(at: datetime) -> str:
    """An instant as the world's answers write it: UTC with `Z`, microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Clock:
    """Business time: `sim0 + (wall - wall0) * speed`; at speed 0 it stands until stepped."""

    def __init__(self, wall: Wall, sim0: datetime, speed: float, wall0: datetime | None = None) -> None:
        self.wall = wall
        self.set(sim0, speed, wall0)

    def set(self, sim0: datetime, speed: float, wall0: datetime | None = None) -> None:
        """Start counting anew from `sim0` at `wall0` (None: now)."""
        self.sim0 = sim0.astimezone(UTC)
        self.speed = speed
        self.wall0 = wall0 or self.wall()

    @property
    def stepped(self) -> bool:
        """Whether only the conductor moves time."""
        return self.speed == 0

    def now(self) -> datetime:
        """The business instant, UTC."""
        if self.stepped:
            return self.sim0
        return self.sim0 + (self.wall() - self.wall0) * self.speed

    def step(self, now: datetime) -> None:
        """Stepped only: time is `now`. Never back: an earlier instant is ignored."""
        self.sim0 = max(self.sim0, now.astimezone(UTC))

    def wall_seconds_until(self, due_at: datetime) -> float:
        """Wall seconds from now until a business instant; 0 when it has passed. Not for a stepped clock."""
        return max(0.0, (due_at - self.now()).total_seconds() / self.speed)


class Timeline:
    """The actions still to come, ordered by their instant and then by when they were asked for."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.under_way = 0
        self._order = count()
        self._due: list[tuple[datetime, int, Action]] = []
        self._changed = asyncio.Event()
        self._stepping = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._follower = asyncio.create_task(self._follow())

    def at(self, due_at: datetime, action: Action) -> None:
        """Perform `action` when business time reaches `due_at` (a past instant: as soon as anything runs)."""
        heapq.heappush(self._due, (max(due_at.astimezone(UTC), self.clock.now()), next(self._order), action))
        self._changed.set()

    def after(self, seconds: float, action: Action) -> None:
        """Perform `action` so many business seconds from now."""
        self.at(self.clock.now() + timedelta(seconds=seconds), action)

    def next_due_at(self) -> datetime | None:
        """The instant of the earliest action, None if there is none."""
        return self._due[0][0] if self._due else None

    def clock_changed(self) -> None:
        """Tell the background task that the clock runs differently now."""
        self._changed.set()

    async def run(self, now: datetime) -> None:
        """Stepped.

        Perform all that is due up to `now`, in order, each at its own instant; then time is `now`.
        """
        async with self._stepping:
            while self._due and self._due[0][0] <= now:
                due_at, _, action = heapq.heappop(self._due)
                self.clock.step(due_at)
                await self._perform(action)
            self.clock.step(now)

    async def _perform(self, action: Action) -> None:
        self.under_way += 1
        try:
            await action()
        finally:
            self.under_way -= 1

    async def _follow(self) -> None:
        """Unstepped: start each action at its wall time, without waiting for the one before."""
        while True:
            self._changed.clear()
            if self.clock.stepped or not self._due:
                await self._changed.wait()
                continue
            wait = self.clock.wall_seconds_until(self._due[0][0])
            if wait > 0:
                await self._woken_within(wait)
                continue
            _, _, action = heapq.heappop(self._due)
            task = asyncio.create_task(self._perform(action))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _woken_within(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    async def close(self) -> None:
        """Forget what is due and stop what runs."""
        self._due.clear()
        running = [self._follower, *self._tasks]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
