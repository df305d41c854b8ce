"""What lies ahead of a practice in a simulated month: visits, call-outs, wishes, closures and troubles, before anybody
has done anything about them. Plain values: `demand` makes them, whoever plays the month reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from caredispatch.core.content import Modality
from caredispatch.core.facts import ContactFacts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.records import Initiator

TroubleKind = Literal["duplicate", "late", "lost", "slow_write", "outage", "wrong_data"]


@dataclass(frozen=True, slots=True)
class Planned:
    """One visit as it would go if nothing came between. Instants are UTC. Booked before the month begins, it is there
    at first load. `series` names the weekly series that it belongs to, `group` the session that it shares with others.
    It is cancelled at `cancels_at` by `cancels`, or taken to `moves_to` by the patient then. `missed` is the chance, in
    per mille, that the patient does not come, before any reminder."""

    name: str
    patient: Id
    provider: Id | None
    service: str
    location: str
    modality: Modality
    start_at: datetime
    minutes: int
    booked_at: datetime
    series: str | None = None
    group: str | None = None
    cancels_at: datetime | None = None
    cancels: Initiator | None = None
    moves_to: datetime | None = None
    missed: int = 0
    room: Id | None = None


@dataclass(frozen=True, slots=True)
class CallOut:
    """What somebody of the staff says at `said_at`: that they are not there from `start_at` to `end_at`, that they come
    `late_minutes` late, or that they leave for good at `start_at`."""

    staff: Id
    kind: Literal["staff_unavailable", "staff_late", "staff_leaving"]
    said_at: datetime
    start_at: datetime
    end_at: datetime
    late_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Want:
    """A visit that somebody wants and that has no time yet: a request, an entry of the `waitlist`, or an `urgent`
    add-on."""

    name: str
    patient: Id
    service: str
    location: str
    modality: Modality
    since: datetime
    not_before: datetime
    until: datetime
    waitlist: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Closure:
    """A site that is closed from `start_at` to `end_at`."""

    location: str
    said_at: datetime
    start_at: datetime
    end_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """How a system fails from `at` until `until`: what it sends then comes twice, late or never; what is written to it
    takes long (`slow_write`) or fails (`outage`); the copy of `visit` holds something wrong (`wrong_data`, at `at`)."""

    kind: TroubleKind
    system: str
    at: datetime
    until: datetime
    visit: str | None = None


@dataclass(frozen=True, slots=True)
class Month:
    """Everything that happens outside in `days` from `begin`, in order of time, and who is concerned. `together` counts
    the visits that a patient and a provider had before."""

    begin: datetime
    days: int
    visits: tuple[Planned, ...]
    call_outs: tuple[CallOut, ...]
    wants: tuple[Want, ...]
    closures: tuple[Closure, ...]
    troubles: tuple[Trouble, ...]
    patients: Mapping[Id, PatientFacts]
    contacts: Mapping[str, tuple[ContactFacts, ...]]
    together: Mapping[tuple[str, str], int]
