"""`practice.yaml`: people, hours, services and connections as `import` reads and `export` writes them. Every mistake
names its field; secrets go in and never come out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from caredispatch.app.settings import not_yaml
from caredispatch.contract.manifest import Manifest, UnknownConnector, load_manifest
from caredispatch.core.facts import Directory, Hours, Location, Service, Staff, System
from caredispatch.core.ids import Id, make_id
from caredispatch.store.people import Identity
from caredispatch.store.practices import Wiring

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,60}$")]
Clock = Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class DirectoryInvalid(Exception):
    """One line a mistake: field, value and what is expected."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PracticePart(_Part):
    """The practice itself."""

    name: str
    time_zone: str = "UTC"


class LocationPart(_Part):
    """A site."""

    name: str
    time_zone: str
    state: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class ServicePart(_Part):
    """A service; lengths in minutes."""

    name: str
    minutes: Annotated[int, Field(ge=5, le=1440)]
    role: str = "therapist"
    skills: tuple[str, ...] = ()
    buffer_before: Annotated[int, Field(ge=0, le=240)] = 0
    buffer_after: Annotated[int, Field(ge=0, le=240)] = 0


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
    leaves_on: date | None = None
    phone: str | None = None
    email: str | None = None


class MapPart(_Part):
    """What a system's ids mean: its service types, its calendars or practitioners (by handle), its locations."""

    service: dict[str, Code] = Field(default_factory=dict)
    actor: dict[str, Code] = Field(default_factory=dict)
    location: dict[str, Code] = Field(default_factory=dict)


class ConnectionPart(_Part):
    """One outside system."""

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
    map: MapPart = Field(default_factory=MapPart)


class PatientPart(_Part):
    """A patient known beforehand: who (to the vault), and the opaque facts that decisions may use (D6)."""

    given: str
    family: str
    birth_date: date | None = None
    phone: str | None = None
    email: str | None = None
    language: str = "en"
    tags: tuple[str, ...] = ()
    state: str | None = None
    care_team: dict[Code, int] = Field(default_factory=dict)


class DirectoryFile(_Part):
    """The whole file."""

    practice: PracticePart
    locations: dict[Code, LocationPart]
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


def read_directory_file(text: str, file: str = "practice.yaml") -> DirectoryFile:
    """Read and check the file. Raises DirectoryInvalid with every mistake."""
    try:
        raw: Any = YAML(typ="safe").load(text)
        parsed = DirectoryFile.model_validate(raw)
    except YAMLError as error:
        raise DirectoryInvalid(f"{file}{not_yaml(error)}") from None
    except ValidationError as error:
        lines = [f"{file}: {'.'.join(map(str, e['loc']))}: {e['msg']} (it is {_shown(e)})" for e in error.errors()]
        raise DirectoryInvalid("\n".join(lines)) from None
    wrong = list(_cross_checks(parsed))
    if wrong:
        raise DirectoryInvalid("\n".join(f"{file}: {line}" for line in wrong))
    return parsed


def _shown(error: Any) -> str:
    secret = any(str(part) in ("secrets", "patients", "phone", "email") for part in error["loc"])
    return "not shown" if secret else repr(error["input"])[:80]


def _cross_checks(parsed: DirectoryFile) -> list[str]:
    wrong: list[str] = []
    handles = [s.handle for s in parsed.staff]
    wrong += [
        f"staff.{h}: this handle stands there twice" for h in sorted({h for h in handles if handles.count(h) > 1})
    ]
    for staff in parsed.staff:
        for hours in staff.hours:
            if hours.at not in parsed.locations:
                wrong.append(f"staff.{staff.handle}.hours.at: no location {hours.at!r}")
    for name, part in parsed.connections.items():
        wrong += _connection_checks(name, part, parsed)
    return wrong


def _connection_checks(name: str, part: ConnectionPart, parsed: DirectoryFile) -> list[str]:
    try:
        manifest = load_manifest(part.connector)
    except UnknownConnector as error:
        return [f"connections.{name}.connector: {error}"]
    wrong = []
    known = set(manifest.settings)
    for key in sorted((set(part.settings) | set(part.secrets)) - known):
        wrong.append(f"connections.{name}: {part.connector} has no setting {key!r}; it has {', '.join(sorted(known))}")
    for key in sorted(k for k, spec in manifest.settings.items() if spec.secret and k in part.settings):
        wrong.append(f"connections.{name}.settings.{key}: is a secret, write it under `secrets`")
    if manifest.carries_identity and part.baa != "signed":
        wrong.append(
            f"connections.{name}.baa: {manifest.title} sees identity; a signed agreement is needed (`baa: signed`)"
        )
    handles = {s.handle for s in parsed.staff}
    wrong += [f"connections.{name}.map.actor: no staff {h!r}" for h in part.map.actor.values() if h not in handles]
    wrong += [
        f"connections.{name}.map.service: no service {s!r}"
        for s in part.map.service.values()
        if s not in parsed.services
    ]
    wrong += [
        f"connections.{name}.map.location: no location {c!r}"
        for c in part.map.location.values()
        if c not in parsed.locations
    ]
    return wrong


# ------------------------------------------------------------------ to values


def staff_id(practice_id: str, handle: str) -> Id:
    """A staff member's id: the same at every import."""
    return make_id("staff", practice_id, handle)


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
            who, part.handle, part.name, part.roles, part.skills, part.tags, licences, hours, part.video, part.leaves_on
        )
    return Directory(
        version=version,
        practice_id=Id(practice_id),
        name=parsed.practice.name,
        locations={c: Location(c, p.name, p.time_zone, p.state) for c, p in parsed.locations.items()},
        services={
            c: Service(c, p.name, p.minutes, p.role, p.skills, p.buffer_before, p.buffer_after)
            for c, p in parsed.services.items()
        },
        staff={str(who): one for who, one in staff.items()},
        systems={name: _system(name, part, load_manifest(part.connector)) for name, part in parsed.connections.items()},
    )


def _system(name: str, part: ConnectionPart, manifest: Manifest) -> System:
    writes = manifest.writes if part.writes else ()
    return System(name, part.owns, manifest.holds, writes, part.creates and manifest.creates, part.calendar)


def wiring_of(parsed: DirectoryFile, practice_id: str, name: str, now: datetime) -> Wiring:
    """One connection as it is stored (without its secrets)."""
    part = parsed.connections[name]
    polled = part.poll and load_manifest(part.connector).poll_seconds is not None
    actor: dict[str, str] = {external: staff_id(practice_id, handle) for external, handle in part.map.actor.items()}
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
        mappings={"service": dict(part.map.service), "actor": dict(actor), "location": dict(part.map.location)},
    )


def staff_identities(parsed: DirectoryFile, practice_id: str) -> dict[str, Identity]:
    """Numbers and addresses of staff, for the vault."""
    return {
        staff_id(practice_id, part.handle): Identity(phone=part.phone, email=part.email)
        for part in parsed.staff
        if part.phone or part.email
    }
