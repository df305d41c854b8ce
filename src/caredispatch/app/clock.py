"""The one clock (E22). Business time decides; wire time checks signatures. The row `care.clock` is read by all
processes: speed 1 is production, a higher one the demo, 0 is stepped by a conductor."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from caredispatch.store.practices import clock_row


def wall() -> datetime:
    """Wire time, UTC."""
    return datetime.now(UTC)


class BusinessClock:
    """Business time from the database's clock row; real time where there is none."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool
        self._real = False
        self._row: tuple[datetime, datetime, float] | None = None

    def now(self) -> datetime:
        """Business time, UTC."""
        if self._row is None:
            return wall()
        wall0, sim0, speed = self._row
        return sim0 + (wall() - wall0) * speed

    def wall(self) -> datetime:
        """Wire time, UTC."""
        return wall()

    @property
    def speed(self) -> float:
        """How much faster than the wall business time runs; 0 when it is stepped."""
        return 1.0 if self._row is None else self._row[2]

    async def refresh(self) -> None:
        """Read the row again. In real time there is none, and nothing is asked after the first look."""
        if not self._real:
            async with self._pool.acquire() as connection:
                self._row = await clock_row(connection)
            self._real = self._row is None

    async def off_by(self) -> timedelta:
        """How far this machine's clock is from the database's; nothing where business time is not real time. More than
        a second, and this process must not claim work (E22)."""
        if self.speed != 1.0:
            return timedelta(0)
        async with self._pool.acquire() as connection:
            before = wall()
            theirs: datetime = await connection.fetchval("select clock_timestamp()")
            return abs(theirs - (before + (wall() - before) / 2))
