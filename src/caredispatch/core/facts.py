"""What a decision may know beyond its state: the practice's directory (versioned, rarely changing) and the facts read
for this one decision. Everything is passed in; nothing here can be looked up later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from caredispatch.core.content import Modality, Status
from caredispatch.core.ids import Id
from caredispatch.core.payers import Authorisation, Payers
from caredispatch.core.records import Appointment, Case, Channel, Request, State


@dataclass(frozen=True)
class Location:
    """A site. `state` is the US state code that licences are checked against."""

    code: str
    name: str
    time_zone: str
    state: str


@dataclass(frozen=True)
class Service:
    """What is offered: its length and buffers in minutes, the staff role and skills that it needs, the kind of room,
    and how many patients one session of it holds (D1). `video`: it may be offered by video."""

    code: str
    name: str
    minutes: int
    needs_role: str = "therapist"
    needs_skills: tuple[str, ...] = ()
    buffer_before: int = 0
    buffer_after: int = 0
    needs_room: str = ""
    capacity: int = 1
    video: bool = True


@dataclass(frozen=True)
class Room:
    """A room or a thing that visits of some services need (D1): `kind` is what `Service.needs_room` names."""

    room_id: Id
    handle: str
    kind: str
    location: str


@dataclass(frozen=True)
class Hours:
    """Weekly working time at one location (its zone): weekday 0 is Monday; minutes of the day."""

    weekday: int
    begin: int
    end: int
    location: str


@dataclass(frozen=True)
class Staff:
    """One staff member. `licences` maps a state code to the last valid day (ISO). `video` says that they see patients
    by video; `leaves_on` the first day without them (D3); `since` their first day, by which seniority counts, and who
    `volunteers` is asked before anybody has to (D30)."""

    staff_id: Id
    handle: str
    name: str
    roles: tuple[str, ...]
    skills: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licences: Mapping[str, str] = field(default_factory=dict)
    hours: tuple[Hours, ...] = ()
    video: bool = True
    leaves_on: date | None = None
    since: date | None = None
    volunteers: bool = False


@dataclass(frozen=True)
class System:
    """What the core must know of a connection: which fields it owns, which keys its copies take and report, whether
    it is asked for busy time, whether visits are created there, whether a candidate's time can be held there, and
    which status codes it knows (empty: all)."""

    connection_id: str
    owns: tuple[str, ...] = ()
    holds: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    creates: bool = False
    calendar: bool = False
    holds_slots: bool = False
    statuses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """One version of everything that is set up rather than happening."""

    version: int
    practice_id: Id
    name: str
    locations: Mapping[str, Location]
    services: Mapping[str, Service]
    staff: Mapping[str, Staff]
    systems: Mapping[str, System] = field(default_factory=dict)
    rooms: Mapping[str, Room] = field(default_factory=dict)

    def seats(self, service: str) -> int:
        """How many patients one session of a service holds; one where the service is not known."""
        found = self.services.get(service)
        return found.capacity if found else 1

    def by_handle(self, handle: str) -> Staff | None:
        """The staff member that a playbook calls by this handle."""
        return next((s for s in self.staff.values() if s.handle == handle), None)


@dataclass(frozen=True)
class PatientFacts:
    """What may be decided about a patient: opaque tags, language, where they are. `state` None is unknown (D4, D6).
    Who has a clinician follow up gets no automated word about a no-show or a cancellation (D23); who is `human_only` is
    phoned, never texted (D24). Of where they live nothing is known but `travel_minutes` to their visits (D18, D32)."""

    language: str = "en"
    tags: tuple[str, ...] = ()
    excluded_staff: tuple[Id, ...] = ()
    state: str | None = None
    automation: Literal["allowed", "human_first"] = "allowed"
    no_shows_90d: int | None = None
    late_cancels_90d: int | None = None
    clinician_follows_up: bool = False
    human_only: bool = False
    payer: str | None = None
    authorisations: tuple[Authorisation, ...] = ()
    travel_minutes: int | None = None


@dataclass(frozen=True)
class ContactFacts:
    """One way to reach a person. `usable` is False after wrong number, opt-out or a permanent error; quiet minutes are
    None where the playbook's apply; `rights` say what whoever reads it may do for the person (D5), whose `own` it is or
    not. Without recorded `consent` automated texts to it are few: `texts_today` and `texts_this_week` were sent
    (D21)."""

    contact_id: Id
    channel: Channel
    time_zone: str
    language: str = "en"
    usable: bool = True
    quiet_begin: int | None = None
    quiet_end: int | None = None
    rights: tuple[str, ...] = ("told", "confirm", "cancel")
    consent: bool = False
    texts_today: int = 0
    texts_this_week: int = 0
    own: bool = True


@dataclass(frozen=True)
class Busy:
    """Taken time of a person or room: a booking of ours (`booked`, with its appointment), leave, or another
    system's. `source` is the system that has it so; None for time that we hold for somebody who is not on the visit
    yet. A `slot` is a free time that we offer: what is booked there in a source takes it (E9)."""

    start_at: datetime
    end_at: datetime
    kind: Literal["booked", "leave", "external"]
    appointment_id: Id | None = None
    session_id: Id | None = None
    source: str | None = None
    slot: bool = False


@dataclass(frozen=True)
class Waiting:
    """One entry of the waitlist that a free time may be offered to (D19). `offered` counts the offers it had;
    `later_at` is when the visit begins that a yes frees."""

    appointment_id: Id
    patient_id: Id
    service: str
    location: str
    request: Request
    patient: PatientFacts
    offered: int = 0
    later_at: datetime | None = None


@dataclass(frozen=True)
class Sought:
    """A visit for which somebody is sought at the time of a slot: who is free then is for it first (D19)."""

    appointment: Appointment
    case: Case
    patient: PatientFacts | None = None


@dataclass(frozen=True)
class Other:
    """Another visit, in short: one of somebody's day, of the same session or series, or of a closed site. `role` is the
    one that the person in question fills there."""

    appointment_id: Id
    session_id: Id
    series_id: Id | None
    service: str
    location: str
    modality: Modality
    status: Status
    start_at: datetime
    end_at: datetime
    patient_id: Id | None = None
    role: str = ""
    staff_id: Id | None = None


@dataclass(frozen=True)
class Done:
    """The last act of a person on a subject, as an undo needs it: what there was before and after it. `effects` are
    what it let out, none of which can leave before `leaves_at` (None: it let nothing out); `told_others`: other visits
    heard of it."""

    act: str
    account: str
    at: datetime
    before: State
    after: State
    effects: tuple[Id, ...] = ()
    leaves_at: datetime | None = None
    told_others: bool = False


def in_short(visit: Appointment, role: str = "", staff_id: Id | None = None) -> Other:
    """A visit as another one's decision sees it, with the role that somebody fills there."""
    return Other(
        visit.appointment_id,
        visit.session_id,
        visit.series_id,
        visit.service,
        visit.location,
        visit.modality,
        visit.status,
        visit.start_at,
        visit.end_at,
        visit.patient_id,
        role,
        staff_id,
    )


@dataclass(frozen=True)
class Facts:
    """The facts of one decision. `contacts`, `busy`, `visits_together` (with this patient) and `asks_today` are by
    person;
    `settling` are the same patient's visits of the same source whose cancellation settles (D9); `successor` is the
    visit that was booked in place of this one, `followed_up` the same patient's visits of this service for which they
    are being brought back; `next_number` the first free answer number of each person;
    `reminders_made` how often each patient was reminded this week (D21). `waiting` is
    the waitlist for a free time (`visits_together` is then with its provider), `sought` who could use that; `others`
    the visits that an incident hits, or that share this one's session or series;
    `payers` are panels and authorisations where the practice keeps any (D6);
    `offered_at` when each person was last offered cover and `week_minutes` how long each works this week (D30). `done`
    is the act that an undo would take back; `along` are those who are just being asked about another visit of this
    one's incident (E18)."""

    patient: PatientFacts | None = None
    contacts: Mapping[str, tuple[ContactFacts, ...]] = field(default_factory=dict)
    busy: Mapping[str, tuple[Busy, ...]] = field(default_factory=dict)
    visits_together: Mapping[str, int] = field(default_factory=dict)
    load_minutes: Mapping[str, int] = field(default_factory=dict)
    asks_made: Mapping[str, int] = field(default_factory=dict)
    reminders_made: Mapping[str, int] = field(default_factory=dict)
    next_number: Mapping[str, int] = field(default_factory=dict)
    settling: tuple[Id, ...] = ()
    successor: Id | None = None
    followed_up: tuple[Id, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    sought: tuple[Sought, ...] = ()
    others: tuple[Other, ...] = ()
    payers: Payers | None = None
    offered_at: Mapping[str, datetime] = field(default_factory=dict)
    week_minutes: Mapping[str, int] = field(default_factory=dict)
    done: Done | None = None
    along: tuple[Id, ...] = ()
