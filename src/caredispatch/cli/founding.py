"""Making and filling a practice's folder: `init`, `import`, `export`, `pause`, `resume`."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import typer
from ruamel.yaml import YAML

from caredispatch.app.accounts import Accounts, handle_of
from caredispatch.app.clock import wall
from caredispatch.app.composing import App, opened, reach_database
from caredispatch.app.directory_file import (
    ConnectionPart,
    DirectoryFile,
    HoursPart,
    LocationPart,
    PracticePart,
    ServicePart,
    StaffPart,
)
from caredispatch.app.directory_reading import read_directory_file
from caredispatch.app.sending import Sending
from caredispatch.app.setting_up import as_owner, export_text, import_directory, invite, publish
from caredispatch.app.settings import FILE, PLAYBOOK, Settings, checked_settings, read_settings, write_key
from caredispatch.cli.failing import WrongUse
from caredispatch.policy.profiles import profile_names, profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.policy.schema import schema_text
from caredispatch.store import practices as db
from caredispatch.store.accounts import AccountRole
from caredispatch.store.vault import MasterKey

SCHEMA = "playbook.schema.json"
_SCHEMA_LINE = re.compile(r"^(# yaml-language-server: \$schema=).*")


async def found(folder: Path, profile: str, name: str | None, database: str, admin: str) -> int:
    """Make a new folder and everything in it. Raises WrongUse when something is in the way, SettingsInvalid before
    anything is written."""
    if profile not in profile_names():
        raise WrongUse(f"no profile {profile!r}; there are: {', '.join(profile_names())}")
    handle = handle_of(admin)
    settings = checked_settings({"practice": _slug(name or folder.resolve().name), "database": database}, "init")
    if settings.database != "embedded":
        await reach_database(settings.database)
    key = _write_folder(folder, settings, profile)
    async with opened(folder) as app:
        link = await _first_contents(app, settings.practice, name or settings.practice, profile, handle)
    typer.echo(f"{folder} is ready.\n")
    typer.echo(
        f"Recovery copy of the key (keep it apart from backups; without it nothing can be read):\n  {key.text()}\n"
    )
    typer.echo(f"Sign in as {handle} once, within a day, after `caredispatch serve {folder}`:\n  {link}\n")
    typer.echo(
        f"Next: write {folder}/practice.yaml (see `caredispatch export {folder}`), then `caredispatch import {folder}`."
    )
    return 0


def _slug(name: str) -> str:
    """A practice's short name in addresses: small letters, digits and dashes, a letter first."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:38].strip("-") or "practice"
    return slug if slug[0].isalpha() and len(slug) > 1 else f"p-{slug}"


def _write_folder(folder: Path, settings: Settings, profile: str) -> MasterKey:
    """The folder with its files. Raises WrongUse."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise WrongUse(f"{folder} is not empty: choose a new folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / FILE
        path.touch(mode=0o600)  # an address of a database holds its password
        with path.open("w", encoding="utf-8") as file:
            file.write("# Settings of this practice; every one is explained in docs/settings.md\n")
            YAML().dump(settings.model_dump(include={"practice", "database", "host", "port"}), file)
        (folder / SCHEMA).write_text(schema_text(), "utf-8")  # editors complete the playbook from it
        (folder / PLAYBOOK).write_text(_SCHEMA_LINE.sub(rf"\g<1>{SCHEMA}", profile_text(profile)), "utf-8")
        return write_key(folder)
    except OSError as error:
        raise WrongUse(f"{folder} can't be made: {error.strerror}") from None


def _starting_point(name: str, profile: str) -> DirectoryFile:
    """A directory with the profile's services, one site and nobody yet but who the playbook names."""
    playbook = read_playbook(profile_text(profile))
    people = sorted({handle for group in playbook.people.values() for handle in group})
    return DirectoryFile(
        practice=PracticePart(name=name, time_zone="America/Chicago"),
        locations={"main": LocationPart(name="Main", time_zone="America/Chicago", state="IL")},
        services={c: ServicePart(name=c.replace("-", " "), minutes=50) for c in sorted(playbook.services)},
        staff=tuple(
            StaffPart(
                handle=handle,
                name=handle,
                roles=("coordinator",),
                hours=(HoursPart.model_validate({"days": "mon-fri", "from": "08:00", "to": "18:00", "at": "main"}),),
            )
            for handle in people
        ),
        connections=dict[str, ConnectionPart](),
    )


async def _first_contents(app: App, slug: str, name: str, profile: str, admin: str) -> str:
    connection = await as_owner(app.owner_dsn)
    try:
        await import_directory(connection, app.vault, slug, _starting_point(name, profile), wall())
        await publish(connection, slug, profile_text(profile), "init", wall())
        token = await invite(connection, slug, admin, "administrator", wall())
        return f"{app.settings.base_url}/sign-in/once/{token}"
    finally:
        await connection.close()


async def import_file(folder: Path, file: Path, dry_run: bool) -> int:
    """Read a practice's file into the database. Raises DirectoryInvalid with every mistake, nothing written."""
    settings = read_settings(folder)
    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} can't be read: {error}") from None
    parsed = read_directory_file(text, str(file))
    if dry_run:
        typer.echo(f"{file}: no mistakes; {len(parsed.staff)} staff, {len(parsed.connections)} connections")
        return 0
    async with opened(folder) as app:
        connection = await as_owner(app.owner_dsn)
        try:
            done = await import_directory(connection, app.vault, settings.practice, parsed, app.clock.now())
            staying = await db.wirings(connection, done.practice_id)
        finally:
            await connection.close()
    typer.echo(
        f"directory version {done.directory_version}: {done.staff} staff, {done.connections} connections, "
        f"{done.patients} patients"
    )
    for wiring in staying:
        if wiring.connection_id not in parsed.connections:
            typer.echo(f"connection {wiring.connection_id} is not in the file and stays as it was")
    return 0


async def export(folder: Path, to: Path | None) -> int:
    """Write the directory as YAML."""
    async with opened(folder) as app:
        tenant = app.registry.by_slug(app.settings.practice)
        if tenant is None:
            raise WrongUse(f"nothing is imported yet: `caredispatch import {folder}`")
        connection = await as_owner(app.owner_dsn)
        try:
            wirings = await db.wirings(connection, tenant.practice.practice_id)
            leaves = await db.leaves_of(connection, tenant.practice.practice_id)
        finally:
            await connection.close()
        text = export_text(tenant.practice, tenant.policy.directory, wirings, leaves)
    if to is None:
        typer.echo(text, nl=False)
    else:
        to.write_text(text, "utf-8")
    return 0


async def invite_somebody(folder: Path, name: str, role: str | None) -> int:
    """Print a link that signs somebody in once. Raises WrongUse, HandleInvalid."""
    handle = handle_of(name)
    async with opened(folder) as app:
        tenant = app.registry.by_slug(app.settings.practice)
        if tenant is None:
            raise WrongUse(f"nothing is imported yet: `caredispatch import {folder}`")
        accounts = Accounts(app.owner_dsn)
        token = await accounts.invite(tenant.practice.practice_id, handle, _role_of(role), wall())
    typer.echo(f"{handle} signs in once, within a day, with\n  {app.settings.base_url}/sign-in/once/{token}")
    return 0


def _role_of(role: str | None) -> AccountRole | None:
    match role:
        case None | "administrator" | "coordinator":
            return role
        case _:
            raise WrongUse(f"no role {role!r}; there are: administrator, coordinator")


async def set_paused(folder: Path, paused: bool, everywhere: bool) -> int:
    """Hold or release all sending of the practice, or of every practice of the installation (D8)."""
    async with opened(folder) as app:
        tenant = app.registry.by_slug(app.settings.practice)
        if tenant is None:
            raise WrongUse(f"nothing is imported yet: `caredispatch import {folder}`")
        practice_id = None if everywhere else tenant.practice.practice_id
        await Sending(app.owner_dsn).pause(practice_id, paused=paused)
    whose = " everywhere" if everywhere else ""
    typer.echo(f"sending is paused{whose}" if paused else f"sending goes on{whose}")
    return 0
