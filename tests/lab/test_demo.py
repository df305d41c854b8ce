"""The README's promise: one command plays the worked example, and every promise holds."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

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
    for seconds in (0.7, None):  # while the database is made; when the practice is open
        playing = started(folder)
        assert playing.stdout is not None
        if seconds is None:
            assert any("Ctrl-C ends it" in line for line in playing.stdout)
        else:
            time.sleep(seconds)
        playing.send_signal(signal.SIGINT)
        rest, _ = playing.communicate(timeout=30)
        assert (playing.returncode, "Traceback" in rest) == (0, False), rest
        assert processes_of(folder) == []
