"""What must be read to decide some events on a state: of whom, and at which times. Values in, values out; the reading
is `factual`'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caredispatch.core.content import instant_of
from caredispatch.core.draft import Policy
from caredispatch.core.observation import Acted, AppointmentSeen, Hit, Observation, Passed, Requested
from caredispatch.core.playbook import AskStep
from caredispatch.core.records import PATIENT, Case, Option, State
from caredispatch.core.watching import may_seek
from caredispatch.store.done import moved_spans, rooms_for
from caredispatch.store.fairness import needs_order
from caredispatch.store.horizon import AROUND, Ahead, ahead_of
from caredispatch.store.others import Sought, incidents_of, people_of, sought
from caredispatch.store.waiting import Span, span_of

REACHABLE = timedelta(days=2)


@dataclass(slots=True)
class Need:
    """What one subject's decisions may ask about: people (staff and patient), resources with the times that matter, and
    whether everyone's load and history count (somebody must be found)."""

    people: set[str] = field(default_factory=set)
    spans: list[tuple[str, datetime, datetime]] = field(default_factory=list)
    patient_id: str | None = None
    pool: bool = False
    settle_source: str | None = None
    settles: bool = False
    turns: bool = False
    others: Sought | None = None
    incidents: list[str] = field(default_factory=list)
    slot: Span | None = None
    ahead: Ahead | None = None
    undo: bool = False


def needs(state: State, events: Sequence[Observation], policy: Policy, now: datetime) -> Need:
    """What must be read to decide these events on this state."""
    need = Need(people=people_of(state, events, policy.directory), others=sought(state, events, policy.directory))
    need.incidents = incidents_of(state)
    spans = _of_visit(need, state, events, policy, now) + _of_slot(need, state, events)
    spans += _of_copies(need, state, events)
    if _is_safety(state, events):
        need.people |= _named(policy, policy.playbook.clinician) | _named(policy, policy.playbook.last_owner)
    need.undo = any(isinstance(e, Acted) and e.act == "undo" for e in events)
    spans += moved_spans(events)
    need.ahead = ahead_of(state, events, policy, now)
    if need.ahead is not None:
        need.people |= {*need.ahead.resources}
        need.patient_id = need.patient_id or need.ahead.patient_id
        need.pool = need.pool or need.ahead.pool
    if need.pool:
        need.people |= set(policy.directory.staff)
    need.people |= rooms_for(state, events, policy.directory)
    need.spans = [(who, begin, end) for who in sorted(need.people) for begin, end in spans]
    need.spans += need.ahead.spans if need.ahead else []
    need.spans += [(who, now, now + REACHABLE) for who in _whose_minutes_count(state, policy)]
    return need


def place_of(state: State, event: Observation) -> str:
    """The site by whose clock a decision counts (D21): the visit's, or the one where it is to be; none: empty."""
    if state.appointment is not None:
        return state.appointment.location
    match event:
        case AppointmentSeen(content=content):
            return content.get("location", "")
        case Requested(location=location) | Passed(option=Option(location=location)):
            return location
        case _:
            return ""


Times = list[tuple[datetime, datetime]]


def _of_visit(need: Need, state: State, events: Sequence[Observation], policy: Policy, now: datetime) -> Times:
    """Whoever is on the visit or was asked about it, at its time; everybody where somebody is, or may be, sought."""
    visit = state.appointment
    if visit is None:
        return []
    need.people |= {p.actor_id for p in visit.participants if p.actor_id is not None}
    need.people |= {a.person_id for a in state.asks}
    need.people |= {e.lost_id for e in events if isinstance(e, Hit) and e.lost_id is not None}
    need.patient_id = visit.patient_id
    covering = any(c.kind == "cover" and c.state in ("open", "handed") for c in state.cases)
    by_hand = any(e.kind == "acted" for e in events)
    need.pool = covering or by_hand or may_seek(state, policy.playbook, now)
    need.turns = needs_order(state)
    need.settles = visit.settle_at is not None
    need.settle_source = visit.source if need.settles else None
    return [(visit.start_at - AROUND, visit.end_at + AROUND)]


def _of_slot(need: Need, state: State, events: Sequence[Observation]) -> Times:
    need.slot = span_of(state, events)
    if need.slot is None:
        return []
    need.people |= {*need.slot.resources}
    return [(need.slot.start_at - AROUND, need.slot.end_at + AROUND)]


def _of_copies(need: Need, state: State, events: Sequence[Observation]) -> Times:
    """Whoever the copies name that were seen, at their times."""
    spans: Times = []
    for event in events:
        if isinstance(event, AppointmentSeen) and "start_at" in event.content and "end_at" in event.content:
            content = event.content
            need.people |= {v for k, v in content.items() if k == PATIENT or k.startswith("actor.")}
            need.patient_id = content.get("patient", need.patient_id)
            if state.appointment is None:
                need.settle_source = event.connection_id
            spans.append((instant_of(content["start_at"]) - AROUND, instant_of(content["end_at"]) + AROUND))
    return spans


def _is_safety(state: State, events: Sequence[Observation]) -> bool:
    """Whether somebody's words may mean danger, or did and nobody has them yet (D23)."""
    open_one = any(e.kind == "safety" and e.state == "open" for e in state.exceptions)
    return open_one or any(getattr(e, "label", None) == "crisis" for e in events)


def _named(policy: Policy, name: str) -> set[str]:
    """Who stands behind a name of the playbook."""
    found = (policy.directory.by_handle(handle) for handle in policy.playbook.people.get(name, ()))
    return {staff.staff_id for staff in found if staff is not None}


def _whose_minutes_count(state: State, policy: Policy) -> list[str]:
    """Whoever may be given a window of minutes in which they can look (D16), from now on: who is asked whether they
    confirm, and everybody where cover is found by such a step, or by a later one when this has nobody left to ask."""
    found: set[str] = set()
    participants = state.appointment.participants if state.appointment else ()
    for case in state.cases:
        if case.state == "open" and case.kind == "cover" and _has_reachable_window(case, policy):
            found |= set(policy.directory.staff)
        elif case.state == "open" and case.kind == "confirm" and case.role != PATIENT and case.text is None:
            found |= {p.actor_id for p in participants if p.kind == "staff" and p.actor_id}
    return sorted(found)


def _has_reachable_window(case: Case, policy: Policy) -> bool:
    path = policy.of(case).paths.get(case.path)
    steps = path.steps[case.step :] if path else ()
    return any(isinstance(step, AskStep) and step.window.kind == "reachable" for step in steps)
