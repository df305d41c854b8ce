"""docs/conduct.md: which tests hold each rule of docs/domain.md, from the numbers that their names quote. `python -m
tests.docs.conduct` writes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.pages import DOCS, ROOT, page

PAGE = DOCS / "conduct.md"
BINDING = (*range(1, 32), 36, 40, 41)
"""The rules of which every one has a scenario."""
_QUOTED = re.compile(r"(?:^|_)[dD](\d{1,2})(?=_|$)")
_HEAD = """# Conduct: each rule and its tests

Made by `make conduct`; a test compares it with the tests that there are. The rules are in [domain.md](domain.md), which
also says what is not there yet. A test belongs to each rule that its name quotes.

| rule | tests |
| --- | --- |
"""


def titles() -> dict[int, str]:
    """What domain.md calls each rule."""
    headings = re.findall(r"(?m)^### (D\d.*)$", page("docs/domain.md"))
    parts = (part.strip() for heading in headings for part in heading.split("·"))
    return {int(found[1]): found[2] for part in parts if (found := re.match(r"D(\d+) (.*)", part))}


def rules_quoted() -> dict[int, dict[str, list[str]]]:
    """Rule -> file -> the tests that quote it, in the order of the files."""
    found: dict[int, dict[str, list[str]]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in _tests(path):
            for number in dict.fromkeys(int(n) for n in _QUOTED.findall(name.removeprefix("test_"))):
                found.setdefault(number, {}).setdefault(path.relative_to(ROOT).as_posix(), []).append(name)
    return found


def _tests(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def text() -> str:
    """The whole page."""
    named, by_rule = titles(), rules_quoted()
    rows = []
    for number in sorted(named):
        files = by_rule.get(number, {})
        cell = "<br>".join(f"[{f}](../{f}): {', '.join(f'`{t}`' for t in tests)}" for f, tests in files.items())
        rows.append(f"| [D{number}](domain.md) {named[number]} | {cell or 'none yet'} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(text(), "utf-8")
