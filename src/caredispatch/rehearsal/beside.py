"""Our numbers beside one claim: what a row holds, from which practice it comes, and when a claim counts as reached.
Which figure and formula stand beside which claim is `claimed_visits`' and `claimed_work`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from caredispatch.rehearsal.claims import Claim, Range
from caredispatch.rehearsal.outcomes import ALL_FOUR, BY_HAND, WAYS, Results, Trial, Way
from caredispatch.rehearsal.summing import Interval

WORKED_EXAMPLE = "worked example"
"""The practice of twelve therapists that one of the claims is about."""
REFERENCE = "primary-care"
"""Claims that name no practice type are set beside this one."""
OF_TYPE = {
    "primary care": "primary-care",
    "behavioral health": "behavioral-health",
    "home health": "home-health",
    "specialty": "specialty",
    "worked example": WORKED_EXAMPLE,
}
CLAIMED_RATE = 48
"""USD an hour: 7,200 to 12,000 a year for 3 to 5 hours a week over 50 weeks, and so for every stage."""
Verdict = Literal[
    "reached", "more than claimed", "within the interval", "not reached", "nothing is claimed", "an input"
]


@dataclass(frozen=True, slots=True)
class Beside:
    """Our numbers beside one claim. `before` and `after` are levels, `change` what is compared where it is a change
    that is claimed; in the claim's unit. `needs` is what would have to be true, or what must be known of it; empty
    where nothing is missing. `note` holds for all rows of the metric."""

    claim: Claim
    practice: str
    input: str
    formula: str
    before: Interval | None
    after: Interval | None
    change: Interval | None
    verdict: Verdict
    needs: str = ""
    note: str = ""


def trial_of(claim: Claim, results: Results) -> Trial:
    """The practice that a claim is set beside."""
    for words, name in OF_TYPE.items():
        if claim.of.startswith(words):
            return results.trials[name]
    return results.trials[REFERENCE]


def stages_of(claim: Claim) -> tuple[Way, Way]:
    """Before and after: the way without a stage and with it; all four against by hand."""
    for n in range(1, len(WAYS)):
        if claim.of.startswith(f"stage {n}"):
            return WAYS[n - 1], WAYS[n]
    return BY_HAND, ALL_FOUR


def judged(found: Interval | None, wanted: Range | None, *, more: bool) -> Verdict:
    """Whether what we found is as good as the weakest number claimed, or better than the strongest in all months."""
    if wanted is None or found is None:
        return "nothing is claimed"
    least, most = wanted if more else wanted[::-1]
    if more and found.low > most:
        return "more than claimed"
    if found.middle >= least if more else found.middle <= least:
        return "reached"
    inside = found.high >= least if more else found.low <= least
    return "within the interval" if inside else "not reached"


def assumed(trial: Trial, name: str) -> str:
    """One parameter as it was used."""
    row = trial.parameters.rows[name]
    unit = row.unit if row.unit.startswith("%") else f" {row.unit}"
    return f"`{name}` {row.value:g}{' ' if unit.startswith('%') else ''}{unit}"


def desk_of(trial: Trial) -> str:
    """What things take at the desk."""
    return "; ".join(
        assumed(trial, name)
        for name in ("desk.status_change", "desk.same_day_change", "desk.booking", "desk.phone_call")
    )
