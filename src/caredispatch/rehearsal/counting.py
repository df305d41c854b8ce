"""Watching a month being played: which change outside opened what, who was asked when, how it ended, what people did
about it. What is counted here is what the product did; nothing is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from caredispatch.core.draft import Decision
from caredispatch.core.facts import Facts
from caredispatch.core.happened import Coordination, Happened, Noted, Question, Raised, Visit
from caredispatch.core.ids import Id, site_id
from caredispatch.core.observation import AppointmentSeen, Hit, Observation, Passed
from caredispatch.core.offered import Absence
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Ask, Case, Exception_, State
from caredispatch.core.windows import minute_of_day, zone
from caredispatch.rehearsal.days import days_of
from caredispatch.rehearsal.desk import Desk
from caredispatch.rehearsal.facts import LATE_CANCEL
from caredispatch.rehearsal.month import Month, Planned
from caredispatch.rehearsal.outcome import Ended, How, Incident, Kind, Run
from caredispatch.rehearsal.world import World
from caredispatch.store.measured_cases import coordinations_of, questions_of
from caredispatch.store.measured_visits import Changes, edits_of, visit_of
from caredispatch.store.recorded import Entry, History

NIGHT = (22 * 60, 6 * 60)
OF_TRIGGER: Mapping[str, Kind] = {
    "booked": "booking",
    "rescheduled": "reschedule",
    "series_changed": "reschedule",
    "cancelled": "cancellation",
    "slot_opened": "cancellation",
    "staff_unavailable": "call_out",
    "staff_leaving": "call_out",
    "coverage_gap": "conflict",
    "conflict_found": "conflict",
    "no_show": "no_show",
    "staff_late": "late",
    "patient_late": "late",
    "location_closed": "closure",
    "add_on": "add_on",
    "request_received": "request",
}
SAYS_NOTHING = ("reported", "busy_seen", "held", "written")
_SAID = ("initiator", "on_behalf", "incident_id", "account")
"""What measures look at in an observation."""


@dataclass(frozen=True, slots=True)
class _Why:
    """What a case was opened for, and when that happened outside."""

    kind: Kind
    at: datetime


class Counting:
    """What one month came to, while it is played."""

    def __init__(self, world: World, month: Month, planned: Mapping[Id, Planned], desk: Desk) -> None:
        self.world, self.month, self.planned, self.desk = world, month, planned, desk
        self.since: dict[Id, datetime] = {}
        self.why: dict[Id, _Why] = {}
        self.reminders: dict[Id, int] = {}
        self.minutes: dict[Id, float] = {}
        self.ended: dict[Id, Ended] = {}
        self.decisions = self.calls = 0
        self.noted: list[Noted] = []
        self.entries: dict[Id, list[Entry]] = {}

    def happened(self, subject: Id) -> None:
        """Something happened outside to a visit or by an incident, now."""
        self.since[subject] = self.world.now

    def decided(
        self, subject: Id, before: State, after: State, facts: Facts, event: Observation, decision: Decision
    ) -> None:
        """After one decision."""
        self.decisions += 1
        if event.kind not in SAYS_NOTHING:
            self.entries.setdefault(subject, []).append(self._entry(subject, event, decision))
        for case in decision.cases:
            if case.case_id not in self.why:
                self.why[case.case_id] = self._why(subject, case, event, decision)
        patient_id = after.appointment.patient_id if after.appointment is not None else None
        for delivery in decision.deliveries:
            if delivery.kind == "tell" and delivery.person_id == patient_id:
                self.reminders[subject] = self.reminders.get(subject, 0) + 1

    def _entry(self, subject: Id, event: Observation, decision: Decision) -> Entry:
        """What the journal would keep of it, as measures read it."""
        outside = self.world.now
        if isinstance(event, AppointmentSeen):
            outside = self.since.get(subject, outside)
        elif isinstance(event, Hit):
            outside = self.since.get(event.incident_id, outside)
        said = {name: getattr(event, name) for name in _SAID if getattr(event, name, None) is not None}
        cases = tuple(case.case_id for case in decision.cases)
        return Entry(
            self.world.now, outside, event.kind, said, decision.appointment, decision.links, cases,
            decision.trace.triggers,
        )  # fmt: skip

    def _why(self, subject: Id, case: Case, event: Observation, decision: Decision) -> _Why:
        now = self.world.now
        trigger = next((t for t in decision.trace.triggers if t in OF_TRIGGER), "")
        if isinstance(event, Hit):
            return _Why(OF_TRIGGER.get(event.trigger, "conflict"), self.since.get(event.incident_id, now))
        if isinstance(event, Passed):
            kind = "cancellation" if case.kind == "fill" else "request" if case.kind == "place" else "conflict"
            return _Why(kind, self.since.get(event.origin, now))  # type: ignore[arg-type]  # one of its words
        if trigger in ("coverage_gap", "conflict_found") or not trigger:
            fallback: Kind = "request" if case.kind == "place" else "conflict"
            return _Why(OF_TRIGGER.get(trigger, fallback), now)
        return _Why(OF_TRIGGER[trigger], self.since.get(subject, now))

    def by_hand(self, subject: Id, row: Exception_, minutes: float) -> None:
        """Somebody spent so many minutes on a line of the queue: on its case, or on the newest one of its visit."""
        about = row.case_id
        if about is None:
            cases = self.world.states.get(subject, State()).cases
            about = max(cases, key=lambda c: (c.opened_at, c.case_id)).case_id if cases else subject
        self.minutes[about] = self.minutes.get(about, 0.0) + minutes
        visit = self.world.record(subject)
        self.noted.append(Noted(self.world.now, minutes, "tally", visit.location if visit is not None else ""))

    def began(self, subject: Id, visit: Appointment, *, there: bool, came: bool) -> None:
        """A visit's start has come."""
        planned = self.planned.get(subject)
        length = int((visit.end_at - visit.start_at).total_seconds()) // 60
        self.ended[subject] = Ended(
            planned.name if planned else subject,
            visit.service,
            visit.location,
            visit.start_at,
            length,
            "uncovered" if not there else "kept" if came else "no_show",
            there,
            visit.confirmation == "confirmed",
            visit.actor(PROVIDER),
            planned is None,
        )

    # -- at the end

    def happened_here(self) -> Happened:
        """These days as measures count them: by the functions that read a practice's own journal."""
        world = self.world
        changes = Changes(
            {i.incident_id for s in world.states.values() if (i := s.incident) and i.state != "confirmed"}
        )
        visits: list[Visit] = []
        cases: list[Coordination] = []
        questions: list[Question] = []
        replaced = {v.rescheduled_from for s in world.states.values() if (v := s.appointment) is not None}
        for subject, state in sorted(world.states.items()):
            if state.appointment is None:
                continue
            history = History(
                state.appointment, tuple(self.entries.get(subject, ())), state.cases, state.asks, state.exceptions,
                subject in replaced,
            )  # fmt: skip
            visit, edits = visit_of(history), edits_of(history)
            visits += [visit] if visit is not None else []
            changes.take(history, edits)
            cases += coordinations_of(history, edits)
            questions += questions_of(history)
        sites = {site_id(world.policy.directory.practice_id, code): code for code in world.policy.directory.locations}
        away = [
            Absence(sites.get(x.staff_id, x.staff_id), x.start_at, x.end_at, x.start_at) for x in world.leaves.values()
        ]
        rows = [e for s in world.states.values() for e in s.exceptions]
        return replace(
            days_of(world.policy.directory, self.month, away),
            visits=tuple(visits),
            changes=changes.all(),
            cases=tuple(cases),
            questions=tuple(questions),
            raised=tuple(sorted((Raised(e.raised_at, e.kind == "call") for e in rows), key=lambda r: (r.at, r.call))),
            noted=tuple(self.noted),
        )

    def run(self, seed: int, broken: list[str]) -> Run:
        """What it came to."""
        visits = [*self.ended.values(), *self._cancelled()]
        asks = [a for s in self.world.states.values() for a in s.asks if a.person_kind == "staff" and a.sent_at]
        asked: dict[Id, int] = {}
        woken: dict[Id, int] = {}
        for ask in asks:
            if ask.purpose in ("cover", "take_add_on", "confirm_staff"):
                asked[ask.person_id] = asked.get(ask.person_id, 0) + 1
                if self._night(ask):
                    woken[ask.person_id] = woken.get(ask.person_id, 0) + 1
        errors, fields = self._differences()
        return Run(
            seed=seed,
            days=self.month.days,
            incidents=tuple(self._incidents()),
            visits=tuple(sorted(visits, key=lambda v: (v.start_at, v.name))),
            asks=dict(sorted(asked.items())),
            woken=dict(sorted(woken.items())),
            texts=len(self.world.outside.said),
            exceptions=sum(e.kind != "call" for s in self.world.states.values() for e in s.exceptions),
            calls=self.calls,
            listed=sum(e.kind == "call" for s in self.world.states.values() for e in s.exceptions),
            human_minutes=self.desk.worked_minutes,
            errors=errors,
            fields=fields,
            decisions=self.decisions,
            broken=tuple(broken),
            happened=self.happened_here(),
        )

    def _night(self, ask: Ask) -> bool:
        visit = self.world.record(ask.appointment_id)
        if visit is None or ask.sent_at is None:
            return False
        minute = minute_of_day(ask.sent_at.astimezone(zone(self.world.policy.directory, visit.location)))
        return minute >= NIGHT[0] or minute < NIGHT[1]

    def _cancelled(self) -> list[Ended]:
        """The visits of these days that were cancelled before they began."""
        end = self.month.begin + timedelta(days=self.month.days)
        found: list[Ended] = []
        for subject, planned in self.planned.items():
            visit = self.world.record(subject)
            if visit is None or subject in self.ended or not self.month.begin <= visit.start_at < end:
                continue
            late = visit.cancelled_at is not None and visit.start_at - visit.cancelled_at < LATE_CANCEL
            own = visit.initiator != "practice"
            found.append(
                Ended(
                    planned.name,
                    visit.service,
                    visit.location,
                    visit.start_at,
                    planned.minutes,
                    "late_cancelled" if late and own else "cancelled",
                    visit.coverage == "confirmed",
                    visit.confirmation == "confirmed",
                    visit.actor(PROVIDER),
                )
            )
        return found

    def _differences(self) -> tuple[int, int]:
        """Fields that two systems that hold a copy of one visit say differently, and how many there are."""
        copies: dict[Id, list[Mapping[str, str]]] = {}
        for key, copy in self.world.outside.copies.items():
            if (subject := self.world.outside.doors.get(key)) is not None:
                copies.setdefault(subject, []).append(copy.content)
        wrong = fields = 0
        for there in copies.values():
            first = there[0]
            for other in there[1:]:
                shared = [k for k in first if k in other]
                fields += len(shared)
                wrong += sum(first[k] != other[k] for k in shared)
        return wrong, fields

    def _incidents(self) -> list[Incident]:
        found = [
            self._incident(subject, state, case)
            for subject, state in self.world.states.items()
            for case in state.cases
            if case.case_id in self.why and case.role != PATIENT
        ]
        return sorted(found, key=lambda i: (i.at, i.visit or "", i.kind))

    def _incident(self, subject: Id, state: State, case: Case) -> Incident:
        why = self.why[case.case_id]
        visit = state.appointment
        assert visit is not None
        asks = [a for a in state.asks if a.case_id == case.case_id]
        first = min((a.sent_at or a.asked_at for a in asks), default=None)
        minutes = self.minutes.get(case.case_id, 0.0)
        local = zone(self.world.policy.directory, visit.location)
        same_day = why.at.astimezone(local).date() == visit.start_at.astimezone(local).date()
        planned = self.planned.get(subject)
        name = planned.name if planned else subject
        how = self._how(case, visit, self.ended.get(subject))
        return Incident(why.kind, why.at, first, case.closed_at, how, same_day, minutes > 0, minutes, name)

    def _how(self, case: Case, visit: Appointment, ended: Ended | None) -> How:
        match case.kind:
            case "confirm":
                return "confirmed" if case.outcome in ("confirmed", "told", "accepted") else "nothing"
            case "cover":
                if visit.status == "cancelled":
                    return "cancelled"
                there = ended.covered if ended is not None else visit.coverage in ("confirmed", "tentative")
                return "covered" if there else "uncovered"
            case "fill":
                return "filled" if case.state == "settled" else "unfilled"
            case "follow_up":
                return "rebooked" if case.outcome in ("rebooked", "landed") else "declined"
            case _:
                return "placed" if case.state == "settled" else "not_placed"
