"""A move that the practice proposes and the patient decides (D17): one time, asked like any other offer; until they
say yes the visit stays as it is. What a yes leads to is in `booking`."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.agreeing import LATER_NEWS
from caredispatch.core.asking import ANY_CHANNEL, TEXT_OF, ask, asleep_until
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.placing import BY_HAND
from caredispatch.core.records import SLOT, Case, Option

A_DAY = timedelta(days=1)


def sought_by_hand(draft: Draft) -> Case:
    """The case in whose name a person looks at or proposes a time."""
    return draft.new_case("place", SLOT, BY_HAND, BY_HAND)


def propose(draft: Draft, option: Option) -> None:
    """Ask the patient whether this time suits them instead. A newer proposal takes the place of one that is open. Who
    sleeps is asked in the morning; whom no text may reach somebody phones."""
    there = draft.open_case("place", SLOT)
    if there is not None:
        draft.close(there, "closed", "proposed_anew")
        draft.resolve_exceptions("proposed_anew", "call", need="agree_move")
    case = sought_by_hand(draft)
    due_at = _answer_by(draft, option)
    draft.put(replace(case, due_at=due_at, step_until=due_at))
    draft.note("case_opened", kind="place", role=SLOT, path=BY_HAND)
    patient_id = draft.visit.patient_id
    assert patient_id is not None
    morning = asleep_until(draft, "patient", patient_id, ANY_CHANNEL, TEXT_OF["offer_times"])
    by = ANY_CHANNEL if morning is None or morning < due_at else ()
    row = ask(draft, case, "offer_times", "patient", patient_id, by, due_at, role=SLOT, options=(option,))
    if not row.open:
        owner = draft.playbook.last_owner
        draft.raise_("call", owner, case=draft.cases[case.case_id], detail={"need": "agree_move"})
    elif morning is not None:
        draft.deliveries[-1] = replace(draft.deliveries[-1], not_before=morning)
    draft.put(replace(draft.cases[case.case_id], due_at=due_at))


def _answer_by(draft: Draft, option: Option) -> datetime:
    """Until when their word is waited for: a day, and no longer than the earlier of both times is ahead."""
    first = min(draft.visit.start_at, option.start_at)
    return min(max(min(draft.tell_by(first), draft.now + A_DAY), draft.now + LATER_NEWS), first)
