"""What a decision about a slot must know (D19): who waits for such a time, for which visits somebody is sought just
then, and which visits of its provider take no time here (D1). And the ledger: who on the waitlist was offered what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import TypeAdapter

from caredispatch.core.copying import replace
from caredispatch.core.facts import Busy, PatientFacts, Sought, Waiting
from caredispatch.core.ids import Id
from caredispatch.core.observation import Observation, Reported
from caredispatch.core.records import PROVIDER, Appointment, Case, Request, State
from caredispatch.store.pools import Connection
from caredispatch.store.rows import APPOINTMENTS, CASES, participants_of

_REQUEST = TypeAdapter(Request)
_LOOKS_AT_THE_LIST = ("due", "answered", "busy_seen", "acted")


@dataclass(frozen=True, slots=True)
class Span:
    """The time of a slot, and of whom. `service` is None where the list is not looked at."""

    start_at: datetime
    end_at: datetime
    provider_id: str
    room_id: str | None = None
    service: str | None = None

    @property
    def resources(self) -> tuple[str, ...]:
        """Whose time it is."""
        return (self.provider_id,) if self.room_id is None else (self.provider_id, self.room_id)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the waitlist; the facts of its patient are read with everybody's."""

    appointment_id: str
    patient_id: str
    location: str
    request: Request
    offered: int
    later_at: datetime | None

    def waiting(self, service: str, patient: PatientFacts | None) -> Waiting:
        """The entry as a decision sees it."""
        known = patient or PatientFacts()
        place = Id(self.appointment_id), Id(self.patient_id), service, self.location
        return Waiting(*place, self.request, known, self.offered, self.later_at)


@dataclass(slots=True)
class Lists:
    """What was read for the slots of a batch: the entries of each service, who is sought at each slot's time, how often
    each patient saw each provider."""

    entries: dict[str, list[Entry]] = field(default_factory=dict)
    sought: dict[str, list[tuple[Appointment, Case]]] = field(default_factory=dict)
    together: dict[tuple[str, str], int] = field(default_factory=dict)
    unoccupied: list[tuple[str, Busy]] = field(default_factory=list)

    def people(self, span: Span) -> list[str]:
        """The patients that a decision about this slot may look at."""
        return [e.patient_id for e in self.entries.get(span.service or "", ())]

    def together_with(self, span: Span) -> dict[str, int]:
        """The visits of each of them with the slot's provider."""
        return {p: n for p in self.people(span) if (n := self.together.get((p, span.provider_id), 0))}

    @property
    def patients(self) -> list[str]:
        """Every patient whose facts some decision needs."""
        found = [e.patient_id for entries in self.entries.values() for e in entries]
        return found + [v.patient_id for rows in self.sought.values() for v, _ in rows if v.patient_id is not None]

    def waiting(self, span: Span | None, patients: Mapping[str, PatientFacts]) -> tuple[Waiting, ...]:
        """The waitlist for a slot."""
        if span is None or span.service is None:
            return ()
        return tuple(e.waiting(span.service, patients.get(e.patient_id)) for e in self.entries.get(span.service, ()))

    def sought_for(self, subject: str, patients: Mapping[str, PatientFacts]) -> tuple[Sought, ...]:
        """The visits for which somebody is sought at the time of a slot."""
        rows = self.sought.get(subject, ())
        return tuple(Sought(visit, case, patients.get(visit.patient_id or "")) for visit, case in rows)


def span_of(state: State, events: Sequence[Observation]) -> Span | None:
    """The slot that these events are about, if they are."""
    visit = state.appointment
    if visit is not None and visit.is_slot:
        listed = any(e.kind in _LOOKS_AT_THE_LIST or _came_back(e) for e in events)
        service = visit.service if listed else None
        provider = visit.actor(PROVIDER) or visit.appointment_id
        return Span(visit.start_at, visit.end_at, provider, visit.actor("room"), service)
    for event in events:
        if event.kind == "passed" and event.word == "open_slot" and event.option is not None:
            option = event.option
            return Span(option.start_at, option.end_at, option.provider_id, option.room_id)
    return None


def _came_back(event: Observation) -> bool:
    return isinstance(event, Reported) and event.state == "failed"


# The longest waiting first. Whoever took a time already is on the list no more, also where the entry does not know yet.
_ENTRIES = """
select e.service, e.appointment_id, t.actor_id, e.location, e.request,
       (select count(*)::int from care.asks k
         where k.practice_id = $1 and k.person_id = t.actor_id and k.purpose = 'offer_slot'
           and k.options -> 0 ->> 'displaces' = e.appointment_id::text),
       case when e.status = 'booked' then e.start_at
            else (select l.start_at from care.appointments l
                   where l.practice_id = $1 and l.appointment_id = (e.request ->> 'instead_of')::uuid
                     and l.status in ('pending', 'booked')) end
  from unnest($2::text[]) as s(service)
 cross join lateral (
    select a.service, a.appointment_id, a.location, a.request, a.status, a.start_at
      from care.appointments a
     where a.practice_id = $1 and a.service = s.service and a.request is not null
       and (a.status = 'waitlist' or (a.status = 'booked' and a.request ->> 'origin' = 'waitlist' and a.start_at > $3))
     order by a.created_at, a.appointment_id limit 200) e
  join care.participants t on t.practice_id = $1 and t.appointment_id = e.appointment_id and t.role = 'patient'
 where t.actor_id is not null
   and not exists (
       select from care.asks k
        where k.practice_id = $1 and k.person_id = t.actor_id and k.purpose = 'offer_slot' and k.state = 'accepted'
          and k.options -> 0 ->> 'displaces' = e.appointment_id::text)
 order by e.service, (e.request ->> 'since')::timestamptz, e.appointment_id
"""

# Whoever was asked about such a visit before is not for it again.
_SOUGHT = """
select s.subject, c.appointment_id, c.case_id
  from unnest($2::uuid[], $3::timestamptz[], $4::timestamptz[], $5::uuid[]) as s(subject, begin, fin, provider)
  join care.appointments a on a.practice_id = $1 and a.start_at < s.fin and a.end_at > s.begin
       and a.start_at > s.begin - interval '1 day' and a.status in ('pending', 'booked')
  join care.cases c on c.practice_id = $1 and c.appointment_id = a.appointment_id and c.kind = 'cover'
       and c.state = 'open' and c.phase = 'asking'
 where not exists (
    select from care.asks k where k.practice_id = $1 and k.appointment_id = c.appointment_id and k.case_id = c.case_id
       and k.person_id = s.provider)
 order by a.start_at, c.case_id
"""

# An overlap that was seen in a source takes no time (D1); a slot must not be offered over it all the same.
_UNOCCUPIED = """
select s.provider, a.start_at, a.end_at, a.appointment_id, a.session_id, a.source
  from unnest($2::timestamptz[], $3::timestamptz[], $4::uuid[]) as s(begin, fin, provider)
  join care.appointments a on a.practice_id = $1 and a.start_at < s.fin and a.end_at > s.begin
       and a.start_at > s.begin - interval '1 day' and a.status in ('pending', 'booked', 'arrived', 'checked-in')
  join care.participants t on t.practice_id = $1 and t.appointment_id = a.appointment_id and t.actor_id = s.provider
"""


async def read_lists(connection: Connection, practice_id: str, spans: Mapping[str, Span], now: datetime) -> Lists:
    """Everything about the slots of a batch (by subject), in a few statements."""
    lists = Lists()
    if not spans:
        return lists
    rows = list(spans.values())
    for row in await connection.fetch(
        _UNOCCUPIED, practice_id, [s.start_at for s in rows], [s.end_at for s in rows], [s.provider_id for s in rows]
    ):
        lists.unoccupied.append((row[0], Busy(row[1], row[2], "booked", row[3], row[4], row[5])))
    listed = {subject: span for subject, span in spans.items() if span.service is not None}
    if listed:
        await _read_entries(connection, practice_id, listed, now, lists)
        await _read_sought(connection, practice_id, listed, lists)
    return lists


async def _read_entries(
    connection: Connection, practice_id: str, listed: Mapping[str, Span], now: datetime, lists: Lists
) -> None:
    services = sorted({span.service or "" for span in listed.values()})
    for row in await connection.fetch(_ENTRIES, practice_id, services, now):
        request = _REQUEST.validate_python(row[4])
        lists.entries.setdefault(row[0], []).append(Entry(row[1], row[2], row[3], request, row[5], row[6]))
    for row in await connection.fetch(
        "select patient_id, staff_id, visits from care.care_team "
        "where practice_id = $1 and patient_id = any($2) and staff_id = any($3)",
        practice_id,
        lists.patients,
        [span.provider_id for span in listed.values()],
    ):
        lists.together[(row[0], row[1])] = row[2]


async def _read_sought(connection: Connection, practice_id: str, listed: Mapping[str, Span], lists: Lists) -> None:
    spans = list(listed.values())
    found = await connection.fetch(
        _SOUGHT,
        practice_id,
        list(listed),
        [s.start_at for s in spans],
        [s.end_at for s in spans],
        [s.provider_id for s in spans],
    )
    if not found:
        return
    ids = sorted({row[1] for row in found})
    people = await participants_of(connection, practice_id, ids)
    visits = {v.appointment_id: v for v in await APPOINTMENTS.of_appointments(connection, practice_id, ids)}
    cases = {c.case_id: c for c in await CASES.of_appointments(connection, practice_id, ids)}
    for subject, visit_id, case_id in found:
        visit = replace(visits[visit_id], participants=people[visit_id])
        lists.sought.setdefault(subject, []).append((visit, cases[case_id]))


@dataclass(frozen=True, slots=True)
class Offered:
    """One line of an entry's ledger: the slot, its time, when it was offered, until when, and what became of it."""

    slot_id: Id
    start_at: datetime
    asked_at: datetime
    due_at: datetime
    state: str
    channel: str | None
    answered_at: datetime | None
    answered_via: str | None


_LEDGER = """
select k.appointment_id, (k.options -> 0 ->> 'start_at')::timestamptz, k.asked_at, k.due_at, k.state, k.channel,
       k.answered_at, k.answered_via
  from care.participants t
  join care.asks k on k.practice_id = $1 and k.person_id = t.actor_id and k.purpose = 'offer_slot'
       and k.options -> 0 ->> 'displaces' = t.appointment_id::text
 where t.practice_id = $1 and t.appointment_id = $2 and t.role = 'patient'
 order by k.asked_at, k.ask_id
"""


async def offers_of(connection: Connection, practice_id: str, entry_id: str) -> list[Offered]:
    """What an entry of the waitlist was offered, oldest first (D19): when, by which channel (none: by phone), and what
    was said."""
    return [Offered(*row) for row in await connection.fetch(_LEDGER, practice_id, entry_id)]
