"""The demo's scenes: what happens outside, what must come of it, and a line or two for the watcher. Outcomes are read
from the database and from what the outside world saw. One module a scene, or a few that tell the same story."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from caredispatch.lab.scenes.add_on import add_on_scene
from caredispatch.lab.scenes.booking import booking_scene
from caredispatch.lab.scenes.closure import closure_scene
from caredispatch.lab.scenes.conflict import conflict_refused_scene, conflict_scene
from caredispatch.lab.scenes.flood import flood_scene
from caredispatch.lab.scenes.group import group_scene
from caredispatch.lab.scenes.half_way import half_way_scene
from caredispatch.lab.scenes.home_health import home_health_scene
from caredispatch.lab.scenes.late_cancellation import late_cancellation_scene
from caredispatch.lab.scenes.no_show import no_show_scene
from caredispatch.lab.scenes.player import Player, SceneFailed
from caredispatch.lab.scenes.provider_ill import provider_ill_scene
from caredispatch.lab.scenes.request import request_scene
from caredispatch.lab.scenes.series import series_scene
from caredispatch.lab.scenes.unsolvable import unsolvable_scene

__all__ = ["SCENES", "SETTING", "Player", "SceneFailed"]

SCENES: dict[str, Callable[[Player], Awaitable[str]]] = {
    "booking": booking_scene,
    "conflict": conflict_scene,
    "conflict-refused": conflict_refused_scene,
    "unsolvable": unsolvable_scene,
    "late-cancellation": late_cancellation_scene,
    "no-show": no_show_scene,
    "add-on": add_on_scene,
    "request": request_scene,
    "provider-ill": provider_ill_scene,
    "series": series_scene,
    "closure": closure_scene,
    "group": group_scene,
    "home-health": home_health_scene,
    "flood": flood_scene,
    "half-way": half_way_scene,
}
"""In the order in which they are played."""

SETTING = {"home-health": "home-health"}
"""The practice type of the scenes that do not play in the behavioral-health group."""
