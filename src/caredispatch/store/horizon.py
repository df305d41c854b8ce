"""What a search for times must know (D15): whose time is taken how far ahead, which visits may give way to an add-on,
and whether a patient who is brought back has booked anew (D11, D13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Other
from caredispatch.core.fitting import HORIZON, bounds
from caredispatch.core.ids import Id, site_id
from caredispatch.core.observation import AppointmentSeen, Observation, Passed, Reported, Requested
from caredispatch.core.playbook import AskStep
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Case, State
from caredispatch.store.pools import Connection

AROUND = timedelta(minutes=60)
_SEARCHES = ("due", "answered", "busy_seen", "acted", "passed")


@dataclass(frozen=True, slots=True)
class Ahead:
    """What one subject's decisions look ahead at. `resources` are people and rooms, between two instants (None: only
    the people themselves matter); `giving_way` are services whose visits may be displaced until `end`; `missed` is
    since when the patient may have booked the service anew; `fresh`: this is such a booking, perhaps."""

    patient_id: str | None = None
    resources: tuple[str, ...] = ()
    begin: datetime | None = None
    end: datetime | None = None
    pool: bool = False
    giving_way: tuple[str, ...] = ()
    service: str = ""
    missed: datetime | None = None
    fresh: bool = False

    @property
    def spans(self) -> list[tuple[str, datetime, datetime]]:
        """Whose time is read, from when to when."""
        if self.begin is None or self.end is None:
            return []
        return [(who, self.begin, self.end) for who in self.resources]


def ahead_of(state: State, events: Sequence[Observation], policy: Policy, now: datetime) -> Ahead | None:
    """How far the decisions of these events on this state look ahead; None: they don't."""
    visit = state.appointment
    if visit is None:
        return next((found for e in events if (found := _new(e, policy)) is not None), None)
    searching = [c for c in state.cases if c.state in ("open", "handed") and _offers(c, policy)]
    if not searching or not any(_may_search(e) for e in events):
        return None
    followed = any(c.kind == "follow_up" for c in searching)
    begin, end = bounds(visit.request, now) if visit.request else (now, now + HORIZON + AROUND)
    urgent = visit.request is not None and visit.request.urgent and not visit.timed
    services = policy.playbook.services.items()
    return Ahead(
        patient_id=visit.patient_id,
        resources=_resources(visit, policy),
        begin=begin - AROUND,
        end=end + AROUND,
        pool=True,
        giving_way=tuple(code for code, p in services if p.displaceable and not p.must_not_miss) if urgent else (),
        service=visit.service,
        missed=(visit.cancelled_at or visit.start_at) if followed and not visit.active else None,
    )


def _offers(case: Case, policy: Policy) -> bool:
    """Whether a case may offer times: what it is for, or a step of its path that does (D17)."""
    if case.kind in ("place", "follow_up") or case.phase == "by_video":
        return True
    path = policy.of(case).paths.get(case.path)
    return path is not None and any(isinstance(s, AskStep) and s.offer is not None for s in path.steps)


def _may_search(event: Observation) -> bool:
    return event.kind in _SEARCHES or (isinstance(event, Reported) and event.state == "failed")


def _resources(visit: Appointment, policy: Policy) -> tuple[str, ...]:
    """Whoever may see the patient, the patient, and the rooms and sites that the visit may be in."""
    service = policy.directory.services.get(visit.service)
    if service is None:
        return ()
    staff = [s for s in policy.directory.staff.values() if service.needs_role in s.roles]
    able = [s.staff_id for s in staff if all(skill in s.skills for skill in service.needs_skills)]
    rooms = [r.room_id for r in policy.directory.rooms.values() if r.kind == service.needs_room]
    return tuple(sorted({*able, *rooms, *_sites(policy), *([visit.patient_id] if visit.patient_id else [])}))


def _sites(policy: Policy) -> list[str]:
    return [site_id(policy.directory.practice_id, code) for code in policy.directory.locations]


def _new(event: Observation, policy: Policy) -> Ahead | None:
    """What a visit that is to be looks at: its own time, or nothing but its patient."""
    match event:
        case Passed(word="book", option=option, patient_id=patient) if option is not None and patient is not None:
            service = policy.directory.services.get(event.service)
            needed = service.needs_room if service else ""
            rooms = [r.room_id for r in policy.directory.rooms.values() if r.kind == needed]
            resources = tuple(sorted({option.provider_id, patient, *rooms, *_sites(policy)}))
            return Ahead(patient, resources, option.start_at - AROUND, option.end_at + AROUND, pool=False)
        case Requested(patient_id=patient):
            return Ahead(patient, (patient,))
        case AppointmentSeen(content=content, mode="live") if PATIENT in content:
            fresh = "start_at" in content
            return Ahead(content[PATIENT], (content[PATIENT],), service=content.get("service", ""), fresh=fresh)
        case _:
            return None


@dataclass(slots=True)
class Seen:
    """What was read for a batch, by subject."""

    giving_way: dict[str, tuple[Other, ...]] = field(default_factory=dict)
    rebooked: dict[str, Id] = field(default_factory=dict)
    followed_up: dict[str, tuple[Id, ...]] = field(default_factory=dict)


_GIVING_WAY = """
select a.appointment_id, a.session_id, a.series_id, a.service, a.location, a.modality, a.status, a.start_at, a.end_at,
       (select t.actor_id from care.participants t where t.practice_id = a.practice_id
           and t.appointment_id = a.appointment_id and t.role = 'patient'), p.role, p.actor_id
  from care.appointments a join care.participants p using (practice_id, appointment_id)
 where a.practice_id = $1 and p.role = $6 and p.actor_id = any($2) and a.service = any($3)
   and a.status in ('proposed', 'pending', 'booked') and a.start_at > $4 and a.start_at < $5 and a.settle_at is null
 order by a.start_at, a.appointment_id
"""

_REBOOKED = """
select q.subject, (select a.appointment_id
    from care.participants t join care.appointments a using (practice_id, appointment_id)
   where t.practice_id = $1 and t.actor_id = q.patient and t.role = 'patient' and a.service = q.service
     and a.status in ('pending', 'booked') and a.created_at > q.since and a.appointment_id <> q.subject
     and a.rescheduled_from is distinct from q.subject
   order by a.created_at, a.appointment_id limit 1)
  from unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as q(subject, patient, service, since)
"""

_FOLLOWED_UP = """
select q.subject, a.appointment_id
  from unnest($2::uuid[], $3::uuid[], $4::text[]) as q(subject, patient, service)
 cross join lateral (
    select a.appointment_id
      from care.participants t join care.appointments a using (practice_id, appointment_id)
     where t.practice_id = $1 and t.actor_id = q.patient and t.role = 'patient' and a.service = q.service
       and exists (select from care.cases k where k.practice_id = $1 and k.appointment_id = a.appointment_id
                    and k.kind = 'follow_up' and k.state = 'open')
    offset 0) a
 order by 1, 2
"""


async def look_ahead(
    connection: Connection, practice_id: str, wanted: Mapping[str, Ahead | None], now: datetime
) -> Seen:
    """Read what some subjects' decisions must know beside whose time is taken."""
    seen = Seen()
    ahead = {subject: one for subject, one in wanted.items() if one is not None}
    for subject, one in ahead.items():
        if one.giving_way:
            rows = await connection.fetch(
                _GIVING_WAY, practice_id, list(one.resources), list(one.giving_way), now, one.end, PROVIDER
            )
            seen.giving_way[subject] = tuple(Other(*row) for row in rows)
    missed = [(s, a.patient_id, a.service, a.missed) for s, a in ahead.items() if a.missed is not None]
    if missed:
        for row in await connection.fetch(_REBOOKED, practice_id, *(list(part) for part in zip(*missed, strict=True))):
            if row[1] is not None:
                seen.rebooked[row[0]] = row[1]
    fresh = [(s, a.patient_id, a.service) for s, a in ahead.items() if a.fresh]
    if fresh:
        for row in await connection.fetch(
            _FOLLOWED_UP, practice_id, *(list(part) for part in zip(*fresh, strict=True))
        ):
            seen.followed_up[row[0]] = (*seen.followed_up.get(row[0], ()), row[1])
    return seen
