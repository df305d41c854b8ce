"""The README's promise: one command plays the worked example, and every promise holds."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from caredispatch.lab import demo
from caredispatch.lab.browser import Browser
from caredispatch.lab.conductor import Conductor
from caredispatch.lab.scenes import SCENES, Player
from caredispatch.lab.theatre import Theatre
from tests.lab.conftest import stopped_wall

PROMISES = {
    "nothing_lost",
    "no_double_booking",
    "no_case_waits",
    "nothing_after_yes",
    "delivered_or_visible",
    "explained",
    "deterministic",
    "no_identity_outside",
    "left_alone",
    "time_right",
}


def test_the_demo_plays_and_keeps_every_promise(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "caredispatch.cli", "demo", "--data", str(tmp_path / "demo"), "--once", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    said = json.loads(ended.stdout)
    assert {name: held for name, held in said["promises"].items() if held is not True} == {}
    assert set(said["promises"]) == PROMISES
    assert [(scene["name"], scene["outcome"]) for scene in said["scenes"]] == [
        ("booking", "settled"),
        ("conflict", "settled"),
        ("conflict-refused", "exception"),
        ("unsolvable", "exception"),
        ("late-cancellation", "settled"),
        ("no-show", "settled"),
        ("add-on", "settled"),
        ("request", "settled"),
        ("provider-ill", "exception"),
        ("series", "settled"),
        ("closure", "settled"),
        ("group", "settled"),
        ("home-health", "settled"),
        ("flood", "exception"),
        ("half-way", "exception"),
    ]


def started(folder: Path) -> subprocess.Popen[str]:
    """The demo as a shell script starts it in the background: with SIGINT ignored."""
    options = ("--data", str(folder), "--speed", "600", "--port", "0", "--scene", "booking")
    ignoring = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    )
    command = [sys.executable, "-c", ignoring, sys.executable, "-m", "caredispatch.cli", "demo", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def processes_of(folder: Path) -> list[str]:
    """The commands that name the folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if str(folder) in command]


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
def test_a_signal_ends_the_demo_at_any_time_and_leaves_no_process(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for open_already in (False, True):  # while the database is made; when the practice is open
        playing = started(folder)
        try:
            assert playing.stdout is not None
            while not (folder / "database").exists():
                time.sleep(0.05)
            assert not open_already or any("Ctrl-C ends it" in line for line in playing.stdout)
            playing.send_signal(signal.SIGINT)
            rest, _ = playing.communicate(timeout=30)
        finally:
            playing.kill()
        assert (playing.returncode, "Traceback" in rest) == (0, False), rest
        assert processes_of(folder) == []


async def test_a_page_that_fails_fails_its_scene_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async def scene(player: Player) -> str:
        await player.browser.act("/?e=1", "cancel")
        return "settled"

    async def now() -> Any:
        return stopped_wall()

    monkeypatch.setitem(SCENES, "broken", scene)
    stage: Any = SimpleNamespace(connection=None, world=None, conductor=SimpleNamespace(now=now))
    said: list[str] = []
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    browser = Browser(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    for why in ("was answered with 500", "got no answer (ConnectError)"):
        result = await demo._scene(cast(Theatre, stage), browser, "broken", lambda _, what: said.append(what))
        assert result["outcome"] == "failed"
        assert said[-2] == f"FAILED: GET / {why}"
        server.close()
        await server.wait_closed()
    await browser.close()


async def test_at_any_speed_the_machine_has_time_to_do_what_a_scene_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    conductor = Conductor(cast(Any, None), cast(Any, None), stepped=False)
    hours = iter(range(100))
    looks = iter((False, False, True))

    async def now() -> Any:
        return stopped_wall() + timedelta(hours=next(hours))

    async def look() -> bool:
        return next(looks)

    monkeypatch.setattr(conductor, "now", now)
    assert await conductor.until(look, timedelta(minutes=10))
