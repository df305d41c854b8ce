"""What one simulated stretch of days came to: the same record whether the product played it or people with telephones
did, so that the two are counted alike (D38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from caredispatch.core.counting_visits import overtime_minutes
from caredispatch.core.happened import Happened
from caredispatch.core.ids import Id

Kind = Literal["booking", "reschedule", "cancellation", "call_out", "late", "no_show", "add_on", "request", "conflict",
               "closure", "system"]  # fmt: skip
"""What happened outside. A disruption is a `call_out`, `closure` or `add_on` on its day (D37)."""

How = Literal["confirmed", "covered", "uncovered", "cancelled", "filled", "unfilled", "rebooked", "declined", "placed",
              "not_placed", "nothing"]  # fmt: skip
"""How it ended. `nothing`: there was nothing to do."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One change outside and what became of it (D36, D37). `at` is when it happened there, `first_asked_at` when the
    first person was asked because of it, `settled_at` when it was over or before a person who then did it. `same_day`:
    it happened on the day of the visit. `human_minutes` are of coordinators; `by_human`: a person had to call, write,
    edit or decide. `visit` is the visit's name in the month."""

    kind: Kind
    at: datetime
    first_asked_at: datetime | None
    settled_at: datetime | None
    how: How
    same_day: bool
    by_human: bool
    human_minutes: float
    visit: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How one visit ended. `covered`: somebody who may do it was there at its start; `confirmed`: the patient said that
    they come, themselves. `provider` is who had it then."""

    name: str
    service: str
    location: str
    start_at: datetime
    minutes: int
    status: Literal["kept", "no_show", "cancelled", "late_cancelled", "uncovered"]
    covered: bool
    confirmed: bool
    provider: Id | None = None
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One played month. `asks` are by member of staff, `woken` how often each was asked between 22:00 and 06:00.
    `calls` are telephone calls that coordinators made, `listed` lines of the call list. `errors` are fields that
    differed between systems at the end, of `fields`. `broken`
    names promises that did not hold, with where; `happened` is what measures count."""

    seed: int
    days: int
    incidents: tuple[Incident, ...]
    visits: tuple[Ended, ...]
    happened: Happened
    asks: Mapping[Id, int] = field(default_factory=dict)
    woken: Mapping[Id, int] = field(default_factory=dict)
    texts: int = 0
    exceptions: int = 0
    calls: int = 0
    listed: int = 0
    human_minutes: float = 0.0
    errors: int = 0
    fields: int = 0
    decisions: int = 0
    broken: tuple[str, ...] = ()

    @property
    def overtime_minutes(self) -> float:
        """Minutes of visits beyond somebody's own hours, as measured."""
        return sum(figure.amount for figure in overtime_minutes(self.happened))
