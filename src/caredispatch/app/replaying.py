"""Replaying the journal: every decision made again from its recorded inputs, compared byte for byte (promise 7)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import orjson
from pydantic import TypeAdapter

from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy, apply
from caredispatch.core.playbook import Playbook
from caredispatch.core.records import State
from caredispatch.engine.deciding import Entry
from caredispatch.policy.reader import read_playbook
from caredispatch.store.practices import directory_of, playbook_source
from caredispatch.store.rows import canonical

_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many decisions were made again, and which came out differently (`subject/seq`)."""

    decisions: int
    differing: tuple[str, ...]


async def replay(connection: asyncpg.Connection[asyncpg.Record], practice_id: str) -> Replayed:
    """Make every journalled decision of a practice again, from an empty state on."""
    playbooks: dict[int, Playbook] = {}
    directories: dict[int, Any] = {}
    rows = await connection.fetch(
        "select subject_id, seq, body from care.journal where practice_id = $1 and kind <> 'looked' order by "
        "subject_id, seq",
        practice_id,
    )
    states: dict[str, State] = {}
    differing: list[str] = []
    for subject, seq, body in rows:
        entry = _ENTRY.validate_json(body)
        if entry.playbook not in playbooks:
            source = await playbook_source(connection, practice_id, entry.playbook)
            read = read_playbook(source or "")
            playbooks[entry.playbook] = replace(read, version=entry.playbook)
        if entry.directory not in directories:
            directories[entry.directory] = await directory_of(connection, practice_id, entry.directory)
        policy = Policy(directories[entry.directory], playbooks[entry.playbook], playbooks)
        state = entry.state or states.get(subject, State())
        again: Decision = decide(state, entry.facts, entry.event, policy, entry.now)
        if orjson.loads(canonical(again)) != orjson.loads(body)["decision"]:
            differing.append(f"{subject}/{seq}")
        after = apply(state, entry.decision)
        # An exception alone keeps no state in the chain: each of its entries brings its own.
        states[subject] = after if after.appointment is not None or after.incident is not None else State()
    return Replayed(len(rows), tuple(differing))
