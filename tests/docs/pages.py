"""Reading our own pages: tables, sections, and what stands in backquotes. Nothing here knows what should be there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "caredispatch"
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def page(name: str) -> str:
    """The text of one page, by its path from the repository's root."""
    return (ROOT / name).read_text("utf-8")


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of the same or a higher level."""
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"there is no heading {heading!r}"
    return re.split(rf"\n#{{1,{level}}} ", rest, maxsplit=1)[0]


def coded(text: str) -> set[str]:
    """Everything in backquotes."""
    return set(re.findall(r"`([^`\n]+)`", text))


def rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, headings left out."""
    found = [[cell.strip() for cell in line.strip("|").split(" |")] for line in re.findall(r"(?m)^\|.*\|$", text)]
    rules = [n for n, cells in enumerate(found) if all(set(cell) <= set("-: ") for cell in cells)]
    return [cells for n, cells in enumerate(found) if n not in rules and n + 1 not in rules]


def named_in_rows(text: str) -> set[str]:
    """What the first cells of tables name in backquotes."""
    return {name for cells in rows(text) for name in coded(cells[0])}


def links(text: str) -> list[str]:
    """Where relative links lead."""
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in to]


def anchors(text: str) -> set[str]:
    """The names under which headings can be reached, as code hosts make them."""
    titles = re.findall(r"(?m)^#+ (.*)$", text)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
