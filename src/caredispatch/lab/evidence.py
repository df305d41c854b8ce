"""What promises are judged from: the database, what the outside world saw and holds, the server's log, and
who is who."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import asyncpg

from caredispatch.lab import meadow
from caredispatch.lab.cast import CLIENTS, SITES, THERAPISTS
from caredispatch.lab.world.client import WorldClient
from caredispatch.store.vault import MasterKey

Verdict = bool | str
EHRS = {"fhir": "river", meadow.EHR: meadow.SLUG}
"""The EHRs of the outside world, each with the practice that it belongs to."""


@dataclass(frozen=True)
class Evidence:
    """What there is to judge from."""

    connection: asyncpg.Connection[asyncpg.Record]
    log: list[dict[str, Any]]
    state: dict[str, Any]
    key: MasterKey
    folder: Path
    practices: Sequence[str]
    now: datetime

    @cached_property
    def texts(self) -> list[dict[str, Any]]:
        """The texts that the carrier took from us, with when and to whom."""
        return [entry for entry in self.log if entry["kind"] == "text"]

    @property
    def bookings(self) -> list[dict[str, Any]]:
        """What the booking system holds."""
        found: list[dict[str, Any]] = self.state["acuity"]["appointments"]
        return found


async def gathered(
    connection: asyncpg.Connection[asyncpg.Record],
    world: WorldClient,
    key: MasterKey,
    folder: Path,
    practices: Sequence[str],
) -> Evidence:
    """All of it, as it stands now."""
    idle = await world.idle()
    return Evidence(connection, await world.log(), await world.state(), key, folder, practices, idle.now)


def staff_zones() -> dict[str, str]:
    """The time zone of everybody who works, by their number or address."""
    zones = {t.address: SITES[t.site][1] for t in THERAPISTS}
    zones |= {c.phone: meadow.ZONE for c in meadow.CAREGIVERS}
    return zones | {meadow.office_phone(name): meadow.ZONE for name in meadow.OFFICE}


def first_names() -> list[str]:
    """Of all patients."""
    return [c.given for c in CLIENTS] + [p.given for p in meadow.PATIENTS]


_NUMBER = re.compile(r"555(?:014|016|017)\d{4}(?![0-9a-f])")
_WORD = re.compile(r"[A-Z][a-z]+")
_HEX = frozenset("0123456789abcdef")


def names_a_patient(text: str) -> bool:
    """Whether a patient's name, number or address stands in a text. Digits in the middle of an id are no number."""
    if any(word in text for word in ("Madeupperson", "@nobody.example", "Imported")):
        return True
    if not set(first_names()).isdisjoint(_WORD.findall(text)):
        return True
    return any(
        text[max(at - 2, 0) : at] == "+1" or text[max(at - 1, 0) : at] not in _HEX
        for at in (found.start() for found in _NUMBER.finditer(text))
    )
