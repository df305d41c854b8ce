"""The appointment book of a practice that works by hand: which visits stand, who holds them, whose time is free. It is
what one of its coordinators could read off the screen; what they do about it is `by_hand`'s."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from caredispatch.core.content import Status
from caredispatch.core.facts import Directory, Service, Staff
from caredispatch.core.happened import Stood
from caredispatch.core.happened import Visit as Measured
from caredispatch.core.ids import Id
from caredispatch.core.records import Initiator
from caredispatch.core.windows import zone
from caredispatch.rehearsal.month import Month, Planned
from caredispatch.rehearsal.outcome import Ended
from caredispatch.rehearsal.roster import CELL, Place, Roster, Shift, buffer_of, cells_of

Ending = Literal["", "cancelled", "moved", "handed_on"]


@dataclass(slots=True)
class Session:
    """Time of one provider (and a room) that a visit takes, or the visits of a group. Cells are the roster's, buffers
    included. `from_others`: who has it now took it over."""

    key: str
    service: Service
    location: str
    begin: int
    start_at: datetime
    provider: Id | None
    room: Id | None
    visits: list[Visit] = field(default_factory=list)
    from_others: bool = False

    @property
    def end(self) -> int:
        """The first cell after it."""
        return self.begin + cells_of(self.service)

    @property
    def there(self) -> list[Visit]:
        """Its visits that stand."""
        return [v for v in self.visits if v.cancelled_at is None]


@dataclass(slots=True)
class Visit:
    """One patient's place in a session, since when it stands as it does, and how it stood before. `reminded`: somebody
    phoned, reached or not; `filled`: it was found for a time that became free, or for who wanted a visit."""

    plan: Planned
    session: Session
    since: datetime
    past: list[Stood] = field(default_factory=list)
    cancelled_at: datetime | None = None
    by_patient: bool = False
    confirmed_at: datetime | None = None
    reminded: bool = False
    filled: bool = False
    missed: bool = False
    covered: bool = True

    def stood(self, until: datetime | None = None, ended: Ending = "") -> Stood:
        """How it stands: until now, and why no longer."""
        s = self.session
        ends_at = s.start_at + timedelta(minutes=s.service.minutes)
        return Stood(s.start_at, ends_at, s.provider, self.since, until, ended)


class Book:
    """All sessions of a month, and the time that they take."""

    def __init__(self, directory: Directory, month: Month) -> None:
        self.directory = directory
        self.month = month
        self.end = month.begin + timedelta(days=month.days)
        self.roster = Roster(directory, month.begin, month.days)
        self.sessions: dict[str, Session] = {}
        self.visits: list[Visit] = []

    # -- what stands in it

    def enter(self, plan: Planned, *, filled: bool = False) -> Visit:
        """A visit is booked: into its group where it has one."""
        key = plan.group or plan.name
        session = self.sessions.get(key)
        if session is None:
            session = self._session(key, plan, plan.start_at)
            self.sessions[key] = session
        visit = Visit(plan, session, plan.booked_at, filled=filled)
        session.visits.append(visit)
        self.visits.append(visit)
        return visit

    def _session(self, key: str, plan: Planned, start_at: datetime) -> Session:
        session = self._planned(key, plan, start_at)
        for who in (session.provider, session.room):
            if who is not None:
                self._set(who, session.begin, session.end)
        return session

    def _planned(self, key: str, plan: Planned, start_at: datetime) -> Session:
        service = self.directory.services[plan.service]
        begin = self.roster.cell(start_at) - buffer_of(service)
        return Session(key, service, plan.location, begin, start_at, plan.provider, plan.room)

    def cancel(self, visit: Visit, at: datetime, *, by_patient: bool) -> None:
        """A visit is struck out; its time is free again when nobody is left in the session."""
        visit.past.append(visit.stood(at, "cancelled"))
        visit.cancelled_at, visit.by_patient = at, by_patient
        if not visit.session.there:
            self._free(visit.session)

    def move(self, visit: Visit, start_at: datetime, at: datetime) -> None:
        """A visit is taken to another time of its provider."""
        old = visit.session
        visit.past.append(visit.stood(at, "moved"))
        old.visits.remove(visit)
        if not old.there:
            self._free(old)
        session = self._session(f"{visit.plan.name} moved {len(visit.past)}", visit.plan, start_at)
        session.visits.append(visit)
        visit.session, visit.since = session, at
        self.sessions[session.key] = session

    def give(self, session: Session, staff: Id, at: datetime) -> bool:
        """Somebody takes a session over; False when they are taken meanwhile, or nobody comes to it any more."""
        if not session.there or self._taken(staff, session):
            return False
        for visit in session.there:
            visit.past.append(visit.stood(at, "handed_on"))
            visit.since = at
        session.provider, session.from_others = staff, True
        self._set(staff, session.begin, session.end)
        return True

    def lose(self, session: Session) -> None:
        """Who holds a session can't: their time stays taken, since they are away."""
        session.provider = None

    def away(self, staff: Id, begin: datetime, end: datetime) -> list[Session]:
        """Somebody is not there for a time; the sessions that they would have held then, by their start."""
        first, last = self._stretch(begin, end)
        hit = [s for s in self.sessions.values()
               if s.provider == staff and s.there and s.begin < last and first < s.end]  # fmt: skip
        self._set(staff, first, last)
        return sorted(hit, key=lambda s: (s.start_at, s.key))

    def at_site(self, location: str, begin: datetime, end: datetime) -> list[Session]:
        """The sessions at a site in a time, by their start."""
        first, last = self._stretch(begin, end)
        hit = [s for s in self.sessions.values()
               if s.location == location and s.there and s.begin < last and first < s.end]  # fmt: skip
        return sorted(hit, key=lambda s: (s.start_at, s.key))

    def _stretch(self, begin: datetime, end: datetime) -> tuple[int, int]:
        first, last = self.roster.cell(begin), self.roster.cell(min(end, self.end + timedelta(days=2)))
        return first, max(last, first)

    # -- whose time is free

    def is_free(self, plan: Planned) -> bool:
        """Whether provider and room of a visit have time for it."""
        session = self._planned(plan.name, plan, plan.start_at)
        return not any(self._taken(who, session) for who in (session.provider, session.room) if who is not None)

    def candidates(self, session: Session) -> list[Staff]:
        """Who could take a session over and is not taken: first those who are on duty there then, whom its patient
        knows best before others; then those who are off."""
        on_duty = [s.staff for s in self._shifts(session) if s.begin <= session.begin and session.end <= s.end]
        able = [
            staff for who, staff in sorted(self.directory.staff.items())
            if session.service in self.roster.able[who] and not self._taken(who, session)
        ]  # fmt: skip
        patient = session.there[0].plan.patient if session.there else ""
        together = self.month.together
        return sorted(able, key=lambda s: (s not in on_duty, -together.get((patient, s.staff_id), 0), s.handle))

    def _shifts(self, session: Session) -> list[Shift]:
        day = self._day(session.location, session.start_at)
        shifts = self.roster.shifts[day] if 0 <= day < self.roster.days else []
        return [s for s in shifts if s.location == session.location]

    def _day(self, location: str, at: datetime) -> int:
        return (at.astimezone(zone(self.directory, location)).date() - self.roster.first).days

    def times(
        self, dice: Random, service: str, location: str, since: datetime, until: datetime, provider: Id | None = None
    ) -> Iterator[tuple[Place, datetime]]:
        """Free times for a visit of one service at a site, one a shift, the soonest days first, and when it would
        begin."""
        wanted = self.directory.services[service]
        earliest, last = self.roster.cell(since) + 1, self.roster.cell(until)
        first, final = self._day(location, since), self._day(location, until)
        for day in range(max(first, 0), min(final + 1, self.roster.days)):
            for shift in self.roster.shifts[day]:
                if shift.location != location or provider not in (None, shift.staff.staff_id):
                    continue
                if not self.roster.does(shift, wanted):
                    continue
                found = self.roster.place(dice, shift, wanted, earliest)
                if found is not None and found.end <= last:
                    yield found, self.roster.instant(found.begin + buffer_of(wanted))

    def busy_minutes(self, staff: Id, at: datetime) -> float:
        """Minutes until somebody who sees a patient is free."""
        bits = self.roster.taken.get(staff, 0) >> self.roster.cell(at)
        return float(((bits + 1) & ~bits).bit_length() - 1) * CELL

    def _taken(self, who: str, session: Session) -> bool:
        return bool(self.roster.taken.get(who, 0) >> session.begin & ((1 << session.end - session.begin) - 1))

    def _set(self, who: str, begin: int, end: int) -> None:
        if end > begin:
            self.roster.taken[who] = self.roster.taken.get(who, 0) | ((1 << end - begin) - 1) << begin

    def _free(self, session: Session) -> None:
        bits = ((1 << session.end - session.begin) - 1) << session.begin
        for who in (session.provider, session.room):
            if who is not None:
                self.roster.taken[who] = self.roster.taken.get(who, 0) & ~bits

    # -- at the end

    def of_the_month(self) -> list[Visit]:
        """The visits that were to begin in these days, in order."""
        found = [v for v in self.visits if self.month.begin <= v.session.start_at < self.end]
        return sorted(found, key=lambda v: (v.session.start_at, v.plan.name))


def ended(visit: Visit, late: timedelta) -> Ended:
    """How a visit ended. A patient's cancellation is late when it is less than `late` ahead."""
    session = visit.session
    status: Literal["kept", "no_show", "cancelled", "late_cancelled", "uncovered"]
    if visit.cancelled_at is not None:
        status = "late_cancelled" if visit.by_patient and session.start_at - visit.cancelled_at < late else "cancelled"
    elif not visit.covered:
        status = "uncovered"
    else:
        status = "no_show" if visit.missed else "kept"
    return Ended(
        visit.plan.name, session.service.code, session.location, session.start_at, session.service.minutes, status,
        visit.covered and session.provider is not None, visit.confirmed_at is not None, session.provider, visit.filled,
    )  # fmt: skip


def measured(visit: Visit) -> Measured:
    """A visit with its history, as measures count it."""
    status: Status = "fulfilled"
    if visit.cancelled_at is not None:
        status = "cancelled"
    elif visit.missed:
        status = "noshow"
    by: Initiator | None = None
    if visit.cancelled_at is not None:
        by = "patient" if visit.by_patient else "practice"
    stood = tuple(visit.past) if visit.cancelled_at is not None else (*visit.past, visit.stood())
    return Measured(
        Id(visit.plan.name), visit.session.location, visit.session.service.code, status, visit.plan.booked_at, stood,
        visit.confirmed_at, visit.cancelled_at, by, covered=visit.covered,
    )  # fmt: skip
