"""Offered times as parameters of a text: by ids, one after another as they are numbered. The deliverer turns them into
words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caredispatch.core.content import instant_of, instant_text
from caredispatch.core.records import Option


@dataclass(frozen=True, slots=True)
class Offered:
    """What a text says of one option."""

    start_at: datetime
    provider: str
    location: str
    modality: str


def write_options(options: Sequence[Option]) -> str:
    """`2027-01-06T16:00:00Z|<staff>|<site>|<modality>`, separated by commas."""
    return ",".join(f"{instant_text(o.start_at)}|{o.provider_id}|{o.location}|{o.modality}" for o in options)


def read_options(text: str) -> list[Offered]:
    """What `write_options` wrote. Raises ValueError for anything else."""
    found: list[Offered] = []
    for one in text.split(",") if text else []:
        start, provider, location, modality = one.split("|")
        found.append(Offered(instant_of(start), provider, location, modality))
    return found
