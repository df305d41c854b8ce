"""Scenes that were rehearsed, by the playbook's text: what must have passed before a stage goes live. Read and written
under the owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from caredispatch.store.pools import Connection


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One scene that was played under a seed, and whether it went as promised."""

    scene: str
    seed: int
    passed: bool


def digest_of(playbook: str) -> str:
    """By what a playbook's text is known: its SHA-256."""
    return sha256(playbook.encode()).hexdigest()


async def keep(
    connection: Connection, practice_id: str, playbook: str, played: Sequence[Rehearsed], at: datetime
) -> None:
    """Keep what was rehearsed of a playbook's text; a scene that is played again under its seed counts as it went
    last."""
    await connection.executemany(
        "insert into care.rehearsals (practice_id, playbook, scene, seed, passed, at) values ($1, $2, $3, $4, $5, $6) "
        "on conflict (practice_id, playbook, scene, seed) do update set passed = excluded.passed, at = excluded.at",
        [(practice_id, digest_of(playbook), r.scene, r.seed, r.passed, at) for r in played],
    )


async def passed_of(connection: Connection, practice_id: str, playbook: str) -> list[str]:
    """The scenes that passed with this playbook's text, one entry a seed."""
    rows = await connection.fetch(
        "select scene from care.rehearsals where practice_id = $1 and playbook = $2 and passed order by scene, seed",
        practice_id,
        digest_of(playbook),
    )
    return [row[0] for row in rows]
