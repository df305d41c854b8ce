"""Signed checkpoints over the journal's chains, and the verification of both (E28): one chain per subject, so that
writers
don't queue behind each other; a checkpoint lists the heads that changed since the last and is signed over them."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from caredispatch.store.deciding import in_hand
from caredispatch.store.pools import Connection
from caredispatch.store.rows import canonical

_HEADS = """
select distinct on (subject_id) subject_id, seq, encode(hash, 'hex') from care.journal
 where practice_id = $1 and at >= coalesce((select max(at) from care.checkpoints where practice_id = $1),
     '-infinity') and at <= $2
 order by subject_id, seq desc
"""


def _sign(key: bytes, practice_id: str, at: datetime, heads: dict[str, list[object]], before: bytes) -> bytes:
    return hmac.new(key, canonical([practice_id, at, heads, before.hex()]), sha256).digest()


async def write(connection: Connection, practice_id: str, now: datetime, key: bytes) -> int:
    """Sign the heads that changed since the last checkpoint; returns how many. The caller holds a transaction."""
    await in_hand(connection, practice_id)
    if not await connection.fetchval("select pg_try_advisory_xact_lock(hashtextextended($1, 8323))", practice_id):
        return 0
    heads = {row[0]: [row[1], row[2]] for row in await connection.fetch(_HEADS, practice_id, now)}
    if not heads:
        return 0
    last = await connection.fetchval(
        "select signature from care.checkpoints where practice_id = $1 order by checkpoint_id desc limit 1", practice_id
    )
    signature = _sign(key, practice_id, now, heads, last or b"")
    await connection.execute(
        "insert into care.checkpoints (practice_id, at, heads, signature) values ($1, $2, $3, $4)",
        practice_id,
        now,
        heads,
        signature,
    )
    return len(heads)


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying found: entries and chains read, checkpoints checked, and each thing that is wrong."""

    entries: int
    chains: int
    checkpoints: int
    wrong: tuple[str, ...]


async def verify(connection: Connection, practice_id: str, key: bytes) -> Verified:
    """Recompute every chain and every signature. Completeness is claimed up to the last checkpoint only."""
    wrong: list[str] = []
    chains: dict[str, tuple[int, bytes]] = {}
    at: dict[tuple[str, int], str] = {}
    entries = 0
    async for row in connection.cursor(
        "select subject_id, seq, body, hash from care.journal where practice_id = $1 order by subject_id, seq",
        practice_id,
    ):
        subject, seq, body, found = row
        before, digest = chains.get(subject, (0, b""))
        expected = sha256(digest + body.encode()).digest()
        if seq != before + 1:
            wrong.append(f"{subject}: entry {before + 1} is missing")
        if expected != found:
            wrong.append(f"{subject}: entry {seq} was changed")
        chains[subject] = (seq, found)
        at[(subject, seq)] = found.hex()
        entries += 1
    signature = b""
    checked = 0
    for row in await connection.fetch(
        "select at, heads, signature from care.checkpoints where practice_id = $1 order by checkpoint_id", practice_id
    ):
        if not hmac.compare_digest(_sign(key, practice_id, row[0], row[1], signature), row[2]):
            wrong.append(f"the checkpoint of {row[0].isoformat()} is not ours")
        for subject, (seq, digest) in row[1].items():
            if at.get((subject, seq)) != digest:
                wrong.append(f"{subject}: entry {seq} is not what the checkpoint of {row[0].isoformat()} signed")
        signature = row[2]
        checked += 1
    return Verified(entries, len(chains), checked, tuple(wrong))
