"""Reading parameter files: YAML to `Parameters`, the shipped ones and a practice's own over them. Every mistake is
found at once, with line, field, value and fix."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import lru_cache
from importlib.resources import files
from typing import Any

from caredispatch.policy.findings import Finding, PlaybookInvalid, choose_from
from caredispatch.policy.source import Marks, Where, read_source
from caredispatch.rehearsal.parameters import GROUPS, Check, Parameter, Parameters, ServiceWays, typed

NUMBERS = int | float
UNITS: Mapping[str, tuple[float, float]] = {
    "%": (0, 100),
    "% a week": (0, 100),
    "% a month": (0, 100),
    "odds": (0.01, 1000),
    "ratio": (0.01, 1000),
    "minutes": (0, 100_000),
    "clock": (0, 24 * 60),
    "USD": (0, 1_000_000),
    "a day per 100 visits": (0, 1000),
    "a week": (0, 1000),
    "a month": (0, 1000),
    "a year": (0, 366),
}
"""The units that there are, with the least and the most that a number of each can be. What is on the clock is written
`08:00` and kept as minutes of the day."""
_HOW = {"clock": 'Write it as "08:00".', "%": "Write it in %, as 8 or 8.5."}
_CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")
_PARTS = (
    tuple(f"practice.{name}" for name in ("same_day", "within_a_week", "within_two_weeks", "within_a_month")),
    ("staff.call_outs_morning", "staff.call_outs_evening"),
)


class ParametersInvalid(Exception):
    """A parameter file can't be used; `findings` are all of its mistakes."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))


@lru_cache(maxsize=1)
def shipped() -> Parameters:
    """The assumptions that come with the product."""
    return read_parameters(_packaged("parameters.yaml"), "parameters.yaml")


@lru_cache(maxsize=1)
def no_effect() -> Parameters:
    """A world in which what the product does to people makes no difference."""
    return read_parameters(_packaged("no-effect.yaml"), "no-effect.yaml", shipped())


def _packaged(name: str) -> str:
    return files("caredispatch.rehearsal").joinpath(name).read_text("utf-8")


def read_parameters(text: str, file: str = "rehearsal.yaml", base: Parameters | None = None) -> Parameters:
    """The parameters of a YAML text, laid over `base`; without one the text must name them all. A field is a number, or
    a map as in `parameters.yaml`. Raises ParametersInvalid with every mistake."""
    try:
        plain, marks = read_source(text, file)
    except PlaybookInvalid as error:
        raise ParametersInvalid(error.findings) from None
    reading = _Reading(marks, base)
    rows, services = reading.whole(plain)
    reading.together(rows)
    if reading.findings:
        raise ParametersInvalid(reading.findings)
    return typed(rows, reading.checks or (base.checks if base else ()), services)


class _Reading:
    """One file being read: findings are collected, never raised one by one."""

    def __init__(self, marks: Marks, base: Parameters | None) -> None:
        self.marks = marks
        self.base = base
        self.findings: list[Finding] = []
        self.checks: tuple[Check, ...] = ()

    def _wrong(self, where: Where, problem: str, fix: str) -> None:
        self.findings.append(self.marks.finding(where, problem, fix))

    def whole(self, plain: Any) -> tuple[dict[str, Parameter], Mapping[str, ServiceWays]]:
        """All rows by name, and what is said of services."""
        rows = dict(self.base.rows) if self.base else {}
        services = self.base.services if self.base else {}
        for section, value in self._entries((), {} if plain is None else plain):
            match section:
                case "checks":
                    self.checks = tuple(self._checks(value))
                case "services":
                    services = self._services(value)
                case _ if section in GROUPS:
                    rows |= {row.name: row for row in self._group(section, value)}
                case _:
                    fix = choose_from(section, [*GROUPS, "services", "checks"])
                    self._wrong((section,), "there is no such section.", fix)
        for group, of in GROUPS.items():
            for f in fields(of):
                if f"{group}.{f.name}" not in rows:
                    self._wrong(
                        (group, f.name), "the parameter is missing.", "Add it with value, unit, says and source."
                    )
        return rows, services

    def together(self, rows: Mapping[str, Parameter]) -> None:
        """Parts of one whole make no more than it."""
        for names in _PARTS:
            values = [rows[name].value for name in names if name in rows]
            if sum(values) > 100:
                shown = " + ".join(f"{value:g}" for value in values)
                group, name = names[0].split(".")
                problem = f"{', '.join(names)} are parts of the same visits: {shown} is more than 100 %."
                self._wrong((group, name), problem, "Make one of them smaller.")

    def _entries(self, where: Where, value: Any) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, dict):
            self._wrong(where, "this should be names with values.", "Write `name: value`, one a line.")
            return
        yield from value.items()

    def _group(self, group: str, value: Any) -> Iterator[Parameter]:
        known = [f.name for f in fields(GROUPS[group])]
        for name, said in self._entries((group,), value):
            if name not in known:
                self._wrong((group, name), "there is no such parameter.", choose_from(name, known))
            elif (row := self._row(group, name, said)) is not None:
                yield row

    def _row(self, group: str, name: str, said: Any) -> Parameter | None:
        where = (group, name)
        before = self.base.rows[f"{group}.{name}"] if self.base else None
        given = said if isinstance(said, dict) else {"value": said}
        for key in given:
            if key not in ("value", "low", "high", "unit", "says", "source"):
                fix = choose_from(str(key), ["value", "low", "high", "unit", "says", "source"])
                self._wrong((*where, str(key)), "a parameter has no such field.", fix)
        unit = self._unit(where, given, before)
        value = self._number(where, given, "value", unit)
        texts = self._texts(where, given, before)
        if value is None or texts is None:
            return None
        low, high = (self._number(where, given, bound, unit) if bound in given else None for bound in ("low", "high"))
        if before is not None:
            # The shipped range stays around a practice's own value, widened where that lies outside.
            low, high = _around(low, before.low, value, min), _around(high, before.high, value, max)
        if (low is not None and low > value) or (high is not None and high < value):
            self._wrong(where, "the value lies outside its own range.", f"low ≤ value ≤ high: {low}, {value}, {high}.")
        return Parameter(f"{group}.{name}", value, unit, *texts, low, high)

    def _unit(self, where: Where, given: dict[str, Any], before: Parameter | None) -> str:
        unit = given.get("unit", before.unit if before else None)
        if unit not in UNITS:
            self._wrong((*where, "unit"), "the unit is not known.", choose_from(str(unit), UNITS))
            return "minutes"
        if before is not None and unit != before.unit:
            self._wrong((*where, "unit"), f"the unit of this parameter is {before.unit!r}.", "Leave it out.")
        return str(unit)

    def _number(self, where: Where, given: dict[str, Any], key: str, unit: str) -> float | None:
        value = given.get(key)
        low, high = UNITS[unit]
        if unit == "clock":
            clock = _CLOCK.fullmatch(str(value))
            value = int(clock[1]) * 60 + int(clock[2]) if clock else None
        if isinstance(value, bool) or not isinstance(value, NUMBERS):
            self._wrong(
                (*where, key) if key in given else where,
                f"{key} should be a number.",
                _HOW.get(unit, f"Write it in {unit}."),
            )
            return None
        if not low <= value <= high:
            self._wrong((*where, key), f"{key} is no number of the unit {unit!r}.", f"It lies from {low} to {high}.")
            return None
        return float(value)

    def _texts(self, where: Where, given: dict[str, Any], before: Parameter | None) -> tuple[str, str] | None:
        own = {"says": before.says, "source": self.marks.file} if before else {}
        says, source = (given.get(key, own.get(key)) for key in ("says", "source"))
        for key, text in (("says", says), ("source", source)):
            if not isinstance(text, str) or not text.strip():
                self._wrong((*where, key), f"{key} is missing.", "Say it in one sentence, in quotes.")
        return (str(says), str(source)) if says and source else None

    def _checks(self, value: Any) -> Iterator[Check]:
        for n, one in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(one, dict) or set(one) != {"says", "value", "source"}:
                self._wrong(("checks", n), "a check has says, value and source.", "Write all three.")
            else:
                yield Check(str(one["says"]), str(one["value"]), str(one["source"]))

    def _services(self, value: Any) -> dict[str, ServiceWays]:
        found: dict[str, ServiceWays] = {}
        for code, said in self._entries(("services",), value):
            given = said if isinstance(said, dict) else {"share": said}
            where = ("services", code)
            for key in sorted(set(given) - {"share", "minutes"}):
                self._wrong((*where, key), "a service has no such field here.", "Write share and minutes.")
            share = self._number(where, given, "share", "%")
            minutes = self._number(where, given, "minutes", "minutes") if "minutes" in given else None
            if share is not None:
                found[code] = ServiceWays(share, None if minutes is None else max(round(minutes), 1))
        return found


def _around(
    own: float | None, shipped: float | None, value: float, widest: Callable[[float, float], float]
) -> float | None:
    return own if own is not None else None if shipped is None else widest(shipped, value)
