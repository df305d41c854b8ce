"""Putting one practice's folder together: database, pools, vault, registry, engine. `opened` gives all of it back in
order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from caredispatch.app.clock import BusinessClock
from caredispatch.app.settings import Settings, SettingsInvalid, read_key, read_settings
from caredispatch.contract.links import SignedLinks
from caredispatch.engine.registry import Registry
from caredispatch.engine.worker import Engine
from caredispatch.policy.reader import read_playbook
from caredispatch.store import schema
from caredispatch.store.pools import Pools, open_pools
from caredispatch.store.server import EmbeddedServer, adopt_or_start
from caredispatch.store.vault import KeyInvalid, MasterKey, Vault

CANARY = b"caredispatch"
DATABASE = "caredispatch"
WAIT_REAL_SECONDS, WAIT_FAST_SECONDS = 0.25, 0.01


@dataclass(slots=True)
class App:
    """Everything of one folder, running."""

    folder: Path
    settings: Settings
    key: MasterKey
    vault: Vault
    owner_dsn: str
    pools: Pools
    clock: BusinessClock
    registry: Registry
    links: SignedLinks
    engine: Engine


def start_database(folder: Path, settings: Settings, key: MasterKey) -> tuple[str, EmbeddedServer | None]:
    """The owner's address of the database, and the embedded server if there is one. Blocking."""
    if settings.database != "embedded":
        return settings.database, None
    server = adopt_or_start(folder / "database", key.derive("database/owner").hex())
    return server.dsn(), server


@contextmanager
def told_as_setting() -> Iterator[None]:
    """Say of a database that can't be reached or used that it is the setting. Raises SettingsInvalid."""
    try:
        yield
    except asyncpg.InvalidPasswordError as error:
        raise SettingsInvalid(f"database: the user or password is refused: {error}") from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise SettingsInvalid(f"database: {error}: its owner needs CREATEROLE, for four users of our own") from None
    except schema.UsersTaken as error:
        raise SettingsInvalid(f"database: {error}") from None
    except OSError as error:
        said = str(error) or "no answer"
        raise SettingsInvalid(f"database: can't be reached: {said}; is PostgreSQL running there?") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError) as error:
        raise SettingsInvalid(f"database: can't be used or prepared: {' '.join(str(error).split())}") from None


async def reach_database(dsn: str) -> None:
    """Connect as the owner and leave. Raises SettingsInvalid."""
    with told_as_setting():
        await (await asyncpg.connect(dsn)).close()


async def prepare_database(dsn: str, key: MasterKey) -> str:
    """Make the database where it is missing (embedded only), migrate it, set the users' passwords, check the canary.
    Returns the address of the database. Raises KeyInvalid when the key is not the data's (E34)."""
    if dsn.endswith("/postgres"):
        connection = await asyncpg.connect(dsn)
        try:
            if not await connection.fetchval("select true from pg_database where datname = $1", DATABASE):
                await connection.execute(f"create database {DATABASE}")
        finally:
            await connection.close()
        dsn = f"{dsn.removesuffix('/postgres')}/{DATABASE}"
    await schema.migrate(dsn)
    await _check_canary(dsn, key)
    await schema.claim_users(dsn, f"caredispatch {key.derive('installation').hex()[:16]}")
    await schema.set_passwords(dsn, key.database_passwords())
    return dsn


async def _check_canary(dsn: str, key: MasterKey) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        body = await connection.fetchval("select body from vault.canary")
        if body is None:
            await connection.execute("insert into vault.canary (body) values ($1)", key.wrap(CANARY, "canary"))
        elif key.unwrap(body, "canary") != CANARY:
            raise KeyInvalid("the vault's canary is not what was written")
    finally:
        await connection.close()


async def _prepared(folder: Path, dsn: str, key: MasterKey, *, embedded: bool) -> str:
    if not embedded:
        await reach_database(dsn)
    with told_as_setting():
        try:
            return await prepare_database(dsn, key)
        except asyncpg.InvalidPasswordError:
            if not embedded:
                raise
            raise KeyInvalid(
                f"the key is not the one that {folder}/database was made with: restore your recovery copy"
            ) from None


@asynccontextmanager
async def opened(folder: Path, *, pool_size: int = 8, port: int | None = None) -> AsyncIterator[App]:
    """Open a practice's folder; `port` stands in for its setting. Raises SettingsInvalid, KeyInvalid,
    store.server.ServerError, store.schema.SchemaNewer."""
    settings = read_settings(folder)
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    key = read_key(folder)
    dsn, server = await asyncio.to_thread(start_database, folder, settings, key)
    try:
        dsn = await _prepared(folder, dsn, key, embedded=server is not None)
        pools = await open_pools(
            dsn, key.database_passwords(), size=pool_size, statement_cache=settings.statement_cache
        )
        try:
            clock = BusinessClock(pools.intake)
            await clock.refresh()
            vault = Vault(key)
            registry = Registry(pools, vault, read_playbook, clock)
            await registry.refresh()
            links = SignedLinks(key.derive("links"), settings.base_url)
            wait = WAIT_REAL_SECONDS if clock.speed == 1.0 else WAIT_FAST_SECONDS
            engine = Engine(registry, links, settings.base_url, wait_seconds=wait)
            yield App(folder, settings, key, vault, dsn, pools, clock, registry, links, engine)
            await registry.close()
        finally:
            await pools.close()
    finally:
        if server is not None:
            await asyncio.to_thread(server.stop)
