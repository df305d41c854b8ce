"""What a change of the record sets off: whose time is taken, settle times and reschedules (D9), other people's acts
(D11), what waits behind a volume exception (D8), and the triggers."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.clearing import overtaken, patient_hears_who, replaced, role_filled
from caredispatch.core.content import Content
from caredispatch.core.draft import Draft
from caredispatch.core.ending import hears_of_cancellation, somebody_rebooks, wind_down
from caredispatch.core.following_up import came_after_all, settled
from caredispatch.core.ids import Id
from caredispatch.core.merge import Merged, take_over
from caredispatch.core.observation import Mode, Passed
from caredispatch.core.occupying import Clash, join_session, occupy_all, release
from caredispatch.core.playbook import Trigger
from caredispatch.core.reacting import react, react_where_ruled
from caredispatch.core.records import Appointment
from caredispatch.core.series import gather, is_gathered
from caredispatch.core.settling import answered_in_vain, count_kept
from caredispatch.core.watching import arrived

NO_SHOW_IS_NEWS = timedelta(hours=24)


def adopt(draft: Draft, theirs: Content) -> None:
    """Take values of a copy into the record because a person said so, with all that follows from the change."""
    before = draft.visit
    merged = take_over(before, theirs, draft.now, timedelta(minutes=draft.playbook.settle_minutes))
    draft.appointment = merged.appointment
    if merged.appointment != before:
        changed(draft, before, merged, "live")


def changed(draft: Draft, before: Appointment | None, merged: Merged, mode: Mode) -> None:
    """Act on a difference of the record."""
    visit = draft.visit
    came_after_all(draft, before)
    was_settling = before is not None and before.settle_at is not None
    if visit.settle_at is not None and not was_settling:
        _cancelled(draft, mode)
    elif not visit.active:
        held_back = before is not None and "cancelled" in before.held_triggers
        if before is not None and (before.active or held_back or (was_settling and visit.settle_at is None)):
            if was_settling:
                answered_in_vain(draft)
            wind_down(draft, visit.status)
        _fire_all(draft, merged.triggers, merged, mode)
    else:
        if was_settling:
            draft.record(settle_at=None, cancelled_at=None, initiator=None)
            draft.note("cancellation_taken_back")
        _goes_on(draft, before, merged, mode)
        if was_settling:
            count_kept(draft)


def _cancelled(draft: Draft, mode: Mode) -> None:
    """A cancellation settles first (D9); one of an unusual volume waits for a person (D8)."""
    if mode == "held":
        draft.record(settle_at=None, held_triggers=(*draft.visit.held_triggers, "cancelled"))
        draft.note("held", trigger="cancelled")
    else:
        draft.note("settling", until=str(draft.visit.settle_at))


def _goes_on(draft: Draft, before: Appointment | None, merged: Merged, mode: Mode) -> None:
    """A visit that is still to be: its time, its people, and what the difference stands for."""
    live = mode == "live"
    if before is None or merged.moved:
        join_session(draft)
    if before is not None:
        _differs(draft, before, merged, mode)
    lost = _weigh(draft, _take_time(draft), live=live)
    if merged.roles and live:
        patient_hears_who(draft, f"seen:{draft.visit.version}", changed=False)
    triggers = _what_it_stands_for(draft, merged)
    _fire_all(draft, triggers, merged, mode)
    if before is None and draft.visit.timed and live:
        for missed in draft.facts.followed_up:
            draft.pass_on(missed, Passed("booked", draft.visit.appointment_id))
    if triggers and live and not ("arrived" in triggers and draft.visit.start_at <= draft.now):
        _uncovered(draft, lost)


def _differs(draft: Draft, before: Appointment, merged: Merged, mode: Mode) -> None:
    """What a change puts to rest: other people's acts, and what was asked of another time."""
    visit, silent = draft.visit, mode != "live"
    back = not before.active and before.settle_at is None and visit.start_at > draft.now
    afresh = merged.moved or (back and not (before.status == "noshow" and "arrived" in merged.triggers))
    draft.concerned = None if afresh else merged.roles
    _others_acted(draft, before, merged.roles, silent=silent, told_later=is_gathered(draft, merged, mode))
    if not before.timed and visit.timed:
        _placed_elsewhere(draft)
    if afresh:
        _moved(draft, silent=silent)


def _take_time(draft: Draft) -> list[Clash]:
    """Take everybody's time for the visit; nobody's for one that is over. Returns who was not free."""
    if draft.visit.end_at > draft.now:
        return occupy_all(draft)
    release(draft, keep=())
    return []


def _what_it_stands_for(draft: Draft, merged: Merged) -> tuple[Trigger, ...]:
    """The triggers of a difference: a booking in place of a visit whose cancellation settles moves that one (D9)."""
    if "arrived" in merged.triggers:
        arrived(draft)
    if draft.facts.settling and "booked" in merged.triggers:
        draft.record(rescheduled_from=draft.facts.settling[0])
        return ("rescheduled",)
    return merged.triggers


def _placed_elsewhere(draft: Draft) -> None:
    """The source gave a request its time by itself: nobody is offered another (D11)."""
    for case in list(draft.cases.values()):
        if case.kind == "place" and case.state in ("open", "handed"):
            draft.close(case, "closed", "placed_elsewhere")
    settled(draft, "placed_elsewhere")


def _uncovered(draft: Draft, lost: list[str]) -> None:
    """Roles that lost their person or have none set off their trigger, once: not while it is sought, or a human has
    it."""
    sought = {c.role for c in draft.cases.values() if c.kind == "cover" and c.state in ("open", "handed")}
    for role in lost:
        if role not in sought:
            react(draft, "conflict_found", role=role)
    for participant in draft.visit.participants:
        if participant.kind == "staff" and participant.actor_id is None and participant.role not in sought:
            react(draft, "coverage_gap", role=participant.role)


def _moved(draft: Draft, *, silent: bool) -> None:
    """Another time, site or modality, or a visit that is back after it was cancelled, is another question: who agreed
    before has said nothing of it (D17)."""
    draft.record(confirmation="unasked", confirmed_at=None, tell_by_done=False)
    for case in list(draft.cases.values()):
        if case.state in ("open", "handed"):
            overtaken(draft, case, "visit_changed", silent=silent)
    for ask in list(draft.asks.values()):
        if ask.open:
            draft.withdraw(ask)
    draft.resolve_exceptions("visit_changed", "nobody_found", "patient_declined", "provider_silent", "gap")
    for need in ("confirm_patient", "agree_patient", "bad_news"):
        draft.resolve_exceptions("visit_changed", "call", need=need)
    for participant in draft.visit.participants:
        if participant.kind != "patient" and participant.actor_id is not None:
            draft.cover_role(participant.role, "tentative")


def _fire_all(draft: Draft, triggers: tuple[Trigger, ...], merged: Merged, mode: Mode) -> None:
    for trigger in triggers:
        if mode == "held":
            draft.record(held_triggers=(*draft.visit.held_triggers, trigger))
            draft.note("held", trigger=trigger)
        elif trigger == "no_show" and draft.visit.closed_by is not None:
            # The site was closed: nobody missed it (D14, D9).
            draft.record(initiator="practice")
            draft.note("not_their_no_show", incident=draft.visit.closed_by)
        elif trigger == "no_show" and draft.now - draft.visit.end_at > NO_SHOW_IS_NEWS:
            draft.note("long_past", trigger=trigger)
        elif mode == "live":
            _fire(draft, trigger, merged)


def _fire(draft: Draft, trigger: Trigger, merged: Merged) -> None:
    """Nothing holds a trigger back."""
    staff_only = trigger == "rescheduled" and not merged.moved
    if trigger in ("arrived", "fulfilled"):
        react_where_ruled(draft, trigger)
        return
    if trigger in ("booked", "rescheduled") and is_gathered(draft, merged, "live"):
        gather(draft, draft.before.appointment, merged, trigger)
    else:
        react(draft, trigger, only=("staff",) if staff_only else None)
    if not staff_only:
        # Everybody hears how the visit stands now: nothing of what was held before is left to say.
        draft.record(held_triggers=())


def released(draft: Draft, *, act: bool) -> None:
    """A person decided about a volume that waited (D8): let what was held fire, or drop it. What was cancelled ends
    either way; discarded, it ends without a word."""
    held = dict.fromkeys(draft.visit.held_triggers)
    draft.record(held_triggers=())
    if not draft.visit.active:
        wind_down(draft, draft.visit.status if act else "discarded", silent=not act)
    if not act:
        return
    for trigger in held:
        if _still_so(draft, trigger):
            # Who was asked and not moved since is asked nothing new.
            staff_only = trigger == "rescheduled" and draft.visit.confirmation != "unasked"
            react(draft, trigger, only=("staff",) if staff_only else None)  # type: ignore[arg-type]  # triggers are held
    if draft.visit.active and draft.visit.end_at > draft.now:
        _uncovered(draft, [p.role for p in draft.visit.participants if p.kind == "staff" and p.coverage == "at_risk"])


def _still_so(draft: Draft, trigger: str) -> bool:
    """Whether what was held is still true, and news, when it is released: what was cancelled may have turned out to be
    a no-show meanwhile."""
    visit = draft.visit
    if trigger == "no_show":
        return visit.status == "noshow" and draft.now - visit.end_at <= NO_SHOW_IS_NEWS
    said = visit.status in ("cancelled", "entered-in-error") if trigger == "cancelled" else visit.active
    return said and visit.end_at > draft.now


def _others_acted(draft: Draft, before: Appointment, roles: tuple[str, ...], *, silent: bool, told_later: bool) -> None:
    """Somebody assigned a person in the source: what we were asking for in that role is settled, asks are withdrawn
    (D11), and who had the role before hears of it, for a whole series once (D3)."""
    for case in list(draft.cases.values()):
        if case.state in ("open", "handed") and case.role in roles:
            overtaken(draft, case, "assigned_elsewhere", by=draft.visit.actor(case.role), silent=silent)
    for ask in list(draft.asks.values()):
        if ask.open and ask.person_kind == "staff" and ask.role in roles:
            draft.withdraw(ask)
    for role in roles:
        role_filled(draft, role, "assigned_elsewhere")
        now_theirs = draft.visit.actor(role)
        if now_theirs is not None and not silent:
            replaced(draft, role, before.actor(role), now_theirs, told_later=told_later)


def _weigh(draft: Draft, clashes: list[Clash], *, live: bool) -> list[str]:
    """Record what overlaps for what it is (E9, D1, D7); returns the staff roles that lost their person to it."""
    lost: list[str] = []
    draft.record(observed_overlap=any(clash.same_source for clash in clashes))
    slots: list[Id] = []
    for clash in clashes:
        if clash.busy.slot and clash.busy.appointment_id is not None:
            slots.append(clash.busy.appointment_id)
            continue
        if clash.same_source:
            draft.note("observed_overlap", resource=clash.participant.actor_id)
            continue
        draft.note("overlap", resource=clash.participant.actor_id, with_=clash.busy.kind)
        if clash.participant.kind == "staff":
            draft.cover_role(clash.participant.role, "at_risk")
            lost.append(clash.participant.role)
        elif live:
            detail = {"role": clash.participant.role, "with": str(clash.busy.appointment_id)}
            draft.raise_("overlap", draft.playbook.last_owner, key=clash.participant.role, detail=detail)
    for slot in dict.fromkeys(slots):
        # What is booked beats what we hold: it has its time as soon as that is given back (E9).
        draft.pass_on(slot, Passed("slot_taken", draft.visit.appointment_id))
    return lost


def look_again(draft: Draft) -> None:
    """A slot that had this visit's time gave it back, or was booked before it could: take the time, or find cover."""
    if not draft.visit.active or not draft.visit.timed or draft.visit.end_at <= draft.now:
        return
    lost = _weigh(draft, occupy_all(draft), live=True)
    _uncovered(draft, lost)


def settled_cancellation(draft: Draft) -> None:
    """The settle time is over (D9): a cancellation now counts, unless the visit was booked anew meanwhile."""
    draft.record(settle_at=None)
    answered_in_vain(draft)
    if draft.facts.successor is not None:
        draft.note("rescheduled_to", appointment=draft.facts.successor)
        wind_down(draft, "rescheduled")
        return
    by_hand = _was_by_hand(draft)
    wind_down(draft, "by_hand" if by_hand else "cancelled")
    if draft.visit.end_at > draft.now and draft.visit.timed:
        if by_hand:
            hears_of_cancellation(draft)
        react(draft, "cancelled")
        if by_hand:
            somebody_rebooks(draft)


def _was_by_hand(draft: Draft) -> bool:
    """Whether a person cancelled it here: no system said so."""
    gone = ("cancelled", "entered-in-error")
    seen = any(link.seen.get("status") in gone for link in draft.links.values())
    return draft.visit.initiator == "practice" and not seen
