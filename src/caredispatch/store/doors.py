"""Where external ids lead (E5): the door of each copy, what was last seen behind it, and the number of its next fetch
(E3). Under the user `caredispatch_intake`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.content import Content
from caredispatch.store.pools import Connection

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_FETCH_NUMBER = """
update care.doors set fetches = fetches + 1 where practice_id = $1 and connection_id = $2 and external_id = $3
returning fetches
"""


async def open_one(
    connection: Connection, practice_id: str, connection_id: str, external_id: str, appointment_id: str
) -> str:
    """Where an external id leads; this appointment, if it led nowhere yet. Returns the appointment's id."""
    found: str = await connection.fetchval(
        "insert into care.doors (practice_id, connection_id, external_id, appointment_id) values ($1, $2, $3, $4) "
        "on conflict (practice_id, connection_id, external_id) do update set fetches = care.doors.fetches "
        "returning appointment_id",
        practice_id,
        connection_id,
        external_id,
        appointment_id,
    )
    return found


async def open_all(
    connection: Connection, practice_id: str, connection_id: str, wanted: dict[str, str]
) -> dict[str, str]:
    """Where several external ids lead (external id -> appointment id); new ones lead where `wanted` says."""
    ids = sorted(wanted)
    await connection.execute(
        "insert into care.doors (practice_id, connection_id, external_id, appointment_id) "
        "select $1, $2, e, a from unnest($3::text[], $4::uuid[]) as t(e, a) on conflict do nothing",
        practice_id,
        connection_id,
        ids,
        [wanted[i] for i in ids],
    )
    return await behind(connection, practice_id, connection_id, ids)


async def behind(
    connection: Connection, practice_id: str, connection_id: str, external_ids: Sequence[str]
) -> dict[str, str]:
    """Where external ids lead, for those that lead somewhere."""
    rows = await connection.fetch(
        "select external_id, appointment_id from care.doors "
        "where practice_id = $1 and connection_id = $2 and external_id = any($3)",
        practice_id,
        connection_id,
        list(external_ids),
    )
    return {row[0]: row[1] for row in rows}


@dataclass(frozen=True, slots=True)
class KnownCopy:
    """Where an external id leads, what was last seen there, and what we sent or want since (E4)."""

    appointment_id: str
    seen: Content
    sent: list[Content]


async def known_copies(
    connection: Connection, practice_id: str, connection_id: str, external_ids: Sequence[str]
) -> dict[str, KnownCopy]:
    """The copies that are known of some external ids of one system."""
    rows = await connection.fetch(
        """
        select d.external_id, d.appointment_id, l.seen, l.sent
          from care.doors d
          left join lateral (
            select l.seen, l.sent || case when l.wanted is null then '[]' else jsonb_build_array(l.wanted) end as sent
              from care.links l
             where l.practice_id = d.practice_id and l.appointment_id = d.appointment_id
               and l.connection_id = d.connection_id
             order by l.external_id = d.external_id desc nulls last limit 1) l on true
         where d.practice_id = $1 and d.connection_id = $2 and d.external_id = any($3)""",
        practice_id,
        connection_id,
        list(external_ids),
    )
    return {row[0]: KnownCopy(row[1], row[2] or {}, row[3] or []) for row in rows}


async def anywhere(connection: Connection, practice_id: str, external_ids: Sequence[str]) -> dict[str, str]:
    """Where external ids lead, whatever system they are of; for those that lead to one visit."""
    if not external_ids:
        return {}
    rows = await connection.fetch(
        "select external_id, min(appointment_id::text) from care.doors "
        "where practice_id = $1 and external_id = any($2) "
        "and connection_id in (select connection_id from care.connections where practice_id = $1) "
        "group by external_id having count(distinct appointment_id) = 1",
        practice_id,
        list(external_ids),
    )
    return {row[0]: row[1] for row in rows}


async def fetch_number(connection: Connection, practice_id: str, connection_id: str, external_id: str) -> int:
    """The number of a fetch that is about to start (E3); 1 for a copy that leads nowhere yet."""
    got = await connection.fetchval(_FETCH_NUMBER, practice_id, connection_id, external_id)
    return int(got) if got is not None else 1


_SAME_VISITS = """
select q.copy, v.appointment_id
  from unnest($3::text[], $4::uuid[], $5::timestamptz[], $6::uuid[]) as q(copy, patient, start_at, staff)
 cross join lateral (
    select a.appointment_id
      from care.participants p join care.appointments a using (practice_id, appointment_id)
     where p.practice_id = $1 and p.role = 'patient' and a.start_at = q.start_at
       and p.actor_id = any(array(select q.patient union all select m.patient_id from care.patients m
                                   where m.practice_id = $1 and m.merged_into = q.patient))
       and a.status in ('proposed', 'pending', 'booked')
       and (q.staff is null or exists (select from care.participants s where s.practice_id = $1
            and s.appointment_id = a.appointment_id and s.actor_id = q.staff))
       and not exists (select from care.links l where l.practice_id = $1 and l.appointment_id = a.appointment_id
            and l.connection_id = $2)
    limit 2) v
"""


async def same_visits(
    connection: Connection,
    practice_id: str,
    connection_id: str,
    copies: dict[str, tuple[str, datetime, str | None]],
) -> dict[str, list[str]]:
    """For copies (external id -> patient, start, provider if said): the visits of that patient at that instant with
    that provider which have no copy in this system yet (E5); two at most."""
    if not copies:
        return {}
    rows = await connection.fetch(
        _SAME_VISITS,
        practice_id,
        connection_id,
        list(copies),
        [c[0] for c in copies.values()],
        [c[1] for c in copies.values()],
        [c[2] for c in copies.values()],
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row[1])
    return found


async def is_ours(connection: Connection, practice_id: str, appointment_id: str) -> bool:
    """Whether an id that a copy carries is an appointment of ours; anything else is not trusted."""
    if not _UUID.fullmatch(appointment_id):
        return False
    return bool(
        await connection.fetchval(
            "select true from care.appointments where practice_id = $1 and appointment_id = $2",
            practice_id,
            appointment_id,
        )
    )
