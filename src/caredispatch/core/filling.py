"""A visit will not be, and its time is free (D19): it becomes a slot of ours, a subject of its own, which is filled in
`core/slots.py`. Where there is nothing to fill, the notes say why."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.draft import Draft
from caredispatch.core.facts import Service
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Passed
from caredispatch.core.playbook import Fill
from caredispatch.core.records import PROVIDER, Option

TO_GET_HERE = timedelta(minutes=15)
"""A time that begins sooner than this is cut: nobody who is asked now could be there."""
ROUND = timedelta(minutes=5)


def slot_id(origin: Id, start_at: datetime) -> Id:
    """The id of the free time that a visit leaves behind: the same however often it does."""
    return make_id("slot", origin, start_at)


def open_fill(draft: Draft, action: Fill, rule: str) -> None:
    """The time of this visit, which will not be, is free: a slot is opened for it, and filled there. What began
    already, or is about to, is offered from the next moment at which somebody could come, for what still fits (D13)."""
    visit = draft.visit
    provider = visit.actor(PROVIDER)
    start_at = max(visit.start_at, _soon(draft.now))
    service = visit.service if start_at == visit.start_at else _what_fits(draft, visit.end_at - start_at)
    why = _obstacle(draft, provider, service)
    if why is not None or provider is None or service is None:
        draft.note("nothing_to_fill", why=why)
        return
    end_at = visit.end_at if start_at == visit.start_at else start_at + _length(draft.directory.services[service])
    option = Option(start_at, end_at, provider, visit.location, visit.modality, visit.actor("room"))
    word = Passed(
        "open_slot",
        visit.appointment_id,
        option=option,
        service=service,
        session_id=visit.session_id if draft.directory.seats(service) > 1 else None,
        rule=rule,
        path=action.path,
        prefer={str(name): weight for name, weight in action.prefer.items()},
    )
    draft.pass_on(slot_id(visit.appointment_id, start_at), word)


def _obstacle(draft: Draft, provider: Id | None, service: str | None) -> str | None:
    if draft.visit.active:
        return "still_to_be"
    if not draft.visit.timed or provider is None:
        return "no_time_of_anybody"
    if draft.visit.end_at <= draft.now or service is None:
        return "too_late_to_fill"
    return "lost_provider" if _lost(draft) else None


def _lost(draft: Draft) -> bool:
    """Whoever could not do the visit has no time to fill."""
    provider = draft.visit.participant(PROVIDER)
    return provider is None or provider.coverage in ("uncovered", "at_risk")


def _soon(now: datetime) -> datetime:
    """The first round moment at which somebody who is asked now could be there."""
    earliest = now + TO_GET_HERE
    past = timedelta(minutes=earliest.minute % 5, seconds=earliest.second, microseconds=earliest.microsecond)
    return earliest - past + ROUND if past else earliest


def _what_fits(draft: Draft, left: timedelta) -> str | None:
    """The visit's service where it still fits into the rest of the time, else the longest that does, of those that the
    same people offer to one patient in the same kind of room; None: not even the shortest."""
    services = draft.directory.services
    own = services.get(draft.visit.service)
    if own is None:
        return None
    alike = [s for s in services.values() if (s.needs_role, s.needs_room) == (own.needs_role, own.needs_room)]
    fits = [s for s in alike if _length(s) <= left and s.capacity == own.capacity]
    return max(fits, key=lambda s: (s.code == own.code, s.minutes, s.code)).code if fits else None


def _length(service: Service) -> timedelta:
    return timedelta(minutes=service.minutes)


def can_be_held(draft: Draft) -> bool:
    """Whether some system keeps a slot's time from others while it is offered. A seat in a group is not a person's
    time."""
    able = any(s.holds_slots for s in draft.directory.systems.values())
    return able and draft.directory.seats(draft.visit.service) == 1
