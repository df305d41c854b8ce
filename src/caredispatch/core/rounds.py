"""Offering a slot along its path (D19): a round to the waitlist, the next person after each no or silence, then a group
of the practice, then a named human. Nothing is offered past the last moment at which somebody could still come."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import TEXT_OF, ask, asleep_until, contacts_of, over_limit, window_end
from caredispatch.core.copying import replace
from caredispatch.core.cover import expire
from caredispatch.core.draft import Draft
from caredispatch.core.facts import Waiting
from caredispatch.core.ids import Id
from caredispatch.core.playbook import AUTO, AskStep, HandToStep, Path
from caredispatch.core.records import PROVIDER, SLOT, Ask, Case, Option
from caredispatch.core.resting import rests
from caredispatch.core.slots import close_slot, first_uncovered, hand_over, is_ours, offers_out, show, useful_until
from caredispatch.core.waitlist import Opening, rank

WAITLIST = "waitlist"
MOST_AT_ONCE = 5
"""However little time is left: each of them but one is disappointed."""


def advance_fill(draft: Draft, case: Case) -> None:
    """Bring an open fill case as far as it can go now: offers out, a group that looks for somebody, or a human."""
    if case.phase == "checking":
        return
    expire(draft, case)
    if draft.now >= useful_until(draft):
        close_slot(draft, "not_filled")
    elif not is_ours(draft):
        close_slot(draft, "taken_elsewhere")
    elif rests(draft, case) or (case.paused and case.snoozed_until is None):
        _wait(draft, case, case.snoozed_until)
    elif case.paused:
        hand_over(draft, case, draft.playbook.last_owner)
    else:
        _along_the_path(draft, draft.cases[case.case_id])


def _wait(draft: Draft, case: Case, until: datetime | None) -> None:
    """Until an instant, the end of an offer that stands, or the last moment at which anybody can be found."""
    ends = [a.due_at for a in offers_out(draft, case)] + ([until] if until is not None else [])
    draft.put(replace(case, due_at=min([*ends, useful_until(draft)])))


def _along_the_path(draft: Draft, case: Case) -> None:
    path = draft.policy.of(case).paths[case.path]
    while case.step < len(path.steps):
        step = path.steps[case.step]
        if isinstance(step, HandToStep):
            hand_over(draft, case, step.who)
            return
        muted = case.step > 0 and isinstance(step, AskStep) and draft.stage("escalation") != "live"
        if muted:
            draft.note("escalation_not_live", step=case.step)
        elif isinstance(step, AskStep) and _step(draft, case, path, step):
            return
        case = replace(draft.cases[case.case_id], step=case.step + 1, step_until=None)
        draft.put(case)
    hand_over(draft, case, draft.playbook.last_owner)


def _step(draft: Draft, case: Case, path: Path, step: AskStep) -> bool:
    """Carry on with one step. True when there is something to wait for, or the end."""
    if step.whom != WAITLIST:
        return _group_looks(draft, case, step)
    if not offers_out(draft, case):
        found = first_uncovered(draft)
        if found is not None:
            close_slot(draft, "matched_to_uncovered")
            draft.pass_on(*found)
            return True
    return _round(draft, case, path, step)


def _group_looks(draft: Draft, case: Case, step: AskStep) -> bool:
    """A group of the practice is shown the time, and looks for somebody; once a person says that it is done, it is."""
    lines = [e for e in draft.exceptions.values() if (e.kind, e.case_id) == ("slot_unfilled", case.case_id)]
    if lines and all(e.state == "resolved" for e in lines):
        close_slot(draft, "by_hand")
        return True
    until = case.step_until
    if until is None:
        until = min(draft.now + timedelta(minutes=step.window.minutes), useful_until(draft))
        show(draft, case, step.whom, until)
    if draft.now >= until:
        return False
    draft.put(replace(draft.cases[case.case_id], step_until=until))
    _wait(draft, draft.cases[case.case_id], until)
    return True


def opening_of(draft: Draft, case: Case) -> Opening:
    """What is known of the time and of everybody on the list."""
    waiting = draft.facts.waiting
    limited = tuple(e.patient_id for e in waiting if over_limit(draft, "patient", e.patient_id))
    offered = tuple(entry for a in draft.asks_of(case) if (entry := entry_of(a)) is not None)
    return Opening(draft.visit, case, draft.facts, draft.directory, draft.now, offered, limited)


def entry_of(row: Ask) -> Id | None:
    """The entry of the waitlist that an offer was made to."""
    return row.options[0].displaces if row.options else None


def _round(draft: Draft, case: Case, path: Path, step: AskStep) -> bool:
    """Fill up the round: offers to so many at once, in the order of the ranking."""
    opening = opening_of(draft, case)
    ranked = rank(opening)
    draft.candidates[case.case_id] = ranked
    right = [c for c in ranked if "other_service" not in c.reasons]
    if right and not opening.offered and all("short_notice" in c.reasons for c in right):
        close_slot(draft, "too_near")
        return True
    entries = {e.appointment_id: e for e in draft.facts.waiting}
    eligible = [entries[Id(c.handle)] for c in ranked if c.eligible == "yes"]
    standing = len(offers_out(draft, case))
    wanted = (_as_time_demands(draft, step, eligible) if step.at_once == AUTO else step.at_once) - standing
    asleep: list[datetime] = []
    for entry in eligible:
        if wanted <= 0:
            break
        if any(a.person_id == entry.patient_id for a in draft.asks_of(case)):
            continue  # under another entry of theirs
        quiet = _asleep_until(draft, entry, step)
        if quiet is not None:
            asleep.append(quiet)
        elif _offer(draft, case, step, entry):
            wanted -= 1
    if offers_out(draft, case):
        _wait(draft, draft.cases[case.case_id], min(asleep, default=None) if wanted > 0 else None)
        return True
    return _until_morning(draft, case, asleep)


def _until_morning(draft: Draft, case: Case, asleep: list[datetime]) -> bool:
    """An offer is no urgent thing: where everybody who is left is in quiet hours it waits, if that is soon enough."""
    morning = min(asleep, default=None)
    if morning is None or morning >= useful_until(draft):
        draft.note("step_empty", step=case.step)
        return False
    draft.note("all_quiet", step=case.step)
    _wait(draft, draft.cases[case.case_id], morning)
    return True


def _as_time_demands(draft: Draft, step: AskStep, eligible: list[Waiting]) -> int:
    """As many at once as it takes to come to everybody in the time that is left."""
    left = int((useful_until(draft) - draft.now).total_seconds() // 60)
    rounds = max(left // max(step.window.minutes, 1), 1)
    return min(max(-(-len(eligible) // rounds), 1), MOST_AT_ONCE)


def _by_phone(draft: Draft, entry: Waiting, step: AskStep) -> bool:
    """Whether a person must phone: nobody is texted who may not be, or can't (D24, D31)."""
    if entry.patient.human_only or entry.patient.automation == "human_first":
        return True
    return not contacts_of(draft, entry.patient_id, step.by, TEXT_OF["offer_slot"], "confirm")


def _asleep_until(draft: Draft, entry: Waiting, step: AskStep) -> datetime | None:
    if _by_phone(draft, entry, step):
        return None
    return asleep_until(draft, "patient", entry.patient_id, step.by, TEXT_OF["offer_slot"])


def _offer(draft: Draft, case: Case, step: AskStep, entry: Waiting) -> bool:
    """Offer the time to one entry, by text or by phone. True when the offer stands."""
    phone = _by_phone(draft, entry, step)
    due_at = min(window_end(draft, step.window, "patient", entry.patient_id), useful_until(draft))
    visit = draft.visit
    option = Option(
        visit.start_at,
        visit.end_at,
        visit.actor(PROVIDER) or entry.patient_id,
        visit.location,
        visit.modality,
        visit.actor("room"),
        displaces=entry.appointment_id,
    )
    case = draft.cases[case.case_id]
    by = () if phone else step.by
    row = ask(draft, case, "offer_slot", "patient", entry.patient_id, by, due_at, role=SLOT, options=(option,))
    if phone:
        detail = {"need": "offer_slot", "person": entry.patient_id}
        draft.raise_("call", _who_phones(draft, case), case=case, key=f"offer:{entry.patient_id}", detail=detail)
    return phone or row.open


def _who_phones(draft: Draft, case: Case) -> str:
    """The group that the path asks after the waitlist."""
    steps = draft.policy.of(case).paths[case.path].steps
    groups = [s.whom for s in steps if isinstance(s, AskStep) and s.whom != WAITLIST]
    return groups[0] if groups else draft.playbook.last_owner
