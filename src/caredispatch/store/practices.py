"""What is set up rather than happening: practices, directories, playbooks, connections and their mappings. Written as
the database's owner by `init` and `import`, read by everyone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from pydantic import TypeAdapter

from caredispatch.core.facts import Directory
from caredispatch.core.ids import make_id
from caredispatch.store.pools import Connection
from caredispatch.store.rows import canonical
from caredispatch.store.vault import Vault

_DIRECTORY: TypeAdapter[Directory] = TypeAdapter(Directory)


@dataclass(frozen=True, slots=True)
class Practice:
    """One tenant."""

    practice_id: str
    slug: str
    name: str
    time_zone: str
    directory_version: int
    playbook_version: int
    sending_paused: bool


@dataclass(frozen=True, slots=True)
class Wiring:
    """One connection as configured. Secrets are in the vault and never shown. `consent` says where and in which words
    the patients that it brings agreed to automated texts (D21)."""

    practice_id: str
    connection_id: str
    connector: str
    settings: dict[str, str]
    baa: str
    owns: tuple[str, ...]
    writes: bool
    creates: bool
    calendar: bool
    loaded: bool
    paused: bool
    burst_floor: int
    cursor: str | None
    poll_at: datetime | None
    consent: str | None = None
    mappings: dict[str, dict[str, str]] = field(default_factory=dict)

    def ours(self, kind: str, external_id: str) -> str | None:
        """Our id of one of theirs."""
        return self.mappings.get(kind, {}).get(external_id)

    def all_theirs(self, kind: str, internal_ids: Collection[str]) -> dict[str, str]:
        """Their ids of some of ours, each with ours: somebody may have several calendars there."""
        return {e: i for e, i in self.mappings.get(kind, {}).items() if i in internal_ids}

    def theirs(self, kind: str, internal_id: str) -> str | None:
        """Their id of one of ours."""
        return next((e for e, i in self.mappings.get(kind, {}).items() if i == internal_id), None)


_PRACTICES = """
select practice_id, slug, name, time_zone, directory_version, playbook_version, sending_paused
  from care.practices order by slug
"""


async def practices(connection: Connection) -> list[Practice]:
    """All practices of this database."""
    return [Practice(*row) for row in await connection.fetch(_PRACTICES)]


async def wirings(connection: Connection, practice_id: str) -> list[Wiring]:
    """All connections of a practice, with their mappings."""
    maps: dict[str, dict[str, dict[str, str]]] = {}
    for row in await connection.fetch(
        "select connection_id, kind, external_id, internal_id from care.mappings where practice_id = $1", practice_id
    ):
        maps.setdefault(row[0], {}).setdefault(row[1], {})[row[2]] = row[3]
    rows = await connection.fetch(
        "select practice_id, connection_id, connector, settings, baa, owns, writes, creates, calendar, loaded, paused, "
        "consent, burst_floor, cursor, poll_at from care.connections where practice_id = $1 order by connection_id",
        practice_id,
    )
    return [
        Wiring(**{**dict(row), "owns": tuple(row["owns"])}, mappings=maps.get(row["connection_id"], {})) for row in rows
    ]


async def connection_secrets(
    connection: Connection, vault: Vault, practice_id: str, connection_id: str
) -> dict[str, str]:
    """The secret settings of a connection. Under `caredispatch_intake` or `caredispatch_reveal`."""
    body = await connection.fetchval(
        "select body from vault.secrets where practice_id = $1 and connection_id = $2", practice_id, connection_id
    )
    if body is None:
        return {}
    key = await vault.practice_key(connection, practice_id)
    found: dict[str, str] = orjson.loads(vault.unseal(key, f"secrets/{connection_id}", body))
    return found


async def put_secrets(
    connection: Connection, vault: Vault, practice_id: str, connection_id: str, values: dict[str, str]
) -> None:
    """Keep the secret settings of a connection (as the owner)."""
    key = await vault.practice_key(connection, practice_id)
    await connection.execute(
        "insert into vault.secrets (practice_id, connection_id, body) values ($1, $2, $3) "
        "on conflict (practice_id, connection_id) do update set body = excluded.body",
        practice_id,
        connection_id,
        vault.seal(key, f"secrets/{connection_id}", values),
    )


async def put_practice(connection: Connection, practice: Practice, now: datetime) -> None:
    """Make or rename a practice (as the owner)."""
    await connection.execute(
        "insert into care.practices (practice_id, slug, name, time_zone, created_at) values ($1, $2, $3, $4, $5) "
        "on conflict (practice_id) do update set name = excluded.name, slug = excluded.slug, time_zone = "
        "excluded.time_zone",
        practice.practice_id,
        practice.slug,
        practice.name,
        practice.time_zone,
        now,
    )


async def put_wiring(connection: Connection, wiring: Wiring) -> None:
    """Make or change a connection and its mappings (as the owner)."""
    await connection.execute(
        "insert into care.connections (practice_id, connection_id, connector, settings, baa, owns, writes, creates, "
        "calendar, loaded, burst_floor, poll_at, consent) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) "
        "on conflict (practice_id, connection_id) do update set connector = excluded.connector, "
        "settings = excluded.settings, baa = excluded.baa, owns = excluded.owns, writes = excluded.writes, "
        "creates = excluded.creates, calendar = excluded.calendar, burst_floor = excluded.burst_floor, "
        "consent = excluded.consent, "
        "poll_at = case when excluded.poll_at is null then null else coalesce(care.connections.poll_at, "
        "excluded.poll_at) end",
        wiring.practice_id,
        wiring.connection_id,
        wiring.connector,
        wiring.settings,
        wiring.baa,
        list(wiring.owns),
        wiring.writes,
        wiring.creates,
        wiring.calendar,
        wiring.loaded,
        wiring.burst_floor,
        wiring.poll_at,
        wiring.consent,
    )
    await connection.execute(
        "delete from care.mappings where practice_id = $1 and connection_id = $2",
        wiring.practice_id,
        wiring.connection_id,
    )
    rows = [(kind, e, i) for kind, pairs in sorted(wiring.mappings.items()) for e, i in sorted(pairs.items())]
    await connection.execute(
        "insert into care.mappings (practice_id, connection_id, kind, external_id, internal_id) "
        "select $1, $2, k, e, i from unnest($3::text[], $4::text[], $5::text[]) as t(k, e, i)",
        wiring.practice_id,
        wiring.connection_id,
        [r[0] for r in rows],
        [r[1] for r in rows],
        [r[2] for r in rows],
    )


async def put_directory(connection: Connection, directory: Directory, now: datetime) -> None:
    """Write a new version of the directory and make it current (as the owner)."""
    await connection.execute(
        "insert into care.directories (practice_id, version, body, written_at) values ($1, $2, $3, $4)",
        directory.practice_id,
        directory.version,
        directory,
        now,
    )
    await connection.execute(
        "update care.practices set directory_version = $2 where practice_id = $1",
        directory.practice_id,
        directory.version,
    )


async def directory_of(connection: Connection, practice_id: str, version: int) -> Directory | None:
    """One version of a practice's directory."""
    body = await connection.fetchval(
        "select body from care.directories where practice_id = $1 and version = $2", practice_id, version
    )
    return _DIRECTORY.validate_json(canonical(body)) if body is not None else None


async def directories_of(connection: Connection, practice_id: str, since: datetime) -> list[tuple[datetime, Directory]]:
    """The versions of a practice's directory that counted at an instant or later, each with from when: in order. Where
    there was none yet, the first."""
    rows = await connection.fetch(
        "select written_at, body from care.directories where practice_id = $1 and version >= coalesce((select "
        "max(version) from care.directories where practice_id = $1 and written_at <= $2), 0) order by version",
        practice_id,
        since,
    )
    return [(row[0], _DIRECTORY.validate_json(canonical(row[1]))) for row in rows]


async def publish_playbook(
    connection: Connection, practice_id: str, source: str, author: str, reason: str, now: datetime
) -> int:
    """Keep a playbook as the next immutable version and make it current (as the owner)."""
    version = int(
        await connection.fetchval(
            "insert into care.playbooks (practice_id, version, source, author, reason, published_at) "
            "select $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 from care.playbooks where practice_id = $1 "
            "returning version",
            practice_id,
            source,
            author,
            reason,
            now,
        )
    )
    await connection.execute(
        "update care.practices set playbook_version = $2 where practice_id = $1", practice_id, version
    )
    return version


async def published(connection: Connection, practice_id: str) -> list[tuple[datetime, str]]:
    """Every playbook that was published, with from when it counted: its YAML, in order."""
    rows = await connection.fetch(
        "select published_at, source from care.playbooks where practice_id = $1 order by version", practice_id
    )
    return [(row[0], row[1]) for row in rows]


async def playbook_source(connection: Connection, practice_id: str, version: int) -> str | None:
    """The YAML of one published version."""
    source: str | None = await connection.fetchval(
        "select source from care.playbooks where practice_id = $1 and version = $2", practice_id, version
    )
    return source


_OF_THE_FILE = """practice_id = $1 and kind = 'leave' and not exists (
    select from care.incidents i where i.practice_id = $1 and i.incident_id = block_id)"""


async def put_leaves(
    connection: Connection, practice_id: str, leaves: Sequence[tuple[str, datetime, datetime]], now: datetime
) -> None:
    """Make everybody's leave (staff, from, to) that of a practice's file (as the owner), known from when it first stood
    there (D39); who called in sick stays away."""
    ids = [make_id("leave", *leave) for leave in leaves]
    await connection.execute(
        f"delete from care.busy_blocks where {_OF_THE_FILE} and block_id <> all($2)",  # noqa: S608 our own words
        practice_id,
        ids,
    )
    await connection.execute(
        "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind, known_at) "
        "select $1, b, s, f, t, 'leave', $6 from unnest($2::uuid[], $3::uuid[], $4::timestamptz[], $5::timestamptz[]) "
        "as r(b, s, f, t) on conflict do nothing",
        practice_id,
        ids,
        [leave[0] for leave in leaves],
        [leave[1] for leave in leaves],
        [leave[2] for leave in leaves],
        now,
    )


async def leaves_of(connection: Connection, practice_id: str) -> list[tuple[str, datetime, datetime]]:
    """Everybody's leave as a practice's file has it: (staff, from, to)."""
    rows = await connection.fetch(
        f"select resource_id, start_at, end_at from care.busy_blocks where {_OF_THE_FILE} "  # noqa: S608 our own words
        "order by resource_id, start_at",
        practice_id,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def set_clock(connection: Connection, wall0: datetime, sim0: datetime, speed: float) -> None:
    """Set the business clock that all processes read (E22)."""
    await connection.execute(
        "insert into care.clock (wall0, sim0, speed) values ($1, $2, $3) "
        "on conflict (only_row) do update set wall0 = excluded.wall0, sim0 = excluded.sim0, speed = excluded.speed",
        wall0,
        sim0,
        speed,
    )


async def clock_row(connection: Connection) -> tuple[datetime, datetime, float] | None:
    """The business clock's row: wall0, sim0, speed."""
    row = await connection.fetchrow("select wall0, sim0, speed from care.clock")
    return (row[0], row[1], row[2]) if row else None


def jsonable(value: Any) -> Any:
    """A value as plain JSON types (for `export` and `--json`)."""
    return orjson.loads(canonical(value))
