"""Sums by day, location and service on their way to figures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from caredispatch.core.happened import Happened
from caredispatch.core.measures import Figure

Where = tuple[date, str, str]
"""Day, location, service."""


class Sums:
    """The sums of one measure."""

    def __init__(self, measure: str) -> None:
        self.measure = measure
        self._sums: dict[Where, tuple[float, float]] = {}
        self._values: dict[Where, list[float]] = {}

    def add(self, where: Where, amount: float, of: float) -> None:
        """Add to a ratio: so much of so much."""
        before = self._sums.get(where, (0.0, 0.0))
        self._sums[where] = before[0] + amount, before[1] + of

    def count(self, where: Where, amount: float) -> None:
        """Add to a count a day."""
        self._sums[where] = self._sums.get(where, (0.0, 1.0))[0] + amount, 1.0

    def time(self, where: Where, value: float) -> None:
        """Add one value of a measure of time."""
        self.add(where, value, 1)
        self._values.setdefault(where, []).append(value)

    def figures(self, happened: Happened) -> Iterator[Figure]:
        """Those of the days that are measured, in order."""
        for where in sorted(self._sums):
            if happened.within(where[0]):
                amount, of = self._sums[where]
                yield Figure(self.measure, *where, amount, of, tuple(sorted(self._values.get(where, ()))))
