"""A free time that is offered (D19): a subject of its own, which occupies its provider's time while somebody is sought
for it. It is offered along its path (`core/rounds.py`), and ends booked (`core/moving_up.py`), taken by somebody else
(D11), or in vain."""

from __future__ import annotations

from datetime import datetime, timedelta

from caredispatch.core.asking import tell
from caredispatch.core.content import instant_text
from caredispatch.core.copying import replace
from caredispatch.core.cover import would_escalate
from caredispatch.core.draft import Draft
from caredispatch.core.eligibility import Question, judge
from caredispatch.core.filling import slot_id
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Passed
from caredispatch.core.occupying import release, span, take, taken_by
from caredispatch.core.records import (
    OURS,
    PROVIDER,
    SLOT,
    Appointment,
    Ask,
    Case,
    Option,
    Participant,
)

LAST_OFFER = timedelta(minutes=10)
"""Before the start: who is asked later than this can't be there."""


def slot_opened(draft: Draft, event: Passed) -> None:
    """Be the slot that a word tells of: its time is taken at once, and offered next, on fresh facts. Where the time is
    taken already there is nothing to fill."""
    was = draft.appointment
    if event.option is None or (was is not None and was.active):
        draft.note("joined", role=SLOT)
        return
    draft.appointment = _slot(draft, event, event.option)
    actors = [p.actor_id for p in draft.visit.participants if p.actor_id is not None]
    if not all(take(draft, who) for who in actors):
        release(draft, keep=())
        draft.appointment = was
        draft.note("nothing_to_fill", why="already_taken")
        return
    draft.put(replace(draft.new_case("fill", SLOT, event.rule, event.path), prefer=event.prefer))
    draft.note("case_opened", kind="fill", role=SLOT, path=event.path)


def _slot(draft: Draft, event: Passed, option: Option) -> Appointment:
    was = draft.appointment
    subject = slot_id(event.origin, option.start_at)
    people = [Participant(PROVIDER, "staff", option.provider_id, "tentative")]
    if option.room_id is not None:
        people.append(Participant("room", "room", option.room_id, "tentative"))
    return Appointment(
        practice_id=draft.directory.practice_id,
        appointment_id=subject,
        session_id=event.session_id or make_id("session", subject),
        source=OURS,
        service=event.service,
        location=option.location,
        modality=option.modality,
        status="proposed",
        start_at=option.start_at,
        end_at=option.end_at,
        created_at=was.created_at if was else draft.now,
        participants=tuple(people),
        version=was.version + 1 if was else 1,
    )


def useful_until(draft: Draft) -> datetime:
    """The last moment at which somebody can still be found for the time."""
    return draft.visit.start_at - LAST_OFFER


def is_out(ask: Ask, now: datetime) -> bool:
    """Whether an offer still stands: its text is on its way or unanswered, or somebody is to phone about it."""
    return ask.purpose == "offer_slot" and (ask.open or (is_by_phone(ask) and ask.due_at > now))


def is_by_phone(ask: Ask) -> bool:
    """Whether an offer is made by phone: no automated text may go there (D24)."""
    return ask.state == "undeliverable" and not ask.by


def offers_out(draft: Draft, case: Case) -> list[Ask]:
    """The offers of a case that stand."""
    return [a for a in draft.asks_of(case) if is_out(a, draft.now)]


def is_ours(draft: Draft, *, again: bool = False) -> bool:
    """Whether the time is still the slot's to give. `again`: a time that was given back is taken once more if it is
    free."""
    actors = [p.actor_id for p in draft.visit.participants if p.kind != "patient" and p.actor_id is not None]
    occupied = {row.resource_id for row in draft.occupations.values()}
    missing = [who for who in actors if who not in occupied]
    begin, end = span(draft, "staff")
    if any(taken_by(draft, who, begin, end) is not None for who in actors):
        return False
    return not missing or (again and all(take(draft, who) for who in missing))


def apologise(draft: Draft, rows: list[Ask]) -> None:
    """Whoever was offered the time, and may still count on it, hears that it is gone."""
    for row in rows:
        if row.sent_at is not None and (row.open or (row.state == "expired" and row.answered_at is not None)):
            tell(draft, "patient", row.person_id, "slot_gone", key=row.ask_id)


def close_slot(draft: Draft, outcome: str) -> None:
    """The time is not ours to give any more, or too near: offers are withdrawn with an apology, its people are free,
    and what waited for somebody to act is done."""
    for case in list(draft.cases.values()):
        if case.kind == "fill" and case.state == "open":
            standing = draft.asks_of(case)
            draft.close(case, "closed", outcome)
            apologise(draft, standing)
    draft.record(status="cancelled", cancelled_at=draft.now)
    release(draft, keep=())
    nothing_left_to_do(draft, outcome)


def nothing_left_to_do(draft: Draft, why: str) -> None:
    """Nobody need be phoned about the time, or look for somebody."""
    draft.resolve_exceptions(why, "slot_unfilled")
    draft.resolve_exceptions(why, "call", need="offer_slot")


def slot_taken(draft: Draft, event: Passed) -> None:
    """Somebody else booked the time in mid-offer (D11): an observed booking beats what we hold (E9). Either way the
    other visit looks again at whose time it is."""
    if draft.visit.is_slot:
        close_slot(draft, "taken_elsewhere")
    else:
        draft.note("not_ours_to_give", status=draft.visit.status)
    draft.pass_on(event.origin, Passed("look_again", draft.visit.appointment_id))


def slot_over(draft: Draft) -> None:
    """The time of a slot that nobody took has come, whoever had it before them."""
    if draft.visit.is_slot and draft.now >= useful_until(draft):
        close_slot(draft, "not_filled")


def show(draft: Draft, case: Case, owner: str, until: datetime | None) -> None:
    """Put the free time before a group, or before the next one; who claimed it keeps it."""
    rows = [e for e in draft.exceptions.values() if (e.kind, e.case_id) == ("slot_unfilled", case.case_id)]
    there = [e for e in rows if e.state != "resolved"]
    if not there:
        asked = sum(a.purpose == "offer_slot" for a in draft.asks_of(case))
        detail = {"asked": str(asked), "until": instant_text(useful_until(draft)), **would_escalate(draft, case)}
        draft.raise_("slot_unfilled", owner, case=case, detail=detail)
        there = [e for e in draft.exceptions.values() if e.case_id == case.case_id and e.kind == "slot_unfilled"]
    ack_by = until or draft.now + timedelta(minutes=draft.playbook.acknowledge_minutes)
    for row in there:
        if row.state == "open":
            draft.put(replace(row, owner=owner, ack_by=ack_by))
            draft.note("shown_to", owner=owner)


def hand_over(draft: Draft, case: Case, who: str) -> None:
    """The path found nobody: the time is before a named human until it comes, and held for nobody."""
    show(draft, case, who, None)
    draft.close(case, "handed", "nobody_took_it")
    draft.resolve_exceptions("nobody_took_it", "call", need="offer_slot")
    release(draft, keep=())


def first_uncovered(draft: Draft) -> tuple[Id, Passed] | None:
    """The visit for which somebody is sought then, and that the freed person could take, with the word for it."""
    staff = draft.directory.staff.get(draft.visit.actor(PROVIDER) or "")
    if staff is None:
        return None
    own = draft.visit.session_id
    busy = {who: tuple(b for b in rows if b.session_id != own) for who, rows in draft.facts.busy.items()}
    for one in sorted(draft.facts.sought, key=lambda s: (s.appointment.start_at, s.appointment.appointment_id)):
        facts = replace(draft.facts, patient=one.patient, busy=busy)
        if judge(Question(one.appointment, one.case, facts, draft.directory), staff)[0] == "yes":
            word = Passed("freed", draft.visit.appointment_id, actor_id=staff.staff_id, role=one.case.role)
            return one.appointment.appointment_id, word
    return None
