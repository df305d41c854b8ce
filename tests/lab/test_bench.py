"""The bench runs to its end in its short version and writes every figure that it promises; how large they are is its
report's business."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

FIGURES = (
    "raw_commits_per_s",
    "bare_endpoint_per_s",
    "hooks_per_s",
    "hooks_over_bare",
    "decisions_per_s",
    "hook_to_outbound_p50_ms",
    "hook_to_outbound_p95_ms",
    "hook_to_outbound_p99_ms",
)
NEVER_CAME_MS = 10_000


async def test_the_short_bench_measures_everything_and_every_text_leaves(tmp_path: Path) -> None:
    written = tmp_path / "build" / "bench.json"
    command = (sys.executable, "-m", "caredispatch.lab.bench", "--short", "--json", str(written))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await asyncio.wait_for(process.communicate(), 300)
    assert process.returncode == 0
    figures = json.loads(written.read_text("utf-8"))
    assert {name for name in FIGURES if not figures.get(name, 0) > 0} == set()
    assert "slowdown_5k_over_1k" in figures
    assert figures["hook_to_outbound_p99_ms"] < NEVER_CAME_MS
    assert b"where one worker's time goes" in said
