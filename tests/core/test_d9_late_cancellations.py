"""Late cancellations are counted as no-shows are: the patient's own only (D9)."""

from __future__ import annotations

from caredispatch.core.playbook import Condition, HandTo, Rule, Within
from tests.core.clinic import NO_AGREEMENT, at, playbook, policy
from tests.core.town import Town


def test_d9_who_often_cancels_late_is_told_apart_by_the_playbook() -> None:
    often = Condition("patient_late_cancels_90d", Within(low=2))
    rules = policy(
        playbook(services=NO_AGREEMENT, patient_rules=(Rule("often", ("cancelled",), (HandTo("mia"),), (often,)),))
    )
    town = Town(rules, now=at(6, 8))
    for n, by in enumerate(("patient", "practice", "patient", None, "patient")):
        town.booked(f"v{n}", start=at(6, 12 + n)).cancelled(f"v{n}", by=by).run(5)  # type: ignore[arg-type]  # initiators
    town.booked("moved", start=at(6, 18)).cancelled("moved").booked("instead", start=at(6, 19)).run(5)
    handed = [n for n in range(5) if town.open("handed_over", f"v{n}")]
    assert handed == [3, 4], "as soon as two of their own have settled"
