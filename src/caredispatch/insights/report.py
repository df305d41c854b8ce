"""The report: every measure before and after, what that is worth, and what to change next, as one value; how it is
printed is `report_text`'s and `report_page`'s. Nothing in it identifies a patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from caredispatch.core.measures import MEASURES, Figure
from caredispatch.insights import shown
from caredispatch.insights.comparing import Days, Span, Told, tell
from caredispatch.insights.money import Money, Rates, money_of
from caredispatch.insights.recommending import Recommendation
from caredispatch.insights.statistics import FEWEST_DAYS

WEEKLY_DAYS = 28
"""A weekly report tells the last four weeks: fewer days show no effect."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was measured: the baseline's figures and all since, each with the instrument of coordinators' minutes
    (empty: none). `refused` says what could not be counted, and why."""

    before: Sequence[Figure]
    since: Sequence[Figure]
    instrument_before: str = ""
    instrument_since: str = ""
    refused: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """All that is told of some days. `notes` are what a reader must know before believing a number."""

    practice: str
    days: Days
    told: tuple[Told, ...]
    money: tuple[Money, ...]
    currency: str
    recommendations: tuple[Recommendation, ...]
    notes: tuple[str, ...]

    def without_people(self) -> Report:
        """The same with nothing that names anybody of the staff: for a mail."""
        return replace(self, recommendations=tuple(r for r in self.recommendations if not r.names_people))


def make_report(
    practice: str,
    counted: Counted,
    days: Days,
    rates: Rates | None,
    recommendations: Sequence[Recommendation] = (),
) -> Report:
    """Compare, reckon and say what limits it."""
    comparable = counted.instrument_before == counted.instrument_since or not counted.instrument_before
    before = [f for f in counted.before if comparable or f.measure != "coordinator_minutes"]
    # What was frozen stays as it was frozen.
    since = [f for f in counted.since if not (days.before and days.before.holds(f.day))]
    by_measure: dict[str, list[Figure]] = {code: [] for code in MEASURES}
    for figure in (*before, *since):
        by_measure.setdefault(figure.measure, []).append(figure)
    told = {code: found for code, m in MEASURES.items() if (found := tell(m, by_measure[code], days)) is not None}
    money: tuple[Money, ...] = ()
    if rates is not None:
        money = money_of(told, _sums(since, days.after), days, rates)
    nothing = [] if told else ["Nothing was counted in these days."]
    notes = (
        *nothing,
        *_about_days(days),
        *counted.refused,
        *_about_instruments(counted),
        *_about_trend(told),
        *_about_chance(told, days),
    )
    currency = rates.currency if rates else ""
    return Report(practice, days, tuple(told.values()), money, currency, tuple(recommendations), notes)


def _sums(figures: Sequence[Figure], after: Span) -> dict[str, float]:
    """What each measure counted of, in the days reported on."""
    sums: dict[str, float] = {}
    for figure in figures:
        if after.holds(figure.day):
            sums[figure.measure] = sums.get(figure.measure, 0.0) + figure.of
    return sums


def _about_days(days: Days) -> list[str]:
    notes = []
    if days.before is None:
        notes.append(
            "There is no baseline: nothing can be said of before. Import one with `caredispatch baseline import FILE`, "
            "or let the practice be listened to for 30 days before a stage goes live."
        )
    elif days.live is not None and days.before.last >= days.live:
        notes.append(f"A stage was live from {days.live} on: of the baseline only the days before that are compared.")
    if days.live is None or days.live > days.after.last:
        notes.append("No stage was live in these days: any difference has other reasons.")
    elif days.live > days.after.first:
        notes.append(f"The first stage went live on {days.live}: these days begin before that.")
    counted = [("after", days.after)]
    if days.before is not None:
        last = min(days.before.last, days.live - timedelta(days=1)) if days.live else days.before.last
        counted.insert(0, ("before", Span(days.before.first, last)))
    for side, span in counted:
        n = span.length
        if n < FEWEST_DAYS:
            notes.append(
                f"There are too few days {side} ({max(n, 0)}): with fewer than {FEWEST_DAYS} a side numbers are shown "
                "and no effect is claimed."
            )
    return notes


def _about_instruments(counted: Counted) -> list[str]:
    before, since = counted.instrument_before, counted.instrument_since
    if before and since and before != since:
        return [
            f"Coordinators' minutes were measured by {before} before and by {since} after: they are not compared. Use "
            "one instrument on both sides."
        ]
    return []


def _about_trend(told: Mapping[str, Told]) -> list[str]:
    """Why a change is not told beside the trend, with the measures of which that is so."""
    lacking: dict[str, list[str]] = {}
    for one in told.values():
        if one.whole.why_no_level:
            lacking.setdefault(one.whole.why_no_level, []).append(one.measure.name)
    everything = len(told)
    return [
        f"Not told beside the trend: {'all' if len(names) == everything else ', '.join(names)} ({why})."
        for why, names in lacking.items()
    ]


def _about_chance(told: Mapping[str, Told], days: Days) -> list[str]:
    n = sum(t.comparisons for t in told.values())
    notes = []
    if n:
        notes.append(
            f"Of {n} comparisons about {max(1, round(n / 20))} are called an effect by chance alone: look at what "
            "comes again next month, and at the whole practice first."
        )
    if days.before is not None and days.live is not None and (days.after.last - days.before.first).days < 730:
        notes.append(
            "There are less than two years of days: a season of the year can't be told from an effect, except where "
            "locations began on different days."
        )
    return notes


def weekly(last: Span) -> Span:
    """The days of a weekly report that ends with these."""
    return Span(last.last - timedelta(days=WEEKLY_DAYS - 1), last.last)


def describes(told: Told) -> str:
    """A measure's chart in words."""
    whole = told.whole
    compared = f", before {shown.number(whole.difference.before.value, told.measure)}" if whole.difference else ""
    return f"{told.measure.name} by day: {shown.number(whole.after.value, told.measure)}{compared}; {verdict(told)}"


def verdict(told: Told) -> str:
    """What the control chart says of the last week."""
    if told.chart is None:
        return "no chart: too few days before"
    latest = told.chart.latest
    if latest is None:
        return "noise"
    side = "above" if latest.value > latest.centre else "below"
    return f"signal: {latest.breaks}, {side} the centre on {latest.day.day} {latest.day:%b}"
