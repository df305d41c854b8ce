"""What acts of people must know: the last one on a subject, which an undo takes back, read from the journal; and, for a
move, who and what is free at the new time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from caredispatch.core.content import instant_of
from caredispatch.core.draft import Decision
from caredispatch.core.facts import Directory, Done
from caredispatch.core.observation import Acted, Observation
from caredispatch.core.records import State
from caredispatch.core.undoing import done_of
from caredispatch.store.pools import Connection

AROUND = timedelta(minutes=60)
_MOST_ACTS = 8


@dataclass(frozen=True, slots=True)
class _Act:
    """As much of a journal entry as an undo needs."""

    event: Acted
    decision: Decision
    now: datetime
    state: State | None = None


_ACT: TypeAdapter[_Act] = TypeAdapter(_Act)

_ACTS = """
select body from care.journal where practice_id = $1 and subject_id = $2 and kind = 'acted' order by seq desc limit $3
"""


async def read_done(connection: Connection, practice_id: str, subjects: Sequence[str]) -> dict[str, Done]:
    """The act that an undo would take back, of each subject that has one."""
    found: dict[str, Done] = {}
    for subject in subjects:
        rows = await connection.fetch(_ACTS, practice_id, subject, _MOST_ACTS)
        acts = [_ACT.validate_json(row[0]) for row in rows]
        done = done_of([(a.event, a.state or State(), a.decision, a.now) for a in acts])
        if done is not None:
            found[subject] = done
    return found


def moved_spans(events: Sequence[Observation]) -> list[tuple[datetime, datetime]]:
    """The times to which people want visits moved."""
    found: list[tuple[datetime, datetime]] = []
    for event in events:
        if isinstance(event, Acted) and event.params.get("start_at"):
            try:
                start = instant_of(event.params["start_at"])
                end = instant_of(event.params["end_at"]) if event.params.get("end_at") else start + timedelta(hours=8)
            except ValueError:
                continue
            found.append((start - AROUND, end + AROUND))
    return found


def rooms_for(state: State, events: Sequence[Observation], directory: Directory) -> set[str]:
    """The rooms that a visit may be in where a person moves it."""
    visit = state.appointment
    service = directory.services.get(visit.service) if visit else None
    if service is None or not any(isinstance(e, Acted) for e in events):
        return set()
    return {r.room_id for r in directory.rooms.values() if r.kind == service.needs_room}
