"""People's busy time: their appointments, and the busy slots of their schedules where the server offers them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caredispatch.connectors.fhir.normal import blocking
from caredispatch.connectors.fhir.resources import Appointment, Schedule, Slot
from caredispatch.connectors.fhir.server import Server
from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.contract.seen import SeenBlock
from caredispatch.core.content import instant_text

LONGEST = timedelta(days=1)
"""How long an appointment may be for its start to be found: a search by date goes by the start."""
FREE = frozenset({"cancelled", "noshow", "entered-in-error", "waitlist"})
TENTATIVE = frozenset({"proposed", "pending"})


async def appointments(
    server: Server, parameter: str, actors: Sequence[str], start_at: datetime, end_at: datetime
) -> list[Appointment] | TryLater | Refused:
    """The appointments of some people that begin in or up to a day before a stretch of time."""
    query = [
        (parameter, ",".join(actors)),
        ("date", f"ge{instant_text(start_at - LONGEST)}"),
        ("date", f"lt{instant_text(end_at)}"),
    ]
    return await server.search(Appointment, "Appointment", query)


def blocks_of(held: Sequence[Appointment], actors: Sequence[str]) -> list[SeenBlock]:
    """One block for each asked person who hasn't declined."""
    asked = set(actors)
    return [
        SeenBlock(
            actor=person.who,
            external_id=each.id,
            start_at=each.start,
            end_at=each.end,
            ours=each.ours,
            origin=each.origin,
            tentative=each.status in TENTATIVE or person.status == "tentative",
        )
        for each in held
        if each.start and each.end and each.status not in FREE
        for person in each.participant
        if blocking(person, asked)
    ]


async def slots(
    server: Server, actors: Sequence[str], start_at: datetime, end_at: datetime, taken: frozenset[str]
) -> list[SeenBlock] | TryLater | Refused:
    """Busy slots, but for those that an appointment already stands for (`taken`, as `Slot/id`)."""
    schedules = await server.search(Schedule, "Schedule", [("actor", ",".join(actors))])
    if not isinstance(schedules, list):
        return schedules
    owners = {f"Schedule/{s.id}": [a.local for a in s.actor if a.local in actors] for s in schedules}
    if not owners:
        return []
    query = [
        ("schedule", ",".join(owners)),
        ("start", f"ge{instant_text(start_at - LONGEST)}"),
        ("start", f"lt{instant_text(end_at)}"),
        ("status", "busy,busy-unavailable,busy-tentative"),
    ]
    found = await server.search(Slot, "Slot", query)
    if not isinstance(found, list):
        return found
    return [
        SeenBlock(owner, f"Slot/{slot.id}", slot.start, slot.end, tentative=slot.status == "busy-tentative")
        for slot in found
        if slot.status not in ("free", "entered-in-error") and f"Slot/{slot.id}" not in taken
        for owner in owners.get(slot.schedule.local or "", [])
        if owner
    ]
