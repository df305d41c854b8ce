"""Requests that the world makes: webhooks, carrier callbacks, and people opening links.

One attempt is awaited by whoever asked; a failed one is tried again in the background at growing
wall-clock intervals, so that a receiver that was killed hears everything once it is back. What to say
lives with the systems.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from caredispatch.lab.world.record import Record, readable

FIRST_WAITS_S = (0.2, 0.5, 1.0, 2.0)
LONGEST_WAIT_S = 4.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request to be made; `accept` says which status ends the trying (webhooks: 2xx)."""

    system: str
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    accept: Callable[[int], bool] = lambda status: 200 <= status < 300
    follow_redirects: bool = False


Then = Callable[[httpx.Response], None]


class Outgoing:
    """Sends calls, records each attempt, and keeps trying those that were not accepted."""

    def __init__(self, record: Record, tries: int) -> None:
        self._record = record
        self.tries = tries
        self.under_way = 0
        self.retrying = 0
        self._tasks: set[asyncio.Task[None]] = set()
        no_cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback is plain; loading them is slow
        self._http = httpx.AsyncClient(timeout=15.0, trust_env=False, cookies=no_cookies, verify=no_authorities)

    async def deliver(self, call: Call, then: Then | None = None) -> None:
        """Attempt once and return; if that was not accepted, go on trying in the background."""
        if await self._attempt(call, 1, then) or self.tries <= 1:
            return
        self.retrying += 1
        task = asyncio.create_task(self._keep_trying(call, then))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_trying(self, call: Call, then: Then | None) -> None:
        try:
            for attempt in range(2, self.tries + 1):
                waits = FIRST_WAITS_S[attempt - 2 : attempt - 1]
                await asyncio.sleep(waits[0] if waits else LONGEST_WAIT_S)
                if await self._attempt(call, attempt, then):
                    return
        finally:
            self.retrying -= 1

    async def _attempt(self, call: Call, attempt: int, then: Then | None) -> bool:
        """Send once and record it. True when the receiver accepted."""
        self.under_way += 1
        answer: httpx.Response | None = None
        problem: str | None = None
        try:
            answer = await self._http.request(
                call.method,
                call.url,
                headers=call.headers,
                content=call.body,
                follow_redirects=call.follow_redirects,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        finally:
            self.under_way -= 1
        self._note(call, attempt, answer, problem)
        if answer is None or not call.accept(answer.status_code):
            return False
        if then is not None:
            then(answer)
        return True

    def _note(self, call: Call, attempt: int, answer: httpx.Response | None, problem: str | None) -> None:
        self._record.add(
            "request",
            direction="out",
            system=call.system,
            method=call.method,
            path=call.url,
            attempt=attempt,
            status=answer.status_code if answer is not None else None,
            problem=problem,
            body=readable(call.body, call.headers.get("Content-Type", "")),
            answer=answer.text[:2000] if answer is not None else None,
        )

    async def close(self) -> None:
        """Give up all that is still being tried."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._http.aclose()
