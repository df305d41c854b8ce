"""The outside world as a process: `python -m caredispatch.lab.world --config FILE.json`.

Prints one line of JSON with its ports when it is ready. SIGTERM or SIGINT ends it cleanly, and so does
the death of the process that started it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.serving import serving

PARENT_LOOK_S = 0.25


def wall() -> datetime:
    """The wall clock. The world is a process of its own, so it has its own root that may read it."""
    return datetime.now(UTC)  # noqa: TID251 - the one reader of the clock in this process


async def _until_orphaned(parent: int) -> None:
    """Return when the process that started this one is gone."""
    while os.getppid() == parent:  # noqa: ASYNC110 - nothing tells of a parent's death
        await asyncio.sleep(PARENT_LOOK_S)


async def _stay(seed: Seed, parent: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, ended.set)
    async with serving(seed, wall) as ports:
        print(json.dumps({"http": ports.http, "smtp": ports.smtp}), flush=True)
        waits = [asyncio.create_task(ended.wait()), asyncio.create_task(_until_orphaned(parent))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def main() -> int:
    """Read the seed and stay until told to end. A wrong seed is one line on stderr and exit code 2."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(prog="caredispatch.lab.world", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="the seed, a JSON file")
    path: Path = parser.parse_args().config
    try:
        seed = Seed.model_validate_json(path.read_bytes())
        asyncio.run(_stay(seed, parent))
    except (OSError, ValidationError) as error:
        print(f"world: {path}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
