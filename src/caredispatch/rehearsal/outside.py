"""The world outside: systems that hold copies, a carrier that takes texts, people who answer. It carries out what a
decision lets out, and gives back what the product would observe of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from caredispatch.core.content import Content
from caredispatch.core.draft import Decision
from caredispatch.core.ids import Id
from caredispatch.core.observation import (
    Answered,
    AppointmentSeen,
    Block,
    BusySeen,
    Held,
    Label,
    Reported,
    Written,
)
from caredispatch.core.records import Ask, Delivery, Initiator

if TYPE_CHECKING:
    from caredispatch.rehearsal.world import World

Reply = tuple[float, Label] | tuple[float, Label, int]
"""Minutes after the question, what they say, and which option they choose."""
Answers = Mapping[str, Reply | list[Reply]] | Callable[[Ask], list[Reply]]


@dataclass(frozen=True, slots=True)
class Text:
    """One text that left the house; `question` is the purpose of the ask in it, empty for news."""

    at: datetime
    person: str
    name: str
    channel: str
    contact_id: str
    question: str
    subject: Id
    delivery: Delivery


@dataclass(slots=True)
class Copy:
    """A visit as one system has it now."""

    content: Content
    order: int = 1
    initiator: Initiator | None = None


@dataclass(slots=True)
class Outside:
    """What the outside world does when it is asked to. `calendar_says` all, nothing or failed; `write_ends` and
    `hold_ends` by system: delivered, conflict, refused, in flight. What is written to a system that is down leaves when
    it is up again. A `brief` carrier says of questions that they arrived, and what failed: of the rest nothing follows,
    and a month is played in fewer decisions."""

    world: World
    answers: Answers
    undeliverable: tuple[str, ...] = ()
    unreported: tuple[str, ...] = ()
    calendar: dict[str, tuple[Block, ...]] = field(default_factory=dict)
    calendar_says: str = "all"
    write_ends: dict[str, str] = field(default_factory=dict)
    hold_ends: dict[str, str] = field(default_factory=dict)
    stubborn: tuple[str, ...] = ()
    brief: bool = False
    down_until: dict[str, datetime] = field(default_factory=dict)
    copies: dict[tuple[str, str], Copy] = field(default_factory=dict)
    doors: dict[tuple[str, str], Id] = field(default_factory=dict)
    blocked: dict[tuple[Id, str], Content] = field(default_factory=dict)
    said: list[Text] = field(default_factory=list)
    effects: dict[Id, str] = field(default_factory=dict)
    """What became of each delivery: pending, left, withdrawn or failed."""

    def carry_out(self, subject: Id, decision: Decision) -> None:
        """Everything that one decision lets out."""
        for recalled in decision.recalled:
            assert self.effects[recalled] in ("pending", "withdrawn"), "what was undone had left"
            self.effects[recalled] = "withdrawn"
        for delivery in decision.deliveries:
            self.effects[delivery.delivery_id] = "pending"
            self.world.do_at(delivery.not_before or self.world.now, self._leaving(subject, delivery))
        for system, external in decision.fetches:
            self.world.do_at(self.world.now, self._reading(system, external))

    def _leaving(self, subject: Id, delivery: Delivery) -> Callable[[], None]:
        return lambda: self._leave(subject, delivery)

    def _reading(self, system: str, external: str) -> Callable[[], None]:
        return lambda: self.world.look(system, external)

    def _leave(self, subject: Id, delivery: Delivery) -> None:
        if self.effects[delivery.delivery_id] == "withdrawn":
            return
        match delivery.kind:
            case "tell":
                state = self._tell(subject, delivery)
            case "ask_system":
                state = self._ask_system(subject, delivery)
            case "write":
                state = self._write(subject, delivery)
            case "hold":
                state = self._hold(subject, delivery)
        self.effects[delivery.delivery_id] = state

    def _tell(self, subject: Id, delivery: Delivery) -> str:
        world = self.world
        ask = next((a for a in world.states[subject].asks if a.ask_id == delivery.ask_id), None)
        person, contact_id = str(delivery.person_id), str(delivery.contact_id)
        contact = next((c for c in world.contacts.get(person, ()) if c.contact_id == contact_id), None)
        about = delivery.appointment_id or delivery.contact_id or delivery.delivery_id

        def report(state: str, code: str | None = None, *, permanent: bool = False) -> None:
            body = Reported(delivery.delivery_id, delivery.ask_id, state, delivery.contact_id, code, permanent)  # type: ignore[arg-type]  # callers name a state
            world.later(0, body, subject=about)

        if ask is not None and not ask.open:
            return "withdrawn"
        late = delivery.send_before is not None and world.now >= delivery.send_before
        if late or (contact is not None and not contact.usable):
            report("failed", "too_late" if late else "no_way")
            return "failed"
        question = ask.purpose if ask is not None and ask.purpose != "inform_staff" else ""
        channel = contact.channel if contact else contact_id.split(":", maxsplit=1)[0]
        self.said.append(Text(world.now, person, str(delivery.text), channel, contact_id, question, about, delivery))
        if contact_id in self.undeliverable:
            report("failed", "30006", permanent=True)
            return "failed"
        says = ("accepted", "delivered") if not self.brief else ("delivered",) if ask is not None else ()
        for state in says[:1] if contact_id in self.unreported and not self.brief else says:
            report(state)
        if ask is not None:
            for reply in self._replies(ask, asked=bool(question)):
                choice = reply[2] if len(reply) == 3 else None
                world.later(reply[0], Answered(ask.ask_id, reply[1], channel, choice), subject=subject)
        return "left"

    def _replies(self, ask: Ask, *, asked: bool) -> list[Reply]:
        if callable(self.answers):
            return self.answers(ask)
        default = self.answers.get(ask.person_id, []) if asked else []
        found = self.answers.get(f"{ask.person_id}:{ask.purpose}", default)
        return [found] if isinstance(found, tuple) else list(found)

    def _ask_system(self, subject: Id, delivery: Delivery) -> str:
        asked = tuple(Id(who) for who in delivery.params["staff"].split(","))
        if self.calendar_says == "nothing":
            return "pending"
        visit = self.world.states[subject].appointment
        assert visit is not None
        blocks = tuple(b for who in asked for b in self.calendar.get(who, ()))
        failed = "unreachable" if self.calendar_says == "failed" else None
        system, case = str(delivery.connection_id), Id(delivery.params["case"])
        body = BusySeen(system, case, asked, visit.start_at, visit.end_at, blocks, failed)
        self.world.later(0, body, subject=subject)
        return "failed" if failed else "left"

    def _hold(self, subject: Id, delivery: Delivery) -> str:
        there = next(h for h in self.world.states[subject].holds if h.connection_id == delivery.connection_id)
        end = self.hold_ends.get(there.connection_id, "delivered")
        if end == "in flight":
            return "pending"
        if end == "delivered":
            self.blocked[subject, there.connection_id] = there.wanted
            body = Held(there.connection_id, there.wanted, "delivered", there.placed)
        else:
            body = Held(there.connection_id, {}, "refused", code="403")
        self.world.later(0, body, subject=subject)
        return "left" if end == "delivered" else "failed"

    def _write(self, subject: Id, delivery: Delivery) -> str:
        link = next(li for li in self.world.states[subject].links if li.link_id == delivery.link_id)
        end = self.write_ends.get(link.connection_id, "delivered")
        if end == "in flight":
            return "pending"
        up = self.down_until.get(link.connection_id)
        if up is not None and self.world.now < up:
            self.world.do_at(up, self._leaving(subject, delivery))
            return "pending"
        if link.external_id is not None and (link.connection_id, link.external_id) not in self.copies:
            end = "refused"  # somebody deleted it there
        sent = dict(link.wanted or {})
        if end != "delivered":
            outcome = "conflict" if end == "conflict" else "refused"
            code = "412" if end == "conflict" else "403"
            self.world.later(0, Written(link.link_id, sent, outcome, code=code), subject=subject)  # type: ignore[arg-type]  # two of its words
            return "failed"
        external = link.external_id or f"new-{subject}"
        key = (link.connection_id, external)
        copy = self.copies.setdefault(key, Copy({}, 0))
        copy.content |= {k: v for k, v in sent.items() if k not in self.stubborn}
        copy.order += 1
        self.doors.setdefault(key, subject)
        self.world.later(0, Written(link.link_id, sent, "delivered", copy.order, external), subject=subject)
        return "left"

    def seen(self, system: str, external: str, mode: str = "live") -> AppointmentSeen:
        """What a look at one copy shows now."""
        copy = self.copies[system, external]
        return AppointmentSeen(system, external, dict(copy.content), copy.order, initiator=copy.initiator, mode=mode)  # type: ignore[arg-type]  # callers name a mode
