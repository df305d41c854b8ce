"""Taking facts and panels from files into the database, as its owner, all or nothing (D6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.app.directory_file import DirectoryInvalid, staff_id
from caredispatch.app.facts_file import Names, PatientRow
from caredispatch.app.mistakes import MOST_SHOWN
from caredispatch.core.facts import Directory
from caredispatch.core.payers import Panel
from caredispatch.store.contacts import FACTS_FILE, keep_related
from caredispatch.store.coverage import Told, put_facts, put_panels
from caredispatch.store.identities import RIGHTS_OF, Identity, Record, Related
from caredispatch.store.people import known_as
from caredispatch.store.pools import Connection
from caredispatch.store.practices import Practice
from caredispatch.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Taken:
    """How many patients and panels a file was about, and the lines of patients that nobody has seen yet."""

    patients: int
    panels: int
    unseen: tuple[int, ...] = ()


def names_of(directory: Directory) -> Names:
    """What rows may name."""
    handles = {staff.handle for staff in directory.staff.values()}
    return Names(frozenset(directory.systems), frozenset(directory.services), frozenset(handles))


async def take_facts(
    connection: Connection,
    vault: Vault,
    practice: Practice,
    rows: Sequence[PatientRow],
    file: str,
    now: datetime,
    *,
    skip_unseen: bool,
) -> Taken:
    """Write what a file says of patients. Raises DirectoryInvalid where it names patients that nobody has seen, unless
    they are to be passed over; then nothing is written."""
    keys = [await _key(connection, vault, practice.practice_id, row) for row in rows]
    unseen = tuple(row.line for row, key in zip(rows, keys, strict=True) if key is None)
    if unseen and not skip_unseen:
        fix = "no such patient came with a visit yet: correct the id, or pass such rows over with --skip-unseen"
        raise DirectoryInvalid("\n".join(f"{file}:{line}: patient: {fix}" for line in unseen[:MOST_SHOWN]))
    seen = [(key, row) for row, key in zip(rows, keys, strict=True) if key is not None]
    async with connection.transaction():
        await put_facts(connection, practice.practice_id, [_told(practice.practice_id, key, row) for key, row in seen])
        guardians = {key: _guarded(row, practice.time_zone) for key, row in seen if row.guardian_phone}
        if guardians:
            await keep_related(connection, vault, practice.practice_id, FACTS_FILE, guardians, now)
    return Taken(len(seen), 0, unseen)


async def take_panels(connection: Connection, practice: Practice, panels: Sequence[tuple[str, Panel]]) -> Taken:
    """Make a file's panels those of the practice."""
    async with connection.transaction():
        rows = [(staff_id(practice.practice_id, handle), panel) for handle, panel in panels]
        await put_panels(connection, practice.practice_id, rows)
    return Taken(0, len(panels))


async def _key(connection: Connection, vault: Vault, practice_id: str, row: PatientRow) -> str | None:
    systems = [row.connection] if row.connection is not None else []
    return await known_as(connection, vault, practice_id, systems, row.said)


def _told(practice_id: str, key: str, row: PatientRow) -> Told:
    return Told(
        key,
        row.tags,
        row.payer,
        row.language,
        None if row.excluded is None else tuple(staff_id(practice_id, handle) for handle in row.excluded),
        {staff_id(practice_id, handle): visits for handle, visits in row.care_team.items()},
        tuple(row.authorisations) or None,
        row.travel_minutes,
    )


def _guarded(row: PatientRow, time_zone: str) -> Identity:
    guardian = Related("guardian", row.guardian_phone, None, row.language, RIGHTS_OF["guardian"])
    return Identity(time_zone=time_zone, record=Record(contacts=(guardian,)))
