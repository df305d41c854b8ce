"""Finding cover: who is asked next, when, and what a yes, a no, silence and the patient's word lead to (D6, D11, D17)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from caredispatch.core.asking import ANY_CHANNEL, ask, contacts_of, over_limit, quiet_of, tell
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Candidate, Question, judge, rank
from caredispatch.core.facts import Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.core.occupying import release, take
from caredispatch.core.playbook import AskStep, Cover, HandToStep, Path
from caredispatch.core.records import PATIENT, Ask, Case, Delivery
from caredispatch.core.windows import quiet_until

CHECK_AT_ONCE = 5
LATER_NEWS = timedelta(minutes=10)


def open_cover(draft: Draft, action: Cover, rule: str, role: str, incident_id: Id | None = None) -> None:
    """Open a case for one lost role (D2), or join the open one. Its first step follows at once, on fresh facts."""
    if draft.open_case("cover", role):
        draft.note("joined", role=role)
        return
    lost = draft.visit.actor(role)
    earlier = sum(c.kind == "cover" and c.role == role for c in draft.cases.values())
    case = Case(
        practice_id=draft.directory.practice_id,
        case_id=make_id("case", draft.visit.appointment_id, "cover", role, earlier),
        kind="cover",
        appointment_id=draft.visit.appointment_id,
        role=role,
        rule=rule,
        path=action.path,
        playbook_version=draft.playbook.version,
        opened_at=draft.now,
        due_at=draft.now,
        shadow=draft.stage("dispatch_routing") == "shadow",
        pool=action.pool,
        prefer={str(name): weight for name, weight in action.prefer.items()},
        lost_id=lost,
        incident_id=incident_id,
    )
    confirming = draft.open_case("confirm", role)
    if confirming:
        draft.close(confirming, "closed", "cover_opened")
        case = replace(case, checked=dict(confirming.checked))
    draft.put(case)
    draft.note("case_opened", kind="cover", role=role, path=action.path)


def advance_cover(draft: Draft, case: Case) -> None:
    """Bring an open cover case as far as it can go now: asks out, a wait with a deadline, or a human."""
    visit = draft.visit
    if case.phase == "agreeing":
        return
    if draft.now >= visit.start_at:
        hand(draft, case, "visit_started")
        return
    path = draft.policy.of(case).paths[case.path]
    while case.step < len(path.steps):
        step = path.steps[case.step]
        muted = case.step > 0 and draft.stage("escalation") != "live"
        if not isinstance(step, AskStep):
            break
        if muted:
            draft.note("escalation_not_live", step=case.step)
        elif _run_step(draft, case, path, step):
            return
        case = replace(draft.cases[case.case_id], step=case.step + 1, step_until=None, phase="asking")
        draft.put(case)
    hand(draft, case, "path_ended")


def _run_step(draft: Draft, case: Case, path: Path, step: AskStep) -> bool:
    """Ask whom this step still can. True when there is something to wait for."""
    waiting = [a for a in draft.asks_of(case) if a.open and a.step == case.step and a.purpose == "cover"]
    wanted = step.at_once - len(waiting)
    if case.patient_refused:
        draft.note("step_skipped", step=case.step, why="patient_wants_own_provider")
        return False
    if wanted > 0:
        chosen, wait_until = _choose(draft, case, path, step, wanted)
        if wait_until is not None and not waiting:
            draft.put(replace(draft.cases[case.case_id], due_at=wait_until))
            return True
        if case.shadow:
            _would_ask(draft, case, chosen)
            return True
        for staff in chosen:
            due_at = min(draft.now + timedelta(minutes=step.window.minutes), draft.visit.start_at)
            row = ask(draft, case, "cover", "staff", staff.staff_id, step.by, due_at, role=case.role)
            if row.open:
                waiting.append(row)
    if not waiting:
        draft.note("step_empty", step=case.step)
        return False
    due = min(a.due_at for a in waiting)
    draft.put(replace(draft.cases[case.case_id], phase="asking", due_at=due, step_until=max(a.due_at for a in waiting)))
    return True


def _choose(
    draft: Draft, case: Case, path: Path, step: AskStep, wanted: int
) -> tuple[list[Staff], datetime | None]:
    """Whom to ask now, and until when to wait first: for calendars, or for the end of everybody's quiet hours (E24)."""
    eligible = [s for s in _people(draft, case, step) if _askable(draft, case, s, step)]
    awake = [s for s in eligible if path.urgent or _quiet(draft, s, step) is None]
    if not awake and eligible:
        ends = min(end for s in eligible if (end := _quiet(draft, s, step)) is not None)
        useful = draft.visit.start_at - timedelta(minutes=draft.playbook.tell_by_minutes)
        wait_until = min(ends, useful)
        draft.note("all_quiet", step=case.step)
        return [], wait_until if wait_until > draft.now else None
    unchecked = [s for s in awake if _unchecked(draft, case, s)]
    if any(s in unchecked for s in awake[:wanted]):
        ask_calendars(draft, draft.cases[case.case_id], [s.staff_id for s in unchecked[:CHECK_AT_ONCE]])
        return [], draft.cases[case.case_id].due_at
    return awake[:wanted], None


def _people(draft: Draft, case: Case, step: AskStep) -> list[Staff]:
    """The eligible people of a step in its order: the pool by rank, a named group as the playbook lists it."""
    question = Question(draft.visit, case, draft.facts, draft.directory)
    if not draft.candidates:
        draft.candidates = rank(question)
    yes = {c.staff_id: c for c in draft.candidates if c.eligible == "yes"}
    if step.whom == "pool":
        return [draft.directory.staff[staff_id] for staff_id in yes]
    handles = draft.policy.of(case).people.get(step.whom, ())
    group = [s for s in (draft.directory.by_handle(h) for h in handles) if s is not None]
    return [s for s in group if s.staff_id in yes]


def _askable(draft: Draft, case: Case, staff: Staff, step: AskStep) -> bool:
    if any(a.person_id == staff.staff_id and a.purpose == "cover" for a in draft.asks_of(case)):
        return False
    if not contacts_of(draft, staff.staff_id, step.by):
        draft.note("unreachable", person=staff.staff_id)
        return False
    urgent = draft.policy.of(case).paths[case.path].urgent
    if not urgent and over_limit(draft, "staff", staff.staff_id):
        draft.note("limit_reached", person=staff.staff_id)
        return False
    return True


def _quiet(draft: Draft, staff: Staff, step: AskStep) -> datetime | None:
    contact = contacts_of(draft, staff.staff_id, step.by)[0]
    return quiet_until(contact, quiet_of(draft, "staff"), draft.now)


def _calendars(draft: Draft) -> list[str]:
    return sorted(s.connection_id for s in draft.directory.systems.values() if s.calendar)


def _unchecked(draft: Draft, case: Case, staff: Staff) -> bool:
    return any(f"{system}:{staff.staff_id}" not in case.checked for system in _calendars(draft))


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


def _would_ask(draft: Draft, case: Case, chosen: list[Staff]) -> None:
    """Shadow (E30): the first decision is journalled and marked for a person; nothing is asked, booked or held."""
    handles = ", ".join(s.handle for s in chosen) or "nobody"
    draft.close(case, "handed", "shadow")
    draft.raise_(
        "stage_not_live",
        owner_of(draft, case),
        case=case,
        detail={"stage": "dispatch_routing", "state": "shadow", "would_ask": handles, "rule": case.rule},
    )


def owner_of(draft: Draft, case: Case) -> str:
    """The named human at the end of a case's path."""
    path = draft.policy.of(case).paths.get(case.path)
    last = path.steps[-1] if path and path.steps else None
    return last.who if isinstance(last, HandToStep) else draft.playbook.last_owner


def hand(draft: Draft, case: Case, why: str) -> None:
    """The path found nobody: put it before the named human, with what was tried."""
    draft.close(case, "handed", why)
    unknown = sorted({reason for c in draft.candidates if c.eligible == "unknown" for reason in c.reasons})
    detail = {"role": case.role, "why": why, "asked": str(sum(a.purpose == "cover" for a in draft.asks_of(case)))}
    if unknown:
        detail["missing"] = ", ".join(reason.rstrip("?") for reason in unknown)
    draft.raise_(
        "patient_declined" if case.patient_refused else "nobody_found",
        owner_of(draft, case),
        case=case,
        detail=detail,
    )


# ------------------------------------------------------------------ answers


def said_yes(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A staff member would take it. Counts while the case lives, even after the ask expired (E11), if they still can."""
    staff = draft.directory.staff.get(row.person_id)
    question = Question(draft.visit, case, draft.facts, draft.directory)
    still_can = staff is not None and judge(question, staff)[0] == "yes"
    if case.phase == "agreeing" or not still_can or not take(draft, row.person_id):
        draft.put(replace(row, state="withdrawn", answered_at=draft.now, answered_via=via))
        tell(draft, "staff", row.person_id, "already_taken", key=row.ask_id)
        draft.note("too_late", person=row.person_id)
        if case.state == "open":
            advance_cover(draft, draft.cases[case.case_id])
        return
    draft.put(replace(row, state="accepted", answered_at=draft.now, answered_via=via))
    draft.resolve_exceptions("covered", "nobody_found")
    agreement = draft.playbook.service(draft.visit.service).patient_agreement
    case = replace(case, state="open", closed_at=None, candidate_id=row.person_id)
    if agreement != "required" or draft.visit.patient_id is None or draft.visit.actor(case.role) == row.person_id:
        settle(draft, case, tell_patient=agreement != "none")
        return
    draft.cover_role(case.role, "tentative")
    _ask_patient(draft, case, row.person_id)


def _ask_patient(draft: Draft, case: Case, candidate: Id) -> None:
    """The staff yes books tentatively; now the patient decides (D17), until the tell-by time."""
    visit = draft.visit
    tell_by = visit.start_at - timedelta(minutes=draft.playbook.tell_by_minutes)
    due_at = min(max(tell_by, draft.now + LATER_NEWS), visit.start_at)
    case = replace(case, phase="agreeing", due_at=due_at)
    draft.put(case)
    assert visit.patient_id is not None
    row = ask(
        draft, case, "agree_patient", "patient", visit.patient_id, ANY_CHANNEL, due_at, role=case.role,
        candidate_id=candidate,
    )  # fmt: skip
    if not row.open:
        draft.raise_("call", owner_of(draft, case), case=case, detail={"need": "agree_patient"})


def patient_agreed(draft: Draft, case: Case) -> None:
    """Both said yes: the cover is settled, and the patient has confirmed the visit with it."""
    draft.record(confirmation="confirmed", confirmed_at=draft.now)
    confirming = draft.open_case("confirm", PATIENT)
    if confirming:
        draft.close(confirming, "settled", "agreed")
    settle(draft, case, tell_patient=True)


def settle(draft: Draft, case: Case, *, tell_patient: bool) -> None:
    """The role is covered: the others are released with a true word, the copies follow by themselves."""
    assert case.candidate_id is not None
    told = [a for a in draft.asks_of(case) if a.open and a.purpose == "cover" and a.sent_at is not None]
    lost = draft.visit.actor(case.role)
    draft.cover_role(case.role, "confirmed", case.candidate_id)
    draft.put(case)
    draft.close(case, "settled", "covered")
    release(draft, keep=_actors(draft))
    for other in told:
        tell(draft, "staff", other.person_id, "withdrawn_cover", key=other.ask_id)
    tell(draft, "staff", case.candidate_id, "new_visit", key=case.case_id)
    if lost is not None and lost != case.candidate_id and _was_told(draft, lost):
        tell(draft, "staff", lost, "visit_cancelled_staff", key=case.case_id)
    if tell_patient and draft.visit.patient_id:
        tell(draft, "patient", draft.visit.patient_id, "patient_settled", key=case.case_id)
    draft.resolve_exceptions("covered", "nobody_found", "call", "objection")


def _actors(draft: Draft) -> list[Id]:
    return [p.actor_id for p in draft.visit.participants if p.actor_id is not None]


def _was_told(draft: Draft, staff_id: Id) -> bool:
    return any(a.person_id == staff_id and a.sent_at is not None for a in draft.asks.values())


def patient_refused(draft: Draft, case: Case, outcome: str) -> None:
    """The patient said no to another provider, or nothing in time: release, and go on with what they did not refuse."""
    candidate = case.candidate_id
    for row in draft.asks_of(case):
        if row.purpose == "agree_patient" and row.open:
            draft.withdraw(row)
    draft.cover_role(case.role, "at_risk" if case.lost_id else "uncovered")
    release(draft, keep=_actors(draft))
    if candidate:
        tell(draft, "staff", candidate, "withdrawn_cover", key=f"{case.case_id}:{outcome}")
    case = replace(
        case, phase="asking", candidate_id=None, patient_refused=outcome == "patient_declined", due_at=draft.now
    )
    draft.put(case)
    draft.note(outcome, case=case.case_id)
    advance_cover(draft, case)


def candidate_withdrew(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A no: to the ask, or after a yes that the patient had not yet agreed to."""
    draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
    if case.state != "open":
        return
    if case.candidate_id == row.person_id:
        for other in draft.asks_of(case):
            if other.purpose == "agree_patient" and other.open:
                draft.withdraw(other)
        draft.cover_role(case.role, "at_risk" if case.lost_id else "uncovered")
        release(draft, keep=_actors(draft))
        case = replace(case, candidate_id=None, phase="asking", due_at=draft.now)
        draft.put(case)
    advance_cover(draft, case)


def cover_due(draft: Draft, case: Case) -> None:
    """Time passed for an open cover case."""
    if case.phase == "agreeing":
        patient_refused(draft, case, "patient_silent")
        return
    for row in draft.asks_of(case):
        if row.open and row.due_at <= draft.now:
            draft.put(replace(row, state="expired"))
            draft.note("expired", person=row.person_id)
    if case.phase == "checking":
        checked = {k: "unknown" if v == "pending" else v for k, v in case.checked.items()}
        case = replace(case, checked=checked, phase="asking")
        draft.put(case)
    advance_cover(draft, case)
