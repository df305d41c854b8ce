"""A month played without the product: the same visits, people and luck, and coordinators with telephones. They are at
their desk in working hours, do one thing at a time, the most urgent first; who calls at other hours leaves a message.
They phone people one after another, and type every change into three systems. How long things take is
`parameters.desk`'s."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from caredispatch.core.draft import Policy
from caredispatch.core.ids import Id
from caredispatch.core.offered import Absence
from caredispatch.core.windows import instant_on, minute_of_day, zone
from caredispatch.rehearsal.book import Book, Session, Visit, ended, measured
from caredispatch.rehearsal.desk import Task
from caredispatch.rehearsal.facts import LATE_CANCEL
from caredispatch.rehearsal.ledger import Cause, Ledger, NotedDesk
from caredispatch.rehearsal.month import CallOut, Closure, Month, Planned, Want
from caredispatch.rehearsal.outcome import Kind, Run
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.people import PHONE, People
from caredispatch.rehearsal.phoning import Hours, Telephone
from caredispatch.rehearsal.playing import A_WEEK, NOBODY_CAME
from caredispatch.rehearsal.seeking import A_DAY, Seeking, cause_of

SYSTEMS = 3
"""Where every change is typed in: the booking system, the EHR, and the calendar or list that staff look at."""


def play_by_hand(policy: Policy, month: Month, people: People, parameters: Parameters, *, coordinators: int) -> Run:
    """Play a month by hand. The same arguments give the same run."""
    return _ByHand(policy, month, people, parameters, coordinators).play()


class _ByHand:
    """One month."""

    def __init__(self, policy: Policy, month: Month, people: People, parameters: Parameters, coordinators: int) -> None:
        self.directory, self.month, self.people, self.ways = policy.directory, month, people, parameters.desk
        self.hours = Hours(month.begin)
        self.zone = zone(self.directory, next(iter(self.directory.locations), ""))
        self.ledger = Ledger(self.directory, month)
        self.desk = NotedDesk(self.hours, coordinators, int(self.ways.opens), int(self.ways.closes), self.zone)
        self.desk.notes = self.ledger.noted
        self.phone = Telephone(self.directory, people, self.ways, self.hours, self.desk, self.ledger.questions)
        self.book = Book(self.directory, month)
        self.dice = Random(f"{people.seed}/by hand")
        self.seeking = Seeking(
            self.book, self.ledger, self.phone, self.ways,
            {s: policy.playbook.service(s).patient_agreement for s in policy.directory.services},
            [w for w in month.wants if w.waitlist], self.dice, partial(self._stands, filled=True), self._type_in,
        )  # fmt: skip
        self.typed = self.errors = 0

    def play(self) -> Run:
        """Everything, in order of time."""
        self._schedule()
        self.hours.run(self.book.end)
        visits = self.book.of_the_month()
        return Run(
            seed=self.people.seed,
            days=self.month.days,
            incidents=tuple(sorted(self.ledger.incidents, key=lambda i: (i.at, i.visit or "", i.kind))),
            visits=tuple(ended(v, LATE_CANCEL) for v in visits),
            asks=dict(sorted(self.phone.asked.items())),
            calls=self.phone.calls,
            human_minutes=self.desk.worked_minutes,
            errors=self.errors,
            fields=self.typed,
            happened=self.ledger.happened(tuple(measured(v) for v in visits)),
        )

    # -- what happens outside

    def _schedule(self) -> None:
        at, begin, end = self.hours.do_at, self.month.begin, self.book.end
        for plan in self.month.visits:
            if plan.booked_at < begin:
                self._stands(plan)
            else:
                at(plan.booked_at, partial(self._booked, plan))
        for call in self.month.call_outs:
            at(call.said_at, partial(self._called_out, call))
        for closure in self.month.closures:
            at(closure.said_at, partial(self._closed, closure))
        for want in self.month.wants:
            if not want.waitlist and begin <= want.since < end:
                at(want.since, partial(self.seeking.add_on if want.urgent else self._requested, want))

    def _stands(self, plan: Planned, *, filled: bool = False) -> Visit:
        visit = self.book.enter(plan, filled=filled)
        if plan.cancels_at is not None and plan.cancels_at >= self.month.begin:
            self.hours.do_at(plan.cancels_at, partial(self._given_up, visit))
        self._comes_near(visit)
        return visit

    def _comes_near(self, visit: Visit) -> None:
        """The patient is phoned on the last day before on which somebody is at the desk; then the visit begins."""
        start_at = visit.session.start_at
        day = start_at.astimezone(self.zone).date() - timedelta(days=1)
        while day.weekday() >= 5:
            day -= timedelta(days=1)
        opens = instant_on(day, int(self.ways.opens), self.zone)
        if self.dice.random() * 100 < self.ways.phones_before and opens >= self.hours.now:
            self.hours.do_at(opens, partial(self._to_be_phoned, visit, start_at))
        self.hours.do_at(start_at, partial(self._begins, visit, start_at))

    def _booked(self, plan: Planned) -> None:
        found = plan if plan.group is not None or self.book.is_free(plan) else self._next_free(plan)
        if found is None:
            return
        visit = self._stands(found)
        self._change(visit, "booking", self.ways.booking, min(self.hours.now + A_DAY, found.start_at))
        self._may_object(visit)

    def _may_object(self, visit: Visit) -> None:
        """Some of the staff say that they can't, of a visit of their own: as with the product, by the same luck."""
        session, now = visit.session, self.hours.now
        who, left = session.provider, int((session.start_at - now).total_seconds()) // 60
        if who is None:
            return
        minute, key = minute_of_day(now.astimezone(self.zone)), f"inform_staff {visit.plan.name} "
        said = self.people.reply(who, True, "inform_staff", key, PHONE, now, minute, 0, left)
        if said is not None and said.label == "no":
            self.hours.do_at(now + timedelta(minutes=said.after), partial(self._objects, session, who))

    def _objects(self, session: Session, who: Id) -> None:
        if session.there and session.provider == who:
            self.book.lose(session)
            self.seeking.cover(session, who, f"objects {who} {session.key}", first=True)

    def _next_free(self, plan: Planned) -> Planned | None:
        """Whoever finds that the time they had in mind is taken books the provider's next free one of that week; where
        there is none they don't book."""
        until = plan.start_at + timedelta(days=A_WEEK)
        since = max(self.hours.now, plan.start_at - A_DAY)
        times = self.book.times(self.dice, plan.service, plan.location, since, until, plan.provider)
        start_at = next((at for _, at in times), None)
        return replace(plan, start_at=start_at, cancels_at=None, moves_to=None) if start_at is not None else None

    def _given_up(self, visit: Visit) -> None:
        plan, now = visit.plan, self.hours.now
        if visit.cancelled_at is not None or visit.session.start_at <= now:
            return
        if plan.moves_to is None:
            self._cancelled(visit, by_patient=plan.cancels == "patient")
            return
        self.book.move(visit, plan.moves_to, now)
        self._comes_near(visit)
        self._change(visit, "reschedule", self.ways.status_change, now + A_DAY)

    def _cancelled(self, visit: Visit, *, by_patient: bool) -> None:
        """Somebody hears it and strikes it out everywhere; then whoever waits is phoned, or who lost the visit."""
        now = self.hours.now
        self.book.cancel(visit, now, by_patient=by_patient)
        cause = cause_of(visit, "cancellation", now)

        def done() -> None:
            self._type_in()
            if by_patient:
                self.seeking.offer_around(visit, cause)
            else:
                self.seeking.bring_back(visit, cause, self.ways.status_change)

        self._hand(min(now + A_DAY, visit.session.start_at), self.ways.status_change, done)

    def _called_out(self, call: CallOut) -> None:
        if call.kind == "staff_late":
            self._hand(self.hours.now, self.ways.status_change, lambda: None)
            return
        self.ledger.absences.append(Absence(call.staff, call.start_at, call.end_at, call.said_at))
        for n, session in enumerate(self.book.away(call.staff, call.start_at, call.end_at)):
            self.book.lose(session)
            self.seeking.cover(session, call.staff, f"call_out {call.staff} {call.said_at}", first=n == 0)

    def _closed(self, closure: Closure) -> None:
        """Everybody of that day is phoned; who is not reached is phoned again for another time."""
        now, key = self.hours.now, f"closure {closure.location} {closure.said_at}"
        self.ledger.absences.append(Absence(closure.location, closure.start_at, closure.end_at, now))
        for session in self.book.at_site(closure.location, closure.start_at, closure.end_at):
            for visit in session.there:
                self.book.cancel(visit, now, by_patient=False)
                self._hand(session.start_at, self.ways.status_change, partial(self._closed_to, visit, now, key))

    def _closed_to(self, visit: Visit, since: datetime, key: str) -> None:
        self._type_in()
        self.seeking.bring_back(visit, cause_of(visit, "closure", since, key), self.ways.status_change)

    def _requested(self, want: Want) -> None:
        now = self.hours.now
        cause = Cause("request", want.name, now, want.location, want.service, want.name, want.until)
        self.seeking.place(want, cause)

    # -- the visit itself

    def _to_be_phoned(self, visit: Visit, start_at: datetime) -> None:
        def still() -> bool:
            return visit.cancelled_at is None and visit.session.start_at == start_at and start_at > self.hours.now

        if still():
            self._hand(start_at, self.ways.phone_call, partial(self._confirms, visit), still)

    def _confirms(self, visit: Visit) -> None:
        """Reached or not, they are reminded: there is a message."""
        if visit.cancelled_at is not None:
            return
        visit.reminded = True
        said = self.seeking.ask(visit, "confirm_patient")
        if said == "yes":
            visit.confirmed_at = self.hours.now
        elif said and visit.session.start_at > self.hours.now:
            self._cancelled(visit, by_patient=True)

    def _begins(self, visit: Visit, start_at: datetime) -> None:
        session = visit.session
        if visit.cancelled_at is not None or session.start_at != start_at:
            return
        provider = session.provider
        visit.covered = provider is not None and (
            not session.from_others or self.people.works_accepted_shift(provider, session.key)
        )
        if not visit.covered:
            return
        visit.missed = not self.people.comes(visit.plan, int(visit.reminded), visit.confirmed_at is not None)
        if visit.missed:
            self.hours.do_at(start_at + NOBODY_CAME, partial(self._not_come, visit))

    def _not_come(self, visit: Visit) -> None:
        cause = cause_of(visit, "no_show", self.hours.now)

        def done() -> None:
            self._type_in()
            self.seeking.bring_back(visit, cause, self.ways.status_change)

        self._hand(self.hours.now + A_DAY, self.ways.status_change, done)

    # -- what coordinators do

    def _hand(
        self, by: datetime, minutes: float, done: Callable[[], None], still: Callable[[], bool] = lambda: True
    ) -> None:
        self.desk.hand(Task(by, minutes, still, done))

    def _type_in(self) -> None:
        for _ in range(SYSTEMS - 1):
            self.typed += 1
            self.errors += self.dice.random() * 100 < self.ways.entry_errors

    def _change(self, visit: Visit, kind: Kind, minutes: float, by: datetime) -> None:
        """One change is told to who must know, and typed in everywhere."""
        cause = cause_of(visit, kind, self.hours.now)

        def done() -> None:
            self._type_in()
            begun = self.hours.now - timedelta(minutes=minutes)
            self.ledger.ended(cause, "confirmed", minutes, begun, self.hours.now)

        self._hand(by, minutes, done)
