"""The deciding transaction's reads and writes (E2, E6, E7): claim the doors of some subjects, read their state in a
later statement, persist what `apply` says. All of it under the user `caredispatch_decide`, one practice at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter, ValidationError

from caredispatch.core.draft import Decision
from caredispatch.core.ids import Id
from caredispatch.core.observation import Due, Observation, Reported
from caredispatch.core.records import (
    Appointment,
    Ask,
    Case,
    Count,
    Delivery,
    Exception_,
    Hold,
    Link,
    Occupation,
    Participant,
    State,
)
from caredispatch.store.pools import Connection
from caredispatch.store.rows import (
    APPOINTMENTS,
    ASKS,
    CASES,
    DELIVERIES,
    EXCEPTIONS,
    HOLDS,
    LINKS,
    OCCUPATIONS,
    PARTICIPANTS_SQL,
    participant_rows,
)

_OBSERVATION: TypeAdapter[Observation] = TypeAdapter(Observation)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to decide: an observation, or (id None) time that has passed."""

    subject_id: Id
    event: Observation
    observation_id: int | None = None
    attempts: int = 0


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
"""

# The door (E2): one lock per subject, taken in id order, given back by commit or crash.
_DOORS = """
select subject from unnest($1::uuid[]) with ordinality as t(subject, n)
 where pg_try_advisory_xact_lock(hashtextextended(subject::text, 8321)) order by n
"""

_ITEMS = """
select observation_id, subject_id, body, attempts from care.observations
 where practice_id = $1 and subject_id = any($2) and state = 'pending' order by observation_id limit $3
"""

_DUE = """
select appointment_id from care.appointments where practice_id = $1 and appointment_id = any($2) and next_look_at <= $3
union all
select exception_id from care.exceptions
 where practice_id = $1 and exception_id = any($2) and state = 'open' and appointment_id is null and ack_by <= $3
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
    observation_id, subject_id, body, attempts = row
    try:
        return Item(Id(subject_id), _OBSERVATION.validate_python(body), observation_id, attempts)
    except ValidationError:
        raise Unreadable(Item(Id(subject_id), Due(), observation_id, attempts)) from None


async def load(connection: Connection, practice_id: str, subjects: Sequence[str]) -> Loaded:
    """The states of some subjects. A subject without an appointment (a contact, an exception) has an empty one, or its
    exception."""
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
    unbound = [subject for subject in ids if subject not in appointments]
    if unbound:
        await _load_unbound(connection, practice_id, unbound, loaded)
    if appointments:
        await _load_bound(connection, practice_id, appointments, loaded)
    return loaded


async def _load_unbound(connection: Connection, practice_id: str, subjects: list[str], loaded: Loaded) -> None:
    rows = await connection.fetch(
        f"select {', '.join(EXCEPTIONS.columns)} from care.exceptions "  # noqa: S608 our own column names
        "where practice_id = $1 and exception_id = any($2)",
        practice_id,
        subjects,
    )
    for row in rows:
        exception = EXCEPTIONS.build(tuple(row))
        loaded.states[exception.exception_id] = State(exceptions=(exception,))


async def _load_bound(
    connection: Connection, practice_id: str, appointments: dict[Id, Appointment], loaded: Loaded
) -> None:
    ids = list(appointments)
    people: dict[str, list[Participant]] = {i: [] for i in ids}
    for row in await connection.fetch(
        "select appointment_id, role, kind, actor_id, coverage from care.participants "
        "where practice_id = $1 and appointment_id = any($2) order by role",
        practice_id,
        ids,
    ):
        people[row[0]].append(Participant(*row[1:]))
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
            appointment=replace(appointment, participants=tuple(people[i])),
            links=tuple(sorted(links[i], key=lambda r: r.link_id)),
            cases=tuple(sorted(cases[i], key=lambda r: r.case_id)),
            asks=tuple(sorted(asks[i], key=lambda r: r.ask_id)),
            exceptions=tuple(sorted(exceptions[i], key=lambda r: r.exception_id)),
            occupations=tuple(sorted(occupations[i], key=lambda r: r.occupation_id)),
            holds=tuple(sorted(holds.get(i, ()), key=lambda r: r.connection_id)),
        )


async def _holds(connection: Connection, practice_id: str, cases: dict[str, list[Case]]) -> dict[str, list[Hold]]:
    """The holds of the visits that cover was sought for: no others have any."""
    sought = [i for i, found in cases.items() if any(c.kind == "cover" for c in found)]
    holds: dict[str, list[Hold]] = {}
    if sought:
        for hold in await HOLDS.of_appointments(connection, practice_id, sought):
            holds.setdefault(hold.appointment_id, []).append(hold)
    return holds


# ------------------------------------------------------------------ persisting

_BUMP = """
insert into care.limits (practice_id, person_id, what, period, n)
select $1, person_id, what, period, 1 from unnest($2::uuid[], $3::text[], $4::text[], $5::int[]) as t(person_id,
    what, period, most)
on conflict (practice_id, person_id, what, period) do update set n = care.limits.n + 1
 where care.limits.n < (select most from unnest($2::uuid[], $3::text[], $4::text[], $5::int[]) as m(person_id, what,
     period, most)
                         where (m.person_id, m.what, m.period) = (excluded.person_id, excluded.what, excluded.period))
returning person_id
"""

_OCCUPY = """
insert into care.occupations (practice_id, occupation_id, session_id, appointment_id, resource_id, start_at, end_at)
select practice_id, occupation_id, session_id, appointment_id, resource_id, start_at, end_at
  from json_populate_recordset(null::care.occupations, $1)
on conflict on constraint no_double_booking do nothing
returning occupation_id
"""

_VACATE = """
delete from care.occupations where practice_id = $1 and appointment_id = any($2) and occupation_id = any($3)
"""

_FETCHES = """
insert into care.notices (practice_id, notice_id, connection_id, kind, subject, received_at, due_at)
select $1, gen_random_uuid(), connection_id, 'fetch', subject, $4, $4
  from unnest($2::text[], $3::text[]) as t(connection_id, subject)
on conflict (practice_id, connection_id, subject) where kind = 'fetch' and state = 'pending'
do update set again = true
"""

_KEYS = """
insert into care.delivery_keys (practice_id, ordering_key, waiting, ready_at, target)
select $1, key, n, ready_at, coalesce(connection_id, 'channel:' || (
           select c.channel from care.contacts c where c.practice_id = $1 and c.contact_id = t.contact_id), '')
  from unnest($2::text[], $3::int[], $4::timestamptz[], $5::text[], $6::uuid[])
       as t(key, n, ready_at, connection_id, contact_id)
on conflict (practice_id, ordering_key) do update
   set waiting = care.delivery_keys.waiting + excluded.waiting,
       ready_at = case when care.delivery_keys.waiting = 0 then excluded.ready_at
                       when care.delivery_keys.attempts > 0 then care.delivery_keys.ready_at
                       else least(care.delivery_keys.ready_at, excluded.ready_at) end
"""

_JOURNAL = """
insert into care.journal (practice_id, subject_id, seq, at, kind, body, hash)
select $1, subject, seq, $2, kind, body, hash
  from unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::bytea[]) as t(subject, seq, kind, body, hash)
"""


async def persist(
    connection: Connection, practice_id: str, now: datetime, decided: Sequence[Decided], chains: dict[str, Chain]
) -> list[Decided]:
    """Write what was decided, in one transaction that the caller holds. Returns the items that the database refused (a
    double booking, E7): they and what was decided after them for the same subject are left pending."""
    await _bump(connection, practice_id, decided)
    refused = await _occupy(connection, decided)
    kept = [d for d in decided if d.item.subject_id not in refused]
    if refused and any(d.decision.counts for d in decided if d.item.subject_id in refused):
        raise LimitReached
    await _vacate(connection, practice_id, kept)
    latest = [d.decision.appointment for d in kept if d.decision.appointment is not None]
    appointments = list({a.appointment_id: a for a in latest}.values())
    await APPOINTMENTS.upsert(connection, sorted(appointments, key=lambda a: a.appointment_id))
    people = [row for a in appointments for row in participant_rows(a)]
    if people:
        await connection.execute(PARTICIPANTS_SQL, people)
    await LINKS.upsert(connection, list({r.link_id: r for d in kept for r in d.decision.links}.values()))
    cases = list({r.case_id: r for d in kept for r in d.decision.cases}.values())
    # Closing before opening: one open case per kind, appointment and role.
    await CASES.upsert(connection, sorted(cases, key=lambda c: c.state == "open"))
    await ASKS.upsert(connection, list({r.ask_id: r for d in kept for r in d.decision.asks}.values()))
    holds = {(r.appointment_id, r.connection_id): r for d in kept for r in d.decision.holds}
    await HOLDS.upsert(connection, list(holds.values()))
    await EXCEPTIONS.upsert(connection, list({r.exception_id: r for d in kept for r in d.decision.exceptions}.values()))
    await _let_out(connection, practice_id, now, kept)
    await _write_journal(connection, practice_id, now, kept, chains)
    done = [d.item.observation_id for d in kept if d.item.observation_id is not None]
    if done:
        await connection.execute(
            "update care.observations set state = 'done' where practice_id = $1 and observation_id = any($2)",
            practice_id,
            done,
        )
    return [d for d in decided if d.item.subject_id in refused]


async def _bump(connection: Connection, practice_id: str, decided: Sequence[Decided]) -> None:
    counts = sorted((c for d in decided for c in d.decision.counts), key=lambda c: (c.person_id, c.what, c.period))
    while counts:
        # One row per person and statement: PostgreSQL refuses to touch a row twice in one.
        turn: list[Count] = []
        later: list[Count] = []
        seen: set[tuple[str, str, str]] = set()
        for count in counts:
            key = (count.person_id, count.what, count.period)
            (later if key in seen else turn).append(count)
            seen.add(key)
        got = await connection.fetch(
            _BUMP,
            practice_id,
            [c.person_id for c in turn],
            [c.what for c in turn],
            [c.period for c in turn],
            [c.most for c in turn],
        )
        if len(got) < len(turn):
            raise LimitReached
        counts = later


async def _occupy(connection: Connection, decided: Sequence[Decided]) -> set[str]:
    """Insert new occupations, sorted; the subjects whose time was not free."""
    rows = {o.occupation_id: o for d in decided for o in d.decision.occupy}
    for d in decided:
        for occupation_id in d.decision.vacate:
            rows.pop(occupation_id, None)
    if not rows:
        return set()
    ordered = sorted(rows.values(), key=lambda o: (o.practice_id, o.resource_id, o.start_at))
    got = {row[0] for row in await connection.fetch(_OCCUPY, ordered)}
    refused: set[str] = {o.appointment_id for o in ordered if o.occupation_id not in got}
    if refused:
        mine = [o.occupation_id for o in ordered if o.appointment_id in refused and o.occupation_id in got]
        await connection.execute(_VACATE, ordered[0].practice_id, sorted(refused), mine)
    return refused


async def _vacate(connection: Connection, practice_id: str, kept: Sequence[Decided]) -> None:
    gone: dict[str, None] = {}
    for d in kept:
        for occupation_id in d.decision.vacate:
            gone[occupation_id] = None
        for row in d.decision.occupy:
            gone.pop(row.occupation_id, None)
    if gone:
        subjects = sorted({d.item.subject_id for d in kept})
        await connection.execute(_VACATE, practice_id, subjects, list(gone))


async def _let_out(connection: Connection, practice_id: str, now: datetime, kept: Sequence[Decided]) -> None:
    deliveries = [r for d in kept for r in d.decision.deliveries]
    if deliveries:
        await DELIVERIES.insert(connection, deliveries)
        keys: dict[str, list[Delivery]] = {}
        for delivery in deliveries:
            keys.setdefault(delivery.ordering_key, []).append(delivery)
        ordered = sorted(keys)
        await connection.execute(
            _KEYS,
            practice_id,
            ordered,
            [len(keys[k]) for k in ordered],
            [min(d.not_before or now for d in keys[k]) for k in ordered],
            [keys[k][0].connection_id for k in ordered],
            [keys[k][0].contact_id for k in ordered],
        )
    withdrawn = [ask_id for d in kept for ask_id in d.decision.withdrawn]
    if withdrawn:
        await connection.execute(
            "update care.deliveries set state = 'withdrawn' where practice_id = $1 and ask_id = any($2) "
            "and state = 'pending' and lease_until is null",
            practice_id,
            withdrawn,
        )
    reported = {
        d.item.event.delivery_id: d.item.event.state
        for d in kept
        if isinstance(d.item.event, Reported) and d.item.event.state in ("delivered", "failed")
    }
    if reported:
        await connection.execute(
            "update care.deliveries d set state = r.state from unnest($2::uuid[], $3::text[]) as r(id, state) "
            "where d.practice_id = $1 and d.delivery_id = r.id and d.state in ('accepted', 'unknown')",
            practice_id,
            list(reported),
            list(reported.values()),
        )
    for suppression in (s for d in kept for s in d.decision.suppressions):
        await connection.execute(
            "update care.contacts set status = $3 where practice_id = $1 and contact_id = $2",
            practice_id,
            suppression.contact_id,
            suppression.status,
        )
    fetches = list(dict.fromkeys(f for d in kept for f in d.decision.fetches))
    if fetches:
        await connection.execute(_FETCHES, practice_id, [f[0] for f in fetches], [f[1] for f in fetches], now)
    new = sorted({d.decision.appointment.session_id for d in kept if d.decision.appointment and d.decision.occupy})
    if new:
        await connection.execute(
            "insert into care.sessions (practice_id, session_id) select $1, unnest($2::uuid[]) on conflict do nothing",
            practice_id,
            new,
        )


async def _write_journal(
    connection: Connection, practice_id: str, now: datetime, kept: Sequence[Decided], chains: dict[str, Chain]
) -> None:
    subjects: list[str] = []
    seqs: list[int] = []
    kinds: list[str] = []
    bodies: list[str] = []
    hashes: list[bytes] = []
    for d in kept:
        chain = chains[d.item.subject_id]
        chain.seq += 1
        chain.hash = sha256(chain.hash + d.entry).digest()
        subjects.append(d.item.subject_id)
        seqs.append(chain.seq)
        kinds.append(d.item.event.kind)
        bodies.append(d.entry.decode())
        hashes.append(chain.hash)
    if subjects:
        await connection.execute(_JOURNAL, practice_id, now, subjects, seqs, kinds, bodies, hashes)


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
