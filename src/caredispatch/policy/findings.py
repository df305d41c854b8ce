"""What is wrong with a playbook: where, what was read, what the problem is and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake (`error`: the playbook is refused) or weakness (`warning`). Lines and columns count from 1."""

    file: str
    line: int
    column: int
    path: str
    value: str
    problem: str
    fix: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.path}: {self.problem} {self.fix}".rstrip()


class PlaybookInvalid(Exception):
    """The playbook can't be used; `findings` are all of its mistakes."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(str(f) for f in findings))
        self.findings = tuple(findings)
