"""What must hold after every decision, whatever happened (promises 3, 4, 6, 8 of the design)."""

from __future__ import annotations

from datetime import datetime

from caredispatch.core.draft import Decision, Policy
from caredispatch.core.facts import Facts
from caredispatch.core.observation import AppointmentSeen, Due, Observation
from caredispatch.core.records import State

_MAY_SAY = {
    "start_at",
    "location",
    "service",
    "modality",
    "provider",
    "questions",
    "case",
    "staff",
    "number",
    "until",
    "held",
    "group",
    "after",
    "visits",
    "count",
    "from",
    "to",
    "minutes",
    "together",
    "options",
}


def check(
    before: State, after: State, facts: Facts, event: Observation, decision: Decision, policy: Policy, now: datetime
) -> None:
    """Assert every invariant of one decision."""
    _cases(before, after)
    _asks(after)
    _time(before, after, event, now)
    _eligible(before, decision)
    _nobody_twice(after, facts)
    _nobody_forgotten(after, event, now)
    _no_identity(decision)
    _holds(after, policy, now)


def _cases(before: State, after: State) -> None:
    ended = {c.case_id for c in before.cases if c.kind == "cover" and c.state in ("settled", "closed")}
    opened = [(c.kind, c.role) for c in after.cases if c.state == "open"]
    assert len(opened) == len(set(opened)), "two open cases of one kind and role"
    for case in after.cases:
        assert case.state != "open" or case.case_id not in ended, "a case that was settled goes on"
        assert (case.due_at is not None) == (case.state == "open"), "open cases, and only they, have a deadline"


def _asks(after: State) -> None:
    cases = {c.case_id: c for c in after.cases}
    for ask in after.asks:
        if ask.open and ask.purpose != "inform_staff":
            assert cases[ask.case_id].state == "open", f"{ask.purpose} of {ask.person_id} goes on after the end"


def _time(before: State, after: State, event: Observation, now: datetime) -> None:
    visit = after.appointment
    if visit is None:
        return
    waiting = [c for c in after.cases if c.state == "open"] + [e for e in after.exceptions if e.state == "open"]
    assert visit.next_look_at is not None or not waiting, "something is open and nobody will look"
    if isinstance(event, Due) and visit.next_look_at is not None:
        assert visit.next_look_at > now, "time passed and nothing moved"


def _eligible(before: State, decision: Decision) -> None:
    known = {a.ask_id for a in before.asks}
    able = {c.staff_id for c in decision.trace.candidates if c.eligible == "yes"}
    for ask in decision.asks:
        if ask.purpose == "cover" and ask.ask_id not in known:
            assert ask.person_id in able, f"{ask.person_id} was asked but may not take it"
    open_asks = {a.ask_id: a.open for a in decision.asks}
    for delivery in decision.deliveries:
        if delivery.ask_id is not None and delivery.ask_id in open_asks:
            ask_of = next(a for a in decision.asks if a.ask_id == delivery.ask_id)
            assert ask_of.open or ask_of.ask_id in decision.withdrawn or ask_of.state in ("undeliverable", "accepted")


def _nobody_twice(after: State, facts: Facts) -> None:
    for row in after.occupations:
        for busy in facts.busy.get(row.resource_id, ()):
            other = busy.kind != "leave" and busy.session_id != row.session_id  # whoever falls ill was booked before
            overlap = busy.start_at < row.end_at and row.start_at < busy.end_at
            assert not (other and overlap), f"{row.resource_id} is booked twice"


def _nobody_forgotten(after: State, event: Observation, now: datetime) -> None:
    visit = after.appointment
    if visit is None or not visit.active or visit.start_at <= now or visit.held_triggers or _silent(event):
        return
    sought = {c.role for c in after.cases if c.kind == "cover" and c.state in ("open", "handed")}
    sought |= {e.detail["role"] for e in after.exceptions if "role" in e.detail}
    for participant in visit.participants:
        lacking = participant.kind == "staff" and participant.coverage in ("uncovered", "at_risk")
        assert not lacking or participant.role in sought, f"nobody seeks or knows of {participant.role}"


def _silent(event: Observation) -> bool:
    return isinstance(event, AppointmentSeen) and event.mode != "live"


def _on_offer(after: State, now: datetime) -> bool:
    """Whether the time of a slot is offered to somebody (E10): the hold dies with its round."""
    open_fills = {c.case_id for c in after.cases if c.kind == "fill" and c.state == "open"}
    offers = [a for a in after.asks if a.case_id in open_fills and a.purpose == "offer_slot"]
    return any(a.open or (a.state == "undeliverable" and not a.by and a.due_at > now) for a in offers)


def _holds(after: State, policy: Policy, now: datetime) -> None:
    """D19: what is held is a booked candidate's time, or a slot's on offer, everywhere, and where a system has no copy
    that of a visit of ours; what may stand somewhere is written down."""
    candidates = {c.candidate_id for c in after.cases if c.state == "open" and c.phase == "agreeing"}
    # Whose provider can't is held for who may come instead, and no more for who can't.
    asked_for = {c.role for c in after.cases if c.state == "open" and c.phase == "agreeing"}
    if _on_offer(after, now):
        assert after.appointment is not None
        candidates.add(after.appointment.actor("provider"))
    booked = {o.resource_id for o in after.occupations if o.resource_id in candidates}
    holds = {h.connection_id: h for h in after.holds}
    for system in policy.directory.systems.values():
        wanted = holds[system.connection_id].wanted if system.connection_id in holds else {}
        held = {who for key, who in wanted.items() if key.startswith("actor.")}
        unsold = set() if "provider" in asked_for else _unsold(after, system.connection_id, policy, now)
        assert held == ((booked | unsold) if system.holds_slots else set()), (
            "held is not who is asked about, or sees them"
        )
    assert all(h.wanted in h.placed for h in after.holds if h.wanted)


def _unsold(after: State, connection_id: str, policy: Policy, now: datetime) -> set[str]:
    """Who sees the patient of a visit that we booked, and that a booking system would sell again."""
    visit = after.appointment
    if visit is None or not visit.active or not visit.timed or visit.is_slot or visit.end_at <= now:
        return set()
    ours = visit.source == "caredispatch" or any((c.kind, c.state) == ("place", "settled") for c in after.cases)
    copied = any(li.connection_id == connection_id and li.external_id for li in after.links)
    if not ours or copied or policy.directory.seats(visit.service) > 1:
        return set()
    return {o.resource_id for o in after.occupations if o.resource_id == visit.actor("provider")}


def _no_identity(decision: Decision) -> None:
    for delivery in decision.deliveries:
        assert set(delivery.params) <= _MAY_SAY, delivery.params
        for value in delivery.params.values():
            assert not any(sign in value for sign in ("Madeup", "+1", "@")), "a name left the vault"
