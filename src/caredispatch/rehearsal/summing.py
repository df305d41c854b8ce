"""Many played months together: of each figure the middle and the interval in which nineteen of twenty months lie, and
of two ways of working on the same luck the difference, month by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from caredispatch.core.counting_work import figures_of
from caredispatch.rehearsal.outcome import Run

SETTLED_SOON = 5 * 60
DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Told:
    """One figure that a rehearsal tells: its code, name, unit, and how many decimals make sense."""

    code: str
    name: str
    unit: str
    decimals: int = 1


TOLD: tuple[Told, ...] = (
    Told("covered_by_start", "Visits that lost somebody and had cover at their start", "%"),
    Told("settled_in_5", "Lost cover settled within 5 minutes", "%"),
    Told("first_asked", "First person asked, median after the change", "s", 0),
    Told("settle_median", "Lost cover settled, median", "min"),
    Told("settle_p95", "Lost cover settled, 95 of 100", "min"),
    Told("confirmed_in", "Booking confirmed by the provider, 95 of 100", "s", 0),
    Told("asks_per_person", "Questions to one of the staff", "a week", 2),
    Told("asked_most", "Questions to who is asked most", "a week", 1),
    Told("woken", "Questions between 22:00 and 06:00", "a week", 2),
    Told("exceptions", "Exceptions", "a day"),
    Told("listed", "Lines on the call list", "a day"),
    Told("calls", "Telephone calls that coordinators make", "a day"),
    Told("coordinator_hours", "Coordinators' hours", "a week"),
    Told("scrambles", "Same-day scrambles", "a week"),
    Told("unresolved", "Scrambles that were not resolved", "a week"),
    Told("automation", "Cases that ended without a human", "%"),
    Told("fill_rate", "Freed times that were filled", "%"),
    Told("utilisation", "Slot utilisation", "%"),
    Told("no_shows", "No-shows", "%"),
    Told("late_cancellations", "Late cancellations", "%"),
    Told("confirmation", "Patients who confirmed", "%"),
    Told("overtime", "Minutes beyond somebody's own hours", "a week", 0),
    Told("texts", "Texts sent", "a week", 0),
    Told("texts_cost", "Texts, at the price assumed", "USD a week", 2),
    Told("errors", "Fields that systems said differently", "%", 2),
)


@dataclass(frozen=True, slots=True)
class Interval:
    """The median, and the 2.5th and 97.5th percentile over the months."""

    low: float
    middle: float
    high: float


def figures_told(run: Run, price_of_a_text: float) -> dict[str, float]:
    """What one month comes to, by code; what had nothing to count is left out. Coordinators' hours are of the desk."""
    weeks = run.days / DAYS_A_WEEK
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    values: dict[str, list[float]] = defaultdict(list)
    days: dict[str, set[object]] = defaultdict(set)
    for f in figures_of(run.happened):
        sums[f.measure][0] += f.amount
        sums[f.measure][1] += f.of
        values[f.measure] += f.values
        days[f.measure].add(f.day)
    losses = [x for c in run.happened.changes for x in c.losses]
    settled = sorted(values["settled_seconds"])
    asked = list(run.asks.values())
    found = {
        "covered_by_start": _share(sum(x.ended == "covered" for x in losses), len(losses)),
        "settled_in_5": _share(sum(v <= SETTLED_SOON for v in settled), len(settled)),
        "first_asked": percentile(sorted(values["first_asked_seconds"]), 50),
        "settle_median": _minutes(percentile(settled, 50)),
        "settle_p95": _minutes(percentile(settled, 95)),
        "confirmed_in": percentile(sorted(values["confirm_seconds"]), 95),
        "asks_per_person": sum(asked) / len(asked) / weeks if asked else 0.0,
        "asked_most": max(asked, default=0) / weeks,
        "woken": sum(run.woken.values()) / weeks,
        "exceptions": run.exceptions / run.days * DAYS_A_WEEK / 5,
        "listed": run.listed / run.days * DAYS_A_WEEK / 5,
        "calls": run.calls / run.days * DAYS_A_WEEK / 5,
        "coordinator_hours": run.human_minutes / 60 / weeks,
        "scrambles": sums["scrambles"][0] / weeks,
        "unresolved": sums["unresolved_scrambles"][0] / weeks,
        "automation": _share(*sums["automation_rate"]),
        "fill_rate": _share(*sums["fill_rate"]),
        "utilisation": _share(*sums["slot_utilisation"]),
        "no_shows": _share(*sums["no_show_rate"]),
        "late_cancellations": _share(*sums["late_cancellations"]),
        "confirmation": _share(*sums["confirmation_rate"]),
        "overtime": sums["overtime_minutes"][0] / weeks,
        "texts": run.texts / weeks,
        "texts_cost": run.texts / weeks * price_of_a_text,
        "errors": _share(run.errors, run.fields),
    }
    return {code: value for code, value in found.items() if value is not None}


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None


def _minutes(seconds: float | None) -> float | None:
    return seconds / 60 if seconds is not None else None


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value below which `share` of 100 lie, between neighbours where it falls between (linear); None of none."""
    return _between(ordered, share) if ordered else None


def _between(ordered: Sequence[float], share: float) -> float:
    at = (len(ordered) - 1) * share / 100
    low, high = floor(at), ceil(at)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def intervals(months: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """Each figure over some months, of those in which there was something to count."""
    found: dict[str, Interval] = {}
    for told in TOLD:
        values = sorted(m[told.code] for m in months if told.code in m)
        if values:
            found[told.code] = Interval(*(_between(values, share) for share in (2.5, 50, 97.5)))
    return found


def differences(months: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]]) -> dict[str, Interval]:
    """What the first way has more than the other, month by month on the same luck. An interval that holds zero shows no
    difference."""
    pairs = [
        {code: one[code] - other[code] for code in one if code in other}
        for one, other in zip(months, others, strict=True)
    ]
    return intervals(pairs)
