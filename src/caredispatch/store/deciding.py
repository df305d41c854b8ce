"""The deciding transaction's reads (E2, E6): claim the doors of some subjects, read their state in a later statement.
What it writes is in `store.persisting`. All of it under the user `caredispatch_decide`, one practice at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from pydantic import Discriminator, TypeAdapter, ValidationError

from caredispatch.core.copying import replace
from caredispatch.core.draft import Decision
from caredispatch.core.ids import Id
from caredispatch.core.observation import Due, Observation
from caredispatch.core.records import (
    Appointment,
    Ask,
    Case,
    Exception_,
    Hold,
    Link,
    Occupation,
    State,
)
from caredispatch.store.pools import Connection
from caredispatch.store.rows import (
    APPOINTMENTS,
    ASKS,
    CASES,
    EXCEPTIONS,
    HOLDS,
    INCIDENTS,
    LINKS,
    OCCUPATIONS,
    participants_of,
)

# Told apart by their kind: trying one after another takes ten times as long.
_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(Annotated[Observation, Discriminator("kind")])


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide: an observation, or (id None) time that has passed. `outside_at` is when it happened
    outside, as far as is known (D35)."""

    subject_id: Id
    event: Observation
    observation_id: int | None = None
    attempts: int = 0
    outside_at: datetime | None = None


@dataclass(slots=True)
class Chain:
    """The head of a subject's journal (E28)."""

    seq: int = 0
    hash: bytes = b""


@dataclass(slots=True)
class Loaded:
    """The state of each claimed subject, and the head of its chain."""

    states: dict[str, State] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decided:
    """An item with what was decided of it; `entry` is its journal body, exactly as hashed."""

    item: Item
    decision: Decision
    entry: bytes


class Unreadable(Exception):
    """The body of an observation is none that this code knows (E13)."""

    def __init__(self, item: Item) -> None:
        super().__init__(f"observation {item.observation_id} can't be read")
        self.item = item


class LimitReached(Exception):
    """A limit was used up by somebody else meanwhile (E12): the batch is decided again, item by item."""


async def practices_with_work(connection: Connection, now: datetime) -> list[str]:
    """Practices that have something to decide, the longest waiting first."""
    return [row[0] for row in await connection.fetch("select practice_id from care.practices_with_work($1)", now)]


async def in_hand(connection: Connection, practice_id: str) -> None:
    """Name the practice that this transaction is about (E26)."""
    await connection.execute("select set_config('care.practice', $1, true)", practice_id)


# Candidates by arrival, so that an old subject is never overtaken for ever; rows that another worker has are skipped.
_CANDIDATES = """
with waiting as (
    select subject_id from care.observations
     where practice_id = $1 and state = 'pending'
     order by observation_id limit $3 for update skip locked)
select distinct subject_id from waiting
union
(select appointment_id from care.appointments
  where practice_id = $1 and next_look_at <= $2 order by next_look_at limit $3)
union
(select exception_id from care.exceptions
  where practice_id = $1 and state = 'open' and appointment_id is null and ack_by <= $2 limit 16)
union
(select incident_id from care.incidents where practice_id = $1 and due_at <= $2 limit 16)
"""

# The door (E2): one lock per subject, taken in id order, given back by commit or crash.
_DOORS = """
select subject from unnest($1::uuid[]) with ordinality as t(subject, n)
 where pg_try_advisory_xact_lock(hashtextextended(subject::text, 8321)) order by n
"""

_ITEMS = """
select observation_id, subject_id, body, attempts, coalesce(outside_at, observed_at) from care.observations
 where practice_id = $1 and subject_id = any($2) and state = 'pending' order by observation_id limit $3
"""

# What begins first comes first: whoever is asked about several visits gets their numbers in that order (E18).
_DUE = """
select subject from (
    select appointment_id as subject, start_at from care.appointments
     where practice_id = $1 and appointment_id = any($2) and next_look_at <= $3
    union all
    select exception_id, null from care.exceptions
     where practice_id = $1 and exception_id = any($2) and state = 'open' and appointment_id is null and ack_by <= $3
    union all
    select incident_id, null from care.incidents
     where practice_id = $1 and incident_id = any($2) and due_at <= $3) due
 order by start_at, subject
"""


async def claim(
    connection: Connection, practice_id: str, now: datetime, limit: int, only: Sequence[str] | None = None
) -> list[Item]:
    """Take the doors of up to `limit` subjects and return what waits behind them: observations in order of arrival,
    then the passing of time (so that answers already committed come before an expiry, E11). Raises Unreadable."""
    if only is None:
        rows = await connection.fetch(_CANDIDATES, practice_id, now, limit)
        candidates = sorted(row[0] for row in rows)
    else:
        candidates = sorted(only)
    if not candidates:
        return []
    subjects = [row[0] for row in await connection.fetch(_DOORS, candidates[: limit * 2])]
    if not subjects:
        return []
    items = [_item(row) for row in await connection.fetch(_ITEMS, practice_id, subjects, limit * 4)]
    due = await connection.fetch(_DUE, practice_id, subjects, now)
    return items + [Item(Id(row[0]), Due()) for row in due]


def _item(row: Iterable[Any]) -> Item:
    observation_id, subject_id, body, attempts, outside_at = row
    try:
        return Item(Id(subject_id), _OBSERVATION.validate_python(body), observation_id, attempts, outside_at)
    except ValidationError:
        raise Unreadable(Item(Id(subject_id), Due(), observation_id, attempts)) from None


async def load(
    connection: Connection, practice_id: str, subjects: Sequence[str], visits: Collection[str] = ()
) -> Loaded:
    """The states of some subjects. A subject without an appointment (a contact, an exception, an incident) has an empty
    one, or its exception or incident; of `visits` it is known that they are neither."""
    ids = list(subjects)
    loaded = Loaded({subject: State() for subject in ids}, {subject: Chain() for subject in ids})
    appointments = {a.appointment_id: a for a in await APPOINTMENTS.of_appointments(connection, practice_id, ids)}
    chains = await connection.fetch(
        "select s.subject, j.seq, j.hash from unnest($2::uuid[]) s(subject) cross join lateral (select seq, hash "
        "from care.journal where practice_id = $1 and subject_id = s.subject order by seq desc limit 1) j",
        practice_id,
        ids,
    )
    for row in chains:
        loaded.chains[row[0]] = Chain(row[1], row[2])
    unbound = [subject for subject in ids if subject not in appointments and subject not in visits]
    if unbound:
        await _load_unbound(connection, practice_id, unbound, loaded)
    if appointments:
        await _load_bound(connection, practice_id, appointments, loaded)
    return loaded


async def _load_unbound(connection: Connection, practice_id: str, subjects: list[str], loaded: Loaded) -> None:
    where = "practice_id = $1 and {}_id = any($2)"
    for exception in await EXCEPTIONS.fetch(connection, where.format("exception"), practice_id, subjects):
        loaded.states[exception.exception_id] = State(exceptions=(exception,))
    for incident in await INCIDENTS.fetch(connection, where.format("incident"), practice_id, subjects):
        loaded.states[incident.incident_id] = State(incident=incident)


async def _load_bound(
    connection: Connection, practice_id: str, appointments: dict[Id, Appointment], loaded: Loaded
) -> None:
    ids = list(appointments)
    people = await participants_of(connection, practice_id, ids)
    links: dict[str, list[Link]] = {i: [] for i in ids}
    for link in await LINKS.of_appointments(connection, practice_id, ids):
        links[link.appointment_id].append(link)
    cases: dict[str, list[Case]] = {i: [] for i in ids}
    for case in await CASES.of_appointments(connection, practice_id, ids):
        cases[case.appointment_id].append(case)
    asks: dict[str, list[Ask]] = {i: [] for i in ids}
    for ask in await ASKS.of_appointments(connection, practice_id, ids):
        asks[ask.appointment_id].append(ask)
    exceptions: dict[str, list[Exception_]] = {i: [] for i in ids}
    for exception in await EXCEPTIONS.of_appointments(connection, practice_id, ids):
        exceptions[exception.appointment_id or ""].append(exception)
    occupations: dict[str, list[Occupation]] = {i: [] for i in ids}
    for occupation in await OCCUPATIONS.of_appointments(connection, practice_id, ids):
        occupations[occupation.appointment_id].append(occupation)
    holds = await _holds(connection, practice_id, cases)
    for i, appointment in appointments.items():
        loaded.states[i] = State(
            appointment=replace(appointment, participants=people[i]),
            links=tuple(sorted(links[i], key=lambda r: r.link_id)),
            cases=tuple(sorted(cases[i], key=lambda r: r.case_id)),
            asks=tuple(sorted(asks[i], key=lambda r: r.ask_id)),
            exceptions=tuple(sorted(exceptions[i], key=lambda r: r.exception_id)),
            occupations=tuple(sorted(occupations[i], key=lambda r: r.occupation_id)),
            holds=tuple(sorted(holds.get(i, ()), key=lambda r: r.connection_id)),
        )


async def _holds(connection: Connection, practice_id: str, cases: dict[str, list[Case]]) -> dict[str, list[Hold]]:
    """The holds of the visits that cover was sought for, of slots, and of what we placed: no others have any."""
    sought = [i for i, found in cases.items() if any(c.kind in ("cover", "fill", "place") for c in found)]
    holds: dict[str, list[Hold]] = {}
    if sought:
        for hold in await HOLDS.of_appointments(connection, practice_id, sought):
            holds.setdefault(hold.appointment_id, []).append(hold)
    return holds


async def count_attempt(
    connection: Connection, practice_id: str, observation_ids: Iterable[int], most: int
) -> list[int]:
    """Count a failed attempt, in a transaction of its own (E13); returns those that are parked now."""
    rows = await connection.fetch(
        "update care.observations set attempts = attempts + 1, "
        "state = case when attempts + 1 >= $3 then 'parked' else state end "
        "where practice_id = $1 and observation_id = any($2) returning observation_id, state",
        practice_id,
        list(observation_ids),
        most,
    )
    return [row[0] for row in rows if row[1] == "parked"]


async def look_later(connection: Connection, practice_id: str, subjects: Sequence[str], at: datetime) -> None:
    """Put off what falls due on some subjects: their decision failed, and must not be tried in a tight loop."""
    await connection.execute(
        "update care.appointments set next_look_at = $3 where practice_id = $1 and appointment_id = any($2)",
        practice_id,
        list(subjects),
        at,
    )
    await connection.execute(
        "update care.incidents set due_at = $3 where practice_id = $1 and incident_id = any($2) and due_at is not null",
        practice_id,
        list(subjects),
        at,
    )
