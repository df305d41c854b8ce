"""A load over HTTP/1.1 that costs its own process little: keep-alive connections, one request in hand on each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

Request = Callable[[], tuple[dict[str, str], bytes]]


class Poster:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Post, and return the status."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next((int(x[15:]) for x in answer.lower().split(b"\r\n") if x.startswith(b"content-length:")), 0)
        await self._reader.readexactly(length)
        return int(answer[9:12])

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()


async def accepted_per_second(port: int, path: str, request: Request, seconds: float, clients: int = 8) -> float:
    """Requests a second that were answered with 200, by several clients at once."""
    end = time.perf_counter() + seconds

    async def client() -> int:
        poster, n = Poster(port), 0
        while time.perf_counter() < end:
            n += await poster.post(path, *request()) == 200
        poster.close()
        return n

    return sum(await asyncio.gather(*(client() for _ in range(clients)))) / seconds
