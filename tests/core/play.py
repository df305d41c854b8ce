"""A stepped clock around `decide` and `apply`: it carries effects out, plays the people's scripted answers, honours
`next_look_at`, and after every decision checks what must hold whatever happens."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count

import orjson

from caredispatch.core.content import Content, instant_text
from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy, apply
from caredispatch.core.facts import Busy, ContactFacts, Facts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.observation import (
    Acted,
    ActName,
    Answered,
    AppointmentSeen,
    Block,
    BusySeen,
    Due,
    Held,
    Label,
    Mode,
    Observation,
    Reported,
    Written,
)
from caredispatch.core.payers import Payers
from caredispatch.core.records import Appointment, Ask, Case, Delivery, Exception_, Link, State
from tests.core.checks import check
from tests.core.clinic import PATIENT_ID, START, VISIT, policy

Answers = Mapping[str, tuple[float, Label] | list[tuple[float, Label]]]


@dataclass(frozen=True, slots=True)
class Said:
    """One text that left the house."""

    minute: int
    person: str
    text: str
    channel: str
    asked: bool


def minutes(n: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=n)


class Play:
    """One visit, the people around it, and the time that passes."""

    def __init__(
        self,
        rules: Policy | None = None,
        *,
        now: datetime = START,
        answers: Answers | None = None,
        patient: PatientFacts | None = None,
        contacts: Mapping[str, tuple[ContactFacts, ...]] | None = None,
        undeliverable: tuple[str, ...] = (),
        unreported: tuple[str, ...] = (),
        calendar: Mapping[str, tuple[Block, ...]] | None = None,
        calendar_says: str = "all",
        asks_made: Mapping[str, int] | None = None,
    ) -> None:
        self.policy = rules or policy()
        self.began = self.now = now
        self.state = State()
        self.answers = dict(answers or {})
        self.patient = patient or PatientFacts(tags=("adult",), state="IL")
        people = [*self.policy.directory.staff, PATIENT_ID]
        self.contacts = {p: (sms(p),) for p in people} | dict(contacts or {})
        self.undeliverable, self.unreported = undeliverable, unreported
        self.calendar, self.calendar_says = dict(calendar or {}), calendar_says
        self.asks_made = dict(asks_made or {})
        self.busy: dict[str, tuple[Busy, ...]] = {}
        self.payers: Payers | None = None
        self.settling: tuple[Id, ...] = ()
        self.successor: Id | None = None
        self.copies: dict[tuple[str, str], tuple[Content, int]] = {}
        self.stubborn: tuple[str, ...] = ()
        self.write_ends: dict[str, str] = {}
        self.blocked: dict[str, Content] = {}
        self.hold_ends: dict[str, str] = {}
        self.sent: list[tuple[str, str]] = []
        self.said: list[Said] = []
        self.raised: list[tuple[int, str, str]] = []
        self.decisions: list[tuple[Observation, Decision]] = []
        self.waiting: list[tuple[datetime, int, Observation]] = []
        self._n = count()

    # -- what happens outside

    def seen(
        self, system: str = "booking", external: str = "1", *, mode: Mode = "live", **changes: str | datetime
    ) -> Play:
        """The source holds this visit, changed like that, and we look at it now."""
        content, order = self.copies.get((system, external), (_visit(), 0))
        content = {**content, **_content(changes)}
        self.copies[system, external] = (content, order + 1)
        return self.step(AppointmentSeen(system, external, content, order + 1, mode=mode))

    def answer(
        self,
        person: str,
        label: Label,
        *,
        via: str = "sms",
        purpose: str | None = None,
        choice: int | None = None,
        carrier_word: bool = False,
    ) -> Play:
        """A person answers the newest question they were asked, now."""
        mine = [a for a in self.state.asks if a.person_id == person and purpose in (None, a.purpose)]
        newest = max(mine, key=lambda a: (a.asked_at, a.number))
        return self.step(Answered(newest.ask_id, label, via, choice, carrier_word=carrier_word))

    def act(self, act: ActName, *, on: str | None = None, **params: str) -> Play:
        """A signed-in person acts, on the open exception of a kind where one is named."""
        row = next((e for e in self.state.exceptions if e.kind == on and e.state != "resolved"), None)
        assert on is None or row is not None, f"no open {on}"
        return self.step(Acted(act, "noor", row.exception_id if row else None, params))

    def later(self, after: float, event: Observation) -> None:
        """Something will happen so many minutes from now."""
        heapq.heappush(self.waiting, (self.now + minutes(after), next(self._n), event))

    # -- time

    def run(self, for_minutes: float | None = None, *, until: datetime | None = None) -> Play:
        """Let time pass: what people and systems do, and what falls due, in order."""
        end = until or self.now + minutes(for_minutes if for_minutes is not None else 0)
        for _ in range(3000):
            look = self.state.appointment.next_look_at if self.state.appointment else None
            first = self.waiting[0][0] if self.waiting else None
            coming = min((t for t in (look, first) if t is not None), default=None)
            if coming is None or coming > end:
                self.now = max(self.now, end)
                return self
            self.now = max(self.now, coming)
            if first is not None and first <= self.now:
                self.step(heapq.heappop(self.waiting)[2], settle=False)
            else:
                self.step(Due(), settle=False)
        raise AssertionError("it never comes to rest")

    def step(self, event: Observation, *, settle: bool = True) -> Play:
        """Decide one observation and carry out what follows; with `settle` also what follows at once."""
        facts = self.facts()
        decision = decide(self.state, facts, event, self.policy, self.now)
        again = decide(self.state, facts, event, self.policy, self.now)
        assert orjson.dumps(decision) == orjson.dumps(again)
        before, self.state = self.state, apply(self.state, decision)
        check(before, self.state, facts, event, decision, self.policy, self.now)
        self.decisions.append((event, decision))
        was = {e.exception_id for e in before.exceptions}
        for row in decision.exceptions:
            if row.exception_id not in was:
                self.raised.append((self._minute(), row.kind, row.owner))
        self._carry_out(decision)
        return self.run(0) if settle else self

    # -- what a decision may know

    def facts(self) -> Facts:
        """The facts of a decision made now."""
        own: dict[str, tuple[Busy, ...]] = dict(self.busy)
        for o in self.state.occupations:
            busy = Busy(o.start_at, o.end_at, "booked", o.appointment_id, o.session_id, "booking")
            own[o.resource_id] = (*own.get(o.resource_id, ()), busy)
        numbers: dict[str, int] = {}
        for a in self.state.asks:
            if a.open:
                numbers[a.person_id] = max(numbers.get(a.person_id, 1), a.number + 1)
        return Facts(
            patient=self.patient,
            contacts=self.contacts,
            busy=own,
            asks_made=dict(self.asks_made),
            next_number=numbers,
            payers=self.payers,
            settling=self.settling,
            successor=self.successor,
        )

    # -- what came of it

    @property
    def asked(self) -> list[tuple[int, str]]:
        """Every question that left: minute and person."""
        return [(s.minute, s.person) for s in self.said if s.asked]

    @property
    def told(self) -> list[tuple[int, str]]:
        """Whom we asked, and what was put before a human, in order; the gaps list is another one (D40)."""
        found = [(s.minute, s.person) for s in self.said if s.asked]
        raised = [(m, owner) for m, kind, owner in self.raised if kind != "gap"]
        return sorted(found + raised, key=lambda entry: entry[0])

    def texts(self, person: str) -> list[str]:
        """The names of the texts that somebody got."""
        return [s.text for s in self.said if s.person == person]

    def ask_of(self, person: str, purpose: str | None = None) -> Ask:
        """The newest ask of a person."""
        mine = [a for a in self.state.asks if a.person_id == person and purpose in (None, a.purpose)]
        return max(mine, key=lambda a: (a.asked_at, a.number))

    def cases(self, kind: str = "cover") -> list[Case]:
        """The cases of a kind, oldest first."""
        return sorted((c for c in self.state.cases if c.kind == kind), key=lambda c: (c.opened_at, c.case_id))

    def cover(self) -> Case:
        """The newest cover case."""
        return self.cases("cover")[-1]

    def open(self, kind: str) -> list[Exception_]:
        """The unresolved exceptions of a kind."""
        return [e for e in self.state.exceptions if e.kind == kind and e.state != "resolved"]

    def copy(self, system: str) -> Link:
        """The link to a system's copy."""
        return next(li for li in self.state.links if li.connection_id == system)

    @property
    def coverage(self) -> str:
        """How sure the staffing is."""
        return self.visit.coverage

    @property
    def confirmation(self) -> str:
        """How sure the patient is."""
        return self.visit.confirmation

    @property
    def visit(self) -> Appointment:
        """The record."""
        assert self.state.appointment is not None
        return self.state.appointment

    @property
    def provider(self) -> str | None:
        """Who sees the patient."""
        return self.visit.actor("provider")

    # -- carrying out

    def _minute(self) -> int:
        return int((self.now - self.began).total_seconds() // 60)

    def _carry_out(self, decision: Decision) -> None:
        for c in decision.counts:
            self.asks_made[c.person_id] = self.asks_made.get(c.person_id, 0) + 1
            assert self.asks_made[c.person_id] <= c.most, "the database would refuse this ask"
        self._suppress(decision)
        for delivery in decision.deliveries:
            match delivery.kind:
                case "tell":
                    self._tell(delivery)
                case "ask_system":
                    self._ask_system(delivery)
                case "write":
                    self._write(delivery)
                case "hold":
                    self._hold(delivery)
        for system, external in decision.fetches:
            content, order = self.copies[system, external]
            self.later(0, AppointmentSeen(system, external, content, order))

    def _suppress(self, decision: Decision) -> None:
        for s in decision.suppressions:
            usable = s.status == "usable"
            for person, known in self.contacts.items():
                self.contacts[person] = tuple(
                    replace(c, usable=usable) if c.contact_id == s.contact_id else c for c in known
                )

    def _tell(self, delivery: Delivery) -> None:
        ask = next((a for a in self.state.asks if a.ask_id == delivery.ask_id), None)
        if ask is not None and not ask.open:
            return
        person, contact = str(delivery.person_id), str(delivery.contact_id)
        asked = ask is not None and ask.purpose != "inform_staff"
        self.said.append(Said(self._minute(), person, str(delivery.text), contact.split(":", maxsplit=1)[0], asked))
        if contact in self.undeliverable:
            self.later(0, Reported(delivery.delivery_id, delivery.ask_id, "failed", delivery.contact_id, "30006", True))
            return
        self.later(0, Reported(delivery.delivery_id, delivery.ask_id, "accepted", delivery.contact_id))
        if contact not in self.unreported:
            self.later(0, Reported(delivery.delivery_id, delivery.ask_id, "delivered", delivery.contact_id))
        if ask is not None:
            scripted = self.answers.get(f"{person}:{ask.purpose}", self.answers.get(person) if asked else None)
            for after, label in [scripted] if isinstance(scripted, tuple) else scripted or []:
                self.later(after, Answered(ask.ask_id, label, "sms"))

    def _ask_system(self, delivery: Delivery) -> None:
        asked = tuple(Id(who) for who in delivery.params["staff"].split(","))
        if self.calendar_says == "nothing":
            return
        blocks = tuple(b for who in asked for b in self.calendar.get(who, ()))
        failed = "unreachable" if self.calendar_says == "failed" else None
        system, case = str(delivery.connection_id), Id(delivery.params["case"])
        self.later(0, BusySeen(system, case, asked, self.visit.start_at, self.visit.end_at, blocks, failed))

    def _hold(self, delivery: Delivery) -> None:
        there = next(h for h in self.state.holds if h.connection_id == delivery.connection_id)
        end = self.hold_ends.get(there.connection_id, "delivered")
        self.sent.append(("hold" if there.wanted else "free", there.connection_id))
        if end == "delivered":
            self.blocked[there.connection_id] = there.wanted
            self.later(0, Held(there.connection_id, there.wanted, "delivered", there.placed))
        elif end != "in flight":
            self.later(0, Held(there.connection_id, {}, "refused", code="403"))

    def _write(self, delivery: Delivery) -> None:
        self.sent.append(("write", str(delivery.connection_id)))
        link = next(li for li in self.state.links if li.link_id == delivery.link_id)
        external = link.external_id or f"new-{link.connection_id}"
        content, order = self.copies.get((link.connection_id, external), ({}, 0))
        sent = dict(link.wanted or {})
        match self.write_ends.get(link.connection_id, "delivered"):
            case "delivered":
                taken = {k: v for k, v in sent.items() if k not in self.stubborn}
                self.copies[link.connection_id, external] = ({**content, **taken}, order + 1)
                self.later(0, Written(link.link_id, sent, "delivered", order + 1, external))
            case "conflict":
                self.later(0, Written(link.link_id, sent, "conflict", code="412"))
            case "in flight":
                return
            case _:
                self.later(0, Written(link.link_id, sent, "refused", code="403"))


def sms(person: str, **changes: object) -> ContactFacts:
    """Somebody's telephone in Chicago; they agreed to texts."""
    contact = ContactFacts(Id(f"sms:{person}"), "sms", "America/Chicago", consent=True)
    return replace(contact, **changes)  # type: ignore[arg-type]  # callers name fields of ContactFacts


def email(person: str) -> ContactFacts:
    """Somebody's mailbox."""
    return ContactFacts(Id(f"email:{person}"), "email", "America/Chicago")


def _content(changes: Mapping[str, str | datetime]) -> Content:
    found: Content = {}
    for key, value in changes.items():
        name = key.replace("actor_", "actor.")
        found[name] = value if isinstance(value, str) else instant_text(value)
    if "start_at" in found and "end_at" not in found and isinstance(start := changes["start_at"], datetime):
        found["end_at"] = instant_text(start + minutes(50))
    return found


def _visit() -> Content:
    return {
        "start_at": instant_text(VISIT),
        "end_at": instant_text(VISIT + minutes(50)),
        "status": "booked",
        "service": "therapy-50",
        "location": "north",
        "modality": "in_person",
        "patient": PATIENT_ID,
        "actor.provider": "ana",
    }


def booked(rules: Policy | None = None, **options: object) -> Play:
    """A visit with ana, booked in the source and seen there."""
    return Play(rules, **options).seen()  # type: ignore[arg-type]  # callers name options of Play


def ana_cannot(rules: Policy | None = None, **options: object) -> Play:
    """A booked visit that ana can't do after all."""
    play = booked(rules, **options)
    return play.answer("ana", "no")
