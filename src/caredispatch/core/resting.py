"""A case that a person holds back: while it rests nobody new is asked. Its deadlines go on: where it still rests at its
own, a person gets it (promise 3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.records import Case

A_DAY = timedelta(days=1)


def rests(draft: Draft, case: Case) -> bool:
    """Whether nobody new may be asked in its name now. Of a case that rests in between questions the end is its next
    look."""
    ends = case.snoozed_until
    if ends is None or draft.now >= ends:
        return False
    if case.phase == "asking":
        draft.put(replace(draft.cases[case.case_id], due_at=ends))
    draft.note("rests", until=ends.isoformat())
    return True


def latest(draft: Draft) -> datetime:
    """How long something about this visit, or about none, may sleep: until the patient must hear (the tell-by time),
    past that until the start. What has no time that is ahead sleeps a day."""
    if draft.appointment is None or not (draft.visit.active and draft.visit.timed):
        return draft.now + A_DAY
    ahead = [at for at in (draft.tell_by(), draft.visit.start_at) if at > draft.now]
    return ahead[0] if ahead else draft.now
