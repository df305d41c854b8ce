"""Where a poll goes on. Between polls: the newest change that is surely seen, by the server's clock, and which versions
of that very instant were reported, for the next search finds them again. In mid-search also the server's next page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from caredispatch.connectors.fhir.resources import Appointment
from caredispatch.core.content import instant_of

MOST_NAMES = 20_000
ANEW = 3
"""So often a search is begun anew whose next page the server has no more."""


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
        found = list(found)
        newest = max((at for each in found if (at := _changed_at(each)) is not None), default=self.at)
        return self if newest < self.at else Cursor(newest).also(found)

    def also(self, found: Iterable[Appointment]) -> Cursor:
        """The same cursor once more of its very instant was reported. Beyond `MOST_NAMES` it is reported again, which
        does no harm, so that an import of thousands in one instant stays a short text."""
        more = sorted(_name(each) for each in found if each.meta.versionId and _changed_at(each) == self.at)
        room = max(0, MOST_NAMES - len(self.reported))
        return replace(self, reported=self.reported | frozenset(more[:room]))


@dataclass(frozen=True, slots=True)
class Walk:
    """A poll under way over the pages of one search after another. `since` is where it began, `until` where the next
    poll will: at the newest change of the first page, for what changes while later pages are read stands there no
    more (None: no page was read yet). `first` marks the first load, whose searches are others; `search` counts them;
    `page` is the server's address of the next page; `anew` counts how often it was begun anew."""

    since: Cursor
    until: Cursor | None = None
    first: bool = False
    search: int = 0
    page: str | None = None
    anew: int = 0

    @classmethod
    def read(cls, text: str | None, beginning: datetime) -> Walk | None:
        """The poll that goes on from a cursor's text; without one the first load begins. None when it is none."""
        if text is None:
            return cls(Cursor(beginning), first=True)
        if not text.startswith(_MARK):
            since = Cursor.read(text)
            return cls(since) if since else None
        try:
            head, since_text, until_text, page = text.split("\n", 3)
            first, search, anew = head.removeprefix(_MARK).split(" ")
            counts = int(search), int(anew)
        except ValueError:
            return None
        since, until = Cursor.read(since_text), Cursor.read(until_text) if until_text else None
        return cls(since, until, first == "first", counts[0], page or None, counts[1]) if since else None

    @property
    def text(self) -> str:
        """As it is kept."""
        head = f"{_MARK}{'first' if self.first else 'since'} {self.search} {self.anew}"
        return "\n".join([head, self.since.text, self.until.text if self.until else "", self.page or ""])

    def after(self, found: Iterable[Appointment], page: str | None, searches: int) -> Walk | Cursor:
        """Where it goes on once a page was reported: its search's next one, the next search, or the next poll."""
        until = self.until.also(found) if self.until else self.since.after(found)
        if page is not None:
            return replace(self, until=until, page=page)
        if self.search + 1 < searches:
            return replace(self, until=until, search=self.search + 1, page=None)
        return until

    def begun_anew(self) -> Walk | None:
        """From the beginning, for the server has the next page no more; None when that was tried often enough."""
        if self.anew == ANEW:
            return None
        return Walk(self.since, first=self.first, anew=self.anew + 1)


_MARK = "under way: "


def _changed_at(held: Appointment) -> datetime | None:
    at = held.meta.lastUpdated
    return at.replace(microsecond=at.microsecond // 1000 * 1000) if at is not None else None
