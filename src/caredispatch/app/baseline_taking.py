"""Freezing a baseline as the database's owner: from a file, or from days in which the product only listened (D38)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

from caredispatch.app.baseline_file import BaselineFile, Places
from caredispatch.core.facts import Directory
from caredispatch.core.happened import Instrument
from caredispatch.core.playbook import Playbook
from caredispatch.core.records import StageName
from caredispatch.engine.registry import Tenant
from caredispatch.policy.reader import read_playbook
from caredispatch.store.measuring import Baseline, baseline, figures, freeze
from caredispatch.store.minutes import instruments_between
from caredispatch.store.pools import Connection
from caredispatch.store.practices import published

FULL_DAYS = 30
"""So many days a baseline has, unless told otherwise."""


class BaselineRefused(Exception):
    """A baseline that could not be compared with what comes after it, or that was not listened to."""


def places_of(directory: Directory) -> Places:
    """What rows may name."""
    return Places(frozenset(directory.locations), frozenset(directory.services))


async def freeze_file(
    connection: Connection, practice_id: str, read: BaselineFile, instrument: str, reason: str, now: datetime
) -> Baseline:
    """Freeze what a file says. Raises BaselineRefused."""
    if read.has_minutes and instrument not in get_args(Instrument):
        raise BaselineRefused(
            "the file has coordinators' minutes: say how they were measured, with --instrument tally or --instrument "
            "prompts (D38: the same is used afterwards)"
        )
    if instrument and not read.has_minutes:
        raise BaselineRefused(f"--instrument {instrument}: the file has no coordinator_minutes")
    days = read.days
    made = Baseline("file", instrument, days[0], days[-1], now, read.figures, reason)  # type: ignore[arg-type]  # checked
    async with connection.transaction():
        await _may_freeze(connection, practice_id, made)
        return await freeze(connection, practice_id, made)


async def freeze_listening(
    connection: Connection, tenant: Tenant, first: date, last: date, reason: str, now: datetime
) -> Baseline:
    """Freeze what some days came to in which all stages were off. Raises BaselineRefused with every hindrance,
    MixedInstruments."""
    practice_id = tenant.practice.practice_id
    zone = ZoneInfo(tenant.practice.time_zone)
    if last >= now.astimezone(zone).date():
        raise BaselineRefused(f"{last} is not over yet: a baseline is of days that are")
    found = await hindrances(connection, tenant, first, last)
    if found:
        raise BaselineRefused("these days can't be a baseline:\n  " + "\n  ".join(found))
    counted = await figures(connection, practice_id, first, last)
    begin, end = (datetime.combine(day, time(), zone) for day in (first, last + timedelta(days=1)))
    used = await instruments_between(connection, practice_id, begin, end)
    instrument = used[0] if used else ""
    made = Baseline("listening", instrument, first, last, now, tuple(counted), reason)  # type: ignore[arg-type]  # read
    async with connection.transaction():
        await _may_freeze(connection, practice_id, made)
        return await freeze(connection, practice_id, made)


async def hindrances(connection: Connection, tenant: Tenant, first: date, last: date) -> list[str]:
    """Why some days are not days of listening only: stages that were not off, days before anything was read, systems
    that are written to."""
    zone = ZoneInfo(tenant.practice.time_zone)
    versions = [
        (at.astimezone(zone).date(), read_playbook(source))
        for at, source in await published(connection, tenant.practice.practice_id)
    ]
    found = [] if versions and versions[0][0] <= first else [f"nothing was published before {first}"]
    found += _stages_on(versions, sorted(tenant.policy.directory.locations), first, last)
    found += [
        f"connection {name} is written to: set `writes: false` and `creates: false` while you listen"
        for name, connected in sorted(tenant.connections.items())
        if connected.wiring.writes and connected.manifest.writes
    ]
    return found


def _stages_on(
    versions: Sequence[tuple[date, Playbook]], locations: Iterable[str], first: date, last: date
) -> Iterator[str]:
    """Each stage that was not off at a location, with its first such day."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for location in locations:
        for name in get_args(StageName):
            on = (
                (day, state)
                for day in days
                for since, playbook in versions
                if _counts_on(versions, since, day) and (state := playbook.stage(name, location, day)) != "off"
            )
            if (was := next(on, None)) is not None:
                yield f"stage {name} was {was[1]} at {location} on {was[0]}: set it `off` and listen from then on"


def _counts_on(versions: Sequence[tuple[date, Playbook]], since: date, day: date) -> bool:
    """Whether a playbook that was published on `since` counted for some of a day: nothing newer did before it."""
    newer = [at for at, _ in versions if since < at < day]
    return since <= day and not newer


async def _may_freeze(connection: Connection, practice_id: str, made: Baseline) -> None:
    before = await baseline(connection, practice_id)
    if before is not None and not made.reason:
        raise BaselineRefused(
            f"there is a baseline already (number {before.number}, {before.first_day} to {before.last_day}): it stays; "
            "to measure from a new one instead say why, with --reason"
        )
    since = datetime.combine(made.last_day + timedelta(days=2), time(), UTC)
    after = await instruments_between(connection, practice_id, since, made.frozen_at)
    other = [name for name in after if made.instrument and name != made.instrument]
    if other:
        raise BaselineRefused(
            f"coordinators' minutes since are noted by {other[0]}, and this baseline's are by {made.instrument}: the "
            "two can't be compared (D38)"
        )
