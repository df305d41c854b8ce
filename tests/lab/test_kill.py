"""SIGKILL of server and worker at random points while bookings come in: every accepted notice is acted upon once and
nothing is sent twice to a person (promises 1, 4, 5)."""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from caredispatch.lab.judging import judge
from caredispatch.lab.scenery import CLIENTS, MONDAY, THERAPISTS, booking
from caredispatch.lab.theatre import HOUSES, Theatre, start_server, theatre, until_healthy

KILLS = 10
SPEED = 20.0
QUIET_SECONDS = 60.0


async def _worker(stage: Theatre, log: IO[bytes]) -> Process:
    command = (sys.executable, "-m", "caredispatch.cli", "work", str(stage.folder))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=log)
    assert process.stdout is not None
    assert await asyncio.wait_for(process.stdout.readline(), 30) == b"working\n"
    return process


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _book(stage: Theatre) -> list[int]:
    """Eight clients book, each a provider of their own."""
    booked = []
    for n, client in enumerate(CLIENTS[:8]):
        yes = {"match": "(?i)reply Y", "after_s": 20, "do": "reply", "text": "Y"}
        await stage.world.script(client.phone, [yes])
        start = MONDAY.replace(minute=0) + timedelta(days=2, hours=1)
        booked.append(await stage.world.book(booking(client, THERAPISTS[n], start)))
        await asyncio.sleep(0.4)
    return booked


async def _kill_some(stage: Theatre, log: IO[bytes], chance: random.Random) -> tuple[Process, Process]:
    """Kill the server or the worker, start it again, and so on; what runs at the end."""
    server, worker = stage.server, await _worker(stage, log)
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        if chance.random() < 0.5:
            await _end(worker)
            worker = await _worker(stage, log)
        else:
            await _end(server)
            server = await start_server(stage.folder, log)
            await until_healthy(server, stage.url)
    return server, worker


_WAITING = """
select (select count(*) from care.notices where state = 'pending')
     + (select count(*) from care.observations where state = 'pending')
     + (select count(*) from care.deliveries where state = 'pending') as n
"""


async def _until_quiet(stage: Theatre, booked: list[int]) -> None:
    """Until every booking has its record and nothing waits."""
    loop = asyncio.get_running_loop()
    end, quiet = loop.time() + QUIET_SECONDS, 0
    while quiet < 10 and loop.time() < end:
        waiting = await stage.connection.fetchval(_WAITING)
        known = await stage.connection.fetchval("select count(*) from care.doors where connection_id = 'acuity'")
        idle = await stage.world.idle()
        quiet = quiet + 1 if not waiting and known == len(booked) and not idle.in_flight else 0
        await asyncio.sleep(0.1)
    assert quiet, f"{waiting} things still wait, {known} of {len(booked)} bookings are known"


async def test_kills_lose_nothing_and_text_nobody_twice(tmp_path: Path) -> None:
    chance = random.Random(8321)
    with (tmp_path / "processes.log").open("ab") as log:
        async with theatre(tmp_path / "demo", speed=SPEED, port=0) as stage:
            await stage.world.hooks(tries=30)
            (server, worker), booked = await asyncio.gather(_kill_some(stage, log, chance), _book(stage))
            try:
                await _until_quiet(stage, booked)
                sent = [entry for entry in await stage.world.log() if entry["kind"] == "text"]
                practices = [house.practice_id for house in HOUSES.values()]
                promises = await judge(stage.connection, stage.world, stage.key, stage.folder, practices)
                visits = await stage.connection.fetch(
                    "select appointment_id from care.appointments where source = 'acuity'"
                )
                confirmed = await stage.connection.fetchval(
                    "select count(*) from care.appointments where confirmation = 'confirmed'"
                )
            finally:
                await _end(worker)
                await _end(server)
    assert len(visits) == len(booked)
    assert _twice(sent) == []
    assert {name: held for name, held in promises.items() if held is not True} == {}
    assert confirmed == len(booked)


def _twice(sent: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [text for text, n in Counter((entry["to"], entry["body"]) for entry in sent).items() if n > 1]
