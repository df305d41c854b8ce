"""Which assumptions a result hangs on most: each is moved alone to both ends of its range, all others as they are."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from caredispatch.rehearsal.parameters import Parameter, Parameters


@dataclass(frozen=True, slots=True)
class Swing:
    """What a result is where one parameter is at its `low` and at its `high`; `as_is` where nothing is moved."""

    parameter: Parameter
    low: float
    high: float
    at_low: float
    at_high: float
    as_is: float

    @property
    def size(self) -> float:
        """How far apart the results are that this one assumption makes possible."""
        results = (self.at_low, self.at_high, self.as_is)
        return max(results) - min(results)


def swings(
    parameters: Parameters, run: Callable[[Parameters], float], names: Collection[str] | None = None
) -> tuple[Swing, ...]:
    """Every parameter that has a range, what matters most first. `run` must take the same seeds whatever the parameters
    are: a swing within what other seeds would make says nothing. `names` are the only ones to move; None: all. Raises
    KeyError for an unknown name."""
    moved = [parameters.rows[name] for name in sorted(parameters.rows if names is None else names)]
    as_is = run(parameters)

    def at(row: Parameter, value: float) -> float:
        return as_is if value == row.value else run(parameters.but({row.name: value}))

    found = [
        Swing(row, row.low, row.high, at(row, row.low), at(row, row.high), as_is)
        for row in moved
        if row.low is not None and row.high is not None and row.low < row.high
    ]
    return tuple(sorted(found, key=lambda s: (-s.size, s.parameter.name)))
