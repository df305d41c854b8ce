"""DESIGN's ten promises, judged from what the outside world saw and from the database, not from the code's own flags.
Each is True, or a sentence that says what broke it. Those about the inside are in `verdicts.py`, those of which the
outside world is the witness in `witness.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from caredispatch.lab.evidence import Evidence, Verdict, gathered
from caredispatch.lab.verdicts import (
    delivered_or_visible,
    deterministic,
    explained,
    no_case_waits,
    no_double_booking,
    nothing_after_yes,
)
from caredispatch.lab.witness import left_alone, no_identity_outside, nothing_lost, time_right
from caredispatch.lab.world.client import WorldClient
from caredispatch.store.vault import MasterKey


async def judge(
    connection: asyncpg.Connection[asyncpg.Record],
    world: WorldClient,
    key: MasterKey,
    folder: Path,
    practices: Sequence[str],
) -> dict[str, Verdict]:
    """Judge all ten, over all practices."""
    evidence = await gathered(connection, world, key, folder, practices)
    promises: dict[str, Callable[[Evidence], Awaitable[Verdict]]] = {
        "nothing_lost": nothing_lost,
        "no_double_booking": no_double_booking,
        "no_case_waits": no_case_waits,
        "nothing_after_yes": nothing_after_yes,
        "delivered_or_visible": delivered_or_visible,
        "explained": explained,
        "deterministic": deterministic,
        "no_identity_outside": no_identity_outside,
        "left_alone": left_alone,
        "time_right": time_right,
    }
    return {name: await look(evidence) for name, look in promises.items()}


async def metrics(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, Any]:
    """A few figures of the run, in business seconds."""
    row = await connection.fetchrow(
        """
        select (select count(*)::int from care.appointments) as appointments,
               (select count(*)::int from care.journal) as decisions,
               (select count(*)::int from care.asks where purpose <> 'inform_staff') as asks,
               (select count(*)::int from care.deliveries where kind = 'tell' and state in ('accepted', 'delivered'))
                   as texts,
               (select count(*)::int from care.deliveries where kind = 'write' and state = 'delivered') as writes,
               (select count(*)::int from care.links where state = 'landed') as landed,
               (select count(*)::int from care.exceptions where kind <> 'call') as exceptions,
               (select round(extract(epoch from max(k.asked_at - c.opened_at)))::int from care.cases c
                  join care.asks k using (practice_id, case_id) where c.kind = 'cover' and k.purpose = 'cover'
                   and k.step = 0) as slowest_cover_ask_s,
               (select round(extract(epoch from max(k.delivered_at - k.asked_at)))::int from care.asks k
                 where k.purpose = 'inform_staff') as slowest_provider_told_s"""
    )
    assert row is not None
    return dict(row)
