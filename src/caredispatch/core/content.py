"""The normal form of an appointment as one system holds it: what `merge` compares and what a write makes equal.

A `Content` maps a key to a text value; a key that is missing means that the system does not say. The keys are
closed: `start_at` and `end_at` (instants, UTC, `2026-11-24T15:00:00Z`), `status` (FHIR codes), `service`,
`location`, `modality`, `patient`, `note`, `actor.<role>` (who or what fills a role) and `accepted.<role>`,
`accepted.patient` (FHIR participation status); of a visit that has no time yet `requested.from` and `requested.until`
(FHIR `Appointment.requestedPeriod`); `urgent` (`true`: an emergency add-on); `series` (what the system calls the series
that the visit belongs to, D3).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

Content = dict[str, str]

Status = Literal[
    "proposed",
    "pending",
    "booked",
    "arrived",
    "fulfilled",
    "cancelled",
    "noshow",
    "checked-in",
    "waitlist",
    "entered-in-error",
]
Modality = Literal["in_person", "video", "phone"]

_PLAIN_KEYS = frozenset(
    {
        *("start_at", "end_at", "status", "service", "location", "modality", "patient", "note"),
        *("requested.from", "requested.until", "urgent", "series"),
    }
)
_PREFIXES = ("actor.", "accepted.")


def is_content_key(key: str) -> bool:
    """Whether a key belongs to the closed vocabulary above."""
    return key in _PLAIN_KEYS or (key.startswith(_PREFIXES) and not key.endswith("."))


def instant_text(at: datetime) -> str:
    """An aware instant as content writes it: UTC, to the second, `Z`. Raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; content holds instants only")
    return at.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def instant_of(text: str) -> datetime:
    """The aware UTC instant of an ISO 8601 text. Raises ValueError when it is none or has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; content holds instants only")
    return at.astimezone(UTC)


def instant_or_none(text: str) -> datetime | None:
    """Likewise; None for a text that is no instant."""
    try:
        return instant_of(text)
    except ValueError:
        return None
