"""The README's promise: one command plays the worked example, and every promise holds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
