"""Several questions to one person in one message (E18): which of them leave together with the first, kept with it from
before it is sent until it has ended, so that a retry sends the same. Under the user `caredispatch_reveal`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.ids import Id
from caredispatch.store.pools import Connection

# What was taken back since an earlier try that did not leave is listed no more (E20).
_DROP = """
update care.deliveries d set state = 'withdrawn', joined_to = null
  from care.asks k
 where d.practice_id = $1 and d.joined_to = $2 and d.state = 'joined' and k.practice_id = $1 and k.ask_id = d.ask_id
   and k.state not in ('pending', 'sent')
"""

_JOIN = """
update care.deliveries d set state = 'joined', joined_to = $2
  from care.asks k
 where d.practice_id = $1 and d.ordering_key = $3 and d.state = 'pending' and d.lease_until is null
   and d.delivery_id <> $2 and d.contact_id = $4 and d.params ->> 'together' = $5
   and k.practice_id = $1 and k.ask_id = d.ask_id and k.state in ('pending', 'sent')
   and (d.send_before is null or d.send_before > $6)
"""

_LISTED = """
select d.delivery_id, d.ask_id, d.appointment_id, k.number, a.start_at, a.location
  from care.deliveries d join care.asks k using (practice_id, ask_id)
  join care.appointments a on a.practice_id = d.practice_id and a.appointment_id = d.appointment_id
 where d.practice_id = $1 and (d.delivery_id = $2 or (d.joined_to = $2 and d.state = 'joined'))
 order by k.number
"""

# Joined questions end as the message that lists them; one that is not sent gives them free again.
_ENDED = """
update care.deliveries d
   set state = case when e.state = 'withdrawn' then 'pending' else e.state end,
       joined_to = case when e.state = 'withdrawn' then null else d.joined_to end,
       sent_at = case when e.state = 'withdrawn' then null else e.at end, ref = e.ref, code = e.code
  from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[])
       as e(practice_id, delivery_id, state, at, ref, code)
 where d.practice_id = e.practice_id and d.joined_to = e.delivery_id and d.state = 'joined' and e.state <> 'pending'
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """One question of a message: its own delivery, and how it is shown."""

    delivery_id: Id
    ask_id: Id
    appointment_id: Id
    number: int
    start_at: datetime
    location: str


async def join(
    connection: Connection,
    practice_id: str,
    first: str,
    ordering_key: str,
    contact_id: str,
    incident: str,
    now: datetime,
    *,
    resumed: bool,
) -> list[Listed]:
    """The questions of one incident to one contact that leave with the delivery `first`, that one among them. What is
    tried again since its end is not known lists what it listed (E21)."""
    async with connection.transaction():
        if not resumed:
            await connection.execute(_DROP, practice_id, first)
            await connection.execute(_JOIN, practice_id, first, ordering_key, contact_id, incident, now)
        return [Listed(*row) for row in await connection.fetch(_LISTED, practice_id, first)]


async def end_joined(
    connection: Connection,
    practices: Sequence[str],
    deliveries: Sequence[str],
    states: Sequence[str],
    at: Sequence[datetime],
    refs: Sequence[str | None],
    codes: Sequence[str | None],
) -> None:
    """Messages ended: so did what they listed."""
    await connection.execute(_ENDED, practices, deliveries, states, at, refs, codes)
