"""An incident reaches one visit: who is out, late or gone, a site that closes (D3, D13, D14)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.observation import Hit


def hit(draft: Draft, event: Hit) -> None:
    """What an incident means for this visit."""
