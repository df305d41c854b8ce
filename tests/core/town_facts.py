"""What the store would read for a decision (`store/factual.py`), worked out from the states of a whole town."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from caredispatch.core.asking import TOGETHER_WITHIN
from caredispatch.core.content import instant_text
from caredispatch.core.draft import Decision, Policy
from caredispatch.core.facts import Busy, ContactFacts, Facts, Other, PatientFacts, Sought, Waiting, in_short
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Announced, AppointmentSeen, Observation, Passed, Requested
from caredispatch.core.records import PROVIDER, Appointment, Ask, Incident, Leave, Occupation, Option, State
from caredispatch.core.undoing import done_of
from caredispatch.core.windows import zone

SOMEBODY = PatientFacts(tags=("adult",), state="IL", no_shows_90d=0, late_cancels_90d=0)
LATE_CANCEL = timedelta(hours=24)


class Known(Protocol):
    """What of a town the facts are made of."""

    now: datetime
    policy: Policy
    states: dict[Id, State]
    taken: dict[Id, dict[Id, Occupation]]
    visits_of: dict[Id, dict[Id, None]]
    open_asks: dict[Id, dict[Id, Ask]]
    offered_at: dict[str, datetime]
    counters: dict[tuple[str, str, str], int]
    patients: dict[Id, PatientFacts]
    contacts: dict[str, tuple[ContactFacts, ...]]
    leaves: dict[Id, Leave]
    external: dict[str, tuple[Busy, ...]]
    together: dict[tuple[str, str], int]
    acts: dict[Id, list[tuple[Acted, State, Decision, datetime]]]


def facts_of(town: Known, subject: Id, event: Observation) -> Facts:
    """The facts of a decision about one subject, made now."""
    state = town.states.get(subject, State())
    visit = state.appointment
    patient_id = _patient_of(visit, event)
    day, week = _periods(town)
    return Facts(
        patient=_patient(town, patient_id),
        contacts=_contacts(town, day, week),
        busy=_busy(town),
        visits_together=_together(town, visit, patient_id),
        load_minutes=_minutes(town, visit, timedelta(days=1)),
        asks_made=_counted(town, {("asks_day", day), ("asks_week", week)}),
        reminders_made=_counted(town, {("reminders_week", week)}),
        next_number={who: 1 + max(a.number for a in asks.values()) for who, asks in town.open_asks.items() if asks},
        settling=_settling(town, subject, patient_id, _source(visit, event)),
        successor=_rebooked(town, state) or _successor(town, visit),
        followed_up=_followed_up(town, state, event),
        waiting=_waiting(town) if _fills(visit, event) else (),
        sought=_sought(town, visit, event) if _fills(visit, event) else (),
        others=_others(town, state, event) + _displaceable(town, state),
        along=_along(town, state),
        offered_at=dict(town.offered_at),
        week_minutes=_minutes(town, visit, timedelta(days=7)),
        done=done_of(town.acts.get(subject, ())) if isinstance(event, Acted) and event.act == "undo" else None,
    )


def _periods(town: Known) -> tuple[str, str]:
    """The running day and week of the limits, by the first site's clock, as the engine counts."""
    today = town.now.astimezone(zone(town.policy.directory, next(iter(town.policy.directory.locations)))).date()
    week = today.isocalendar()
    return today.isoformat(), f"{week.year}-W{week.week:02d}"


def _counted(town: Known, wanted: set[tuple[str, str]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (who, what, period), n in town.counters.items():
        if (what, period) in wanted:
            found[who] = found.get(who, 0) + n
    return found


def _patient_of(visit: Appointment | None, event: Observation) -> Id | None:
    match event:
        case AppointmentSeen(content=content) if "patient" in content:
            return Id(content["patient"])
        case Requested(patient_id=patient_id):
            return patient_id
        case Passed(patient_id=patient_id) if patient_id is not None:
            return patient_id
        case _:
            return visit.patient_id if visit else None


def _patient(town: Known, patient_id: Id | None) -> PatientFacts | None:
    """What is known of a patient, with the visits here that they missed or cancelled late themselves."""
    if patient_id is None:
        return None
    facts = town.patients.get(patient_id, SOMEBODY)
    visits = _visits(town, town.visits_of.get(patient_id, ()))
    own = [v for v in visits if v.initiator != "practice" and town.now - timedelta(days=90) <= v.start_at <= town.now]
    missed = sum(v.status == "noshow" for v in own)
    late = sum(v.cancelled_at is not None and v.start_at - v.cancelled_at < LATE_CANCEL for v in own)
    if facts.no_shows_90d is not None and missed:
        facts = replace(facts, no_shows_90d=facts.no_shows_90d + missed)
    if facts.late_cancels_90d is not None and late:
        facts = replace(facts, late_cancels_90d=facts.late_cancels_90d + late)
    return facts


def _visits(town: Known, subjects: Iterable[Id]) -> list[Appointment]:
    return [v for s in subjects if (v := town.states[s].appointment) is not None]


def _contacts(town: Known, day: str, week: str) -> Mapping[str, tuple[ContactFacts, ...]]:
    texted = {who for who, what, period in town.counters if (what, period) == ("texts_week", week)}
    found = dict(town.contacts)
    for person, known in town.contacts.items() if texted else ():
        if any(c.contact_id in texted for c in known):
            found[person] = tuple(
                replace(
                    c,
                    texts_today=town.counters.get((c.contact_id, "texts_day", day), 0),
                    texts_this_week=town.counters.get((c.contact_id, "texts_week", week), 0),
                )
                for c in known
            )
    return found


def _busy(town: Known) -> dict[str, tuple[Busy, ...]]:
    found: dict[str, list[Busy]] = {who: list(blocks) for who, blocks in town.external.items()}
    for resource, rows in town.taken.items():
        for o in rows.values():
            visit = town.states[o.appointment_id].appointment
            there = visit is not None and any(p.actor_id == resource for p in visit.participants)
            source = visit.source if visit is not None and there else None
            slot = visit is not None and visit.is_slot
            busy = Busy(o.start_at, o.end_at, "booked", o.appointment_id, o.session_id, source, slot)
            found.setdefault(resource, []).append(busy)
    for leave in town.leaves.values():
        found.setdefault(leave.staff_id, []).append(Busy(leave.start_at, leave.end_at, "leave"))
    return {
        who: tuple(sorted(rows, key=lambda b: (b.start_at, b.end_at, b.session_id or "")))
        for who, rows in found.items()
    }


def _minutes(town: Known, visit: Appointment | None, span: timedelta) -> dict[str, int]:
    """How long each member of staff is taken on the visit's day, or in its week (from Monday), by its site's clock."""
    if visit is None:
        return {}
    local = visit.start_at.astimezone(zone(town.policy.directory, visit.location))
    begin = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if span > timedelta(days=1):
        begin -= timedelta(days=begin.weekday())
    found: dict[str, int] = {}
    for who in town.policy.directory.staff:
        rows = town.taken.get(Id(who), {}).values()
        there = [r for r in rows if begin <= r.start_at < begin + span]
        if there:
            found[who] = sum(int((r.end_at - r.start_at).total_seconds()) // 60 for r in there)
    return found


def _source(visit: Appointment | None, event: Observation) -> str | None:
    if visit is not None:
        return visit.source if visit.settle_at is not None else None
    return event.connection_id if isinstance(event, AppointmentSeen) else None


def _settling(town: Known, subject: Id, patient_id: Id | None, source: str | None) -> tuple[Id, ...]:
    """The patient's visits of this source whose cancellation settles, and that no other took the place of."""
    if source is None or patient_id is None:
        return ()
    mine = _visits(town, town.visits_of.get(patient_id, ()))
    replaced = {v.rescheduled_from for v in mine}
    found = [v for v in mine if v.settle_at is not None and v.source == source and v.appointment_id != subject]
    found = [v for v in found if v.appointment_id not in replaced]
    return tuple(v.appointment_id for v in sorted(found, key=lambda v: (str(v.cancelled_at), v.appointment_id)))


def _successor(town: Known, visit: Appointment | None) -> Id | None:
    """The visit that took this one's place (D9): named as such, or booked while this one was being cancelled."""
    if visit is None or visit.settle_at is None or visit.patient_id is None or visit.cancelled_at is None:
        return None
    settle = timedelta(minutes=town.policy.playbook.settle_minutes)
    mine = [v for v in _visits(town, town.visits_of[visit.patient_id]) if v.source == visit.source]
    there = [v for v in mine if v.status in ("booked", "pending", "proposed")]
    named = [v for v in there if v.rescheduled_from == visit.appointment_id]
    if named:
        return min(named, key=lambda v: v.created_at).appointment_id
    since = visit.cancelled_at - settle
    fresh = [v for v in there if v.rescheduled_from is None and since <= v.created_at <= town.now]
    earlier = [
        v
        for v in mine
        if v.cancelled_at is not None
        and v.cancelled_at >= since
        and (v.cancelled_at, v.appointment_id) < (visit.cancelled_at, visit.appointment_id)
        and not any(r.rescheduled_from == v.appointment_id for r in mine)
    ]
    ordered = sorted(fresh, key=lambda v: (v.created_at, v.appointment_id))
    return ordered[len(earlier)].appointment_id if len(ordered) > len(earlier) else None


def _rebooked(town: Known, state: State) -> Id | None:
    """The visit of the same service that a patient who is brought back has booked since."""
    visit = state.appointment
    if visit is None or visit.patient_id is None:
        return None
    if not any(c.kind == "follow_up" and c.state == "open" for c in state.cases):
        return None
    since = visit.cancelled_at or visit.start_at
    found = [
        v
        for v in _visits(town, town.visits_of[visit.patient_id])
        if v.service == visit.service and v.status == "booked" and v.created_at > since
    ]
    return min(found, key=lambda v: (v.created_at, v.appointment_id)).appointment_id if found else None


def _followed_up(town: Known, state: State, event: Observation) -> tuple[Id, ...]:
    """The visits for which the patient of a new one is being brought back."""
    if state.appointment is not None or not isinstance(event, AppointmentSeen):
        return ()
    wanted = event.content.get("patient"), event.content.get("service")
    found = [
        v.appointment_id
        for other in town.states.values()
        if (v := other.appointment) is not None and (v.patient_id, v.service) == wanted
        if any(c.kind == "follow_up" and c.state == "open" for c in other.cases)
    ]
    return tuple(sorted(found))


def _displaceable(town: Known, state: State) -> tuple[Other, ...]:
    """The visits of services that may be displaced, while an add-on is on."""
    visit = state.appointment
    if visit is None or visit.request is None or visit.timed or not visit.request.urgent:
        return ()
    able = [v for v in _visits(town, town.states) if town.policy.playbook.service(v.service).displaceable]
    ahead = [v for v in able if v.timed and town.now < v.start_at < visit.request.until]
    return tuple(_other(v, PROVIDER) for v in ahead if v.status in ("booked", "pending", "proposed"))


def _fills(visit: Appointment | None, event: Observation) -> bool:
    return (visit is not None and visit.is_slot) or (isinstance(event, Passed) and event.word == "open_slot")


def _together(town: Known, visit: Appointment | None, patient_id: Id | None) -> dict[str, int]:
    """Visits of the patient with each member of staff; of a slot's provider with each patient."""
    if visit is not None and visit.is_slot:
        return {patient: n for (patient, who), n in town.together.items() if who == visit.actor(PROVIDER)}
    return {who: n for (patient, who), n in town.together.items() if patient == patient_id}


def _waiting(town: Known) -> tuple[Waiting, ...]:
    """Everybody on the waitlist, the longest waiting first, and who has a later visit but would rather come earlier."""
    found: list[Waiting] = []
    for subject, state in town.states.items():
        visit = state.appointment
        if visit is None or visit.request is None or visit.patient_id is None:
            continue
        later = visit if visit.status == "booked" and visit.request.origin == "waitlist" else None
        if visit.status != "waitlist" and later is None:
            continue
        if visit.request.instead_of is not None:
            later = town.states[visit.request.instead_of].appointment
        patient = _patient(town, visit.patient_id) or SOMEBODY
        offered = _offers(town, subject, visit.patient_id)
        at = later.start_at if later is not None else None
        entry = Waiting(subject, visit.patient_id, visit.service, visit.location, visit.request, patient, offered, at)
        found.append(entry)
    return tuple(sorted(found, key=lambda w: (w.request.since, w.appointment_id)))


def _sought(town: Known, visit: Appointment | None, event: Observation) -> tuple[Sought, ...]:
    """The visits during a slot's time for which cover is being found."""
    span = visit if visit is not None else event.option if isinstance(event, Passed) else None
    if span is None:
        return ()
    found = [
        Sought(other, case, _patient(town, other.patient_id))
        for state in town.states.values()
        if (other := state.appointment) is not None and other.start_at < span.end_at and span.start_at < other.end_at
        for case in state.cases
        if case.kind == "cover" and case.state == "open" and case.phase == "asking"
        if not any(a.case_id == case.case_id and a.person_id == _provider(span) for a in state.asks)
    ]
    return tuple(sorted(found, key=lambda s: (s.appointment.start_at, s.case.case_id)))


def _provider(span: Appointment | Option) -> Id | None:
    return span.provider_id if isinstance(span, Option) else span.actor(PROVIDER)


def _offers(town: Known, entry: Id, patient_id: Id) -> int:
    asks = (a for state in town.states.values() for a in state.asks if a.purpose == "offer_slot")
    return sum(a.person_id == patient_id and a.options[0].displaces == entry for a in asks)


def _along(town: Known, state: State) -> tuple[Id, ...]:
    """Who is just being asked about another visit of an incident for which this one seeks somebody (E18)."""
    mine = {c.incident_id for c in state.cases if c.together and c.state == "open" and c.incident_id is not None}
    found: dict[Id, None] = {}
    for other in town.states.values() if mine else ():
        cases = {c.case_id for c in other.cases if c.incident_id in mine}
        for ask in other.asks:
            if ask.case_id in cases and ask.open and ask.asked_at > town.now - TOGETHER_WITHIN:
                found[ask.person_id] = None
    return tuple(sorted(found))


def _others(town: Known, state: State, event: Observation) -> tuple[Other, ...]:
    """The visits that an incident hits or hit, or that share this one's session or series."""
    incident = state.incident or (event if isinstance(event, Announced) else None)
    visits = _visits(town, town.states)
    if incident is not None:
        known = set(incident.visits) if isinstance(incident, Incident) else set()
        found = [(v, _hit_role(v, incident)) for v in visits if v.timed]
        hit = [
            _other(v, role or "") for v, role in found if v.appointment_id in known or (v.active and role is not None)
        ]
    elif isinstance(event, AppointmentSeen):
        hit = [_other(v, "") for v in visits if v.appointment_id != _id(state) and _same_hour(v, event)]
    elif state.appointment is not None:
        this = state.appointment
        hit = [
            _other(v, "")
            for v in visits
            if v.appointment_id != this.appointment_id
            and (v.session_id == this.session_id or (this.series_id is not None and v.series_id == this.series_id))
        ]
    else:
        hit = []
    return tuple(sorted(hit, key=lambda o: (o.start_at, o.appointment_id)))


def _id(state: State) -> Id | None:
    return state.appointment.appointment_id if state.appointment else None


def _same_hour(visit: Appointment, event: AppointmentSeen) -> bool:
    """Whether a visit may be of the same group as one that is seen (D1)."""
    wanted = tuple(event.content.get(key) for key in ("service", "location", "start_at"))
    there = visit.service, visit.location, instant_text(visit.start_at)
    return visit.active and visit.source == event.connection_id and there == wanted


def _hit_role(visit: Appointment, incident: Incident | Announced) -> str | None:
    """The role that an incident takes from a visit, `location` for one of a closed site; None: it is not hit."""
    if visit.end_at <= incident.start_at or visit.start_at >= incident.end_at:
        return None
    if incident.location is not None:
        return "location" if visit.location == incident.location else None
    staff = (p.role for p in visit.participants if p.kind == "staff" and p.actor_id == incident.staff_id)
    return next(staff, None)


def _other(visit: Appointment, role: str) -> Other:
    staff = next((p for p in visit.participants if p.kind == "staff" and role in ("", "location", p.role)), None)
    named = "" if role == "location" else role or (staff.role if staff else "")
    return in_short(visit, named, staff.actor_id if staff else None)
