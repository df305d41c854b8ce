"""Who can take a visit: named predicates that answer yes, no or unknown (D6), each reason true by the same predicate,
and the ranking in which everyone appears. Scores are integers (E15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from caredispatch.core.facts import Directory, Facts, Staff
from caredispatch.core.payers import Verdict, is_authorised, on_panel
from caredispatch.core.playbook import Preference
from caredispatch.core.records import Appointment, Case
from caredispatch.core.windows import minute_of_day, zone

_NEWEST = date.max.toordinal()


@dataclass(frozen=True)
class Question:
    """One visit that needs somebody, and all that may be known for it."""

    appointment: Appointment
    case: Case
    facts: Facts
    directory: Directory

    @cached_property
    def day(self) -> date:
        """The visit's day by its site's clock: asked for every person."""
        return self.appointment.start_at.astimezone(zone(self.directory, self.appointment.location)).date()


@dataclass(frozen=True)
class Candidate:
    """One person's place in the ranking: eligible or not, why not, and the parts of the score."""

    staff_id: str
    handle: str
    eligible: Verdict
    reasons: tuple[str, ...]
    score: int
    parts: Mapping[str, int]


def _role(q: Question, s: Staff) -> Verdict:
    service = q.directory.services.get(q.appointment.service)
    if service is None:
        return "unknown"
    return "yes" if service.needs_role in s.roles else "no"


def _skill(q: Question, s: Staff) -> Verdict:
    service = q.directory.services.get(q.appointment.service)
    if service is None:
        return "unknown"
    return "yes" if all(skill in s.skills for skill in service.needs_skills) else "no"


def _care_plan(q: Question, s: Staff) -> Verdict:
    if q.case.pool != "same_care_plan":
        return "yes"
    if q.facts.patient is None or not q.facts.patient.tags:
        return "unknown"
    return "yes" if all(tag in s.tags for tag in q.facts.patient.tags) else "no"


def _not_lost(q: Question, s: Staff) -> Verdict:
    return "no" if s.staff_id == q.case.lost_id else "yes"


def _not_on_visit(q: Question, s: Staff) -> Verdict:
    """Nobody fills two roles of one visit."""
    return (
        "no" if any(p.actor_id == s.staff_id and p.role != q.case.role for p in q.appointment.participants) else "yes"
    )


def _not_excluded(q: Question, s: Staff) -> Verdict:
    if q.facts.patient is None:
        return "unknown"
    return "no" if s.staff_id in q.facts.patient.excluded_staff else "yes"


def _employed(q: Question, s: Staff) -> Verdict:
    return "no" if s.leaves_on is not None and q.day >= s.leaves_on else "yes"


def _modality(q: Question, s: Staff) -> Verdict:
    return "no" if q.appointment.modality == "video" and not s.video else "yes"


def _licence(q: Question, s: Staff) -> Verdict:
    """Licensed where the patient is that day (D4): the site's state in person, the patient's own otherwise."""
    location = q.directory.locations.get(q.appointment.location)
    if location is None:
        return "unknown"
    state: str | None = location.state
    if q.appointment.modality != "in_person":
        state = q.facts.patient.state if q.facts.patient else None
    if state is None:
        return "unknown"
    until = s.licences.get(state)
    return "yes" if until is not None and q.day.isoformat() <= until else "no"


def _panel(q: Question, s: Staff) -> Verdict:
    """Panelled with the patient's payer that day (D6)."""
    return on_panel(q.facts.payers, q.facts.patient.payer if q.facts.patient else None, s.staff_id, q.day)


def _authorisation(q: Question, s: Staff) -> Verdict:
    """Whether the payer still lets the patient have this service that day (D6): the same for everybody."""
    known = q.facts.patient
    own = known.authorisations if known else ()
    return is_authorised(q.facts.payers, known.payer if known else None, own, q.appointment.service, q.day)


def _hours(q: Question, s: Staff) -> Verdict:
    """On duty for the whole visit, at that site unless it is by video or phone."""
    tz = zone(q.directory, q.appointment.location)
    begin, end = q.appointment.start_at.astimezone(tz), q.appointment.end_at.astimezone(tz)
    first, last = minute_of_day(begin), minute_of_day(end)
    if begin.date() == end.date():
        spans = [(begin.weekday(), first, last)]
    else:
        spans = [(begin.weekday(), first, 24 * 60), (end.weekday(), 0, last)]
    anywhere = q.appointment.modality != "in_person"
    there = [h for h in s.hours if anywhere or h.location == q.appointment.location]
    for day, since, until in spans:
        if since < until and not any(h.weekday == day and h.begin <= since and until <= h.end for h in there):
            return "no"
    return "yes"


def _free(q: Question, s: Staff, kinds: tuple[str, ...]) -> Verdict:
    service = q.directory.services.get(q.appointment.service)
    before = timedelta(minutes=service.buffer_before if service else 0)
    after = timedelta(minutes=service.buffer_after if service else 0)
    begin, end = q.appointment.start_at - before, q.appointment.end_at + after
    for busy in q.facts.busy.get(s.staff_id, ()):
        own = busy.session_id is not None and busy.session_id == q.appointment.session_id
        if busy.kind in kinds and not own and busy.start_at < end and begin < busy.end_at:
            return "no"
    return "yes"


def _calendar(q: Question, s: Staff) -> Verdict:
    """What the connected calendars said when they were asked for this case. Not asked yet is no obstacle."""
    said = [q.case.checked.get(f"{system}:{s.staff_id}") for system in sorted(q.directory.systems)]
    if "busy" in said:
        return "no"
    return "unknown" if "unknown" in said else "yes"


PREDICATES: Mapping[str, Callable[[Question, Staff], Verdict]] = {
    "lost": _not_lost,
    "on_visit": _not_on_visit,
    "role": _role,
    "skill": _skill,
    "care_plan": _care_plan,
    "excluded": _not_excluded,
    "left": _employed,
    "modality": _modality,
    "licence": _licence,
    "panel": _panel,
    "authorisation": _authorisation,
    "hours": _hours,
    "leave": lambda q, s: _free(q, s, ("leave",)),
    "booked": lambda q, s: _free(q, s, ("booked", "external")),
    "calendar": _calendar,
}


def judge(question: Question, staff: Staff) -> tuple[Verdict, tuple[str, ...]]:
    """Whether somebody may take the visit, and every predicate that says no (`name`) or is not known (`name?`)."""
    reasons: list[str] = []
    for name, predicate in PREDICATES.items():
        verdict = predicate(question, staff)
        if verdict != "yes":
            reasons.append(name if verdict == "no" else f"{name}?")
    if any(not reason.endswith("?") for reason in reasons):
        return "no", tuple(reasons)
    return ("unknown" if reasons else "yes"), tuple(reasons)


def _parts(question: Question, staff: Staff) -> dict[Preference, int]:
    tags = question.facts.patient.tags if question.facts.patient else ()
    at_site = any(h.location == question.appointment.location for h in staff.hours)
    return {
        "continuity": min(question.facts.visits_together.get(staff.staff_id, 0), 10),
        "care_plan": sum(tag in staff.tags for tag in tags),
        "location": int(at_site),
        "load": -(question.facts.load_minutes.get(staff.staff_id, 0) // 60),
    }


def rank(question: Question) -> tuple[Candidate, ...]:
    """Everyone, best first: eligible before unknown before not; then by weighted score, or whose turn it is where law
    or contract says so (D30); ties by handle."""
    found: list[tuple[tuple[int, ...], Candidate]] = []
    for staff in question.directory.staff.values():
        verdict, reasons = judge(question, staff)
        parts = _parts(question, staff)
        score = sum(parts[name] * question.case.prefer.get(name, 0) for name in parts)
        named = {str(name): part for name, part in parts.items()}
        turn = (-score,) if question.case.ordering == "rank" else whose_turn(question, staff)
        found.append((turn, Candidate(staff.staff_id, staff.handle, verdict, reasons, score, named)))
    order = {"yes": 0, "unknown": 1, "no": 2}
    return tuple(c for _, c in sorted(found, key=lambda f: (order[f[1].eligible], f[0], f[1].handle)))


def whose_turn(question: Question, staff: Staff) -> tuple[int, ...]:
    """Where somebody stands in an order that law or contract demands (D30): the least is asked first. Who has no first
    day on record counts as the newest."""
    service_began = staff.since.toordinal() if staff.since else _NEWEST
    offered = question.facts.offered_at.get(staff.staff_id)
    match question.case.ordering:
        case "rotation":
            return int(offered.timestamp()) if offered else 0, service_began
        case "least_hours":
            return question.facts.week_minutes.get(staff.staff_id, 0), service_began
        case "mandate":
            return (0, service_began) if staff.volunteers else (1, -service_began)
        case _:
            return (service_began,)
