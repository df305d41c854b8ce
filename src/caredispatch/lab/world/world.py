"""The whole outside world put together: one clock, one record, every system and everybody, wired to each
other.

Composition only. A reset makes a new one of these.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.types import ASGIApp

from caredispatch.lab.world.acuity import AcuityApi
from caredispatch.lab.world.acuity_book import Book
from caredispatch.lab.world.carrier import Carrier
from caredispatch.lab.world.clock import Clock, Timeline, Wall, iso
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.faults import Faults
from caredispatch.lab.world.fhir import Ehr, FhirApi
from caredispatch.lab.world.mail import Mailroom
from caredispatch.lab.world.outgoing import Outgoing
from caredispatch.lab.world.people import People
from caredispatch.lab.world.record import Record
from caredispatch.lab.world.sink import Sinks
from caredispatch.lab.world.twilio import TwilioApi


class World:
    """One run of the outside world. Make it inside a running event loop; close it when done."""

    def __init__(self, seed: Seed, wall: Wall) -> None:
        self.clock = Clock(wall, seed.clock.sim0, seed.clock.speed, seed.clock.wall0)
        self.timeline = Timeline(self.clock)
        self.record = Record(self.clock)
        self.outgoing = Outgoing(self.record, seed.hook_tries)
        self.faults = Faults()
        self.book = Book(seed.acuity, self.timeline, self.outgoing)
        self.ehrs = {name: Ehr(each, self.clock) for name, each in {"fhir": seed.fhir, **seed.ehrs}.items()}
        self.carrier = Carrier(seed.twilio, self.timeline, self.outgoing, self.record)
        self.mailroom = Mailroom(seed.smtp, self.record, self.faults)
        self.sinks = Sinks(seed.sinks, self.clock, self.outgoing)
        self.people = People(self.timeline, self.outgoing, self.record, self.carrier.reply)
        self.carrier.arrived = self.people.arrived
        self.mailroom.arrived = self.people.arrived
        self.systems: dict[str, ASGIApp] = {
            "acuity": AcuityApi(self.book, self.record).app,
            **{name: FhirApi(ehr).app for name, ehr in self.ehrs.items()},
            "twilio": TwilioApi(self.carrier).app,
            "sink": self.sinks.app,
        }

    def idle(self) -> dict[str, Any]:
        """Where time is and what is still to come.

        `in_flight` counts our own requests, waits for a retry included; `seen` all that was recorded; `changed_at` is
        when a system that is polled last changed.
        """
        due_at = self.timeline.next_due_at()
        return {
            "seen": self.record.count,
            "changed_at": iso(max(self.book.changed_at, *(ehr.changed_at for ehr in self.ehrs.values()))),
            "now": iso(self.clock.now()),
            "next_due_at": iso(due_at) if due_at else None,
            "in_flight": self.timeline.under_way + self.outgoing.under_way + self.outgoing.retrying,
            "retrying": self.outgoing.retrying,
        }

    def state(self) -> dict[str, Any]:
        """Everything that the systems hold, in their own formats."""
        return {
            "now": iso(self.clock.now()),
            "acuity": {
                "appointments": [self.book.wire(each) for each in self.book.appointments.values()],
                "blocks": list(self.book.blocks.values()),
            },
            **{
                name: {kind: list(held.values()) for kind, held in ehr.resources.items()}
                for name, ehr in self.ehrs.items()
            },
            "texts": [{**asdict(text), "created_at": iso(text.created_at)} for text in self.carrier.texts.values()],
            "opted_out": sorted(self.carrier.opted_out),
            "mails": [asdict(mail) for mail in self.mailroom.mails],
            "sinks": self.sinks.received,
        }

    async def close(self) -> None:
        """Stop all that is planned or under way."""
        await self.timeline.close()
        await self.outgoing.close()
