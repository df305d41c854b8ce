"""`make bench`: what this machine's PostgreSQL can commit, what a bare endpoint of the same framework accepts, and what
we do with it, in one run on one machine. Absolute figures stand beside a ratio against something run beside them."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from caredispatch.app.clock import wall
from caredispatch.app.loop import run
from caredispatch.lab.benching import HOOK, Rig, rig, served, signed
from caredispatch.lab.loading import accepted_per_second

SIZES = (1_000, 10_000, 100_000)
SHORT_SIZES = (1_000, 5_000)


async def raw_commits(bench: Rig, seconds: float) -> float:
    """Durable single-row commits a second, eight clients."""
    await bench.owner.execute(
        "create table if not exists public.bench_commit (id bigint generated always as identity, body text)"
    )
    return await _many(bench, seconds, lambda c: c.execute("insert into public.bench_commit (body) values ('x')"))


async def _many(bench: Rig, seconds: float, work: Callable[[Any], Awaitable[Any]], clients: int = 8) -> float:
    connections = [await bench.connect() for _ in range(clients)]
    done = 0
    end = time.perf_counter() + seconds

    async def client(connection: Any) -> int:
        n = 0
        while time.perf_counter() < end:
            await work(connection)
            n += 1
        return n

    done = sum(await asyncio.gather(*(client(c) for c in connections)))
    for connection in connections:
        await connection.close()
    return done / seconds


async def decisions(bench: Rig, n: int) -> float:
    """Whole decisions a second of one worker: notice committed -> decision committed. Its two loops run side by side,
    as in a worker."""
    await bench.notices(n)
    decider = bench.app.engine.decider
    before = decider.decisions
    begun = time.perf_counter()
    await work_off(bench)
    return (decider.decisions - before) / (time.perf_counter() - begun)


async def work_off(bench: Rig) -> None:
    """Turn a worker's inbox and deciding loops until nothing is left."""
    engine = bench.app.engine
    while sum(await asyncio.gather(engine.noticer.turn(), engine.decider.turn())):
        pass


async def endpoints(bench: Rig, seconds: float, rounds: int) -> dict[str, Any]:
    """The bare endpoint and our hooks, in turn; the ratio is of neighbours in time."""
    await bench.owner.execute(
        "create table if not exists public.bench_hook (id bigint generated always as identity, body bytea)"
    )
    bare, ours = [], []
    async with served(bench, "bare") as yardstick, served(bench, "hooks") as hooks:
        for port in (yardstick, hooks):
            await accepted_per_second(port, HOOK, lambda: signed(bench.booking()), 0.5)
        for _ in range(rounds):
            bare.append(await accepted_per_second(yardstick, HOOK, lambda: signed(bench.booking()), seconds))
            ours.append(await accepted_per_second(hooks, HOOK, lambda: signed(bench.booking()), seconds))
    await bench.empty()
    bench.serial = 0
    return {
        "bare_endpoint_per_s": round(statistics.median(bare)),
        "hooks_per_s": round(statistics.median(ours)),
        "hooks_over_bare": round(statistics.median(o / b for o, b in zip(ours, bare, strict=True)), 3),
    }


async def latency(bench: Rig, per_second: int, seconds: float) -> dict[str, float]:
    """Hook accepted to first outbound request, at a steady rate, hooks and engine in one process."""
    async with served(bench, "whole") as port:
        await bench.hook_to_outbound(port, per_second, 1.0)
        times = sorted(await bench.hook_to_outbound(port, per_second, seconds))
    return {
        f"hook_to_outbound_p{p}_ms": round(times[min(len(times) - 1, len(times) * p // 100)], 1) for p in (50, 95, 99)
    }


async def at_size(bench: Rig, size: int, short: bool) -> dict[str, float]:
    """Decisions a second and hook latency with that many open appointments and waiting deadlines. Filling ends with a
    checkpoint, after which PostgreSQL logs whole pages; the first decisions at each size, which pay for that, don't
    count."""
    await bench.fill(size)
    await decisions(bench, 200 if short else 2000)
    n = 300 if short else 1000
    samples = [await decisions(bench, n) for _ in range(2 if short else 5)]
    await bench.owner.execute("truncate care.deliveries, care.delivery_keys")
    return {"decisions_per_s": round(statistics.median(samples)), **await latency(bench, 100, 3.0 if short else 8.0)}


async def measure(short: bool) -> dict[str, Any]:
    """Everything, in order. The plain figures are those at 1,000 appointments."""
    seconds = 1.5 if short else 4.0
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        async with rig(Path(folder)) as bench:
            result["raw_commits_per_s"] = round(await raw_commits(bench, seconds))
            result |= await endpoints(bench, seconds, 2 if short else 4)
            await decisions(bench, 500 if short else 2000)
            sizes = SHORT_SIZES if short else SIZES
            found = {size: await at_size(bench, size, short) for size in sizes}
            result |= found[sizes[0]]
            result |= {f"{name}_at_{size}": v for size, of in found.items() for name, v in of.items()}
            slowdown = found[sizes[0]]["decisions_per_s"] / found[sizes[-1]]["decisions_per_s"] - 1
            result[f"slowdown_{sizes[-1] // 1000}k_over_1k"] = round(slowdown, 3)
            result["profile"] = await profile(bench, 300 if short else 1000)
    return result


async def profile(bench: Rig, n: int) -> list[str]:
    """Where one worker's time goes: the functions with the most time of their own."""
    await bench.notices(n)
    profiler = cProfile.Profile()
    profiler.enable()
    await work_off(bench)
    profiler.disable()
    stats = pstats.Stats(profiler)
    rows = sorted(stats.stats.items(), key=lambda kv: kv[1][2], reverse=True)[:15]  # type: ignore[attr-defined]  # pstats has no types for it
    total = sum(v[2] for v in stats.stats.values())  # type: ignore[attr-defined]  # likewise
    return [f"{value[2] / total:5.1%}  {value[0]:>8} calls  {_where(key)}" for key, value in rows]


def _where(key: tuple[str, int, str]) -> str:
    file, line, name = key
    short = file.rpartition("site-packages/")[2].rpartition("src/")[2]
    return f"{short}:{line} {name}"


def main() -> int:
    """Measure and print; `--json FILE` writes the object, `--short` is CI's version."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures as one JSON object")
    parser.add_argument("--short", action="store_true", help="a short run with small sizes")
    given = parser.parse_args()
    begun = wall()
    result = run(measure(given.short))
    profile_lines = result.pop("profile")
    for name, value in result.items():
        print(f"{name:32} {value}")
    print("\nwhere one worker's time goes:\n" + "\n".join(profile_lines))
    print(f"\nmeasured in {(wall() - begun) / timedelta(seconds=1):.0f} s", file=sys.stderr)
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps({**result, "profile": profile_lines}, indent=2) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
