"""The report as one HTML page that stands alone: no script, no file from elsewhere, a stylesheet for print of its own.
The same file is shown, mailed and printed."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from caredispatch.core.measures import Measure
from caredispatch.insights import shown
from caredispatch.insights.charts import Changed, changes_chart, days_chart
from caredispatch.insights.comparing import TARGETS, Line, Told
from caredispatch.insights.money import total
from caredispatch.insights.report import Report, describes, verdict
from caredispatch.insights.report_text import amount
from caredispatch.insights.statistics import Interval

_TEMPLATES = Environment(
    loader=PackageLoader("caredispatch.insights"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page_of(report: Report) -> str:
    """The whole page."""
    return _TEMPLATES.get_template("report.html").render(
        report=report,
        days=lambda span: shown.days(span.first, span.last),
        cells=_cells,
        sides=shown.sides,
        change=shown.change,
        in_time=lambda told: shown.in_time(told.in_time, TARGETS[told.measure.code]),
        spread=_spread,
        chart=lambda told: _chart(told, report),
        effects=_effects(report),
        verdict=verdict,
        amount=amount,
        total=total(report.money),
    )


def _chart(told: Told, report: Report) -> Markup:
    assert told.chart is not None
    return Markup(days_chart(told.chart, told.measure, report.days.live, describes(told)))  # noqa: S704  # our own SVG


def _effects(report: Report) -> list[tuple[str, Markup]]:
    """One chart of changes for what is measured in percent: other units have no common scale."""
    rows = [
        Changed(told.measure.name, by, told.whole.word in ("better", "worse", "higher", "lower"))
        for told in report.told
        if told.measure.unit == "%" and told.whole.difference is not None
        for by in [told.whole.level or told.whole.difference.change]
    ]
    if not rows:
        return []
    words = "; ".join(f"{row.label} {row.change.value * 100:+.1f}" for row in rows)
    return [("%", Markup(changes_chart(rows, "%", f"Changes in percentage points: {words}")))]  # noqa: S704  # our own


def _cells(line: Line, told: Told) -> Markup:
    """The cells of one comparison."""
    word = Markup('<td><span class="word {0}">{0}</span></td>').format(line.word)
    if line.difference is None:
        return (
            Markup("<td></td><td>{}</td><td></td><td></td>").format(_spread(line.after, told.measure, plain=True))
            + word
        )
    level = _spread(line.level, told.measure) if line.level else Markup("")
    before, after, _ = shown.sides(line.difference, told.measure)
    change = _spread(line.difference.change, told.measure)
    return Markup("<td>{}</td><td>{}</td><td>{}</td><td>{}</td>").format(before, after, change, level) + word


def _spread(interval: Interval, measure: Measure, *, plain: bool = False) -> Markup:
    """A value, and its bounds small below it."""
    text = shown.within(interval, measure) if plain else shown.change(interval, measure)
    value, found, bounds = text.partition(" (")
    if not found:
        return escape(value)
    return Markup('{}<span class="in">{}</span>').format(value, bounds.removesuffix(")"))
