"""What measures need, read from the database for some days: under a user that sees one practice (`caredispatch_web`
with the practice in hand), nothing of the vault; and the baseline that was frozen. The definitions are in
`core.measures`, the minutes that coordinators note in `minutes`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from caredispatch.core.counting_work import figures_of
from caredispatch.core.facts import Directory
from caredispatch.core.happened import (
    Act,
    Coordination,
    Copy,
    Difference,
    Happened,
    Landing,
    Noted,
    Question,
    Raised,
    Shift,
    Visit,
)
from caredispatch.core.ids import Id, site_id
from caredispatch.core.measures import Figure
from caredispatch.core.offered import FREEZES_BEFORE, Absence, offered_on, shifts_on
from caredispatch.store.measured_cases import coordinations_of, questions_of
from caredispatch.store.measured_copies import differences_of, landings_of
from caredispatch.store.measured_visits import Changes, edits_of, visit_of
from caredispatch.store.pools import Connection
from caredispatch.store.practices import directories_of
from caredispatch.store.recorded import History, histories_of, subjects_between

AROUND = timedelta(days=1)
MOVED_AHEAD = timedelta(days=60)
AT_ONCE = 200
"""So many visits are read at once."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What was measured before, frozen: read from a `file`, or by `listening` with all stages off. `instrument` is that
    of coordinators' minutes (D38), empty where there are none; `reason` why it takes the place of the one before it."""

    source: Literal["file", "listening"]
    instrument: Literal["", "tally", "prompts"]
    first_day: date
    last_day: date
    frozen_at: datetime
    figures: tuple[Figure, ...]
    reason: str = ""
    number: int = 0


async def baseline(connection: Connection, practice_id: str) -> Baseline | None:
    """The baseline that counts: the newest."""
    found = await baselines(connection, practice_id)
    return found[-1] if found else None


async def baselines(connection: Connection, practice_id: str) -> list[Baseline]:
    """All that were ever frozen, in order."""
    rows = await connection.fetch(
        "select source, instrument, first_day, last_day, frozen_at, figures, reason, number from care.baselines "
        "where practice_id = $1 order by number",
        practice_id,
    )
    return [Baseline(**{**dict(row), "figures": tuple(_figure(f) for f in row["figures"])}) for row in rows]


def _figure(row: list[Any]) -> Figure:
    measure, day, location, service, amount, of, values = row
    return Figure(measure, date.fromisoformat(day), location, service, amount, of, tuple(values))


async def freeze(connection: Connection, practice_id: str, made: Baseline) -> Baseline:
    """Keep a baseline for ever, as the next one (as the owner). It can't be changed or deleted, by nobody."""
    rows = [[f.measure, f.day.isoformat(), f.location, f.service, f.amount, f.of, list(f.values)] for f in made.figures]
    number = await connection.fetchval(
        "insert into care.baselines (practice_id, number, source, instrument, first_day, last_day, frozen_at, reason, "
        "figures) select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 from care.baselines "
        "where practice_id = $1 returning number",
        practice_id,
        made.source,
        made.instrument,
        made.first_day,
        made.last_day,
        made.frozen_at,
        made.reason,
        rows,
    )
    return replace(made, number=number)


async def figures(connection: Connection, practice_id: str, from_day: date, to_day: date) -> list[Figure]:
    """Every measure of some local days that are over, both included. Raises MixedInstruments (D38)."""
    return figures_of(await happened_in(connection, practice_id, from_day, to_day))


async def happened_in(connection: Connection, practice_id: str, from_day: date, to_day: date) -> Happened:
    """What happened in some local days, both included, as far as it is counted."""
    zones = {"": await _zone_of(connection, practice_id)}
    begin = datetime.combine(from_day, time(), ZoneInfo(zones[""])).astimezone(UTC)
    end = datetime.combine(to_day + timedelta(days=1), time(), ZoneInfo(zones[""])).astimezone(UTC)
    directories = await directories_of(connection, practice_id, begin - FREEZES_BEFORE - AROUND)
    for _, directory in directories:
        zones |= {code: site.time_zone for code, site in directory.locations.items()}
    # A location's days may begin and end up to a day before or after the practice's.
    begin, end = begin - AROUND, end + AROUND
    read = _Read(Changes(await _undone(connection, practice_id, begin, end)))
    subjects = await subjects_between(connection, practice_id, begin, end, end + MOVED_AHEAD)
    for place in range(0, len(subjects), AT_ONCE):
        for history in await histories_of(connection, practice_id, subjects[place : place + AT_ONCE]):
            read.take(history)
    days = [from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1)]
    absences = await _absences(connection, practice_id, begin, end, directories)
    return Happened(
        from_day,
        to_day,
        zones,
        visits=tuple(read.visits),
        offered=tuple(s for day in days if directories for s in offered_on(day, directories, absences)),
        worked=tuple(_worked(days, directories, absences)),
        changes=read.changes.all(),
        cases=tuple(read.cases),
        questions=tuple(read.questions),
        raised=await _raised(connection, practice_id, begin, end),
        noted=await _noted(connection, practice_id, begin, end),
        acts=await _acts(connection, practice_id, begin, end),
        copies=await _copies(connection, practice_id, begin, end),
        landings=tuple(read.landings),
        differences=tuple(read.differences),
        no_hours=frozenset(Id(i) for _, d in directories for i, staff in d.staff.items() if not staff.hours),
    )


class _Read:
    """What was read so far, visit by visit."""

    def __init__(self, changes: Changes) -> None:
        self.changes = changes
        self.visits: list[Visit] = []
        self.cases: list[Coordination] = []
        self.questions: list[Question] = []
        self.landings: list[Landing] = []
        self.differences: list[Difference] = []

    def take(self, history: History) -> None:
        """Take in all of one visit."""
        visit, edits = visit_of(history), edits_of(history)
        self.visits += [visit] if visit is not None else []
        self.changes.take(history, edits)
        self.cases += coordinations_of(history, edits)
        self.questions += questions_of(history)
        self.landings += landings_of(history)
        self.differences += differences_of(history)


def _worked(days: list[date], directories: list[tuple[datetime, Directory]], absences: list[Absence]) -> list[Shift]:
    """The shifts of some days as they were."""
    found: list[Shift] = []
    for day in days:
        noon = datetime.combine(day, time(12), UTC)
        counted = [d for since, d in directories if since <= noon] or [d for _, d in directories[:1]]
        if counted:
            found += shifts_on(day, counted[-1], absences)
    return found


async def _zone_of(connection: Connection, practice_id: str) -> str:
    name = await connection.fetchval("select time_zone from care.practices where practice_id = $1", practice_id)
    return str(name or "UTC")


async def _undone(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> set[str]:
    rows = await connection.fetch(
        "select incident_id from care.incidents where practice_id = $1 and state <> 'confirmed' "
        "and at >= $2 and at < $3",
        practice_id,
        begin,
        end,
    )
    return {row[0] for row in rows}


async def _absences(
    connection: Connection,
    practice_id: str,
    begin: datetime,
    end: datetime,
    directories: list[tuple[datetime, Directory]],
) -> list[Absence]:
    sites = {site_id(Id(practice_id), code): code for _, d in directories for code in d.locations}
    rows = await connection.fetch(
        "select resource_id, start_at, end_at, known_at from care.busy_blocks where practice_id = $1 "
        "and kind = 'leave' and end_at > $2 and start_at < $3 order by start_at, block_id",
        practice_id,
        begin,
        end,
    )
    return [Absence(sites.get(row[0], row[0]), row[1], row[2], row[3]) for row in rows]


async def _raised(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> tuple[Raised, ...]:
    rows = await connection.fetch(
        "select raised_at, kind = 'call' from care.exceptions where practice_id = $1 and raised_at >= $2 "
        "and raised_at < $3 order by raised_at, exception_id",
        practice_id,
        begin,
        end,
    )
    return tuple(Raised(row[0], row[1]) for row in rows)


async def _noted(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> tuple[Noted, ...]:
    rows = await connection.fetch(
        "select at, minutes, instrument, location from care.coordinator_minutes where practice_id = $1 "
        "and at >= $2 and at < $3 and minutes is not null order by at, entry_id",
        practice_id,
        begin,
        end,
    )
    return tuple(Noted(*row) for row in rows)


async def _acts(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> tuple[Act, ...]:
    """What people did on our pages: acts, and answers that they took by phone."""
    rows = await connection.fetch(
        "select who, at from (select coalesce(body::jsonb #>> '{event,account}', body::jsonb #>> '{event,on_behalf}') "
        "as who, at from care.journal where practice_id = $1 and at >= $2 and at < $3 "
        "and kind in ('acted', 'answered')) a where who is not null order by at, who",
        practice_id,
        begin,
        end,
    )
    return tuple(Act(row[0], row[1]) for row in rows)


async def _copies(connection: Connection, practice_id: str, begin: datetime, end: datetime) -> tuple[Copy, ...]:
    rows = await connection.fetch(
        "select a.location, a.service, a.start_at, l.state = 'landed' from care.links l "
        "join care.appointments a using (practice_id, appointment_id) where practice_id = $1 and a.start_at >= $2 "
        "and a.start_at < $3 and l.wanted is not null order by a.start_at, l.link_id",
        practice_id,
        begin,
        end,
    )
    return tuple(Copy(*row) for row in rows)
