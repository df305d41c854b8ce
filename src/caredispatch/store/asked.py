"""Questions of some days and what became of each, for whoever learns from them. Read under a user that sees one
practice; patients are not named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caredispatch.store.pools import Connection


@dataclass(frozen=True, slots=True)
class Asked:
    """One question that was sent: the rule and path that it came from, the step (from 0), who was asked (staff only),
    when, and how it ended. Asked at one instant in one step of one case: one round."""

    case_id: str
    rule: str
    path: str
    step: int
    staff_id: str | None
    location: str
    asked_at: datetime
    answered_at: datetime | None
    state: str


_ASKED = """
select a.case_id, c.rule, c.path, a.step, case when a.person_kind = 'staff' then a.person_id end, v.location,
       a.asked_at, a.answered_at, a.state
  from care.asks a
  join care.cases c using (practice_id, appointment_id, case_id)
  join care.appointments v using (practice_id, appointment_id)
 where a.practice_id = $1 and a.asked_at >= $2 and a.asked_at < $3 and a.sent_at is not null and not c.shadow
   and a.purpose <> 'inform_staff'
 order by a.asked_at, a.ask_id
"""


async def asked_between(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> list[Asked]:
    """Every question sent in a stretch of time; news that needs no answer is none."""
    return [Asked(*row) for row in await connection.fetch(_ASKED, practice_id, begin, end)]
