"""Filling a time that became free: a slot of ours is offered to the waitlist, held while it is, and ends booked, offered
on, or before a human (D19)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.observation import Passed
from caredispatch.core.playbook import Fill
from caredispatch.core.records import Ask, Case


def open_fill(draft: Draft, action: Fill, rule: str) -> None:
    """The time of this visit, which will not be, is free: open a slot for it, which is filled there."""


def slot_opened(draft: Draft, event: Passed) -> None:
    """Be the slot that a word tells of, hold its time, and offer it."""


def slot_taken(draft: Draft, event: Passed) -> None:
    """Somebody else booked the time in mid-offer (D11): nobody is offered it any more."""


def fill_due(draft: Draft, case: Case) -> None:
    """Time passed for an open fill case."""


def offer_accepted(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """Somebody on the waitlist takes the time."""


def offer_declined(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """Somebody on the waitlist does not want it."""
