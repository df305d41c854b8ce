"""`tally`: coordinators' minutes by one instrument, the same before and after (D38). A tally is noted with the work; a
random prompt asks whether somebody coordinates just now, and stands for an equal share of their time on duty."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from zoneinfo import ZoneInfo

import typer

from caredispatch.app.composing import App
from caredispatch.cli.baselines import as_the_owner
from caredispatch.cli.failing import WrongUse
from caredispatch.core.happened import Instrument, Noted
from caredispatch.engine.registry import Tenant
from caredispatch.store import minutes
from caredispatch.store.accounts import account_by_handle
from caredispatch.store.pools import Connection

SHOWN_DAYS = 14


async def start(folder: Path, who: str, location: str) -> int:
    """Begin to count somebody's coordination."""
    async with as_the_owner(folder) as (app, tenant, connection):
        await _may(connection, tenant, who, location, "tally")
        began = await minutes.begin(connection, tenant.practice.practice_id, who, location, app.clock.now())
    if began is not None:
        zone = ZoneInfo(tenant.practice.time_zone)
        raise WrongUse(
            f"{who} is counted since {began.astimezone(zone):%H:%M} already: `caredispatch tally stop` ends it"
        )
    typer.echo(f"counting {who}'s minutes; `caredispatch tally stop` ends it")
    return 0


async def stop(folder: Path, who: str) -> int:
    """End it and keep the minutes."""
    async with as_the_owner(folder) as (app, tenant, connection):
        spent = await minutes.end(connection, tenant.practice.practice_id, who, app.clock.now())
    if spent is None:
        raise WrongUse(f"nothing is counted of {who}: `caredispatch tally start` begins it")
    typer.echo(f"{spent:.1f} minutes of {who}")
    return 0


async def note(folder: Path, spent: float, who: str, location: str, at: datetime | None) -> int:
    """Keep minutes that were spent: now, or as told."""
    async with as_the_owner(folder) as (app, tenant, connection):
        await _may(connection, tenant, who, location, "tally")
        await _keep(connection, app, tenant, who, Noted(_instant(app, tenant, at), spent, "tally", location))
    typer.echo(f"{spent:g} minutes of {who}")
    return 0


async def answer(folder: Path, said: str, every: float, who: str, location: str) -> int:
    """Keep the answer (yes or no) to a random prompt, which stands for `every` minutes on duty."""
    if said not in ("yes", "no"):
        raise WrongUse(f"{said!r}: answer yes or no: did you coordinate just then?")
    async with as_the_owner(folder) as (app, tenant, connection):
        await _may(connection, tenant, who, location, "prompts")
        spent = every if said == "yes" else 0.0
        await _keep(connection, app, tenant, who, Noted(app.clock.now(), spent, "prompts", location))
    typer.echo(f"{spent:g} of {every:g} minutes of {who}")
    return 0


def prompts(begin: datetime, end: datetime, times: int) -> int:
    """Print when to ask, at random, between two times of a day."""
    if end <= begin:
        raise WrongUse(f"--to {end:%H:%M} is not after --from {begin:%H:%M}")
    whole = int((end - begin).total_seconds() // 60)
    if times > whole:
        raise WrongUse(f"--times {times}: there are {whole} minutes between")
    drawn = sorted(SystemRandom().sample(range(whole), times))
    for minute in drawn:
        typer.echo(f"{begin + timedelta(minutes=minute):%H:%M}")
    typer.echo(
        f"each stands for {whole / times:g} minutes: `caredispatch tally answer DIR yes --every {whole / times:g}`"
    )
    return 0


async def show(folder: Path) -> int:
    """Print what was noted in the last two weeks, by day and person."""
    async with as_the_owner(folder) as (app, tenant, connection):
        zone, practice_id = ZoneInfo(tenant.practice.time_zone), tenant.practice.practice_id
        found = await minutes.noted_since(connection, practice_id, app.clock.now() - timedelta(days=SHOWN_DAYS))
        used = await minutes.instrument_in_use(connection, practice_id)
    by_day: dict[tuple[str, str], float] = {}
    for who, noted in found:
        key = f"{noted.at.astimezone(zone):%Y-%m-%d}", who
        by_day[key] = by_day.get(key, 0.0) + noted.minutes
    for (day, who), spent in sorted(by_day.items()):
        typer.echo(f"{day}  {who}: {spent:.0f} minutes")
    typer.echo(f"measured by {used}" if used else "nothing is measured yet")
    return 0


async def _may(connection: Connection, tenant: Tenant, who: str, location: str, by: Instrument) -> None:
    """Raises WrongUse for somebody without an account, a location that is not there, another instrument (D38)."""
    practice_id = tenant.practice.practice_id
    if await account_by_handle(connection, practice_id, who) is None:
        raise WrongUse(f"--who {who}: there is no such account; `caredispatch invite` makes one")
    known = sorted(tenant.policy.directory.locations)
    if location and location not in known:
        raise WrongUse(f"--location {location}: there is none; there are: {', '.join(known)}")
    used = await minutes.instrument_in_use(connection, practice_id)
    if used not in ("", by):
        raise WrongUse(
            f"coordinators' minutes are measured by {used} here, and this is by {by}: mixed they can't be compared "
            f"(D38). Go on by {used}, or freeze a new baseline that was measured by {by}"
        )


async def _keep(connection: Connection, app: App, tenant: Tenant, who: str, noted: Noted) -> None:
    if not 0 <= noted.minutes <= 1440:
        raise WrongUse(f"{noted.minutes:g} minutes: write how many of one day, from 0 to 1440")
    await minutes.note(connection, tenant.practice.practice_id, who, noted, app.clock.now())


def _instant(app: App, tenant: Tenant, at: datetime | None) -> datetime:
    """A local time of the practice, or now. Raises WrongUse for one that is still to come."""
    now = app.clock.now()
    instant = now if at is None else at.replace(tzinfo=ZoneInfo(tenant.practice.time_zone))
    if instant > now:
        raise WrongUse(f"--at {at:%Y-%m-%dT%H:%M}: is still to come")
    return instant
