"""From the recorded history of a visit to what measures count of it: how it stood, when it was edited by hand, which
incidents it was part of and how they ended. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from caredispatch.core.happened import Change, Loss, Stood, Visit
from caredispatch.core.ids import Id, make_id
from caredispatch.core.playbook import ROLE_LOST
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Exception_
from caredispatch.store.recorded import Entry, History

GONE = ("cancelled", "entered-in-error")
CAME = ("arrived", "checked-in", "fulfilled")
SEEN = ("appointment_seen", "appointment_gone")

LOSSES = (*(trigger for trigger in ROLE_LOST if trigger != "coverage_gap"), "location_closed", "add_on")
"""What stands for a visit that lost somebody, or wants somebody at once (D37). A coverage gap is found, not lost."""
CHANGES = (
    *LOSSES,
    "booked",
    "rescheduled",
    "cancelled",
    "no_show",
    "request_received",
    "staff_late",
    "patient_late",
    "series_changed",
)
"""What stands for a change outside. Answers and what follows from them belong to the change that was asked about."""


def visit_of(history: History) -> Visit | None:
    """The visit that a history is of; None for a request without a time and for a free time of ours."""
    record, stood = history.record, _stood(history.entries)
    if not stood or record.is_slot:
        return None
    return Visit(
        record.appointment_id,
        record.location,
        record.service,
        record.status,
        stood[0].since,
        stood,
        record.confirmed_at if record.confirmation == "confirmed" else None,
        stood[-1].until if record.status in GONE else None,
        record.initiator if record.status in GONE else None,
        history.replaced,
        record.status in CAME or _covered(record),
    )


def _stood(entries: Iterable[Entry]) -> tuple[Stood, ...]:
    found: list[Stood] = []
    for entry in entries:
        visit = entry.appointment
        if visit is None or visit.is_slot:
            continue
        last = found[-1] if found and found[-1].until is None else None
        if visit.status in GONE:
            if last is not None:
                found[-1] = replace(last, until=entry.outside_at, ended="cancelled")
            continue
        now = Stood(visit.start_at, visit.end_at, visit.actor(PROVIDER), entry.outside_at)
        if not visit.timed or (last is not None and _same(last, now)):
            continue
        if last is not None:
            moved = (last.start_at, last.end_at) != (now.start_at, now.end_at)
            found[-1] = replace(last, until=entry.outside_at, ended="moved" if moved else "handed_on")
        found.append(now)
    return tuple(found)


def _same(one: Stood, other: Stood) -> bool:
    return (one.start_at, one.end_at, one.staff_id) == (other.start_at, other.end_at, other.staff_id)


def _covered(visit: Appointment) -> bool:
    """Whether somebody is there to hold it who neither declined nor is away."""
    return visit.actor(PROVIDER) is not None and visit.coverage in ("confirmed", "tentative")


def edits_of(history: History) -> tuple[datetime, ...]:
    """When people changed the visit by hand: on our pages, on somebody's behalf, or in a system; what its patient did
    there by themselves is none. That somebody came or did not is no edit."""
    found: list[datetime] = []
    before: Appointment | None = None
    for entry in history.entries:
        after = entry.appointment or before
        by_us = entry.kind == "acted" or (entry.kind == "answered" and entry.event.get("on_behalf"))
        theirs = entry.kind in SEEN and entry.event.get("initiator") != "patient"
        if by_us or (theirs and before is not None and after is not None and _edited(before, after, entry)):
            found.append(entry.at)
        before = after
    return tuple(found)


def _edited(before: Appointment, after: Appointment, entry: Entry) -> bool:
    if after.status in GONE:
        return before.status not in GONE and entry.event.get("initiator") == "practice"
    one, other = (
        (
            v.start_at,
            v.end_at,
            v.location,
            v.modality,
            v.service,
            [p.actor_id for p in v.participants if p.role != PATIENT],
        )
        for v in (before, after)
    )
    return one != other


# ---------------------------------------------------------------- incidents


@dataclass(slots=True)
class _Open:
    """A change while its visits are being gathered."""

    at: datetime
    location: str
    service: str
    losses: list[Loss] = field(default_factory=list)
    by_hand: bool = False


class Changes:
    """Gathers what happened to visits into changes outside: an incident that hits several is one (D38). `undone` are
    incidents that were taken back, or never confirmed."""

    def __init__(self, undone: Collection[str]) -> None:
        self.undone = undone
        self._open: dict[Id, _Open] = {}

    def take(self, history: History, edits: tuple[datetime, ...]) -> None:
        """Take in one visit's part."""
        record: Appointment | None = None
        for number, entry in enumerate(history.entries):
            record = entry.appointment or record
            stands_for = [trigger for trigger in entry.triggers if trigger in CHANGES]
            if record is None or not stands_for:
                continue
            change_id = _change_of(entry, record, number)
            if change_id is None or change_id in self.undone:
                continue
            since = _since(entry, record)
            change = self._open.setdefault(change_id, _Open(since, record.location, record.service))
            if since < change.at:
                change.at, change.location, change.service = since, record.location, record.service
            if any(trigger in LOSSES for trigger in stands_for):
                change.losses.append(_loss(history, record))
                change.by_hand = change.by_hand or _by_hand(history, edits, entry.at)

    def all(self) -> tuple[Change, ...]:
        """Every change, in order."""
        found = (
            Change(
                key,
                c.at,
                c.location,
                c.service,
                tuple(sorted(c.losses, key=lambda x: (x.start_at, x.visit_id))),
                c.by_hand,
            )
            for key, c in self._open.items()
        )
        return tuple(sorted(found, key=lambda c: (c.at, c.change_id)))


def _change_of(entry: Entry, record: Appointment, number: int) -> Id | None:
    """Which change outside an entry is part of: an incident, an add-on (with who gave way to it), or one of this visit
    alone. None where it follows from another visit's, which is counted there."""
    if entry.kind == "hit":
        return Id(entry.event["incident_id"])
    if entry.kind == "passed":
        return make_id("add_on", entry.event["origin"]) if entry.event.get("word") == "vacate" else None
    if "add_on" in entry.triggers:
        return make_id("add_on", record.appointment_id)
    return make_id("change", record.appointment_id, number)


def _since(entry: Entry, record: Appointment) -> datetime:
    """When it happened outside; a cancellation that settled first (D9) when it was cancelled."""
    if entry.kind == "due" and record.cancelled_at is not None:
        return record.cancelled_at
    return entry.outside_at


def _loss(history: History, then: Appointment) -> Loss:
    now = history.record
    if now.status in GONE and not history.replaced:
        ended = "cancelled"
    elif history.replaced or now.status in CAME or (now.timed and _covered(now)):
        ended = "covered"
    else:
        ended = "uncovered"
    return Loss(now.appointment_id, now.location, then.start_at, ended)  # type: ignore[arg-type]  # the three above


def _by_hand(history: History, edits: Iterable[datetime], since: datetime) -> bool:
    """Whether a person did something about a visit after a change, or has yet to: what stands before one until it is
    over (D37). What left the queue by itself nobody did."""
    over = history.record.end_at + timedelta(hours=24)
    if any(since < at <= over for at in edits):
        return True
    return any(since <= row.raised_at <= over and stood_before_human(row) for row in history.exceptions)


def stood_before_human(row: Exception_) -> bool:
    """Whether a person had to look at it: somebody took it, or it waits for them still."""
    return row.claimed_by is not None or row.state != "resolved"
