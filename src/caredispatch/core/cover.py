"""Finding cover for a lost role: a case opens, asks along its path, and ends before a named human (D2, D6). What a
yes, a no and the patient's word lead to is in `agreeing`."""

from __future__ import annotations

from datetime import datetime

from caredispatch.core.asking import ask, say, window_end
from caredispatch.core.choosing import as_demanded, choose
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import Staff
from caredispatch.core.ids import Id
from caredispatch.core.leading import by_incident, waits_for_lead
from caredispatch.core.offering import by_video, offer
from caredispatch.core.playbook import AUTO, AskStep, Cover, HandToStep, Path, TellStep
from caredispatch.core.records import Ask, Case
from caredispatch.core.resting import rests


def open_cover(draft: Draft, action: Cover, rule: str, role: str, incident_id: Id | None = None) -> None:
    """Open a case for one lost role (D2), or join the open one. Its first step follows at once, on fresh facts."""
    if draft.open_case("cover", role):
        draft.note("joined", role=role)
        return
    case = replace(
        draft.new_case("cover", role, rule, action.path),
        shadow=draft.stage("dispatch_routing") == "shadow",
        pool=action.pool,
        prefer={str(name): weight for name, weight in action.prefer.items()},
        lost_id=draft.visit.actor(role),
        incident_id=incident_id,
        ordering=action.order,
        together=action.together,
    )
    confirming = draft.open_case("confirm", role)
    if confirming:
        draft.close(confirming, "closed", "cover_opened")
        case = replace(case, checked={k: v for k, v in confirming.checked.items() if v != "pending"})
    draft.put(by_incident(draft, case))
    draft.note("case_opened", kind="cover", role=role, path=action.path)


def own_by_video_first(draft: Draft, role: str) -> None:
    """Whoever fills the role sees patients by video only: the patient is asked whether that will do before the path
    begins, in a step beyond its last (D26)."""
    case = draft.open_case("cover", role)
    if case is not None and not case.shadow:
        draft.put(replace(case, phase="by_video", step=len(draft.policy.of(case).paths[case.path].steps)))


def advance_cover(draft: Draft, case: Case) -> None:
    """Bring an open cover case as far as it can go now: asks out, a wait with a deadline, or a human."""
    if case.phase in ("agreeing", "checking") or waits_for_lead(draft, case) or rests(draft, case):
        return
    why = _over(draft, case)
    if why:
        hand(draft, case, why)
        return
    expire(draft, case)
    if case.phase == "by_video" and by_video(draft, case):
        return
    if case.phase == "by_video":
        draft.put(replace(draft.cases[case.case_id], phase="asking", step=0, step_until=None))
    _go_along(draft, draft.cases[case.case_id])


def _go_along(draft: Draft, case: Case) -> None:
    """Take the steps of the path from the present one on, until one has something to wait for."""
    path = draft.policy.of(case).paths[case.path]
    while case.step < len(path.steps):
        step = path.steps[case.step]
        muted = case.step > 0 and draft.stage("escalation") != "live"
        if not isinstance(step, AskStep | TellStep):
            break
        if muted:
            draft.note("escalation_not_live", step=case.step)
        elif isinstance(step, TellStep):
            say(draft, step.tell, case.case_id)
        elif _run_step(draft, case, path, step):
            return
        case = replace(draft.cases[case.case_id], step=case.step + 1, step_until=None, phase="asking")
        draft.put(case)
    hand(draft, case, "path_ended")


def _over(draft: Draft, case: Case) -> str:
    """Why nobody is asked any more, so that a person has it; empty while somebody may be."""
    if case.follows is not None:
        return "not_with_the_group"
    if draft.now >= ends_at(draft, case):
        return "visit_started"
    return "paused" if case.paused else ""


def ends_at(draft: Draft, case: Case) -> datetime:
    """Until when somebody is sought: the start; of a visit that did not begin (D12) its end."""
    return draft.visit.end_at if case.opened_at >= draft.visit.start_at else draft.visit.start_at


def expire(draft: Draft, case: Case) -> None:
    """End the windows that have run out; an answer still counts while the case lives (E11)."""
    for row in draft.asks_of(case):
        if row.open and row.due_at <= draft.now:
            draft.put(replace(row, state="expired"))
            draft.note("expired", person=row.person_id)


def _run_step(draft: Draft, case: Case, path: Path, step: AskStep) -> bool:
    """Ask whom this step still can. True when there is something to wait for. A patient may keep their own provider at
    another time, or another way (D17)."""
    if step.offer is not None:
        return not case.shadow and offer(draft, case, step)
    waiting = [a for a in draft.asks_of(case) if a.open and a.step == case.step and a.purpose == "cover"]
    if case.patient_refused:
        draft.note("step_skipped", step=case.step, why="patient_wants_own_provider")
        return False
    at_once = as_demanded(draft, case, path, step) if step.at_once == AUTO else step.at_once
    wanted = at_once - len(waiting)
    if wanted > 0:
        chosen, wait_until = choose(draft, case, path, step, wanted)
        if draft.cases[case.case_id].phase == "checking":
            return True
        if wait_until is not None and not waiting:
            draft.put(replace(draft.cases[case.case_id], due_at=wait_until))
            return True
        if case.shadow and chosen:
            _would_ask(draft, case, chosen)
            return True
        waiting += _ask_them(draft, case, step, chosen)
    return waits_on(draft, case, waiting)


def waits_on(draft: Draft, case: Case, waiting: list[Ask]) -> bool:
    """Wait for the first of these answers; False where nobody could be asked."""
    if not waiting:
        draft.note("step_empty", step=case.step)
        return False
    due = min(a.due_at for a in waiting)
    draft.put(replace(draft.cases[case.case_id], phase="asking", due_at=due, step_until=max(a.due_at for a in waiting)))
    return True


def _ask_them(draft: Draft, case: Case, step: AskStep, chosen: list[Staff]) -> list[Ask]:
    asked: list[Ask] = []
    for staff in chosen:
        due_at = window_end(draft, step.window, "staff", staff.staff_id)
        asked.append(ask(draft, case, "cover", "staff", staff.staff_id, step.by, due_at, role=case.role))
    return [row for row in asked if row.open]


def _would_ask(draft: Draft, case: Case, chosen: list[Staff]) -> None:
    """Shadow (E30): the first decision is journalled and marked for a person; nothing is asked, booked or held."""
    handles = ", ".join(s.handle for s in chosen) or "nobody"
    draft.close(case, "handed", "shadow")
    draft.raise_(
        "stage_not_live",
        owner_of(draft, case),
        case=case,
        detail={
            "stage": "dispatch_routing",
            "state": "shadow",
            "would_ask": handles,
            "rule": case.rule,
            "role": case.role,
        },
    )


def owner_of(draft: Draft, case: Case) -> str:
    """The named human at the end of a case's path."""
    path = draft.policy.of(case).paths.get(case.path)
    last = path.steps[-1] if path and path.steps else None
    return last.who if isinstance(last, HandToStep) else draft.playbook.last_owner


def hand(draft: Draft, case: Case, why: str) -> None:
    """The path found nobody: put it before the named human, with what was tried."""
    if case.shadow:
        _would_ask(draft, case, [])
        return
    draft.close(case, "handed", why)
    ranked = draft.candidates.get(case.case_id, ())
    unknown = sorted({reason for c in ranked if c.eligible == "unknown" for reason in c.reasons})
    detail = {"role": case.role, "why": why, "asked": str(sum(a.purpose == "cover" for a in draft.asks_of(case)))}
    detail |= would_escalate(draft, case)
    if unknown:
        detail["missing"] = ", ".join(reason.rstrip("?") for reason in unknown)
    not_begun = case.opened_at >= draft.visit.start_at
    draft.raise_(
        "patient_declined" if case.patient_refused else "not_started" if not_begun else "nobody_found",
        owner_of(draft, case),
        case=case,
        detail=detail,
    )


def would_escalate(draft: Draft, case: Case) -> dict[str, str]:
    """The mark of a path that ended early because the stage `escalation` is not live (D29); in shadow also whom its
    later steps would have asked."""
    path = draft.policy.of(case).paths.get(case.path)
    later = [s.whom for s in path.steps[1:] if isinstance(s, AskStep)] if path else []
    state = draft.stage("escalation")
    if state == "live" or not later:
        return {}
    would_ask = {"would_ask": ", ".join(later)} if state == "shadow" else {}
    return {"stage": "escalation", "state": state, **would_ask}
