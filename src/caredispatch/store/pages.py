"""What pages read: under the user `caredispatch_web`, one practice named for each transaction, nothing of the vault.
States are read as decisions read them, so that a page shows what the next decision will see."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from caredispatch.core.ids import Id
from caredispatch.core.records import Delivery, Exception_, Incident, State
from caredispatch.core.series import GATHERED
from caredispatch.store.deciding import in_hand, load
from caredispatch.store.pools import Connection
from caredispatch.store.rows import DELIVERIES, EXCEPTIONS, INCIDENTS

MOST_EXCEPTIONS = 300
MOST_ENTRIES = 200


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision as the journal keeps it, without its facts. `event` and `trace` are plain JSON; `playbook` is the
    version that it followed."""

    seq: int
    at: datetime
    kind: str
    playbook: int
    event: dict[str, Any]
    trace: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery with what became of it."""

    delivery: Delivery
    state: str
    sent_at: datetime | None
    code: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Ran:
    """A case that settled without a person."""

    appointment_id: Id
    kind: str
    role: str
    outcome: str
    rule: str
    opened_at: datetime
    closed_at: datetime
    asked: int


@dataclass(frozen=True, slots=True)
class Today:
    """What ran by itself since a local midnight. `median_seconds` from opening to settling, None without any."""

    decisions: int
    settled: int
    median_seconds: float | None
    resolved: int
    latest: tuple[Ran, ...]


@dataclass(frozen=True, slots=True)
class AskDoor:
    """Where a signed link leads. `time_zone` and `language` are the recipient's; `waiting`: an answer given on the
    page is not decided yet; `claimed`: a person works on the case."""

    appointment_id: Id
    time_zone: str | None
    language: str
    waiting: bool
    claimed: bool


@asynccontextmanager
async def in_practice(pool: asyncpg.Pool[asyncpg.Record], practice_id: str) -> AsyncIterator[Connection]:
    """One transaction that sees one practice (E26)."""
    async with pool.acquire() as connection, connection.transaction():
        await in_hand(connection, practice_id)
        yield connection


async def open_exceptions(connection: Connection, practice_id: str) -> list[Exception_]:
    """What needs a human now, the oldest deadline first; at most 300."""
    where = "practice_id = $1 and state <> 'resolved' order by ack_by, exception_id limit $2"
    return await EXCEPTIONS.fetch(connection, where, practice_id, MOST_EXCEPTIONS)


async def exception(connection: Connection, practice_id: str, exception_id: str) -> Exception_ | None:
    """One exception, resolved or not."""
    found = await EXCEPTIONS.fetch(connection, "practice_id = $1 and exception_id = $2", practice_id, exception_id)
    return found[0] if found else None


async def states(connection: Connection, practice_id: str, appointment_ids: Sequence[str]) -> dict[str, State]:
    """Visits with everything that is decided about together; those that don't exist are left out."""
    ids = sorted(set(appointment_ids))
    if not ids:
        return {}
    loaded = await load(connection, practice_id, ids)
    return {key: state for key, state in loaded.states.items() if state.appointment is not None}


_ENTRIES = """
select seq, at, kind, (body::jsonb ->> 'playbook')::int, body::jsonb -> 'event', body::jsonb #> '{decision,trace}'
  from care.journal where practice_id = $1 and subject_id = $2
"""


async def journal(connection: Connection, practice_id: str, subject_id: str) -> list[Entry]:
    """What was decided about a subject, newest first; at most 200 entries."""
    rows = await connection.fetch(f"{_ENTRIES} order by seq desc limit $3", practice_id, subject_id, MOST_ENTRIES)
    return [_entry(row) for row in rows]


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(row[0], row[1], row[2], row[3] or 0, row[4] or {}, row[5] or {})


async def last_ranking(connection: Connection, practice_id: str, appointment_id: str) -> Entry | None:
    """The latest decision about a visit that considered anybody."""
    row = await connection.fetchrow(
        f"{_ENTRIES} and jsonb_array_length(coalesce(body::jsonb #> '{{decision,trace,candidates}}', '[]')) > 0 "
        "order by seq desc limit 1",
        practice_id,
        appointment_id,
    )
    return _entry(row) if row else None


async def sent(connection: Connection, practice_id: str, appointment_id: str) -> list[Sent]:
    """Everything that was let out about a visit, in order."""
    names = ", ".join(DELIVERIES.columns)
    rows = await connection.fetch(
        f"select state, sent_at, code, attempts, {names} from care.deliveries "  # noqa: S608  # our own column names
        "where practice_id = $1 and appointment_id = $2 order by seq",
        practice_id,
        appointment_id,
    )
    return [Sent(DELIVERIES.build(tuple(row)[4:]), row[0], row[1], row[2], row[3]) for row in rows]


async def sending_paused(connection: Connection, practice_id: str) -> bool:
    """Whether everything that the practice sends is held (D8)."""
    return bool(
        await connection.fetchval("select sending_paused from care.practices where practice_id = $1", practice_id)
    )


async def incidents(connection: Connection, practice_id: str, since: datetime) -> list[Incident]:
    """What people announced since an instant, the newest first; what a source did with a series is none of it."""
    where = "practice_id = $1 and at >= $2 and kind <> all($3) order by at desc, incident_id limit 50"
    return await INCIDENTS.fetch(connection, where, practice_id, since, list(GATHERED))


async def undecided(connection: Connection, practice_id: str, subject_id: str) -> bool:
    """Whether something that a person did about this subject still waits to be decided."""
    return bool(
        await connection.fetchval(
            "select true from care.observations where practice_id = $1 and subject_id = $2 and state = 'pending' "
            "and kind in ('acted', 'answered') limit 1",
            practice_id,
            subject_id,
        )
    )


async def held_visits(connection: Connection, practice_id: str, connection_id: str) -> list[Id]:
    """Visits of a source whose triggers wait behind its volume exception (D8)."""
    rows = await connection.fetch(
        "select appointment_id from care.appointments where practice_id = $1 and source = $2 and held_triggers <> '{}' "
        "order by start_at, appointment_id",
        practice_id,
        connection_id,
    )
    return [row[0] for row in rows]


async def ask_door(connection: Connection, practice_id: str, ask_id: str) -> AskDoor | None:
    """Where the link to an ask leads."""
    row = await connection.fetchrow(
        """
        select a.appointment_id, coalesce(c.time_zone, p.time_zone), coalesce(p.language, 'en'),
               exists (select from care.observations o where o.practice_id = a.practice_id
                   and o.subject_id = a.appointment_id and o.state = 'pending' and o.kind = 'answered'
                   and o.body ->> 'ask_id' = a.ask_id::text),
               exists (select from care.exceptions e where e.practice_id = a.practice_id
                   and e.appointment_id = a.appointment_id and e.case_id = a.case_id and e.state = 'claimed')
          from care.asks a
          left join care.contacts c on (c.practice_id, c.contact_id) = (a.practice_id, a.contact_id)
          left join care.patients p on (p.practice_id, p.patient_id) = (a.practice_id, a.person_id)
         where a.practice_id = $1 and a.ask_id = $2""",
        practice_id,
        ask_id,
    )
    return AskDoor(*row) if row else None


_LISTED = """
select l.ask_id
  from care.deliveries d
 cross join lateral (
    select m.ask_id, m.appointment_id from care.deliveries m
     where m.practice_id = d.practice_id and m.joined_to = coalesce(d.joined_to, d.delivery_id)
    union
    select m.ask_id, m.appointment_id from care.deliveries m
     where m.practice_id = d.practice_id and m.delivery_id = coalesce(d.joined_to, d.delivery_id)) l
  join care.appointments a on a.practice_id = d.practice_id and a.appointment_id = l.appointment_id
 where d.practice_id = $1 and d.ask_id = $2 and d.kind = 'tell' and l.ask_id is not null
 group by l.ask_id, a.start_at order by a.start_at, l.ask_id
"""


async def listed_with(connection: Connection, practice_id: str, ask_id: str) -> list[Id]:
    """The asks that were put in one message with this one (E18), itself among them, in the order of their visits."""
    return [Id(row[0]) for row in await connection.fetch(_LISTED, practice_id, ask_id)]


_LATEST = """
select c.appointment_id, c.kind, c.role, coalesce(c.outcome, ''), c.rule, c.opened_at, c.closed_at,
       (select count(*)::int from care.asks a where a.practice_id = c.practice_id
           and a.appointment_id = c.appointment_id and a.case_id = c.case_id)
  from care.cases c where c.practice_id = $1 and c.state = 'settled' and c.closed_at >= $2
 order by c.closed_at desc, c.case_id limit 8
"""


async def today(connection: Connection, practice_id: str, since: datetime) -> Today:
    """What ran by itself since an instant."""
    decisions = await connection.fetchval(
        "select count(*) from care.journal where practice_id = $1 and at >= $2", practice_id, since
    )
    row = await connection.fetchrow(
        "select count(*), percentile_cont(0.5) within group (order by extract(epoch from closed_at - opened_at)) "
        "from care.cases where practice_id = $1 and state = 'settled' and closed_at >= $2",
        practice_id,
        since,
    )
    resolved = await connection.fetchval(
        "select count(*) from care.exceptions where practice_id = $1 and state = 'resolved' and resolved_at >= $2",
        practice_id,
        since,
    )
    latest = tuple(Ran(*found) for found in await connection.fetch(_LATEST, practice_id, since))
    assert row is not None
    return Today(decisions, row[0], row[1], resolved, latest)


async def changed_since(connection: Connection, practice_id: str, at: datetime) -> dict[str, int]:
    """The subjects that were decided about since an instant, with the number of their latest entry."""
    rows = await connection.fetch(
        "select subject_id, max(seq) from care.journal where practice_id = $1 and at >= $2 group by subject_id",
        practice_id,
        at,
    )
    return {row[0]: row[1] for row in rows}
