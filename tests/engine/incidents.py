"""How incidents come in, on a real PostgreSQL: a text of staff is understood as the engine does, or it is entered."""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import Any

from caredispatch.app.directory_file import DirectoryFile, staff_id
from caredispatch.app.setting_up import import_directory
from caredispatch.contract.seen import SeenReply
from caredispatch.core.ids import Id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import Announced
from caredispatch.core.records import IncidentKind
from caredispatch.engine.understanding import Report, Understanding
from caredispatch.lab.scenery import SLUG, therapist
from caredispatch.store.inbox import Arrived, observe
from tests.engine.house import PRACTICE, House, practice

TEAM = ("Ana", "Ben", "Cleo", "Elif", "Finn")
_texts = count(1)


async def says(house: House, who: str, text: str) -> None:
    """Somebody texts this: one of the staff by their name, or a number."""
    connected = house.registry.channel(PRACTICE, "sms")
    assert connected is not None
    reply = SeenReply(who if who.startswith("+") else therapist(who).phone, text, f"SM-in-{next(_texts)}")
    async with house.pools.intake.acquire() as connection, connection.transaction():
        arrived = await Understanding(house.registry).arrived(connection, connected, [Report(reply)])
        await observe(connection, arrived)
    await house.work()


async def announce(
    house: House, kind: IncidentKind, start: datetime, end: datetime, *, who: str | None = None, site: str | None = None
) -> Id:
    """Somebody with the right to enters an incident."""
    staff = staff_id(PRACTICE, who) if who else None
    body = Announced(kind, start, end, "Noor", staff, site, sure=True)
    incident = incident_of(Id(PRACTICE), body)
    async with house.pools.intake.acquire() as connection:
        await observe(connection, [Arrived(PRACTICE, incident, body, house.clock.at)])
    await house.work()
    return incident


async def with_groups(house: House) -> None:
    """The practice's groups hold eight, and its front desk books them."""
    people = tuple(therapist(h) for h in TEAM)
    parsed: dict[str, Any] = practice(house.world.url, 25, people).model_dump(by_alias=True)
    parsed["services"]["group-90"]["capacity"] = 8
    parsed["connections"]["desk"]["map"]["service"]["group"] = "group-90"
    file: DirectoryFile = DirectoryFile.model_validate(parsed)
    await import_directory(house.owner, house.vault, SLUG, file, house.clock.at)
    await house.registry.refresh()
