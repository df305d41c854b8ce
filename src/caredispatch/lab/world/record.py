"""What the outside world saw, in one numbered list: requests in and out, texts, mails, page visits, acts.

The list is the witness from which promises are judged. It never holds authorisation headers. Its kinds
are `request`, `text` (accepted by the carrier), `arrived` (on the phone), `sent` (from the phone),
`mail`, `page`, `act`, `vendor_mail`.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from caredispatch.lab.world.clock import Clock, iso

Entry = dict[str, Any]


class Record:
    """An append-only list of entries, each with its number, kind, business instant and wall instant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[Entry] = []

    def add(self, kind: str, **facts: Any) -> Entry:
        """Append one entry and return it."""
        entry: Entry = {
            "n": len(self._entries) + 1,
            "kind": kind,
            "at": iso(self._clock.now()),
            "wall": iso(self._clock.wall()),
            **facts,
        }
        self._entries.append(entry)
        return entry

    @property
    def count(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def since(self, n: int) -> list[Entry]:
        """The entries after number `n` (0: all)."""
        return self._entries[max(n, 0) :]


def readable(body: bytes, content_type: str) -> Any:
    """A body as a person would read it: JSON parsed, a form as a mapping, else text. Never fails."""
    if not body:
        return None
    text = body.decode("utf-8", "replace")
    if "json" in content_type:
        try:
            return json.loads(text)
        except ValueError:
            return text
    if "x-www-form-urlencoded" in content_type:
        return dict(parse_qsl(text, keep_blank_values=True))
    return text
