"""The event loop that every command runs on: uvloop where there is one. It halves what a database round trip costs us
in Python, which is most of what a hook or a decision costs."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

if sys.platform == "win32":
    new_loop = asyncio.new_event_loop
else:
    from uvloop import new_event_loop as new_loop

Result = TypeVar("Result")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run to the end, like `asyncio.run`. What was imported before is not looked through for garbage any more: the
    collector's longest pauses, dozens of milliseconds each, were for that. It looks through the rest less often: what
    we make is freed without it, but for few circles."""
    gc.freeze()
    gc.set_threshold(10_000)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(work)
