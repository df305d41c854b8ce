"""What the database holds in production, as values (E14): the state of every subject, whose time is taken, limits, and
the indexes by which facts are read. It refuses what the database would refuse."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from caredispatch.core.draft import Decision
from caredispatch.core.facts import Busy, ContactFacts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Observation
from caredispatch.core.records import Appointment, Ask, Leave, Occupation, State
from caredispatch.store.others import Hour


class Refused(Exception):
    """The database would not take this: a limit that is used up, or somebody in two places at once."""


class Tables:
    """One practice's tables. What is read often is kept by the key that it is read by."""

    def __init__(
        self,
        *,
        patients: Mapping[Id, PatientFacts],
        contacts: Mapping[str, tuple[ContactFacts, ...]],
        external: Mapping[str, tuple[Busy, ...]],
        together: Mapping[tuple[str, str], int],
    ) -> None:
        self.patients = dict(patients)
        self.contacts = dict(contacts)
        self.external = dict(external)
        self.together = dict(together)
        self.states: dict[Id, State] = {}
        self._blocks: dict[Id, Busy] = {}
        self._numbers: dict[Id, list[tuple[int, Id]]] = {}
        self.leaves: dict[Id, Leave] = {}
        self.counters: dict[tuple[str, str, str], int] = {}
        self.taken: dict[Id, dict[Id, Occupation]] = {}
        self.taken_on: dict[tuple[Id, int], dict[Id, Occupation]] = {}
        self.visits_of: dict[Id, dict[Id, None]] = {}
        self.visits_on: dict[tuple[Id, int], dict[Id, None]] = {}
        self.at_hour: dict[Hour, dict[Id, None]] = {}
        self.open_asks: dict[Id, dict[Id, Ask]] = {}
        self.asked_along: dict[Id, dict[Id, Ask]] = {}
        self.offers: dict[tuple[Id, Id], dict[Id, Ask]] = {}
        self.offered_at: dict[str, datetime] = {}
        self.waitlists: dict[str, dict[Id, None]] = {}
        self.covering: dict[Id, None] = {}
        self.brought_back: dict[tuple[Id, str], dict[Id, None]] = {}
        self.acts: dict[Id, list[tuple[Acted, State, Decision, datetime]]] = {}

    # -- reading

    def record(self, subject: Id) -> Appointment | None:
        """The visit that a subject is, if it is one."""
        state = self.states.get(subject)
        return state.appointment if state else None

    def records(self, subjects: Iterable[Id]) -> list[Appointment]:
        """The visits among some subjects."""
        return [v for s in subjects if (v := self.record(s)) is not None]

    def busy(self, who: str, begin: datetime, end: datetime) -> list[Busy]:
        """When a person, patient, room or site is taken between two instants."""
        found: dict[Id, Busy] = {}
        for day in range(begin.toordinal(), end.toordinal() + 1):
            for key, o in self.taken_on.get((Id(who), day), {}).items():
                if o.start_at < end and begin < o.end_at:
                    found[key] = self._blocks.get(key) or self._block(o)
        rows = list(found.values())
        if who in self.external:
            rows += [b for b in self.external[who] if b.start_at < end and begin < b.end_at]
        for leave in self.leaves.values() if self.leaves else ():
            if leave.staff_id == who and leave.start_at < end and begin < leave.end_at:
                rows.append(Busy(leave.start_at, leave.end_at, "leave"))
        return rows

    def next_number(self, who: Id) -> int | None:
        """The first free number for a question to somebody who has open ones (D5)."""
        numbers, still = self._numbers.get(who, []), self.open_asks.get(who, {})
        while numbers and numbers[0][1] not in still:
            heapq.heappop(numbers)
        return 1 - numbers[0][0] if numbers else None

    def _block(self, o: Occupation) -> Busy:
        """An occupation as decisions see it; kept until its visit changes."""
        visit = self.record(o.appointment_id)
        there = visit is not None and any(p.actor_id == o.resource_id for p in visit.participants)
        source = visit.source if visit is not None and there else None
        slot = visit is not None and visit.is_slot
        block = Busy(o.start_at, o.end_at, "booked", o.appointment_id, o.session_id, source, slot)
        self._blocks[o.occupation_id] = block
        return block

    # -- committing

    def commit(
        self, subject: Id, event: Observation, before: State, after: State, out: Decision, now: datetime
    ) -> None:
        """Keep what one decision changed. Raises Refused."""
        if isinstance(event, Acted):
            self.acts.setdefault(subject, []).insert(0, (event, before, out, now))
        self.keep(subject, after)
        for leave in out.leaves:
            self.leaves.pop(leave.block_id, None)
            if leave.away:
                self.leaves[leave.block_id] = leave
        if out.vacate or out.occupy:
            self._occupy(before, out)
        self._count(out)
        self._index_asks(after, out)

    def keep(self, subject: Id, state: State) -> None:
        """The state of a subject from now on. Exceptions of no visit are subjects of their own."""
        visit = state.appointment
        if visit is None:
            for row in state.exceptions:
                self.states[row.exception_id] = State(exceptions=(row,))
            if subject not in {row.exception_id for row in state.exceptions}:
                self.states[subject] = State(incident=state.incident)
            return
        was = self.states.get(subject, State())
        self.states[subject] = state
        if visit is not was.appointment:
            self._index_visit(subject, was.appointment, visit)
            for taken in (*was.occupations, *state.occupations):
                self._blocks.pop(taken.occupation_id, None)
        if state.cases != was.cases:
            self._index_cases(subject, state, visit)

    def _occupy(self, before: State, out: Decision) -> None:
        """What is vacated first, then what is occupied (E8)."""
        changed = {*out.vacate, *(row.occupation_id for row in out.occupy)}
        for row in before.occupations:
            if row.occupation_id in changed:
                self._take(row, gone=True)
        for row in out.occupy:
            for day in range(row.start_at.toordinal(), row.end_at.toordinal() + 1):
                for there in self.taken_on.get((row.resource_id, day), {}).values():
                    overlap = there.start_at < row.end_at and row.start_at < there.end_at
                    if overlap and there.session_id != row.session_id:
                        raise Refused(f"{row.resource_id} is booked twice at {row.start_at:%Y-%m-%d %H:%M} UTC")
            self._take(row)

    def _take(self, row: Occupation, *, gone: bool = False) -> None:
        places = [self.taken.setdefault(row.resource_id, {})]
        for day in range(row.start_at.toordinal(), row.end_at.toordinal() + 1):
            places.append(self.taken_on.setdefault((row.resource_id, day), {}))
        for rows in places:
            if gone:
                rows.pop(row.occupation_id, None)
            else:
                rows[row.occupation_id] = row

    def _count(self, out: Decision) -> None:
        for c in out.counts:
            key = (c.person_id, c.what, c.period)
            self.counters[key] = self.counters.get(key, 0) + 1
            if self.counters[key] > c.most:
                raise Refused(f"{c.person_id} is over {c.most} {c.what} of {c.period}")

    def _index_asks(self, after: State, out: Decision) -> None:
        for ask in out.asks:
            mine = self.open_asks.setdefault(ask.person_id, {})
            mine.pop(ask.ask_id, None)
            if ask.open:
                mine[ask.ask_id] = ask
                heapq.heappush(self._numbers.setdefault(ask.person_id, []), (-ask.number, ask.ask_id))
            if ask.purpose == "cover":
                self.offered_at[ask.person_id] = max(ask.asked_at, self.offered_at.get(ask.person_id, ask.asked_at))
                incident = next((c.incident_id for c in after.cases if c.case_id == ask.case_id), None)
                if incident is not None:
                    self.asked_along.setdefault(incident, {})[ask.ask_id] = ask
            if ask.purpose == "offer_slot" and ask.options and ask.options[0].displaces is not None:
                self.offers.setdefault((ask.person_id, ask.options[0].displaces), {})[ask.ask_id] = ask

    def _index_visit(self, subject: Id, was: Appointment | None, now: Appointment) -> None:
        if now.patient_id is not None:
            self.visits_of.setdefault(now.patient_id, {})[subject] = None
        if was is not None:
            for key in _days_of(was):
                self.visits_on.get(key, {}).pop(subject, None)
            self.at_hour.get(_hour_of(was), {}).pop(subject, None)
        for key in _days_of(now):
            self.visits_on.setdefault(key, {})[subject] = None
        self.at_hour.setdefault(_hour_of(now), {})[subject] = None
        if now.request is not None:
            listed = now.status == "waitlist" or (now.status == "booked" and now.request.origin == "waitlist")
            _list(self.waitlists.setdefault(now.service, {}), subject, there=listed)

    def _index_cases(self, subject: Id, after: State, visit: Appointment) -> None:
        open_kinds = {c.kind for c in after.cases if c.state == "open"}
        _list(self.covering, subject, there="cover" in open_kinds)
        if visit.patient_id is not None:
            key = (visit.patient_id, visit.service)
            _list(self.brought_back.setdefault(key, {}), subject, there="follow_up" in open_kinds)

    # -- what comes from elsewhere

    def suppress(self, out: Decision) -> None:
        """Contacts that must not be used any more, or may be again."""
        for s in out.suppressions:
            for person, known in self.contacts.items():
                if any(c.contact_id == s.contact_id for c in known):
                    usable = s.status == "usable"
                    self.contacts[person] = tuple(
                        replace(c, usable=usable) if c.contact_id == s.contact_id else c for c in known
                    )


def _days_of(visit: Appointment) -> list[tuple[Id, int]]:
    """By whom and when a visit is looked up when something hits a person or a site."""
    who: list[str] = [p.actor_id for p in visit.participants if p.kind == "staff" and p.actor_id]
    days = range(visit.start_at.toordinal(), visit.end_at.toordinal() + 1)
    return [(Id(key), day) for key in (*who, f"site:{visit.location}") for day in days]


def _hour_of(visit: Appointment) -> Hour:
    return visit.source, visit.service, visit.location, visit.start_at


def _list(rows: dict[Id, None], subject: Id, *, there: bool) -> None:
    if there:
        rows[subject] = None
    else:
        rows.pop(subject, None)
