"""What is wrong with a file of rows, told with its row, column, value and fix; the file is refused with all of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from caredispatch.app.directory_file import DirectoryInvalid

MOST_SHOWN = 20

Value = TypeVar("Value")


class Wrong(ValueError):
    """A value that is wrong, with its fix."""


class Mistakes:
    """The mistakes of one file. Values of `hidden` columns are never shown; `theirs` are the file's own names of
    columns where they differ from ours."""

    def __init__(self, file: str, hidden: Collection[str] = (), theirs: Mapping[str, str] | None = None) -> None:
        self.file = file
        self.hidden = hidden
        self.theirs = theirs or {}
        self.lines: list[str] = []

    def add(self, line: int, column: str, value: str, fix: str) -> None:
        """One mistake: where, what stands there, and what should."""
        shown = "" if column in self.hidden else f" (it is {value[:60]!r})"
        self.lines.append(f"{self.file}:{line}: {self.theirs.get(column, column)}: {fix}{shown}")

    def read(self, line: int, column: str, value: str, reads: Callable[[str], Value], fix: str) -> Value | None:
        """The value read, or a mistake and None."""
        try:
            return reads(value)
        except ValueError as error:
            self.add(line, column, value, str(error) if isinstance(error, Wrong) else fix)
            return None

    def end(self) -> None:
        """Raise DirectoryInvalid where anything was wrong."""
        lines = list(dict.fromkeys(self.lines))
        more = [f"{self.file}: and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
        if lines:
            raise DirectoryInvalid("\n".join(lines[:MOST_SHOWN] + more))
