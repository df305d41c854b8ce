"""A practice with many visits, over values: every subject has its own state, facts come from all of them, words pass
from one to another, time is stepped. Scenario tests tell a day with it:

    town = Town(rules, answers={"ben": (5, "yes"), "pat-1": (2, "yes")})
    town.booked("first", patient="pat-1", provider="ana", start=at(6, 10))
    town.announce("staff_unavailable", staff="ana", start=at(6, 8), end=at(6, 18), sure=True)
    town.run(60)
    assert town.visit("first").actor("provider") == "ben"

Visits are called by the external id that their first system gives them; `new` are those that the product made. What a
source's notices suffer is said beforehand (`fates`): "lost", "twice", or so many minutes late. After every step
`checks.check` must hold for the subject, and nobody may be booked twice over all of them. `outside` says how systems
and the carrier behave; `watchers` are called after every decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from caredispatch.core.content import Content, instant_text
from caredispatch.core.ids import Id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import (
    Acted,
    ActName,
    Announced,
    Answered,
    AppointmentGone,
    Label,
    Mode,
    Requested,
    Settled,
    TextReceived,
)
from caredispatch.core.records import (
    Appointment,
    Ask,
    Case,
    Exception_,
    Incident,
    IncidentKind,
    Initiator,
    Request,
    State,
)
from caredispatch.core.requesting import request_id
from caredispatch.rehearsal.outside import Copy, Text
from tests.core.clinic import VISIT
from tests.core.play import minutes
from tests.core.town_world import World


class Town(World):
    """What happens in a practice, in the field's words, and what came of it."""

    # -- what happens in a source

    def booked(
        self,
        name: str,
        *,
        patient: str = "pat",
        provider: str | None = "ana",
        start: datetime = VISIT,
        length: float | None = None,
        service: str = "therapy-50",
        location: str = "north",
        system: str = "booking",
        mode: Mode = "live",
        **more: str,
    ) -> Self:
        """A visit is booked in a system, which notices us. `more` are further contents (`actor_room="r1"`)."""
        span = length if length is not None else self.policy.directory.services[service].minutes
        content: Content = {
            "start_at": instant_text(start),
            "end_at": instant_text(start + minutes(span)),
            "status": "booked",
            "service": service,
            "location": location,
            "modality": "in_person",
            **({"patient": patient} if patient else {}),
            **({"actor.provider": provider} if provider else {}),
        }
        self.outside.copies[system, name] = Copy({**content, **_keys(more)}, 0)
        self.known(patient)
        return self.changed(name, system=system, mode=mode)

    def changed(
        self,
        name: str,
        *,
        system: str = "booking",
        by: Initiator | None = None,
        mode: Mode = "live",
        **changes: str | datetime,
    ) -> Self:
        """Somebody changes a visit in a system (`status="noshow"`, `actor_provider="ben"`, `start_at=...`)."""
        copy = self.outside.copies[system, name]
        copy.content = {**copy.content, **_keys(changes)}
        copy.order, copy.initiator = copy.order + 1, by
        self.notice(system, name, mode)
        return self.run(0)

    def cancelled(self, name: str, *, by: Initiator | None = "patient", system: str = "booking") -> Self:
        """Somebody cancels a visit in a system."""
        return self.changed(name, system=system, by=by, status="cancelled")

    def moved(self, name: str, to: datetime, *, system: str = "booking") -> Self:
        """Somebody moves a visit in a system."""
        visit = self.outside.copies[system, name].content
        length = datetime.fromisoformat(visit["end_at"]) - datetime.fromisoformat(visit["start_at"])
        return self.changed(name, system=system, start_at=to, end_at=to + length)

    def deleted(self, name: str, *, system: str = "booking") -> Self:
        """A copy is gone from its system, and a fetch by id says so."""
        order = self.outside.copies.pop((system, name)).order + 1
        return self.step(self.door(system, name), AppointmentGone(system, name, order))

    def poll(self) -> Self:
        """Read every copy that does not stand as it was last seen: what was lost or is late is healed."""
        for (system, external), copy in list(self.outside.copies.items()):
            state = self.states.get(self.door(system, external), State())
            seen = next((li.seen for li in state.links if (li.connection_id, li.external_id) == (system, external)), {})
            if any(seen.get(key) != value for key, value in copy.content.items()):
                self.look(system, external)
        return self.run(0)

    # -- what people do

    def answer(
        self,
        person: str,
        label: Label,
        *,
        on: str | None = None,
        purpose: str | None = None,
        choice: int | None = None,
        via: str = "sms",
        by: str | None = None,
    ) -> Self:
        """A person answers the newest question they were asked (about the visit `on`, of this `purpose`), now; `by` is
        the account that takes it down by phone."""
        ask = self.ask_of(person, on=on, purpose=purpose)
        return self.step(ask.appointment_id, Answered(ask.ask_id, label, via, choice, on_behalf=by))

    def says(self, person: str, label: Label, *, number: int | None = None) -> Self:
        """A person texts this, and it is found out which question it answers, as the engine does (D5)."""
        contact = self.contacts[person][0]
        asks = sorted(self.open_asks.get(Id(person), {}).values(), key=lambda a: a.number)
        fits = [a for a in asks if number is None or a.number == number or len(asks) == 1]
        if len(fits) == 1:
            return self.step(fits[0].appointment_id, Answered(fits[0].ask_id, label, contact.channel))
        body = TextReceived(contact.contact_id, Id(person), label, tuple(a.ask_id for a in asks))
        return self.step(contact.contact_id, body)

    def act(
        self, act: ActName, visit: str, *, on: str | None = None, by: str = "noor", **params: str | datetime
    ) -> Self:
        """A signed-in person acts on a visit, on its open exception of a kind where one is named."""
        row = self.open(on, visit)[0] if on else None
        said = {name: value if isinstance(value, str) else instant_text(value) for name, value in params.items()}
        return self.step(self.subject(visit), Acted(act, by, row.exception_id if row else None, said))

    def refused(self) -> str:
        """Why the latest act could not be done; empty where it was."""
        acts = [d for _, event, d in self.decisions if isinstance(event, Acted)]
        return next((note["why"] for note in acts[-1].trace.notes if note["code"] == "refused"), "")

    def request(
        self,
        name: str,
        request: Request,
        *,
        patient: str = "pat",
        service: str = "therapy-50",
        location: str = "north",
        modality: Literal["in_person", "video", "phone"] = "in_person",
        waitlist: bool = False,
    ) -> Self:
        """Somebody wants a visit that has no time yet, or waits for one."""
        self.known(patient)
        body = Requested(Id(patient), service, location, modality, request, "noor", waitlist)
        self.names[name] = request_id(self.policy.directory.practice_id, body)
        return self.step(self.names[name], body)

    def announce(
        self,
        kind: IncidentKind,
        *,
        staff: str | None = None,
        location: str | None = None,
        start: datetime,
        end: datetime,
        late: int = 0,
        sure: bool = False,
        reason: str = "",
        by: str = "noor",
    ) -> Id:
        """Something hits several visits; returns the incident's id."""
        self.known(staff)
        contact = self.contacts[staff][0].contact_id if staff and by == staff else None
        who = Id(staff) if staff else None
        body = Announced(kind, start, end, by, who, location, late, reason, contact, sure)
        incident = incident_of(self.policy.directory.practice_id, body)
        self.step(incident, body)
        return incident

    def settle(self, incident: Id, label: Literal["yes", "no", "undo"] = "yes", by: str = "noor") -> Self:
        """Whoever announced an incident confirms it, drops it or takes it back."""
        return self.step(incident, Settled(label, by))

    # -- what came of it

    def state(self, name: str) -> State:
        """All there is about one visit."""
        return self.states[self.subject(name)]

    def visit(self, name: str) -> Appointment:
        """One visit's record."""
        found = self.state(name).appointment
        assert found is not None, f"there is no visit {name}"
        return found

    def incident(self, incident: Id) -> Incident:
        """An incident's record."""
        found = self.states[incident].incident
        assert found is not None
        return found

    def visits(self, **like: object) -> list[Appointment]:
        """Every visit with these values (`status="booked"`, `service="intake"`), by start."""
        found = [s.appointment for s in self.states.values() if s.appointment is not None]
        return sorted(
            (v for v in found if all(getattr(v, key) == value for key, value in like.items())),
            key=lambda v: (v.start_at, v.appointment_id),
        )

    @property
    def new(self) -> list[Appointment]:
        """The visits and slots that the product made itself, by start."""
        return [v for v in self.visits() if v.appointment_id not in self.names.values()]

    def cases(self, kind: str, name: str | None = None) -> list[Case]:
        """The cases of a kind (of one visit), oldest first."""
        states = [self.state(name)] if name else list(self.states.values())
        found = [c for s in states for c in s.cases if c.kind == kind]
        return sorted(found, key=lambda c: (c.opened_at, c.case_id))

    def open(self, kind: str, name: str | None = None) -> list[Exception_]:
        """The unresolved exceptions of a kind (of one visit), oldest first."""
        states = [self.state(name)] if name else list(self.states.values())
        found = [e for s in states for e in s.exceptions if e.kind == kind and e.state != "resolved"]
        return sorted(found, key=lambda e: (e.raised_at, e.exception_id))

    def ask_of(self, person: str, *, on: str | None = None, purpose: str | None = None) -> Ask:
        """The newest question to a person."""
        states = [self.state(on)] if on else list(self.states.values())
        mine = [a for s in states for a in s.asks if a.person_id == person and purpose in (None, a.purpose)]
        assert mine, f"{person} was asked nothing"
        return max(mine, key=lambda a: (a.asked_at, a.number, a.ask_id))

    @property
    def said(self) -> list[Text]:
        """Every text that left, in order."""
        return self.outside.said

    def texts(self, person: str) -> list[str]:
        """The names of the texts that somebody got, in order."""
        return [t.name for t in self.said if t.person == person]

    @property
    def asked(self) -> list[tuple[int, str]]:
        """Every question that left: minute and person."""
        return [(int((t.at - self.began).total_seconds() // 60), t.person) for t in self.said if t.question]

    def copy(self, name: str, system: str = "booking") -> Content:
        """A visit as a system has it now."""
        subject = self.subject(name)
        key = next(key for key, to in self.outside.doors.items() if to == subject and key[0] == system)
        return self.outside.copies[key].content


def _keys(changes: Mapping[str, str | datetime]) -> Content:
    return {
        name.replace("actor_", "actor.").replace("requested_", "requested."): value
        if isinstance(value, str)
        else instant_text(value)
        for name, value in changes.items()
    }
