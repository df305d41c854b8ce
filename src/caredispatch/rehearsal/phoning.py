"""The telephone of a practice that works by hand: people are phoned one after another by whoever is free at the desk,
and call back when they can. Whom to phone, and what a yes means, is `seeking`'s."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from caredispatch.core.facts import Directory
from caredispatch.core.happened import Question
from caredispatch.core.ids import Id
from caredispatch.core.windows import minute_of_day, zone
from caredispatch.rehearsal.coordinating import MOST_CALLS
from caredispatch.rehearsal.desk import Desk, Task
from caredispatch.rehearsal.month import Planned
from caredispatch.rehearsal.parameters import Desk as Ways
from caredispatch.rehearsal.people import PHONE, People, Reply

CALLS_BACK = timedelta(hours=1)
"""After the last call somebody who was not reached is waited for so long."""


class Hours:
    """Time, and what happens in it."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._coming: list[tuple[datetime, int, Callable[[], None]]] = []
        self._n = count()

    def do_at(self, at: datetime, what: Callable[[], None]) -> None:
        """Something happens at an instant; what should have happened before happens now."""
        heapq.heappush(self._coming, (max(at, self.now), next(self._n), what))

    def run(self, until: datetime) -> None:
        """Let time pass."""
        while self._coming and self._coming[0][0] < until:
            self.now, _, what = heapq.heappop(self._coming)
            what()
        self.now = until


@dataclass(frozen=True, slots=True)
class Call:
    """One question by phone: whom, what for, under which natural key; about a visit that begins at `start_at`."""

    person: Id
    is_staff: bool
    purpose: str
    key: str
    location: str
    start_at: datetime
    plan: Planned | None = None
    busy: float = 0.0


@dataclass(slots=True)
class Search:
    """Somebody is sought for a visit until it begins. `whom` gives the next call, and how that person takes it: False
    where it is gone meanwhile. The whole takes `minutes` at least; `ended` hears when the first was phoned, when
    somebody took it (None: nobody), and what it took."""

    by: datetime
    minutes: float
    whom: Iterator[tuple[Call, Callable[[], bool]]]
    ended: Callable[[datetime | None, datetime | None, float], None]
    calls: int = 0
    spent: float = 0.0
    first_at: datetime | None = None
    over: bool = False
    next: tuple[Call, Callable[[], bool]] | None = None


class Telephone:
    """Counts the calls, and how often each of the staff was asked; notes in `questions` whom and when."""

    def __init__(
        self, directory: Directory, people: People, ways: Ways, hours: Hours, desk: Desk, questions: list[Question]
    ) -> None:
        self.directory, self.people, self.ways = directory, people, ways
        self.hours, self.desk, self.questions = hours, desk, questions
        self.calls = 0
        self.asked: dict[Id, int] = {}
        self._this_week: dict[tuple[Id, int], int] = {}

    def ask(self, call: Call) -> Reply | None:
        """What somebody says who is phoned now; None: not reached, or no answer."""
        now = self.hours.now
        self.calls += 1
        local = now.astimezone(zone(self.directory, call.location))
        earlier = 0
        if call.is_staff:
            week = call.person, local.date().isocalendar().week
            earlier = self._this_week.get(week, 0)
            self._this_week[week] = earlier + 1
            self.asked[call.person] = self.asked.get(call.person, 0) + 1
            self.questions.append(Question(call.person, call.location, now))
        left = int((call.start_at - now).total_seconds()) // 60
        return self.people.reply(
            call.person, call.is_staff, call.purpose, call.key, PHONE, now, minute_of_day(local), earlier, left,
            visit=call.plan, busy_minutes=call.busy,
        )  # fmt: skip

    def search(self, one: Search) -> None:
        """Phone the next one as soon as somebody is free for it; nobody waits for a call back."""
        if one.calls == MOST_CALLS:
            self._wait(one)
        else:
            self.desk.hand(Task(one.by, self.ways.phone_call, lambda: self._whom(one), lambda: self._called(one)))

    def _whom(self, one: Search) -> bool:
        """Whether there is somebody to phone, as somebody at the desk gets to it."""
        if one.over:
            return False
        one.next = next(one.whom, None) if self.hours.now < one.by else None
        if one.next is None:
            self._wait(one)
        return one.next is not None

    def _called(self, one: Search) -> None:
        now = self.hours.now
        one.spent += self.ways.phone_call
        if one.over or one.next is None:
            return
        call, take = one.next
        one.calls += 1
        one.first_at = one.first_at or now - timedelta(minutes=self.ways.phone_call)
        said = self.ask(call)
        if said is not None and said.label == "yes":
            self.hours.do_at(now + timedelta(minutes=said.after), lambda: self._yes(one, take))
        self.search(one)

    def _yes(self, one: Search, take: Callable[[], bool]) -> None:
        if not one.over and self.hours.now < one.by and take():
            self._end(one, self.hours.now)

    def _wait(self, one: Search) -> None:
        self.hours.do_at(min(self.hours.now + CALLS_BACK, one.by), lambda: self._end(one, None))

    def _end(self, one: Search, at: datetime | None) -> None:
        """What is left of the work: the patient, and every system, hears how it ended."""
        if one.over:
            return
        one.over = True
        rest = max(self.ways.status_change, one.minutes - one.spent)
        whole = one.spent + rest
        self.desk.hand(Task(one.by, rest, lambda: True, lambda: one.ended(one.first_at, at, whole)))
