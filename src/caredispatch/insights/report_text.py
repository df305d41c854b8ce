"""The report as a table of text, as CSV and as plain values for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from caredispatch.insights import shown
from caredispatch.insights.comparing import TARGETS, Line, Told
from caredispatch.insights.money import total
from caredispatch.insights.report import Report, verdict
from caredispatch.insights.statistics import Interval

HEADINGS = (
    "measure", "location", "service", "unit", "before", "before_low", "before_high", "after", "after_low", "after_high",
    "change", "change_low", "change_high", "level", "level_low", "level_high", "days_before", "days_after", "word",
)  # fmt: skip


def text_of(report: Report) -> str:
    """The report for a terminal or the text of a mail."""
    return "\n".join(_text(report))


def _text(report: Report) -> Iterator[str]:
    yield f"{report.practice}: {shown.days(report.days.after.first, report.days.after.last)}"
    if report.days.before:
        yield f"compared with {shown.days(report.days.before.first, report.days.before.last)}"
    yield ""
    yield from (f"! {note}" for note in report.notes)
    yield ""
    wide = max((len(t.measure.name) for t in report.told), default=10)
    for told in report.told:
        yield f"{told.measure.name:{wide}}  {in_a_line(told.whole, told)}"
        if told.slowest is not None:
            before, after, change = shown.sides(told.slowest, told.measure)
            yield f"{'  95 % within':{wide}}  {before} → {after}, {change}"
        if told.in_time is not None:
            yield f"{'  in time':{wide}}  {shown.in_time(told.in_time, TARGETS[told.measure.code])}"
        for stage, level in told.stages.items():
            yield f"{f'  {stage}':{wide}}  {shown.change(level, told.measure)} when it went live"
        for line in told.lines:
            yield f"{f'  {line.location or line.service}':{wide}}  {in_a_line(line, told)}"
    yield from _money(report)
    yield from _recommendations(report)


def in_a_line(line: Line, told: Told) -> str:
    """One comparison in a line."""
    if line.difference is None:
        return f"{shown.within(line.after, told.measure)}: {line.word}"
    before, after, change = shown.sides(line.difference, told.measure)
    said = f"{before} → {after}, {change}"
    if line.level is not None:
        said += f"; beside trend and weekdays {shown.change(line.level, told.measure)}"
    last_week = f"; last week: {verdict(told)}" if line is told.whole and told.chart else ""
    return f"{said}: {line.word}{last_week}"


def _money(report: Report) -> Iterator[str]:
    if not report.money:
        return
    yield ""
    yield f"Money a month, in {report.currency}, at the practice's own rates"
    for line in report.money:
        yield f"  {line.name}: {amount(line.month)}{'' if line.counted else ', not counted: no effect shown'}"
        yield f"    {line.formula}"
        yield from (f"    - {assumed}" for assumed in line.assumes)
    yield f"  Together: {amount(total(report.money))}"


def _recommendations(report: Report) -> Iterator[str]:
    if not report.recommendations:
        return
    yield ""
    yield "What to change next"
    for number, one in enumerate(report.recommendations, 1):
        yield f"  {number}. {one.seen}"
        yield f"     {one.change}"
        if one.effect:
            yield f"     Rehearsed: {one.effect}"
        yield from (f"     | {line}" for line in one.diff.splitlines())


def amount(interval: Interval) -> str:
    """Money with its bounds."""
    if interval.low is None or interval.high is None or interval.low == interval.high:
        return f"{interval.value:,.0f}".replace("-", "−")
    return f"{interval.value:,.0f} ({interval.low:,.0f} to {interval.high:,.0f})".replace("-", "−")


def csv_of(report: Report) -> str:
    """One row a comparison, with plain numbers (shares as fractions, times in seconds)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADINGS)
    for told in report.told:
        for line in (told.whole, *told.lines):
            writer.writerow(_row(told, line))
    return out.getvalue()


def _row(told: Told, line: Line) -> list[object]:
    compared = line.difference
    empty = ("", "", "")
    return [
        told.measure.code, line.location, line.service, told.measure.unit,
        *(_bounds(compared.before) if compared else empty), *_bounds(line.after),
        *(_bounds(compared.change) if compared else empty), *(_bounds(line.level) if line.level else empty),
        compared.days_before if compared else "", compared.days_after if compared else "", line.word,
    ]  # fmt: skip


def _bounds(interval: Interval) -> tuple[object, object, object]:
    return tuple("" if v is None else round(v, 6) for v in (interval.value, interval.low, interval.high))  # type: ignore[return-value]  # three of three


def plain(report: Report) -> dict[str, Any]:
    """The report for a program."""
    after, before = report.days.after, report.days.before
    return {
        "practice": report.practice,
        "from": after.first.isoformat(),
        "to": after.last.isoformat(),
        "baseline": {"from": before.first.isoformat(), "to": before.last.isoformat()} if before else None,
        "live": {place: {s: d.isoformat() for s, d in at.items()} for place, at in report.days.began.items()},
        "notes": list(report.notes),
        "measures": [_plain(told) for told in report.told],
        "money": {
            "currency": report.currency,
            "lines": [
                {"name": m.name, "month": _interval(m.month), "formula": m.formula, "assumes": list(m.assumes),
                 "counted": m.counted}
                for m in report.money
            ],
            "total": _interval(total(report.money)),
        },
        "recommendations": [
            {"kind": r.kind, "seen": r.seen, "change": r.change, "diff": r.diff, "effect": r.effect}
            for r in report.recommendations
        ],
    }  # fmt: skip


def _plain(told: Told) -> dict[str, Any]:
    return {
        "measure": told.measure.code,
        "name": told.measure.name,
        "unit": told.measure.unit,
        "lines": [
            dict(zip(HEADINGS[1:3], (line.location, line.service), strict=True))
            | {
                "before": _interval(line.difference.before) if line.difference else None,
                "after": _interval(line.after),
                "change": _interval(line.difference.change) if line.difference else None,
                "level": _interval(line.level) if line.level else None,
                "word": line.word,
            }
            for line in (told.whole, *told.lines)
        ],
        "stages": {stage: _interval(level) for stage, level in told.stages.items()},
        "last_week": told.chart.verdict if told.chart else None,
        "in_time": [i and _interval(i) for i in told.in_time] if told.in_time else None,
    }


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}
