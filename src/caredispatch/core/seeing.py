"""What an observation of an appointment or of calendars sets off: the merge, whose time is taken, settle times (D9), copies
(D10), conflicts, and other people's acts (D11)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from caredispatch.core.acts import wind_down
from caredispatch.core.confirm import advance_confirm, open_gate
from caredispatch.core.cover import advance_cover
from caredispatch.core.draft import Draft
from caredispatch.core.ids import Id
from caredispatch.core.merge import Merged, merge
from caredispatch.core.observation import AppointmentGone, AppointmentSeen, Block, BusySeen
from caredispatch.core.occupying import Clash, occupy_all
from caredispatch.core.playbook import Trigger
from caredispatch.core.reacting import react
from caredispatch.core.records import Appointment, Link

MOST_ROUNDS = 2


def appointment_seen(draft: Draft, event: AppointmentSeen) -> None:
    """Take one observation of a copy into the record, and act on the difference."""
    before = draft.appointment
    settle = timedelta(minutes=draft.playbook.settle_minutes)
    merged = merge(draft.before, event, draft.directory, draft.now, settle)
    if event.unmapped or merged.missing:
        _unmapped(draft, event, merged)
        if merged.missing:
            return
    if merged.link is None:
        draft.note("old_news" if not merged.reread else "read_again", system=event.connection_id)
        if merged.reread:
            draft.fetches.append((event.connection_id, event.external_id))
        return
    draft.appointment = merged.appointment
    _read_back(draft, merged.link, event)
    for key, sides in merged.conflicts:
        detail = {"field": key, "sides": sides, "system": event.connection_id}
        draft.raise_("conflict", draft.playbook.last_owner, key=merged.link.link_id, detail=detail)
        draft.put(replace(draft.links[merged.link.link_id], state="conflict"))
    if before is not None and before == merged.appointment:
        draft.note("no_difference", system=event.connection_id)
        return
    _changed(draft, before, merged, event)


def _unmapped(draft: Draft, event: AppointmentSeen, merged: Merged) -> None:
    what = ", ".join(event.unmapped) or ", ".join(merged.missing)
    draft.raise_(
        "mapping_missing" if event.unmapped else "not_understood",
        draft.playbook.last_owner,
        connection_id=event.connection_id,
        key=f"{event.connection_id}:{what}",
        detail={"what": what, "external_id": event.external_id, "system": event.connection_id},
    )


def _read_back(draft: Draft, link: Link, event: AppointmentSeen) -> None:
    """A reading above our last write that differs from what we wanted is a round that disagreed (E4)."""
    after_write = link.written_order is not None and event.order >= link.written_order and link.state == "waiting"
    if after_write and link.wanted is not None:
        if any(link.seen.get(key) != value for key, value in link.wanted.items()):
            link = replace(link, rounds=link.rounds + 1, state="idle", written_order=None)
            draft.note("write_not_taken", system=link.connection_id, round=link.rounds)
            if link.rounds >= MOST_ROUNDS:
                link = replace(link, state="conflict")
                sides = {k: f"{v}|{link.seen.get(k, '')}" for k, v in (link.wanted or {}).items() if link.seen.get(k) != v}
                detail = {"system": link.connection_id, "field": ", ".join(sides), "sides": "; ".join(sides.values())}
                draft.raise_("conflict", draft.playbook.last_owner, key=link.link_id, detail=detail)
        else:
            link = replace(link, rounds=0)
    draft.put(link)


def _changed(draft: Draft, before: Appointment | None, merged: Merged, event: AppointmentSeen) -> None:
    visit = draft.visit
    if visit.settle_at is not None and (before is None or before.settle_at is None):
        draft.note("settling", until=visit.settle_at.isoformat())
        return
    if before is not None and before.settle_at is not None and visit.active:
        draft.record(settle_at=None, cancelled_at=None, initiator=None)
        draft.note("cancellation_taken_back")
    if not visit.active:
        if before is not None and before.active:
            wind_down(draft, visit.status)
        for trigger in merged.triggers:
            _fire(draft, trigger, event, merged)
        return
    by_hand = before is not None and merged.reassigned
    if by_hand:
        _others_acted(draft)
    clashes = occupy_all(draft) if visit.end_at > draft.now else []
    if merged.moved and before is not None:
        draft.record(confirmation="unasked", confirmed_at=None, tell_by_done=False)
    lost = _weigh(draft, clashes)
    triggers = merged.triggers
    if draft.facts.settling and "booked" in triggers:
        draft.record(rescheduled_from=draft.facts.settling[0])
        triggers = ("rescheduled",)
    for trigger in triggers:
        _fire(draft, trigger, event, merged)
    if merged.triggers and event.mode == "live":
        for role in lost:
            react(draft, "conflict_found", role=role)
        for participant in visit.participants:
            if participant.kind == "staff" and participant.actor_id is None:
                react(draft, "coverage_gap", role=participant.role)


def _fire(draft: Draft, trigger: Trigger, event: AppointmentSeen, merged: Merged) -> None:
    if event.mode == "held":
        draft.record(held_triggers=(*draft.visit.held_triggers, trigger))
        draft.note("held", trigger=trigger)
    elif event.mode == "live":
        staff_only = trigger == "rescheduled" and not merged.moved
        react(draft, trigger, only=("staff",) if staff_only else None)


def _others_acted(draft: Draft) -> None:
    """Somebody assigned a provider in the source: what we were asking for is settled, asks are withdrawn (D11)."""
    for case in list(draft.cases.values()):
        if case.state in ("open", "handed") and case.kind == "cover":
            draft.close(case, "closed", "assigned_elsewhere")
    draft.resolve_exceptions("assigned_elsewhere", "nobody_found", "patient_declined", "provider_silent")


def _weigh(draft: Draft, clashes: list[Clash]) -> list[str]:
    """Record what overlaps for what it is (E9, D1, D7); returns the staff roles that lost their person to it."""
    lost: list[str] = []
    draft.record(observed_overlap=any(clash.same_source for clash in clashes))
    for clash in clashes:
        if clash.same_source:
            draft.note("observed_overlap", resource=clash.participant.actor_id)
            continue
        draft.note("overlap", resource=clash.participant.actor_id, with_=clash.busy.kind)
        if clash.participant.kind == "staff":
            draft.cover_role(clash.participant.role, "at_risk")
            lost.append(clash.participant.role)
        else:
            detail = {"role": clash.participant.role, "with": str(clash.busy.appointment_id)}
            draft.raise_("overlap", draft.playbook.last_owner, key=clash.participant.role, detail=detail)
    return lost


def settled_cancellation(draft: Draft) -> None:
    """The settle time is over (D9): a cancellation now counts, unless the visit was booked anew meanwhile."""
    draft.record(settle_at=None)
    if draft.facts.successor is not None:
        draft.note("rescheduled_to", appointment=draft.facts.successor)
        wind_down(draft, "rescheduled")
        return
    wind_down(draft, "cancelled")
    if draft.visit.end_at > draft.now:
        react(draft, "cancelled")


def appointment_gone(draft: Draft, event: AppointmentGone) -> None:
    """A copy that a fetch by id no longer finds is a cancellation there (D8)."""
    link = next((li for li in draft.links.values() if li.external_id == event.external_id), None)
    if link is None:
        draft.note("never_known", system=event.connection_id)
        return
    content = {**link.seen, "status": "cancelled"}
    appointment_seen(draft, AppointmentSeen(event.connection_id, event.external_id, content, event.order))


def busy_seen(draft: Draft, event: BusySeen) -> None:
    """What calendars say of the people that a case asked about."""
    case = draft.cases.get(event.case_id)
    if case is None or case.state != "open" or not draft.visit.active:
        draft.note("no_longer_asked", case=event.case_id)
        return
    said = {f"{event.connection_id}:{who}": _verdict(draft, event, who) for who in event.asked}
    case = replace(case, checked={**case.checked, **said})
    draft.put(case)
    draft.note("calendars_said", **{key.replace(":", "_"): value for key, value in said.items()})
    if case.phase != "checking" or "pending" in case.checked.values():
        return
    case = replace(case, phase="asking", due_at=draft.now)
    draft.put(case)
    if case.kind == "cover":
        advance_cover(draft, case)
    elif "busy" in case.checked.values():
        draft.cover_role(case.role, "at_risk")
        draft.close(case, "closed", "conflict_found")
        react(draft, "conflict_found", role=case.role)
    else:
        advance_confirm(draft, case)
        open_gate(draft)


def _verdict(draft: Draft, event: BusySeen, who: Id) -> str:
    if event.failed is not None:
        return "unknown"
    visit = draft.visit
    for block in event.blocks:
        if block.resource_id != who or block.transparent or block.all_day or block.tentative:
            continue
        if block.start_at < visit.end_at and visit.start_at < block.end_at and not is_copy(draft, event, block):
            return "busy"
    return "free"


def is_copy(draft: Draft, event: BusySeen, block: Block) -> bool:
    """Whether a block was made for this very visit by a connected system (D10): it carries our id, is a known copy, or
    carries the external id of one."""
    links = [li for li in draft.links.values() if li.external_id is not None]
    return (
        block.ours == draft.visit.appointment_id
        or any(li.connection_id == event.connection_id and li.external_id == block.external_id for li in links)
        or (block.origin is not None and any(li.external_id == block.origin for li in links))
    )

