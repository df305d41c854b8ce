"""Whose time a visit takes (D1): what is free is occupied, what overlaps is recorded for what it is (E9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caredispatch.core.draft import Draft
from caredispatch.core.facts import Busy
from caredispatch.core.ids import Id, make_id
from caredispatch.core.merge import session_of
from caredispatch.core.records import Occupation, Participant

LONGEST = timedelta(days=7)
"""What a source holds for longer takes nobody's time past this: the store looks no further back for what overlaps."""

_TAKES_A_PLACE = ("pending", "booked", "arrived", "checked-in")


@dataclass(frozen=True, slots=True)
class Clash:
    """A participant whose time is already taken. `same_source`: both visits come from one system, which allows it."""

    participant: Participant
    busy: Busy
    same_source: bool


def span(draft: Draft, kind: str) -> tuple[datetime, datetime]:
    """From when to when the visit takes a resource's time: buffers count for staff and things, not for patients."""
    visit = draft.visit
    service = draft.directory.services.get(visit.service)
    begin, end = visit.start_at, visit.end_at
    if kind != "patient" and service is not None:
        begin -= timedelta(minutes=service.buffer_before)
        end += timedelta(minutes=service.buffer_after)
    return begin, min(end, begin + LONGEST)


def taken_by(draft: Draft, resource_id: Id, begin: datetime, end: datetime) -> Busy | None:
    """What else takes this resource's time between the two instants, if anything does."""
    own = draft.visit.session_id
    for busy in draft.facts.busy.get(resource_id, ()):
        if busy.session_id != own and busy.start_at < end and begin < busy.end_at:
            return busy
    return None


def _row(draft: Draft, resource_id: Id, begin: datetime, end: datetime) -> Occupation:
    visit = draft.visit
    return Occupation(
        visit.practice_id,
        make_id("occupation", visit.appointment_id, visit.session_id, resource_id, begin, end),
        visit.session_id,
        visit.appointment_id,
        resource_id,
        begin,
        end,
    )


def occupy_all(draft: Draft) -> list[Clash]:
    """Take the time of everyone on the visit, at its present time, and of who is about to be; give back what it no
    longer takes. Returns who was not free: for those nothing is taken."""
    clashes: list[Clash] = []
    wanted: dict[Id, Occupation] = {}
    for participant in draft.visit.participants if draft.visit.timed else ():
        if participant.actor_id is None:
            continue
        begin, end = span(draft, participant.kind)
        busy = taken_by(draft, participant.actor_id, begin, end)
        if busy is not None:
            clashes.append(Clash(participant, busy, busy.kind == "booked" and busy.source == draft.visit.source))
            continue
        row = _row(draft, participant.actor_id, begin, end)
        wanted[row.occupation_id] = row
    draft.occupations = wanted
    for case in draft.cases.values():
        if case.state == "open" and case.candidate_id is not None:
            take(draft, case.candidate_id)
    return clashes


def take(draft: Draft, person_id: Id, kind: str = "staff") -> bool:
    """Book one more person's time for the visit (a yes books, E10). False when it is taken."""
    begin, end = span(draft, kind)
    if taken_by(draft, person_id, begin, end) is not None:
        return False
    row = _row(draft, person_id, begin, end)
    draft.occupations[row.occupation_id] = row
    return True


def join_session(draft: Draft) -> None:
    """Be part of the group that the visit belongs to as it stands now, while that has room (D1); a visit beyond it is
    one by itself. A group that moves onto its own time stays what it is."""
    visit = draft.visit
    service = draft.directory.services.get(visit.service)
    if service is None or service.capacity < 2:
        return
    session = session_of(visit, draft.directory)
    begin, end = span(draft, "staff")
    stays = any(o.start_at < end and begin < o.end_at for o in draft.occupations.values())
    others = [o for o in draft.facts.others if o.session_id == session and o.appointment_id != visit.appointment_id]
    there = sum(o.status in _TAKES_A_PLACE for o in others)
    if there >= service.capacity:
        draft.note("group_full", most=service.capacity)
        session = make_id("session", visit.appointment_id)
    if not stays:
        draft.record(session_id=session)


def release(draft: Draft, keep: Sequence[Id]) -> None:
    """Give back the time of everyone who is not on the visit (any more)."""
    draft.occupations = {k: row for k, row in draft.occupations.items() if row.resource_id in keep}
