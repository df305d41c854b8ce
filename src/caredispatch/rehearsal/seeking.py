"""Seeking by phone, in a month that is played by hand: somebody for a visit that lost its provider, a time for who
wants one or lost theirs, and somebody for a time that became free."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from caredispatch.core.ids import Id
from caredispatch.core.playbook import PatientAgreement
from caredispatch.core.windows import zone
from caredispatch.rehearsal.book import Book, Session, Visit
from caredispatch.rehearsal.coordinating import MOST_CALLS
from caredispatch.rehearsal.desk import Task
from caredispatch.rehearsal.ledger import Cause, Ledger
from caredispatch.rehearsal.month import Planned, Want
from caredispatch.rehearsal.outcome import How, Kind
from caredispatch.rehearsal.parameters import Desk as Ways
from caredispatch.rehearsal.phoning import Call, Search, Telephone
from caredispatch.rehearsal.playing import STRANGER

A_DAY = timedelta(hours=24)
TRIES = 3
"""How often somebody who wants a visit, or lost one, is phoned: once a day."""
LEAST_NOTICE = timedelta(hours=1)
"""A time that becomes free at shorter notice is offered to nobody."""
SEARCHED = timedelta(days=14)
Taking = tuple[Call, Callable[[], bool]]


@dataclass(slots=True)
class Seeking:
    """What it needs. `agreement` is what each service asks of its patients; `enters` puts a visit that was found into
    the book, `types` a change into every system; `waiting` is the waitlist."""

    book: Book
    ledger: Ledger
    phone: Telephone
    ways: Ways
    agreement: dict[str, PatientAgreement]
    waiting: list[Want]
    dice: Random
    enters: Callable[[Planned], object]
    types: Callable[[], None]

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self.phone.hours.now

    def hand(self, by: datetime, minutes: float, done: Callable[[], None]) -> None:
        """Put something on the desk."""
        self.phone.desk.hand(Task(by, minutes, lambda: True, done))

    def ask(self, visit: Visit, purpose: str, key: str = "") -> str:
        """What a patient who is phoned about a visit says; nothing where they are not reached."""
        session = visit.session
        ahead = session.start_at if session.start_at > self.now else self.now + SEARCHED
        name = f"{purpose} {visit.plan.name} {key}"
        said = self.phone.ask(Call(visit.plan.patient, False, purpose, name, session.location, ahead, visit.plan))
        return said.label if said is not None else ""

    # -- somebody for a visit

    def cover(self, session: Session, lost: Id, key: str, *, first: bool) -> None:
        """Somebody is sought for who is out. The first visit of a call-out takes what a change on its day takes; the
        others what their calls take. Nobody found: the patient loses the visit, by phone if somebody got to it before
        it began, else before a closed door."""
        since = self.now
        there = zone(self.book.directory, session.location)
        today = session.start_at.astimezone(there).date() == since.astimezone(there).date()
        least = self.ways.same_day_change if first and today else self.ways.status_change

        def ended(first_at: datetime | None, at: datetime | None, took: float) -> None:
            self.types()
            standing = session.there
            for visit in standing:
                how = self._how(visit, found=at is not None)
                cause = cause_of(visit, "call_out", since, key)
                self.ledger.ended(cause, how, took / len(standing), first_at, at or self.now)
                if how == "cancelled":
                    self.book.cancel(visit, self.now, by_patient=False)
                    self.bring_back(visit, cause_of(visit, "cancellation", self.now), 0.0)

        self.phone.search(Search(session.start_at, least, self._who_could(session, lost), ended))

    def _how(self, visit: Visit, *, found: bool) -> How:
        ahead = visit.session.start_at > self.now
        if not found:
            return "cancelled" if ahead else "uncovered"
        required = self.agreement[visit.session.service.code] == "required"
        return "cancelled" if ahead and required and self.ask(visit, "agree_patient") == "no" else "covered"

    def _who_could(self, session: Session, lost: Id) -> Iterator[Taking]:
        """Everybody who could take a session over, one after another, as the book stands when it is their turn."""
        phoned = {lost}
        while session.there:
            who = next((s.staff_id for s in self.book.candidates(session) if s.staff_id not in phoned), None)
            if who is None:
                return
            phoned.add(who)
            busy = self.book.busy_minutes(who, self.now)
            call = Call(who, True, "cover", f"cover {session.key}", session.location, session.start_at, busy=busy)
            yield call, partial(self._gives, session, who)

    def _gives(self, session: Session, who: Id) -> bool:
        return self.book.give(session, who, self.now)

    def add_on(self, want: Want) -> None:
        """Somebody who must be seen today: whoever has time is phoned."""
        cause = Cause("add_on", want.name, self.now, want.location, want.service, want.name, self.now)

        def ended(first_at: datetime | None, at: datetime | None, took: float) -> None:
            self.types()
            self.ledger.ended(cause, "placed" if at is not None else "not_placed", took, first_at, at or self.now)

        self.phone.search(Search(want.until, self.ways.same_day_change, self._who_has_time(want), ended))

    def _who_has_time(self, want: Want) -> Iterator[Taking]:
        for place, start_at in self.book.times(self.dice, want.service, want.location, self.now, want.until):
            who = place.shift.staff.staff_id
            plan = self._found(want, who, start_at, place.room.room_id if place.room else None)
            busy = self.book.busy_minutes(who, self.now)
            call = Call(who, True, "take_add_on", f"take_add_on {want.name}", want.location, start_at, busy=busy)
            yield call, partial(self._takes_in, plan)

    # -- a time for somebody

    def _found(self, want: Want | Planned, provider: Id, start_at: datetime, room: Id | None) -> Planned:
        """A visit at a time that was found for it."""
        minutes = self.book.directory.services[want.service].minutes
        return Planned(
            f"{want.name}+", want.patient, provider, want.service, want.location, want.modality, start_at, minutes,
            self.now, missed=STRANGER, room=room,
        )  # fmt: skip

    def _takes_in(self, plan: Planned) -> bool:
        """Enter a visit where its time is still free."""
        if plan.start_at <= self.now or not self.book.is_free(plan):
            return False
        self.enters(replace(plan, booked_at=self.now))
        return True

    def _books(self, want: Want | Planned, since: datetime, until: datetime, provider: Id | None = None) -> bool:
        """Book the first free time; False where there is none."""
        for place, start_at in self.book.times(self.dice, want.service, want.location, since, until, provider):
            room = place.room.room_id if place.room else None
            if self._takes_in(self._found(want, place.shift.staff.staff_id, start_at, room)):
                self.hand(self.now + A_DAY, self.ways.status_change, self.types)
                return True
        return False

    def place(self, want: Want, cause: Cause, minutes: float = 0.0, tries: int = TRIES) -> None:
        """Who wants a visit is phoned with times, once a day."""

        def done() -> None:
            call = Call(
                want.patient, False, "offer_times", f"offer_times {want.name} {tries}", want.location, want.until
            )
            said = self.phone.ask(call)
            took = minutes + self.ways.phone_call
            if said is None and tries > 1 and self.now + A_DAY < want.until:
                again = partial(self.place, want, cause, took, tries - 1)
                self.phone.hours.do_at(self.now + A_DAY, again)
                return
            yes = said is not None and said.label == "yes"
            placed = yes and self._books(want, max(self.now, want.not_before), want.until)
            took += self.ways.status_change if placed else 0.0
            self.ledger.ended(cause, "placed" if placed else "not_placed", took, cause.at, self.now)

        self.hand(self.now + A_DAY, self.ways.phone_call, done)

    def bring_back(self, visit: Visit, cause: Cause, minutes: float, tries: int = TRIES) -> None:
        """Who lost or missed a visit is phoned for another time with the same provider, once a day."""

        def done() -> None:
            said = self.ask(visit, "offer_times", str(tries))
            took = minutes + self.ways.phone_call
            if not said and tries > 1:
                self.phone.hours.do_at(self.now + A_DAY, partial(self.bring_back, visit, cause, took, tries - 1))
                return
            plan = visit.plan
            back = said == "yes" and self._books(plan, self.now + A_DAY, self.now + SEARCHED, plan.provider)
            took += self.ways.status_change if back else 0.0
            self.ledger.ended(cause, "rebooked" if back else "declined", took, cause.at, self.now)

        self.hand(self.now + A_DAY, self.ways.phone_call, done)

    # -- somebody for a time

    def offer_around(self, visit: Visit, cause: Cause) -> None:
        """A time that became free is offered to who waits for such a one, one after another."""
        session = visit.session
        waiting = [
            w for w in self.waiting
            if (w.service, w.location) == (session.service.code, session.location)
            and w.since <= cause.at and w.not_before <= session.start_at < w.until
        ]  # fmt: skip
        too_late = session.start_at < self.now + LEAST_NOTICE
        if session.there or session.provider is None or not waiting or too_late:
            self.ledger.ended(cause, "nothing", self.ways.status_change, None, self.now)
            return
        self._offer(session, session.provider, cause, waiting[:MOST_CALLS], self.ways.status_change)

    def _offer(self, session: Session, provider: Id, cause: Cause, waiting: list[Want], minutes: float) -> None:
        def done() -> None:
            want, took = waiting[0], minutes + self.ways.phone_call
            key = f"offer_slot {want.name} {cause.name}"
            said = self.phone.ask(Call(want.patient, False, "offer_slot", key, session.location, session.start_at))
            plan = self._found(want, provider, session.start_at, session.room)
            if said is not None and said.label == "yes" and want in self.waiting and self._takes_in(plan):
                self.waiting.remove(want)
                self.hand(self.now + A_DAY, self.ways.status_change, self.types)
                self.ledger.ended(cause, "filled", took + self.ways.status_change, cause.at, self.now)
            elif len(waiting) > 1 and session.start_at > self.now + LEAST_NOTICE:
                self._offer(session, provider, cause, waiting[1:], took)
            else:
                self.ledger.ended(cause, "unfilled", took, cause.at, self.now)

        self.hand(session.start_at, self.ways.phone_call, done)


def cause_of(visit: Visit, kind: Kind, at: datetime, key: str = "") -> Cause:
    """What happened to a visit; `key` where it is a part of something larger."""
    session, name = visit.session, visit.plan.name
    key = key or f"{kind} {name} {at}"
    return Cause(kind, key, at, session.location, session.service.code, name, session.start_at)
