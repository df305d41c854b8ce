"""`explain`: what happened to a visit and why, from the recorded decisions, in a coordinator's words."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from caredispatch.app.composing import opened
from caredispatch.cli.failing import WrongUse
from caredispatch.store import journal
from caredispatch.store.deciding import in_hand
from caredispatch.store.pools import Connection
from caredispatch.web.explaining import told_entry

_FIND = """
select appointment_id from care.appointments where practice_id = $1 and appointment_id = $2
union select appointment_id from care.cases where practice_id = $1 and case_id = $2
union select appointment_id from care.asks where practice_id = $1 and ask_id = $2
union select coalesce(appointment_id, exception_id) from care.exceptions where practice_id = $1 and exception_id = $2
limit 1
"""


async def explain(folder: Path, what: str, as_json: bool) -> int:
    """Tell the story of one visit. Raises WrongUse when the id leads to nothing."""
    async with opened(folder) as app:
        for tenant in app.registry.tenants():
            practice_id = tenant.practice.practice_id
            async with app.pools.decide.acquire() as connection, connection.transaction():
                await in_hand(connection, practice_id)
                subject = await _subject(connection, practice_id, what)
                if subject is None:
                    continue
                lines = await journal.chain(connection, practice_id, subject)
            if as_json:
                typer.echo(
                    json.dumps([{"seq": e.seq, "at": e.at.isoformat(), "kind": e.kind, **e.body} for e in lines])
                )
            else:
                for entry in lines:
                    for line in told_entry(entry, tenant.policy.directory):
                        typer.echo(line)
            return 0
    raise WrongUse(f"no visit, case, ask or exception has the id {what!r}")


async def _subject(connection: Connection, practice_id: str, what: str) -> str | None:
    try:
        found: str | None = await connection.fetchval(_FIND, practice_id, what)
    except ValueError:
        return None
    return found
