"""Acuity's words and the normal form: appointments, types, blocks, and our two lines in the notes (whose visit it is;
what we say of it). No calls are made here."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from caredispatch.contract.reading import Instant, Line, Loose, Prose, Word
from caredispatch.contract.seen import Initiator, SeenAppointment, SeenPatient
from caredispatch.core.content import Content, instant_text

MARK = "caredispatch: "
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
_OURS = re.compile(rf"\b{re.escape(MARK)}({_ID})")
_ONLY_OURS = re.compile(rf"\s*{re.escape(MARK)}{_ID}\s*")
_OWN_LINE = re.compile(rf"^{re.escape(MARK)}(?!{_ID})(.*)$", re.MULTILINE)
_HELD = re.compile(rf"{re.escape(MARK)}held for ({_ID})")
Number = Annotated[int, Field(ge=1, le=2**53)]
Minutes = Annotated[int, Field(ge=1, le=14 * 24 * 60)]


class Appointment(Loose):
    """`GET /appointments/:id`. `duration` is minutes, sent as a text."""

    id: Number
    start_at: Instant = Field(alias="datetime")
    duration: Minutes
    appointmentTypeID: Number
    calendarID: Number
    canceled: bool = False
    noShow: bool = False
    firstName: Line | None = None
    lastName: Line | None = None
    phone: Line | None = None
    email: Line | None = None
    notes: Prose | None = None

    @property
    def end_at(self) -> datetime:
        """When it ends."""
        return self.start_at + timedelta(minutes=self.duration)

    @property
    def ours(self) -> str | None:
        """Our appointment id, wherever in the notes people moved it to. Notes with several ids were put together by
        somebody and say nothing (E5)."""
        found = set(_OURS.findall(self.notes or ""))
        return found.pop() if len(found) == 1 else None


class Kind(Loose):
    """`GET /appointment-types`: what can be booked. A class has places for several clients at one time."""

    id: Number
    duration: Minutes
    type: Line = "service"
    classSize: int | None = None

    @property
    def places(self) -> int:
        """How many clients it takes at one time."""
        return self.classSize or 1 if self.type == "class" else 1


class Block(Loose):
    """`GET /blocks`: time off in one calendar. What we hold carries our appointment's id in its notes."""

    id: Number
    calendarID: Number
    start: Instant
    end: Instant
    notes: Prose | None = None

    @property
    def ours(self) -> str | None:
        """Our appointment that this time is held for, if it is."""
        found = _HELD.match(self.notes or "")
        return found.group(1) if found else None


class Made(Loose):
    """What is needed of the answer to `POST /appointments`."""

    id: Number


class Pushed(Loose):
    """A webhook's form. The last two come with appointments only."""

    action: Word
    id: Number


def status_of(appointment: Appointment) -> str:
    """Acuity knows three states; anything not cancelled is booked."""
    if not appointment.canceled:
        return "booked"
    return "noshow" if appointment.noShow else "cancelled"


def content_of(appointment: Appointment) -> Content:
    """The normal form. `note` is our own line only."""
    content: Content = {
        "start_at": instant_text(appointment.start_at),
        "end_at": instant_text(appointment.end_at),
        "status": status_of(appointment),
        "service": str(appointment.appointmentTypeID),
        "actor.provider": str(appointment.calendarID),
    }
    own = _OWN_LINE.search(appointment.notes or "")
    return {**content, "note": own.group(1).strip()} if own else content


def seen_of(appointment: Appointment, cancelled_by: Initiator | None) -> SeenAppointment:
    """The appointment whole, with the client's identity. Acuity doesn't say who cancelled: `cancelled_by` is who does
    so there, where only one side can."""
    who = (appointment.firstName, appointment.lastName, appointment.phone, appointment.email)
    given, family, phone, email = ((text or "").strip() or None for text in who)
    return SeenAppointment(
        external_id=str(appointment.id),
        content=content_of(appointment),
        patient=SeenPatient(given=given, family=family, phone=phone, email=email)
        if given or family or phone or email
        else None,
        ours=appointment.ours,
        initiator=cancelled_by if status_of(appointment) == "cancelled" else None,
        free_text=_free_text(appointment.notes or "") or None,
    )


def with_note(notes: str, own: str) -> str:
    """The notes with what we say of the visit replaced; everybody else's text, and our id, kept. An empty `own` takes
    our line away."""
    others = "\n".join(line for line in notes.splitlines() if not _OWN_LINE.match(line)).rstrip()
    if not own:
        return others
    return f"{others}\n{MARK}{own}" if others else f"{MARK}{own}"


def new_notes(appointment_id: str, own: str) -> str:
    """The notes of an appointment that we make: whose it is, and what we say of it."""
    return with_note(f"{MARK}{appointment_id}", own)


def _free_text(notes: str) -> str:
    """What people wrote: the notes without our lines."""
    return "\n".join(line for line in with_note(notes, "").splitlines() if not _ONLY_OURS.fullmatch(line)).rstrip()


def held_note(appointment_id: str, until: datetime | None) -> str:
    """The notes of a block that holds time for one appointment: for us to know it again, and for people to read."""
    note = f"{MARK}held for {appointment_id}"
    return f"{note} until {instant_text(until)}" if until else note


def instant_for(text: str) -> str:
    """An instant of the normal form as Acuity takes it: an offset without a colon."""
    return text.removesuffix("Z") + "+0000"
