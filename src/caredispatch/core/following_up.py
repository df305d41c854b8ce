"""Bringing a patient back after a no-show or a visit that the practice cancelled: they are offered times, and the case
ends rebooked and landed, declined, or with a person (D13, D18, D23)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.playbook import FollowUp
from caredispatch.core.records import Case


def open_follow_up(draft: Draft, action: FollowUp, rule: str) -> None:
    """Open the case on a visit that was missed or cancelled; its first step follows after a while."""


def follow_up_due(draft: Draft, case: Case) -> None:
    """Time passed for an open follow-up."""
