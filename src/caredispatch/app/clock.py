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

    def __init__(self, pool: asyncpg.Pool[Any] | None = None) -> None:
        self._pool = pool
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
        if self._pool is not None:
            async with self._pool.acquire() as connection:
                self._row = await clock_row(connection)
            if self._row is None:
                self._pool = None

    async def drift(self, pool: asyncpg.Pool[Any]) -> timedelta:
        """How far this machine's clock is from the database's; more than a second, and it must not claim (E22)."""
        async with pool.acquire() as connection:
            before = wall()
            theirs: datetime = await connection.fetchval("select clock_timestamp()")
            return theirs - (before + (wall() - before) / 2)
