"""Where a poll goes on: the newest change seen, by the server's clock, and which versions of that very instant were
reported, for the next search finds them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from caredispatch.connectors.fhir.resources import Appointment
from caredispatch.core.content import instant_of


def _name(held: Appointment) -> str:
    return f"{held.id}@{held.meta.versionId or ''}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """`at` is cut to the millisecond, as searches send it."""

    at: datetime
    reported: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Cursor | None:
        """A cursor from its text; None when it is none."""
        at, *names = text.split(" ")
        try:
            return cls(instant_of(at), frozenset(names))
        except ValueError:
            return None

    @property
    def instant(self) -> str:
        """As a search wants it."""
        return self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    @property
    def text(self) -> str:
        """The cursor as it is kept."""
        return " ".join([self.instant, *sorted(self.reported)])

    def has(self, held: Appointment) -> bool:
        """Whether this version was reported already."""
        return held.meta.versionId is not None and _name(held) in self.reported

    def after(self, found: Iterable[Appointment]) -> Cursor:
        """The cursor once these were reported."""
        dated = [(each, _cut(each.meta.lastUpdated)) for each in found if each.meta.lastUpdated is not None]
        newest = max((at for _, at in dated), default=self.at)
        if newest < self.at:
            return self
        return Cursor(newest, frozenset(_name(each) for each, at in dated if at == newest and each.meta.versionId))


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
