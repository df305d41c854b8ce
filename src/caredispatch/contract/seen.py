"""What a connector reports of the outside, in that system's own ids. No row here is stored: the engine maps ids,
moves identity to the vault and makes an identity-free observation of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from caredispatch.core.content import Content

Initiator = Literal["patient", "practice"]


@dataclass(frozen=True, slots=True)
class SeenPatient:
    """The identity that came with an appointment. Goes to the vault and nowhere else. `record` is there where the
    system's own record of them was read whole."""

    external_id: str | None = None
    given: str | None = None
    family: str | None = None
    birth_date: date | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    record: SeenRecord | None = None


@dataclass(frozen=True, slots=True)
class SeenContact:
    """Somebody who may speak for a patient, or is told (D5); `until` is the last day of that."""

    relation: Literal["parent", "guardian", "carer"]
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """What a patient's record says beside who they are; what it does not say is not so there. `replaced_by` is the
    record that must be used in its place, `replaces` are the ids of those that were given up for it (D7). `state` is
    where they live, two letters (D4)."""

    replaced_by: SeenPatient | None = None
    replaces: tuple[str, ...] = ()
    contacts: tuple[SeenContact, ...] = ()
    state: str | None = None


@dataclass(frozen=True, slots=True)
class SeenAppointment:
    """One appointment whole, as the system holds it now.

    `content` uses the closed keys of `core.content`, its values for service, location and `actor.*` being the
    system's own ids; `patient` is not a key here. `etag` is the version text to send back as a precondition;
    `order` a number that grows with each version where the system has one (E3). `ours` is our appointment id,
    where the system carries it for us (E5). `free_text` is what people wrote; it goes to the vault.
    """

    external_id: str
    content: Content
    patient: SeenPatient | None = None
    etag: str | None = None
    order: int | None = None
    ours: str | None = None
    initiator: Initiator | None = None
    changed_at: datetime | None = None
    free_text: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A thin notice: this appointment changed, read it. Carries nothing that may be acted upon."""

    external_id: str


@dataclass(frozen=True, slots=True)
class SeenReply:
    """A person's answer on a channel. `carrier` says that the carrier already treated it as opt-out, opt-in or help."""

    sender: str
    text: str
    external_id: str
    carrier: Literal["opt_out", "opt_in", "help"] | None = None


@dataclass(frozen=True, slots=True)
class SeenReport:
    """What became of a text that we sent. `ref` is the reference that sending it returned; `permanent` means that
    the address itself is bad (unknown number, landline, opted out)."""

    ref: str
    state: Literal["sent", "delivered", "failed"]
    code: str | None = None
    permanent: bool = False


Seen = SeenAppointment | Changed | SeenReply | SeenReport


@dataclass(frozen=True, slots=True)
class SeenBlock:
    """One stretch of somebody's time in a calendar. `ours` is our appointment id where the entry carries it;
    `origin` is the external id that another connected system wrote into it (a copy, D10)."""

    actor: str
    external_id: str
    start_at: datetime
    end_at: datetime
    ours: str | None = None
    origin: str | None = None
    transparent: bool = False
    all_day: bool = False
    tentative: bool = False


@dataclass(frozen=True, slots=True)
class Busy:
    """Everything that a system holds in some people's calendars between two instants, at the moment of asking."""

    blocks: tuple[SeenBlock, ...] = field(default=())
