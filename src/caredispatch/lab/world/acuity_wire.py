"""The booking system's words: an appointment, instants and refusals as the documented API writes them.

Values only. What may be booked and who is told is in `acuity_book.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from caredispatch.lab.world.config import CalendarSeed, TypeSeed


class AcuityRefused(Exception):
    """The API's documented refusal: HTTP status, error code, sentence."""

    def __init__(self, status: int, error: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.error = error
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Booked:
    """One appointment as the booking system keeps it. `client` holds the five client fields."""

    id: int
    type_id: int
    calendar_id: int
    start_at: datetime
    length: timedelta
    created_at: datetime
    client: dict[str, str]
    canceled: bool = False
    no_show: bool = False
    cancel_note: str = ""
    by_admin: bool = False

    @property
    def end_at(self) -> datetime:
        """When it ends."""
        return self.start_at + self.length


def wire_instant(at: datetime, zone: str) -> str:
    """An instant as the API writes it: wall time of the zone and an offset without a colon."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M:%S%z")


def parse_instant(text: object, zone: str) -> datetime:
    """An instant as the API reads it; without an offset it is wall time of the calendar's zone."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        raise AcuityRefused(400, "invalid_datetime", f'The datetime "{text}" is invalid.') from None
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def clock_text(at: datetime) -> str:
    """`10:15am`."""
    return at.strftime("%I:%M%p").lstrip("0").lower()


def date_text(at: datetime) -> str:
    """`July 2, 2013`."""
    return f"{at:%B} {at.day}, {at.year}"


def wire_appointment(appointment: Booked, calendar: CalendarSeed, kind: TypeSeed) -> dict[str, Any]:
    """The appointment as `GET /appointments/:id` answers it."""
    zone = ZoneInfo(calendar.timezone)
    start, end, created = (
        at.astimezone(zone) for at in (appointment.start_at, appointment.end_at, appointment.created_at)
    )
    row: dict[str, Any] = {
        "id": appointment.id,
        **appointment.client,
        "date": date_text(start),
        "time": clock_text(start),
        "endTime": clock_text(end),
        "dateCreated": date_text(created),
        "datetimeCreated": wire_instant(created, calendar.timezone),
        "datetime": wire_instant(start, calendar.timezone),
        "price": kind.price,
        "priceSold": kind.price,
        "paid": "no",
        "amountPaid": "0.00",
        "type": kind.name,
        "appointmentTypeID": kind.id,
        "addonIDs": [],
        "category": kind.category,
        "duration": str(int(appointment.length.total_seconds()) // 60),
        "calendar": calendar.name,
        "calendarID": calendar.id,
        "calendarTimezone": calendar.timezone,
        "canClientCancel": not appointment.canceled,
        "canClientReschedule": not appointment.canceled,
        "canceled": appointment.canceled,
        "isVerified": False,
        "scheduledBy": "admin" if appointment.by_admin else None,
        "location": calendar.location,
        "certificate": None,
        "confirmationPage": f"https://booking.example/schedule.php?action=appt&id={appointment.id}",
        "formsText": "",
        "timezone": calendar.timezone,
        "forms": [],
        "labels": [],
    }
    return {**row, "noShow": appointment.no_show} if appointment.canceled else row
