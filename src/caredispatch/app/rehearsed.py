"""Before a stage goes live, its playbook was rehearsed: nobody goes live on hope."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import get_args

from caredispatch.core.facts import Directory
from caredispatch.core.playbook import Playbook
from caredispatch.core.records import StageName
from caredispatch.rehearsal.scenes import CYCLES

FEWEST = 5
"""So many rehearsals must have passed, each of `CYCLES` among them."""


def going_live(before: Playbook, after: Playbook, directory: Directory, on: date) -> list[tuple[StageName, str]]:
    """The stages that are live in `after`, now or from a later day on, and in `before` were not on a day, each with the
    site's code."""
    return [
        (stage, code)
        for stage in get_args(StageName)
        for code in directory.locations
        if after.stage(stage, code, date.max) == "live" and before.stage(stage, code, on) != "live"
    ]


def lacking(passed: Sequence[str]) -> str:
    """What rehearsals that passed lack, in words; empty: nothing."""
    missing = [name for name in CYCLES if not Counter(passed)[name]]
    if missing:
        return f"of {', '.join(missing)} none passed"
    return f"{len(passed)} of {FEWEST} passed" if len(passed) < FEWEST else ""
