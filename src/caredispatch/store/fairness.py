"""When staff were last offered cover and how long they work this week: what a contractual order of asking goes by
(D30). Read only where a case is asked in such an order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caredispatch.core.records import State
from caredispatch.store.pools import Connection

_OFFERED = """
select s.person, max(a.asked_at)
  from unnest($2::uuid[]) as s(person)
 cross join lateral (
    select asked_at from care.asks
     where practice_id = $1 and person_id = s.person and purpose = 'cover' and state <> 'undeliverable'
     order by asked_at desc limit 1) a
 group by s.person
"""

_WORKED = """
select o.resource_id, (sum(extract(epoch from o.end_at - o.start_at)) / 60)::int
  from care.occupations o
 where o.practice_id = $1 and o.resource_id = any($2)
   and o.start_at >= $3 and o.start_at < $4
 group by o.resource_id
"""


def needs_order(state: State) -> bool:
    """Whether an open case of this state asks in the order of who was offered, or works, least."""
    return any(c.state == "open" and c.ordering in ("rotation", "least_hours") for c in state.cases)


async def read_turns(
    connection: Connection, practice_id: str, staff: Sequence[str], monday: datetime
) -> tuple[dict[str, datetime], dict[str, int]]:
    """When each was last offered cover, and the minutes booked in the week that begins at `monday`."""
    last = await connection.fetch(_OFFERED, practice_id, list(staff))
    offered: dict[str, datetime] = {row[0]: row[1] for row in last}
    worked = await connection.fetch(_WORKED, practice_id, list(staff), monday, monday + timedelta(days=7))
    return offered, {row[0]: row[1] for row in worked}
