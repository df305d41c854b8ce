"""`explain`: what happened to a visit and why, from the recorded decisions, in a coordinator's words."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import typer

from caredispatch.app.composing import opened
from caredispatch.cli.failing import WrongUse
from caredispatch.core.records import State
from caredispatch.core.windows import zone
from caredispatch.store import journal
from caredispatch.store.deciding import in_hand, load
from caredispatch.store.pages import Entry
from caredispatch.store.pools import Connection
from caredispatch.web.explaining import Names, lines, ranking

_FIND = """
select appointment_id from care.appointments where practice_id = $1 and appointment_id = $2
union select appointment_id from care.cases where practice_id = $1 and case_id = $2
union select appointment_id from care.asks where practice_id = $1 and ask_id = $2
union select coalesce(appointment_id, exception_id) from care.exceptions where practice_id = $1 and exception_id = $2
limit 1
"""


async def explain(folder: Path, what: str, as_json: bool) -> int:
    """Tell the story of one visit. Raises WrongUse when the id leads to nothing."""
    try:
        UUID(what)
    except ValueError:
        raise WrongUse(f"{what!r} is no id: copy it from the address of a case page, or from --json") from None
    async with opened(folder) as app:
        for tenant in app.registry.tenants():
            practice_id = tenant.practice.practice_id
            async with app.pools.decide.acquire() as connection, connection.transaction():
                await in_hand(connection, practice_id)
                subject = await _subject(connection, practice_id, what)
                if subject is None:
                    continue
                chain = await journal.chain(connection, practice_id, subject)
                state = (await load(connection, practice_id, [subject])).states[subject]
            if as_json:
                told = [{"seq": e.seq, "at": e.at.isoformat(), "kind": e.kind, **e.body} for e in chain]
                typer.echo(json.dumps(told))
            else:
                for line in _story(chain, Names(tenant.policy.directory), state):
                    typer.echo(line)
            return 0
    raise WrongUse(f"no visit, case, ask or exception has the id {what!r}")


def _story(chain: list[journal.Line], names: Names, state: State) -> list[str]:
    """A line for all that happened, in the visit's zone; who was considered stands under the decision that ranked."""
    told: list[str] = []
    local = zone(names.directory, state.appointment.location if state.appointment else "")
    for line in chain:
        trace = line.body.get("decision", {}).get("trace", {})
        entry = Entry(line.seq, line.at, line.kind, line.body.get("playbook", 0), line.body.get("event", {}), trace)
        at = f"{line.at.astimezone(local):%a %H:%M:%S}"
        for said in lines(entry, names):
            told.append(f"{at}  {' '.join(part for part in (said.who, said.text, said.extra) if part)}")
        for one in ranking(entry, state, names):
            against = f"; not: {', '.join(one.against)}" if one.against else ""
            told.append(f"                {one.name}: {', '.join(one.for_) or 'nothing special'}{against}")
    return told


async def _subject(connection: Connection, practice_id: str, what: str) -> str | None:
    found: str | None = await connection.fetchval(_FIND, practice_id, what)
    return found
