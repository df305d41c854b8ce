"""The verbs of a connector: small Protocols, each taken or not. A connector never retries, sleeps, stores, or reads
clock or environment: the engine does, by the manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from caredispatch.contract.outcome import Delivered, Gone, Outcome, Refused, TryLater
from caredispatch.contract.seen import Busy, Initiator, Seen, SeenAppointment, SeenPatient
from caredispatch.core.content import Content


class Malformed(Exception):
    """A properly signed push that can't be understood. Its text names the field, the value's kind and the fix, never
    the value of anything that could identify a person."""


@dataclass(frozen=True, slots=True)
class Push:
    """One HTTP request that came to a hook. Header names are lower case; `url` is the public address that was called,
    query included (some signatures cover it)."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender gets back once the notice is committed."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Verified:
    """The push is genuine. `dedup_key` is the sender's delivery id, where it has one; `subject` is the external id
    that a thin notice names, so that many notices become one pending fetch (E3)."""

    dedup_key: str | None = None
    subject: str | None = None
    answer: Answer = field(default_factory=Answer)


@dataclass(frozen=True, slots=True)
class Rejected:
    """The push is not genuine (or too old): 401, nothing kept. `reason` is for the log and names no secret."""

    reason: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a copy should say. `content` is in the target's own ids; only keys of the manifest's `writes` are set.
    `external_id` is None for a create; `etag` is the version last seen; `seen` the content last seen there (None if
    never); `appointment_id` is ours, to be carried in the target's identifying field (E5). `idempotency_key` is the
    same at every try of one write; `sent_at` is wire time, for signatures with an age; `initiator` says who
    cancelled."""

    appointment_id: str
    content: Content
    external_id: str | None = None
    etag: str | None = None
    seen: Content | None = None
    patient: SeenPatient | None = None
    idempotency_key: str | None = None
    sent_at: datetime | None = None
    initiator: Initiator | None = None


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A stretch of somebody's time; `actor` is the system's own id."""

    actor: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class WantedHold:
    """What should be kept from others for one appointment: `slots`, and nothing else of it (none: nothing at all).
    `former` is what may stand there from before; `until` is when we give it back at the latest, for a system that can
    end a hold by itself and for whoever reads it; `appointment_id` is ours, carried by the hold (E5)."""

    appointment_id: str
    slots: tuple[Slot, ...]
    former: tuple[Slot, ...] = ()
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """Words to one address. `idempotency_key` is the same at every try; `callback_url` takes delivery reports;
    `sent_at` is wire time, where the channel dates what it carries. `page` is an HTML page to go with the words, where
    the channel can carry one."""

    to: str
    body: str
    idempotency_key: str
    subject: str | None = None
    callback_url: str | None = None
    sent_at: datetime | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a poll. `cursor` continues from here; `complete` says that everything up to now was seen; `lists_all`
    that the pages together hold everything that there is between their first and last start, so that what is missing
    may be gone (D8)."""

    seen: tuple[Seen, ...]
    cursor: str
    complete: bool = True
    lists_all: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """What a probe found. `detail` is one clear sentence without secrets."""

    ok: bool
    detail: str


@runtime_checkable
class Receives(Protocol):
    """Takes pushes. `verify` runs before anything is stored and in constant time where it compares; `parse` later,
    outside any transaction, and raises Malformed. `now` is wire time, for signatures with an age."""

    def verify(self, push: Push, now: datetime) -> Verified | Rejected: ...

    def parse(self, push: Push) -> tuple[Seen, ...]: ...


@runtime_checkable
class Polls(Protocol):
    """Reads what changed since a cursor (None: the first load). `now` is business time."""

    async def poll(self, cursor: str | None, now: datetime) -> Page | TryLater | Refused: ...


@runtime_checkable
class Fetches(Protocol):
    """Reads one appointment whole."""

    async def fetch(self, external_id: str) -> SeenAppointment | Gone | TryLater | Refused: ...


@runtime_checkable
class TellsBusy(Protocol):
    """Reads people's calendars between two instants; `actors` are the system's own ids."""

    async def busy(self, actors: Sequence[str], start_at: datetime, end_at: datetime) -> Busy | TryLater | Refused: ...


@runtime_checkable
class Writes(Protocol):
    """Makes the copy equal to what is wanted, with the version precondition that the system offers."""

    async def write(self, wanted: Wanted) -> Outcome: ...


@runtime_checkable
class Holds(Protocol):
    """Keeps people's time from others while a patient is asked (D19). Reads what it holds for the appointment before it
    changes anything: doing it again, after a crash or without an answer, is harmless (E21)."""

    async def hold(self, wanted: WantedHold) -> Outcome: ...


@runtime_checkable
class Tells(Protocol):
    """Sends words to a person."""

    async def tell(self, text: OutgoingText) -> Outcome: ...


@runtime_checkable
class Recalls(Protocol):
    """Finds a text again whose sending had no answer (`after_unknown = "read_back"`, E21): the same words to the same
    address, taken at `since` (business time) or later. Gone: it was never taken and may be sent."""

    async def recall(self, text: OutgoingText, since: datetime) -> Delivered | Gone | TryLater | Refused: ...


@runtime_checkable
class Probes(Protocol):
    """Says whether the connection works, without changing anything."""

    async def probe(self) -> Health: ...
