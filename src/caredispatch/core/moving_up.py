"""Somebody on the waitlist takes a time, or not (D19): the first yes books it, the others hear that it is gone. What
they had before is given up: an entry of the list is done, a later visit is cancelled and its time offered in turn."""

from __future__ import annotations

from caredispatch.core.asking import news_to_patient, too_late
from caredispatch.core.choosing import ask_calendars, waits_no_more
from caredispatch.core.confirm import patient_said_no
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.ending import wind_down
from caredispatch.core.facts import Waiting
from caredispatch.core.filling import can_be_held
from caredispatch.core.observation import Label, Passed
from caredispatch.core.occupying import take
from caredispatch.core.playbook import AskStep
from caredispatch.core.reacting import react
from caredispatch.core.records import PATIENT, PROVIDER, Ask, Case, Participant
from caredispatch.core.rounds import advance_fill, entry_of, opening_of
from caredispatch.core.slots import apologise, close_slot, is_ours, nothing_left_to_do
from caredispatch.core.waitlist import may_take


def fill_due(draft: Draft, case: Case) -> None:
    """Time passed for an open fill case. A calendar that did not say in time is no obstacle here: the provider's own
    confirmation asks it again, and puts it before a person (D6)."""
    if case.phase == "checking":
        looked(draft, waits_no_more(draft, case))
    else:
        advance_fill(draft, case)


def looked(draft: Draft, case: Case) -> None:
    """The calendars said whether the time is still free: who said yes first has it, or it is gone for everybody."""
    if "busy" in case.checked.values():
        close_slot(draft, "taken_elsewhere")
        return
    said_yes = [a for a in draft.asks_of(case) if _stands(a)]
    for row in sorted(said_yes, key=lambda a: (a.answered_at, a.ask_id)):
        entry = _entry(draft, row)
        if entry is not None and _can_take(draft, case, entry):
            _book(draft, case, row, entry, row.answered_via or "")
            return
        too_late(draft, row, row.answered_via or "")
    advance_fill(draft, draft.cases[case.case_id])


def offer_accepted(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """Somebody on the waitlist takes the time. It counts while it is there to give, even after the offer expired, and
    while a human has it (E11); where nothing could hold it, the calendars are asked first."""
    if _stands(row):
        draft.note("same_answer", person=row.person_id)
        return
    entry = _entry(draft, row)
    if entry is None or not _can_take(draft, case, entry):
        too_late(draft, row, via)
        draft.resolve_exceptions("answered", "call", need="offer_slot", person=row.person_id)
        if case.state == "open":
            advance_fill(draft, draft.cases[case.case_id])
        return
    case = replace(case, state="open", outcome=None, closed_at=None, due_at=case.due_at or draft.now)
    draft.put(case)
    if not can_be_held(draft) and _is_looked_at(draft, case):
        state = row.state if row.open else "expired"
        draft.put(replace(row, state=state, answered_at=draft.now, answered_via=via))
        return
    _book(draft, case, row, entry, via)


def offer_declined(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """Somebody on the waitlist does not want it: the next is asked."""
    draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
    draft.resolve_exceptions("declined", "call", need="offer_slot", person=row.person_id)
    if case.state == "open":
        advance_fill(draft, draft.cases[case.case_id])


def offer_over(draft: Draft, case: Case, row: Ask, label: Label, via: str) -> None:
    """An answer to an offer that is decided: whoever has the time may still give it back, like any visit; a yes gets a
    true word."""
    ahead = draft.visit.active and draft.now < draft.visit.start_at
    if label == "yes":
        too_late(draft, row, via)
    elif row.state == "accepted" and ahead:
        draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
        patient_said_no(draft, case)
        react(draft, "patient_declined")
    else:
        draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))


def _stands(row: Ask) -> bool:
    """A yes that waits for a look at the calendars."""
    return row.answered_at is not None and (row.open or row.state == "expired")


def _entry(draft: Draft, row: Ask) -> Waiting | None:
    """The entry that was offered the time, while it is on the list."""
    return next((e for e in draft.facts.waiting if e.appointment_id == entry_of(row)), None)


def _can_take(draft: Draft, case: Case, entry: Waiting) -> bool:
    if not draft.visit.is_slot or draft.now >= draft.visit.start_at or not may_take(opening_of(draft, case), entry):
        return False
    return is_ours(draft, again=True)


def _is_looked_at(draft: Draft, case: Case) -> bool:
    """Whether calendars are being asked about the time, or are now. A group's seat is in them by the group itself."""
    provider = draft.visit.actor(PROVIDER)
    if case.phase == "checking":
        return True
    if provider is None or draft.directory.seats(draft.visit.service) > 1:
        return False
    return ask_calendars(draft, replace(case, checked={}), [provider])


def _book(draft: Draft, case: Case, row: Ask, entry: Waiting, via: str) -> None:
    """The time is theirs: it is their visit from now on, confirmed by their own word."""
    take(draft, row.person_id, "patient")
    at = row.answered_at or draft.now
    draft.put(replace(row, state="accepted", answered_at=at, answered_via=via))
    draft.record(
        status="booked",
        participants=(Participant(PATIENT, "patient", row.person_id), *draft.visit.participants),
        confirmation="confirmed",
        confirmed_at=at,
        rescheduled_from=entry.request.instead_of or entry.appointment_id,
    )
    standing = [a for a in draft.asks_of(case) if a.ask_id != row.ask_id]
    draft.close(draft.cases[case.case_id], "settled", "filled")
    apologise(draft, standing)
    nothing_left_to_do(draft, "filled")
    news_to_patient(draft, "booked_for_patient", key=row.ask_id)
    word = Passed("superseded", draft.visit.appointment_id, case_id=case.case_id, patient_id=row.person_id)
    draft.pass_on(entry.appointment_id, word)
    draft.facts = replace(draft.facts, patient=entry.patient)
    react(draft, "booked", only=("staff",))


def superseded(draft: Draft, event: Passed) -> None:
    """The patient took another time instead of this one. An entry of the waitlist is done, and says so to the later
    visit that it wanted to replace. A later visit is cancelled, as the patient's own wish and without a word to them;
    its time is offered in turn. That ends: each such time is later than the one before it."""
    visit = draft.visit
    if not visit.active:
        detail = {"why": "placed_twice", "other": event.origin}
        draft.raise_("handed_over", draft.playbook.last_owner, key=f"superseded:{event.origin}", detail=detail)
        return
    was_timed = visit.timed
    instead_of = visit.request.instead_of if visit.request and not was_timed else None
    by = "patient" if was_timed else None
    draft.record(status="cancelled", initiator=by, cancelled_at=draft.now, settle_at=None)
    draft.note("superseded", by=event.origin)
    wind_down(draft, "moved_up")
    if instead_of is not None:
        draft.pass_on(instead_of, event)
    if was_timed and visit.end_at > draft.now:
        react(draft, "slot_opened")


def freed(draft: Draft, event: Passed) -> None:
    """Somebody's time became free where a role of this visit lacks its person: the pool is asked again, them included
    (D19). Nobody is asked twice."""
    case = draft.open_case("cover", event.role)
    if case is None or case.phase != "asking" or not draft.visit.active:
        draft.note("no_longer_sought", role=event.role)
        return
    path = draft.policy.of(case).paths.get(case.path)
    steps = path.steps if path else ()
    pool = next((n for n, step in enumerate(steps) if isinstance(step, AskStep) and step.whom == "pool"), case.step)
    draft.put(replace(case, step=min(pool, case.step), step_until=None, due_at=draft.now))
    draft.note("freed", person=event.actor_id)
