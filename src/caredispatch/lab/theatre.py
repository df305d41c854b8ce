"""Putting the demo up: fresh practices in a database of their own, the outside world as a process, the server as
another. What is played is not decided here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from caredispatch.app.clock import wall
from caredispatch.app.composing import DATABASE, prepare_database, start_database
from caredispatch.app.directory_file import DirectoryFile
from caredispatch.app.setting_up import as_owner, import_directory, invite, practice_id_of, publish
from caredispatch.app.settings import FILE, Settings, read_key, write_key
from caredispatch.lab import meadow, scenery
from caredispatch.lab.conductor import Conductor
from caredispatch.lab.scenery import MONDAY, SLUG, world_seed
from caredispatch.lab.world.client import WorldClient
from caredispatch.store.practices import set_clock
from caredispatch.store.vault import MasterKey, Vault

START_SECONDS = 30.0


class DemoFailed(Exception):
    """A part of the demo did not come up."""


@dataclass(frozen=True, slots=True)
class House:
    """One practice of the demo: the type it is of, its file and its playbook."""

    slug: str
    profile: str
    practice_file: Callable[[str, int], DirectoryFile]
    playbook: Callable[[], str]

    @property
    def practice_id(self) -> str:
        """The practice's id."""
        return practice_id_of(self.slug)


RIVER = House(
    SLUG,
    "behavioral-health",
    lambda world, smtp: scenery.practice_file(world, smtp, waitlist=True),
    scenery.playbook_text,
)
MEADOW = House(meadow.SLUG, "home-health", lambda world, _: meadow.practice_file(world), meadow.playbook_text)
HOUSES = {house.profile: house for house in (RIVER, MEADOW)}


@dataclass
class Theatre:
    """Everything that a demo runs on. Links that sign in once: `sign_in` for the watcher, by profile, and
    `coordinators` for the scenes, by slug."""

    folder: Path
    key: MasterKey
    dsn: str
    url: str
    world: WorldClient
    connection: asyncpg.Connection[asyncpg.Record]
    conductor: Conductor
    server: Process
    sign_in: dict[str, str]
    coordinators: dict[str, str]


@asynccontextmanager
async def theatre(data: Path, *, speed: float, port: int) -> AsyncIterator[Theatre]:
    """Fresh practices in `data`, their outside world and their server, all running. Speed 0: stepped."""
    async with AsyncExitStack() as stack:
        port = _free_port(port)
        key = await asyncio.to_thread(_folder, data, port)
        settings = Settings(practice=SLUG, port=port)
        url = f"http://127.0.0.1:{port}"
        dsn = await _fresh_database(await stack.enter_async_context(_database(data, settings, key)), key)
        world, smtp = await stack.enter_async_context(_world(data, url, speed))
        (data / "playbook.yaml").write_text(RIVER.playbook(), "utf-8")
        connection = await as_owner(dsn)
        stack.push_async_callback(connection.close)
        await set_clock(connection, wall(), MONDAY, speed)
        sign_in, coordinators = {}, {}
        for house in HOUSES.values():
            await import_directory(connection, Vault(key), house.slug, house.practice_file(world.url, smtp), MONDAY)
            await publish(connection, house.slug, house.playbook(), "demo", MONDAY)
            once = f"{url}/sign-in/once/"
            sign_in[house.profile] = once + await invite(connection, house.slug, "dana", "administrator", wall())
            robot = await invite(connection, house.slug, "scripted-coordinator", "coordinator", wall())
            coordinators[house.slug] = once + robot
        await world.clock(MONDAY, speed)
        process = await stack.enter_async_context(serving(data, url))
        conductor = Conductor(connection, world, stepped=speed == 0)
        yield Theatre(data, key, dsn, url, world, connection, conductor, process, sign_in, coordinators)


@asynccontextmanager
async def _database(data: Path, settings: Settings, key: MasterKey) -> AsyncIterator[str]:
    """The database server's address. A start that is broken off is waited for: what it started is stopped too."""
    starting = asyncio.create_task(asyncio.to_thread(start_database, data, settings, key))
    try:
        yield (await asyncio.shield(starting))[0]
    finally:
        _, server = await starting
        if server is not None:
            await asyncio.to_thread(server.stop)


def _folder(data: Path, port: int) -> MasterKey:
    data.mkdir(parents=True, exist_ok=True)
    (data / FILE).write_text(f"practice: {SLUG}\nport: {port}\nlog: json\n", "utf-8")
    if not (data / "key").exists():
        return write_key(data)
    return read_key(data)


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            raise DemoFailed(f"port {wanted} is taken: end what uses it, or choose another with --port") from None
        return int(probe.getsockname()[1])


async def _fresh_database(dsn: str, key: MasterKey) -> str:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(f"drop database if exists {DATABASE} with (force)")
        made = await prepare_database(dsn, key)
        # Nobody needs a demo's data after a power cut, and waiting for the disk is most of the time it takes.
        await connection.execute(f"alter database {DATABASE} set synchronous_commit = off")
    finally:
        await connection.close()
    return made


@asynccontextmanager
async def _world(data: Path, product: str, speed: float) -> AsyncIterator[tuple[WorldClient, int]]:
    """The outside world as a process, ended with us."""
    config = data / "world.json"
    config.write_text(json.dumps(world_seed(MONDAY, speed, product)), "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "caredispatch.lab.world", "--config", str(config), stdout=PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise DemoFailed("the outside world did not start")
        ports = json.loads(line)
        async with WorldClient(f"http://127.0.0.1:{ports['http']}") as client:
            yield client, int(ports["smtp"])
    finally:
        await _end(process)


@asynccontextmanager
async def serving(data: Path, url: str) -> AsyncIterator[Process]:
    """`caredispatch serve` as a process, its log in the folder, ended with us."""
    with (data / "server.log").open("ab") as log:
        process = await start_server(data, log)
    try:
        await until_healthy(process, url)
        yield process
    finally:
        await _end(process)


async def start_server(data: Path, log: Any) -> Process:
    """Start `serve` on a folder, tied to us: it ends when we do, however we end."""
    command = (sys.executable, "-m", "caredispatch.cli", "serve", "--tied", str(data))
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=log, stderr=log, start_new_session=True)


async def until_healthy(process: Process, url: str) -> None:
    """Wait until the server answers. Raises DemoFailed."""
    begun = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as http:
        while time.monotonic() - begun < START_SECONDS:
            if process.returncode is not None:
                raise DemoFailed(
                    f"the server ended at once (exit {process.returncode}); its log is in the demo's folder"
                )
            try:
                if (await http.get(f"{url}/healthz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
    raise DemoFailed("the server did not answer")


async def _end(process: Process) -> None:
    if process.returncode is None:
        os.kill(process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(15):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
