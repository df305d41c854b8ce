"""Other visits, in short, for decisions that look beyond one: those that an incident hits, and those of a group's hour
(D1, D3, D13, D14); and who is asked already about another visit of the same incident (E18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caredispatch.core.asking import TOGETHER_WITHIN
from caredispatch.core.content import instant_of
from caredispatch.core.facts import Directory, Other, in_short
from caredispatch.core.ids import Id
from caredispatch.core.observation import Announced, AppointmentSeen, Observation, Settled
from caredispatch.core.records import Appointment, Ask, Incident, State
from caredispatch.store.pools import Connection

_LONGEST = timedelta(days=7)

_FIELDS = """a.appointment_id, a.session_id, a.series_id, a.service, a.location, a.modality, a.status,
       a.start_at, a.end_at, (select t.actor_id from care.participants t where t.practice_id = a.practice_id
           and t.appointment_id = a.appointment_id and t.role = 'patient')"""
_STILL = "a.status in ('pending', 'booked', 'arrived', 'checked-in')"

_OF_STAFF = f"""
select {_FIELDS}, p.role, p.actor_id
  from care.participants p join care.appointments a using (practice_id, appointment_id)
 where p.practice_id = $1 and p.actor_id = $2 and p.kind = 'staff' and {_STILL}
   and a.start_at < $4 and a.end_at > $3 and a.start_at > $5
"""  # noqa: S608 our own column names

_OF_SITE = f"""
select {_FIELDS}, coalesce(p.role, ''), p.actor_id
  from care.appointments a left join care.participants p
    on p.practice_id = a.practice_id and p.appointment_id = a.appointment_id and p.role = 'provider'
 where a.practice_id = $1 and a.location = $2 and {_STILL}
   and a.start_at < $4 and a.end_at > $3 and a.start_at > $5
"""  # noqa: S608 our own column names

_OF_HOUR = f"""
select a.source, {_FIELDS}
  from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[]) as h(source, service, location, start_at)
  join care.appointments a on a.practice_id = $1 and a.start_at = h.start_at and a.source = h.source
   and a.service = h.service and a.location = h.location
 where {_STILL}
"""  # noqa: S608 our own column names

Hour = tuple[str, str, str, datetime]
"""Source, service, site and start: whoever is there then may be of one group."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Whose visits are looked for: a person's or a site's between two instants, or those of a group's hour."""

    span: tuple[datetime, datetime] | None = None
    staff_id: str | None = None
    location: str | None = None
    hour: Hour | None = None


def sought(state: State, events: Sequence[Observation], directory: Directory) -> Sought | None:
    """Which other visits the decisions on this state must know."""
    incident: Incident | Announced | None = state.incident
    for event in events:
        if isinstance(event, Announced) and incident is None:
            incident = event
        elif isinstance(event, AppointmentSeen) and incident is None and (hour := _hour(event, directory)):
            return Sought(hour=hour)
    if incident is None or not any(isinstance(e, Announced | Settled) for e in events):
        return None
    return Sought((incident.start_at, incident.end_at), incident.staff_id, incident.location)


def _hour(event: AppointmentSeen, directory: Directory) -> Hour | None:
    content = event.content
    service = directory.services.get(content.get("service", ""))
    if service is None or service.capacity < 2 or "start_at" not in content or "location" not in content:
        return None
    return event.connection_id, service.code, content["location"], instant_of(content["start_at"])


@dataclass(slots=True)
class Others:
    """What was read for a batch, kept up to date with what the batch decides (E6)."""

    wanted: dict[str, Sought] = field(default_factory=dict)
    of_incident: dict[str, list[Other]] = field(default_factory=dict)
    of_hour: dict[Hour, dict[str, Other]] = field(default_factory=dict)
    along: dict[str, dict[Id, None]] = field(default_factory=dict)

    def asked_along(self, incidents: Sequence[str]) -> tuple[Id, ...]:
        """Who is just being asked about a visit of these incidents."""
        return tuple(sorted({who for incident in incidents for who in self.along.get(incident, {})}))

    def of(self, subject: str) -> tuple[Other, ...]:
        """The other visits that one subject's decisions may know, in their order."""
        wanted = self.wanted.get(subject)
        if wanted is None:
            return ()
        found = self.of_incident.get(subject, [])
        if wanted.hour is not None:
            found = [o for o in self.of_hour.get(wanted.hour, {}).values() if o.appointment_id != subject]
        return tuple(sorted(found, key=lambda o: (o.start_at, o.appointment_id, o.role)))

    def decided(self, state: State, asks: Sequence[Ask]) -> None:
        """What this batch asked is asked along; a visit of it may be one of a group that a later decision looks at."""
        cases = {c.case_id: c for c in state.cases} if asks else {}
        for ask in asks:
            if ask.open and ask.purpose == "cover" and (incident := cases[ask.case_id].incident_id) is not None:
                self.along.setdefault(incident, {})[ask.person_id] = None
        if state.appointment is not None and self.of_hour:
            self._moved(state.appointment)

    def _moved(self, visit: Appointment) -> None:
        for there in self.of_hour.values():
            there.pop(visit.appointment_id, None)
        there = self.of_hour.get((visit.source, visit.service, visit.location, visit.start_at), {})
        if visit.active and visit.timed:
            there[visit.appointment_id] = in_short(visit)


def incidents_of(state: State) -> list[str]:
    """The incidents for which this visit seeks somebody, and whose questions leave together."""
    return [
        c.incident_id for c in state.cases if c.state == "open" and c.together and c.incident_id and c.kind == "cover"
    ]


_ALONG = """
select c.incident_id, k.person_id
  from care.cases c join care.asks k on k.practice_id = c.practice_id and k.appointment_id = c.appointment_id
   and k.case_id = c.case_id
 where c.practice_id = $1 and c.incident_id = any($2) and k.purpose = 'cover' and k.state in ('pending', 'sent')
   and k.asked_at > $3
"""


async def read_others(
    connection: Connection,
    practice_id: str,
    wanted: Mapping[str, Sought | None],
    incidents: Sequence[str],
    now: datetime,
) -> Others:
    """Read the other visits that some subjects' decisions must know, and who is just being asked for `incidents`."""
    others = Others({subject: w for subject, w in wanted.items() if w is not None})
    if incidents:
        for row in await connection.fetch(_ALONG, practice_id, sorted(set(incidents)), now - TOGETHER_WITHIN):
            others.along.setdefault(row[0], {})[row[1]] = None
    for subject, w in others.wanted.items():
        if w.span is None:
            continue
        sql, whose = (_OF_STAFF, w.staff_id) if w.staff_id is not None else (_OF_SITE, w.location)
        rows = await connection.fetch(sql, practice_id, whose, *w.span, w.span[0] - _LONGEST)
        others.of_incident[subject] = [Other(*row) for row in rows]
    hours = sorted({w.hour for w in others.wanted.values() if w.hour is not None})
    if hours:
        others.of_hour = {hour: {} for hour in hours}
        for row in await connection.fetch(_OF_HOUR, practice_id, *(list(part) for part in zip(*hours, strict=True))):
            other = Other(*row[1:])
            others.of_hour[row[0], other.service, other.location, other.start_at][other.appointment_id] = other
    return others


def people_of(state: State, events: Sequence[Observation], directory: Directory) -> set[str]:
    """Who must be told of an incident: whoever it is about, and everybody who may be at a site that closes."""
    found: set[str] = set()
    for incident in (state.incident, *(e for e in events if isinstance(e, Announced))):
        if incident is None:
            continue
        if incident.staff_id is not None:
            found.add(incident.staff_id)
        elif incident.location is not None:
            found |= set(directory.staff)
    return found


async def proposed_of(connection: Connection, practice_id: str, contact_id: str) -> tuple[str, bool] | None:
    """What somebody announced over a contact and did not confirm yet, the newest, and whether anything was asked there
    since: a bare answer may mean that then (D5, D26). Under `caredispatch_intake`."""
    row = await connection.fetchrow(
        "select i.incident_id, exists (select from care.asks k where k.practice_id = $1 and k.contact_id = $2 "
        "and k.state in ('pending', 'sent') and k.purpose <> 'inform_staff' and k.asked_at > i.at) "
        "from care.incidents i where i.practice_id = $1 and i.contact_id = $2 and i.state = 'proposed' "
        "order by i.at desc limit 1",
        practice_id,
        contact_id,
    )
    return (row[0], row[1]) if row else None


async def soon_of(connection: Connection, practice_id: str, person_id: str, now: datetime) -> list[str]:
    """A patient's visits that begin about now (D13): from an hour ago to three hours ahead, and did not begin. Under
    `caredispatch_intake`."""
    rows = await connection.fetch(
        "select a.appointment_id from care.participants p join care.appointments a using (practice_id, appointment_id) "
        "where p.practice_id = $1 and p.actor_id = $2 and p.role = 'patient' and a.status in ('pending', 'booked') "
        "and a.start_at > $3::timestamptz - interval '1 hour' and a.start_at < $3 + interval '3 hours'",
        practice_id,
        person_id,
        now,
    )
    return [row[0] for row in rows]
