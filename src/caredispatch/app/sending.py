"""Pausing what goes out: of one practice, or of the whole installation (D8). Like accounts, written by the database's
owner only. What waits stays where it is and goes out afterwards, unless it is too late by then."""

from __future__ import annotations

from caredispatch.app.setting_up import as_owner


class Sending:
    """Holds and releases sending."""

    def __init__(self, owner_dsn: str) -> None:
        self._dsn = owner_dsn

    async def pause(self, practice_id: str | None, *, paused: bool) -> None:
        """Hold or release all sending of a practice; None: of every practice."""
        connection = await as_owner(self._dsn)
        try:
            await connection.execute(
                "update care.practices set sending_paused = $2 where $1::uuid is null or practice_id = $1",
                practice_id,
                paused,
            )
        finally:
            await connection.close()
