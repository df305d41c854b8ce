"""`check` and `doctor`: what is wrong, where, and what to do about it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from caredispatch.app.composing import App, opened
from caredispatch.app.settings import read_settings
from caredispatch.contract.verbs import Probes
from caredispatch.policy.check import check_text
from caredispatch.policy.findings import Finding
from caredispatch.policy.looking import Known
from caredispatch.store import checkpoints
from caredispatch.store.deciding import in_hand
from caredispatch.store.gauges import take_reading


async def check(folder: Path, as_json: bool) -> int:
    """Check the folder's settings and playbook, against the directory where one is imported."""
    read_settings(folder)
    path = folder / "playbook.yaml"
    known = (
        await _known(folder) if (folder / "database").exists() or read_settings(folder).database != "embedded" else None
    )
    findings = check_text(path.read_text("utf-8"), str(path), known)
    if as_json:
        typer.echo(json.dumps([asdict(f) for f in findings], indent=2))
    else:
        for finding in findings:
            typer.echo(told(finding))
        typer.echo(f"{path}: {len(findings)} findings" if findings else f"{path}: no findings")
    return 1 if findings else 0


def told(finding: Finding) -> str:
    """A finding in one line, as editors jump to it."""
    return (
        f"{finding.file}:{finding.line}:{finding.column}: {finding.severity}: "
        f"{finding.path}: {finding.problem} {finding.fix}"
    )


async def _known(folder: Path) -> Known | None:
    async with opened(folder) as app:
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
            on_duty=frozenset(s.handle for s in directory.staff.values() if s.hours),
            channels=channels,
        )


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
        looks.append(
            Look("kept aside", reading.parked == 0, f"{reading.parked} notices or observations failed for good")
        )
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
    for name, connected in sorted(tenant.connections.items()):
        if isinstance(connected.connector, Probes):
            health = await connected.connector.probe()
            looks.append(Look(f"connection {name}", health.ok, health.detail))
    return looks


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
