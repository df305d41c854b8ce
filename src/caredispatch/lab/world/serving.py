"""The world on real ports: one HTTP and one SMTP listener on loopback, up for as long as the context is.

`__main__` wraps it in a process; tests use it in theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import uvicorn
from uvicorn.server import ServerState

from caredispatch.lab.world.clock import Wall
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.control import control_app
from caredispatch.lab.world.front import Front, Line
from caredispatch.lab.world.world import World

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the world listens."""

    http: int
    smtp: int

    @property
    def url(self) -> str:
        """The root of the HTTP addresses, without a slash at its end."""
        return f"http://{HOST}:{self.http}"


@contextlib.asynccontextmanager
async def serving(seed: Seed, wall: Wall) -> AsyncIterator[Ports]:
    """Bring the world up on its ports and take it down again. OSError when a port is taken."""
    front = Front(World(seed, wall))
    front.control = control_app(front, wall)
    async with contextlib.AsyncExitStack() as open_now:
        open_now.push_async_callback(lambda: front.world.close())
        mail = await open_now.enter_async_context(_listening(lambda: front.world.mailroom.protocol(), seed.smtp_port))
        http = await open_now.enter_async_context(_http(front, seed.http_port))
        yield Ports(http, mail)


@contextlib.asynccontextmanager
async def _listening(protocol: Callable[[], asyncio.Protocol], port: int) -> AsyncIterator[int]:
    """A listener on loopback; gives its port."""
    server = await asyncio.get_running_loop().create_server(protocol, HOST, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@contextlib.asynccontextmanager
async def _http(front: Front, port: int) -> AsyncIterator[int]:
    """uvicorn's protocol on a listener of ours.

    Its `Server` brings signal handlers, and a tenth of a second at each start and end.
    """
    config = uvicorn.Config(front, http=Line, ws="none", lifespan="off", log_level="critical", proxy_headers=False)
    config.load()
    state = ServerState()
    async with _listening(lambda: Line(config, state, {}), port) as taken:
        try:
            yield taken
        finally:
            running = list(state.tasks)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            for line in list(state.connections):
                line.transport.abort()
