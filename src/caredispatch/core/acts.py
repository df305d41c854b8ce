"""What people decide on the pages. A person's decision stands; automation backs off (D28, promise 6). What they do with
a visit is in `manual`, what with an exception or a case in `tending`, how it is taken back in `undoing`."""

from __future__ import annotations

from typing import assert_never

from caredispatch.core.changing import adopt, released
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.holding import hold_again
from caredispatch.core.ids import Id
from caredispatch.core.manual import assign, cancel, move, overbook
from caredispatch.core.observation import Acted
from caredispatch.core.projecting import wanted_of
from caredispatch.core.records import Exception_
from caredispatch.core.tending import pause, resolved, resume, tend
from caredispatch.core.undoing import undo


def acted(draft: Draft, event: Acted) -> None:
    """Carry out one act of a signed-in person."""
    row = draft.exceptions.get(event.exception_id) if event.exception_id else None
    draft.note("by_hand", act=event.act, account=event.account)
    match event.act:
        case "assign" | "move" | "overbook" | "cancel":
            _with_the_visit(draft, event, row)
        case "resolve":
            resolved(draft, row, event)
        case "claim" | "release_claim" | "snooze" | "hand_over":
            tend(draft, row, event)
        case "pause_case" | "resume_case":
            (pause if event.act == "pause_case" else resume)(draft, event)
        case "undo":
            undo(draft, event)
        case "retry_write" | "keep_ours" | "accept_theirs" | "release_volume" | "discard_volume":
            _with_a_system(draft, event, row)
        case _:
            assert_never(event.act)


def unbound_act(draft: Draft, event: Acted) -> None:
    """A person's act on an exception of a connection or of the practice."""
    row = draft.exceptions.get(event.exception_id) if event.exception_id else None
    draft.note("by_hand", act=event.act, account=event.account)
    match event.act:
        case "claim" | "release_claim" | "snooze" | "hand_over":
            tend(draft, row, event)
        case "undo":
            undo(draft, event)
        case _:
            if event.act == "retry_write" and row is not None and row.connection_id and row.detail.get("external_id"):
                draft.fetches.append((row.connection_id, row.detail["external_id"]))
            resolved(draft, row, event)


_OF_VISIT = {"assign": assign, "move": move, "overbook": overbook, "cancel": cancel}


def _with_the_visit(draft: Draft, event: Acted, row: Exception_ | None) -> None:
    """What is done with the visit itself; the exception that it was done about is resolved with it."""
    done = _OF_VISIT[event.act](draft, event)
    if done and row is not None and draft.exceptions[row.exception_id].state != "resolved":
        resolved(draft, draft.exceptions[row.exception_id], event)


def _with_a_system(draft: Draft, event: Acted, row: Exception_ | None) -> None:
    """What is done about what a system says, or did not take."""
    match event.act:
        case "retry_write":
            _again(draft, row, event)
        case "keep_ours" | "accept_theirs":
            _decide_conflict(draft, row, event)
        case _:
            released(draft, act=event.act == "release_volume")


def _again(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Write again, or read again, what failed."""
    for link in list(draft.links.values()):
        if link.state in ("refused", "conflict") and (row is None or row.detail.get("key") in ("", None, link.link_id)):
            draft.put(replace(link, state="idle", rounds=0))
    hold_again(draft, row)
    if row is not None and row.connection_id and row.detail.get("external_id"):
        draft.fetches.append((row.connection_id, row.detail["external_id"]))
    resolved(draft, row, event)


def _decide_conflict(draft: Draft, row: Exception_ | None, event: Acted) -> None:
    """Both sides changed: a person says whose word counts. Theirs is taken into the record; what of it the record
    does not hold (who accepted, a note) is left as it is there."""
    link = draft.links.get(Id(row.detail.get("key", ""))) if row else None
    if row is None or link is None:
        draft.note("refused", why="not_open")
        return
    if event.act == "keep_ours":
        draft.put(replace(link, state="idle", rounds=0))
    else:
        fields = row.detail.get("field", "").split(", ")
        adopt(draft, {key: link.seen[key] for key in fields if key in link.seen})
        wanted = wanted_of(draft, link)
        draft.put(replace(link, state="refused", rounds=0, sent=(), wanted=wanted, written_order=None))
    resolved(draft, row, event)
