"""The section of docs/rehearsal.md that lists what the simulated world assumes, from the shipped parameter file. It is
written by `python -m tests.docs.assumptions`."""

from __future__ import annotations

import re

from caredispatch.rehearsal.parameters import GROUPS, Parameter
from caredispatch.rehearsal.parameters_reading import no_effect, shipped
from tests.docs.pages import DOCS

PAGE = DOCS / "rehearsal.md"
HEADING = "## What the simulated world assumes"
_TITLES = {
    "patients": "Patients",
    "staff": "Staff",
    "practice": "The practice",
    "systems": "Systems",
    "desk": "Work by hand",
}
_HEAD = """
Every number stands in `rehearsal/parameters.yaml`; `make assumptions` makes this list from it. *Between* is what
sources say, or, where none says anything (*assumed*), what would not surprise us.
"""
_SIGNS = {"%": " %", "minutes": " min", "ratio": "", "odds": "", "clock": ""}


def number(row: Parameter, value: float) -> str:
    """A value as people write it."""
    if row.unit == "clock":
        return f"{int(value) // 60:02d}:{int(value) % 60:02d}"
    return f"{value:g}{_SIGNS.get(row.unit, f' {row.unit}')}"


def section_text() -> str:
    """The section without its heading."""
    parts = [_HEAD]
    for group in GROUPS:
        parts.append(f"\n### {_TITLES[group]}\n\n| parameter | value | between | what it says | source |\n"
                     "| --- | --- | --- | --- | --- |\n")  # fmt: skip
        parts += [_row(row) for name, row in shipped().rows.items() if name.startswith(f"{group}.")]
    parts.append("\n### Facts that drive nothing\n\nResults may be held beside them.\n\n| fact | value | source |\n"
                 "| --- | --- | --- |\n")  # fmt: skip
    parts += [f"| {c.says} | {c.value} | {c.source} |\n" for c in shipped().checks]
    parts.append("\n### Without effect\n\nThe second world (`rehearsal/no-effect.yaml`) differs in these alone:\n\n"
                 "| parameter | value |\n| --- | --- |\n")  # fmt: skip
    differing = [r for n, r in no_effect().rows.items() if r.value != shipped().rows[n].value]
    parts += [f"| `{row.name}` | {number(row, row.value)} |\n" for row in differing]
    return "".join(parts)


def _row(row: Parameter) -> str:
    bounds = [number(row, bound) for bound in (row.low, row.high) if bound is not None]
    return f"| `{row.name}` | {number(row, row.value)} | {' to '.join(bounds)} | {row.says} | {row.source} |\n"


def text(page: str) -> str:
    """The page with the section as it should be."""
    before, found, rest = page.partition(f"{HEADING}\n")
    assert found, f"there is no heading {HEADING!r}"
    after = re.search(r"\n## ", rest)
    return before + found + section_text() + (rest[after.start() :] if after else "")


if __name__ == "__main__":
    PAGE.write_text(text(PAGE.read_text("utf-8")), "utf-8")
