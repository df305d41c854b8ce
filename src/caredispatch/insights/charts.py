"""Charts: each defined once as Vega-Lite and drawn as SVG on the server, the same for page, mail and print. No script,
no file from elsewhere, no inline style; what a chart shows is said in its description too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Any

import vl_convert

from caredispatch.core.measures import Measure
from caredispatch.insights.control import Chart
from caredispatch.insights.statistics import Interval

INK, FAINT, LINE, ACCENT, BAD = "#151a23", "#5b6473", "#dde1e7", "#2746b8", "#c02436"
WIDTH = 720
_AXES = {
    "%": ("%", 100.0),
    "seconds": ("minutes", 1 / 60),
    "minutes": ("minutes", 1.0),
    "a day": ("a day", 1.0),
    "each": ("", 1.0),
}
_CONFIG: dict[str, Any] = {
    "background": "white",
    "font": "sans-serif",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "domainColor": LINE,
        "gridColor": LINE,
        "gridOpacity": 0.6,
        "tickColor": LINE,
        "labelColor": FAINT,
        "labelFontSize": 11,
        "titleColor": FAINT,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
}


@dataclass(frozen=True, slots=True)
class Changed:
    """One line of a chart of changes: a label, the change and its interval, and whether it is told as an effect."""

    label: str
    change: Interval
    sure: bool


def days_chart(chart: Chart, measure: Measure, live: date | None, describes: str) -> str:
    """A control chart as SVG: each day, the centre and limits that the days before set, days that break a rule marked,
    and a line where the first stage went live. Times are drawn in minutes."""
    unit, times = _AXES[measure.unit]
    rows = [
        {
            "day": f"{p.day}T12:00:00",
            "value": p.value * times,
            "centre": p.centre * times,
            "low": p.low * times,
            "high": p.high * times,
            "breaks": p.breaks is not None and p.day >= chart.since,
        }
        for p in chart.points
    ]
    x = {"field": "day", "type": "temporal", "title": None, "axis": {"format": "%-d %b", "grid": False}}
    y = {"type": "quantitative", "title": unit, "axis": {"tickCount": 5}, "scale": {"zero": unit != "%"}}
    layers: list[dict[str, Any]] = [
        _layer(
            {"type": "area", "interpolate": "step", "color": LINE, "opacity": 0.45}, x, y | {"field": "low"}, y2="high"
        ),
        _layer({"type": "line", "interpolate": "step", "color": FAINT, "strokeWidth": 1}, x, y | {"field": "centre"}),
        _layer({"type": "line", "color": ACCENT, "strokeWidth": 1.25}, x, y | {"field": "value"}),
        _layer({"type": "point", "filled": True, "size": 26, "color": ACCENT, "opacity": 1}, x, y | {"field": "value"}),
        # Another shape too: colour alone says nothing to some readers, and nothing in print.
        _layer(
            {"type": "point", "shape": "diamond", "filled": True, "size": 60, "color": BAD, "opacity": 1},
            x,
            y | {"field": "value"},
        )
        | {"transform": [{"filter": "datum.breaks"}]},
    ]
    if live is not None:
        layers += _rule_at(live)
    return _drawn({"data": {"values": rows}, "height": 150, "layer": layers}, describes)


def changes_chart(rows: Sequence[Changed], unit: str, describes: str) -> str:
    """Changes with their intervals, one line each, about the line of no change, as SVG."""
    times = 100.0 if unit == "%" else 1.0
    values = [
        {
            "label": row.label,
            "value": row.change.value * times,
            "low": (row.change.low if row.change.low is not None else row.change.value) * times,
            "high": (row.change.high if row.change.high is not None else row.change.value) * times,
            "sure": row.sure,
        }
        for row in rows
    ]
    title = f"change in {'percentage points' if unit == '%' else unit}"
    x = {"type": "quantitative", "title": title, "scale": {"zero": True}}
    y = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220, "grid": False}}
    colour = {"condition": {"test": "datum.sure", "value": ACCENT}, "value": FAINT}
    layers = [
        {"mark": {"type": "rule", "color": INK, "strokeWidth": 1}, "encoding": {"x": {"datum": 0} | x}},
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {"x": x | {"field": "low"}, "x2": {"field": "high"}, "y": y, "color": colour},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
            "encoding": {"x": x | {"field": "value"}, "y": y, "color": colour},
        },
    ]
    return _drawn({"data": {"values": values}, "height": {"step": 22}, "layer": layers}, describes)


def _layer(mark: dict[str, Any], x: dict[str, Any], y: dict[str, Any], y2: str | None = None) -> dict[str, Any]:
    encoding: dict[str, Any] = {"x": x, "y": y}
    if y2 is not None:
        encoding["y2"] = {"field": y2}
    return {"mark": mark, "encoding": encoding}


def _rule_at(live: date) -> list[dict[str, Any]]:
    at = {"data": {"values": [{"at": f"{live}T00:00:00"}]}}
    x = {"field": "at", "type": "temporal"}
    text = {"type": "text", "text": "live", "align": "left", "dx": 4, "dy": -68, "color": INK, "fontSize": 11}
    return [
        at | {"mark": {"type": "rule", "color": INK, "strokeDash": [3, 3]}, "encoding": {"x": x}},
        at | {"mark": text, "encoding": {"x": x}},
    ]


def _drawn(spec: dict[str, Any], describes: str) -> str:
    """The SVG of a definition, as one picture with words for who does not see it. Nothing is ever fetched for it."""
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "width": WIDTH, **spec, "config": _CONFIG}
    svg = vl_convert.vegalite_to_svg(whole, allowed_base_urls=[])
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(describes)}" ', 1)
