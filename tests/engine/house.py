"""A practice on a real PostgreSQL and a real outside world on loopback; loops are turned by hand, time is stepped."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson

from caredispatch.app.composing import App, prepare_database
from caredispatch.app.serving import Finds, Reports, Submits, Tenants
from caredispatch.app.setting_up import as_owner, import_directory, practice_id_of, publish
from caredispatch.app.settings import Settings
from caredispatch.contract.links import SignedLinks
from caredispatch.engine.registry import Registry
from caredispatch.engine.worker import Engine
from caredispatch.lab.scenery import CLIENTS, MONDAY, SLUG, Client, Therapist, practice_file, therapist, world_seed
from caredispatch.lab.world.client import WorldClient
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.serving import serving
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.store import schema
from caredispatch.store.pools import Pools, open_pools
from caredispatch.store.server import EmbeddedServer
from caredispatch.store.vault import MasterKey, Vault
from caredispatch.web import create_web
from caredispatch.web.services import WebServices

KEY = MasterKey(bytes(range(32)))
SECRET = base64.b64encode(b"a made-up secret for the tests!!").decode()
URL = "http://product.test"
PRACTICE = practice_id_of(SLUG)


class Clock:
    """Both clocks, stepped."""

    def __init__(self) -> None:
        self.at = MONDAY
        self.wall_at = MONDAY
        self.off = timedelta()

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.wall_at

    @property
    def speed(self) -> float:
        return 1.0

    async def refresh(self) -> None:
        pass

    async def off_by(self) -> timedelta:
        return self.off


class _Nobody:
    async def reveal(self, practice_id: str, account: object, appointment_id: str) -> None:
        return None


@dataclass
class House:
    """What a test touches. `http` reaches the pages and hooks in process."""

    pools: Pools
    owner: asyncpg.Connection[asyncpg.Record]
    clock: Clock
    vault: Vault
    registry: Registry
    engine: Engine
    http: httpx.AsyncClient
    world: WorldClient
    dsn: str

    async def work(self, engine: Engine | None = None) -> None:
        """Turn every loop until none has anything to do at this instant."""
        engine = engine or self.engine
        while await engine.noticer.turn() + await engine.decider.turn() + await engine.deliverer.turn():
            await engine.settled()

    async def play(self, **span: float) -> None:
        """Let business time pass in both worlds, a few steps at a time."""
        end = self.clock.at + timedelta(**span)
        while self.clock.at < end:
            self.clock.at = min(end, self.clock.at + timedelta(seconds=5))
            await self.world.run(self.clock.at)
            await self.work()

    async def push(
        self,
        data: dict[str, Any] | bytes,
        *,
        delivery: str = "d-1",
        secret: str = SECRET,
        age: timedelta = timedelta(),
    ) -> httpx.Response:
        """One signed webhook of the front desk's system."""
        body = data if isinstance(data, bytes) else orjson.dumps({"type": "appointment.seen", "data": data})
        at = str(int((self.clock.wall_at - age).timestamp()))
        signed = hmac.new(base64.b64decode(secret), f"{delivery}.{at}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "webhook-id": delivery,
            "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(signed).decode(),
        }
        return await self.http.post(f"/hooks/{SLUG}/desk", content=body, headers=headers)

    async def row(self, query: str, *values: Any) -> asyncpg.Record:
        """The one row of a query, as the database's owner."""
        found = await self.owner.fetchrow(query, *values)
        assert found is not None, f"no row: {query}"
        return found

    async def count(self, table: str, where: str = "true") -> int:
        return int(await self.owner.fetchval(f"select count(*) from care.{table} where {where}"))

    async def exceptions(self) -> list[tuple[str, dict[str, str]]]:
        rows = await self.owner.fetch(
            "select kind, detail from care.exceptions where kind <> 'call' order by raised_at"
        )
        return [(row[0], row[1]) for row in rows]

    async def texts(self) -> list[dict[str, Any]]:
        """What the carrier took."""
        return [entry for entry in await self.world.log() if entry["kind"] == "text"]

    def second(self) -> Engine:
        """One more engine on the same database."""
        return Engine(self.registry, self.engine.deliverer.links, URL, wait_seconds=0.01)


def visit(
    number: int = 1, *, who: str = "t-1", client: Client = CLIENTS[0], version: int = 1, **more: Any
) -> dict[str, Any]:
    """One appointment as the front desk's system holds it; each number has an hour of its own."""
    start = MONDAY.replace(minute=0) + timedelta(days=2 + number // 6, hours=number % 6)
    return {
        "external_id": f"X-{number}",
        "version": version,
        "start_at": start.isoformat(),
        "end_at": (start + timedelta(minutes=50)).isoformat(),
        "status": "booked",
        "service": "therapy",
        "location": "north",
        "modality": "in_person",
        "actors": {"provider": who},
        "patient": {"external_id": client.fhir_id, "given": client.given, "family": client.family,
                    "phone": client.phone},
        **more,
    }  # fmt: skip


def _calendar(number: int) -> str:
    return f"t-{number}"


def practice(world: str, smtp: int, therapists: tuple[Therapist, ...], **desk: Any) -> Any:
    """The demo's practice, with a front desk's system that pushes signed webhooks."""
    parsed = practice_file(world, smtp).model_dump(by_alias=True)
    parsed["connections"]["ehr"]["calendar"] = False
    parsed["connections"]["ehr"]["creates"] = False
    parsed["connections"]["ehr"]["poll"] = False
    parsed["connections"]["ehr"]["first_load"] = False
    parsed["connections"]["acuity"]["poll"] = False
    parsed["connections"]["desk"] = {
        "connector": "webhook",
        "secrets": {"secret": f"whsec_{SECRET}"},
        "baa": "signed",
        "owns": ["time", "provider", "status"],
        "writes": False,
        "map": {
            "service": {"therapy": "therapy-50"},
            "actor": {_calendar(t.number): t.handle for t in therapists},
            "location": {"north": "North"},
        },
        **desk,
    }
    return type(practice_file(world, smtp)).model_validate(parsed)


async def _database(pg: EmbeddedServer, name: str) -> str:
    """A database of its own, copied from one that is migrated once."""
    admin = await asyncpg.connect(pg.dsn())
    try:
        if not await admin.fetchval("select true from pg_database where datname = 'house_template'"):
            await admin.execute("create database house_template")
            await prepare_database(pg.dsn("house_template"), KEY)
        await admin.execute(f"drop database if exists {name} with (force)")
        await admin.execute(f"create database {name} template house_template")
    finally:
        await admin.close()
    await schema.set_passwords(pg.dsn(name), KEY.database_passwords())
    return pg.dsn(name)


@asynccontextmanager
async def house_on(pg: EmbeddedServer, name: str, *, statement_cache: int = 256, **desk: Any) -> AsyncIterator[House]:
    """A fresh house; `desk` overrides the front desk's connection."""
    dsn = await _database(pg, name)
    clock, vault = Clock(), Vault(KEY)
    seed = Seed.model_validate(world_seed(MONDAY, 0, URL))
    async with serving(seed, clock.wall) as ports, WorldClient(ports.url) as world:
        owner = await as_owner(dsn)
        people = tuple(therapist(h) for h in ("Ana", "Ben", "Cleo", "Elif", "Finn"))
        await import_directory(owner, vault, SLUG, practice(ports.url, ports.smtp, people, **desk), MONDAY)
        await publish(owner, SLUG, profile_text("behavioral-health"), "test", MONDAY)
        pools = await open_pools(dsn, KEY.database_passwords(), size=6, statement_cache=statement_cache)
        registry = Registry(pools, vault, read_playbook, clock)
        await registry.refresh()
        links = SignedLinks(KEY.derive("links"), URL)
        engine = Engine(registry, links, URL, wait_seconds=0.01)
        settings = Settings(practice=SLUG, database=dsn, public_url=URL)
        app = App(Path(), settings, KEY, vault, dsn, pools, clock, registry, links, engine)  # type: ignore[arg-type]  # a stepped clock
        services = WebServices(
            pools.web,
            clock,
            Tenants(app),
            engine.receiver,
            Submits(app),
            _Nobody(),
            Reports(app),
            links,
            URL,
            False,
            finds=Finds(app),
        )
        transport = httpx.ASGITransport(app=create_web(services), client=("127.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=URL) as http:
            yield House(pools, owner, clock, vault, registry, engine, http, world, dsn)
        await asyncio.sleep(0)
        await registry.close()
        await pools.close()
        await owner.close()
