"""Somebody takes an add-on; where one of their visits has to give way, that visit gives them up first, and is a case of
its own from then on: its cover, and its patient, are its own (D15)."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.adding_on import gives_way
from caredispatch.core.asking import tell, too_late
from caredispatch.core.booking import book, prepare
from caredispatch.core.copying import replace
from caredispatch.core.draft import Draft
from caredispatch.core.facts import in_short
from caredispatch.core.fitting import fit_of, is_legal
from caredispatch.core.ids import Id
from caredispatch.core.observation import Passed
from caredispatch.core.occupying import release
from caredispatch.core.offering import picked, search_of
from caredispatch.core.placing import advance_offers
from caredispatch.core.playbook import Offer
from caredispatch.core.reacting import react
from caredispatch.core.records import PROVIDER, SLOT, Ask, Case, Option

GIVE_WAY_WITHIN = timedelta(minutes=2)


def takes_add_on(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A yes to an add-on: it is booked, once what has to give way did. The first yes counts (E10)."""
    option = picked(row)
    if option is None or case.phase in ("booking", "checking"):
        too_late(draft, row, via)
        return
    draft.put(replace(row, state="accepted", answered_at=draft.now, answered_via=via))
    case = replace(case, state="open", outcome=None, closed_at=None, due_at=draft.now)
    draft.put(case)
    if option.displaces is not None:
        case = replace(case, phase="booking", candidate_id=None, due_at=draft.now + GIVE_WAY_WITHIN)
        draft.put(case)
        word = Passed("vacate", draft.visit.appointment_id, case.case_id, option=option, actor_id=row.person_id)
        draft.pass_on(option.displaces, word)
    else:
        _book(draft, case, row, option)


def _book(draft: Draft, case: Case, row: Ask, option: Option) -> None:
    """They said yes themselves, and know their calendar: they have confirmed. Whoever else was asked hears that it is
    taken."""
    fit = fit_of(search_of(draft, case, Offer()))
    if fit is None or not is_legal(fit, option):
        _next(draft, case, row)
        return
    told = [a for a in draft.asks_of(case) if a.open and a.sent_at is not None]
    case = replace(case, phase="asking", candidate_id=option.provider_id)
    draft.put(case)
    if not prepare(draft, case, option):
        return
    book(draft, draft.cases[case.case_id], "confirmed", agreed=False)
    if draft.cases[case.case_id].state != "settled":
        return
    for other in told:
        tell(draft, "staff", other.person_id, "already_taken", key=other.ask_id)
    tell(draft, "staff", option.provider_id, "cover_settled", key=case.case_id)


def declines_add_on(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """A no to an add-on: the next ones are asked at once."""
    draft.put(replace(row, state="declined", answered_at=draft.now, answered_via=via))
    if case.state == "open":
        advance_offers(draft, case)


def _next(draft: Draft, case: Case, row: Ask) -> None:
    """It can't be them after all: they hear so, and the next ones are asked."""
    too_late(draft, replace(row, state="sent", answered_at=None), row.answered_via or "")
    draft.note("time_gone")
    case = replace(case, phase="asking", candidate_id=None, due_at=draft.now)
    draft.put(case)
    advance_offers(draft, case)


def vacate(draft: Draft, event: Passed) -> None:
    """An add-on wants this visit's provider. It gives them up if it still may, and looks for somebody else."""
    visit = draft.visit
    staff = visit.participant(PROVIDER)
    may = staff is not None and staff.actor_id == event.actor_id
    if not may or not gives_way(draft, in_short(visit, PROVIDER, event.actor_id)):
        draft.note("gives_no_way", to=event.origin)
        draft.pass_on(event.origin, Passed("not_booked", visit.appointment_id, event.case_id))
        return
    draft.note("gives_way", to=event.origin, person=event.actor_id)
    draft.cover_role(PROVIDER, "uncovered")
    release(draft, keep=[p.actor_id for p in visit.participants if p.actor_id not in (None, event.actor_id)])
    for ask in list(draft.asks.values()):
        if ask.open and ask.person_id == event.actor_id:
            draft.withdraw(ask)
    react(draft, "staff_unavailable", role=PROVIDER)
    word = Passed("vacated", visit.appointment_id, event.case_id, option=event.option, actor_id=event.actor_id)
    draft.pass_on(event.origin, word)


def gave_way(draft: Draft, event: Passed) -> None:
    """What became of the visit that was to give way: the add-on is booked, or the next one is asked."""
    case = draft.open_case("place", SLOT)
    rows = [a for a in draft.asks_of(case) if _displaces(a, event.origin)] if case is not None else []
    if case is None or case.phase != "booking" or not rows:
        draft.note("nothing_known", kind=event.word)
        return
    option = picked(rows[-1])
    if event.word == "vacated" and option is not None:
        _book(draft, case, rows[-1], option)
    else:
        _next(draft, case, rows[-1])


def _displaces(row: Ask, appointment_id: Id) -> bool:
    option = picked(row)
    return row.state == "accepted" and option is not None and option.displaces == appointment_id
