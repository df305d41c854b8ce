"""`baseline`: what was so before, from a file or by listening, frozen (D38)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from caredispatch.app.baseline_file import BaselineFile, read_baseline
from caredispatch.app.baseline_taking import (
    FULL_DAYS,
    BaselineRefused,
    freeze_file,
    freeze_listening,
    hindrances,
    places_of,
)
from caredispatch.app.composing import App, opened
from caredispatch.app.setting_up import as_owner
from caredispatch.cli.failing import WrongUse
from caredispatch.core.counting_work import MixedInstruments
from caredispatch.core.measures import MEASURES, Figure
from caredispatch.engine.registry import Tenant
from caredispatch.store.measuring import Baseline, baselines
from caredispatch.store.pools import Connection


@asynccontextmanager
async def as_the_owner(folder: Path) -> AsyncIterator[tuple[App, Tenant, Connection]]:
    """The folder's practice, with a connection as the database's owner. Raises WrongUse where nothing is imported."""
    async with opened(folder) as app:
        tenant = app.registry.by_slug(app.settings.practice)
        if tenant is None:
            raise WrongUse(f"nothing is imported yet: `caredispatch import {folder}`")
        connection = await as_owner(app.owner_dsn)
        try:
            yield app, tenant, connection
        except (BaselineRefused, MixedInstruments) as error:
            raise WrongUse(str(error)) from None
        finally:
            await connection.close()


def today_of(app: App, tenant: Tenant) -> date:
    """The practice's local day."""
    return app.clock.now().astimezone(ZoneInfo(tenant.practice.time_zone)).date()


async def import_file(
    folder: Path, file: Path, maps: Sequence[str], instrument: str, reason: str, freezes: bool
) -> int:
    """Read a file, say what it says, and freeze it where that is wanted. Raises DirectoryInvalid with every mistake."""
    async with as_the_owner(folder) as (app, tenant, connection):
        places = places_of(tenant.policy.directory)
        read = read_baseline(_text(file), str(file), places, _theirs(maps), today_of(app, tenant))
        for line in _about(read):
            typer.echo(line)
        if not freezes:
            typer.echo("no mistakes; nothing is frozen yet: the same with --freeze freezes it for ever")
            return 0
        made = await freeze_file(connection, tenant.practice.practice_id, read, instrument, reason, app.clock.now())
    typer.echo(_frozen(made))
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} can't be read: {error}") from None


def _theirs(maps: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in maps:
        ours, equals, theirs = one.partition("=")
        if not equals or not ours.strip() or not theirs.strip():
            raise WrongUse(f"--map {one!r}: write OURS=THEIRS, as --map day=Date")
        if ours.strip() in found:
            raise WrongUse(f"--map {ours.strip()}: named twice")
        found[ours.strip()] = theirs.strip()
    return found


def _about(read: BaselineFile) -> list[str]:
    days = read.days
    lines = [f"{len(days)} days from {days[0]} to {days[-1]}"]
    lines += [f"  {MEASURES[code].name}: {n} values" for code, n in _numbers(read.figures).items()]
    if read.left_out:
        lines.append(f"columns that are not read: {', '.join(read.left_out)}")
    if len(days) < FULL_DAYS:
        lines.append(f"fewer than {FULL_DAYS} days: what is compared with them is less sure")
    return lines


def _numbers(figures: Sequence[Figure]) -> dict[str, int]:
    found = dict.fromkeys(MEASURES, 0)
    for figure in figures:
        found[figure.measure] += 1
    return {code: n for code, n in found.items() if n}


async def listen(folder: Path, days: int) -> int:
    """Say how many of the days of listening there are, and what hinders it; 1 while anything does."""
    async with as_the_owner(folder) as (app, tenant, connection):
        last = today_of(app, tenant) - timedelta(days=1)
        heard = 0
        while heard < days and not await hindrances(connection, tenant, last - timedelta(days=heard), last):
            heard += 1
        now = await hindrances(connection, tenant, last + timedelta(days=1), last + timedelta(days=1))
        for line in now:
            typer.echo(line)
    typer.echo(f"{heard} of {days} days were listened to, with every stage off and nothing written")
    if now:
        typer.echo("put that right, and listening begins")
        return 1
    if heard < days:
        typer.echo(f"freeze it on {last + timedelta(days=days - heard + 1)}: `caredispatch baseline freeze {folder}`")
    else:
        typer.echo(f"freeze it: `caredispatch baseline freeze {folder}`")
    return 0


async def freeze(folder: Path, days: int, since: datetime | None, until: datetime | None, reason: str) -> int:
    """Freeze days of listening, the last ones unless told."""
    async with as_the_owner(folder) as (app, tenant, connection):
        last = until.date() if until is not None else today_of(app, tenant) - timedelta(days=1)
        first = since.date() if since is not None else last - timedelta(days=days - 1)
        if first > last:
            raise WrongUse(f"--from {first} is after --to {last}")
        made = await freeze_listening(connection, tenant, first, last, reason, app.clock.now())
    typer.echo(_frozen(made))
    return 0


def _frozen(made: Baseline) -> str:
    by = f", coordinators' minutes by {made.instrument}" if made.instrument else ", without coordinators' minutes"
    return f"baseline {made.number} is frozen: {made.first_day} to {made.last_day}, {len(made.figures)} figures{by}"


async def show(folder: Path, as_json: bool) -> int:
    """Print every baseline, the one that counts last; 1 where there is none."""
    async with as_the_owner(folder) as (_, tenant, connection):
        found = await baselines(connection, tenant.practice.practice_id)
    if as_json:
        typer.echo(json.dumps([asdict(made) for made in found], default=str))
    else:
        for made in found:
            typer.echo(f"{_frozen(made)}; from {made.source}, on {made.frozen_at:%Y-%m-%d}")
            if made.reason:
                typer.echo(f"  in place of the one before it, because: {made.reason}")
        for line in _told(found[-1].figures) if found else ["there is no baseline yet"]:
            typer.echo(line)
    return 0 if found else 1


def _told(figures: Sequence[Figure]) -> list[str]:
    """Each measure over all its days."""
    lines = []
    for code, measure in MEASURES.items():
        of = [f for f in figures if f.measure == code]
        if not of:
            continue
        amount, whole = sum(f.amount for f in of), sum(f.of for f in of)
        if measure.adds == "count":
            whole = len({f.day for f in of})
        value = amount / whole if whole else 0.0
        shown = f"{value:.1%}" if measure.unit == "%" else f"{value:.1f} {measure.unit}"
        mean = " (mean)" if measure.adds == "times" else ""
        lines.append(f"  {measure.name}: {shown}{mean} over {len({f.day for f in of})} days")
    return lines
