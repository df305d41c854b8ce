"""On which day each stage went live at each location: read from the published playbooks, each in force until the
next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import get_args

from caredispatch.core.playbook import Playbook
from caredispatch.core.records import StageName

Began = dict[str, dict[str, date]]
"""Location -> stage -> its first live day there."""


def went_live(published: Sequence[tuple[date, Playbook]], locations: Iterable[str]) -> Began:
    """The first live day of each stage at each location. A stage that was never live is not named; one that was taken
    back later keeps its first day."""
    found: Began = {}
    for location in locations:
        days = {name: _first(published, name, location) for name in get_args(StageName)}
        found[location] = {name: day for name, day in days.items() if day is not None}
    return found


def _first(published: Sequence[tuple[date, Playbook]], name: StageName, location: str) -> date | None:
    for n, (day, playbook) in enumerate(published):
        until = published[n + 1][0] if n + 1 < len(published) else date.max
        stage = playbook.stages.get(name)
        since = max(day, stage.since) if stage and stage.since else day
        if since < until and playbook.stage(name, location, since) == "live":
            return since
    return None
