"""Finding a time for a visit that has none yet: first times over eligible people, rooms and lengths; up to three are
offered; what is chosen is booked (D15)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.observation import Requested
from caredispatch.core.playbook import Place
from caredispatch.core.records import Case


def requested(draft: Draft, event: Requested) -> None:
    """Somebody wants a visit, or waits for one: it is on record from now on."""


def open_place(draft: Draft, action: Place, rule: str) -> None:
    """Open the case that finds a time."""


def place_due(draft: Draft, case: Case) -> None:
    """Time passed for an open place case."""
