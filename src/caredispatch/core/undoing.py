"""Taking an act back: whatever a person did can be undone until something of it left the house. What an act lets out
waits a moment for that; what only changed who has what can be undone as long as nobody changed it since."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from caredispatch.core.asking import send_ask
from caredispatch.core.copying import replace
from caredispatch.core.draft import Decision, Draft, apply
from caredispatch.core.facts import Done
from caredispatch.core.observation import Acted, ActName
from caredispatch.core.records import Appointment, Ask, Case, Exception_, Hold, Link, State
from caredispatch.core.settling import count_kept

UNDO_FOR = timedelta(seconds=10)
"""How long what a click sends stays in the house."""
UNDOABLE: tuple[ActName, ...] = (
    "assign", "move", "overbook", "cancel", "resolve", "claim", "release_claim", "snooze", "hand_over", "pause_case",
    "resume_case",
)  # fmt: skip
Kept = Case | Ask | Link | Exception_ | Hold


def stays_a_moment(draft: Draft) -> None:
    """Nothing that an act lets out leaves before it can't be undone any more."""
    at = draft.now + UNDO_FOR
    draft.deliveries = [replace(d, not_before=max(d.not_before or at, at)) for d in draft.deliveries]


def done_of(acts: Sequence[tuple[Acted, State, Decision, datetime]]) -> Done | None:
    """The act that an undo takes back, of the acts on a subject, newest first: the last that was not refused, if it
    can be undone, and was not undone already."""
    for event, before, decision, at in acts:
        if any(note["code"] == "refused" for note in decision.trace.notes):
            continue
        if event.act not in UNDOABLE:
            return None
        visit = decision.appointment
        settles = visit.settle_at if visit is not None and event.act == "cancel" else None
        return Done(
            act=event.act,
            account=event.account,
            at=at,
            before=before,
            after=apply(before, decision),
            effects=tuple(d.delivery_id for d in decision.deliveries),
            leaves_at=settles or (at + UNDO_FOR if decision.deliveries else None),
            told_others=bool(decision.passed),
        )
    return None


def undo(draft: Draft, event: Acted) -> None:
    """Take the last act on this subject back, or say why that can't be any more."""
    done = draft.facts.done
    why = _obstacle(draft, done)
    if done is None or why:
        draft.note("refused", why=why)
        return
    draft.note("undone", act=done.act, account=event.account, by=done.account)
    _restore(draft, done)


def _obstacle(draft: Draft, done: Done | None) -> str:
    if done is None:
        return "nothing_to_undo"
    if done.told_others:
        return "others_know"
    if done.leaves_at is not None and draft.now >= done.leaves_at:
        return "has_left"
    return "" if _stands(draft, done) else "changed_since"


def _bare(visit: Appointment | None) -> Appointment | None:
    """A record without what every decision may touch."""
    return replace(visit, version=0, next_look_at=None) if visit else None


def _rows(of: State | Draft) -> dict[str, Kept]:
    """Everything that an act may change beside the record and whose time it takes: cases first."""
    if isinstance(of, Draft):
        of = of.as_it_is
    return {
        **{f"case:{r.case_id}": r for r in of.cases},
        **{f"ask:{r.ask_id}": r for r in of.asks},
        **{f"link:{r.link_id}": r for r in of.links},
        **{f"exception:{r.exception_id}": r for r in of.exceptions},
        **{f"hold:{r.connection_id}": r for r in of.holds},
    }


def _stands(draft: Draft, done: Done) -> bool:
    """Whether all that the act changed is as it left it, and the time that it gave back is still free."""
    was, became = _bare(done.before.appointment), _bare(done.after.appointment)
    if was != became and _bare(draft.appointment) != became:
        return False
    now, before = _rows(draft), _rows(done.before)
    if any(row != before.get(key) and now.get(key) != row for key, row in _rows(done.after).items()):
        return False
    return _time_is_free(draft, done)


def _time_is_free(draft: Draft, done: Done) -> bool:
    there = {o.occupation_id for o in done.after.occupations}
    if set(draft.occupations) != there and done.before.occupations != done.after.occupations:
        return False
    gone = [o for o in done.before.occupations if o.occupation_id not in there]
    return not any(
        busy.session_id not in (None, row.session_id)
        and busy.appointment_id != row.appointment_id
        and busy.start_at < row.end_at
        and row.start_at < busy.end_at
        for row in gone
        for busy in draft.facts.busy.get(row.resource_id, ())
    )


def _restore(draft: Draft, done: Done) -> None:
    draft.recalled += done.effects
    was, now = done.before.appointment, draft.appointment
    if was is not None and now is not None and _bare(was) != _bare(done.after.appointment):
        draft.appointment = replace(was, version=now.version + 1, next_look_at=now.next_look_at)
    if done.before.occupations != done.after.occupations:
        draft.occupations = {o.occupation_id: o for o in done.before.occupations}
    _restore_rows(draft, _rows(done.before), _rows(done.after))
    if done.act == "cancel":
        count_kept(draft)


def _restore_rows(draft: Draft, before: dict[str, Kept], after: dict[str, Kept]) -> None:
    now = _rows(draft)
    for key in after:
        if key not in before:
            _end(draft, now[key])
    for key, row in before.items():
        if after.get(key) == row:
            continue
        if isinstance(row, Ask):
            _ask_again(draft, row)
        else:
            draft.put(row)


def _end(draft: Draft, row: Kept) -> None:
    """What the act made new ends, unheard of."""
    match row:
        case Case():
            draft.close(row, "closed", "undone")
        case Ask() if row.open:
            draft.withdraw(row)
        case Exception_() if row.state != "resolved":
            draft.put(replace(row, state="resolved", resolved_at=draft.now, resolution="undone"))
        case Link():
            draft.put(replace(row, wanted=None, state="idle"))
        case Hold():
            draft.put(replace(row, wanted={}, placed=()))
        case _:
            pass


def _ask_again(draft: Draft, row: Ask) -> None:
    """A question that the act took back goes on; one that had not left was withdrawn with its text, and is sent anew.
    Its number is a free one."""
    number = max(row.number, draft.facts.next_number.get(row.person_id, 1)) if row.open else row.number
    row = replace(row, number=number)
    if row.state == "pending":
        tried = tuple(c for c in row.tried if c != row.contact_id)
        send_ask(draft, draft.cases[row.case_id], replace(row, tried=tried), again=draft.now.isoformat())
    else:
        draft.put(row)
