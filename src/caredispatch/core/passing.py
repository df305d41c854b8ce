"""Words from one of our visits to another (`Passed`), each decided where it arrives."""

from __future__ import annotations

from caredispatch.core.booking import book_by_word
from caredispatch.core.changing import look_again
from caredispatch.core.draft import Draft
from caredispatch.core.following import lead_is, lead_said
from caredispatch.core.following_up import rebooking_said
from caredispatch.core.giving_way import gave_way, vacate
from caredispatch.core.moving_up import freed, superseded
from caredispatch.core.observation import Passed
from caredispatch.core.records import SLOT
from caredispatch.core.slots import slot_opened, slot_taken


def passed(draft: Draft, event: Passed) -> None:
    """A word to a visit that is there."""
    match event.word:
        case "open_slot" | "slot_taken" | "look_again" | "superseded" | "freed":
            _of_a_slot(draft, event)
        case "leads":
            lead_said(draft, event)
        case "lead":
            lead_is(draft, event)
        case _:
            _of_a_booking(draft, event)


def _of_a_slot(draft: Draft, event: Passed) -> None:
    """A time that became free, and what becomes of it."""
    match event.word:
        case "open_slot":
            slot_opened(draft, event)
        case "slot_taken":
            slot_taken(draft, event)
        case "look_again":
            look_again(draft)
        case "superseded":
            superseded(draft, event)
        case _:
            freed(draft, event)


def _of_a_booking(draft: Draft, event: Passed) -> None:
    """A time that one visit's case found is another's, or another gives way for it."""
    match event.word:
        case "book":
            book_by_word(draft, event)
        case "vacate":
            vacate(draft, event)
        case "vacated":
            gave_way(draft, event)
        case "not_booked" if draft.open_case("place", SLOT) is not None:
            gave_way(draft, event)
        case _:
            rebooking_said(draft, event)


def passed_to_nobody(draft: Draft, event: Passed) -> None:
    """A word to a visit that is to be."""
    match event.word:
        case "book":
            book_by_word(draft, event)
        case "open_slot":
            slot_opened(draft, event)
        case _:
            draft.note("nothing_known", kind=event.word)
