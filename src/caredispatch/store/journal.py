"""The journal outside the deciding transaction: entries that are not decisions (somebody looked at identity), and
reading a chain back (E28)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

from caredispatch.store.pools import Connection
from caredispatch.store.rows import canonical


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a chain."""

    seq: int
    at: datetime
    kind: str
    body: dict[str, Any]


async def append(
    connection: Connection, practice_id: str, subject_id: str, kind: str, body: object, at: datetime
) -> None:
    """Add one entry to a subject's chain, behind its door. The caller holds a transaction."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1::text, 8321))", subject_id)
    last = await connection.fetchrow(
        "select seq, hash from care.journal where practice_id = $1 and subject_id = $2 order by seq desc limit 1",
        practice_id,
        subject_id,
    )
    text = canonical(body)
    await connection.execute(
        "insert into care.journal (practice_id, subject_id, seq, at, kind, body, hash) values ($1, $2, $3, $4, "
        "$5, $6, $7)",
        practice_id,
        subject_id,
        (last[0] if last else 0) + 1,
        at,
        kind,
        text.decode(),
        sha256((last[1] if last else b"") + text).digest(),
    )


async def chain(connection: Connection, practice_id: str, subject_id: str) -> list[Line]:
    """All entries of a subject, oldest first."""
    rows = await connection.fetch(
        "select seq, at, kind, body from care.journal where practice_id = $1 and subject_id = $2 order by seq",
        practice_id,
        subject_id,
    )
    return [Line(row[0], row[1], row[2], orjson.loads(row[3])) for row in rows]


async def decided_between(
    connection: Connection, practice_id: str, begin: datetime, end: datetime
) -> list[tuple[str, int, str]]:
    """The decisions of some days in the order in which they were made: (subject, seq, body as hashed)."""
    rows = await connection.fetch(
        "select subject_id, seq, body from care.journal where practice_id = $1 and at >= $2 and at < $3 "
        "and kind <> 'looked' order by at, subject_id, seq",
        practice_id,
        begin,
        end,
    )
    return [(row[0], row[1], row[2]) for row in rows]
