"""What is noted while a month is played by hand: changes outside and how they ended, calls, minutes. At the end it is
told in the same values as a month that the product played, so that both are counted by the same measures (D38)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from caredispatch.core.facts import Directory
from caredispatch.core.happened import Change, Coordination, Happened, Loss, Noted, Question, Visit
from caredispatch.core.ids import Id, make_id
from caredispatch.core.offered import Absence
from caredispatch.core.records import CaseKind
from caredispatch.core.windows import zone
from caredispatch.rehearsal.days import days_of
from caredispatch.rehearsal.desk import Desk, Task
from caredispatch.rehearsal.month import Month
from caredispatch.rehearsal.outcome import How, Incident, Kind

CASE_OF: Mapping[Kind, CaseKind] = {
    "booking": "confirm",
    "reschedule": "confirm",
    "cancellation": "fill",
    "call_out": "cover",
    "no_show": "follow_up",
    "closure": "follow_up",
    "add_on": "place",
    "request": "place",
}
FOUND: tuple[How, ...] = ("confirmed", "covered", "filled", "rebooked", "placed")
LOST_BY: tuple[Kind, ...] = ("call_out", "closure", "add_on")
"""What takes cover from visits, or wants one today (D37)."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened outside: of what kind, since when, to a visit (by its name) or request, where. `key` is the same
    for everything that one change led to; `start_at` is when the visit was to be."""

    kind: Kind
    key: str
    at: datetime
    location: str
    service: str
    name: str
    start_at: datetime


@dataclass(slots=True)
class Ledger:
    """The notes of one month."""

    directory: Directory
    month: Month
    incidents: list[Incident] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    absences: list[Absence] = field(default_factory=list)
    _changes: dict[str, Change] = field(default_factory=dict)
    _cases: list[Coordination] = field(default_factory=list)

    def ended(
        self, cause: Cause, how: How, minutes: float, first_asked_at: datetime | None, settled_at: datetime
    ) -> None:
        """What one change led to is over."""
        there = zone(self.directory, cause.location)
        same_day = cause.start_at.astimezone(there).date() == cause.at.astimezone(there).date()
        self.incidents.append(
            Incident(cause.kind, cause.at, first_asked_at, settled_at, how, same_day, True, minutes, cause.name)
        )
        change = self._changes.get(cause.key) or Change(
            make_id("by hand", cause.key), cause.at, cause.location, cause.service, by_hand=True
        )
        if cause.kind in LOST_BY:
            change = replace(change, losses=(*change.losses, _loss(cause, how)))
        self._changes[cause.key] = change
        self._cases.append(
            Coordination(
                CASE_OF[cause.kind], False, cause.location, cause.service, cause.at, cause.at,
                "settled" if how in FOUND else "handed", first_asked_at, ended_at=settled_at, found=how in FOUND,
                by_hand=True,
            )
        )  # fmt: skip

    def happened(self, visits: tuple[Visit, ...]) -> Happened:
        """These days as measures count them."""
        return replace(
            days_of(self.directory, self.month, self.absences),
            visits=visits,
            changes=tuple(sorted(self._changes.values(), key=lambda c: (c.at, c.change_id))),
            cases=tuple(self._cases),
            questions=tuple(self.questions),
            noted=tuple(self.noted),
        )


def _loss(cause: Cause, how: How) -> Loss:
    visit_id = Id(cause.name)
    if how in ("covered", "placed"):
        return Loss(visit_id, cause.location, cause.start_at, "covered")
    return Loss(visit_id, cause.location, cause.start_at, "uncovered" if how == "uncovered" else "cancelled")


class NotedDesk(Desk):
    """A desk whose coordinators note what they spent on each thing."""

    notes: list[Noted]

    def hand(self, task: Task) -> None:
        """Put something on the desk."""

        def done() -> None:
            self.notes.append(Noted(self.timeline.now, task.minutes, "tally"))
            task.done()

        super().hand(replace(task, done=done))
