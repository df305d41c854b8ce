"""The world of a practice over values: many visits, the people and systems around them, time that passes in steps, and
decisions as the engine makes them (E14): the same `decide` and `apply`, no database, no clock."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Literal, Self

from caredispatch.core.content import instant_text
from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy, apply
from caredispatch.core.facts import Busy, ContactFacts, Facts, PatientFacts
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Due, Mode, Observation
from caredispatch.core.records import State
from caredispatch.rehearsal.facts import facts_of
from caredispatch.rehearsal.outside import Answers, Outside
from caredispatch.rehearsal.tables import Tables

Fate = Literal["on time", "lost", "twice"] | float
"""What becomes of a notice; a number: so many minutes late."""
MOST_AT_ONCE = 2_000
Watcher = Callable[[Id, State, State, Facts, Observation, Decision], None]
"""Called after every decision with its subject, the state before and after, the facts, the observation and itself."""


class Restless(Exception):
    """Decisions follow from one another without time passing: it never comes to rest."""


class World(Tables):
    """A practice's tables, the systems and people outside, and the time that passes."""

    def __init__(
        self,
        rules: Policy,
        *,
        now: datetime,
        answers: Answers | None = None,
        patients: Mapping[Id, PatientFacts] | None = None,
        contacts: Mapping[str, tuple[ContactFacts, ...]] | None = None,
        fates: Iterable[Fate] = (),
        external: Mapping[str, tuple[Busy, ...]] | None = None,
        together: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        super().__init__(
            patients=patients or {}, contacts=contacts or {}, external=external or {}, together=together or {}
        )
        self.policy = rules
        self.began = self.now = now
        self.outside = Outside(self, answers if answers is not None else {})
        self.fates = list(fates)
        self.names: dict[str, Id] = {}
        self.watchers: list[Watcher] = []
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._looks: list[tuple[datetime, str, Id]] = []
        self._n = count()

    def subject(self, name: str) -> Id:
        """The id of a visit by its name; an id stands for itself."""
        return self.names.get(name, Id(name))

    # -- time

    def later(self, after: float, event: Observation, *, on: str | None = None, subject: Id | None = None) -> Self:
        """Something will be observed, so many minutes from now, of a visit (or a subject)."""
        about = subject if subject is not None else self.subject(on or "")
        self.do_at(self.now + timedelta(minutes=after), lambda: self.decide(about, event))
        return self

    def do_at(self, at: datetime, what: Callable[[], None]) -> None:
        """Something happens at an instant; of one instant in the order in which it was said."""
        heapq.heappush(self._queue, (max(at, self.now), next(self._n), what))

    def run(self, for_minutes: float = 0, *, until: datetime | None = None) -> Self:
        """Let time pass: what people and systems do, and what falls due, in order. Raises Restless."""
        end = until or self.now + timedelta(minutes=for_minutes)
        at_once = 0
        while True:
            happens = self._queue[0][0] if self._queue else None
            due = self._next_look()
            coming = min((t for t in (happens, due) if t is not None), default=None)
            if coming is None or coming > end:
                self.now = max(self.now, end)
                return self
            at_once = at_once + 1 if coming <= self.now else 0
            if at_once >= MOST_AT_ONCE:
                raise Restless(f"at {self.now:%Y-%m-%d %H:%M} UTC")
            self.now = max(self.now, coming)
            if happens is not None and happens <= self.now:
                heapq.heappop(self._queue)[2]()
            else:
                self.decide(heapq.heappop(self._looks)[2], Due())

    def step(self, subject: Id, event: Observation, *, settle: bool = True) -> Self:
        """Decide one observation now, and (`settle`) all that follows at once."""
        self.decide(subject, event)
        return self.run(0) if settle else self

    def _next_look(self) -> datetime | None:
        while self._looks:
            at, _, subject = self._looks[0]
            if _look_of(self.states.get(subject, State())) == at:
                return at
            heapq.heappop(self._looks)
        return None

    # -- deciding

    def decide(self, subject: Id, event: Observation) -> None:
        """Decide one observation, commit what came out, and let its effects out. Raises Refused."""
        before = self.states.get(subject, State())
        facts = facts_of(self, self.policy, subject, event, self.now)
        decision = decide(before, facts, event, self.policy, self.now)
        after = apply(before, decision)
        self.commit(subject, event, before, after, decision, self.now)
        for watcher in self.watchers:
            watcher(subject, before, after, facts, event, decision)
        if decision.suppressions:
            self.suppress(decision)
        self.outside.carry_out(subject, decision)
        for to, word in decision.passed:
            self.later(0, word, subject=to)

    def keep(self, subject: Id, state: State) -> None:
        """The state of a subject from now on; it is looked at again when it says so."""
        super().keep(subject, state)
        for row in state.exceptions if state.appointment is None else ():
            self._look_at(row.exception_id)
        if state.appointment is not None:
            self.known(state.appointment.patient_id)
        self._look_at(subject)

    def _look_at(self, subject: Id) -> None:
        state = self.states.get(subject, State())
        at = _look_of(state)
        if at is not None:
            # What begins first comes first, as the database has it.
            begins = instant_text(state.appointment.start_at) if state.appointment is not None else "~"
            heapq.heappush(self._looks, (at, begins, subject))

    def known(self, person: str | None) -> None:
        """Somebody new is met; where contacts are made up as people are met, here."""

    # -- notices

    def door(self, system: str, external: str) -> Id:
        """Whose visit a copy is: ours, or that of the first system that showed it."""
        doors = self.outside.doors
        if (system, external) not in doors:
            fresh = make_id("appointment", self.policy.directory.practice_id, system, external)
            doors[system, external] = self.names.setdefault(external, fresh)
        return doors[system, external]

    def look(self, system: str, external: str) -> None:
        """Read one copy now, whatever became of its notices."""
        if (system, external) in self.outside.copies:
            self.step(self.door(system, external), self.outside.seen(system, external), settle=False)

    def fate_of(self, system: str) -> Fate:
        """What becomes of a notice that a system sends now: what was said beforehand, in order."""
        return self.fates.pop(0) if self.fates else "on time"

    def notice(self, system: str, external: str, mode: Mode) -> None:
        """A system tells of a change of one of its copies."""
        subject, seen = self.door(system, external), self.outside.seen(system, external, mode)
        fate = self.fate_of(system)
        if fate == "lost":
            return
        late = fate if isinstance(fate, (int, float)) else 0
        self.later(late, seen, subject=subject)
        if fate == "twice":
            self.later(1, seen, subject=subject)


def _look_of(state: State) -> datetime | None:
    """When something of a subject falls due."""
    if state.appointment is not None:
        return state.appointment.next_look_at
    found = [e.ack_by for e in state.exceptions if e.state == "open"]
    if state.incident is not None and state.incident.due_at is not None:
        found.append(state.incident.due_at)
    return min(found, default=None)
