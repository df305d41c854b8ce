"""The front door on the HTTP port: hands each request to its system by the first part of the path.

It also keeps the record of what came in and carries out ordered faults, so that no system knows of either.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from caredispatch.lab.world.faults import Do
from caredispatch.lab.world.record import readable
from caredispatch.lab.world.world import World

LINES: dict[object, asyncio.Transport] = {}


class Line(H11Protocol):
    """uvicorn's protocol that also lets the front hang up: transports are found by both ends' addresses."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Note the transport."""
        super().connection_made(transport)
        LINES[self.server, self.client] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the transport."""
        LINES.pop((self.server, self.client), None)
        super().connection_lost(exc)


class Answered:
    """Collects what a system answers instead of sending it on."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""

    async def take(self, event: Message) -> None:
        """An ASGI send."""
        if event["type"] == "http.response.start":
            self.status = event["status"]
            self.headers = list(event["headers"])
        else:
            self.body += event.get("body", b"")

    def header(self, name: bytes) -> str:
        """A header's value, empty if it has none."""
        return next((value.decode("latin-1") for key, value in self.headers if key.lower() == name), "")


async def body_of(receive: Receive) -> bytes:
    """The whole request body."""
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return body


class Front:
    """The ASGI application; `world` is replaced at a reset."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.control: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Dispatch one request."""
        if scope["type"] != "http":
            return
        system = scope["path"].split("/")[1]
        if system == "control" and self.control is not None:
            await self.control(scope, receive, send)
            return
        await self._observed(system, scope, await body_of(receive), send)

    async def _observed(self, system: str, scope: Scope, body: bytes, send: Send) -> None:
        world, answered, path = self.world, Answered(), scope["path"]
        fault = world.faults.next_for(system, scope["method"], path) or Do()
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.status is not None:
            answered.status = fault.status
            answered.headers = [(b"content-type", b"text/plain")]
            answered.body = fault.body.encode()
            if fault.retry_after is not None:
                answered.headers.append((b"retry-after", fault.retry_after.encode()))
        elif fault.drop != "before":
            await self._perform(world.systems.get(system), system, scope, body, answered)
        self._note(world, system, scope, body, None if fault.drop else answered)
        if fault.drop:
            await self._hang_up(scope)
            return
        headers = [(k, v) for k, v in answered.headers if k.lower() != b"content-length"]
        if answered.status != 204:
            headers.append((b"content-length", str(len(answered.body)).encode()))
        await send({"type": "http.response.start", "status": answered.status, "headers": headers})
        await send({"type": "http.response.body", "body": answered.body})

    @staticmethod
    async def _perform(app: ASGIApp | None, system: str, scope: Scope, body: bytes, answered: Answered) -> None:
        """Let the system do its work."""
        if app is None:
            answered.status = 404
            return

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        await app({**scope, "root_path": f"/{system}"}, replay, answered.take)

    @staticmethod
    async def _hang_up(scope: Scope) -> None:
        transport = LINES.get((scope["server"], scope["client"]))
        if transport is not None:
            transport.abort()
            await asyncio.sleep(0)

    @staticmethod
    def _note(world: World, system: str, scope: Scope, body: bytes, answered: Answered | None) -> None:
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        answer: Any = None
        if answered is not None:
            answer = readable(answered.body, answered.header(b"content-type"))
        world.record.add(
            "request",
            direction="in",
            system=system,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            status=answered.status if answered is not None else None,
            problem=None if answered is not None else "dropped",
            body=readable(body, headers.get("content-type", "")),
            answer=answer,
            condition=headers.get("if-match") or headers.get("if-none-exist"),
        )
