"""What the industry claims for such products, row by row as it was found: nothing here was measured by us, and nobody
has to believe it. `claimed` sets beside it what a rehearsal comes to."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Claim:
    """One row: what is claimed (`metric`), of which practice type or roll-out stage, what it is said to be by hand and
    with such a product, in which unit. Texts as they were found; empty where nothing is said."""

    metric: str
    of: str
    by_hand: str
    claimed: str
    unit: str


@lru_cache(maxsize=1)
def claims() -> tuple[Claim, ...]:
    """Every row, in order."""
    text = files("caredispatch.rehearsal").joinpath("claims.csv").read_text("utf-8")
    return tuple(
        Claim(row["metric"], row["type_or_stage"], row["by_hand"], row["claimed"], row["unit"])
        for row in csv.DictReader(text.splitlines())
    )


def range_of(text: str) -> Range | None:
    """The lowest and highest of a claimed number: `12-18`, `-40`, `under 5`; None where there is none."""
    found = re.fullmatch(r"(under )?(-?\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?", text)
    if found is None:
        return None
    low = float(found[2])
    if found[1]:
        return 0.0, low
    return low, float(found[3]) if found[3] else low
