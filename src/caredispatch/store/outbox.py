"""What must still go out (E19–E21): claim ordering keys, never the rows queued behind a leased or backed-off one;
record how a call ended together with the observation of it. Under the user `caredispatch_reveal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caredispatch.core.content import Content
from caredispatch.core.records import Initiator
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.pools import Connection

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


# Keys that are ready, the longest waiting first; paused practices keep what they have (D8). Locked in a statement of
# its own: what a decision added to a key meanwhile is seen by the next statement only.
_READY = """
select k.practice_id, k.ordering_key from care.delivery_keys k
  join care.practices p on p.practice_id = k.practice_id and not p.sending_paused
 where k.waiting > 0 and k.ready_at <= $1 and (k.lease_until is null or k.lease_until < clock_timestamp())
 order by k.ready_at limit $2 for update of k skip locked
"""

# The first pending row of each locked key. A key that has none left is put to rest, without a lease: nobody would give
# it back.
_LEASE = """
with leased as (
    update care.delivery_keys k
       set lease_until = case when d.delivery_id is null then null
                              else clock_timestamp() + $3 * interval '1 second' end,
           waiting = case when d.delivery_id is null then 0 else k.waiting end
      from unnest($1::uuid[], $2::text[]) as r(practice_id, ordering_key)
      left join lateral (
            select delivery_id from care.deliveries d
             where d.practice_id = r.practice_id and d.ordering_key = r.ordering_key and d.state = 'pending'
             order by d.seq limit 1) d on true
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

_END = """
update care.deliveries set state = $3, lease_until = null, sent_at = $4, ref = coalesce($5, ref), code = $6
 where practice_id = $1 and delivery_id = $2
"""

# Before `_FREE`, so that its count sees what a decision in flight queues behind this key.
_HOLD = "select from care.delivery_keys where practice_id = $1 and ordering_key = $2 for update"

_FREE = """
update care.delivery_keys k set lease_until = null, attempts = $4, ready_at = $3,
       waiting = (select count(*) from care.deliveries d
                   where d.practice_id = $1 and d.ordering_key = $2 and d.state = 'pending')
 where k.practice_id = $1 and k.ordering_key = $2
"""


async def claim_deliveries(connection: Connection, now: datetime, limit: int) -> list[Outgoing]:
    """Lease the head of up to `limit` ready ordering keys."""
    async with connection.transaction():
        keys = await connection.fetch(_READY, now, limit)
        if not keys:
            return []
        rows = await connection.fetch(_LEASE, [k[0] for k in keys], [k[1] for k in keys], LEASE_SECONDS, now)
    return [Outgoing(*row) for row in rows]


async def end(
    connection: Connection,
    outgoing: Outgoing,
    state: str,
    now: datetime,
    *,
    ref: str | None = None,
    code: str | None = None,
    arrived: Sequence[Arrived] = (),
) -> None:
    """Record how a delivery ended, what it was observed to lead to, and free its key: one transaction."""
    async with connection.transaction():
        await connection.execute(_END, outgoing.practice_id, outgoing.delivery_id, state, now, ref, code)
        await observe(connection, arrived)
        await _free(connection, outgoing, now, 0)


async def back_off(
    connection: Connection, outgoing: Outgoing, at: datetime, code: str, *, unknown: bool = False
) -> None:
    """Not taken now, or `unknown` whether it was: the key waits until `at` (business time), and with it all that is
    queued behind. A lease that has merely run out marks a try whose end is not known."""
    async with connection.transaction():
        await connection.execute(
            "update care.deliveries set lease_until = case when $4 then clock_timestamp() end, code = $3 "
            "where practice_id = $1 and delivery_id = $2",
            outgoing.practice_id,
            outgoing.delivery_id,
            code,
            unknown,
        )
        await _free(connection, outgoing, at, outgoing.attempts)


async def _free(connection: Connection, outgoing: Outgoing, ready_at: datetime, attempts: int) -> None:
    await connection.execute(_HOLD, outgoing.practice_id, outgoing.ordering_key)
    await connection.execute(_FREE, outgoing.practice_id, outgoing.ordering_key, ready_at, attempts)


async def ask_state(connection: Connection, practice_id: str, ask_id: str) -> str | None:
    """The present state of the ask that a text belongs to (E20)."""
    state: str | None = await connection.fetchval(
        "select state from care.asks where practice_id = $1 and ask_id = $2", practice_id, ask_id
    )
    return state


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


async def copy_of(connection: Connection, practice_id: str, link_id: str) -> Copy | None:
    """The link of a write as it is now."""
    row = await connection.fetchrow(
        """
        select l.external_id, l.wanted, l.seen, l.seen_etag, l.state,
               (select p.actor_id from care.participants p where p.practice_id = l.practice_id
                   and p.appointment_id = l.appointment_id and p.role = 'patient'),
               (select a.initiator from care.appointments a where a.practice_id = l.practice_id
                   and a.appointment_id = l.appointment_id)
          from care.links l where l.practice_id = $1 and l.link_id = $2""",
        practice_id,
        link_id,
    )
    return Copy(*row) if row else None


async def contact_of(connection: Connection, practice_id: str, contact_id: str) -> dict[str, Any] | None:
    """The identity-free part of a contact: channel, language, zone, status."""
    row = await connection.fetchrow(
        "select channel, language, time_zone, status from care.contacts where practice_id = $1 and contact_id = $2",
        practice_id,
        contact_id,
    )
    return dict(row) if row else None


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


async def delivery_by_ref(connection: Connection, practice_id: str, ref: str) -> Outgoing | None:
    """The delivery that a report is about."""
    row = await connection.fetchrow(
        "select practice_id, delivery_id, kind, ordering_key, appointment_id, connection_id, link_id, ask_id, "
        "person_id, contact_id, text, params, send_before, attempts, begun_at, false from care.deliveries "
        "where practice_id = $1 and ref = $2",
        practice_id,
        ref,
    )
    return Outgoing(*row) if row else None
