"""Finding a time for a visit that has none (D15): the case opens, offers times along its path, and ends on the call
list or before a named human with what was searched. What is chosen is booked in `booking`."""

from __future__ import annotations

from caredispatch.core.adding_on import ask_staff
from caredispatch.core.asking import say
from caredispatch.core.copying import replace
from caredispatch.core.cover import expire, would_escalate
from caredispatch.core.draft import Draft
from caredispatch.core.offering import blocked_text, offer, times_for
from caredispatch.core.playbook import AskStep, HandToStep, ListStep, Offer, Path, Place, Step, TellStep
from caredispatch.core.records import SLOT, Ask, Case
from caredispatch.core.resting import rests

BY_HAND = "by hand"
"""The path of a case that only asks whether a time suits that a person proposed: one question, then that person."""
NEED = {"place": "place", "follow_up": "rebook"}
"""What a line of the call list asks for, by the kind of case."""


def open_place(draft: Draft, action: Place, rule: str) -> None:
    """Open the case that finds a time, or join the open one. Its first step follows at once, on fresh facts."""
    if draft.open_case("place", SLOT):
        draft.note("joined", role=SLOT)
        return
    case = replace(
        draft.new_case("place", SLOT, rule, action.path),
        pool=action.pool,
        prefer={str(name): weight for name, weight in action.prefer.items()},
    )
    draft.put(case)
    draft.note("case_opened", kind="place", role=SLOT, path=action.path)


def advance_offers(draft: Draft, case: Case) -> None:
    """Bring a case that offers times as far as it can go now: a question out, a wait with a deadline, or a human."""
    if case.phase in ("checking", "booking") or rests(draft, case):
        return
    expire(draft, case)
    if case.path == BY_HAND:
        _keeps_the_time(draft, case)
        return
    if case.paused:
        end_without(draft, case)
        return
    path = draft.policy.of(case).paths[case.path]
    while case.step < len(path.steps):
        step = path.steps[case.step]
        muted = case.step > 0 and isinstance(step, AskStep) and draft.stage("escalation") != "live"
        if isinstance(step, (HandToStep, ListStep)) or _too_late(draft):
            break
        if muted:
            draft.note("escalation_not_live", step=case.step)
        elif _run(draft, case, path, step):
            return
        case = replace(draft.cases[case.case_id], step=case.step + 1, phase="asking", step_until=None)
        draft.put(case)
    end_without(draft, case)


def _keeps_the_time(draft: Draft, case: Case) -> None:
    """The patient does not want the time that was proposed, or did not say: the visit stays as it is, and a person
    knows. One who is to be phoned has it already."""
    asked = draft.asks_of(case)
    if any(a.open for a in asked):
        draft.put(replace(draft.cases[case.case_id], due_at=min(a.due_at for a in asked if a.open)))
        return
    why = _why(draft, asked)
    draft.close(draft.cases[case.case_id], "handed", why)
    if why != "not_reached":
        draft.resolve_exceptions(why, "call", need="agree_move")
        detail = {"why": f"move_{why}"}
        draft.raise_("handed_over", draft.playbook.last_owner, case=case, key="move", detail=detail)


def _run(draft: Draft, case: Case, path: Path, step: Step) -> bool:
    """One step. True when there is something to wait for."""
    match step:
        case AskStep(whom="patient"):
            return offer(draft, case, step)
        case AskStep():
            return ask_staff(draft, case, path, step)
        case TellStep(tell=said):
            say(draft, said, case.case_id)
    return False


def _too_late(draft: Draft) -> bool:
    """Whether the last moment that was asked for is over."""
    return not draft.visit.timed and draft.visit.start_at <= draft.now


def end_without(draft: Draft, case: Case) -> None:
    """No time was found: the call list where somebody was asked and a call may help, else a named human at once."""
    asked = draft.asks_of(case)
    why = "paused" if case.paused else _why(draft, asked)
    offered = next((s.offer for s in _asking(draft, case) if s.offer is not None), Offer())
    found = times_for(draft, case, offered)
    detail = {"why": why, "searched": str(found.people), "asked": str(len(asked)), **would_escalate(draft, case)}
    if found.blocked:
        detail["blocked"] = blocked_text(found)
    steps = draft.policy.of(case).paths[case.path].steps
    last = steps[-1] if steps else None
    draft.close(case, "handed", why)
    if isinstance(last, ListStep) and why != "no_times":
        draft.raise_("call", last.owner, case=case, detail={**detail, "need": NEED[case.kind]})
    else:
        draft.raise_("not_placed", owner_of(draft, case), case=case, detail=detail)


def _asking(draft: Draft, case: Case) -> list[AskStep]:
    steps = draft.policy.of(case).paths[case.path].steps
    return [step for step in reversed(steps[: case.step + 1]) if isinstance(step, AskStep)]


def owner_of(draft: Draft, case: Case) -> str:
    """Who is at the end of a case's path."""
    path = draft.policy.of(case).paths.get(case.path)
    match path.steps[-1] if path and path.steps else None:
        case HandToStep(who=who):
            return who
        case ListStep(owner=owner):
            return owner
        case _:
            return draft.playbook.last_owner


def _why(draft: Draft, asked: list[Ask]) -> str:
    if _too_late(draft):
        return "too_late_to_place"
    if not asked:
        return "no_times" if any(n["code"] == "no_times" for n in draft.notes) else "not_reached"
    if asked[-1].state == "undeliverable":
        return "not_reached"
    if asked[-1].state == "withdrawn":
        return "taken_meanwhile"
    return "declined" if asked[-1].state == "declined" else "silent"
