"""An emergency add-on: staff are asked who can take it, each with their best time, and with the visit that would give
way to it. Who may be displaced is the services' policy; never a visit that must not be missed, or that began (D15)."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.asking import TEXT_OF, ask, asleep_until, contacts_of, over_limit, window_end
from caredispatch.core.copying import replace
from caredispatch.core.cover import waits_on
from caredispatch.core.draft import Draft
from caredispatch.core.facts import Other
from caredispatch.core.offering import blocked_text, search_of
from caredispatch.core.playbook import AUTO, AskStep, Offer, Path
from caredispatch.core.records import PROVIDER, Case
from caredispatch.core.searching import Opening, best_of_each

AUTO_AT_ONCE = 3


def ask_staff(draft: Draft, case: Case, path: Path, step: AskStep) -> bool:
    """Ask the best of a step's people whether they take it. True when there is an answer to wait for."""
    waiting = [a for a in draft.asks_of(case) if a.open and a.step == case.step]
    at_once = AUTO_AT_ONCE if step.at_once == AUTO else step.at_once
    for opening in _askable(draft, case, path, step)[: max(0, at_once - len(waiting))]:
        staff_id = opening.option.provider_id
        due_at = draft.now + timedelta(minutes=step.window.minutes)
        if step.window.kind == "reachable" and not path.urgent:
            due_at = window_end(draft, step.window, "staff", staff_id)
        parts = " ".join(f"{k}={v}" for k, v in opening.parts.items() if v)
        at = opening.option.start_at.isoformat()
        draft.note("time_offered", number=1, at=at, person=staff_id, score=opening.score, parts=parts)
        row = ask(
            draft,
            draft.cases[case.case_id],
            "take_add_on",
            "staff",
            staff_id,
            step.by,
            min(due_at, opening.option.start_at),
            role=PROVIDER,
            options=(opening.option,),
        )
        waiting += [row] if row.open else []
    return waits_on(draft, case, waiting)


def _askable(draft: Draft, case: Case, path: Path, step: AskStep) -> list[Opening]:
    """The step's people who have a time, were not asked yet, and may be."""
    found = best_of_each(replace(search_of(draft, case, Offer()), displaceable=displaceable(draft), own=None))
    if not found.openings:
        draft.note("no_times", people=found.people, blocked=blocked_text(found))
    handles = draft.policy.of(case).people.get(step.whom, ())
    group = {s.staff_id: n for n, handle in enumerate(handles) if (s := draft.directory.by_handle(handle)) is not None}
    asked = [a.person_id for a in draft.asks_of(case) if a.purpose == "take_add_on"]
    able = [o for o in found.openings if step.whom == "pool" or o.option.provider_id in group]
    if step.whom != "pool":
        able.sort(key=lambda o: group[o.option.provider_id])
    return [o for o in able if o.option.provider_id not in asked and _may_be_asked(draft, path, step, o)]


def _may_be_asked(draft: Draft, path: Path, step: AskStep, opening: Opening) -> bool:
    staff_id = opening.option.provider_id
    if not contacts_of(draft, staff_id, step.by, TEXT_OF["take_add_on"], "confirm"):
        draft.note("unreachable", person=staff_id)
        return False
    if path.urgent:
        return True
    if over_limit(draft, "staff", staff_id):
        draft.note("limit_reached", person=staff_id)
        return False
    return asleep_until(draft, "staff", staff_id, step.by, TEXT_OF["take_add_on"]) is None


def displaceable(draft: Draft) -> tuple[Other, ...]:
    """The visits that may give way: by their service, still to begin, each of one patient alone."""
    return tuple(other for other in draft.facts.others if gives_way(draft, other))


def gives_way(draft: Draft, other: Other) -> bool:
    """Whether one visit may be displaced by an add-on."""
    policy = draft.playbook.service(other.service)
    service = draft.directory.services.get(other.service)
    alone = service is not None and service.capacity == 1
    ahead = other.status in ("proposed", "pending", "booked") and other.start_at > draft.now
    return policy.displaceable and not policy.must_not_miss and ahead and alone and other.role == PROVIDER
