"""`caredispatch demo`: a fresh practice, the outside world as a process of its own, the server as another, and the
scenes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from caredispatch.app.clock import wall
from caredispatch.app.composing import DATABASE, prepare_database, start_database
from caredispatch.app.loop import run
from caredispatch.app.setting_up import as_owner, import_directory, invite, practice_id_of, publish
from caredispatch.app.settings import FILE, Settings, read_key, write_key
from caredispatch.lab.browser import Browser, PageFailed
from caredispatch.lab.conductor import Conductor, Stuck
from caredispatch.lab.judging import judge, metrics
from caredispatch.lab.scenery import MONDAY, SLUG, practice_file, world_seed
from caredispatch.lab.scenes import SCENES, Player, SceneFailed
from caredispatch.lab.world.client import WorldClient
from caredispatch.policy.profiles import profile_text
from caredispatch.store.practices import set_clock
from caredispatch.store.vault import MasterKey, Vault

START_SECONDS = 30.0


class DemoFailed(Exception):
    """A part of the demo did not come up."""


@dataclass
class Theatre:
    """Everything that a demo runs on."""

    folder: Path
    key: MasterKey
    dsn: str
    url: str
    world: WorldClient
    connection: asyncpg.Connection[asyncpg.Record]
    conductor: Conductor
    server: Process
    sign_in: str
    coordinator: str


def run_demo(data: Path, *, once: bool, scenes: Sequence[str], speed: float, port: int, as_json: bool) -> int:
    """Play the demo; the exit code. Raises DemoFailed, and what opening a practice's folder raises."""
    unknown = [name for name in scenes if name not in SCENES]
    if unknown:
        print(f"no scene {unknown[0]!r}; there are: {', '.join(SCENES)}", file=sys.stderr)
        return 2
    try:
        return run(_demo(data, once, list(scenes) or list(SCENES), 0.0 if once else speed, port, as_json))
    except DemoFailed as error:
        print(f"caredispatch demo: {error}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 0


async def _demo(data: Path, once: bool, names: list[str], speed: float, port: int, as_json: bool) -> int:
    out = sys.stderr if as_json else sys.stdout
    _end_when_signalled()

    def narrate(when: str, what: str) -> None:
        print(f"  {when}  {what}", file=out, flush=True)

    async with theatre(data, speed=speed, port=0 if once and port == 8321 else port) as stage:
        if not once:
            print(f"\ncaredispatch is at {stage.url}/\nsign in once with {stage.sign_in}\n", file=out, flush=True)
        result = await play(stage, names, narrate, out)
        if as_json:
            print(json.dumps(result, indent=2))
        else:
            _summary(result)
        broken = [name for name, held in result["promises"].items() if held is not True]
        failed = [s for s in result["scenes"] if s["outcome"] == "failed"]
        if once:
            return 1 if broken or failed else 0
        print("\nThe practice stays open; Ctrl-C ends it.", file=out, flush=True)
        code = await stage.server.wait()
    raise DemoFailed(f"the server ended (exit {code}); its log is {data / 'server.log'}")


def _end_when_signalled() -> None:
    """Let Ctrl-C end the demo also where it was started with the signal ignored, as a shell script does in the
    background. Pressed again, it does not break off the clearing up."""
    task = asyncio.current_task()
    assert task is not None

    def end() -> None:
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)


def _summary(result: dict[str, Any]) -> None:
    print("\nPromises, judged from what the outside world saw and from the database:")
    for name, held in result["promises"].items():
        print(f"  {'held  ' if held is True else 'BROKEN'}  {name}{'' if held is True else ': ' + str(held)}")


async def play(stage: Theatre, names: list[str], narrate: Any, out: Any) -> dict[str, Any]:
    """Play scenes one after another and judge; the object that `--json` prints."""
    browser = Browser(stage.url)
    results = []
    try:
        try:
            await browser.sign_in(stage.coordinator.removeprefix(stage.url))
        except PageFailed as error:
            raise DemoFailed(f"the scripted coordinator could not sign in: {error}") from None
        for name in names:
            print(f"\n{name}", file=out, flush=True)
            results.append(await _scene(stage, browser, name, narrate))
    finally:
        await browser.close()
    await stage.conductor.settle()
    promises = await judge(stage.connection, stage.world, stage.key, stage.folder, practice_id_of(SLUG))
    return {"scenes": results, "promises": promises, "metrics": await metrics(stage.connection)}


async def _scene(stage: Theatre, browser: Browser, name: str, narrate: Any) -> dict[str, Any]:
    player = Player(stage.connection, stage.world, stage.conductor, browser, narrate)
    player.begun = begun = await stage.conductor.now()
    started = time.monotonic()
    try:
        outcome = await SCENES[name](player)
    except (SceneFailed, Stuck, PageFailed) as error:
        await player.say(f"FAILED: {error}")
        outcome = "failed"
    simulated = (await stage.conductor.now() - begun).total_seconds()
    taken = time.monotonic() - started
    narrate("       ", f"({outcome}; {simulated:.0f} s simulated, {taken:.1f} s by the wall)")
    return {
        "name": name,
        "outcome": outcome,
        "simulated_s": round(simulated, 1),
        "wall_s": round(taken, 2),
        "steps": player.steps,
    }


# ------------------------------------------------------------------ putting it up


@asynccontextmanager
async def theatre(data: Path, *, speed: float, port: int, profile: str = "behavioral-health") -> AsyncIterator[Theatre]:
    """A fresh practice in `data`, its outside world and its server, all running. Speed 0: stepped."""
    async with AsyncExitStack() as stack:
        port = _free_port(port)
        key = await asyncio.to_thread(_folder, data, port)
        settings = Settings(practice=SLUG, port=port)
        dsn = await _fresh_database(await stack.enter_async_context(_database(data, settings, key)), key)
        url = f"http://127.0.0.1:{port}"
        (data / "playbook.yaml").write_text(profile_text(profile), "utf-8")
        world, smtp = await stack.enter_async_context(_world(data, url, speed))
        connection = await as_owner(dsn)
        stack.push_async_callback(connection.close)
        await set_clock(connection, wall(), MONDAY, speed)
        await import_directory(connection, Vault(key), SLUG, practice_file(world.url, smtp), MONDAY)
        await publish(connection, SLUG, profile_text(profile), "demo", MONDAY)
        admin = await invite(connection, SLUG, "dana", "administrator", wall())
        robot = await invite(connection, SLUG, "scripted-coordinator", "coordinator", wall())
        await world.clock(MONDAY, speed)
        process = await stack.enter_async_context(serving(data, url))
        conductor = Conductor(connection, world, stepped=speed == 0)
        once = f"{url}/sign-in/once/"
        yield Theatre(data, key, dsn, url, world, connection, conductor, process, once + admin, once + robot)


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
    finally:
        await connection.close()
    return await prepare_database(dsn, key)


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
