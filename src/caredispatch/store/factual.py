"""The facts of a batch of decisions, read in a handful of round trips whatever the batch's size (E8, E27)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from caredispatch.core.copying import replace
from caredispatch.core.facts import Busy, ContactFacts, Done, Facts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.records import Appointment, Occupation
from caredispatch.store.coverage import Cover, read_cover
from caredispatch.store.done import read_done
from caredispatch.store.fairness import read_turns
from caredispatch.store.horizon import AROUND, Seen, look_ahead
from caredispatch.store.merging import all_records, groups, one_patient, one_persons, spans_of_all, strictest, summed
from caredispatch.store.needing import Need
from caredispatch.store.others import Others, read_others
from caredispatch.store.pools import Connection
from caredispatch.store.waiting import Lists, read_lists


@dataclass(slots=True)
class Known:
    """Everything read for a batch, kept up to date with what the batch decides (E6)."""

    patients: dict[str, PatientFacts] = field(default_factory=dict)
    contacts: dict[str, list[ContactFacts]] = field(default_factory=dict)
    busy: dict[str, dict[tuple[datetime, datetime, str | None], Busy]] = field(default_factory=dict)
    together: dict[tuple[str, str], int] = field(default_factory=dict)
    load: dict[str, int] = field(default_factory=dict)
    counted: dict[tuple[str, str, str], int] = field(default_factory=dict)
    clocks: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    settling: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    same: dict[str, tuple[str, ...]] = field(default_factory=dict)
    opted_out: set[str] = field(default_factory=set)
    successors: dict[str, str] = field(default_factory=dict)
    offered_at: dict[str, datetime] = field(default_factory=dict)
    week_minutes: dict[str, int] = field(default_factory=dict)
    others: Others = field(default_factory=Others)
    lists: Lists = field(default_factory=Lists)
    cover: Cover = field(default_factory=Cover)
    seen: Seen = field(default_factory=Seen)
    done: dict[str, Done] = field(default_factory=dict)

    def facts(self, subject: str, need: Need, place: str = "") -> Facts:
        """The facts of one decision: only what it may look at, so that the journal keeps no more. What counts against
        limits is that of the running day and week at the site `place` (D21)."""
        day, week = self.clocks.get(place) or self.clocks[""]
        people = sorted(need.people)
        settling = self.settling.get(need.patient_id or "", [])
        waiting = self.lists.waiting(need.slot, self.patients)
        looked_for = self.lists.sought_for(subject, self.patients)
        patient = self.patients.get(need.patient_id or "")
        patients = (patient, *(w.patient for w in waiting), *(s.patient for s in looked_for))
        return Facts(
            patient=patient,
            contacts={
                p: tuple([self._contact(c, day, week) for c in self.contacts[p]]) for p in people if p in self.contacts
            },
            busy={p: tuple(sorted(self.busy[p].values(), key=_by_start)) for p in people if self.busy.get(p)},
            visits_together=self._together(need, people),
            load_minutes={p: self.load[p] for p in people if p in self.load} if need.pool else {},
            asks_made={
                p: n for p in people if (n := self._made(p, "asks_day", day) + self._made(p, "asks_week", week))
            },
            reminders_made={p: n for p in people if (n := self._made(p, "reminders_week", week))},
            next_number={p: self.numbers[p] for p in people if p in self.numbers},
            settling=tuple(Id(i) for i, source in settling if source == need.settle_source and i != subject),
            successor=self.seen.rebooked.get(subject, self.successors.get(subject)),  # type: ignore[arg-type]  # a uuid text
            followed_up=self.seen.followed_up.get(subject, ()),
            offered_at=dict(self.offered_at) if need.turns else {},
            week_minutes=dict(self.week_minutes) if need.turns else {},
            along=self.others.asked_along(need.incidents),
            others=self.others.of(subject) + self.seen.giving_way.get(subject, ()),
            waiting=waiting,
            sought=looked_for,
            payers=self.cover.of(patients) if need.pool or need.slot else None,
            done=self.done.get(subject),
        )

    def _together(self, need: Need, people: list[str]) -> dict[str, int]:
        """The patient's visits with each person; of a slot's provider with each patient on the list."""
        if need.slot is not None:
            return self.lists.together_with(need.slot)
        return {p: n for p in people if (n := self.together.get((need.patient_id or "", p), 0))}

    def _made(self, counted_id: str, what: str, period: str) -> int:
        return self.counted.get((counted_id, what, period), 0)

    def _contact(self, contact: ContactFacts, day: str, week: str) -> ContactFacts:
        """A contact with the texts that it got, this batch's among them (D21)."""
        texts = self._made(contact.contact_id, "texts_week", week)
        if not texts:
            return contact
        return replace(contact, texts_today=self._made(contact.contact_id, "texts_day", day), texts_this_week=texts)

    def booked(self, rows: Iterable[Occupation], visit: Appointment) -> None:
        """What this batch booked is taken for the decisions after it (E6)."""
        there = {p.actor_id for p in visit.participants}
        for row in rows:
            source = visit.source if row.resource_id in there else None
            span = row.start_at, row.end_at
            taken = Busy(*span, "booked", row.appointment_id, row.session_id, source, visit.is_slot)
            for who in self.same.get(row.resource_id, (row.resource_id,)):
                self.busy.setdefault(who, {})[(row.start_at, row.end_at, row.session_id)] = taken


def _by_start(busy: Busy) -> tuple[datetime, datetime, str]:
    return busy.start_at, busy.end_at, busy.session_id or ""


_BUSY = """
select q.resource, b.start_at, b.end_at, b.kind, b.appointment_id, b.session_id, b.source, b.slot
  from json_to_recordset($2) as q(resource uuid, begin timestamptz, fin timestamptz)
 cross join lateral (
    select o.start_at, o.end_at, 'booked' as kind, o.appointment_id, o.session_id,
           case when exists (select from care.participants p where p.practice_id = o.practice_id
                              and p.appointment_id = o.appointment_id and p.actor_id = o.resource_id)
                then a.source end as source,
           coalesce(a.status = 'proposed' and a.source = 'caredispatch' and a.request is null, false) as slot
      from care.occupations o
      left join care.appointments a on a.practice_id = o.practice_id and a.appointment_id = o.appointment_id
     where o.practice_id = $1 and o.resource_id = q.resource
       and o.start_at < q.fin and o.end_at > q.begin and o.start_at > q.begin - interval '7 days'
    union all
    select x.start_at, x.end_at, x.kind, null, null, x.connection_id, false
      from care.busy_blocks x
     where x.practice_id = $1 and x.resource_id = q.resource
       and x.start_at < q.fin and x.end_at > q.begin
    offset 0) b
"""

_PATIENTS = """
select p.patient_id, p.language, p.tags, p.excluded_staff, coalesce(p.state, p.home_state), p.automation,
       p.clinician_follows_up, p.human_only,
       n.no_shows, n.late_cancels, p.payer, p.travel_minutes
  from care.patients p
 cross join lateral (
    select count(*) filter (where a.status = 'noshow' and a.initiator is distinct from 'practice'
                              and a.start_at <= $3)::int as no_shows,
           count(*) filter (where a.status = 'cancelled' and a.initiator = 'patient' and a.settle_at is null
                              and a.cancelled_at > a.start_at - interval '24 hours'
                              and not exists (
               select from care.participants u join care.appointments b using (practice_id, appointment_id)
                where u.practice_id = $1 and u.actor_id = p.patient_id and b.rescheduled_from = a.appointment_id
               ))::int as late_cancels
      from care.participants t join care.appointments a using (practice_id, appointment_id)
     where t.practice_id = $1 and t.actor_id = p.patient_id and a.status in ('noshow', 'cancelled')
       and a.start_at > $3::timestamptz - interval '90 days') n
 where p.practice_id = $1 and p.patient_id = any($2)
"""

_CONTACTS = """
select l.person_id, c.contact_id, c.channel, c.time_zone, c.language, c.status = 'usable', c.quiet_begin, c.quiet_end,
       l.rights, c.consent is not null, c.status = 'opted_out' and l.relation = 'self', l.relation = 'self'
  from care.contact_people l join care.contacts c using (practice_id, contact_id)
 where l.practice_id = $1 and l.person_id = any($2) and 'told' = any(l.rights)
   and (l.rights_until is null or l.rights_until >= $3::date)
 order by l.person_id, l.relation <> 'self', c.preference, l.told_at desc, c.contact_id
"""

_LIMITS = """
select person_id, what, period, n from care.limits where practice_id = $1 and person_id = any($2) and period = any($3)
"""

# Answer numbers count up per person; the next is above everything still open (D5).
_NUMBERS = """
select person_id, max(number) + 1 from care.asks
 where practice_id = $1 and person_id = any($2) and state in ('pending', 'sent') group by person_id
"""

_LOAD = """
select o.resource_id, (sum(extract(epoch from o.end_at - o.start_at)) / 60)::int
  from care.occupations o
 where o.practice_id = $1 and o.resource_id = any($2)
   and o.start_at < $4 and o.end_at > $3 and o.start_at > $3::timestamptz - interval '7 days'
 group by o.resource_id
"""

# Whose cancellation settles and has no visit in its place yet, the first cancelled first.
_SETTLING = """
select t.actor_id, a.appointment_id, a.source
  from care.participants t join care.appointments a using (practice_id, appointment_id)
 where t.practice_id = $1 and t.role = 'patient' and t.actor_id = any($2) and a.settle_at is not null
   and not exists (
       select from care.participants u join care.appointments b using (practice_id, appointment_id)
        where u.practice_id = $1 and u.role = 'patient' and u.actor_id = t.actor_id
          and b.rescheduled_from = a.appointment_id)
 order by a.cancelled_at, a.appointment_id
"""

# The visit that took this one's place (D9): named as such, or the same patient's from the same source, booked while
# this one was being cancelled. One booking takes one place: of several cancelled visits the first has the first one.
_SUCCESSOR = """
with settling as (
    select c.appointment_id, c.source, c.cancelled_at, t.actor_id as patient
      from care.appointments c join care.participants t using (practice_id, appointment_id)
     where c.practice_id = $1 and c.appointment_id = any($2) and c.settle_at is not null and t.role = 'patient'),
visits as (
    select v.appointment_id, v.source, v.status, v.created_at, v.cancelled_at, v.rescheduled_from, u.actor_id as patient
      from care.participants u join care.appointments v using (practice_id, appointment_id)
     where u.practice_id = $1 and u.role = 'patient' and u.actor_id = any(select patient from settling))
select c.appointment_id, coalesce(
       (select b.appointment_id from visits b
         where b.patient = c.patient and b.source = c.source and b.status in ('booked', 'pending', 'proposed')
           and b.rescheduled_from = c.appointment_id
         order by b.created_at limit 1),
       (select b.appointment_id from visits b
         where b.patient = c.patient and b.source = c.source and b.status in ('booked', 'pending', 'proposed')
           and b.rescheduled_from is null and b.created_at between c.cancelled_at - $3::interval and $4
         order by b.created_at, b.appointment_id
        offset (select count(*) from visits e
                 where e.patient = c.patient and e.source = c.source
                   and e.cancelled_at >= c.cancelled_at - $3::interval
                   and (e.cancelled_at, e.appointment_id) < (c.cancelled_at, c.appointment_id)
                   and not exists (select from visits r where r.rescheduled_from = e.appointment_id))
         limit 1))
  from settling c
"""


async def read(
    connection: Connection,
    practice_id: str,
    wanted: dict[str, Need],
    now: datetime,
    clocks: Mapping[str, tuple[str, str]],
    today: date,
    settle: timedelta,
) -> Known:
    """Read what a batch needs. `clocks` name the running day and week at each site; `today` bounds contact rights."""
    known = Known(
        clocks=clocks,
        others=await read_others(
            connection,
            practice_id,
            {s: n.others for s, n in wanted.items()},
            [incident for n in wanted.values() for incident in n.incidents],
            now,
        ),
    )
    await _read_waitlists(connection, practice_id, wanted, now, known)
    known.done = await read_done(connection, practice_id, [s for s, n in wanted.items() if n.undo])
    known.seen = await look_ahead(connection, practice_id, {s: n.ahead for s, n in wanted.items()}, now)
    people = sorted({p for need in wanted.values() for p in need.people})
    if not people:
        return known
    patients = sorted({n.patient_id for n in wanted.values() if n.patient_id} | {*known.lists.patients})
    known.same = await groups(connection, practice_id, sorted({*people, *patients}))
    people, patients = all_records(people, known.same), all_records(patients, known.same)
    spans = spans_of_all([span for need in wanted.values() for span in need.spans], known.same)
    asked = [{"resource": who, "begin": begin, "fin": end} for who, begin, end in spans]
    for row in await connection.fetch(_BUSY, practice_id, asked):
        busy = Busy(*row[1:8])
        known.busy.setdefault(row[0], {})[(row[1], row[2], row[5] or row[6])] = busy
    await _read_people(connection, practice_id, people, patients, now, today, known)
    if any(n.settle_source for n in wanted.values()):
        settling = [subject for subject, need in wanted.items() if need.settles]
        await _read_settling(connection, practice_id, settling, patients, now, settle, known)
    if any(n.turns for n in wanted.values()):
        monday = datetime.combine(today - timedelta(days=today.weekday()), time(), now.tzinfo)
        known.offered_at, known.week_minutes = await read_turns(connection, practice_id, people, monday)
    if any(n.pool or n.slot for n in wanted.values()):
        known.cover = await read_cover(connection, practice_id, known.patients)
    if any(n.pool for n in wanted.values()):
        await _read_pool(connection, practice_id, wanted, people, patients, known)
    _as_one(known)
    return known


async def _read_settling(
    connection: Connection,
    practice_id: str,
    subjects: Sequence[str],
    patients: Sequence[str],
    now: datetime,
    settle: timedelta,
    known: Known,
) -> None:
    for row in await connection.fetch(_SETTLING, practice_id, patients):
        known.settling.setdefault(row[0], []).append((row[1], row[2]))
    if not subjects:
        return
    for row in await connection.fetch(_SUCCESSOR, practice_id, subjects, settle, now):
        if row[1] is not None:
            known.successors[row[0]] = row[1]


def _as_one(known: Known) -> None:
    """Whoever has several records has the facts of all of them under each (D7)."""
    found = {who: [r for r in records if r in known.patients] for who, records in known.same.items()}
    patients = {who: one_patient([known.patients[r] for r in records]) for who, records in found.items() if records}
    contacts = {
        who: one_persons([known.contacts.get(r, []) for r in records], known.opted_out)
        for who, records in known.same.items()
    }
    known.patients |= patients
    known.contacts |= contacts
    for who, records in known.same.items():
        for record in records:
            known.busy.setdefault(who, {}).update(known.busy.get(record, {}))
            known.numbers[who] = max(known.numbers.get(who, 1), known.numbers.get(record, 1))
    settling = {who: [row for r in records for row in known.settling.get(r, [])] for who, records in known.same.items()}
    known.settling |= settling
    known.counted |= strictest(known.counted, known.same)
    known.together |= summed(known.together, known.same)


async def _read_waitlists(
    connection: Connection, practice_id: str, wanted: dict[str, Need], now: datetime, known: Known
) -> None:
    """The waitlist for each slot; who waits is looked at like its own people."""
    slots = {subject: need.slot for subject, need in wanted.items() if need.slot is not None}
    known.lists = await read_lists(connection, practice_id, slots, now)
    for subject, slot in slots.items():
        need, people = wanted[subject], known.lists.people(slot)
        need.people |= {*people}
        need.spans += [(who, slot.start_at - AROUND, slot.end_at + AROUND) for who in people]
    for who, seen in known.lists.unoccupied:
        known.busy.setdefault(who, {})[(seen.start_at, seen.end_at, seen.session_id)] = seen


async def _read_people(
    connection: Connection,
    practice_id: str,
    people: list[str],
    patients: list[str],
    now: datetime,
    today: date,
    known: Known,
) -> None:
    for row in await connection.fetch(_PATIENTS, practice_id, patients, now):
        known.patients[row[0]] = PatientFacts(
            language=row[1],
            tags=tuple(row[2]),
            excluded_staff=tuple(row[3]),
            state=row[4],
            automation=row[5],
            clinician_follows_up=row[6],
            human_only=row[7],
            no_shows_90d=row[8],
            late_cancels_90d=row[9],
            payer=row[10],
            travel_minutes=row[11],
        )
    for row in await connection.fetch(_CONTACTS, practice_id, people, today):
        contact = ContactFacts(
            contact_id=row[1],
            channel=row[2],
            time_zone=row[3],
            language=row[4],
            usable=row[5],
            quiet_begin=row[6],
            quiet_end=row[7],
            rights=tuple(row[8]),
            consent=row[9],
            own=row[11],
        )
        known.contacts.setdefault(row[0], []).append(contact)
        known.opted_out |= {row[1]} if row[10] else set()
    counted = {c.contact_id for p in patients for c in known.contacts.get(p, ()) if not c.consent}
    periods = sorted({period for clock in known.clocks.values() for period in clock})
    for row in await connection.fetch(_LIMITS, practice_id, [*people, *sorted(counted)], periods):
        known.counted[(row[0], row[1], row[2])] = row[3]
    for row in await connection.fetch(_NUMBERS, practice_id, people):
        known.numbers[row[0]] = row[1]


async def _read_pool(
    connection: Connection,
    practice_id: str,
    wanted: dict[str, Need],
    people: list[str],
    patients: list[str],
    known: Known,
) -> None:
    pooled = [n for n in wanted.values() if n.pool and n.spans]
    begin = min(s[1] for n in pooled for s in n.spans).replace(hour=0, minute=0)
    for row in await connection.fetch(_LOAD, practice_id, people, begin, begin + timedelta(days=1)):
        known.load[row[0]] = row[1]
    for row in await connection.fetch(
        "select patient_id, staff_id, visits from care.care_team where practice_id = $1 and patient_id = any($2)",
        practice_id,
        patients,
    ):
        known.together[(row[0], row[1])] = row[2]
