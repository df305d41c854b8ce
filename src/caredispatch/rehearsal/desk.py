"""The coordinators' desk: so many people, in working hours, one thing at a time, the most urgent first."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol
from zoneinfo import ZoneInfo

from caredispatch.core.windows import instant_on, minute_of_day


class Timeline(Protocol):
    """Where time passes."""

    now: datetime

    def do_at(self, at: datetime, what: Callable[[], None]) -> None:
        """Something happens at an instant."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing for a person: `by` is when it must be done, which says how urgent it is; `minutes` what it takes.
    `still` says whether it is still to be done when somebody gets to it, `done` happens when they have."""

    by: datetime
    minutes: float
    still: Callable[[], bool]
    done: Callable[[], None]


class Desk:
    """Coordinators at work from Monday to Friday between `opens` and `closes` (minutes of the day in `zone`).
    `worked_minutes` and `tasks` add up what they did."""

    def __init__(self, timeline: Timeline, coordinators: int, opens: int, closes: int, zone: ZoneInfo) -> None:
        self.timeline = timeline
        self.free = coordinators
        self.opens, self.closes, self.zone = opens, closes, zone
        self.worked_minutes = 0.0
        self.tasks = 0
        self._waiting: list[tuple[datetime, int, Task]] = []
        self._n = count()
        self._opening = False

    def hand(self, task: Task) -> None:
        """Put something on the desk."""
        heapq.heappush(self._waiting, (task.by, next(self._n), task))
        self._take()

    def opens_at(self, at: datetime) -> datetime:
        """The next instant, not before `at`, at which somebody is there."""
        local = at.astimezone(self.zone)
        day, minute = local.date(), minute_of_day(local)
        if day.weekday() < 5 and self.opens <= minute < self.closes:
            return at
        if minute >= self.opens:
            day += timedelta(days=1)
        while day.weekday() >= 5:
            day += timedelta(days=1)
        return instant_on(day, self.opens, self.zone)

    def _take(self) -> None:
        while self.free and self._waiting:
            opens = self.opens_at(self.timeline.now)
            if opens > self.timeline.now:
                if not self._opening:
                    self._opening = True
                    self.timeline.do_at(opens, self._open)
                return
            task = heapq.heappop(self._waiting)[2]
            if not task.still():
                continue
            self.free -= 1
            self.tasks += 1
            self.worked_minutes += task.minutes
            self.timeline.do_at(self.timeline.now + timedelta(minutes=task.minutes), self._ending(task))

    def _open(self) -> None:
        self._opening = False
        self._take()

    def _ending(self, task: Task) -> Callable[[], None]:
        def end() -> None:
            self.free += 1
            task.done()
            self._take()

        return end
