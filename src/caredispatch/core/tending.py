"""What a person does with an exception or a case, not with the visit: whose it is, until when it sleeps, whether a case
rests (D28). Nothing here leaves the house."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.content import instant_or_none, instant_text
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.observation import Acted
from caredispatch.core.records import Case, Exception_
from caredispatch.core.resting import latest

ASLEEP = "asleep_until"
"""The detail of an exception that sleeps: an instant."""


def tend(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """An act on an exception that is still open, whoever has it."""
    if row is None or row.state == "resolved":
        draft.note("refused", why="not_open")
        return
    match event.act:
        case "claim" if row.state == "claimed" and row.claimed_by != event.account:
            draft.note("refused", why="claimed_already")
        case "claim":
            draft.put(replace(_awake(row), state="claimed", claimed_by=event.account))
        case "release_claim" if row.state == "claimed":
            draft.put(replace(row, state="open", claimed_by=None, ack_by=_soon(draft)))
        case "snooze":
            _snooze(draft, row, event)
        case "hand_over":
            _hand_over(draft, row, event)
        case _:
            pass


def resolved(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """It is done, as the account says."""
    if row is None or row.state == "resolved":
        draft.note("refused", why="not_open")
        return
    note = event.params.get("note") or event.act
    by = row.claimed_by or event.account
    draft.put(replace(_awake(row), state="resolved", resolved_at=draft.now, resolution=note, claimed_by=by))


def _soon(draft: Draft) -> datetime:
    return draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes)


def _snooze(draft: Draft, row: Exception_, event: Acted) -> None:
    """It is nobody's until then, and nothing reminds of it; no longer than until the patient must hear."""
    until = instant_or_none(event.params.get("until", ""))
    if row.kind == "safety":
        draft.note("refused", why="danger_never_sleeps")
    elif until is None or until <= draft.now:
        draft.note("refused", why="in_the_past")
    elif latest(draft) <= draft.now:
        draft.note("refused", why="too_near_to_sleep")
    else:
        until = min(until, latest(draft))
        detail = {**row.detail, ASLEEP: instant_text(until)}
        draft.put(replace(row, state="open", claimed_by=None, ack_by=until, detail=detail))
        draft.note("asleep", until=until.isoformat())


def wake(draft: Draft, row: Exception_) -> None:
    """Its time has come: whose it was has as long to claim it as of something new."""
    draft.put(replace(_awake(row), ack_by=_soon(draft)))
    draft.note("awake", owner=row.owner)


def _awake(row: Exception_) -> Exception_:
    return replace(row, detail={key: value for key, value in row.detail.items() if key != ASLEEP})


def _hand_over(draft: Draft, row: Exception_, event: Acted) -> None:
    """Another group of the playbook, or another account, has it from now on, and is to claim it like something new.
    That there is such an account is checked where the name is chosen."""
    to = event.params.get("to", "")
    if not to:
        draft.note("refused", why="unknown_owner")
        return
    draft.put(replace(_awake(row), state="open", claimed_by=None, owner=to, ack_by=_soon(draft)))
    draft.note("given_to", owner=to)


# -- cases


def pause(draft: Draft, event: Acted) -> None:
    """Let a case rest: until it goes on by hand, or (`until`) by itself. What was asked may still be answered."""
    case = _open_case(draft, event)
    ends = latest(draft)
    until = instant_or_none(event.params["until"]) if event.params.get("until") else None
    if case is None:
        draft.note("refused", why="case_over")
    elif ends <= draft.now:
        draft.note("refused", why="too_near_to_sleep")
    elif until is not None and until <= draft.now:
        draft.note("refused", why="in_the_past")
    else:
        goes_on = until is not None and until < ends
        at = until if until is not None and goes_on else ends
        draft.put(replace(case, paused=not goes_on, snoozed_until=at, due_at=min(case.due_at or at, at)))


def resume(draft: Draft, event: Acted) -> None:
    """Let a case that rests go on: at once where it only waited for that."""
    case = _open_case(draft, event)
    if case is None or case.snoozed_until is None:
        draft.note("refused", why="case_over" if case is None else "case_goes_on")
        return
    rested = case.due_at == case.snoozed_until
    draft.put(replace(case, paused=False, snoozed_until=None, due_at=draft.now if rested else case.due_at))


def _open_case(draft: Draft, event: Acted) -> Case | None:
    """The case that is named; the only open one where none is."""
    if event.params.get("case_id"):
        named = next((c for c in draft.cases.values() if c.case_id == event.params["case_id"]), None)
        return named if named is not None and named.state == "open" else None
    going = [c for c in draft.cases.values() if c.state == "open"]
    return going[0] if len(going) == 1 else None
