"""A month played with the product: what happens outside reaches the same `decide` and `apply` as in production, people
answer as `people` says, and what comes before a human waits for the coordinators at their desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from caredispatch.core.content import Content, instant_text
from caredispatch.core.draft import Policy
from caredispatch.core.facts import System
from caredispatch.core.ids import Id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import Announced, Mode, Requested, Settled
from caredispatch.core.records import PROVIDER, Appointment, Ask, Initiator, Request, State
from caredispatch.core.requesting import request_id
from caredispatch.core.watching import is_watched
from caredispatch.core.windows import instant_on, minute_of_day, zone
from caredispatch.rehearsal.coordinating import DESK, Coordinators
from caredispatch.rehearsal.counting import Counting
from caredispatch.rehearsal.desk import Desk
from caredispatch.rehearsal.month import CallOut, Closure, Month, Planned, Trouble, Want
from caredispatch.rehearsal.outcome import Run
from caredispatch.rehearsal.outside import Copy, Reply
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.people import People
from caredispatch.rehearsal.people import Reply as Said
from caredispatch.rehearsal.promises import Broken, Promises
from caredispatch.rehearsal.tables import Refused
from caredispatch.rehearsal.world import Fate, Restless, World

BOOKING = System(
    "booking",
    owns=("time", "provider", "status"),
    writes=("actor.provider", "status", "start_at", "end_at"),
    creates=True,
)
"""The system that visits are booked in, where a practice has connected none yet."""
STRANGER = 20
"""Per mille: how often somebody misses a visit that was found for them at short notice. They chose it."""
LATE_NOTICE = 15.0
POLLED_EVERY = timedelta(minutes=15)
NOBODY_CAME = timedelta(minutes=15)
LOOKED_AFTER_EVERY = timedelta(hours=25)
"""How often every promise is checked over all visits: once a day, each day an hour later."""
A_WEEK = 7
About = TypeVar("About")
Key = tuple[str, str]
"""A system and the id that a copy has there."""


def play(
    policy: Policy, month: Month, people: People, parameters: Parameters, *, coordinators: int, seed: int = 0
) -> Run:
    """Play a month. Whatever would break a promise ends it and stands in `Run.broken`, with the step."""
    return Playing(policy, month, people, parameters, coordinators, seed).play()


def with_a_source(policy: Policy) -> tuple[Policy, str]:
    """The policy, and the system in which visits are booked: the one that owns their time."""
    systems = policy.directory.systems
    source = next((s.connection_id for s in systems.values() if "time" in s.owns), next(iter(systems), ""))
    if source:
        return policy, source
    systems = {BOOKING.connection_id: BOOKING}
    return Policy(replace(policy.directory, systems=systems), policy.playbook), BOOKING.connection_id


@dataclass(slots=True)
class _Faults:
    """Which systems fail just now."""

    now: dict[str, Trouble]

    def of(self, system: str, at: datetime) -> str:
        trouble = self.now.get(system)
        return trouble.kind if trouble is not None and trouble.at <= at < trouble.until else ""


class _World(World):
    """A world whose notices suffer what the month's troubles do to them."""

    faults: _Faults

    def fate_of(self, system: str) -> Fate:
        match self.faults.of(system, self.now):
            case "duplicate":
                return "twice"
            case "late":
                return LATE_NOTICE
            case "lost" | "outage":
                return "lost"
            case _:
                return "on time"


class Playing:
    """One month being played."""

    def __init__(
        self, policy: Policy, month: Month, people: People, parameters: Parameters, coordinators: int, seed: int
    ) -> None:
        self.policy, self.source = with_a_source(policy)
        self.month, self.people, self.parameters, self.seed = month, people, parameters, seed
        self.directory = self.policy.directory
        self.world = world = _World(
            self.policy,
            now=month.begin,
            answers=self._answers,
            patients=month.patients,
            contacts=month.contacts,
            together=month.together,
        )
        world.faults, world.outside.brief = _Faults({}), True
        self.planned: dict[Id, Planned] = {}
        self.wanted: dict[Id, str] = {}
        self.absent: dict[Id, list[CallOut]] = {}
        self.asked: dict[tuple[Id, int], int] = {}
        self.at_desk: set[Id] = set()
        self.starts: dict[Id, datetime] = {}
        home = zone(self.directory, next(iter(self.directory.locations), ""))
        ways = parameters.desk
        self.desk = Desk(world, coordinators, int(ways.opens), int(ways.closes), home)
        self.counting = Counting(world, month, self.planned, self.desk)
        world.watchers += [self.counting.decided, self._watched]
        self.promises = Promises(world)
        self.coordinators = Coordinators(self)

    def play(self, until: datetime | None = None) -> Run:
        """Everything that happens, in order, to the month's end or `until`."""
        broken: list[str] = []
        end = until or self.month.begin + timedelta(days=self.month.days)
        try:
            self._schedule()
            while self.world.now < end:
                self.world.run(until=min(end, self.world.now + LOOKED_AFTER_EVERY))
                self.promises.rests()
        except (Refused, Restless, Broken) as error:
            broken.append(f"{error} (seed {self.seed}, decision {self.counting.decisions})")
        return self.counting.run(self.seed, broken)

    # -- what happens outside

    def _schedule(self) -> None:
        begin, end = self.month.begin, self.month.begin + timedelta(days=self.month.days)
        at = self.world.do_at
        for visit in self.month.visits:
            if visit.booked_at < begin:
                self._booked(visit)
                self.world.run(0)
            else:
                at(visit.booked_at, _then(self._booked, visit))
            if visit.cancels_at is not None and begin <= visit.cancels_at < end:
                at(visit.cancels_at, _then(self._cancelled, visit))
        for call in self.month.call_outs:
            self.absent.setdefault(call.staff, []).append(call)
            at(call.said_at, _then(self._called_out, call))
        for closure in self.month.closures:
            at(closure.said_at, _then(self._closed, closure))
        for want in self.month.wants:
            at(max(want.since, begin), _then(self._wanted, want))
        for trouble in self.month.troubles:
            at(trouble.at, _then(self._trouble, trouble))

    def change(self, key: Key, *, by: Initiator | None = None, mode: Mode = "live", **changes: str) -> None:
        """Somebody changes a visit in a system."""
        copy = self.world.outside.copies.get(key)
        if copy is None:
            return
        copy.content = {**copy.content, **changes}
        copy.order, copy.initiator = copy.order + 1, by
        if mode == "live":
            self.counting.happened(self.world.door(*key))
        order = copy.order
        self.world.notice(*key, mode)
        if self.world.faults.of(key[0], self.world.now) in ("lost", "outage"):
            self.world.do_at(self.world.now + POLLED_EVERY, lambda: self._polled(key, order))

    def _polled(self, key: Key, order: int) -> None:
        """What a notice that was lost would have said is seen by the next poll."""
        copy = self.world.outside.copies.get(key)
        if copy is not None and copy.order == order:
            self.world.look(*key)

    def where(self, subject: Id) -> Key | None:
        """Where people change a visit: in the system that visits are booked in, or where else it stands."""
        links = self.world.states[subject].links
        found = [(li.connection_id, li.external_id) for li in links if li.external_id is not None]
        return next((key for key in found if key[0] == self.source), found[0] if found else None)

    def _booked(self, plan: Planned) -> None:
        visit = plan if plan.booked_at < self.month.begin else self._as_booked(plan)
        if visit is None:
            return
        content: Content = {
            "start_at": instant_text(visit.start_at),
            "end_at": instant_text(visit.start_at + timedelta(minutes=visit.minutes)),
            "status": "booked",
            "service": visit.service,
            "location": visit.location,
            "modality": visit.modality,
            "patient": visit.patient,
            **({"actor.provider": visit.provider} if visit.provider else {}),
            **({"actor.room": visit.room} if visit.room else {}),
            **({"series": visit.series} if visit.series else {}),
        }
        self.world.outside.copies[self.source, visit.name] = Copy(content, 0)
        self.planned[self.world.door(self.source, visit.name)] = visit
        mode: Mode = "first_load" if visit.booked_at < self.month.begin else "live"
        self.change((self.source, visit.name), mode=mode)

    def _as_booked(self, plan: Planned) -> Planned | None:
        """Whoever finds that the time they had in mind is taken books the provider's next free one of that week; where
        there is none they don't book."""
        who = plan.provider
        if who is None or plan.group is not None or self._is_free(who, plan.start_at, plan.minutes):
            return plan
        tz = zone(self.directory, plan.location)
        first = plan.start_at.astimezone(tz).date()
        hours = [h for h in self.directory.staff[who].hours if h.location == plan.location]
        starts = (
            instant_on(day, minute, tz)
            for day in (first + timedelta(days=n) for n in range(A_WEEK))
            for h in hours
            if h.weekday == day.weekday()
            for minute in range(h.begin, h.end - plan.minutes + 1, plan.minutes)
        )
        free = (at for at in starts if at > self.world.now and self._is_free(who, at, plan.minutes))
        start_at = next(free, None)
        return replace(plan, start_at=start_at, cancels_at=None, moves_to=None) if start_at is not None else None

    def _is_free(self, who: Id, start_at: datetime, minutes: int) -> bool:
        return not self.world.busy(who, start_at, start_at + timedelta(minutes=minutes))

    def _cancelled(self, visit: Planned) -> None:
        subject = self.world.door(self.source, visit.name)
        record, booked = self.world.record(subject), self.planned.get(subject)
        if record is None or not record.active or booked is None or booked.cancels_at is None:
            return
        if visit.moves_to is not None and visit.provider is not None:
            if not self._is_free(visit.provider, visit.moves_to, visit.minutes):
                return
            end = visit.moves_to + timedelta(minutes=visit.minutes)
            self.change(
                (self.source, visit.name),
                by=visit.cancels,
                start_at=instant_text(visit.moves_to),
                end_at=instant_text(end),
            )
        else:
            self.change((self.source, visit.name), by=visit.cancels, status="cancelled")

    def _called_out(self, call: CallOut) -> None:
        """Staff say it by text and confirm the echo (D26)."""
        contacts = self.world.contacts.get(call.staff, ())
        contact = contacts[0].contact_id if contacts else None
        body = Announced(
            call.kind, call.start_at, call.end_at, call.staff, call.staff, None, call.late_minutes, "", contact
        )
        incident = incident_of(self.directory.practice_id, body)
        self.counting.happened(incident)
        self.world.step(incident, body, settle=False)
        self.world.later(1, Settled("yes", call.staff), subject=incident)

    def _closed(self, closure: Closure) -> None:
        body = Announced(
            "location_closed", closure.start_at, closure.end_at, DESK, None, closure.location, 0, closure.reason,
            None, sure=True,
        )  # fmt: skip
        incident = incident_of(self.directory.practice_id, body)
        self.counting.happened(incident)
        self.world.step(incident, body, settle=False)

    def _wanted(self, want: Want) -> None:
        origin = "waitlist" if want.waitlist else "add_on" if want.urgent else "portal"
        request = Request(want.since, want.not_before, want.until, origin, urgent=want.urgent)  # type: ignore[arg-type]  # one of its words
        body = Requested(want.patient, want.service, want.location, want.modality, request, DESK, want.waitlist)
        subject = request_id(self.directory.practice_id, body)
        self.wanted[subject] = want.name
        self.counting.happened(subject)
        self.world.step(subject, body, settle=False)

    def _trouble(self, trouble: Trouble) -> None:
        self.world.faults.now[trouble.system] = trouble
        if trouble.kind in ("outage", "slow_write"):
            self.world.outside.down_until[trouble.system] = trouble.until

    # -- the visit itself

    def _watched(self, subject: Id, before: State, after: State, *_: object) -> None:
        """Whatever is booked will begin; whatever comes before a human lies on a desk."""
        visit = after.appointment
        if visit is not None and self.starts.get(subject) != visit.start_at and _takes_place(visit):
            self.starts[subject] = visit.start_at
            self.world.do_at(visit.start_at, lambda: self._begins(subject))
        if after.exceptions is not before.exceptions:
            for row in after.exceptions:
                if row.state == "open" and row.exception_id not in self.at_desk:
                    self.at_desk.add(row.exception_id)
                    self.coordinators.take(subject, row)

    def _begins(self, subject: Id) -> None:
        visit = self.world.record(subject)
        if visit is None or visit.start_at != self.world.now or not _takes_place(visit):
            return
        provider = visit.actor(PROVIDER)
        there = provider is not None and visit.coverage != "uncovered" and self._works(subject, provider, visit)
        come = there and self.people.comes(*self._patient_of(subject, visit))
        self.counting.began(subject, visit, there=there, came=come)
        key = self.where(subject)
        if key is None:
            return
        if not there:
            self.change(key, by="practice", status="cancelled")
        elif come:
            if is_watched(visit, self.policy.playbook):
                self.change(key, status="arrived")
            self.world.do_at(visit.end_at, lambda: self.change(key, status="fulfilled"))
        else:
            self.world.do_at(visit.start_at + NOBODY_CAME, lambda: self.change(key, status="noshow"))

    def _works(self, subject: Id, provider: Id, visit: Appointment) -> bool:
        away = [c for c in self.absent.get(provider, ()) if c.kind != "staff_late"]
        if any(c.start_at < visit.end_at and visit.start_at < c.end_at for c in away):
            return False
        planned = self.planned.get(subject)
        own = planned is None or planned.provider == provider
        return own or self.people.works_accepted_shift(provider, self.named(subject, shared=True))

    def _patient_of(self, subject: Id, visit: Appointment) -> tuple[Planned, int, bool]:
        """The visit as the patient had it in mind, how often they were reminded, and whether they said yes."""
        planned = self.planned.get(subject)
        if planned is None:
            planned = Planned(
                subject, visit.patient_id or subject, visit.actor(PROVIDER), visit.service, visit.location,
                visit.modality, visit.start_at, 0, visit.created_at, missed=STRANGER,
            )  # fmt: skip
        return planned, self.counting.reminders.get(subject, 0), visit.confirmation == "confirmed"

    # -- what people say

    def _answers(self, ask: Ask) -> list[Reply]:
        """Minutes after it arrived, and what they say."""
        visit = self.world.record(ask.appointment_id)
        said = self.says(ask, visit, ask.channel or "sms") if visit is not None else None
        if said is None:
            return []
        return [(said.after, said.label) if said.choice is None else (said.after, said.label, said.choice + 1)]

    def says(self, ask: Ask, visit: Appointment, channel: str) -> Said | None:
        """What somebody answers to a question that reaches them now, over a channel; None: nothing."""
        is_staff, now = ask.person_kind == "staff", self.world.now
        local = now.astimezone(zone(self.directory, visit.location))
        week = ask.person_id, local.date().isocalendar().week
        earlier = self.asked.get(week, 0)
        if ask.purpose in ("cover", "take_add_on"):
            self.asked[week] = earlier + 1
        begins = ask.options[-1].start_at if ask.options else visit.start_at
        return self.people.reply(
            ask.person_id,
            is_staff,
            ask.purpose,
            self._key(ask),
            channel,
            now,
            minute_of_day(local),
            earlier,
            int((begins - now).total_seconds()) // 60,
            visit=self.planned.get(ask.appointment_id),
            options=len(ask.options) or 1,
            busy_minutes=self.sees_a_patient(ask.person_id) if is_staff else 0.0,
        )

    def named(self, subject: Id, *, shared: bool = False) -> str:
        """What a visit is called in the month, or (`shared`) the session that it is of: people's luck goes by it, here
        and by hand."""
        planned = self.planned.get(subject)
        if planned is None:
            return self.wanted.get(subject, subject)
        return planned.group or planned.name if shared else planned.name

    def _key(self, ask: Ask) -> str:
        """The question that an ask is, whoever puts it."""
        if ask.purpose in ("cover", "take_add_on"):
            return f"{ask.purpose} {self.named(ask.appointment_id, shared=True)}"
        return f"{ask.purpose} {self.named(ask.appointment_id)} {ask.step or ''}"

    def sees_a_patient(self, who: Id) -> float:
        """Minutes until somebody who is in a visit is out of it."""
        now = self.world.now
        rows = self.world.taken_on.get((who, now.toordinal()), {}).values()
        ends = [r.end_at for r in rows if r.start_at <= now < r.end_at]
        return max((end - now for end in ends), default=timedelta(0)).total_seconds() / 60


def _takes_place(visit: Appointment) -> bool:
    return visit.timed and visit.active and not visit.is_slot and visit.patient_id is not None


def _then(what: Callable[[About], None], about: About) -> Callable[[], None]:
    return lambda: what(about)
