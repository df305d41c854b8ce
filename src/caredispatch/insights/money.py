"""What differences are worth at the practice's own rates. Nothing is counted for which no effect is shown, every line
says its formula and what it takes for granted, and no rate is made up: without one there is no line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from caredispatch.core.measures import MEASURES
from caredispatch.insights.comparing import Days, Told
from caredispatch.insights.shown import change, number
from caredispatch.insights.statistics import Interval

RateName = Literal["coordinator_hour", "overtime_hour", "visit_margin", "entry_error", "running_month"]
RATES: tuple[RateName, ...] = get_args(RateName)
MONTH_DAYS = 30


@dataclass(frozen=True, slots=True)
class Rate:
    """An amount of money, and where it comes from, in the practice's words."""

    amount: float
    source: str


@dataclass(frozen=True, slots=True)
class Rates:
    """The practice's own rates. `running_month` is what caredispatch costs a month, messages and hosting included."""

    currency: str
    amounts: Mapping[RateName, Rate]


@dataclass(frozen=True, slots=True)
class Money:
    """One line: an amount a month of 30 days (positive is gained), its formula, what it takes for granted, and whether
    an effect was shown; without one it is told and not counted."""

    name: str
    month: Interval
    formula: str
    assumes: tuple[str, ...]
    counted: bool


@dataclass(frozen=True, slots=True)
class _Worth:
    """How a measure becomes money: each unit of its change is worth `per_unit` times a rate, as often a month as there
    was something to count: incidents, visits, freed times, or (`by_day`) open days. `gains`: +1 where higher is money
    gained, -1 where it is money lost."""

    name: str
    rate: RateName
    per_unit: float
    gains: int
    says: str
    assumes: tuple[str, ...]
    by_day: bool = False


_WORTH: Mapping[str, _Worth] = {
    "coordinator_minutes": _Worth(
        "Coordinators' time",
        "coordinator_hour",
        1 / 60,
        -1,
        "minutes saved an incident × incidents a month ÷ 60 × an hour of a coordinator",
        ("minutes that are saved are worth their wage: they are worked elsewhere, or not paid",),
    ),
    "overtime_minutes": _Worth(
        "Overtime",
        "overtime_hour",
        1 / 60,
        -1,
        "overtime minutes saved a day × open days a month ÷ 60 × an hour of overtime",
        ("the volume of visits is like before", "all time outside working hours is paid as overtime"),
        by_day=True,
    ),
    "no_show_rate": _Worth(
        "Visits that were not missed",
        "visit_margin",
        1,
        -1,
        "change of the no-show rate × visits a month × margin of a visit",
        ("a visit that is not missed is kept and paid", "costs of staff and rooms are the same either way"),
    ),
    "kept_fills": _Worth(
        "Freed times that were filled and kept",
        "visit_margin",
        1,
        1,
        "change of the share of kept fills × freed times a month × margin of a visit",
        ("a filled time is one visit more, not one moved from another day",),
    ),
}


def money_of(told: Mapping[str, Told], sums: Mapping[str, float], days: Days, rates: Rates) -> tuple[Money, ...]:
    """The lines for which there is a measure and a rate. `sums` is what each measure counted (`of`) in the days
    reported on."""
    length = days.after.length
    lines = [
        _line(worth, told[code], sums.get(code, 0.0), length, rates)
        for code, worth in _WORTH.items()
        if code in told and worth.rate in rates.amounts and told[code].whole.difference is not None
    ]
    if "entry_errors" in told and "entry_error" in rates.amounts:
        lines.append(_entry_errors(told["entry_errors"], length, rates))
    if "running_month" in rates.amounts:
        rate = rates.amounts["running_month"]
        cost = Interval(-rate.amount, -rate.amount, -rate.amount)
        lines.append(Money("What caredispatch costs", cost, "as given", (_source("a month", rate, rates),), True))
    return tuple(lines)


def total(lines: tuple[Money, ...]) -> Interval:
    """The sum of the counted lines. Its bounds are the sums of theirs, which is cautious: as if all erred together."""
    counted = [line.month for line in lines if line.counted]
    low, high = sum(m.low or 0.0 for m in counted), sum(m.high or 0.0 for m in counted)
    return Interval(sum(m.value for m in counted), low, high)


def _line(worth: _Worth, told: Told, of: float, length: int, rates: Rates) -> Money:
    assert told.whole.difference is not None
    # The smaller of the plain change and that beside the trend: a gain that a trend explains is none of ours.
    by = min((c for c in (told.whole.difference.change, told.whole.level) if c), key=lambda c: abs(c.value))
    rate = rates.amounts[worth.rate]
    often = told.whole.days / length * MONTH_DAYS if worth.by_day else of / length * MONTH_DAYS
    each = worth.gains * worth.per_unit * often * rate.amount
    bounds = sorted((by.low * each, by.high * each)) if by.low is not None and by.high is not None else (None, None)
    said = (
        f"{MEASURES[told.measure.code].name}: {change(by, told.measure)}",
        _source(worth.rate.replace("_", " "), rate, rates),
        *worth.assumes,
    )
    return Money(
        worth.name, Interval(by.value * each, *bounds), worth.says, said, told.whole.word in ("better", "worse")
    )


def _entry_errors(told: Told, length: int, rates: Rates) -> Money:
    """Differences that were repaired have no counterpart before: each is worth what one costs to find and mend."""
    rate, after = rates.amounts["entry_error"], told.whole.after
    each = told.whole.days / length * MONTH_DAYS * rate.amount
    low, high = (None if b is None else b * each for b in (after.low, after.high))
    said = (
        f"{told.measure.name}: {number(after.value, told.measure)}",
        _source("entry error", rate, rates),
        "each would have been found and mended by hand, later",
    )
    return Money(
        "Entry errors caught",
        Interval(after.value * each, low, high),
        "caught a day × open days a month × cost of one",
        said,
        after.low is not None,
    )


def _source(name: str, rate: Rate, rates: Rates) -> str:
    return f"{name}: {rates.currency} {rate.amount:,.2f} ({rate.source})"
