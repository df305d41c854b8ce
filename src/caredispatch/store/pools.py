"""Connections to PostgreSQL: one pool for each of the four users, uuids as text, JSON as values. No session state is
kept on a pooled connection (E27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg
import orjson

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"


def _json_in(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


async def prepare(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """Teach one new connection the types that we use."""
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=_json_in, decoder=orjson.loads, format="text"
        )


async def _given_back(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """No session state is ever made (E27), so there is none to reset with a round trip; only an open transaction is
    ended."""
    if connection.is_in_transaction():
        await connection.execute("rollback")


@dataclass(frozen=True, slots=True)
class Pools:
    """The four pools (E25). `decide` and `web` can't read the vault; `reveal` is for the deliverer and the page that
    shows identity; `intake` writes the vault and looks up by keyed hash."""

    intake: asyncpg.Pool[asyncpg.Record]
    decide: asyncpg.Pool[asyncpg.Record]
    reveal: asyncpg.Pool[asyncpg.Record]
    web: asyncpg.Pool[asyncpg.Record]

    async def close(self) -> None:
        """Give all connections back."""
        for pool in (self.intake, self.decide, self.reveal, self.web):
            await pool.close()


def as_user(dsn: str, user: str, password: str) -> str:
    """The same database under another user."""
    parts = urlsplit(dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user)}:{quote(password)}@{host}"))


async def open_pools(dsn: str, passwords: dict[str, str], *, size: int = 8, statement_cache: int = 256) -> Pools:
    """Open the four pools with at most `size` connections each. `statement_cache=0` behind a transaction pooler."""

    async def pool(user: str) -> asyncpg.Pool[asyncpg.Record]:
        return await asyncpg.create_pool(
            as_user(dsn, f"caredispatch_{user}", passwords[user]),
            min_size=1,
            max_size=size,
            init=prepare,
            reset=_given_back,
            statement_cache_size=statement_cache,
        )

    return Pools(await pool("intake"), await pool("decide"), await pool("reveal"), await pool("web"))
