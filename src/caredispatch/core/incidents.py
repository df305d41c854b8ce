"""What hits several visits at once: it is echoed where staff said it their way (D26), then every visit that it reaches
is told, and decides for itself (D3, D13, D14, E18)."""

from __future__ import annotations

from caredispatch.core.draft import Draft
from caredispatch.core.observation import Observation


def about_incident(draft: Draft, event: Observation) -> None:
    """Something about an incident: announced, confirmed, dropped, undone."""
