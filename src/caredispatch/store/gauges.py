"""One reading of how things stand, for metrics and `doctor`. Counts walk their partial index: not for every second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caredispatch.store.pools import Connection


@dataclass(frozen=True, slots=True)
class Reading:
    """Counts and oldest instants over all practices (business time)."""

    oldest_notice: datetime | None
    undecided: int
    oldest_due: datetime | None
    oldest_delivery: datetime | None
    waiting: int
    asks: int
    cases: int
    exceptions: int
    parked: int


_READ = """
select (select min(received_at) from care.notices where state = 'pending'),
       (select count(*)::int from care.observations where state = 'pending'),
       (select min(next_look_at) from care.appointments where next_look_at is not null),
       (select min(d.created_at) from care.deliveries d join care.delivery_keys k using (practice_id, ordering_key)
         where d.state = 'pending' and k.waiting > 0),
       (select coalesce(sum(waiting), 0)::int from care.delivery_keys where waiting > 0),
       (select count(*)::int from care.asks where state in ('pending', 'sent')),
       (select count(*)::int from care.cases where state = 'open'),
       (select count(*)::int from care.exceptions where state <> 'resolved'),
       (select count(*)::int from care.notices where state = 'parked')
         + (select count(*)::int from care.observations where state = 'parked')
"""


async def take_reading(connection: Connection) -> Reading:
    """Read once, as a user that sees all practices (`caredispatch_reveal` or the owner)."""
    row = await connection.fetchrow(_READ)
    assert row is not None
    return Reading(*row)
