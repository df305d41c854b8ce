"""Offering somebody times to choose from, and what their choice leads to: of patients who are brought back or wait for a
time (`offer_times`), of staff who may take an add-on (`take_add_on`). An ask holds nothing: the choice books, and a
time that is gone meanwhile is offered anew (D15, E10)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.records import Ask, Case


def chosen(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """They take one of the times: `row.choice`, or the only one."""


def none_chosen(draft: Draft, case: Case, row: Ask, via: str) -> None:
    """None of the times suits them."""
