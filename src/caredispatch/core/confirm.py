"""Confirming a visit: the provider is told or asked (D16), the patient is asked once the staffing holds. Silence never
gives the patient away; it goes to a person, or for patients onto the call list (D25)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import (
    ANY_CHANNEL,
    LAST_USEFUL,
    ask,
    asleep_until,
    over_limit,
    say,
    window_end,
)
from caredispatch.core.choosing import ask_calendars, waits_no_more
from caredispatch.core.clearing import patient_hears_who, role_filled
from caredispatch.core.copying import replace
from caredispatch.core.cover import expire, would_escalate
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.leading import with_series
from caredispatch.core.playbook import AskStep, HandToStep, ListStep, Step, TellStep
from caredispatch.core.records import PATIENT, Ask, AskPurpose, Case, Channel, PersonKind
from caredispatch.core.reminding import own_turn, wait_for
from caredispatch.core.reminding import remind as remind_patient
from caredispatch.core.resting import rests

REPORT_WAIT = timedelta(minutes=10)


def open_confirm(
    draft: Draft,
    role: str,
    rule: str,
    path: str,
    text: str | None,
    *,
    by_hand: bool = False,
    remind: tuple[int, ...] = (),
) -> None:
    """Open (afresh, when the visit changed) the confirmation of one role: staff are checked and then told or asked, the
    patient waits until the staffing holds. What a person decided `by_hand` is not checked against calendars."""
    if role == PATIENT and draft.visit.patient_id is None:
        draft.note("no_patient")
        return
    open_one = draft.open_case("confirm", role)
    patient = role == PATIENT
    if open_one and patient and draft.hit is not None and draft.hit.lead is not None and draft.hit.role:
        return  # of this visit they are asked already; of another provider the one that leads asks
    if open_one:
        draft.close(open_one, "closed", "visit_changed")
    case = replace(
        draft.new_case("confirm", role, rule, path),
        due_at=gate_ends(draft) if patient else draft.now,
        phase="gated" if patient else "asking",
        text=text,
        remind=remind,
    )
    case = with_series(draft, case)
    draft.put(case)
    draft.note("case_opened", kind="confirm", role=role, path=path)
    if patient:
        _of_series(draft, case)
        open_gate(draft)
        return
    staff_id = draft.visit.actor(role)
    if by_hand or staff_id is None or not ask_calendars(draft, case, [staff_id]):
        advance_confirm(draft, case)


def _of_series(draft: Draft, case: Case) -> None:
    """The patient is asked once of a series (D3): of another provider by that name where the visit leads; of each later
    visit when its first reminder falls due, or not at all."""
    if case.follows is not None:
        turn = own_turn(draft, case)
        draft.put(replace(case, phase="waiting" if turn else "following", due_at=turn or draft.visit.start_at))
    elif case.followers and draft.hit is not None and draft.hit.role:
        draft.put(replace(case, candidate_id=draft.visit.actor(draft.hit.role)))


def gate_ends(draft: Draft) -> datetime:
    """Until when a patient's question waits for the staffing."""
    return max(draft.tell_by(), draft.now + timedelta(minutes=10))


def open_gate(draft: Draft) -> None:
    """Ask the patient as soon as nobody has to be found first."""
    case = draft.open_case("confirm", PATIENT)
    if case is None or case.phase != "gated":
        return
    staffing = [c for c in draft.cases.values() if c.state == "open" and c.role != PATIENT]
    if any(c.kind == "cover" or c.phase == "checking" for c in staffing):
        return
    if draft.visit.coverage in ("tentative", "confirmed"):
        case = replace(case, phase="asking")
        draft.put(case)
        advance_confirm(draft, case)


def advance_confirm(draft: Draft, case: Case) -> None:
    """Bring an open confirmation as far as it can go now."""
    if draft.now >= draft.visit.start_at:
        _began(draft, case)
        return
    if case.follows is not None:
        _follows(draft, case)
        return
    if _rested(draft, case):
        return
    if case.text is not None:
        _tell_provider(draft, case)
        return
    path = draft.policy.of(case).paths[case.path]
    while case.step < len(path.steps):
        step = path.steps[case.step]
        if _waits(draft, case, step, path.urgent):
            return
        case = replace(draft.cases[case.case_id], step=case.step + 1)
        draft.put(case)
    _end(draft, case, HandToStep(draft.playbook.last_owner))


def _follows(draft: Draft, case: Case) -> None:
    """Wait for what the visit hears that leads the series, or go by it where that came first (D3)."""
    role = draft.visit.participant(case.role)
    if case.role != PATIENT and role is not None and role.coverage == "confirmed":
        knows(draft, case, "with_the_series")
    else:
        draft.put(replace(case, phase="following", due_at=draft.visit.start_at))


def _waits(draft: Draft, case: Case, step: Step, urgent: bool) -> bool:
    """One step of the path. True when there is an answer to wait for, or it has ended."""
    match step:
        case AskStep() if case.step > 0 and draft.stage("escalation") != "live":
            draft.note("escalation_not_live", step=case.step)
        case AskStep():
            return _run_step(draft, case, step, urgent)
        case TellStep(tell=said):
            say(draft, said, case.case_id)
        case _:
            _end(draft, case, step)
            return True
    return False


def _rested(draft: Draft, case: Case) -> bool:
    """Whether it rests, or did until its own deadline: then a person gets it."""
    if rests(draft, case):
        return True
    if not case.paused:
        return False
    path = draft.policy.of(case).paths.get(case.path)
    last = path.steps[-1] if path and path.steps else HandToStep(draft.playbook.last_owner)
    _end(draft, case, last)
    return True


def _began(draft: Draft, case: Case) -> None:
    """The visit began while this was open. A provider who was asked and never answered is a person's to look for."""
    unanswered = case.role != PATIENT and any(a.state in ("sent", "expired") for a in draft.asks_of(case))
    draft.close(case, "handed" if unanswered else "closed", "visit_started")
    if unanswered:
        detail = {"role": case.role, "why": "visit_started"}
        draft.raise_("provider_silent", draft.playbook.last_owner, case=case, detail=detail)


def _tell_provider(draft: Draft, case: Case) -> None:
    """Told and delivered counts as confirmed until they object (D16)."""
    staff_id = draft.visit.actor(case.role)
    if staff_id is None:
        draft.close(case, "closed", "nobody_assigned")
        return
    quiet, wait = _quiet_wait(draft, "staff", staff_id, ANY_CHANNEL, "told")
    if wait is not None:
        draft.put(replace(case, phase="asking", due_at=wait))
        return
    if quiet:
        not_told(draft, case)
        return
    due_at = min(draft.now + REPORT_WAIT, draft.visit.start_at)
    case = replace(case, phase="asking", due_at=due_at)
    draft.put(case)
    row = ask(draft, case, "inform_staff", "staff", staff_id, ANY_CHANNEL, draft.visit.start_at, role=case.role)
    if not row.open:
        not_told(draft, case)


def not_told(draft: Draft, case: Case) -> None:
    """No way to reach the provider, or what was sent came back: tentative, and a person knows. Where somebody else is
    being found, it changes nothing."""
    if draft.open_case("cover", case.role):
        return
    draft.cover_role(case.role, "tentative")
    draft.close(case, "handed", "not_told")
    draft.raise_("delivery_failed", draft.playbook.last_owner, case=case, detail={"role": case.role})


def _run_step(draft: Draft, case: Case, step: AskStep, urgent: bool) -> bool:
    """Ask this step's one person, once. True when there is an answer (or the morning) to wait for. Nobody else than
    who has the visit is asked whether they confirm it: silence gives no patient away (D16)."""
    asked = [a for a in draft.asks_of(case) if a.step == case.step and a.state != "withdrawn"]
    if asked:
        return any(a.open for a in asked)
    kind, person_id, purpose = _whom(draft, case)
    if person_id is None or step.whom not in ("assignee", "patient"):
        draft.note("step_empty", step=case.step)
        return False
    quiet, wait = (False, None) if urgent else _quiet_wait(draft, kind, person_id, step.by, "confirm")
    if wait is not None:
        draft.put(replace(case, phase="asking", due_at=wait))
        return True
    if quiet:
        draft.note("quiet_too_long", person=person_id)
        return False
    if over_limit(draft, kind, person_id):
        draft.note("limit_reached", person=person_id)
        return False
    due_at = window_end(draft, step.window, kind, person_id)
    case = replace(case, phase="asking", due_at=due_at, step_until=due_at)
    draft.put(case)
    row = ask(
        draft, case, purpose, kind, person_id, step.by, due_at, role=case.role, candidate_id=case.candidate_id
    )  # fmt: skip
    if row.open and kind == "patient":
        draft.record(confirmation="asked")
        wait_for(draft, case, row)
    return row.open


def _whom(draft: Draft, case: Case) -> tuple[PersonKind, Id | None, AskPurpose]:
    if case.role == PATIENT:
        return "patient", draft.visit.patient_id, "confirm_patient"
    return "staff", draft.visit.actor(case.role), "confirm_staff"


def _quiet_wait(
    draft: Draft, kind: PersonKind, person_id: Id, by: tuple[Channel, ...], right: str
) -> tuple[bool, datetime | None]:
    """Whether it is quiet there, and until when to wait then: the end of the quiet hours or the last useful moment
    (E24). Past that, quiet hours still hold and there is nothing to wait for."""
    ends = asleep_until(draft, kind, person_id, by, right=right)
    if ends is None:
        return False, None
    wait = min(ends, draft.visit.start_at - LAST_USEFUL)
    return True, wait if wait > draft.now else None


def _end(draft: Draft, case: Case, step: Step) -> None:
    """Nobody answered: the patient onto the call list, the provider before a named human. Nobody loses anything."""
    if case.role == PATIENT:
        asked = any(a.sent_at is not None for a in draft.asks_of(case))
        draft.record(confirmation="silent" if asked else "unasked")
        draft.close(case, "handed", "silent" if asked else "not_reached")
        owner = step.owner if isinstance(step, ListStep) else _owner(draft, step)
        draft.raise_("call", owner, case=case, detail={"need": "confirm_patient"})
    else:
        draft.close(case, "handed", "silent")
        detail = {"role": case.role, **would_escalate(draft, case)}
        draft.raise_("provider_silent", _owner(draft, step), case=case, detail=detail)


def _owner(draft: Draft, step: Step) -> str:
    return step.who if isinstance(step, HandToStep) else draft.playbook.last_owner


def confirm_due(draft: Draft, case: Case) -> None:
    """Time passed for an open confirmation."""
    if case.phase == "gated":
        draft.close(case, "closed", "never_staffed")
        return
    if case.phase == "waiting":
        draft.put(replace(case, phase="gated", follows=None, due_at=gate_ends(draft)))
        return
    if case.phase == "checking":
        case = waits_no_more(draft, case)
        draft.note("calendar_unknown", role=case.role)
    if case.text is not None and any(a.purpose == "inform_staff" for a in draft.asks_of(case)):
        _told_but_not_known(draft, case)
        return
    expire(draft, case)
    if case.paused or not remind_patient(draft, case):
        advance_confirm(draft, case)


def _told_but_not_known(draft: Draft, case: Case) -> None:
    """Sent, but nobody says that it arrived: tentative (D16), and a person knows."""
    draft.put(replace(case, state="settled", outcome="told_not_known", closed_at=draft.now, due_at=None))
    draft.cover_role(case.role, "tentative")
    draft.raise_(
        "delivery_failed", draft.playbook.last_owner, case=case, detail={"role": case.role, "why": "no_report"}
    )


def told(draft: Draft, case: Case, row: Ask) -> None:
    """The news reached the provider. With a calendar that could not be asked they stay tentative, and a person knows
    which fact is missing (D6). Where somebody else is being found, the news changes nothing."""
    if draft.open_case("cover", row.role):
        return
    if case.outcome == "told_not_known":
        draft.resolve_exceptions("told", "delivery_failed", role=row.role)
    knows(draft, case, "told")


def knows(draft: Draft, case: Case, outcome: str) -> None:
    """Whoever fills the role knows that they do."""
    role, unknown = case.role, "unknown" in case.checked.values()
    draft.cover_role(role, "tentative" if unknown else "confirmed")
    if unknown and case.state == "open":
        detail = {"fact": "calendar", "role": role}
        draft.raise_("missing_fact", draft.playbook.last_owner, key=f"calendar:{role}", detail=detail)
    if case.state == "open":
        # The ask stays open: an objection is possible until the start.
        draft.put(replace(case, state="settled", outcome=outcome, closed_at=draft.now, due_at=None, step_until=None))
        draft.note("case_closed", case=case.case_id, kind="confirm", outcome=outcome)


def provider_said_yes(draft: Draft, case: Case, row: Ask) -> None:
    """The provider agrees."""
    draft.cover_role(row.role, "confirmed")
    if case.state == "open":
        draft.close(case, "settled", "accepted")
    role_filled(draft, row.role, "accepted")
    patient_hears_who(draft, row.ask_id, changed=False)


def patient_said_yes(draft: Draft, case: Case) -> None:
    """The patient confirms; possible while the visit is ahead, whatever became of the case."""
    draft.record(confirmation="confirmed", confirmed_at=draft.now)
    if case.state == "open":
        draft.close(case, "settled", "confirmed")
    draft.resolve_exceptions("confirmed", "call", need="confirm_patient")
    draft.resolve_exceptions("confirmed", "patient_declined", "handed_over", trigger="patient_declined")
    draft.resolve_exceptions("confirmed", "stage_not_live", "missing_fact", trigger="patient_declined")


def patient_said_no(draft: Draft, case: Case) -> None:
    """The patient does not come; they need not be phoned to ask."""
    draft.record(confirmation="declined", confirmed_at=None)
    if case.state == "open":
        draft.close(case, "settled", "declined")
    draft.resolve_exceptions("declined", "call", need="confirm_patient")
