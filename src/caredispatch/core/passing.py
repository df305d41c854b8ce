"""Words from one of our visits to another (`Passed`), each decided where it arrives."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.filling import slot_opened, slot_taken
from caredispatch.core.observation import Passed


def passed(draft: Draft, event: Passed) -> None:
    """A word to a visit that is there."""
    match event.word:
        case "slot_taken":
            slot_taken(draft, event)
        case _:
            draft.note("nothing_known", kind=event.word)


def passed_to_nobody(draft: Draft, event: Passed) -> None:
    """A word to a visit that is to be."""
    match event.word:
        case "open_slot":
            slot_opened(draft, event)
        case _:
            draft.note("nothing_known", kind=event.word)
