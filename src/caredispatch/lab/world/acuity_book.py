"""The booking system's books: appointments, blocks and the webhooks that tell of their changes.

State and rules only; the REST API over it is in `acuity.py`. Webhooks are form-encoded, carry ids only,
are signed with the API key, and `changed` fires along with each of the others, also for changes made
through the API.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from caredispatch.lab.world.acuity_wire import (
    AcuityRefused,
    Booked,
    date_text,
    parse_instant,
    wire_appointment,
    wire_instant,
)
from caredispatch.lab.world.clock import Timeline
from caredispatch.lab.world.config import AcuitySeed, CalendarSeed, TypeSeed
from caredispatch.lab.world.outgoing import Call, Outgoing

FIRST_ID = 54_001
FIRST_BLOCK = 9_001
FIRST_CLASS = 7_001
CLIENT_FIELDS = ("firstName", "lastName", "phone", "email", "notes")


@dataclass(frozen=True, slots=True)
class Quirks:
    """How the webhooks of one change misbehave.

    Sent `duplicate` more times, in reverse, late, or not at all.
    """

    duplicate: int = 0
    reorder: bool = False
    lost: bool = False
    delay_s: float | None = None


class Book:
    """All appointments and blocks of one account. Every change of an appointment announces itself."""

    def __init__(self, seed: AcuitySeed, timeline: Timeline, outgoing: Outgoing) -> None:
        self.seed = seed
        self.timeline = timeline
        self._outgoing = outgoing
        self.hook_url = seed.hook_url
        self.changed_at = timeline.clock.now()
        self.calendars = {calendar.id: calendar for calendar in seed.calendars}
        self.types = {kind.id: kind for kind in seed.types}
        self.appointments: dict[int, Booked] = {}
        self.blocks: dict[int, dict[str, Any]] = {}
        self._ids = count(FIRST_ID)
        self._block_ids = count(FIRST_BLOCK)
        self._class_ids: dict[tuple[int, int, datetime], int] = {}
        for row in seed.appointments:
            self.book(row, Quirks(lost=True), admin=True)
        for row in seed.blocks:
            self.block(row)

    def next_id(self) -> int:
        """An appointment id nobody has."""
        return next(n for n in self._ids if n not in self.appointments)

    def get(self, appointment_id: int) -> Booked:
        """The appointment, or the documented 404."""
        try:
            return self.appointments[appointment_id]
        except KeyError:
            raise AcuityRefused(404, "not_found", "The appointment could not be found.") from None

    def calendar(self, calendar_id: object) -> CalendarSeed:
        """The calendar, or the documented refusal."""
        try:
            return self.calendars[int(str(calendar_id))]
        except (KeyError, ValueError):
            raise AcuityRefused(400, "invalid_calendar", f"The calendar {calendar_id} doesn't exist.") from None

    def _type(self, type_id: object) -> TypeSeed:
        if type_id is None:
            raise AcuityRefused(400, "required_appointment_type", "The parameter appointmentTypeID is required.")
        try:
            return self.types[int(str(type_id))]
        except (KeyError, ValueError):
            sentence = f"The appointment type {type_id} does not exist."
            raise AcuityRefused(400, "invalid_appointment_type", sentence) from None

    def book(self, row: dict[str, Any], quirks: Quirks, *, admin: bool) -> Booked:
        """Make an appointment from the fields of `POST /appointments`; `id` may be given by a scene."""
        kind = self._type(row.get("appointmentTypeID"))
        required = {
            "firstName": "first_name",
            "lastName": "last_name",
            "email": "email",
            "datetime": "datetime",
        }
        for name, word in required.items():
            if not row.get(name) and not (admin and name == "email"):
                raise AcuityRefused(400, f"required_{word}", f"The parameter {name} is required.")
        calendar = self.calendar(row.get("calendarID"))
        made = Booked(
            id=int(row.get("id") or self.next_id()),
            type_id=kind.id,
            calendar_id=calendar.id,
            start_at=parse_instant(row["datetime"], calendar.timezone),
            length=timedelta(minutes=kind.duration),
            created_at=self.timeline.clock.now(),
            client={name: str(row.get(name) or "") for name in CLIENT_FIELDS},
            by_admin=admin,
        )
        self._must_be_free(made, admin)
        self.appointments[made.id] = made
        self._announce("scheduled", made, quirks)
        return made

    def reschedule(self, was: Booked, row: dict[str, Any], quirks: Quirks, *, admin: bool = False) -> Booked:
        """Move to `datetime` and, if given, to another `calendarID` (a change of provider)."""
        if was.canceled:
            raise AcuityRefused(400, "reschedule_canceled", "A canceled appointment can't be rescheduled.")
        if not row.get("datetime"):
            raise AcuityRefused(400, "required_datetime", "The parameter datetime is required.")
        calendar = self.calendar(row.get("calendarID") or was.calendar_id)
        start_at = parse_instant(row["datetime"], calendar.timezone)
        moved = replace(was, calendar_id=calendar.id, start_at=start_at)
        self._must_be_free(moved, admin)
        return self._changed("rescheduled", moved, quirks)

    def cancel(self, was: Booked, quirks: Quirks, *, note: str = "", no_show: bool = False) -> Booked:
        """Cancel, for good. A no-show may still be marked on one that is cancelled."""
        if was.canceled and not no_show:
            raise AcuityRefused(400, "cancel_not_allowed", "This appointment is already canceled.")
        return self._changed("canceled", replace(was, canceled=True, no_show=no_show, cancel_note=note), quirks)

    def amend(self, was: Booked, row: dict[str, Any], quirks: Quirks) -> Booked:
        """Change the client fields that the API lets through; all else is ignored, as documented."""
        fields = {name: str(row[name]) for name in CLIENT_FIELDS if row.get(name) is not None}
        return self._changed("changed", replace(was, client={**was.client, **fields}), quirks)

    def block(self, row: dict[str, Any]) -> dict[str, Any]:
        """Block a calendar off between `start` and `end`."""
        calendar = self.calendar(row.get("calendarID"))
        start_at = parse_instant(row.get("start"), calendar.timezone)
        end_at = parse_instant(row.get("end"), calendar.timezone)
        if end_at <= start_at:
            raise AcuityRefused(400, "invalid_end", "The end must be after the start.")
        block_id = int(row.get("id") or next(n for n in self._block_ids if n not in self.blocks))
        self.blocks[block_id] = {
            "id": block_id,
            "calendarID": calendar.id,
            "start": wire_instant(start_at, calendar.timezone),
            "end": wire_instant(end_at, calendar.timezone),
            "notes": str(row.get("notes") or ""),
            "description": f"{date_text(start_at.astimezone(ZoneInfo(calendar.timezone)))}",
        }
        return self.blocks[block_id]

    def _must_be_free(self, wanted: Booked, admin: bool) -> None:
        """Refuse an overlap on the calendar; an administrator may overbook."""
        if admin:
            return
        zone = self.calendars[wanted.calendar_id].timezone
        there = [
            other
            for other in self.appointments.values()
            if other.calendar_id == wanted.calendar_id and not other.canceled and other.id != wanted.id
        ]
        kind = self.types[wanted.type_id]
        classmates = (
            [o for o in there if (o.type_id, o.start_at) == (kind.id, wanted.start_at)] if kind.classSize else []
        )
        if kind.classSize and len(classmates) >= kind.classSize:
            raise AcuityRefused(400, "not_available", "The class is full.")
        taken = [(other.start_at, other.end_at) for other in there if other not in classmates]
        taken += [
            (parse_instant(block["start"], zone), parse_instant(block["end"], zone))
            for block in self.blocks.values()
            if block["calendarID"] == wanted.calendar_id
        ]
        if any(start < wanted.end_at and wanted.start_at < end for start, end in taken):
            raise AcuityRefused(400, "not_available", "The time is not available.")

    def _changed(self, action: str, now_is: Booked, quirks: Quirks) -> Booked:
        self.appointments[now_is.id] = now_is
        self._announce(action, now_is, quirks)
        return now_is

    def _announce(self, action: str, appointment: Booked, quirks: Quirks) -> None:
        """Webhooks for one change, due after the usual delay."""
        self.changed_at = self.timeline.clock.now()
        if quirks.lost:
            return
        actions = [action] if action == "changed" else [action, "changed"]
        actions = actions * (1 + quirks.duplicate)
        delay = self.seed.hook_delay_s if quirks.delay_s is None else quirks.delay_s
        for each in reversed(actions) if quirks.reorder else actions:
            form = {
                "action": each,
                "id": str(appointment.id),
                "calendarID": str(appointment.calendar_id),
                "appointmentTypeID": str(appointment.type_id),
            }
            self.timeline.after(delay, partial(self._send, form))

    async def _send(self, form: dict[str, str]) -> None:
        if not self.hook_url:
            return
        body = urlencode(form).encode()
        digest = hmac.new(self.seed.api_key.encode(), body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Acuity-Signature": base64.b64encode(digest).decode(),
        }
        await self._outgoing.deliver(Call("acuity", "POST", self.hook_url, headers, body))

    def class_of(self, appointment: Booked) -> int | None:
        """The id that everybody in one class at one time has."""
        if self.types[appointment.type_id].type != "class":
            return None
        key = (appointment.type_id, appointment.calendar_id, appointment.start_at)
        return self._class_ids.setdefault(key, FIRST_CLASS + len(self._class_ids))

    def wire(self, appointment: Booked) -> dict[str, Any]:
        """The appointment as the API answers it."""
        calendar, kind = self.calendars[appointment.calendar_id], self.types[appointment.type_id]
        return {**wire_appointment(appointment, calendar, kind), "classID": self.class_of(appointment)}
