"""A time was chosen: it is looked at once more, in the calendars too, and booked; or it is gone meanwhile, and others
are offered (D15, E10). Nothing is booked before every look said that it is free."""

from __future__ import annotations

from caredispatch.core.asking import news_to_patient, too_late
from caredispatch.core.choosing import ask_calendars, waits_no_more
from caredispatch.core.clearing import nobody_needed, overtaken, replaced, role_filled
from caredispatch.core.confirm import patient_said_no
from caredispatch.core.copying import replace
from caredispatch.core.cover import advance_cover
from caredispatch.core.draft import Draft
from caredispatch.core.fitting import Fit, Place, fit_of, is_legal
from caredispatch.core.following_up import rebook, rebooked_id, settled
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import Label, Passed
from caredispatch.core.occupying import occupy_all, release, take
from caredispatch.core.offering import ask_which, asking_phase, picked, search_of
from caredispatch.core.openings import seconds_of
from caredispatch.core.placing import advance_offers
from caredispatch.core.playbook import Offer
from caredispatch.core.reacting import react
from caredispatch.core.records import (  # fmt: skip
    OURS,
    PATIENT,
    PROVIDER,
    SLOT,
    Appointment,
    Ask,
    Case,
    Coverage,
    Option,
    Participant,
    Request,
)

ROOM = "room"
BY_WORD = ""
"""The path of a case that only books what another visit's case found."""


def chosen(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """They take one of the times: `row.choice`, or the only one."""
    if case.phase in ("checking", "booking"):
        draft.note("same_answer", person=row.person_id)
        return
    option = picked(row)
    if option is None:
        ask_which(draft, row)
        return
    row = replace(row, state="accepted", answered_at=draft.now, answered_via=via)
    draft.put(row)
    case = replace(case, state="open", outcome=None, closed_at=None, due_at=draft.now)
    draft.put(case)
    fit = _fit(draft, case)
    if fit is None or not is_legal(fit, option):
        _gone(draft, case)
    elif not draft.visit.active:
        rebook(draft, case, option)
    elif draft.visit.timed:
        _move_here(draft, case, fit, option)
    else:
        try_to_book(draft, case, option)


def none_chosen(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """None of the times suits them: who was to be brought back need not be; else the path goes on."""
    if case.phase in ("checking", "booking"):
        draft.note("same_answer", person=row.person_id)
        return
    draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
    if case.state != "open":
        return
    if case.kind == "follow_up" and not draft.visit.active:
        draft.close(case, "settled", "declined")
    elif case.kind in ("place", "follow_up"):
        advance_offers(draft, case)
    else:
        advance_cover(draft, case)


def chose_before(draft: Draft, case: Case, row: Ask, label: Label, via: str) -> None:
    """A word about times that are settled: who never chose hears that it is too late; a no to what was booked is the
    patient's no to the visit; who wants another time than the one they have gets a person."""
    if row.state != "accepted":
        too_late(draft, row, via)
    elif label == "no" and case.kind == "place" and draft.visit.active and draft.now < draft.visit.start_at:
        draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
        patient_said_no(draft, case)
        react(draft, "patient_declined")
    else:
        detail = {"person": row.person_id, "ask": row.ask_id, "answer": label, "why": "chose_before"}
        draft.raise_("free_text", draft.playbook.last_owner, key=row.ask_id, detail=detail)


def _fit(draft: Draft, case: Case) -> Fit | None:
    return fit_of(search_of(draft, case, Offer()))


def _gone(draft: Draft, case: Case) -> None:
    """The time is taken meanwhile: they hear so with the next ones."""
    draft.note("time_gone")
    if case.path == BY_WORD:
        _not_booked(draft, case)
        return
    rows = [a for a in draft.asks_of(case) if a.state == "accepted"]
    for row in rows:
        draft.put(replace(row, state="withdrawn"))
    path = draft.policy.of(case).paths.get(case.path)
    of_path = [a.step for a in rows if path is None or a.step < len(path.steps)]
    case = replace(case, phase=asking_phase(case), candidate_id=None, step=of_path[-1] if of_path else case.step)
    draft.put(case)
    if case.kind in ("place", "follow_up"):
        advance_offers(draft, case)
    else:
        advance_cover(draft, case)


def try_to_book(draft: Draft, case: Case, option: Option) -> None:
    """A visit that has no time yet is to have this one: its provider's time is taken, then the calendars are asked."""
    if prepare(draft, case, option) and not ask_calendars(draft, draft.cases[case.case_id], [option.provider_id]):
        book(draft, draft.cases[case.case_id])


def prepare(draft: Draft, case: Case, option: Option) -> bool:
    """Take the provider's time for the visit, which is at the option from now on. False where it is gone."""
    case = replace(case, candidate_id=option.provider_id, checked={}, phase="asking", due_at=draft.now)
    draft.put(case)
    draft.record(
        start_at=option.start_at, end_at=option.end_at, location=option.location, modality=option.modality
    )  # fmt: skip
    if take(draft, option.provider_id):
        return True
    _give_up(draft, case)
    return False


def looked(draft: Draft, case: Case) -> None:
    """The calendars of whoever would see the patient answered, or did not in time. One that said nothing is asked again
    when the provider is told of the visit (D6)."""
    case = draft.cases[case.case_id]
    if "busy" in case.checked.values():
        _give_up(draft, case)
    else:
        book(draft, case)


def _give_up(draft: Draft, case: Case) -> None:
    """What was about to be booked is not free: the visit has no time again."""
    release(draft, keep=())
    request = draft.visit.request
    if request is not None:
        length = draft.visit.end_at - draft.visit.start_at
        draft.record(start_at=request.until - length, end_at=request.until)
    case = replace(case, candidate_id=None, phase="asking", due_at=draft.now)
    draft.put(case)
    _gone(draft, case)


def book(draft: Draft, case: Case, coverage: Coverage = "tentative", *, agreed: bool = True) -> None:
    """The visit has its time, its provider and its room. `agreed`: the patient chose it."""
    visit, provider = draft.visit, case.candidate_id
    fit = _fit(draft, case)
    assert provider is not None
    place = Place(visit.location, visit.modality, ())
    free, room = fit.room(place, seconds_of(visit.start_at)) if fit else (False, None)
    before = visit
    draft.record(
        status="booked",
        participants=_with(visit, provider, coverage, room),
        confirmation="confirmed" if agreed else "unasked",
        confirmed_at=draft.now if agreed else None,
    )
    if not free or occupy_all(draft):
        draft.appointment = before
        _give_up(draft, case)
        return
    draft.close(case, "settled", "placed")
    settled(draft, "placed")
    draft.note("placed", person=provider, at=visit.start_at.isoformat())
    if coverage != "confirmed":
        react(draft, "booked", only=("staff",))
    news_to_patient(draft, "booked_for_patient", key=case.case_id)
    _tell_the_others(draft, case)


def _with(visit: Appointment, provider: Id, coverage: Coverage, room: Id | None) -> tuple[Participant, ...]:
    """Everybody on the visit, with this provider and room."""
    kept = tuple(p for p in visit.participants if p.role not in (PROVIDER, ROOM))
    rooms = (Participant(ROOM, "room", room, "confirmed"),) if room is not None else ()
    return (*kept, Participant(PROVIDER, "staff", provider, coverage), *rooms)


def _tell_the_others(draft: Draft, case: Case) -> None:
    """The visit that this one was booked for, or instead of, hears of it."""
    visit = draft.visit
    if case.path == BY_WORD and visit.rescheduled_from is not None:
        draft.pass_on(visit.rescheduled_from, Passed("booked", visit.appointment_id, case.case_id))
    elif visit.request is not None and visit.request.instead_of is not None:
        word = Passed("superseded", visit.appointment_id, patient_id=visit.patient_id)
        draft.pass_on(visit.request.instead_of, word)


def _move_here(draft: Draft, case: Case, fit: Fit, option: Option) -> None:
    """The visit itself changes to what the patient chose: another time, way, site or provider (D14, D17)."""
    before, lost = draft.visit, draft.visit.actor(PROVIDER)
    room = fit.room(Place(option.location, option.modality, ()), seconds_of(option.start_at))[1]
    draft.record(
        start_at=option.start_at,
        end_at=option.end_at,
        location=option.location,
        modality=option.modality,
        participants=_with(before, option.provider_id, "tentative", room),
        confirmation="confirmed",
        confirmed_at=draft.now,
    )
    draft.put(replace(case, candidate_id=None))
    if occupy_all(draft):
        draft.appointment = before
        occupy_all(draft)
        _gone(draft, draft.cases[case.case_id])
        return
    nobody_needed(draft, case)
    draft.close(draft.cases[case.case_id], "settled", "placed")
    for other in list(draft.cases.values()):
        if other.state in ("open", "handed") and other.role in (PROVIDER, PATIENT):
            overtaken(draft, other, "patient_chose")
    role_filled(draft, PROVIDER, "patient_chose")
    settled(draft, "placed")
    for need in ("confirm_patient", "agree_move"):
        draft.resolve_exceptions("patient_chose", "call", need=need)
    replaced(draft, PROVIDER, lost, option.provider_id)
    react(draft, "rescheduled", only=("staff",))
    news_to_patient(draft, "booked_for_patient", key=case.case_id)


# -- a visit that another one's case found a time for


def book_by_word(draft: Draft, event: Passed) -> None:
    """Be the visit at a time that a patient chose who is brought back; or say that it is gone."""
    option, patient_id = event.option, event.patient_id
    assert option is not None
    assert patient_id is not None
    appointment_id = rebooked_id(event.case_id or event.origin, option)
    if draft.appointment is not None:
        draft.note("nothing_known", kind=event.word)
        draft.pass_on(event.origin, Passed("not_booked", appointment_id, event.case_id))
        return
    draft.appointment = Appointment(
        practice_id=draft.directory.practice_id,
        appointment_id=appointment_id,
        session_id=make_id("session", appointment_id),
        source=OURS,
        service=event.service,
        location=option.location,
        modality=option.modality,
        status="proposed",
        start_at=option.start_at,
        end_at=option.end_at,
        created_at=draft.now,
        participants=(Participant(PATIENT, "patient", patient_id),),
        rescheduled_from=event.instead_of,
        request=Request(draft.now, draft.now, option.end_at),
    )
    case = draft.new_case("place", SLOT, event.rule, BY_WORD)
    draft.put(case)
    fit = _fit(draft, case)
    if fit is None or not is_legal(fit, option):
        _not_booked(draft, case)
    else:
        try_to_book(draft, case, option)


def _not_booked(draft: Draft, case: Case) -> None:
    visit = draft.visit
    release(draft, keep=())
    draft.record(status="entered-in-error", cancelled_at=draft.now)
    draft.close(case, "closed", "taken_meanwhile")
    if visit.rescheduled_from is not None:
        draft.pass_on(visit.rescheduled_from, Passed("not_booked", visit.appointment_id, case.case_id))


def landed(draft: Draft) -> None:
    """Once every system has a visit that was booked for another one's case, that one hears of it."""
    visit = draft.visit
    placed = [c for c in draft.cases.values() if c.kind == "place" and c.path == BY_WORD and c.outcome == "placed"]
    if not placed or visit.rescheduled_from is None or not visit.active:
        return
    expected = any(s.creates for s in draft.directory.systems.values())
    now = all(li.state == "landed" for li in draft.links.values()) and (bool(draft.links) or not expected)
    then = any(c.outcome == "placed" for c in draft.before.cases) and all(
        li.state == "landed" for li in draft.before.links
    )
    if now and not (then and (draft.before.links or not expected)):
        draft.pass_on(visit.rescheduled_from, Passed("landed", visit.appointment_id, placed[0].case_id))


def place_due(draft: Draft, case: Case) -> None:
    """Time passed for an open place case."""
    if case.phase == "checking":
        draft.note("calendar_unknown", role=PROVIDER)
        looked(draft, waits_no_more(draft, case))
    elif case.phase == "booking":
        # The visit that was to give way said nothing.
        _gone(draft, case)
    else:
        advance_offers(draft, case)
