"""What is set beside each claim: a line for every metric, so that a new one in claims.csv that nobody measures is an
error."""

from __future__ import annotations

from collections.abc import Callable

from caredispatch.rehearsal.beside import Beside
from caredispatch.rehearsal.claimed_visits import scrambles, utilisation
from caredispatch.rehearsal.claimed_work import (
    entry_errors,
    errors,
    escalation,
    hours,
    labour_saved,
    money,
    notice,
    per_fte,
    same_day,
    status_change,
)
from caredispatch.rehearsal.claims import Claim
from caredispatch.rehearsal.outcomes import DAYS_A_WEEK, WEEKS_A_YEAR, Results, Trial


def beside(claim: Claim, results: Results) -> Beside:
    """Ours beside one claim. Raises KeyError for a claim that nothing is set beside: a new row needs a line here."""
    return _OF[claim.metric](claim, results)


def _overhead(trial: Trial) -> float:
    return DAYS_A_WEEK * WEEKS_A_YEAR * trial.facts.coordinator_hourly


_OF: dict[str, Callable[[Claim, Results], Beside]] = {
    "slot utilisation": utilisation,
    "same-day scrambles": scrambles,
    "coordinator hours saved": hours,
    "coordinator hours freed": hours,
    "annual labour savings": money,
    "error rate change": errors,
    "admin labour on scheduling": per_fte(
        "hours_a_day_each", lambda _: 1.0, "coordinators' hours a working day, for each coordinator",
        "What is left are calls to the silent and lines that need a person.",
    ),
    "admin labour saved": labour_saved,
    "overtime for gap-fill cover": per_fte(
        "overtime", lambda t: t.facts.overtime_hourly * WEEKS_A_YEAR / 60 / t.facts.coordinators,
        "minutes of visits beyond somebody's own hours × rate of overtime × 52, for each coordinator",
        "Who takes over a visit on a day off is reckoned at the practice's rate of overtime; where salaried staff do, "
        "nothing is paid. The product asks who is on duty; whom a person phones may be off.",
    ),
    "no-show rescheduling cost": per_fte(
        "no_show_hours", lambda t: t.facts.coordinator_hourly * WEEKS_A_YEAR / t.facts.coordinators,
        "coordinators' minutes on no-shows × rate × 52, for each coordinator",
        "Who takes one of the times in the text is phoned by nobody.",
    ),
    "EHR data entry errors": entry_errors,
    "scheduling overhead": per_fte(
        "hours_a_day_each", _overhead, "coordinators' hours × rate, a year, for each coordinator",
        "Said of the time before only: nothing is claimed of after.",
    ),
    "status change by hand": status_change,
    "same-day change by hand": same_day,
    "booking to provider confirmation to patient notice": notice,
    "at risk to escalation": escalation,
}  # fmt: skip
