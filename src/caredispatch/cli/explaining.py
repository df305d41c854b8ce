"""`explain`: what happened to a visit and why, from the recorded decisions, in a coordinator's words."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import typer

from caredispatch.app.composing import opened
from caredispatch.cli.failing import WrongUse
from caredispatch.core.records import Ask, State
from caredispatch.core.windows import zone
from caredispatch.store import journal
from caredispatch.store.deciding import in_hand, load
from caredispatch.store.pages import Entry
from caredispatch.store.pools import Connection
from caredispatch.store.rows import ASKS
from caredispatch.web.explaining import Names
from caredispatch.web.story import asked, head, told
from caredispatch.web.words import Audience

_FIND = """
select appointment_id from care.appointments where practice_id = $1 and appointment_id = $2
union select appointment_id from care.cases where practice_id = $1 and case_id = $2
union select appointment_id from care.asks where practice_id = $1 and ask_id = $2
union select coalesce(appointment_id, exception_id) from care.exceptions where practice_id = $1 and exception_id = $2
union select incident_id from care.incidents where practice_id = $1 and incident_id = $2
limit 1
"""


_OFFERS = f"""
select {", ".join(ASKS.columns)} from care.asks
 where practice_id = $1 and purpose = 'offer_slot'
   and options @> jsonb_build_array(jsonb_build_object('displaces', $2::text))
"""  # noqa: S608 our own column names


async def explain(folder: Path, what: str, as_json: bool, audience: str = "manager") -> int:
    """Tell one story. Raises WrongUse when the id leads to nothing, or nobody like that reads it."""
    reader: Audience
    match audience:
        case "colleague" | "manager":
            reader = audience
        case _:
            raise WrongUse(f"no reader {audience!r}; there are: colleague, manager")
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
                offers = await _offers(connection, practice_id, subject)
            if as_json:
                told = [{"seq": e.seq, "at": e.at.isoformat(), "kind": e.kind, **e.body} for e in chain]
                typer.echo(json.dumps(told))
            else:
                for line in _story(chain, Names(tenant.policy.directory), state, offers, reader):
                    typer.echo(line)
            return 0
    raise WrongUse(f"no visit, case, ask or exception, and no incident, has the id {what!r}")


def _story(chain: list[journal.Line], names: Names, state: State, offers: list[Ask], audience: Audience) -> list[str]:
    """How it stands, who was asked, the ledger of an entry of the waitlist, and what happened, in the site's zone."""
    local = zone(names.directory, state.appointment.location if state.appointment else "")
    found = head(state, names)
    if state.asks:
        found += ["", "Who was asked:", *asked(state.asks, names, local)]
    if offers:
        found += ["", "What was offered from the waitlist:", *asked(offers, names, local)]
    found += ["", "What happened:"]
    for line in chain:
        trace = line.body.get("decision", {}).get("trace", {})
        entry = Entry(line.seq, line.at, line.kind, line.body.get("playbook", 0), line.body.get("event", {}), trace)
        found += told(entry, state, names, local, audience)
    return found


async def _offers(connection: Connection, practice_id: str, subject: str) -> list[Ask]:
    """What was offered to an entry of the waitlist, whatever visit it became an offer of (D19)."""
    return [ASKS.build(tuple(row)) for row in await connection.fetch(_OFFERS, practice_id, subject)]


async def _subject(connection: Connection, practice_id: str, what: str) -> str | None:
    found: str | None = await connection.fetchval(_FIND, practice_id, what)
    return found
