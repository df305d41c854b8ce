"""What came in and is not yet decided (E1, E3): notices with their lease, the doors that external ids lead to,
observations. Under the user `caredispatch_intake`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.observation import Observation
from caredispatch.store.pools import Connection

LEASE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Notice:
    """One leased notice. `kind` push: its payload is in the vault under `notice_id`; fetch: read `subject`.
    `changed_at` is the earliest that what it tells may have happened, where that is before it was received (D35)."""

    practice_id: str
    notice_id: str
    connection_id: str
    kind: str
    subject: str | None
    received_at: datetime
    attempts: int
    changed_at: datetime | None = None


_KEEP = """
with kept as (
    insert into care.notices (practice_id, notice_id, connection_id, kind, dedup_key, received_at, due_at)
    values ($1, $2, $3, 'push', $4, $5, $5)
    on conflict (practice_id, connection_id, dedup_key) where dedup_key is not null do nothing
    returning practice_id, notice_id)
insert into vault.payloads (practice_id, payload_id, body) select practice_id, notice_id, $6 from kept
"""

_WANT_FETCH = """
insert into care.notices (practice_id, notice_id, connection_id, kind, subject, received_at, due_at, changed_at)
values ($1, $2, $3, 'fetch', $4, $5, $5, $6)
on conflict (practice_id, connection_id, subject) where kind = 'fetch' and state = 'pending' do update set again = true
"""

# Practices in turn (E33). Fetches of a saturated connection are passed over: it must not hold up other systems.
_READY = """
select n.practice_id, n.notice_id, n.connection_id, n.kind
  from care.practices p
 cross join lateral (
    select n.practice_id, n.notice_id, n.connection_id, n.kind, n.due_at from care.notices n
     where n.practice_id = p.practice_id and n.state = 'pending' and n.due_at <= $1
       and (n.lease_until is null or n.lease_until < clock_timestamp())
       and (n.kind = 'push' or not exists (
            select from unnest($3::uuid[], $4::text[]) as s(practice_id, connection_id)
             where s.practice_id = n.practice_id and s.connection_id = n.connection_id))
     order by n.due_at, n.notice_id limit $2) n
 order by row_number() over (partition by n.practice_id order by n.due_at, n.notice_id), n.due_at limit $2
"""

_CLAIM = """
update care.notices n set lease_until = clock_timestamp() + $3 * interval '1 second', again = false
  from (select m.practice_id, m.notice_id from care.notices m
          join unnest($1::uuid[], $2::uuid[]) as r(practice_id, notice_id) using (practice_id, notice_id)
         where m.state = 'pending' and (m.lease_until is null or m.lease_until < clock_timestamp())
         order by m.due_at, m.notice_id for update of m skip locked) c
 where n.practice_id = c.practice_id and n.notice_id = c.notice_id
returning n.practice_id, n.notice_id, n.connection_id, n.kind, n.subject, n.received_at, n.attempts,
          n.changed_at
"""

# A notice that came while this one was being fetched makes it run again (E3).
_DONE = """
update care.notices set state = case when again then 'pending' else 'done' end, lease_until = null, attempts = 0,
       again = false
 where practice_id = $1 and notice_id = any($2)
"""

_LATER = """
update care.notices set lease_until = null, attempts = attempts + 1, due_at = $3 where practice_id = $1 and notice_id
    = $2
"""

_PARK = """
update care.notices set state = case when again then 'pending' else 'parked' end, lease_until = null, attempts = 0,
       again = false
 where practice_id = $1 and notice_id = $2
"""

_OBSERVE = """
insert into care.observations (practice_id, subject_id, kind, body, notice_id, observed_at, outside_at)
select practice_id, subject_id, kind, body, notice_id, observed_at, outside_at
  from json_to_recordset($1) as t(practice_id uuid, subject_id uuid, kind text, body jsonb, notice_id uuid,
                                  observed_at timestamptz, outside_at timestamptz)
"""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One observation on its way to a door. `outside_at` is when it happened outside, where that is not when it was
    observed (D35)."""

    practice_id: str
    subject_id: str
    body: Observation
    observed_at: datetime
    notice_id: str | None = None
    outside_at: datetime | None = None


async def keep_push(
    connection: Connection,
    practice_id: str,
    notice_id: str,
    connection_id: str,
    dedup_key: str | None,
    received_at: datetime,
    sealed: bytes,
) -> None:
    """Commit one push with its payload, in one statement (E25). The same delivery again: nothing happens."""
    await connection.execute(_KEEP, practice_id, notice_id, connection_id, dedup_key, received_at, sealed)


async def want_fetch(
    connection: Connection,
    practice_id: str,
    notice_id: str,
    connection_id: str,
    external_id: str,
    now: datetime,
    changed_at: datetime | None = None,
) -> None:
    """Commit that a copy must be read; several thin notices become one pending fetch (E3). It changed at `changed_at`
    at the earliest; not given: now."""
    await connection.execute(_WANT_FETCH, practice_id, notice_id, connection_id, external_id, now, changed_at)


@dataclass(frozen=True, slots=True)
class ReadyNotice:
    """A notice that could be leased."""

    practice_id: str
    notice_id: str
    connection_id: str
    kind: str


async def ready_notices(
    connection: Connection, now: datetime, limit: int, saturated: Sequence[tuple[str, str]] = ()
) -> list[ReadyNotice]:
    """Up to `limit` due notices, practices in turn, but no fetch from a saturated (practice, connection)."""
    rows = await connection.fetch(_READY, now, limit, [s[0] for s in saturated], [s[1] for s in saturated])
    return [ReadyNotice(*row) for row in rows]


async def claim_notices(connection: Connection, ready: Sequence[ReadyNotice]) -> list[Notice]:
    """Lease some notices, as far as they are still free."""
    if not ready:
        return []
    rows = await connection.fetch(_CLAIM, [r.practice_id for r in ready], [r.notice_id for r in ready], LEASE_SECONDS)
    order = {r.notice_id: n for n, r in enumerate(ready)}
    return sorted((Notice(*row) for row in rows), key=lambda n: order[n.notice_id])


async def finish(
    connection: Connection, practice_id: str, notice_ids: Sequence[str], arrived: Sequence[Arrived]
) -> None:
    """Write what notices became, and that they are done, in one transaction that the caller holds."""
    await observe(connection, arrived)
    await connection.execute(_DONE, practice_id, list(notice_ids))


async def observe(connection: Connection, arrived: Sequence[Arrived]) -> None:
    """Insert observations in order."""
    if arrived:
        rows = [
            {
                "practice_id": a.practice_id,
                "subject_id": a.subject_id,
                "kind": a.body.kind,
                "body": a.body,
                "notice_id": a.notice_id,
                "observed_at": a.observed_at,
                "outside_at": a.outside_at,
            }
            for a in arrived
        ]
        await connection.execute(_OBSERVE, rows)


async def later(connection: Connection, notice: Notice, at: datetime) -> None:
    """Give a notice back until `at` (business time)."""
    await connection.execute(_LATER, notice.practice_id, notice.notice_id, at)


async def park(connection: Connection, notice: Notice, arrived: Sequence[Arrived]) -> None:
    """A notice that can't be used is kept, and what a person must know of it is observed."""
    async with connection.transaction():
        await observe(connection, arrived)
        await connection.execute(_PARK, notice.practice_id, notice.notice_id)


async def open_asks(
    connection: Connection, practice_id: str, contact_id: str, also_of: Sequence[str] = ()
) -> list[tuple[str, str, int, bool]]:
    """What is still asked over a contact, and of the other records (`also_of`) of whoever has it (D7): (ask,
    appointment, answer number, whether there are times to choose from). Told but never answered news counts only where
    nothing is asked."""
    rows = await connection.fetch(
        "select ask_id, appointment_id, number, purpose from care.asks where practice_id = $1 "
        "and state in ('pending', 'sent') and (contact_id = $2 or person_id = any($3)) order by asked_at, ask_id",
        practice_id,
        contact_id,
        list(also_of),
    )
    asked = [row for row in rows if row[3] != "inform_staff"]
    return [(row[0], row[1], row[2], row[3] == "offer_times") for row in asked or rows]


async def count_changes(connection: Connection, practice_id: str, connection_id: str, bucket: datetime, n: int) -> int:
    """Add to a source's changes of these ten minutes; returns how many they are now (D8)."""
    now_n = await connection.fetchval(
        "insert into care.change_counts (practice_id, connection_id, bucket_at, n) values ($1, $2, $3, $4) "
        "on conflict (practice_id, connection_id, bucket_at) do update set n = care.change_counts.n + excluded.n "
        "returning n",
        practice_id,
        connection_id,
        bucket,
        n,
    )
    return int(now_n)


async def usual_changes(connection: Connection, practice_id: str, connection_id: str, bucket: datetime) -> int:
    """How many changes in ten minutes are usual for a source: the median of its counts over 28 days (D8)."""
    usual = await connection.fetchval(
        "select coalesce(percentile_disc(0.5) within group (order by n), 0) from care.change_counts "
        "where practice_id = $1 and connection_id = $2 and bucket_at < $3 and bucket_at >= $3 - interval '28 days'",
        practice_id,
        connection_id,
        bucket,
    )
    return int(usual)


async def raised_about(connection: Connection, practice_id: str, notice_id: str) -> list[str]:
    """The exceptions, not done with, by which somebody has before them already that a notice could not be used."""
    rows = await connection.fetch(
        "select exception_id from care.exceptions where practice_id = $1 and state <> 'resolved' "
        "and detail ->> 'notice' = $2 order by exception_id",
        practice_id,
        notice_id,
    )
    return [row[0] for row in rows]


async def oldest_undecided(connection: Connection) -> dict[str, datetime]:
    """When the oldest undecided notice of each practice was received, as a notice or already as an observation of one
    (back-pressure, E33; and a metric). What backs off counts no longer: it waits for others, not for us."""
    rows = await connection.fetch(
        "select practice_id, min(at) from ("
        "select practice_id, received_at as at from care.notices where state = 'pending' and due_at <= received_at "
        "union all "
        "select practice_id, observed_at from care.observations where state = 'pending' and attempts = 0 "
        "and notice_id is not null) w group by practice_id"
    )
    return {row[0]: row[1] for row in rows}
