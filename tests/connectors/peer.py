"""A peer on loopback that answers as told: statuses, headers, silence, half an answer. It records what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        """The query's fields in order."""
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. `fate`: given whole; never; the connection closed before, or in the midst of it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: Literal["whole", "silent", "closed", "half"] = "whole"


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer; `retry_after="3"` is the header Retry-After."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json", **named})


Behave = Callable[[Asked], Reply]


@dataclass(slots=True)
class Peer:
    """Where it is, what came, how it answers."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    behave: Behave = lambda asked: Reply(404)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and close."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            asked = await _read(reader)
            self.asked.append(asked)
            reply = self.behave(asked)
            if reply.fate == "silent":
                await reader.read()
            elif reply.fate != "closed":
                head = {**reply.headers, "Content-Length": str(len(reply.body) + (reply.fate == "half"))}
                lines = [f"HTTP/1.1 {reply.status} X", *(f"{k}: {v}" for k, v in head.items()), "Connection: close"]
                writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
                await writer.drain()
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Asked(method, target, headers, await reader.readexactly(int(headers.get("content-length", "0"))))


@contextlib.asynccontextmanager
async def peering(behave: Behave) -> AsyncIterator[Peer]:
    """A peer that is up for as long as the context is."""
    peer = Peer(behave=behave)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield peer
    finally:
        server.close()


@contextlib.asynccontextmanager
async def calling(timeout_s: float = 5.0) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client as the engine makes it."""
    plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback needs no authorities, and loading them is slow
    async with httpx.AsyncClient(timeout=timeout_s, trust_env=False, verify=plain, follow_redirects=False) as http:
        yield http
