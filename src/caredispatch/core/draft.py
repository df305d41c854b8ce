"""A decision being made: the state so far, what changes it, and why. `Draft` is private to one call of `decide`; what
leaves is an immutable `Decision`, and `apply` gives the state after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TypeVar

from caredispatch.core.copying import replace
from caredispatch.core.eligibility import Candidate
from caredispatch.core.facts import Directory, Facts
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Hit, Observation
from caredispatch.core.playbook import Playbook
from caredispatch.core.records import (
    Appointment,
    Ask,
    Case,
    CaseKind,
    Count,
    Coverage,
    Delivery,
    Exception_,
    ExceptionKind,
    Hold,
    Incident,
    Leave,
    Link,
    Occupation,
    StageName,
    StageState,
    State,
    Suppression,
)
from caredispatch.core.routing import Routed
from caredispatch.core.windows import week_of, zone

GETTING_READY_MINUTES = 15
"""Between hearing and leaving."""
DANGER_WAITS = timedelta(minutes=5)
"""How long words that may mean danger wait for somebody before all are alerted again (D23)."""
Note = dict[str, str]
Row = TypeVar("Row")
Key = TypeVar("Key", bound=str)


@dataclass(frozen=True)
class Policy:
    """What a decision follows: the directory, the current playbook, and the older ones that open cases began with."""

    directory: Directory
    playbook: Playbook
    older: Mapping[int, Playbook] = field(default_factory=dict)

    def of(self, case: Case) -> Playbook:
        """The playbook that a case began with; the current one where it is not kept any more."""
        return self.older.get(case.playbook_version, self.playbook)


@dataclass(frozen=True)
class Trace:
    """Why: the triggers, every rule looked at, everyone considered, and what was noted on the way (codes with ids)."""

    triggers: tuple[str, ...] = ()
    rules: tuple[Routed, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Everything that must happen, in one transaction. Rows are whole: each replaces the one with its id. `withdrawn`
    are asks whose texts must not leave any more; `fetches` are copies to read again; `passed` are words to other
    subjects, each decided there in its turn; `leaves` are times in which somebody does not work; `recalled` are
    deliveries that must not have left, and don't."""

    appointment: Appointment | None = None
    links: tuple[Link, ...] = ()
    cases: tuple[Case, ...] = ()
    asks: tuple[Ask, ...] = ()
    exceptions: tuple[Exception_, ...] = ()
    holds: tuple[Hold, ...] = ()
    occupy: tuple[Occupation, ...] = ()
    vacate: tuple[Id, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    withdrawn: tuple[Id, ...] = ()
    counts: tuple[Count, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    fetches: tuple[tuple[str, str], ...] = ()
    incident: Incident | None = None
    leaves: tuple[Leave, ...] = ()
    passed: tuple[tuple[Id, Observation], ...] = ()
    recalled: tuple[Id, ...] = ()
    trace: Trace = Trace()

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing follows from it (seen before, old news, not yet due)."""
        return replace(self, trace=Trace()) == Decision()


def apply(state: State, decision: Decision) -> State:
    """The state after a decision: what the store persists, as a value (E14)."""
    kept = {o.occupation_id: o for o in state.occupations if o.occupation_id not in decision.vacate}
    return State(
        appointment=decision.appointment or state.appointment,
        links=_merged({r.link_id: r for r in state.links}, {r.link_id: r for r in decision.links}),
        cases=_merged({r.case_id: r for r in state.cases}, {r.case_id: r for r in decision.cases}),
        asks=_merged({r.ask_id: r for r in state.asks}, {r.ask_id: r for r in decision.asks}),
        exceptions=_merged(
            {r.exception_id: r for r in state.exceptions}, {r.exception_id: r for r in decision.exceptions}
        ),
        occupations=_merged(kept, {r.occupation_id: r for r in decision.occupy}),
        holds=_merged({r.connection_id: r for r in state.holds}, {r.connection_id: r for r in decision.holds}),
        incident=decision.incident or state.incident,
    )


def _merged(rows: dict[Key, Row], newer: dict[Key, Row]) -> tuple[Row, ...]:
    """Rows by id, in the order of the ids: the same whether they were loaded or applied one by one (E15)."""
    both = rows | newer
    return tuple(both[key] for key in sorted(both))


class Draft:
    """The working copy. Reads see what was already decided in this call. `concerned` are the roles that a change is
    about, None for all; `candidates` the ranking of each case; `answering` is the person whose words are being decided
    about: what is said to them now is an answer. `hit` is the incident's word that is being decided about."""

    def __init__(self, state: State, facts: Facts, policy: Policy, now: datetime) -> None:
        self.before = state
        self.facts = facts
        self.policy = policy
        self.playbook = policy.playbook
        self.directory = policy.directory
        self.now = now
        self.appointment = state.appointment
        self.links = {row.link_id: row for row in state.links}
        self.cases = {row.case_id: row for row in state.cases}
        self.asks = {row.ask_id: row for row in state.asks}
        self.exceptions = {row.exception_id: row for row in state.exceptions}
        self.occupations = {row.occupation_id: row for row in state.occupations}
        self.holds = {row.connection_id: row for row in state.holds}
        self.deliveries: list[Delivery] = []
        self.withdrawn: list[Id] = []
        self.counts: list[Count] = []
        self.suppressions: list[Suppression] = []
        self.fetches: list[tuple[str, str]] = []
        self.incident = state.incident
        self.leaves: list[Leave] = []
        self.passed: list[tuple[Id, Observation]] = []
        self.recalled: list[Id] = []
        self.concerned: tuple[str, ...] | None = None
        self.answering: Id | None = None
        self.hit: Hit | None = None
        self.triggers: list[str] = []
        self.rules: list[Routed] = []
        self.candidates: dict[Id, tuple[Candidate, ...]] = {}
        self.notes: list[Note] = []

    # -- reading

    @property
    def visit(self) -> Appointment:
        """The appointment; only where one is known to exist."""
        assert self.appointment is not None
        return self.appointment

    @property
    def patient_id(self) -> Id | None:
        """The visit's patient; None where there is no visit, or nobody on it."""
        return self.appointment.patient_id if self.appointment else None

    @property
    def as_it_is(self) -> State:
        """The state as it stands in this very decision."""
        return apply(self.before, self.decision())

    @cached_property
    def day(self) -> date:
        """Today by the clock of the visit's site; while it moves, of the site where it was."""
        visit = self.before.appointment or self.visit
        return self.now.astimezone(zone(self.directory, visit.location)).date()

    @cached_property
    def week(self) -> str:
        """The running week there, as limits name it (ISO 8601: `2026-W48`)."""
        return week_of(self.day)

    def stage(self, name: StageName) -> StageState:
        """Where a roll-out stage stands here and today."""
        return self.playbook.stage(name, self.visit.location, self.day)

    def open_case(self, kind: str, role: str) -> Case | None:
        """The open case of a kind for a role; there is at most one."""
        return next((c for c in self.cases.values() if c.state == "open" and (c.kind, c.role) == (kind, role)), None)

    def open_call(self, need: str) -> bool:
        """Whether a line of the call list waits for somebody to phone about this."""
        return any(
            e.kind == "call" and e.state == "open" and e.detail["need"] == need for e in self.exceptions.values()
        )

    def new_case(self, kind: CaseKind, role: str, rule: str, path: str) -> Case:
        """A case of this visit, due at once; not put yet. Its id counts the earlier ones of its kind and role."""
        earlier = sum((c.kind, c.role) == (kind, role) for c in self.cases.values())
        return Case(
            practice_id=self.directory.practice_id,
            case_id=make_id("case", self.visit.appointment_id, kind, role, earlier),
            kind=kind,
            appointment_id=self.visit.appointment_id,
            role=role,
            rule=rule,
            path=path,
            playbook_version=self.playbook.version,
            opened_at=self.now,
            due_at=self.now,
        )

    def asks_of(self, case: Case) -> list[Ask]:
        """All asks of a case, in the order in which they were made."""
        return sorted(
            (a for a in self.asks.values() if a.case_id == case.case_id), key=lambda a: (a.asked_at, a.ask_id)
        )

    # -- changing

    def note(self, code: str, /, **details: object) -> None:
        """One true reason for what is being decided."""
        self.notes.append({"code": code, **{key: str(value) for key, value in details.items()}})

    def record(self, **changes: object) -> None:
        """Change the record; every change is a version."""
        visit = self.visit
        if any(getattr(visit, name) != value for name, value in changes.items()):
            self.appointment = replace(visit, version=visit.version + 1, **changes)  # type: ignore[arg-type]  # callers name fields of Appointment

    def cover_role(self, role: str, coverage: Coverage, actor_id: Id | None = None) -> None:
        """Set how sure one role is (D2); with `actor_id`, also who fills it."""
        self.record(
            participants=tuple(
                replace(p, coverage=coverage, actor_id=actor_id or p.actor_id) if p.role == role else p
                for p in self.visit.participants
            )
        )

    def put(self, row: Case | Ask | Link | Exception_ | Hold) -> None:
        """Replace a row by its id."""
        match row:
            case Case():
                self.cases[row.case_id] = row
            case Ask():
                self.asks[row.ask_id] = row
            case Link():
                self.links[row.link_id] = row
            case Exception_():
                self.exceptions[row.exception_id] = row
            case Hold():
                self.holds[row.connection_id] = row

    def close(self, case: Case, state: str, outcome: str) -> None:
        """End a case and withdraw what is still asked in its name (promise 4)."""
        self.put(
            replace(
                case,
                state=state,  # type: ignore[arg-type]  # callers pass a Case.state
                outcome=outcome,
                closed_at=self.now,
                due_at=None,
                step_until=None,
            )
        )
        self.note("case_closed", case=case.case_id, kind=case.kind, outcome=outcome)
        for ask in self.asks_of(case):
            if ask.open:
                self.withdraw(ask)

    def withdraw(self, ask: Ask) -> None:
        """Take back a question; its text must not leave any more (E20)."""
        self.put(replace(ask, state="withdrawn"))
        self.withdrawn.append(ask.ask_id)

    def raise_(
        self,
        kind: ExceptionKind,
        owner: str,
        *,
        case: Case | None = None,
        connection_id: str | None = None,
        key: str = "",
        detail: Mapping[str, str] | None = None,
    ) -> None:
        """Put something before a human, once: the same thing still open is not raised again."""
        subject = self.visit.appointment_id if self.appointment else make_id("practice", self.directory.practice_id)
        for row in self.exceptions.values():
            same = row.kind == kind and row.case_id == (case.case_id if case else None)
            if same and row.state != "resolved" and row.detail.get("key", "") == key:
                return
        exception_id = make_id("exception", subject, kind, case.case_id if case else "", key, self.now)
        self.put(
            Exception_(
                practice_id=self.directory.practice_id,
                exception_id=exception_id,
                kind=kind,
                owner=owner,
                raised_at=self.now,
                ack_by=self._ack_by(kind, detail or {}),
                appointment_id=self.appointment.appointment_id if self.appointment else None,
                case_id=case.case_id if case else None,
                connection_id=connection_id,
                detail={**(detail or {}), **({"key": key} if key else {})},
            )
        )
        self.note("raised", kind=kind, owner=owner)

    def tell_by(self, start_at: datetime | None = None) -> datetime:
        """When the patient must hear how the visit stands (D18): the playbook's time before its start, or before
        `start_at` in its place, and never after they must leave."""
        patient, begins = self.facts.patient, start_at or self.visit.start_at
        travel = patient.travel_minutes if patient is not None and self.visit.modality == "in_person" else None
        leaves = 0 if travel is None else travel + GETTING_READY_MINUTES
        return begins - timedelta(minutes=max(self.playbook.tell_by_minutes, leaves))

    def _ack_by(self, kind: ExceptionKind, detail: Mapping[str, str]) -> datetime:
        """A silent patient is a line to work through until the tell-by time, a visit to rebook until tomorrow (D25), a
        gap until it is looked at again (D40); anything else is acknowledged soon (D28), danger at once (D23)."""
        soon = self.now + timedelta(minutes=self.playbook.acknowledge_minutes)
        if kind == "call" and detail.get("need") == "confirm_patient":
            return max(soon, self.tell_by())
        if kind == "gap":
            looks = sorted(self.visit.start_at - timedelta(minutes=m) for m in self.playbook.gap_minutes)
            return next((at for at in looks if at > soon), soon)
        if kind == "safety":
            return min(soon, self.now + DANGER_WAITS)
        if kind == "call" and detail.get("need") in ("rebook", "place"):
            # Of a visit that is still to be, and can't be as it is (D14), soon.
            ahead = self.visit.active and self.visit.timed and self.visit.start_at > self.now
            return soon if ahead else self.now + timedelta(days=1)
        return soon

    def resolve_exceptions(self, why: str, *kinds: ExceptionKind, **detail: str) -> None:
        """What settled itself leaves the queue: those kinds, with these details where some are named."""
        for row in list(self.exceptions.values()):
            if row.state != "resolved" and row.kind in kinds and detail.items() <= row.detail.items():
                self.put(replace(row, state="resolved", resolved_at=self.now, resolution=why))

    def send(self, delivery: Delivery) -> None:
        """Let one effect out."""
        self.deliveries.append(delivery)

    def pass_on(self, subject_id: Id, event: Observation) -> None:
        """Tell another subject something: it is decided there, after this was committed with it."""
        self.passed.append((subject_id, event))
        self.note("passed_on", to=subject_id, kind=event.kind, word=getattr(event, "word", ""))

    # -- leaving

    def decision(self) -> Decision:
        """What changed, as rows, with the reasons."""
        considered = tuple(candidate for ranked in self.candidates.values() for candidate in ranked)
        visit = _in_order(self.appointment)
        return Decision(
            appointment=visit if visit != self.before.appointment else None,
            links=_changed(self.links, {r.link_id: r for r in self.before.links}),
            cases=_changed(self.cases, {r.case_id: r for r in self.before.cases}),
            asks=_changed(self.asks, {r.ask_id: r for r in self.before.asks}),
            exceptions=_changed(self.exceptions, {r.exception_id: r for r in self.before.exceptions}),
            holds=_changed(self.holds, {r.connection_id: r for r in self.before.holds}),
            occupy=_changed(self.occupations, {r.occupation_id: r for r in self.before.occupations}),
            vacate=tuple(r.occupation_id for r in self.before.occupations if r.occupation_id not in self.occupations),
            deliveries=tuple(self.deliveries),
            withdrawn=tuple(self.withdrawn),
            counts=tuple(self.counts),
            suppressions=tuple(self.suppressions),
            fetches=tuple(self.fetches),
            incident=self.incident if self.incident != self.before.incident else None,
            leaves=tuple(self.leaves),
            passed=tuple(self.passed),
            recalled=tuple(self.recalled),
            trace=Trace(tuple(self.triggers), tuple(self.rules), considered, tuple(self.notes)),
        )


def _in_order(visit: Appointment | None) -> Appointment | None:
    """Participants by role, as they are read back: a state that is loaded equals the one that was decided (E14)."""
    if visit is None:
        return None
    people = tuple(sorted(visit.participants, key=lambda p: p.role))
    return visit if people == visit.participants else replace(visit, participants=people)


def _changed(after: dict[Key, Row], before: dict[Key, Row]) -> tuple[Row, ...]:
    return tuple(row for key, row in after.items() if before.get(key) != row)
