"""`caredispatch demo`: the scenes, played on a fresh theatre (`theatre.py`) and judged (`judging.py`)."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caredispatch.app.loop import run
from caredispatch.lab.browser import Browser, PageFailed
from caredispatch.lab.conductor import Stuck
from caredispatch.lab.judging import judge, metrics
from caredispatch.lab.scenes import SCENES, SETTING, Player, SceneFailed
from caredispatch.lab.theatre import HOUSES, RIVER, DemoFailed, House, Theatre, theatre


def run_demo(
    data: Path, *, once: bool, scenes: Sequence[str], speed: float, port: int, as_json: bool, profile: str | None = None
) -> int:
    """Play the demo; the exit code. With a profile only that practice's scenes, and its coordinator for the watcher.
    Raises DemoFailed, and what opening a practice's folder raises."""
    try:
        names = chosen(scenes, profile)
    except DemoFailed as error:
        print(error, file=sys.stderr)
        return 2
    watched = profile or RIVER.profile
    try:
        return run(_demo(data, once, names, 0.0 if once else speed, port, as_json, watched))
    except DemoFailed as error:
        print(f"caredispatch demo: {error}", file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        return 0


def chosen(scenes: Sequence[str], profile: str | None) -> list[str]:
    """The scenes to play: those named, else a practice's, else all. Raises DemoFailed naming what there is."""
    if profile is not None and profile not in HOUSES:
        raise DemoFailed(f"the demo has no practice of type {profile!r}; there are: {', '.join(HOUSES)}")
    known = [name for name in SCENES if profile is None or house_of(name) == HOUSES[profile]]
    unknown = [name for name in scenes if name not in known]
    if unknown:
        raise DemoFailed(f"no scene {unknown[0]!r}; there are: {', '.join(known)}")
    return list(scenes) or known


def house_of(scene: str) -> House:
    """The practice that a scene plays in."""
    return HOUSES[SETTING.get(scene, RIVER.profile)]


async def _demo(data: Path, once: bool, names: list[str], speed: float, port: int, as_json: bool, profile: str) -> int:
    out = sys.stderr if as_json else sys.stdout
    _end_when_signalled()

    def narrate(when: str, what: str) -> None:
        print(f"  {when}  {what}", file=out, flush=True)

    async with theatre(data, speed=speed, port=0 if once and port == 8321 else port) as stage:
        if not once:
            print(
                f"\ncaredispatch is at {stage.url}/\nsign in once with {stage.sign_in[profile]}\n", file=out, flush=True
            )
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
    browsers = {slug: Browser(stage.url) for slug in stage.coordinators}
    results = []
    try:
        for slug, browser in browsers.items():
            await _sign_in(browser, stage.coordinators[slug].removeprefix(stage.url))
        await stage.conductor.settle()  # what is entered during a first load is no news
        for name in names:
            print(f"\n{name}", file=out, flush=True)
            results.append(await _scene(stage, browsers[house_of(name).slug], name, narrate))
    finally:
        for browser in browsers.values():
            await browser.close()
    await stage.conductor.settle()
    practices = [house.practice_id for house in HOUSES.values()]
    promises = await judge(stage.connection, stage.world, stage.key, stage.folder, practices)
    return {"scenes": results, "promises": promises, "metrics": await metrics(stage.connection)}


async def _sign_in(browser: Browser, once: str) -> None:
    try:
        await browser.sign_in(once)
    except PageFailed as error:
        raise DemoFailed(f"the scripted coordinator could not sign in: {error}") from None


async def _scene(stage: Theatre, browser: Browser, name: str, narrate: Any) -> dict[str, Any]:
    house = house_of(name)
    player = Player(stage.connection, stage.world, stage.conductor, browser, narrate, house.slug)
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
