"""Records of one patient that a system merged (D7): which ones are one person now, and their facts as one. Nothing that
was written under either key is rewritten, so that an unmerge only has to take the link away."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.copying import replace
from caredispatch.core.facts import ContactFacts, PatientFacts
from caredispatch.core.records import Occupation
from caredispatch.store.pools import Connection

Pair = tuple[str, str]
"""A record and the one that is used in its place."""
Made = tuple[str, str, str]
"""Whose, against which limit, in which day or week."""
Span = tuple[str, datetime, datetime]
"""Whose time, from when, until when."""
Groups = Mapping[str, tuple[str, ...]]
"""The records of whoever has several."""


@dataclass(frozen=True, slots=True)
class Said:
    """All that one record, read whole, says of others: the one in whose favour it was given up, and those given up in
    its."""

    patient_id: str
    replaced_by: str | None = None
    replaces: tuple[str, ...] = ()

    @property
    def pairs(self) -> set[Pair]:
        """The links as (given up, used in its place)."""
        found = {(each, self.patient_id) for each in self.replaces}
        if self.replaced_by is not None:
            found.add((self.patient_id, self.replaced_by))
        return {pair for pair in found if pair[0] != pair[1]}


def roots(pairs: Iterable[Pair]) -> dict[str, str]:
    """Where each record that was given up leads in the end. Of two successors the lower key counts, whoever said so
    first; links that go round in a circle lead nowhere."""
    into: dict[str, str] = {}
    for gone, kept in sorted(pairs, reverse=True):
        into[gone] = kept
    found: dict[str, str] = {}
    for gone, at in into.items():
        passed = {gone}
        while at in into and at not in passed:
            passed.add(at)
            at = into[at]
        if at not in passed:
            found[gone] = at
    return found


async def take_in(connection: Connection, practice_id: str, connection_id: str, said: Sequence[Said]) -> None:
    """Keep what some records say of others and merge or unmerge by it. Under `caredispatch_intake`."""
    if not said:
        return
    rows = await connection.fetch(
        "select said_by, patient_id, merged_into from care.patient_links "
        "where practice_id = $1 and connection_id = $2 and said_by = any($3)",
        practice_id,
        connection_id,
        sorted({s.patient_id for s in said}),
    )
    before = {(row[0], row[1], row[2]) for row in rows}
    now = {(s.patient_id, *pair) for s in said for pair in s.pairs}
    if before == now:
        return
    # One merging at a time, so that each sees all links.
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1::text, 8322))", practice_id)
    await connection.execute(
        "delete from care.patient_links l using unnest($3::uuid[], $4::uuid[], $5::uuid[]) t(said_by, gone, kept) "
        "where l.practice_id = $1 and l.connection_id = $2 and l.said_by = t.said_by and l.patient_id = t.gone "
        "and l.merged_into = t.kept",
        practice_id,
        connection_id,
        *_columns(before - now),
    )
    await connection.execute(
        "insert into care.patient_links (practice_id, connection_id, said_by, patient_id, merged_into) "
        "select $1, $2, s, g, k from unnest($3::uuid[], $4::uuid[], $5::uuid[]) t(s, g, k) on conflict do nothing",
        practice_id,
        connection_id,
        *_columns(now - before),
    )
    await _merge(connection, practice_id)


def _columns(rows: set[tuple[str, str, str]]) -> list[list[str]]:
    ordered = sorted(rows)
    return [[row[n] for row in ordered] for n in range(3)]


async def _merge(connection: Connection, practice_id: str) -> None:
    rows = await connection.fetch(
        "select distinct patient_id, merged_into from care.patient_links where practice_id = $1", practice_id
    )
    into = roots((row[0], row[1]) for row in rows)
    await connection.execute(
        "update care.patients p set merged_into = m.root "
        "from (select q.patient_id, t.root from care.patients q "
        "left join unnest($2::uuid[], $3::uuid[]) t(gone, root) on t.gone = q.patient_id "
        "where q.practice_id = $1 and (q.merged_into is not null or t.gone is not null)) m "
        "where p.practice_id = $1 and p.patient_id = m.patient_id and p.merged_into is distinct from m.root",
        practice_id,
        list(into),
        list(into.values()),
    )


_GROUPS = """
with mine as (
    select p.patient_id, coalesce(p.merged_into, p.patient_id) as root
      from care.patients p where p.practice_id = $1 and p.patient_id = any($2))
select mine.patient_id, mine.root, m.patient_id
  from mine join care.patients m on m.practice_id = $1 and m.merged_into = mine.root
"""


async def groups(connection: Connection, practice_id: str, people: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """For whoever has several records, all of them, the one in use first; others are left out."""
    found: dict[str, list[str]] = {}
    for row in await connection.fetch(_GROUPS, practice_id, people):
        found.setdefault(row[0], [row[1]]).append(row[2])
    return {who: (ids[0], *sorted(ids[1:])) for who, ids in found.items()}


def all_records(people: Iterable[str], same: Groups) -> list[str]:
    """These people with all their records."""
    return sorted({record for who in people for record in same.get(who, (who,))})


def spans_of_all(spans: Iterable[Span], same: Groups) -> list[Span]:
    """These stretches of time for all records of whose they are."""
    return sorted({(record, begin, end) for who, begin, end in spans for record in same.get(who, (who,))})


_ELSEWHERE = """
select w.appointment_id
  from json_to_recordset($2) as w(appointment_id uuid, session_id uuid, start_at timestamptz, end_at timestamptz,
                                  records uuid[])
 where exists (
    select from care.occupations o
     where o.practice_id = $1 and o.resource_id = any(w.records) and o.session_id <> w.session_id
       and o.start_at < w.end_at and o.end_at > w.start_at and o.start_at > w.start_at - interval '7 days')
"""


async def one_at_a_time(connection: Connection, rows: Sequence[Occupation], same: Groups) -> list[Occupation]:
    """Those rows that take time of somebody with several records. Nobody else takes any of theirs until this
    transaction ends: the constraint of the table knows each record by itself. Before any of the rows is there."""
    found = [row for row in rows if row.resource_id in same]
    for who in sorted({same[row.resource_id][0] for row in found}):
        await connection.execute("select pg_advisory_xact_lock(hashtextextended($1::text, 8323))", who)
    return found


async def elsewhere(connection: Connection, practice_id: str, rows: Sequence[Occupation], same: Groups) -> set[str]:
    """The visits of whose patient's time some is taken by another visit, under whichever of their records (D7)."""
    if not rows:
        return set()
    wanted = [
        {
            "appointment_id": row.appointment_id,
            "session_id": row.session_id,
            "start_at": row.start_at,
            "end_at": row.end_at,
            "records": same[row.resource_id],
        }
        for row in rows
    ]
    return {row[0] for row in await connection.fetch(_ELSEWHERE, practice_id, wanted)}


_ALSO_OF = """
with mine as (
    select p.patient_id, coalesce(p.merged_into, p.patient_id) as root
      from care.contact_people l
      join care.patients p on p.practice_id = $1 and p.patient_id = l.person_id
     where l.practice_id = $1 and l.contact_id = $2 and l.relation = 'self' and 'confirm' = any(l.rights))
select m.patient_id from mine join care.patients m on m.practice_id = $1 and m.merged_into = mine.root
 where m.patient_id <> mine.patient_id
union
select root from mine where root <> patient_id
"""


async def also_of(connection: Connection, practice_id: str, contact_id: str) -> list[str]:
    """The other records of whoever has this number themselves: an answer from either's counts for both."""
    return sorted(row[0] for row in await connection.fetch(_ALSO_OF, practice_id, contact_id))


# ---------------------------------------------------------------- facts as one


def one_patient(records: Sequence[PatientFacts]) -> PatientFacts:
    """The facts of one person with several records, the one in use first: what restricts most counts, what only one
    knows is known."""
    first = records[0]
    return replace(
        first,
        tags=tuple(dict.fromkeys(tag for r in records for tag in r.tags)),
        excluded_staff=tuple(dict.fromkeys(who for r in records for who in r.excluded_staff)),
        state=next((r.state for r in records if r.state is not None), None),
        automation="human_first" if any(r.automation == "human_first" for r in records) else first.automation,
        no_shows_90d=_sum(r.no_shows_90d for r in records),
        late_cancels_90d=_sum(r.late_cancels_90d for r in records),
        clinician_follows_up=any(r.clinician_follows_up for r in records),
        human_only=any(r.human_only for r in records),
        payer=next((r.payer for r in records if r.payer is not None), None),
        travel_minutes=max((r.travel_minutes for r in records if r.travel_minutes is not None), default=None),
        authorisations=tuple(a for r in records for a in r.authorisations),
    )


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [n for n in counts if n is not None]
    return sum(known) if known else None


def one_persons(records: Sequence[Sequence[ContactFacts]], opted_out: Collection[str]) -> list[ContactFacts]:
    """The numbers and addresses of one person with several records, of those equally good the first record's first. One
    opt-out silences that channel; a number of both may do only what both let it."""
    silent = {c.channel for contacts in records for c in contacts if c.contact_id in opted_out}
    found: dict[str, tuple[int, ContactFacts]] = {}
    for contacts in records:
        for place, contact in enumerate(contacts):
            best, other = found.get(contact.contact_id, (place, contact))
            rights = tuple(right for right in contact.rights if right in other.rights)
            usable = contact.usable and contact.channel not in silent
            found[contact.contact_id] = min(best, place), replace(contact, rights=rights, usable=usable)
    return [contact for _, contact in sorted(found.values(), key=lambda each: each[0])]


def strictest(counted: Mapping[Made, int], same: Groups) -> dict[Made, int]:
    """What counts against a limit of whoever has several records: the most of any (E12)."""
    found: dict[Made, int] = {}
    for who, records in same.items():
        for (counted_id, what, period), n in counted.items():
            if counted_id in records:
                found[who, what, period] = max(n, found.get((who, what, period), 0))
    return found


def summed(together: Mapping[tuple[str, str], int], same: Groups) -> dict[tuple[str, str], int]:
    """The visits with each staff member under any of the records."""
    found: dict[tuple[str, str], int] = {}
    for who, records in same.items():
        for (patient_id, staff_id), n in together.items():
            if patient_id in records:
                found[who, staff_id] = found.get((who, staff_id), 0) + n
    return found
