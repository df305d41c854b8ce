"""`import --facts` and `--panels`: CSV files of what decisions may know of patients and staff (D6)."""

from __future__ import annotations

from pathlib import Path

import typer

from caredispatch.app.composing import App, opened
from caredispatch.app.facts_file import PatientRow, read_facts, read_panels
from caredispatch.app.facts_taking import names_of, take_facts, take_panels
from caredispatch.app.setting_up import as_owner
from caredispatch.cli.failing import WrongUse
from caredispatch.core.payers import Panel
from caredispatch.engine.registry import Tenant


async def take(folder: Path, facts: Path | None, panels: Path | None, skip_unseen: bool, dry_run: bool) -> int:
    """Read one or both files and write what they say. Raises DirectoryInvalid with every mistake of a file, before
    anything of either is written."""
    async with opened(folder) as app:
        tenant = app.registry.by_slug(app.settings.practice)
        if tenant is None:
            raise WrongUse(f"nothing is imported yet: `caredispatch import {folder}`")
        names = names_of(tenant.policy.directory)
        rows = read_facts(_text(facts), str(facts), names) if facts else []
        held = read_panels(_text(panels), str(panels), names) if panels else None
        if dry_run:
            typer.echo(f"no mistakes; {len(rows)} patients, {len(held or [])} panels")
            return 0
        await _write(app, tenant, rows, facts, held, skip_unseen)
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} can't be read: {error}") from None


async def _write(
    app: App,
    tenant: Tenant,
    rows: list[PatientRow],
    file: Path | None,
    panels: list[tuple[str, Panel]] | None,
    skip_unseen: bool,
) -> None:
    connection = await as_owner(app.owner_dsn)
    now = app.clock.now()
    try:
        async with connection.transaction():
            done = await take_facts(
                connection, app.vault, tenant.practice, rows, str(file), now, skip_unseen=skip_unseen
            )
            kept = await take_panels(connection, tenant.practice, panels) if panels is not None else None
    finally:
        await connection.close()
    if file is not None:
        typer.echo(f"facts of {done.patients} patients")
    if done.unseen:
        typer.echo(f"passed over, nobody has seen them yet: lines {', '.join(map(str, done.unseen))}")
    if kept is not None:
        typer.echo(f"{kept.panels} panels")
