"""The database's shape: migrations up to this code's version, a refusal of anything newer, and the four users with
passwords derived from the practice's key (E25)."""

from __future__ import annotations

from importlib.resources import files

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

USERS = ("intake", "decide", "reveal", "web")


class SchemaNewer(Exception):
    """The database was written by a newer version of the code."""


def _script() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(files("caredispatch.store").joinpath("migrations")))
    return ScriptDirectory.from_config(config)


def _upgrade(connection: Connection) -> None:
    script = _script()
    config = Config()
    config.attributes["connection"] = connection
    config.set_main_option("script_location", str(script.dir))
    known = {revision.revision for revision in script.walk_revisions()}

    def steps(current: object, _context: object) -> object:
        there = set(current) if isinstance(current, tuple | list) else {current} if current else set()
        if newer := there - known:
            raise SchemaNewer(
                f"the database is at version {', '.join(sorted(map(str, newer)))}, which this code does not know: "
                "install the version that wrote it, or a newer one"
            )
        return script._upgrade_revs("head", current)  # type: ignore[arg-type]  # alembic's own calling convention

    with EnvironmentContext(config, script, fn=steps, destination_rev="head"):
        script.run_env()


async def migrate(dsn: str) -> None:
    """Bring the database to this code's version, as its owner. Safe to run again. Raises SchemaNewer."""
    # The driver reads the address itself: SQLAlchemy would take `?sslmode=` for an argument of its own.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("select pg_advisory_xact_lock(8321)")
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


class UsersTaken(Exception):
    """The four users of this PostgreSQL server are those of another installation."""


async def claim_users(dsn: str, mark: str) -> None:
    """Mark the four users as ours, or find that they are. Users belong to the whole server, their passwords to a key: a
    second installation would lock the first out. `mark` names the key without telling it. Raises UsersTaken."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("select pg_advisory_xact_lock(8322)")
            for user in USERS:
                name = f"caredispatch_{user}"
                found = await connection.fetchval("select shobj_description($1::text::regrole, 'pg_authid')", name)
                if found is not None and found != mark:
                    raise UsersTaken(
                        f"another installation uses this PostgreSQL server (its user {name} belongs to another key): "
                        "use a server of its own, or drop the four caredispatch_ users if that one is gone"
                    )
                if found is None:
                    await connection.execute(f"comment on role {name} is '{mark}'")
    finally:
        await connection.close()


async def set_passwords(dsn: str, passwords: dict[str, str]) -> None:
    """Give the four users their passwords (user name without prefix -> password)."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            # Roles belong to the whole server: two starters must not alter one at the same time.
            await connection.execute("select pg_advisory_xact_lock(8322)")
            for user in USERS:
                quoted = await connection.fetchval(
                    "select format('alter role %I password %L', $1::text, $2::text)",
                    f"caredispatch_{user}",
                    passwords[user],
                )
                await connection.execute(quoted)
    finally:
        await connection.close()
