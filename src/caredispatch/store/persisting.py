"""What a batch of decisions leaves in the database: one statement a table, in the transaction that claimed it. The
database refuses what must not be (E7, E8, E12). Under the user `caredispatch_decide`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from caredispatch.core.observation import Reported
from caredispatch.core.records import Count, Delivery, Leave
from caredispatch.store.deciding import Chain, Decided, LimitReached
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.merging import Groups, elsewhere, one_at_a_time
from caredispatch.store.pools import Connection
from caredispatch.store.recalling import give_first, recall
from caredispatch.store.rows import (
    APPOINTMENTS,
    ASKS,
    CASES,
    DELIVERIES,
    EXCEPTIONS,
    HOLDS,
    INCIDENTS,
    LINKS,
    PARTICIPANTS_SQL,
    participant_rows,
)

_BUMP = """
insert into care.limits (practice_id, person_id, what, period, n)
select $1, person_id, what, period, 1 from unnest($2::uuid[], $3::text[], $4::text[], $5::int[]) as t(person_id,
    what, period, most)
on conflict (practice_id, person_id, what, period) do update set n = care.limits.n + 1
 where care.limits.n < (select most from unnest($2::uuid[], $3::text[], $4::text[], $5::int[]) as m(person_id, what,
     period, most)
                         where (m.person_id, m.what, m.period) = (excluded.person_id, excluded.what, excluded.period))
returning person_id
"""

_OCCUPY = """
insert into care.occupations (practice_id, occupation_id, session_id, appointment_id, resource_id, start_at, end_at)
select practice_id, occupation_id, session_id, appointment_id, resource_id, start_at, end_at
  from json_populate_recordset(null::care.occupations, $1)
on conflict on constraint no_double_booking do nothing
returning occupation_id
"""

_VACATE = """
delete from care.occupations where practice_id = $1 and appointment_id = any($2) and occupation_id = any($3)
"""

_FETCHES = """
insert into care.notices (practice_id, notice_id, connection_id, kind, subject, received_at, due_at)
select $1, gen_random_uuid(), connection_id, 'fetch', subject, $4, $4
  from unnest($2::text[], $3::text[]) as t(connection_id, subject)
on conflict (practice_id, connection_id, subject) where kind = 'fetch' and state = 'pending'
do update set again = true
"""

_KEYS = """
insert into care.delivery_keys (practice_id, ordering_key, waiting, ready_at, target)
select $1, key, n, ready_at, coalesce(connection_id, 'channel:' || (
           select c.channel from care.contacts c where c.practice_id = $1 and c.contact_id = t.contact_id), '')
  from json_to_recordset($2) as t(key text, n int, ready_at timestamptz, connection_id text, contact_id uuid)
on conflict (practice_id, ordering_key) do update
   set waiting = care.delivery_keys.waiting + excluded.waiting,
       ready_at = case when care.delivery_keys.waiting = 0 then excluded.ready_at
                       when care.delivery_keys.attempts > 0 then care.delivery_keys.ready_at
                       else least(care.delivery_keys.ready_at, excluded.ready_at) end
"""

_JOURNAL = """
insert into care.journal (practice_id, subject_id, seq, at, kind, body, hash, outside_at)
select $1, subject, seq, $2, kind, body, hash, outside_at
  from unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::bytea[], $8::timestamptz[])
       as t(subject, seq, kind, body, hash, outside_at)
"""


async def persist(
    connection: Connection,
    practice_id: str,
    now: datetime,
    decided: Sequence[Decided],
    chains: dict[str, Chain],
    same: Groups,
) -> list[Decided]:
    """Write what was decided, in one transaction that the caller holds. Returns the items that the database refused (a
    double booking, E7): they and what was decided after them for the same subject are left pending."""
    await _bump(connection, practice_id, decided)
    refused = await recall(connection, practice_id, decided)
    refused |= await _occupy(connection, [d for d in decided if d.item.subject_id not in refused], same)
    kept = [d for d in decided if d.item.subject_id not in refused]
    if refused and any(d.decision.counts for d in decided if d.item.subject_id in refused):
        raise LimitReached
    await _vacate(connection, practice_id, kept)
    latest = [d.decision.appointment for d in kept if d.decision.appointment is not None]
    appointments = list({a.appointment_id: a for a in latest}.values())
    await APPOINTMENTS.upsert(connection, sorted(appointments, key=lambda a: a.appointment_id))
    people = [row for a in appointments for row in participant_rows(a)]
    if people:
        await connection.execute(PARTICIPANTS_SQL, people)
    await LINKS.upsert(connection, list({r.link_id: r for d in kept for r in d.decision.links}.values()))
    cases = list({r.case_id: r for d in kept for r in d.decision.cases}.values())
    # Closing before opening: one open case per kind, appointment and role.
    await CASES.upsert(connection, sorted(cases, key=lambda c: c.state == "open"))
    asks = list({r.ask_id: r for d in kept for r in d.decision.asks}.values())
    # Likewise: an answer number is free again once its question is closed.
    await ASKS.upsert(connection, sorted(asks, key=lambda a: a.open))
    holds = {(r.appointment_id, r.connection_id): r for d in kept for r in d.decision.holds}
    await HOLDS.upsert(connection, list(holds.values()))
    await EXCEPTIONS.upsert(connection, list({r.exception_id: r for d in kept for r in d.decision.exceptions}.values()))
    await INCIDENTS.upsert(connection, [d.decision.incident for d in kept if d.decision.incident is not None])
    await _leaves(connection, practice_id, now, [row for d in kept for row in d.decision.leaves])
    await _let_out(connection, practice_id, now, kept)
    words = [(d.item.outside_at, to, event) for d in kept for to, event in d.decision.passed]
    await observe(connection, [Arrived(practice_id, to, event, now, outside_at=since) for since, to, event in words])
    await _write_journal(connection, practice_id, now, kept, chains)
    done = [d.item.observation_id for d in kept if d.item.observation_id is not None]
    if done:
        await connection.execute(
            "update care.observations set state = 'done' where practice_id = $1 and observation_id = any($2)",
            practice_id,
            done,
        )
    return [d for d in decided if d.item.subject_id in refused]


async def _bump(connection: Connection, practice_id: str, decided: Sequence[Decided]) -> None:
    counts = sorted((c for d in decided for c in d.decision.counts), key=lambda c: (c.person_id, c.what, c.period))
    while counts:
        # One row per person and statement: PostgreSQL refuses to touch a row twice in one.
        turn: list[Count] = []
        later: list[Count] = []
        seen: set[tuple[str, str, str]] = set()
        for count in counts:
            key = (count.person_id, count.what, count.period)
            (later if key in seen else turn).append(count)
            seen.add(key)
        got = await connection.fetch(
            _BUMP,
            practice_id,
            [c.person_id for c in turn],
            [c.what for c in turn],
            [c.period for c in turn],
            [c.most for c in turn],
        )
        if len(got) < len(turn):
            raise LimitReached
        counts = later


async def _occupy(connection: Connection, decided: Sequence[Decided], same: Groups) -> set[str]:
    """Insert new occupations, sorted; the subjects whose time was not free. `same` are the records of whoever has
    several."""
    rows = {o.occupation_id: o for d in decided for o in d.decision.occupy}
    for d in decided:
        for occupation_id in d.decision.vacate:
            rows.pop(occupation_id, None)
    if not rows:
        return set()
    given = await give_first(connection, decided)
    ordered = sorted(rows.values(), key=lambda o: (o.practice_id, o.resource_id, o.start_at))
    of_several = await one_at_a_time(connection, ordered, same)
    got = {row[0] for row in await connection.fetch(_OCCUPY, ordered)}
    refused: set[str] = {o.appointment_id for o in ordered if o.occupation_id not in got}
    refused |= await elsewhere(connection, ordered[0].practice_id, of_several, same)
    if refused:
        mine = [o.occupation_id for o in ordered if o.appointment_id in refused and o.occupation_id in got]
        await connection.execute(_VACATE, ordered[0].practice_id, sorted(refused), mine)
        await connection.fetch(_OCCUPY, [row for row in given if row["appointment_id"] in refused])
    return refused


async def _vacate(connection: Connection, practice_id: str, kept: Sequence[Decided]) -> None:
    gone: dict[str, None] = {}
    for d in kept:
        for occupation_id in d.decision.vacate:
            gone[occupation_id] = None
        for row in d.decision.occupy:
            gone.pop(row.occupation_id, None)
    if gone:
        subjects = sorted({d.item.subject_id for d in kept})
        await connection.execute(_VACATE, practice_id, subjects, list(gone))


async def _leaves(connection: Connection, practice_id: str, now: datetime, leaves: Sequence[Leave]) -> None:
    for leave in leaves:
        if leave.away:
            await connection.execute(
                "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind, known_at) "
                "values ($1, $2, $3, $4, $5, 'leave', $6) on conflict (practice_id, block_id) do update "
                "set start_at = excluded.start_at, end_at = excluded.end_at",
                practice_id,
                leave.block_id,
                leave.staff_id,
                leave.start_at,
                leave.end_at,
                now,
            )
        else:
            await connection.execute(
                "delete from care.busy_blocks where practice_id = $1 and block_id = $2", practice_id, leave.block_id
            )


async def _let_out(connection: Connection, practice_id: str, now: datetime, kept: Sequence[Decided]) -> None:
    deliveries = [r for d in kept for r in d.decision.deliveries]
    if deliveries:
        await DELIVERIES.insert(connection, deliveries)
        keys: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            keys.setdefault(delivery.ordering_key, []).append(delivery)
        rows = [
            {
                "key": key,
                "n": len(of),
                "ready_at": min(d.not_before or now for d in of),
                "connection_id": of[0].connection_id,
                "contact_id": of[0].contact_id,
            }
            for key, of in sorted(keys.items())
        ]
        await connection.execute(_KEYS, practice_id, rows)
    withdrawn = [ask_id for d in kept for ask_id in d.decision.withdrawn]
    if withdrawn:
        await connection.execute(
            "update care.deliveries set state = 'withdrawn' where practice_id = $1 and ask_id = any($2) "
            "and state = 'pending' and lease_until is null",
            practice_id,
            withdrawn,
        )
    reported = {
        d.item.event.delivery_id: d.item.event.state
        for d in kept
        if isinstance(d.item.event, Reported) and d.item.event.state in ("delivered", "failed")
    }
    if reported:
        await connection.execute(
            "update care.deliveries d set state = r.state from unnest($2::uuid[], $3::text[]) as r(id, state) "
            "where d.practice_id = $1 and d.delivery_id = r.id and d.state in ('accepted', 'unknown')",
            practice_id,
            list(reported),
            list(reported.values()),
        )
    for suppression in (s for d in kept for s in d.decision.suppressions):
        await connection.execute(
            "update care.contacts set status = $3 where practice_id = $1 and contact_id = $2",
            practice_id,
            suppression.contact_id,
            suppression.status,
        )
    fetches = list(dict.fromkeys(f for d in kept for f in d.decision.fetches))
    if fetches:
        await connection.execute(_FETCHES, practice_id, [f[0] for f in fetches], [f[1] for f in fetches], now)
    new = sorted({d.decision.appointment.session_id for d in kept if d.decision.appointment and d.decision.occupy})
    if new:
        await connection.execute(
            "insert into care.sessions (practice_id, session_id) select $1, unnest($2::uuid[]) on conflict do nothing",
            practice_id,
            new,
        )


async def _write_journal(
    connection: Connection, practice_id: str, now: datetime, kept: Sequence[Decided], chains: dict[str, Chain]
) -> None:
    subjects: list[str] = []
    seqs: list[int] = []
    kinds: list[str] = []
    bodies: list[str] = []
    hashes: list[bytes] = []
    outside: list[datetime | None] = []
    for d in kept:
        chain = chains[d.item.subject_id]
        chain.seq += 1
        chain.hash = sha256(chain.hash + d.entry).digest()
        subjects.append(d.item.subject_id)
        seqs.append(chain.seq)
        kinds.append(d.item.event.kind)
        bodies.append(d.entry.decode())
        hashes.append(chain.hash)
        outside.append(d.item.outside_at)
    if subjects:
        await connection.execute(_JOURNAL, practice_id, now, subjects, seqs, kinds, bodies, hashes, outside)
