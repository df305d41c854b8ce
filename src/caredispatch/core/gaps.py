"""Coverage gaps (D40): which visits lack sure staffing as they come near, when that is looked at, and the lines of the
gaps list. What a gap sets off is in `watching`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Question, rank
from caredispatch.core.ids import make_id
from caredispatch.core.playbook import Playbook
from caredispatch.core.records import Appointment, Case, Exception_, Participant, State

BEST = 3
"""How many candidates a line names."""


def instants(visit: Appointment, playbook: Playbook) -> list[datetime]:
    """When it is looked at whether the staffing holds, the first first."""
    return [visit.start_at - timedelta(minutes=m) for m in sorted(playbook.gap_minutes, reverse=True)]


def passed(visit: Appointment, playbook: Playbook, now: datetime) -> int:
    """How many of those instants are over."""
    return sum(at <= now for at in instants(visit, playbook))


def lacking(visit: Appointment, cases: Iterable[Case]) -> list[Participant]:
    """The roles without sure staffing. Whom a source assigned, and whom we were never to ask or tell (a first load,
    D8), counts as sure: the source says so."""
    if visit.coverage == "confirmed" or visit.status not in ("booked", "pending"):
        return []
    ours = {case.role for case in cases}
    return [
        p
        for p in visit.participants
        if p.kind == "staff"
        and (p.coverage in ("uncovered", "at_risk") or (p.coverage == "tentative" and p.role in ours))
    ]


def next_look(state: State, playbook: Playbook) -> datetime | None:
    """When a visit is looked at next; None where its staffing is sure. Past: it is due."""
    visit = state.appointment
    if visit is None or visit.coverage == "confirmed" or not lacking(visit, state.cases):
        return None
    left = instants(visit, playbook)[visit.gaps_seen :]
    return left[0] if left else None


def line(draft: Draft, role: str) -> Exception_ | None:
    """The line of the gaps list about a role."""
    return next(
        (
            e
            for e in draft.exceptions.values()
            if e.kind == "gap" and e.state != "resolved" and e.detail.get("role") == role
        ),
        None,
    )


def stand_on_list(draft: Draft, role: str, why: str, *, ranked: bool = False) -> None:
    """Put a role on the gaps list, or say anew what is known of it: what stands in the way (`why`) and, where everybody
    was looked at (`ranked`), the best candidates. Its age runs from the first time."""
    detail = {"role": role, "why": why}
    if ranked:
        detail["best"] = ", ".join(_best(draft, role)) or "nobody"
    row = line(draft, role)
    if row is None:
        # Somebody must know before it is looked at again, and in the last hours soon (D28).
        draft.raise_("gap", draft.playbook.last_owner, key=f"gap:{role}", detail=detail)
    elif row.state == "open":
        draft.put(replace(row, detail={**row.detail, **detail}))


def leave_list(draft: Draft, why: str, role: str | None = None) -> None:
    """A role, or all, leave the gaps list."""
    if role is None:
        draft.resolve_exceptions(why, "gap")
    else:
        draft.resolve_exceptions(why, "gap", role=role)


def _best(draft: Draft, role: str) -> list[str]:
    """Who could take it, by the order of an unweighted ranking."""
    visit = draft.visit
    taken = visit.participant(role)
    lost = taken.actor_id if taken is not None and taken.coverage in ("uncovered", "at_risk") else None
    case = Case(
        visit.practice_id,
        make_id("gap", visit.appointment_id, role),
        "cover",
        visit.appointment_id,
        role,
        rule="",
        path="",
        playbook_version=draft.playbook.version,
        opened_at=draft.now,
        pool="qualified",
        prefer={"continuity": 1, "care_plan": 1, "location": 1},
        lost_id=lost,
    )
    ranked = rank(Question(visit, case, draft.facts, draft.directory))
    return [c.handle for c in ranked if c.eligible == "yes"][:BEST]
