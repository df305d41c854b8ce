"""The journal as measures read it: of each subject its entries in order, and of each entry what it was about, when that
happened outside, and the rows that came out. What is made of it is in `measured_visits`, `measured_cases` and
`measured_copies`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import TypeAdapter

from caredispatch.core.ids import Id
from caredispatch.core.records import Appointment, Ask, Case, Exception_, Link
from caredispatch.store.pools import Connection
from caredispatch.store.rows import APPOINTMENTS, ASKS, CASES, EXCEPTIONS, participants_of

Row = TypeVar("Row")

_SAYS_NOTHING = ("reported", "busy_seen", "held", "looked")
"""Kinds of entries that change nothing which is measured from the journal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision: when it was made, when what it is about happened outside (the same, where time alone passed), the
    record, copies and case ids that came out, and what it stood for."""

    at: datetime
    outside_at: datetime
    kind: str
    event: dict[str, Any]
    appointment: Appointment | None
    links: tuple[Link, ...]
    cases: tuple[str, ...]
    triggers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """One visit with all that belongs to it: as it stands, and how it came to that."""

    record: Appointment
    entries: tuple[Entry, ...]
    cases: tuple[Case, ...]
    asks: tuple[Ask, ...]
    exceptions: tuple[Exception_, ...]
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class _CaseId:
    case_id: str


@dataclass(frozen=True, slots=True)
class _Trace:
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Decision:
    appointment: Appointment | None = None
    links: tuple[Link, ...] = ()
    cases: tuple[_CaseId, ...] = ()
    trace: _Trace = field(default_factory=_Trace)


@dataclass(frozen=True, slots=True)
class _Body:
    event: dict[str, Any]
    decision: _Decision


_BODY: TypeAdapter[_Body] = TypeAdapter(_Body)

_ENTRIES = """
select subject_id, at, coalesce(outside_at, at), kind, body from care.journal
 where practice_id = $1 and subject_id = any($2) and kind <> all($3) order by subject_id, seq
"""

_SUBJECTS = """
select appointment_id from care.appointments
 where practice_id = $1 and start_at >= $2
   and (start_at < $3 or (start_at < $4 and created_at < $3 and version > 1))
union
select j.subject_id from care.journal j
  join care.appointments a on (a.practice_id, a.appointment_id) = (j.practice_id, j.subject_id)
 where j.practice_id = $1 and j.at >= $2 and j.at < $3
"""

_REPLACED = """
select rescheduled_from from care.appointments where practice_id = $1 and rescheduled_from = any($2)
"""


async def subjects_between(
    connection: Connection, practice_id: str, begin: datetime, end: datetime, moved_until: datetime
) -> list[str]:
    """The visits that lie between two instants, that were decided about then, or that may have been moved from there to
    before `moved_until`."""
    rows = await connection.fetch(_SUBJECTS, practice_id, begin, end, moved_until)
    return sorted(row[0] for row in rows)


async def histories_of(connection: Connection, practice_id: str, subjects: Sequence[str]) -> list[History]:
    """The histories of some visits, in the order of their ids."""
    ids = list(subjects)
    records = {a.appointment_id: a for a in await APPOINTMENTS.of_appointments(connection, practice_id, ids)}
    people = await participants_of(connection, practice_id, ids)
    entries: dict[str, list[Entry]] = {i: [] for i in ids}
    for row in await connection.fetch(_ENTRIES, practice_id, ids, list(_SAYS_NOTHING)):
        body = _BODY.validate_json(row[4])
        decision = body.decision
        entries[row[0]].append(
            Entry(
                row[1],
                row[2],
                row[3],
                body.event,
                decision.appointment,
                decision.links,
                tuple(case.case_id for case in decision.cases),
                decision.trace.triggers,
            )
        )
    cases = _by_visit(await CASES.of_appointments(connection, practice_id, ids), lambda c: c.appointment_id)
    asks = _by_visit(await ASKS.of_appointments(connection, practice_id, ids), lambda a: a.appointment_id)
    raised = _by_visit(await EXCEPTIONS.of_appointments(connection, practice_id, ids), lambda e: e.appointment_id)
    replaced = {row[0] for row in await connection.fetch(_REPLACED, practice_id, ids)}
    return [
        History(
            replace(records[Id(i)], participants=people[i]),
            tuple(entries[i]),
            tuple(sorted(cases.get(i, ()), key=lambda c: c.case_id)),
            tuple(sorted(asks.get(i, ()), key=lambda a: a.ask_id)),
            tuple(sorted(raised.get(i, ()), key=lambda e: e.exception_id)),
            i in replaced,
        )
        for i in ids
        if i in records
    ]


def _by_visit(rows: Iterable[Row], of: Callable[[Row], str | None]) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = {}
    for row in rows:
        found.setdefault(of(row), []).append(row)
    return found
