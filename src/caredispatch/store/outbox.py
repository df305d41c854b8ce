"""What must still go out (E19–E21): claim ordering keys, never the rows queued behind a leased or backed-off one;
record how a call ended together with the observation of it. Under the user `caredispatch_reveal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.content import Content
from caredispatch.core.records import Hold, Initiator
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.joined import end_joined
from caredispatch.store.pools import Connection
from caredispatch.store.rows import HOLDS

LEASE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One leased delivery. `resumed` says that an earlier try was begun and its end is not known (a crash, or no
    answer); `begun_at` is when the first was (business time)."""

    practice_id: str
    delivery_id: str
    kind: str
    ordering_key: str
    appointment_id: str | None
    connection_id: str | None
    link_id: str | None
    ask_id: str | None
    person_id: str | None
    contact_id: str | None
    text: str | None
    params: dict[str, str]
    send_before: datetime | None
    attempts: int
    begun_at: datetime
    resumed: bool


# Keys that are ready, practices in turn, the longest waiting first. Paused ones keep what they have (D8); what goes to
# a saturated target is passed over, so that one that does not answer holds up nobody else.
_READY = """
select k.practice_id, k.ordering_key, k.target
  from care.practices p
 cross join lateral (
    select k.practice_id, k.ordering_key, k.target, k.ready_at from care.delivery_keys k
     where k.practice_id = p.practice_id and k.waiting > 0 and k.ready_at <= $1
       and (k.lease_until is null or k.lease_until < clock_timestamp())
       and not exists (select from unnest($3::uuid[], $4::text[]) as s(practice_id, target)
                        where s.practice_id = k.practice_id and s.target = k.target)
     order by k.ready_at limit $2) k
 where not p.sending_paused
 order by row_number() over (partition by k.practice_id order by k.ready_at), k.ready_at limit $2
"""

# Locked in a statement of its own: what a decision added to a key meanwhile is seen by the next statement only.
_LOCK = """
select k.practice_id, k.ordering_key from care.delivery_keys k
  join unnest($2::uuid[], $3::text[]) as r(practice_id, ordering_key) using (practice_id, ordering_key)
 where k.waiting > 0 and k.ready_at <= $1 and (k.lease_until is null or k.lease_until < clock_timestamp())
   for update of k skip locked
"""

# The first row of each locked key that may go. A key that has none is put to rest until one may, without a lease:
# nobody would give it back.
_LEASE = """
with leased as (
    update care.delivery_keys k
       set lease_until = case when d.delivery_id is null then null
                              else clock_timestamp() + $3 * interval '1 second' end,
           waiting = case when d.delivery_id is null then later.n else k.waiting end,
           ready_at = case when d.delivery_id is null then coalesce(later.at, k.ready_at) else k.ready_at end
      from unnest($1::uuid[], $2::text[]) as r(practice_id, ordering_key)
      left join lateral (
            select delivery_id from care.deliveries d
             where d.practice_id = r.practice_id and d.ordering_key = r.ordering_key and d.state = 'pending'
               and (d.not_before is null or d.not_before <= $4)
             order by d.seq limit 1) d on true
      left join lateral (
            select count(*)::int as n, min(d.not_before) as at from care.deliveries d
             where d.practice_id = r.practice_id and d.ordering_key = r.ordering_key and d.state = 'pending'
               and d.not_before > $4) later on d.delivery_id is null
     where k.practice_id = r.practice_id and k.ordering_key = r.ordering_key
 returning k.practice_id, k.ordering_key, d.delivery_id)
update care.deliveries d
   set lease_until = clock_timestamp() + $3 * interval '1 second', attempts = d.attempts + 1,
       begun_at = coalesce(d.begun_at, $4)
  from leased l
  join care.deliveries old on old.practice_id = l.practice_id and old.delivery_id = l.delivery_id
 where d.practice_id = l.practice_id and d.delivery_id = l.delivery_id
returning d.practice_id, d.delivery_id, d.kind, d.ordering_key, d.appointment_id, d.connection_id, d.link_id, d.ask_id,
          d.person_id, d.contact_id, d.text, d.params, d.send_before, d.attempts, d.begun_at,
          old.lease_until is not null
"""

# A lease that has merely run out marks a try whose end is not known.
_END = """
update care.deliveries d
   set state = e.state, lease_until = case when e.unknown then clock_timestamp() end, code = e.code,
       sent_at = case when e.state = 'pending' then d.sent_at else e.at end, ref = coalesce(e.ref, d.ref)
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::bool[])
       as e(practice_id, delivery_id, state, at, ref, code, unknown)
 where d.practice_id = e.practice_id and d.delivery_id = e.delivery_id
"""

# Before `_FREE`, so that its count sees what a decision in flight queues behind a key.
_HOLD = """
select from care.delivery_keys k
  join unnest($1::uuid[], $2::text[]) as e(practice_id, ordering_key) using (practice_id, ordering_key)
 order by k.practice_id, k.ordering_key for update of k
"""

_FREE = """
update care.delivery_keys k
   set lease_until = null, ready_at = greatest(e.ready_at, rest.at), attempts = e.attempts, waiting = rest.n
  from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[]) as e(practice_id, ordering_key, ready_at, attempts)
 cross join lateral (
    select count(*)::int as n, min(coalesce(d.not_before, e.ready_at)) as at from care.deliveries d
     where d.practice_id = e.practice_id and d.ordering_key = e.ordering_key and d.state = 'pending') rest
 where k.practice_id = e.practice_id and k.ordering_key = e.ordering_key
"""


@dataclass(frozen=True, slots=True)
class ReadyKey:
    """An ordering key whose next delivery may go; `target` is a connection's id, or `channel:` and a channel."""

    practice_id: str
    ordering_key: str
    target: str


@dataclass(frozen=True, slots=True)
class Ended:
    """How one try ended. `state` pending: it goes on at `ready_at` (business time), `unknown` whether it was taken."""

    outgoing: Outgoing
    state: str
    at: datetime
    ready_at: datetime
    ref: str | None = None
    code: str | None = None
    unknown: bool = False
    arrived: tuple[Arrived, ...] = ()


async def ready_keys(
    connection: Connection, now: datetime, limit: int, saturated: Sequence[tuple[str, str]] = ()
) -> list[ReadyKey]:
    """Up to `limit` keys that could be leased, practices in turn, but none of a saturated (practice, target)."""
    rows = await connection.fetch(_READY, now, limit, [s[0] for s in saturated], [s[1] for s in saturated])
    return [ReadyKey(*row) for row in rows]


async def lease(connection: Connection, now: datetime, keys: Sequence[ReadyKey]) -> list[Outgoing]:
    """Lease the head of some keys, as far as they are still free."""
    async with connection.transaction():
        held = await connection.fetch(_LOCK, now, [k.practice_id for k in keys], [k.ordering_key for k in keys])
        if not held:
            return []
        rows = await connection.fetch(_LEASE, [k[0] for k in held], [k[1] for k in held], LEASE_SECONDS, now)
    return [Outgoing(*row) for row in rows]


async def end(connection: Connection, ended: Sequence[Ended]) -> None:
    """Record how tries ended, what was observed to lead to, and free their keys: one transaction."""
    practices = [e.outgoing.practice_id for e in ended]
    keys = [e.outgoing.ordering_key for e in ended]
    ids, how = [e.outgoing.delivery_id for e in ended], [e.state for e in ended]
    at, refs, codes = [e.at for e in ended], [e.ref for e in ended], [e.code for e in ended]
    async with connection.transaction():
        await connection.execute(_END, practices, ids, how, at, refs, codes, [e.unknown for e in ended])
        if any("together" in e.outgoing.params for e in ended):
            await end_joined(connection, practices, ids, how, at, refs, codes)
        await observe(connection, [a for e in ended for a in e.arrived])
        await connection.execute(_HOLD, practices, keys)
        waits = [e.outgoing.attempts if e.state == "pending" else 0 for e in ended]
        await connection.execute(_FREE, practices, keys, [e.ready_at for e in ended], waits)


@dataclass(frozen=True, slots=True)
class Copy:
    """What a write needs of its link, read when it is sent."""

    external_id: str | None
    wanted: Content | None
    seen: Content
    etag: str | None
    state: str
    patient_id: str | None
    initiator: Initiator | None


async def copy_of(connection: Connection, practice_id: str, appointment_id: str, link_id: str) -> Copy | None:
    """The link of a write as it is now."""
    row = await connection.fetchrow(
        """
        select l.external_id, l.wanted, l.seen, l.seen_etag, l.state,
               (select p.actor_id from care.participants p where p.practice_id = l.practice_id
                   and p.appointment_id = l.appointment_id and p.role = 'patient'),
               (select a.initiator from care.appointments a where a.practice_id = l.practice_id
                   and a.appointment_id = l.appointment_id)
          from care.links l where l.practice_id = $1 and l.appointment_id = $2 and l.link_id = $3""",
        practice_id,
        appointment_id,
        link_id,
    )
    return Copy(*row) if row else None


async def hold_of(connection: Connection, practice_id: str, connection_id: str, appointment_id: str) -> Hold | None:
    """A visit's hold in one system as it is now."""
    where = "practice_id = $1 and connection_id = $2 and appointment_id = $3"
    found = await HOLDS.fetch(connection, where, practice_id, connection_id, appointment_id)
    return found[0] if found else None


async def questions_of(
    connection: Connection, practice_id: str, ask_ids: Sequence[str]
) -> list[tuple[int, datetime, str]]:
    """Open questions as a person would number them: (answer number, the visit's start, its location)."""
    rows = await connection.fetch(
        "select k.number, a.start_at, a.location from care.asks k "
        "join care.appointments a using (practice_id, appointment_id) "
        "where k.practice_id = $1 and k.ask_id = any($2) and k.state in ('pending', 'sent') order by k.number",
        practice_id,
        list(ask_ids),
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def fetches_so_far(connection: Connection, practice_id: str, connection_id: str, external_id: str) -> int:
    """How many fetches of a copy were started: a later one reads what was written now (E3, E4)."""
    got = await connection.fetchval(
        "select fetches from care.doors where practice_id = $1 and connection_id = $2 and external_id = $3",
        practice_id,
        connection_id,
        external_id,
    )
    return int(got or 0)


async def known_refs(connection: Connection, practice_id: str, refs: Sequence[str]) -> set[str]:
    """Those of some references that are of texts of ours."""
    rows = await connection.fetch(
        "select ref from care.deliveries where practice_id = $1 and ref = any($2)", practice_id, list(refs)
    )
    return {row[0] for row in rows}


@dataclass(frozen=True, slots=True)
class SentText:
    """A text that the other side took, and how it stands."""

    delivery_id: str
    ask_id: str | None
    contact_id: str | None
    appointment_id: str | None
    state: str


async def sent_texts(connection: Connection, practice_id: str, ref: str) -> list[SentText]:
    """The texts that a report is about: several where one message lists several questions (E18)."""
    rows = await connection.fetch(
        "select delivery_id, ask_id, contact_id, appointment_id, state from care.deliveries "
        "where practice_id = $1 and ref = $2",
        practice_id,
        ref,
    )
    return [SentText(*row) for row in rows]
