"""What somebody sees who opens the link of an ask: the visit as it is now, what they can still answer, and what
became of it. Worked out from the state alone, so that it is true however often and late the link is opened (D22,
E31). Before a yes, and after it, no patient's identity (D27)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from caredispatch.core.offering import picked
from caredispatch.core.records import Appointment, Ask, Case, Option, State

Shown = Literal[
    "open",  # can be answered with yes or no
    "told",  # nothing need be answered; an objection is possible
    "noted",  # answered, not decided yet
    "accepted",
    "waiting_patient",  # their yes counts once the patient agrees
    "patient_first",  # the patient is asked about somebody else; a yes would stand by
    "standing_by",  # their yes counts if the first does not come to be
    "declined",
    "covering",  # somebody else is being found
    "moved",  # the question was about a time that is no more
    "taken",  # somebody else has it, or it is not needed any more
    "cancelled",
    "over",
]
Choice = Literal["yes", "no"]


@dataclass(frozen=True, slots=True)
class AskView:
    """What is shown, and which answers the page offers: a yes to one of the `options`, where there are any. `chosen` is
    the time that they took."""

    shown: Shown
    choices: tuple[Choice, ...] = ()
    options: tuple[Option, ...] = ()
    chosen: Option | None = None


def ask_view(state: State, ask: Ask, now: datetime, *, waiting: bool, claimed: bool) -> AskView:
    """The present state of one question. `waiting`: an answer is on its way; `claimed`: a person works on the case."""
    visit = state.appointment
    assert visit is not None
    if ask.purpose in ("offer_times", "take_add_on"):
        return AskView("noted") if waiting else _times(case_of(state, ask), ask, now)
    if not visit.active or now >= _answered_until(state, visit, ask):
        return AskView("cancelled" if visit.status in ("cancelled", "entered-in-error") else "over")
    if waiting:
        return AskView("noted")
    case = case_of(state, ask)
    return AskView("moved", ("no",)) if case.outcome == "visit_changed" else _stands(state, visit, case, ask, claimed)


def _answered_until(state: State, visit: Appointment, ask: Ask) -> datetime:
    """The start; where somebody is sought for a visit that did not begin, until when they are (D12)."""
    if ask.purpose != "cover":
        return visit.start_at
    return visit.end_at if case_of(state, ask).opened_at >= visit.start_at else visit.start_at


def _stands(state: State, visit: Appointment, case: Case, ask: Ask, claimed: bool) -> AskView:
    """A question about a visit that is ahead."""
    match ask.purpose:
        case "cover":
            return _cover(visit, case, ask, claimed)
        case "confirm_staff" | "inform_staff":
            return _assigned(state, visit, ask)
        case "confirm_patient":
            return _confirming(ask)
        case "agree_patient":
            return _agreeing(visit, case, ask)
        case _:
            return _offered(ask)


def _offered(ask: Ask) -> AskView:
    """A time, or several, that somebody may take."""
    if ask.state == "accepted":
        return AskView("accepted", ("no",))
    if ask.state == "declined":
        return AskView("declined", ("yes",))
    return AskView("open" if ask.open or ask.state == "expired" else "taken", ("yes", "no") if ask.open else ())


def _times(case: Case, ask: Ask, now: datetime) -> AskView:
    """Times to choose from: as long as one of them is ahead and somebody still looks for one. Who chose sees which."""
    ahead = tuple(o for o in ask.options if o.start_at > now)
    if ask.state == "accepted":
        return AskView("accepted", chosen=picked(ask))
    going_on = case.state in ("open", "handed") and case.phase not in ("checking", "booking")
    if not going_on or not ahead or ask.state in ("withdrawn", "undeliverable"):
        return AskView("declined" if ask.state == "declined" else "taken")
    if ask.state == "declined":
        return AskView("declined", ("yes",), ask.options)
    return AskView("open", ("yes", "no"), ask.options)


def case_of(state: State, ask: Ask) -> Case:
    """The case that an ask was made in."""
    return next(c for c in state.cases if c.case_id == ask.case_id)


def _told_too_late(ask: Ask) -> bool:
    return ask.state == "withdrawn" and ask.answered_at is not None


def _cover(visit: Appointment, case: Case, ask: Ask, claimed: bool) -> AskView:
    mine = visit.actor(case.role) == ask.person_id
    if case.state == "settled":
        return AskView("accepted", ("no",)) if mine and ask.state == "accepted" else AskView("taken")
    if case.state == "closed" or claimed or case.patient_refused or _told_too_late(ask):
        return AskView("taken")
    if case.phase == "agreeing" and case.state == "open":
        return _while_patient_decides(case, ask)
    if ask.state == "declined":
        return AskView("declined", ("yes",))
    return AskView("open", ("yes", "no"))


def _while_patient_decides(case: Case, ask: Ask) -> AskView:
    if case.candidate_id == ask.person_id:
        return AskView("waiting_patient", ("no",))
    if ask.stands_by:
        return AskView("standing_by", ("no",))
    return AskView("declined" if ask.state == "declined" else "patient_first", ("yes",))


def _assigned(state: State, visit: Appointment, ask: Ask) -> AskView:
    if visit.actor(ask.role) != ask.person_id or _told_too_late(ask):
        return AskView("declined" if ask.state == "declined" else "taken")
    cover = [c for c in state.cases if (c.kind, c.role) == ("cover", ask.role) and c.state in ("open", "handed")]
    if ask.state == "declined":
        asked_already = any(c.phase == "agreeing" and c.state == "open" for c in cover)
        return AskView("declined", () if asked_already else ("yes",))
    if cover:
        return AskView("covering")
    if ask.state == "accepted":
        return AskView("accepted", ("no",))
    return AskView("told", ("no",)) if ask.purpose == "inform_staff" else AskView("open", ("yes", "no"))


def _confirming(ask: Ask) -> AskView:
    if ask.state == "accepted":
        return AskView("accepted", ("no",))
    if ask.state == "declined":
        return AskView("declined", ("yes",))
    return AskView("open", ("yes", "no"))


def _agreeing(visit: Appointment, case: Case, ask: Ask) -> AskView:
    if case.state == "settled" and visit.actor(case.role) == ask.candidate_id:
        return _confirming(ask)
    if ask.state == "declined":
        return AskView("declined")
    if case.state == "open" and case.phase == "agreeing" and case.candidate_id == ask.candidate_id:
        return AskView("open", ("yes", "no"))
    return AskView("taken")
