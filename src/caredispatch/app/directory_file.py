"""`practice.yaml`: people, hours, services and connections as `import` reads and `export` writes them, as parts and as
the values that decisions use. Reading and checking a file is `directory_reading`'s."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from caredispatch.contract.manifest import Manifest, load_manifest
from caredispatch.core.facts import Directory, Hours, Location, Room, Service, Staff, System
from caredispatch.core.ids import Id, make_id
from caredispatch.core.records import Request
from caredispatch.store.identities import RIGHTS_OF, Identity, Related, Right
from caredispatch.store.practices import Wiring

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, ZoneInfoNotFoundError, OSError):
        raise ValueError("is no time zone: write for example America/Chicago") from None
    return name


def _phone(text: str) -> str:
    try:
        possible = phonenumbers.is_possible_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        possible = False
    if not possible:
        raise ValueError("is no telephone number: write it with its country, in quotes, as '+1...'")
    return text


def _email(text: str) -> str:
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain or not text.isprintable() or " " in text:
        raise ValueError("is no e-mail address")
    return text


TimeZone = Annotated[str, AfterValidator(_zone)]
Phone = Annotated[str, AfterValidator(_phone)]
Email = Annotated[str, AfterValidator(_email)]


class DirectoryInvalid(Exception):
    """One line a mistake: field, value and what is expected."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PracticePart(_Part):
    """The practice itself."""

    name: str
    time_zone: TimeZone = "UTC"


class LocationPart(_Part):
    """A site."""

    name: str
    time_zone: TimeZone
    state: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class RoomPart(_Part):
    """A room or a thing that visits of some services need."""

    kind: Code
    at: Code


class ServicePart(_Part):
    """A service; lengths in minutes. `room` is the kind of room that it needs, `capacity` how many patients one session
    of it holds. `video`: it may be offered by video; where nothing is said, what needs no room may."""

    name: str
    minutes: Annotated[int, Field(ge=5, le=1440)]
    role: str = "therapist"
    skills: tuple[str, ...] = ()
    buffer_before: Annotated[int, Field(ge=0, le=240)] = 0
    buffer_after: Annotated[int, Field(ge=0, le=240)] = 0
    room: Code | None = None
    capacity: Annotated[int, Field(ge=1, le=100)] = 1
    video: bool | None = None


class HoursPart(_Part):
    """Weekly hours at one location, in its zone."""

    days: str
    from_: Annotated[Clock, Field(alias="from")]
    to: Clock
    at: Code

    @field_validator("days")
    @classmethod
    def _days(cls, value: str) -> str:
        weekdays(value)
        return value

    @model_validator(mode="after")
    def _forwards(self) -> HoursPart:
        if minutes_of(self.to) <= minutes_of(self.from_):
            raise ValueError("the hours end before they begin: split those over midnight in two")
        return self


class LeavePart(_Part):
    """Days without somebody, both included, by the clock of the site where they work first."""

    from_: Annotated[date, Field(alias="from")]
    to: date

    @model_validator(mode="after")
    def _forwards(self) -> LeavePart:
        if self.to < self.from_:
            raise ValueError("the leave ends before it begins: `to` is its last day")
        return self


class StaffPart(_Part):
    """One staff member; number and address go to the vault."""

    handle: Code
    name: str
    roles: tuple[str, ...] = ("therapist",)
    skills: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licences: dict[str, date] = Field(default_factory=dict)
    hours: tuple[HoursPart, ...] = ()
    video: bool = True
    leave: tuple[LeavePart, ...] = ()
    leaves_on: date | None = None
    since: date | None = None
    volunteers: bool = False
    phone: Phone | None = None
    email: Email | None = None


class MapPart(_Part):
    """What a system's ids mean: its service types, its calendars, practitioners or rooms (by handle), its locations."""

    service: dict[str, Code] = Field(default_factory=dict)
    actor: dict[str, Code] = Field(default_factory=dict)
    location: dict[str, Code] = Field(default_factory=dict)


class ConnectionPart(_Part):
    """One outside system."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    connector: str
    settings: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    baa: Annotated[str, StringConstraints(pattern="^(none|signed)$")] = "none"
    owns: tuple[Annotated[str, StringConstraints(pattern="^(time|provider|status|place)$")], ...] = ()
    writes: bool = True
    creates: bool = False
    calendar: bool = False
    poll: bool = True
    first_load: bool = False
    burst_floor: Annotated[int, Field(ge=1)] = 20
    consent: Annotated[str, StringConstraints(min_length=5, max_length=300)] | None = None
    map: MapPart = Field(default_factory=MapPart)


class WaitingPart(_Part):
    """What somebody on the waitlist would take (D19); what is left out does not matter to them. `notice` is the least
    notice in minutes."""

    service: Code
    at: Code
    since: date
    until: date | None = None
    days: str = "mon-sun"
    from_: Annotated[Clock, Field(alias="from")] = "00:00"
    to: Clock = "24:00"
    providers: tuple[Code, ...] = ()
    notice: Annotated[int, Field(ge=0, le=14 * 1440)] = 0
    ready: bool = True
    offers: Annotated[int, Field(ge=1, le=100)] = 10

    @field_validator("days")
    @classmethod
    def _days(cls, value: str) -> str:
        weekdays(value)
        return value


class ContactPart(_Part):
    """Somebody who speaks for a patient or is told (D5); without `rights` what their relation gives. `until` is the
    last day."""

    relation: Literal["parent", "guardian", "carer"]
    phone: Phone | None = None
    email: Email | None = None
    rights: tuple[Right, ...] | None = None
    until: date | None = None
    language: str | None = None

    @model_validator(mode="after")
    def _reachable(self) -> ContactPart:
        if self.phone is None and self.email is None:
            raise ValueError("nobody can be reached there: write `phone` or `email`")
        return self


class PatientPart(_Part):
    """A patient known beforehand: who (to the vault), and the opaque facts that decisions may use (D6)."""

    given: str
    family: str
    birth_date: date | None = None
    phone: Phone | None = None
    email: Email | None = None
    language: str = "en"
    tags: tuple[str, ...] = ()
    state: str | None = None
    care_team: dict[Code, int] = Field(default_factory=dict)
    automation: Literal["allowed", "human_first"] = "allowed"
    human_only: bool = False
    travel_minutes: Annotated[int, Field(ge=0, le=600)] | None = None
    clinician_follows_up: bool = False
    consent: Annotated[str, StringConstraints(max_length=300)] | None = None
    contacts: tuple[ContactPart, ...] = ()
    waiting: tuple[WaitingPart, ...] = ()


class DirectoryFile(_Part):
    """The whole file."""

    practice: PracticePart
    locations: dict[Code, LocationPart]
    rooms: dict[Code, RoomPart] = Field(default_factory=dict)
    services: dict[Code, ServicePart]
    staff: tuple[StaffPart, ...]
    connections: dict[Code, ConnectionPart] = Field(default_factory=dict)
    patients: tuple[PatientPart, ...] = ()


def weekdays(text: str) -> tuple[int, ...]:
    """`mon-fri` or `mon, wed` as weekday numbers. Raises ValueError."""
    found: list[int] = []
    for part in text.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise ValueError(f"{part!r} is no weekday: write mon-fri, or mon, wed")
        begin, end = DAYS.index(first), DAYS.index(last or first)
        found += range(begin, end + 1) if begin <= end else [*range(begin, 7), *range(end + 1)]
    return tuple(dict.fromkeys(found))


def minutes_of(clock: str) -> int:
    """Minutes since midnight of `08:30`."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


# ------------------------------------------------------------------ to values


def staff_id(practice_id: str, handle: str) -> Id:
    """A staff member's id: the same at every import."""
    return make_id("staff", practice_id, handle)


def room_id(practice_id: str, handle: str) -> Id:
    """A room's id: the same at every import."""
    return make_id("room", practice_id, handle)


def directory_of(parsed: DirectoryFile, practice_id: str, version: int) -> Directory:
    """The directory that decisions use."""
    staff = {}
    for part in parsed.staff:
        hours = tuple(
            Hours(day, minutes_of(h.from_), minutes_of(h.to), h.at) for h in part.hours for day in weekdays(h.days)
        )
        who = staff_id(practice_id, part.handle)
        licences = {state: until.isoformat() for state, until in part.licences.items()}
        staff[who] = Staff(
            staff_id=who,
            handle=part.handle,
            name=part.name,
            roles=part.roles,
            skills=part.skills,
            tags=part.tags,
            licences=licences,
            hours=hours,
            video=part.video,
            leaves_on=part.leaves_on,
            since=part.since,
            volunteers=part.volunteers,
        )
    return Directory(
        version=version,
        practice_id=Id(practice_id),
        name=parsed.practice.name,
        locations={c: Location(c, p.name, p.time_zone, p.state) for c, p in parsed.locations.items()},
        services={
            c: Service(
                c,
                p.name,
                p.minutes,
                p.role,
                p.skills,
                p.buffer_before,
                p.buffer_after,
                p.room or "",
                p.capacity,
                p.video if p.video is not None else p.room is None,
            )
            for c, p in parsed.services.items()
        },
        staff={str(who): one for who, one in staff.items()},
        systems={name: _system(name, part, load_manifest(part.connector)) for name, part in parsed.connections.items()},
        rooms={
            str(who): Room(who, handle, p.kind, p.at)
            for handle, p in parsed.rooms.items()
            for who in (room_id(practice_id, handle),)
        },
    )


def request_of(part: WaitingPart, practice_id: str, time_zone: str, now: datetime) -> Request:
    """An entry of the waitlist as decisions see it; without an end it waits for a year."""
    tz = ZoneInfo(time_zone)
    last = part.until or (now + timedelta(days=365)).date()
    return Request(
        since=datetime.combine(part.since, time(), tz).astimezone(UTC),
        not_before=now,
        until=datetime.combine(last + timedelta(days=1), time(), tz).astimezone(UTC),
        origin="waitlist",
        days=weekdays(part.days),
        begin=minutes_of(part.from_),
        end=minutes_of(part.to),
        providers=tuple(staff_id(practice_id, handle) for handle in part.providers),
        notice_minutes=part.notice,
        ready=part.ready,
        offers_most=part.offers,
    )


def _system(name: str, part: ConnectionPart, manifest: Manifest) -> System:
    writes = manifest.writes if part.writes else ()
    creates, holds_slots = part.creates and manifest.creates, part.writes and manifest.holds_slots
    return System(name, part.owns, manifest.holds, writes, creates, part.calendar, holds_slots, manifest.statuses)


def wiring_of(parsed: DirectoryFile, practice_id: str, name: str, now: datetime) -> Wiring:
    """One connection as it is stored (without its secrets)."""
    part = parsed.connections[name]
    polled = part.poll and load_manifest(part.connector).poll_seconds is not None
    actor: dict[str, str] = {
        external: room_id(practice_id, handle) if handle in parsed.rooms else staff_id(practice_id, handle)
        for external, handle in part.map.actor.items()
    }
    return Wiring(
        practice_id=practice_id,
        connection_id=name,
        connector=part.connector,
        settings=dict(part.settings),
        baa=part.baa,
        owns=part.owns,
        writes=part.writes,
        creates=part.creates,
        calendar=part.calendar,
        loaded=not (part.first_load and polled),
        paused=False,
        burst_floor=part.burst_floor,
        cursor=None,
        poll_at=now if polled else None,
        consent=part.consent,
        mappings={"service": dict(part.map.service), "actor": dict(actor), "location": dict(part.map.location)},
    )


def related_of(part: ContactPart) -> Related:
    """Who speaks for a patient, as the file says it (not normalised yet)."""
    rights = RIGHTS_OF[part.relation] if part.rights is None else part.rights
    return Related(part.relation, part.phone, part.email, part.language, rights, part.until)


def zone_of(part: StaffPart, parsed: DirectoryFile) -> str:
    """The zone that somebody lives by: that of the site where they work first."""
    return parsed.locations[part.hours[0].at].time_zone if part.hours else parsed.practice.time_zone


def leaves_of(parsed: DirectoryFile, practice_id: str) -> list[tuple[Id, datetime, datetime]]:
    """Everybody's leave as instants: (staff, from, to)."""
    return [
        (
            staff_id(practice_id, part.handle),
            datetime.combine(leave.from_, time(), ZoneInfo(zone_of(part, parsed))),
            datetime.combine(leave.to + timedelta(days=1), time(), ZoneInfo(zone_of(part, parsed))),
        )
        for part in parsed.staff
        for leave in part.leave
    ]


def staff_identities(parsed: DirectoryFile, practice_id: str) -> dict[str, Identity]:
    """Numbers and addresses of staff, for the vault, each with the zone of the site where they work first."""
    return {
        staff_id(practice_id, part.handle): Identity(
            phone=part.phone,
            email=part.email,
            time_zone=zone_of(part, parsed),
        )
        for part in parsed.staff
        if part.phone or part.email
    }
