"""Writing what is set up: a practice from its files into the database, as the database's owner, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from io import StringIO
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import asyncpg
from ruamel.yaml import YAML

from caredispatch.app.directory_file import (
    DAYS,
    DirectoryFile,
    DirectoryInvalid,
    WaitingPart,
    directory_of,
    leaves_of,
    related_of,
    request_of,
    staff_id,
    staff_identities,
    wiring_of,
)
from caredispatch.app.directory_reading import unusable
from caredispatch.core.facts import Directory, Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Requested
from caredispatch.core.requesting import request_id
from caredispatch.policy.reader import read_playbook
from caredispatch.store import accounts
from caredispatch.store import practices as db
from caredispatch.store.contacts import IMPORT, keep_staff_contacts, put_consent
from caredispatch.store.identities import Identity, Record, Related, number_of
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.people import patient_keys
from caredispatch.store.pools import Connection, prepare
from caredispatch.store.practices import Practice, Wiring
from caredispatch.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import wrote."""

    practice_id: str
    directory_version: int
    staff: int
    connections: int
    patients: int


async def as_owner(dsn: str) -> asyncpg.Connection[asyncpg.Record]:
    """A connection as the database's owner, for setting up."""
    connection = await asyncpg.connect(dsn)
    await prepare(connection)
    return connection


def practice_id_of(slug: str) -> str:
    """The id of the practice of a folder."""
    return make_id("practice", slug)


async def import_directory(
    connection: Connection, vault: Vault, slug: str, parsed: DirectoryFile, now: datetime
) -> Imported:
    """Write a practice's file as the next version of its directory. Nothing is written when anything fails. Raises
    DirectoryInvalid for a connection that can't work with its settings and the secrets that are kept."""
    practice_id = practice_id_of(slug)
    async with connection.transaction():
        await db.put_practice(
            connection,
            Practice(practice_id, slug, parsed.practice.name, parsed.practice.time_zone, 0, 0, False),
            now,
        )
        current = int(
            await connection.fetchval(
                "select directory_version from care.practices where practice_id = $1", practice_id
            )
        )
        for name, part in parsed.connections.items():
            await db.put_wiring(connection, wiring_of(parsed, practice_id, name, now))
            if part.secrets:
                await db.put_secrets(connection, vault, practice_id, name, dict(part.secrets))
            kept = await db.connection_secrets(connection, vault, practice_id, name)
            if said := unusable(part.connector, {**part.settings, **kept}):
                raise DirectoryInvalid(f"connections.{name}: {said[0]}")
        await db.put_directory(connection, directory_of(parsed, practice_id, current + 1), now)
        staff = {who: _normal(i) for who, i in staff_identities(parsed, practice_id).items()}
        await keep_staff_contacts(connection, vault, practice_id, staff, now)
        await db.put_leaves(connection, practice_id, leaves_of(parsed, practice_id), now)
        await _patients(connection, vault, practice_id, parsed, now)
    return Imported(practice_id, current + 1, len(parsed.staff), len(parsed.connections), len(parsed.patients))


_Reached = TypeVar("_Reached", Identity, Related)


def _normal(identity: _Reached) -> _Reached:
    phone = number_of(identity.phone)
    return replace(identity, phone=phone, email=identity.email.lower() if identity.email else None)


async def _patients(
    connection: Connection, vault: Vault, practice_id: str, parsed: DirectoryFile, now: datetime
) -> None:
    identities = [
        Identity(
            given=p.given,
            family=p.family,
            birth_date=p.birth_date.isoformat() if p.birth_date else None,
            phone=number_of(p.phone),
            email=p.email.lower() if p.email else None,
            language=p.language,
            time_zone=parsed.practice.time_zone,
            record=Record(contacts=tuple(_normal(related_of(c)) for c in p.contacts)),
        )
        for p in parsed.patients
    ]
    keys = await patient_keys(connection, vault, practice_id, IMPORT, identities, now)
    for part, key in zip(parsed.patients, keys, strict=True):
        if key is None:
            continue
        await connection.execute(
            "update care.patients set tags = $3, state = $4, language = $5, automation = $6, human_only = $7, "
            "clinician_follows_up = $8, travel_minutes = coalesce($9, travel_minutes) "
            "where practice_id = $1 and patient_id = $2",
            practice_id,
            key,
            list(part.tags),
            part.state,
            part.language,
            part.automation,
            part.human_only,
            part.clinician_follows_up,
            part.travel_minutes,
        )
        if part.consent is not None:
            await put_consent(connection, practice_id, key, part.consent, now)
        for handle, visits in part.care_team.items():
            await connection.execute(
                "insert into care.care_team (practice_id, patient_id, staff_id, visits) values ($1, $2, $3, $4) "
                "on conflict (practice_id, patient_id, staff_id) do update set visits = excluded.visits",
                practice_id,
                key,
                staff_id(practice_id, handle),
                visits,
            )
        await observe(connection, [_waits(parsed, practice_id, key, waiting, now) for waiting in part.waiting])


def _waits(parsed: DirectoryFile, practice_id: str, patient: str, part: WaitingPart, now: datetime) -> Arrived:
    """An entry of the waitlist: the same at every import."""
    request = request_of(part, practice_id, parsed.locations[part.at].time_zone, now)
    event = Requested(Id(patient), part.service, part.at, "in_person", request, "import", waitlist=True)
    return Arrived(practice_id, request_id(practice_id, event), event, now)


async def invite(connection: Connection, slug: str, handle: str, role: accounts.AccountRole, now: datetime) -> str:
    """Make an account (or find it) and a token that signs it in once. `now` is wire time."""
    account = await accounts.put_account(connection, practice_id_of(slug), handle, role, now)
    return await accounts.make_link(connection, account, now)


async def publish(connection: Connection, slug: str, source: str, author: str, now: datetime) -> int:
    """Publish a playbook as the next version. Raises policy.reader.PlaybookInvalid before anything is written."""
    read_playbook(source)
    practice_id = practice_id_of(slug)
    current = await connection.fetchval(
        "select p.source from care.playbooks p join care.practices using (practice_id) "
        "where practice_id = $1 and version = playbook_version",
        practice_id,
    )
    if current == source:
        return int(
            await connection.fetchval("select playbook_version from care.practices where practice_id = $1", practice_id)
        )
    return await db.publish_playbook(connection, practice_id, source, author, "published by serve", now)


# ------------------------------------------------------------------ export


Leaves = Sequence[tuple[str, datetime, datetime]]


def export_text(practice: Practice, directory: Directory, wirings: list[Wiring], leaves: Leaves) -> str:
    """The directory as the YAML that `import` reads. Secrets, patients and numbers stay in the vault."""
    handles = {who: staff.handle for who, staff in directory.staff.items()}
    handles |= {who: room.handle for who, room in directory.rooms.items()}
    data: dict[str, Any] = {
        "practice": {"name": practice.name, "time_zone": practice.time_zone},
        "locations": {
            c: {"name": p.name, "time_zone": p.time_zone, "state": p.state} for c, p in directory.locations.items()
        },
        "rooms": {r.handle: {"kind": r.kind, "at": r.location} for r in directory.rooms.values()},
        "services": {
            c: {
                "name": s.name,
                "minutes": s.minutes,
                "role": s.needs_role,
                "skills": list(s.needs_skills),
                "buffer_before": s.buffer_before,
                "buffer_after": s.buffer_after,
                "room": s.needs_room or None,
                "capacity": s.capacity,
                "video": s.video,
            }
            for c, s in directory.services.items()
        },
        "staff": [
            {**_staff(staff), "leave": _leave(staff, directory, practice, leaves)} for staff in directory.staff.values()
        ],
        "connections": {w.connection_id: _connection(w, handles) for w in wirings},
    }
    out = StringIO()
    out.write("# Secrets, patients and telephone numbers are in the vault and are not written here.\n")
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.dump(data, out)
    return out.getvalue()


def _leave(staff: Staff, directory: Directory, practice: Practice, leaves: Leaves) -> list[dict[str, Any]]:
    site = directory.locations[staff.hours[0].location] if staff.hours else practice
    tz = ZoneInfo(site.time_zone)
    return [
        {"from": begin.astimezone(tz).date(), "to": end.astimezone(tz).date() - timedelta(days=1)}
        for who, begin, end in leaves
        if who == staff.staff_id
    ]


def _staff(staff: Staff) -> dict[str, Any]:
    return {
        "handle": staff.handle,
        "name": staff.name,
        "roles": list(staff.roles),
        "skills": list(staff.skills),
        "tags": list(staff.tags),
        "licences": dict(staff.licences),
        "hours": [
            {
                "days": DAYS[h.weekday],
                "from": f"{h.begin // 60:02d}:{h.begin % 60:02d}",
                "to": f"{h.end // 60:02d}:{h.end % 60:02d}",
                "at": h.location,
            }
            for h in staff.hours
        ],
        "video": staff.video,
        "leaves_on": staff.leaves_on,
        "since": staff.since,
        "volunteers": staff.volunteers,
    }


def _connection(wiring: Wiring, handles: dict[str, str]) -> dict[str, Any]:
    actor = {e: handles.get(i, i) for e, i in wiring.mappings.get("actor", {}).items()}
    return {
        "connector": wiring.connector,
        "settings": dict(wiring.settings),
        "baa": wiring.baa,
        "owns": list(wiring.owns),
        "writes": wiring.writes,
        "creates": wiring.creates,
        "calendar": wiring.calendar,
        "poll": wiring.poll_at is not None,
        "burst_floor": wiring.burst_floor,
        "consent": wiring.consent,
        "map": {
            "service": dict(wiring.mappings.get("service", {})),
            "actor": actor,
            "location": dict(wiring.mappings.get("location", {})),
        },
    }
