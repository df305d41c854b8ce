"""What happened in some days, as plain values that measures count: read from the database after real days, or made by a
rehearsal, and counted alike (D38). Instants are UTC; a day is the local one at the location. What is counted, and how,
is in `measures` and the `counting_` modules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from caredispatch.core.content import Status
from caredispatch.core.ids import Id
from caredispatch.core.records import CaseKind, Initiator

Instrument = Literal["tally", "prompts"]


@dataclass(frozen=True, slots=True)
class Shift:
    """Time in which somebody works at a site."""

    staff_id: Id
    location: str
    start_at: datetime
    end_at: datetime


@dataclass(frozen=True, slots=True)
class Stood:
    """How a visit stood for a while: when it was to be, with whom, from `since` to `until` (None: to the last).
    `ended` says why no longer: `cancelled`, `moved`, or `handed_on` to somebody else at the same time."""

    start_at: datetime
    end_at: datetime
    staff_id: Id | None
    since: datetime
    until: datetime | None = None
    ended: Literal["", "cancelled", "moved", "handed_on"] = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit with its history; `stood` has one at least, the last is how it stands or ended. `booked_at` is when it
    was booked outside. `patient_yes_at` is when the patient or a proxy said yes to it as it stands, in person, by text
    or by link; what a system sets by itself is no yes (D39). `covered`: somebody was there, or is, to hold it.
    `replaced`: it was cancelled and booked anew, which is a move (D9)."""

    visit_id: Id
    location: str
    service: str
    status: Status
    booked_at: datetime
    stood: tuple[Stood, ...]
    patient_yes_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: Initiator | None = None
    replaced: bool = False
    covered: bool = True

    @property
    def last(self) -> Stood:
        """How it stands, or stood at its end."""
        return self.stood[-1]

    @property
    def start_at(self) -> datetime:
        """When it begins, or was last to begin."""
        return self.last.start_at

    @property
    def cancelled(self) -> bool:
        """Whether it will not be."""
        return self.status in ("cancelled", "entered-in-error")

    @property
    def kept(self) -> bool:
        """Whether it took place: neither cancelled nor missed, and with somebody to hold it. Sources that never say who
        came say at least who did not."""
        return self.status in ("booked", "arrived", "checked-in", "fulfilled") and self.covered

    def stands_at(self, at: datetime) -> bool:
        """Whether it was booked and not cancelled at an instant."""
        return self.booked_at <= at and (self.cancelled_at is None or self.cancelled_at > at)


@dataclass(frozen=True, slots=True)
class Loss:
    """One visit that a change took somebody from, or an add-on that it wanted; how that had ended by the start."""

    visit_id: Id
    location: str
    start_at: datetime
    ended: Literal["covered", "cancelled", "uncovered"]


@dataclass(frozen=True, slots=True)
class Change:
    """One change outside, with every case it opened: an incident, the unit of coordinator minutes (D38). `at` is when
    it happened there (D35), `by_hand` whether a person had to call, write, edit or decide because of it (D37)."""

    change_id: Id
    at: datetime
    location: str
    service: str
    losses: tuple[Loss, ...] = ()
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Coordination:
    """One case. `changed_at` is the change outside that it is due to, `asked_at` when its first question was sent.
    `first_asked_taken`: one of those who were asked first said yes and was taken. `found`: it reached what it was for,
    whoever did it. `by_hand`: it stood before a named human, or somebody acted on it here or in a system; `edited_at`
    are edits by hand of its visit in any system, whenever they were. `add_on`: it finds somebody for an emergency
    add-on."""

    kind: CaseKind
    about_patient: bool
    location: str
    service: str
    changed_at: datetime
    opened_at: datetime
    state: Literal["open", "settled", "handed", "closed"]
    asked_at: datetime | None = None
    first_asked_taken: bool = False
    ended_at: datetime | None = None
    found: bool = False
    by_hand: bool = False
    edited_at: tuple[datetime, ...] = ()
    add_on: bool = False

    @property
    def finds_staff(self) -> bool:
        """Whether somebody of the staff is sought, for a visit that lost its person or for an add-on."""
        return self.kind == "cover" or self.add_on


@dataclass(frozen=True, slots=True)
class Question:
    """One question sent to one of the staff that needs an answer."""

    person_id: Id
    location: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception; `call`: a line of the call list."""

    at: datetime
    call: bool = False


@dataclass(frozen=True, slots=True)
class Noted:
    """Coordinators' minutes as one instrument has them. An empty location is the whole practice."""

    at: datetime
    minutes: float
    instrument: Instrument
    location: str = ""


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody did on our pages, and when."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was to say something: of a visit that begins at `start_at`, and whether it was read back equal."""

    location: str
    service: str
    start_at: datetime
    landed: bool


@dataclass(frozen=True, slots=True)
class Landing:
    """One write that landed: from when it was wanted until it was read back equal."""

    location: str
    service: str
    wanted_at: datetime
    landed_at: datetime


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that two systems disagreed on, from when that was seen; `repaired`: they agreed again afterwards."""

    location: str
    service: str
    at: datetime
    repaired: bool


@dataclass(frozen=True)
class Happened:
    """Some days, both included, at locations with their zones (the first is the practice's). `offered` are shifts as
    they stood 14 days before, `worked` as they were (D39); of `no_hours` nobody keeps when they work."""

    first_day: date
    last_day: date
    zones: Mapping[str, str]
    visits: tuple[Visit, ...] = ()
    offered: tuple[Shift, ...] = ()
    worked: tuple[Shift, ...] = ()
    changes: tuple[Change, ...] = ()
    cases: tuple[Coordination, ...] = ()
    questions: tuple[Question, ...] = ()
    raised: tuple[Raised, ...] = ()
    noted: tuple[Noted, ...] = ()
    acts: tuple[Act, ...] = ()
    copies: tuple[Copy, ...] = ()
    landings: tuple[Landing, ...] = ()
    differences: tuple[Difference, ...] = ()
    no_hours: frozenset[Id] = frozenset()

    def day(self, at: datetime, location: str = "") -> date:
        """The local day of an instant; the practice's where the location is not known."""
        name = self.zones.get(location) or next(iter(self.zones.values()), "UTC")
        return at.astimezone(ZoneInfo(name)).date()

    def within(self, day: date) -> bool:
        """Whether a day is one of these."""
        return self.first_day <= day <= self.last_day

    @cached_property
    def open_days(self) -> tuple[tuple[date, str, str], ...]:
        """(day, location, service): every service that a location has, on every day on which it had a visit or a
        shift. A count of none is a count there."""
        services = sorted({(v.location, v.service) for v in self.visits})
        days = {(self.day(v.start_at, v.location), v.location) for v in self.visits}
        days |= {(self.day(s.start_at, s.location), s.location) for s in self.offered}
        return tuple(
            (day, location, service)
            for day, location in sorted(days)
            for of, service in services
            if of == location and self.within(day)
        )
