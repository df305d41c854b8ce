"""How an outward call ends. Closed: whoever reads an outcome matches all five."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side took it. For a text this is `accepted` (the report says later whether it arrived); for a write
    it is not `landed` until it is read back. `ref` identifies a text in later reports."""

    external_id: str | None = None
    etag: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class TryLater:
    """Not taken now; the same call may succeed after `after` (or after the engine's own back-off)."""

    reason: str
    after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Never taken as it is. `permanent_address` means that the address itself is bad."""

    code: str
    reason: str
    permanent_address: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """The copy is not at the version that we saw: read it before writing again."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent, no answer. The manifest's `after_unknown` says what then (E21)."""

    reason: str


Outcome = Delivered | TryLater | Refused | Conflict | Unknown


@dataclass(frozen=True, slots=True)
class Gone:
    """A fetch by id says that the resource does not exist (any more)."""
