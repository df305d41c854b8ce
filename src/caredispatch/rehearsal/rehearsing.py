"""A rehearsal: the same practice over many months of luck, each a pure function of its seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.draft import Policy
from caredispatch.rehearsal.by_hand import play_by_hand
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.outcome import Run
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.people import People
from caredispatch.rehearsal.playing import play
from caredispatch.rehearsal.summing import figures_told


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What is rehearsed: a practice under a playbook, its coordinators and visits a day (None: as full as the
    parameters say), for `days` from `begin` (UTC); `by_hand`: without the product."""

    policy: Policy
    parameters: Parameters
    begin: datetime
    days: int
    coordinators: int
    visits_a_day: int | None = None
    by_hand: bool = False

    def run(self, seed: int) -> Run:
        """One month under one seed. Raises ValueError when nobody can do any of the services."""
        month = month_of(self.policy, self.parameters, self.begin, self.days, self.visits_a_day, seed)
        people = People(self.parameters, seed)
        if self.by_hand:
            return play_by_hand(self.policy, month, people, self.parameters, coordinators=self.coordinators)
        return play(self.policy, month, people, self.parameters, coordinators=self.coordinators, seed=seed)

    def month(self, seed: int) -> tuple[dict[str, float], tuple[str, ...]]:
        """What one month came to, and the promises that did not hold."""
        run = self.run(seed)
        return figures_told(run, self.parameters.systems.text_price), run.broken
