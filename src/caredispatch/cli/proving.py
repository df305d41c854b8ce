"""`proof`: that contractual orders of asking were kept (D30), round by round, from the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import orjson
import typer

from caredispatch.app.composing import opened
from caredispatch.core.playbook import AskStep, Playbook
from caredispatch.insights.orders import Proof, Round, add_line
from caredispatch.policy.reader import read_playbook
from caredispatch.store import journal
from caredispatch.store.deciding import in_hand
from caredispatch.store.pools import Connection
from caredispatch.store.practices import directory_of, jsonable, playbook_source


async def prove(folder: Path, since: date, until: date, as_json: bool) -> int:
    """Print every round that was asked in such an order, and each in which it was not kept; 1 if there is one."""
    proof = Proof()
    begin = datetime.combine(since, time(), UTC)
    end = datetime.combine(until + timedelta(days=1), time(), UTC)
    async with opened(folder) as app:
        for tenant in app.registry.tenants():
            practice_id = tenant.practice.practice_id
            async with app.pools.decide.acquire() as connection, connection.transaction():
                await in_hand(connection, practice_id)
                await _read(connection, practice_id, begin, end, proof)
    if as_json:
        broken = [f"{r.subject_id}/{r.seq}" for r in proof.broken]
        typer.echo(json.dumps({"rounds": [asdict(r) for r in proof.rounds], "broken": broken}, default=str))
    else:
        for line in _told(proof.rounds):
            typer.echo(line)
    return 1 if proof.broken else 0


async def _read(connection: Connection, practice_id: str, begin: datetime, end: datetime, proof: Proof) -> None:
    directories: dict[int, dict[str, Any]] = {}
    pools: dict[int, set[str]] = {}
    for subject, seq, text in await journal.decided_between(connection, practice_id, begin, end):
        body = orjson.loads(text)
        if body["directory"] not in directories:
            directory = await directory_of(connection, practice_id, body["directory"])
            directories[body["directory"]] = jsonable(directory.staff) if directory else {}
        if body["playbook"] not in pools:
            source = await playbook_source(connection, practice_id, body["playbook"])
            pools[body["playbook"]] = _pool_steps(read_playbook(source)) if source else set()
        add_line(proof, subject, seq, body, directories[body["directory"]], pools[body["playbook"]])


def _pool_steps(playbook: Playbook) -> set[str]:
    return {
        f"{name}:{number}"
        for name, path in playbook.paths.items()
        for number, step in enumerate(path.steps)
        if isinstance(step, AskStep) and step.whom == "pool"
    }


def _told(rounds: Iterable[Round]) -> list[str]:
    lines = []
    for one in rounds:
        lines.append(f"{one.at}  visit {one.subject_id}  by {one.ordering}: {'kept' if one.kept else 'NOT KEPT'}")
        for number, turn in enumerate(one.turns, 1):
            why = "asked" if turn.asked else turn.passed_over or "not yet"
            lines.append(f"    {number}. {turn.handle}: {why}")
    return lines or ["No pool was asked in an order of law or contract in these days."]
