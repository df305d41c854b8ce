"""Where each poll stands: cursor, next turn, whether the first load is over. Under `caredispatch_intake`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from caredispatch.store.pools import Connection
from caredispatch.store.practices import Wiring

LONGEST = timedelta(minutes=10)
"""By the wall: a poll that takes longer is taken for one whose process died."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A poll that this process took: from which cursor."""

    cursor: str | None


async def due(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """The (practice, connection) pairs whose poll is due."""
    rows = await connection.fetch(
        "select practice_id, connection_id from care.connections where poll_at <= $1 order by poll_at", now
    )
    return [(row[0], row[1]) for row in rows]


async def take_turn(
    connection: Connection, practice_id: str, connection_id: str, now: datetime, following: datetime
) -> Turn | None:
    """Take the poll that is due, for this process alone; None when it is not due or another has it. Until `give_back`
    the connection is marked as being read."""
    row = await connection.fetchrow(
        "update care.connections set poll_at = $4, read_until = clock_timestamp() + $5::interval "
        "where practice_id = $1 and connection_id = $2 and poll_at <= $3 returning cursor",
        practice_id,
        connection_id,
        now,
        following,
        LONGEST,
    )
    return Turn(row[0]) if row else None


async def give_back(connection: Connection, practice_id: str, connection_id: str) -> None:
    """The poll is over, however it ended."""
    await connection.execute(
        "update care.connections set read_until = null where practice_id = $1 and connection_id = $2",
        practice_id,
        connection_id,
    )


async def keep_place(connection: Connection, practice_id: str, connection_id: str, cursor: str) -> None:
    """A page was taken in, and there are more: the next poll goes on from here, whatever becomes of this one."""
    await connection.execute(
        "update care.connections set cursor = $3 where practice_id = $1 and connection_id = $2",
        practice_id,
        connection_id,
        cursor,
    )


async def finish(connection: Connection, practice_id: str, connection_id: str, cursor: str) -> None:
    """A poll is complete: continue from here, and from now on changes may fire."""
    await connection.execute(
        "update care.connections set cursor = $3, loaded = true where practice_id = $1 and connection_id = $2",
        practice_id,
        connection_id,
        cursor,
    )


async def is_loaded(connection: Connection, wiring: Wiring) -> bool:
    """Whether the first load is over: any process may have finished it."""
    return wiring.loaded or bool(
        await connection.fetchval(
            "select loaded from care.connections where practice_id = $1 and connection_id = $2",
            wiring.practice_id,
            wiring.connection_id,
        )
    )


def loaded(wiring: Wiring) -> Wiring:
    """The wiring once its first load is over."""
    return replace(wiring, loaded=True)


async def known_between(
    connection: Connection, practice_id: str, connection_id: str, begin: datetime, end: datetime
) -> set[str]:
    """The external ids of upcoming visits that we know in a system between two instants."""
    rows = await connection.fetch(
        "select l.external_id from care.links l join care.appointments a using (practice_id, appointment_id) "
        "where l.practice_id = $1 and l.connection_id = $2 and a.start_at between $3 and $4 "
        "and a.status in ('proposed', 'pending', 'booked') and l.external_id is not null",
        practice_id,
        connection_id,
        begin,
        end,
    )
    return {row[0] for row in rows}
