"""Watching over time: a visit that does not start (D12), one whose staffing is not sure as it comes near (D40), who
turns up after all (D13), and what a patient's word or silence sets off."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core import gaps
from caredispatch.core.asking import tell
from caredispatch.core.clearing import overtaken
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import Facts
from caredispatch.core.observation import AppointmentSeen, Observation
from caredispatch.core.playbook import ConditionName, Nothing, Playbook
from caredispatch.core.reacting import react, react_where_ruled
from caredispatch.core.records import PROVIDER, Appointment, Case, Participant, State
from caredispatch.core.routing import fact_of, holds
from caredispatch.core.unbound import CALLS_OF_A_VISIT

_STATIC: tuple[ConditionName, ...] = ("service", "location", "modality", "must_not_miss")
"""Conditions that say, before it begins, whether a visit is one to watch."""


def watch(draft: Draft, event: Observation) -> None:
    """What follows at the end of each decision about a visit."""
    _of_the_patient(draft)
    if not draft.visit.timed or draft.visit.is_slot:
        return
    _keep_up(draft, event)
    if any(e.kind == "gap" and e.state != "resolved" for e in draft.exceptions.values()):
        _off_the_list(draft)


def look(draft: Draft) -> None:
    """Time passed: carry out what must be looked at by now. What it opens goes on in the same decision."""
    if draft.visit.timed and not draft.visit.is_slot:
        _look_at_gaps(draft)
        _look_whether_started(draft)


def next_look(draft: Draft) -> datetime | None:
    """When a visit must be looked at though nothing happens to it (E17)."""
    if not draft.visit.timed or draft.visit.is_slot:
        return None
    begins = not_started_at(draft.visit, draft.playbook)
    if draft.visit.coverage == "confirmed":
        return begins
    state = State(appointment=draft.visit, cases=tuple(draft.cases.values()))
    found = [gaps.next_look(state, draft.playbook), begins]
    return min((at for at in found if at is not None), default=None)


def may_seek(state: State, playbook: Playbook, now: datetime) -> bool:
    """Whether a look that is due may look for somebody: then it must be known of everybody whether they are free."""
    if state.appointment is None or not state.appointment.timed:
        return False
    found = [gaps.next_look(state, playbook), not_started_at(state.appointment, playbook)]
    return any(at is not None and at <= now for at in found)


# -- the patient


def _of_the_patient(draft: Draft) -> None:
    """A patient's yes, and their silence at the end of the path, are news once."""
    before, visit = draft.before.appointment, draft.visit
    if before is None or before.confirmation == visit.confirmation or visit.start_at <= draft.now:
        return
    if visit.confirmation == "confirmed":
        react_where_ruled(draft, "patient_confirmed")
    elif visit.confirmation == "silent":
        react_where_ruled(draft, "patient_silent")


def arrived(draft: Draft) -> None:
    """The patient is here (the visit began): nobody follows up, phones, asks or seeks any more (D12, D13)."""
    for case in list(draft.cases.values()):
        if case.kind == "cover" and case.state in ("open", "handed") and began_late(draft, case):
            _came_after_all(draft, case)
        elif case.kind == "confirm" and case.state in ("open", "handed"):
            draft.close(case, "closed", "arrived")
            for row in list(draft.exceptions.values()):
                if row.case_id == case.case_id and row.state != "resolved":
                    draft.put(replace(row, state="resolved", resolved_at=draft.now, resolution="arrived"))
    for need in CALLS_OF_A_VISIT:
        draft.resolve_exceptions("arrived", "call", need=need)
    draft.resolve_exceptions("arrived", "not_started", "gap")
    draft.resolve_exceptions("arrived", "stage_not_live", "handed_over", "missing_fact", trigger="visit_not_started")


def began_late(draft: Draft, case: Case) -> bool:
    """Whether cover is sought because the visit did not begin: such a search goes on while the visit lasts."""
    return case.opened_at >= draft.visit.start_at


def _came_after_all(draft: Draft, case: Case) -> None:
    """Whoever was to begin the visit did: those who were asked hear so, and the role is theirs as before."""
    asked = [a for a in draft.asks_of(case) if a.purpose == "cover" and a.open and a.sent_at is not None]
    overtaken(draft, case, "arrived")
    draft.cover_role(case.role, "confirmed")
    draft.resolve_exceptions("arrived", "nobody_found", "not_started", role=case.role)
    for row in asked:
        tell(draft, "staff", row.person_id, "withdrawn_cover", key=row.ask_id)


# -- not started (D12)


def is_watched(visit: Appointment, playbook: Playbook) -> bool:
    """Whether the playbook wants to know that a visit of this kind does not begin: a rule that does something about it
    may match."""
    for rule in playbook.sections.get("staff", ()):
        if "visit_not_started" not in rule.when:
            continue
        known = [c for c in rule.conditions if c.name in _STATIC]
        # None of these conditions looks at the clock or at facts.
        if not all(holds(c, fact_of(c.name, visit, Facts(), playbook, visit.start_at)) for c in known):
            continue
        if not all(isinstance(action, Nothing) for action in rule.then):
            return True
        if len(known) == len(rule.conditions):
            return False
    return False


def not_started_at(visit: Appointment, playbook: Playbook) -> datetime | None:
    """When it is looked at whether a visit began; None where it did, was looked at, or nobody wants to know."""
    if visit.not_started or visit.status not in ("booked", "pending") or not is_watched(visit, playbook):
        return None
    return visit.start_at + timedelta(minutes=playbook.not_started_minutes)


def _look_whether_started(draft: Draft) -> None:
    at = not_started_at(draft.visit, draft.playbook)
    if at is None or at > draft.now:
        return
    draft.record(not_started=True)
    role = _who_begins(draft.visit)
    if role is None or draft.visit.end_at <= draft.now:
        draft.note("not_started_and_over")
        return
    react(draft, "visit_not_started", role=role.role)
    sought = draft.open_case("cover", role.role)
    if sought is not None and began_late(draft, sought) and role.coverage in ("tentative", "confirmed"):
        draft.cover_role(role.role, "at_risk")


def _who_begins(visit: Appointment) -> Participant | None:
    staff = [p for p in visit.participants if p.kind == "staff"]
    return next((p for p in staff if p.role == PROVIDER), staff[0] if staff else None)


# -- coverage gaps (D40)


def _keep_up(draft: Draft, event: Observation) -> None:
    """What is past when a visit is first seen, moves, or loses its staffing is not looked at again: its own triggers
    say so. Where those do not fire (a first load, an unusual volume), a role without anybody stands on the list."""
    before, visit = draft.before.appointment, draft.visit
    moved = before is not None and before.start_at != visit.start_at
    if moved or (before is None and visit.gaps_seen == 0):
        begins = visit.start_at + timedelta(minutes=draft.playbook.not_started_minutes)
        late = begins <= draft.now and not_started_at(replace(visit, not_started=False), draft.playbook) is not None
        if (visit.gaps_seen, visit.not_started) != (0, late):
            draft.appointment = replace(visit, gaps_seen=0, not_started=late)
    if draft.visit.coverage == "confirmed":
        return
    fresh = before is None or moved or not gaps.lacking(before, draft.before.cases)
    roles = gaps.lacking(draft.visit, draft.cases.values()) if fresh else []
    if not roles:
        return
    over = gaps.passed(draft.visit, draft.playbook, draft.now)
    draft.appointment = replace(draft.visit, gaps_seen=over)
    silent = isinstance(event, AppointmentSeen) and event.mode != "live"
    if silent and over and draft.visit.start_at > draft.now:
        for participant in roles:
            if participant.coverage in ("uncovered", "at_risk"):
                gaps.stand_on_list(draft, participant.role, "seen_in_a_load")


def _look_at_gaps(draft: Draft) -> None:
    """An instant has come at which staffing should be sure."""
    roles = gaps.lacking(draft.visit, draft.cases.values())
    over = gaps.passed(draft.visit, draft.playbook, draft.now) if roles else 0
    if over <= draft.visit.gaps_seen:
        return
    draft.appointment = replace(draft.visit, gaps_seen=over)
    for participant in roles if draft.visit.start_at > draft.now else ():
        _gap(draft, participant)


def _gap(draft: Draft, participant: Participant) -> None:
    """Nobody is sure to fill this role: find somebody by the playbook, or list it with what stands in the way. Whoever
    has the visit and has not said anything loses it to nobody (D16); what a person has, they have."""
    role = participant.role
    if draft.open_case("cover", role):
        draft.note("gap_in_hand", role=role)
        return
    why = _obstacle(draft, participant)
    if why is None:
        react(draft, "coverage_gap", role=role)
        why = _marked(draft, role) or "no_rule"
    if draft.open_case("cover", role) is None:
        gaps.stand_on_list(draft, role, why, ranked=True)


def _obstacle(draft: Draft, participant: Participant) -> str | None:
    if draft.visit.held_triggers:
        return "waits_behind_volume"
    if participant.coverage == "tentative":
        return "waits_for_provider" if draft.open_case("confirm", participant.role) else "provider_not_sure"
    if participant.coverage == "at_risk" and not any(c.role == participant.role for c in draft.cases.values()):
        return "seen_in_a_load"
    return "a_person_has_it" if _before_a_person(draft, participant.role) else None


def _before_a_person(draft: Draft, role: str) -> bool:
    return any(
        e.state != "resolved" and e.kind != "gap" and e.detail.get("role") == role for e in draft.exceptions.values()
    )


def _marked(draft: Draft, role: str) -> str | None:
    """What the playbook's rule led to, where it did not open a search."""
    return "a_person_has_it" if _before_a_person(draft, role) else None


def _off_the_list(draft: Draft) -> None:
    """Whose staffing is sure or sought, and what began, is no gap any more."""
    if not draft.visit.active or draft.visit.start_at <= draft.now:
        gaps.leave_list(draft, "visit_started" if draft.visit.active else draft.visit.status)
        return
    for participant in draft.visit.participants:
        if participant.coverage == "confirmed":
            gaps.leave_list(draft, "covered", participant.role)
        elif draft.open_case("cover", participant.role):
            gaps.leave_list(draft, "cover_opened", participant.role)
