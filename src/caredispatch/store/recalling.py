"""What acts of people need of the database beside what every decision does: an undone act's deliveries taken back, and
time given back before other time is taken. Under the user `caredispatch_decide`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caredispatch.core.observation import Acted
from caredispatch.store.deciding import Decided
from caredispatch.store.pools import Connection

_STILL_HERE = """
select delivery_id from care.deliveries where practice_id = $1 and delivery_id = any($2)
   and state = 'pending' and lease_until is null order by delivery_id for update
"""


async def recall(connection: Connection, practice_id: str, decided: Sequence[Decided]) -> set[str]:
    """Take back what an undone act let out; the subjects of which something is on its way after all."""
    refused: set[str] = set()
    for d in decided:
        if not d.decision.recalled or d.item.subject_id in refused:
            continue
        wanted = list(d.decision.recalled)
        rows = await connection.fetch(_STILL_HERE, practice_id, wanted)
        withdrawn = await connection.fetch(
            "select delivery_id from care.deliveries where practice_id = $1 and delivery_id = any($2) "
            "and state = 'withdrawn'",
            practice_id,
            wanted,
        )
        here = {row[0] for row in (*rows, *withdrawn)}
        if not set(wanted) <= here:
            refused.add(d.item.subject_id)
            continue
        await connection.execute(
            "update care.deliveries set state = 'withdrawn' where practice_id = $1 and delivery_id = any($2) "
            "and state = 'pending'",
            practice_id,
            wanted,
        )
    return refused


async def give_first(connection: Connection, decided: Sequence[Decided]) -> list[dict[str, Any]]:
    """What an act gives back is gone before it takes anything: a visit that joins another's session must not be in its
    own way (E8). Returns the rows."""
    acts = [d for d in decided if isinstance(d.item.event, Acted) and d.decision.vacate and d.decision.occupy]
    gone = [i for d in acts for i in d.decision.vacate]
    if not gone:
        return []
    practice_id = acts[0].decision.occupy[0].practice_id
    rows = await connection.fetch(
        "delete from care.occupations where practice_id = $1 and appointment_id = any($2) and occupation_id = any($3) "
        "returning practice_id, occupation_id, session_id, appointment_id, resource_id, start_at, end_at",
        practice_id,
        [d.item.subject_id for d in acts],
        gone,
    )
    return [dict(row) for row in rows]
