"""What coordinators note of their time, by one instrument (D38). Written as the database's owner by the command line,
read by measures."""

from __future__ import annotations

from datetime import datetime

from caredispatch.core.happened import Noted
from caredispatch.core.ids import make_id
from caredispatch.store.measuring import baseline
from caredispatch.store.pools import Connection


async def instrument_in_use(connection: Connection, practice_id: str) -> str:
    """By which coordinators' minutes are measured: the baseline's instrument, or that of the latest note; empty where
    nothing is measured yet."""
    frozen = await baseline(connection, practice_id)
    if frozen is not None and frozen.instrument:
        return frozen.instrument
    return str(
        await connection.fetchval(
            "select instrument from care.coordinator_minutes where practice_id = $1 order by noted_at desc, entry_id "
            "limit 1",
            practice_id,
        )
        or ""
    )


async def note(connection: Connection, practice_id: str, who: str, noted: Noted, now: datetime) -> None:
    """Keep minutes of somebody's work. The same again at the same instant is one."""
    await connection.execute(
        "insert into care.coordinator_minutes "
        "(practice_id, entry_id, instrument, who, location, at, minutes, noted_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (practice_id, entry_id) do nothing",
        practice_id,
        make_id("minutes", practice_id, who, noted.at),
        noted.instrument,
        who,
        noted.location,
        noted.at,
        noted.minutes,
        now,
    )


async def begin(connection: Connection, practice_id: str, who: str, location: str, now: datetime) -> datetime | None:
    """Begin to count somebody's work. Since when it is counted already, where it is; None where this began it."""
    began: datetime | None = await connection.fetchval(
        "select at from care.coordinator_minutes where practice_id = $1 and who = $2 and minutes is null",
        practice_id,
        who,
    )
    if began is None:
        await connection.execute(
            "insert into care.coordinator_minutes (practice_id, entry_id, instrument, who, location, at, noted_at) "
            "values ($1, $2, 'tally', $3, $4, $5, $5)",
            practice_id,
            make_id("minutes", practice_id, who, now),
            who,
            location,
            now,
        )
    return began


async def end(connection: Connection, practice_id: str, who: str, now: datetime) -> float | None:
    """End it: how many minutes it was, at most a day; None where nothing was begun."""
    minutes: float | None = await connection.fetchval(
        "update care.coordinator_minutes set minutes = least(extract(epoch from $3 - at) / 60, 1440), noted_at = $3 "
        "where practice_id = $1 and who = $2 and minutes is null returning minutes",
        practice_id,
        who,
        now,
    )
    return minutes


async def noted_since(connection: Connection, practice_id: str, since: datetime) -> list[tuple[str, Noted]]:
    """What was noted since an instant, in order, with whose it is."""
    rows = await connection.fetch(
        "select who, at, minutes, instrument, location from care.coordinator_minutes where practice_id = $1 "
        "and at >= $2 and minutes is not null order by at, entry_id",
        practice_id,
        since,
    )
    return [(row[0], Noted(*row[1:])) for row in rows]


async def instruments_between(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> list[str]:
    """The instruments by which work between two instants was noted."""
    rows = await connection.fetch(
        "select distinct instrument from care.coordinator_minutes where practice_id = $1 and at >= $2 and at < $3 "
        "and minutes is not null order by instrument",
        practice_id,
        begin,
        end,
    )
    return [row[0] for row in rows]
