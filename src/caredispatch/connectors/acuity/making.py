"""Making an appointment: what Acuity needs for it, and whether its time is free there. Notes, and so our id, can be set
by an administrator only, and an administrator is refused no time (developers.acuityscheduling.com, POST /appointments):
what Acuity then doesn't check is looked at here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from caredispatch.connectors.acuity.account import Account
from caredispatch.connectors.acuity.wire import Appointment, Block, Kind, instant_for, new_notes
from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.contract.seen import SeenPatient
from caredispatch.contract.verbs import Wanted
from caredispatch.core.content import instant_of, instant_text

TAKEN = Refused("not_available", "somebody else has this time in Acuity's calendar")


@dataclass(frozen=True, slots=True)
class Order:
    """What an appointment is made from."""

    appointment_id: str
    start_at: datetime
    kind: int
    calendar: int
    note: str
    client: dict[str, str]

    @property
    def body(self) -> dict[str, Any]:
        """As Acuity takes it. Its `datetime` is read in the calendar's zone unless it has an offset, as here."""
        return {
            "datetime": instant_for(instant_text(self.start_at)),
            "appointmentTypeID": self.kind,
            "calendarID": self.calendar,
            "notes": new_notes(self.appointment_id, self.note),
            **self.client,
        }


def order_of(wanted: Wanted) -> Order | Refused:
    """The order for a wanted visit, or what is missing for it, said before anything is sent."""
    content = wanted.content
    if missing := [key for key in ("start_at", "service", "actor.provider") if key not in content]:
        return Refused("incomplete", f"Acuity makes no appointment without {', '.join(missing)}")
    if not content["service"].isdecimal():
        return Refused("bad_type", "an Acuity appointment type's id is a number: correct the mapping of this service")
    client = _client(wanted.patient)
    if client is None:
        return Refused("client_unnamed", "Acuity wants a first and a last name: complete this patient's entry")
    start_at, kind, calendar = instant_of(content["start_at"]), int(content["service"]), int(content["actor.provider"])
    return Order(wanted.appointment_id, start_at, kind, calendar, content.get("note", ""), client)


def _client(who: SeenPatient | None) -> dict[str, str] | None:
    """The client's fields; number and address are optional for an administrator."""
    if who is None or not who.given or not who.family:
        return None
    said = {"firstName": who.given, "lastName": who.family, "email": who.email, "phone": who.phone}
    return {name: value for name, value in said.items() if value}


async def taken(account: Account, order: Order, rows: Iterable[Appointment]) -> TryLater | Refused | None:
    """Whether somebody else has the time, None when it is free. `rows` are the appointments around it. Time that we
    hold for this very visit is free to it."""
    kind = await account.kind(order.kind)
    if not isinstance(kind, Kind):
        return kind
    end_at = order.start_at + timedelta(minutes=kind.duration)
    query = {"calendarID": str(order.calendar)}
    blocks = await account.around(Block, "blocks", query, order.start_at, end_at)
    if not isinstance(blocks, list):
        return blocks
    if any(b.start < end_at and order.start_at < b.end and b.ours != order.appointment_id for b in blocks):
        return TAKEN
    there = [r for r in rows if r.calendarID == order.calendar and not r.canceled]
    there = [r for r in there if r.start_at < end_at and order.start_at < r.end_at]
    classmates = [r for r in there if (r.appointmentTypeID, r.start_at) == (kind.id, order.start_at)]
    room = kind.places if len(classmates) == len(there) else 1
    return TAKEN if len(there) >= room else None
