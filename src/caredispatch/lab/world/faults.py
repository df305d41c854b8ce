"""Faults on order: answers replaced, connections dropped before or after the work, delays.

The list only; the HTTP front and the mail server ask it once per request and do what it says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Do(BaseModel):
    """What a fault does.

    `drop`: the work is done, no answer comes; `drop_before`: neither. `delay_ms` is wall time.
    """

    model_config = ConfigDict(extra="forbid")

    status: int | None = None
    retry_after: str | None = None
    body: str = ""
    drop: Literal["before", "after"] | None = None
    delay_ms: int = Field(default=0, ge=0)


@dataclass(slots=True)
class Fault:
    """One order: which requests it meets, and how many more times."""

    system: str
    path: re.Pattern[str]
    method: str | None
    left: int
    do: Do


class Faults:
    """The orders still open, the oldest first."""

    def __init__(self) -> None:
        self._open: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add an order."""
        self._open.append(fault)

    def clear(self) -> None:
        """Forget all orders."""
        self._open.clear()

    def next_for(self, system: str, method: str, path: str) -> Do | None:
        """The fault that meets this request, used up by one; None if none does."""
        for fault in self._open:
            right_method = fault.method is None or fault.method == method
            if fault.system == system and right_method and fault.path.search(path):
                fault.left -= 1
                if fault.left <= 0:
                    self._open.remove(fault)
                return fault.do
        return None
