"""What is wrong with a playbook: where, what was read, what the problem is and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake (`error`: the playbook is refused) or weakness (`warning`). Lines and columns count from 1; `path` is
    the field (`paths.cover.steps[0].for`), `value` what stands there, shortened."""

    file: str
    line: int
    column: int
    path: str
    value: str
    problem: str
    fix: str
    severity: Severity = "error"

    def __str__(self) -> str:
        field = f" {self.path}:" if self.path else ""
        value = f" (it is {self.value})" if self.value else ""
        return f"{self.file}:{self.line}:{self.column}:{field} {self.problem.rstrip('.')}{value}. {self.fix}".rstrip()


class PlaybookInvalid(Exception):
    """The playbook can't be used; `findings` are all of its mistakes."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(f) for f in findings))
        self.findings = tuple(findings)


def choose_from(word: str, known: Iterable[str], *, none: str = "There are none yet.") -> str:
    """The fix for a word that is not one of the known ones: the nearest, and what there is."""
    names = list(known)
    if not names:
        return none
    close = get_close_matches(word.lower(), [n.lower() for n in names], n=1)
    nearest = next((n for n in names if close and n.lower() == close[0]), None)
    guess = f"Did you mean {nearest!r}? " if nearest else ""
    shown = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
    return f"{guess}There {'are' if len(names) > 1 else 'is'}: {shown}."
