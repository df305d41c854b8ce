"""Whom a step of a cover case asks now: eligible, reachable, under their limit, awake, and free by every connected
calendar (E1, E24). Nothing is sent to a person here; a calendar that was not asked yet is."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import TEXT_OF, along, asleep_until, contacts_of, over_limit
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Question, rank
from caredispatch.core.facts import Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.core.playbook import AskStep, Path
from caredispatch.core.records import Case, Delivery

CHECK_AT_ONCE = 5
MOST_AT_ONCE = 5
"""So many are asked at once where the time left demands it, and no more."""


def choose(draft: Draft, case: Case, path: Path, step: AskStep, wanted: int) -> tuple[list[Staff], datetime | None]:
    """Whom to ask now, and until when to wait first: for calendars, or for the end of everybody's quiet hours (E24)."""
    eligible = [s for s in _people(draft, case, step) if _askable(draft, case, s, step)]
    awake = [s for s in eligible if path.urgent or case.shadow or _quiet(draft, s, step) is None]
    if not awake and eligible:
        ends = min(end for s in eligible if (end := _quiet(draft, s, step)) is not None)
        wait_until = min(ends, draft.tell_by())
        draft.note("all_quiet", step=case.step)
        return [], wait_until if wait_until > draft.now else None
    for asleep in (s for s in eligible if s not in awake):
        draft.note("quiet", person=asleep.staff_id)
    unchecked = [s for s in awake if _unchecked(draft, case, s)]
    if any(s in unchecked for s in awake[:wanted]):
        ask_calendars(draft, draft.cases[case.case_id], [s.staff_id for s in unchecked[:CHECK_AT_ONCE]])
        return [], draft.cases[case.case_id].due_at
    return awake[:wanted], None


def as_demanded(draft: Draft, case: Case, path: Path, step: AskStep) -> int:
    """How many to ask at once where the step leaves it to the time that is left: so many that everybody who could be
    asked is, in the windows that still fit before the patient must hear (before the start, once that is over)."""
    could = sum(_askable(draft, case, s, step) for s in _people(draft, case, step))
    tell_by = draft.tell_by()
    ends = tell_by if tell_by > draft.now else draft.visit.start_at
    left = max(int((ends - draft.now).total_seconds() // 60), 0)
    window = left if step.window.kind == "until_before_start" else step.window.minutes
    windows = max(left // max(window, 1), 1)
    found = min(max(-(-could // windows), 1), MOST_AT_ONCE)
    draft.note("at_once", people=found, minutes=left)
    return found


def _people(draft: Draft, case: Case, step: AskStep) -> list[Staff]:
    """The eligible people of a step in its order: the pool by rank, a named group as the playbook lists it."""
    question = Question(draft.visit, case, draft.facts, draft.directory)
    if case.case_id not in draft.candidates:
        draft.candidates[case.case_id] = rank(question)
    yes = {c.staff_id: c for c in draft.candidates[case.case_id] if c.eligible == "yes"}
    if step.whom == "pool":
        return [draft.directory.staff[staff_id] for staff_id in yes]
    handles = draft.policy.of(case).people.get(step.whom, ())
    group = [s for s in (draft.directory.by_handle(h) for h in handles) if s is not None]
    return [s for s in group if s.staff_id in yes]


def _askable(draft: Draft, case: Case, staff: Staff, step: AskStep) -> bool:
    if any(a.person_id == staff.staff_id and a.purpose == "cover" for a in draft.asks_of(case)):
        return False
    if _asked_for_another_role(draft, case, staff):
        draft.note("asked_for_another_role", person=staff.staff_id)
        return False
    if not contacts_of(draft, staff.staff_id, step.by, TEXT_OF["cover"], "confirm"):
        draft.note("unreachable", person=staff.staff_id)
        return False
    urgent = draft.policy.of(case).paths[case.path].urgent
    if not urgent and over_limit(draft, "staff", staff.staff_id) and not along(draft, case, staff.staff_id):
        draft.note("limit_reached", person=staff.staff_id)
        return False
    return True


def _asked_for_another_role(draft: Draft, case: Case, staff: Staff) -> bool:
    """Whether somebody has the visit's other lost role before them, or has said that they take it: nobody fills two
    (D2)."""
    others = [c for c in draft.cases.values() if c.kind == "cover" and c.state == "open" and c.case_id != case.case_id]
    return any(
        a.purpose == "cover" and a.person_id == staff.staff_id and (a.open or a.stands_by or a.state == "accepted")
        for other in others
        for a in draft.asks_of(other)
    )


def _quiet(draft: Draft, staff: Staff, step: AskStep) -> datetime | None:
    return asleep_until(draft, "staff", staff.staff_id, step.by, TEXT_OF["cover"])


def _calendars(draft: Draft) -> list[str]:
    return sorted(s.connection_id for s in draft.directory.systems.values() if s.calendar)


def _unchecked(draft: Draft, case: Case, staff: Staff) -> bool:
    return any(f"{system}:{staff.staff_id}" not in case.checked for system in _calendars(draft))


def waits_no_more(draft: Draft, case: Case) -> Case:
    """The case goes on without the calendars that did not say in time: they count as unknown (D6)."""
    checked = {key: "unknown" if said == "pending" else said for key, said in case.checked.items()}
    case = replace(case, checked=checked, phase="asking")
    draft.put(case)
    return case


def ask_calendars(draft: Draft, case: Case, staff_ids: list[Id]) -> bool:
    """Ask every connected calendar about these people's time around the visit (E1): an effect, with a deadline. False
    when there is no calendar to ask."""
    systems = _calendars(draft)
    if not systems or not staff_ids:
        return False
    asked = sorted(staff_ids)
    for system in systems:
        draft.send(
            Delivery(
                practice_id=case.practice_id,
                delivery_id=make_id("busy", case.case_id, system, *asked, draft.now),
                kind="ask_system",
                ordering_key=f"busy:{system}:{case.case_id}",
                created_at=draft.now,
                appointment_id=case.appointment_id,
                connection_id=system,
                params={"case": case.case_id, "staff": ",".join(asked)},
                send_before=draft.now + timedelta(seconds=draft.playbook.busy_wait_seconds),
            )
        )
    checked = {**case.checked, **{f"{system}:{who}": "pending" for system in systems for who in asked}}
    due_at = draft.now + timedelta(seconds=draft.playbook.busy_wait_seconds)
    draft.put(replace(case, phase="checking", checked=checked, due_at=due_at))
    draft.note("calendars_asked", staff=",".join(asked), systems=",".join(systems))
    return True
