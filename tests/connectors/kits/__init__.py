"""What the conformance suite must be told of each connector: `kits/<folder>.py`. One without it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from caredispatch.contract.verbs import Push
from tests.connectors.peer import Asked, Reply

NOW = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)

Act = Callable[[Any], Awaitable[object]]
Sign = Callable[[bytes, str, datetime], Push]
"""The push of a body, signed with a secret at a time."""


@dataclass(frozen=True)
class Kit:
    """`settings` for a peer's address; `secret` is the value that must never show, `signing` the one that signs pushes
    and `other_secret` a wrong one; `reads` and `writes` are calls that meet faults, `good` what the peer answers to
    requests that are not being failed."""

    settings: Callable[[str], Mapping[str, str]]
    secret: str
    sign: Sign | None = None
    other_secret: str = ""
    aged: bool = False
    reads: Mapping[str, Act] = field(default_factory=dict)
    writes: Mapping[str, Act] = field(default_factory=dict)
    good: Callable[[Asked], Reply] = lambda asked: Reply(404)
    conflict_is: Mapping[str, str] = field(default_factory=dict)


def kit(name: str) -> Kit:
    """The kit of a connector. Raises ModuleNotFoundError where somebody forgot it."""
    found: Kit = import_module(f"tests.connectors.kits.{name}").KIT
    return found
