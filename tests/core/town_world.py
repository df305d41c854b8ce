"""The machinery of a town: the states of all subjects, the time that passes, and decisions as the engine makes them
(E14), with what the database would refuse. What a scenario says and reads is in `town`."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from itertools import count
from typing import Literal, Self

import orjson

from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy, apply
from caredispatch.core.facts import Busy, ContactFacts, Facts, PatientFacts
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Acted, Due, Mode, Observation
from caredispatch.core.records import Ask, Leave, Occupation, State
from tests.core.checks import check
from tests.core.clinic import START, policy
from tests.core.play import minutes, sms
from tests.core.town_facts import facts_of
from tests.core.town_outside import Answers, Outside

Fate = Literal["on time", "lost", "twice"] | float
MOST_AT_ONCE = 2_000


class World:
    """Many visits, the people around them, the systems that hold copies, and the time that passes."""

    def __init__(
        self,
        rules: Policy | None = None,
        *,
        now: datetime = START,
        answers: Answers | None = None,
        patients: Mapping[str, PatientFacts] | None = None,
        contacts: Mapping[str, tuple[ContactFacts, ...]] | None = None,
        fates: Iterable[Fate] = (),
        external: Mapping[str, tuple[Busy, ...]] | None = None,
        together: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        self.policy = rules or policy()
        self.began = self.now = now
        self.outside = Outside(self, answers if answers is not None else {})
        self.patients = {Id(who): facts for who, facts in (patients or {}).items()}
        self.contacts = {str(who): (sms(who),) for who in self.policy.directory.staff} | dict(contacts or {})
        self.fates = list(fates)
        self.external, self.together = dict(external or {}), dict(together or {})
        self.states: dict[Id, State] = {}
        self.names: dict[str, Id] = {}
        self.leaves: dict[Id, Leave] = {}
        self.counters: dict[tuple[str, str, str], int] = {}
        self.taken: dict[Id, dict[Id, Occupation]] = {}
        self.visits_of: dict[Id, dict[Id, None]] = {}
        self.open_asks: dict[Id, dict[Id, Ask]] = {}
        self.offered_at: dict[str, datetime] = {}
        self.raised: list[tuple[int, str, str]] = []
        self.decisions: list[tuple[Id, Observation, Decision]] = []
        self.watchers: list[Callable[[Id, State, State, Facts, Observation, Decision], None]] = []
        self.acts: dict[Id, list[tuple[Acted, State, Decision, datetime]]] = {}
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        self._looks: list[tuple[datetime, Id]] = []
        self._n = count()

    @property
    def minute(self) -> int:
        """Minutes since the scenario began."""
        return int((self.now - self.began).total_seconds() // 60)

    def subject(self, name: str) -> Id:
        """The id of a visit by its name; an id stands for itself."""
        return self.names.get(name, Id(name))

    # -- time

    def later(self, after: float, event: Observation, *, on: str | None = None, subject: Id | None = None) -> Self:
        """Something will be observed, so many minutes from now, of a visit (or a subject)."""
        about = subject if subject is not None else self.subject(on or "")
        self.do_at(self.now + minutes(after), lambda: self._decide(about, event))
        return self

    def do_at(self, at: datetime, what: Callable[[], None]) -> None:
        """Something happens at an instant; of one instant in the order in which it was said."""
        heapq.heappush(self._queue, (max(at, self.now), next(self._n), what))

    def run(self, for_minutes: float = 0, *, until: datetime | None = None) -> Self:
        """Let time pass: what people and systems do, and what falls due, in order."""
        end = until or self.now + minutes(for_minutes)
        at_once = 0
        while True:
            happens = self._queue[0][0] if self._queue else None
            due = self._next_look()
            coming = min((t for t in (happens, due) if t is not None), default=None)
            if coming is None or coming > end:
                self.now = max(self.now, end)
                return self
            at_once = at_once + 1 if coming <= self.now else 0
            assert at_once < MOST_AT_ONCE, "it never comes to rest"
            self.now = max(self.now, coming)
            if happens is not None and happens <= self.now:
                heapq.heappop(self._queue)[2]()
            else:
                self._decide(heapq.heappop(self._looks)[1], Due())

    def step(self, subject: Id, event: Observation, *, settle: bool = True) -> Self:
        """Decide one observation now, and (`settle`) all that follows at once."""
        self._decide(subject, event)
        return self.run(0) if settle else self

    def _next_look(self) -> datetime | None:
        while self._looks:
            at, subject = self._looks[0]
            if _look_of(self.states.get(subject, State())) == at:
                return at
            heapq.heappop(self._looks)
        return None

    # -- deciding

    def _decide(self, subject: Id, event: Observation) -> None:
        before = self.states.get(subject, State())
        facts = facts_of(self, subject, event)
        decision = decide(before, facts, event, self.policy, self.now)
        again = decide(before, facts, event, self.policy, self.now)
        assert orjson.dumps(decision) == orjson.dumps(again), "decided twice, decided differently"
        after = apply(before, decision)
        check(before, after, facts, event, decision, self.policy, self.now)
        if isinstance(event, Acted):
            self.acts.setdefault(subject, []).insert(0, (event, before, decision, self.now))
        self._commit(subject, before, after, decision)
        self.decisions.append((subject, event, decision))
        for watcher in self.watchers:
            watcher(subject, before, after, facts, event, decision)
        self.outside.carry_out(subject, decision)
        for to, word in decision.passed:
            self.later(0, word, subject=to)

    def _commit(self, subject: Id, before: State, after: State, decision: Decision) -> None:
        """What the store persists, with what the database refuses."""
        if after.appointment is None:
            # Exceptions of no visit are subjects of their own.
            for row in after.exceptions:
                self._keep(row.exception_id, State(exceptions=(row,)))
            if subject not in {row.exception_id for row in after.exceptions}:
                self._keep(subject, State(incident=after.incident))
        else:
            self._keep(subject, after)
        for leave in decision.leaves:
            self.leaves.pop(leave.block_id, None)
            if leave.away:
                self.leaves[leave.block_id] = leave
        self._occupy(decision)
        self._count(decision)
        self._index(decision)
        was = {e.exception_id for e in before.exceptions}
        for row in decision.exceptions:
            if row.exception_id not in was:
                self.raised.append((self.minute, row.kind, row.owner))

    def _count(self, decision: Decision) -> None:
        for c in decision.counts:
            key = (c.person_id, c.what, c.period)
            self.counters[key] = self.counters.get(key, 0) + 1
            assert self.counters[key] <= c.most, f"the database would refuse this: {key}"

    def _index(self, decision: Decision) -> None:
        for ask in decision.asks:
            mine = self.open_asks.setdefault(ask.person_id, {})
            mine.pop(ask.ask_id, None)
            if ask.open:
                mine[ask.ask_id] = ask
            if ask.purpose == "cover":
                self.offered_at[ask.person_id] = max(ask.asked_at, self.offered_at.get(ask.person_id, ask.asked_at))

    def _keep(self, subject: Id, state: State) -> None:
        self.states[subject] = state
        at = _look_of(state)
        if at is not None:
            heapq.heappush(self._looks, (at, subject))
        if state.appointment is not None and state.appointment.patient_id is not None:
            self.known(state.appointment.patient_id)
            self.visits_of.setdefault(state.appointment.patient_id, {})[subject] = None

    def _occupy(self, decision: Decision) -> None:
        for occupation_id in decision.vacate:
            for rows in self.taken.values():
                rows.pop(occupation_id, None)
        for row in decision.occupy:
            rows = self.taken.setdefault(row.resource_id, {})
            for other in rows.values():
                overlap = other.start_at < row.end_at and row.start_at < other.end_at
                assert not overlap or other.session_id == row.session_id, f"{row.resource_id} is booked twice"
            rows[row.occupation_id] = row

    def known(self, person: str | None) -> None:
        """Everybody has a telephone unless the scenario says otherwise."""
        if person is not None:
            self.contacts.setdefault(person, (sms(person),))

    # -- notices

    def door(self, system: str, external: str) -> Id:
        """Whose visit a copy is: ours, or that of the first system that showed it."""
        if (system, external) not in self.outside.doors:
            fresh = make_id("appointment", self.policy.directory.practice_id, system, external)
            self.outside.doors[system, external] = self.names.setdefault(external, fresh)
        return self.outside.doors[system, external]

    def look(self, system: str, external: str) -> None:
        """Read one copy now, whatever became of its notices."""
        if (system, external) in self.outside.copies:
            self.step(self.door(system, external), self.outside.seen(system, external), settle=False)

    def notice(self, system: str, external: str, mode: Mode) -> None:
        subject, seen = self.door(system, external), self.outside.seen(system, external, mode)
        fate = self.fates.pop(0) if self.fates else "on time"
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
