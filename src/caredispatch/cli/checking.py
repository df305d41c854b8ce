"""`check` and `doctor`: what is wrong, where, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import typer

from caredispatch.app.composing import App, opened
from caredispatch.app.settings import PLAYBOOK, read_settings
from caredispatch.cli.failing import WrongUse
from caredispatch.contract.verbs import Probes
from caredispatch.core.facts import Directory, Staff
from caredispatch.core.windows import zone
from caredispatch.policy.check import check_text
from caredispatch.policy.duty import WEEK
from caredispatch.policy.findings import Finding
from caredispatch.policy.looking import Known
from caredispatch.store import checkpoints
from caredispatch.store.contacts import unverified
from caredispatch.store.deciding import in_hand
from caredispatch.store.gauges import take_reading


async def check(folder: Path, as_json: bool) -> int:
    """Check the folder's settings and playbook, against the directory where one is imported."""
    settings = read_settings(folder)
    path, text = folder / PLAYBOOK, playbook_text(folder)
    known: Known | None = None
    if (folder / "database").exists() or settings.database != "embedded":
        async with opened(folder) as app:
            known = known_to(app)
    findings = check_text(text, str(path), known)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(told(finding))
        many = f"{len(findings)} finding{'s' if len(findings) > 1 else ''}" if findings else "no findings"
        typer.echo(f"{path}: {many}")
    return 1 if findings else 0


def told(finding: Finding) -> str:
    """A finding in one line, as editors jump to it: its value too, unless the problem quotes it or it is a whole
    section."""
    short = finding.value and finding.value not in finding.problem and finding.value[0] not in "[{"
    value = f" (it is {finding.value})" if short else ""
    field = f" {finding.path}:" if finding.path else ""
    place = f"{finding.file}:{finding.line}:{finding.column}: {finding.severity}:"
    return f"{place}{field} {finding.problem.rstrip('.')}{value}. {finding.fix}"


def playbook_text(folder: Path) -> str:
    """The folder's playbook as it stands there. Raises WrongUse."""
    path = folder / PLAYBOOK
    try:
        return path.read_text("utf-8")
    except FileNotFoundError:
        raise WrongUse(
            f"{path} does not exist: write one, or copy a shipped profile with `caredispatch init`"
        ) from None
    except UnicodeDecodeError:
        raise WrongUse(f"{path} is not text in UTF-8: save it as such") from None
    except OSError as error:
        raise WrongUse(f"{path} can't be read: {error.strerror}") from None


def known_to(app: App) -> Known | None:
    """What the practice has set up, for a check of its playbook; None before anything is imported."""
    tenant = app.registry.by_slug(app.settings.practice)
    if tenant is None:
        return None
    directory = tenant.policy.directory
    channels: dict[str, bool] = {}
    for connected in tenant.connections.values():
        if connected.manifest.channel:
            channels[connected.manifest.channel] = connected.wiring.baa == "signed"
    return Known(
        services=frozenset(directory.services),
        locations=frozenset(directory.locations),
        staff=frozenset(s.handle for s in directory.staff.values()),
        hours=weeks_of(directory, tenant.practice.time_zone),
        channels=channels,
        connections=frozenset(tenant.connections),
        sends={name: frozenset(c.manifest.notifies) for name, c in tenant.connections.items()},
    )


def weeks_of(directory: Directory, time_zone: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """Everybody's working hours by handle, for a check of who is on duty (D28)."""
    return {s.handle: _week_of(s, directory, time_zone) for s in directory.staff.values()}


def _week_of(staff: Staff, directory: Directory, time_zone: str) -> tuple[tuple[int, int], ...]:
    """Somebody's working hours by the practice's clock, in an ordinary week, in minutes from its Monday."""
    monday = datetime(2027, 1, 4, tzinfo=ZoneInfo(time_zone))
    found: list[tuple[int, int]] = []
    for hours in staff.hours:
        there = datetime(2027, 1, 4 + hours.weekday, tzinfo=zone(directory, hours.location))
        offset = int((there - monday).total_seconds() // 60)
        begin, end = (offset + hours.begin) % WEEK, (offset + hours.end) % WEEK or WEEK
        found += [(begin, end)] if begin < end else [(begin, WEEK), (0, end)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Look:
    """One thing that was looked at."""

    what: str
    ok: bool
    detail: str


async def doctor(folder: Path, as_json: bool) -> int:
    """Look at everything that can be wrong."""
    looks: list[Look] = []
    async with opened(folder) as app:
        looks.append(Look("database", True, app.settings.database.split("@")[-1]))
        looks.append(Look("key", True, "opens the vault"))
        drift = (await app.clock.off_by()).total_seconds()
        looks.append(Look("clock", drift < 1.0, f"{drift * 1000:.0f} ms from the database's"))
        looks += await _connections(app)
        looks += await _journal(app)
        async with app.pools.reveal.acquire() as connection:
            reading = await take_reading(connection)
        looks += await _staff_numbers(app)
        looks.append(await _kept_aside(app))
        looks.append(Look("waiting", True, f"{reading.undecided} observations, {reading.waiting} deliveries"))
    if as_json:
        typer.echo(json.dumps([asdict(look) for look in looks], indent=2))
    else:
        for look in looks:
            typer.echo(f"{'ok  ' if look.ok else 'LOOK'}  {look.what}: {look.detail}")
    return 0 if all(look.ok for look in looks) else 1


async def _connections(app: App) -> list[Look]:
    tenant = app.registry.by_slug(app.settings.practice)
    if tenant is None:
        return [Look("directory", False, f"nothing is imported yet: `caredispatch import {app.folder}`")]
    looks = [Look("directory", True, f"version {tenant.practice.directory_version}")]
    looks += [Look(f"connection {name}", False, why) for name, why in sorted(tenant.unusable.items())]
    for name, connected in sorted(tenant.connections.items()):
        if isinstance(connected.connector, Probes):
            health = await connected.connector.probe()
            looks.append(Look(f"connection {name}", health.ok, health.detail))
    return looks


async def _staff_numbers(app: App) -> list[Look]:
    """Whose numbers and addresses nothing ever arrived at: shown, for a new practice has only such (D5)."""
    looks: list[Look] = []
    for tenant in app.registry.tenants():
        async with app.pools.reveal.acquire() as connection:
            found = await unverified(connection, tenant.practice.practice_id)
        staff = tenant.policy.directory.staff
        named = [f"{staff[who].handle} ({channel})" for who, channel in found if who in staff]
        detail = f"not verified yet: {', '.join(named)}" if named else "all verified"
        looks.append(Look(f"staff numbers {tenant.practice.slug}", True, detail))
    return looks


_KEPT_ASIDE = """
select count(*) from care.exceptions
 where practice_id = $1 and state <> 'resolved' and kind in ('not_understood', 'fetch_failed', 'poison')
"""


async def _kept_aside(app: App) -> Look:
    """What failed for good and nobody has resolved yet."""
    waiting = 0
    for tenant in app.registry.tenants():
        practice_id = tenant.practice.practice_id
        async with app.pools.decide.acquire() as connection, connection.transaction():
            await in_hand(connection, practice_id)
            waiting += await connection.fetchval(_KEPT_ASIDE, practice_id)
    return Look("kept aside", waiting == 0, f"{waiting} exceptions of changes that could not be read or understood")


async def _journal(app: App) -> list[Look]:
    looks = []
    for tenant in app.registry.tenants():
        practice_id = tenant.practice.practice_id
        async with app.pools.decide.acquire() as connection, connection.transaction():
            await in_hand(connection, practice_id)
            found = await checkpoints.verify(connection, practice_id, app.key.derive("checkpoint"))
        detail = f"{found.entries} entries in {found.chains} chains, {found.checkpoints} signed checkpoints"
        looks.append(Look(f"journal {tenant.practice.slug}", not found.wrong, "; ".join((detail, *found.wrong[:5]))))
    return looks
