"""A small typed client for the world's control calls, for the conductor and for tests.

It carries orders and reads back what was seen; it judges nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

import httpx

Json = dict[str, Any]
ActSystem = Literal["acuity", "fhir", "people", "webhook"]
FaultSystem = Literal["acuity", "fhir", "twilio", "sink", "smtp"]


class WorldRefused(Exception):
    """The world did not accept an order; the text is its reason."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Where the world's time is.

    `in_flight` counts its own requests, waits for a retry (`retrying`) included; `seen` is how much was recorded,
    `changed_at` when a system that is polled last changed.
    """

    now: datetime
    next_due_at: datetime | None
    in_flight: int
    retrying: int
    seen: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Hooks:
    """How the webhooks of an act misbehave: repeated, in reverse order, lost, late."""

    duplicate: int = 0
    reorder: bool = False
    no_hook: bool = False
    hook_delay_s: float | None = None


NORMAL_HOOKS = Hooks()


def _idle(answer: Json) -> Idle:
    due = answer["next_due_at"]
    return Idle(
        now=datetime.fromisoformat(answer["now"]),
        next_due_at=datetime.fromisoformat(due) if due else None,
        in_flight=int(answer["in_flight"]),
        retrying=int(answer["retrying"]),
        seen=int(answer["seen"]),
        changed_at=datetime.fromisoformat(answer["changed_at"]),
    )


class WorldClient:
    """The control calls of the world at `url` (`http://127.0.0.1:PORT`). Use as an async context manager."""

    def __init__(self, url: str, timeout_s: float = 60.0) -> None:
        self.url = url
        no_authorities = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback is plain; loading them is slow
        self._http = httpx.AsyncClient(
            base_url=f"{url}/control/", timeout=timeout_s, trust_env=False, verify=no_authorities
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(self, method: str, name: str, body: Any = None, **query: Any) -> Any:
        answer = await self._http.request(method, name, json=body, params=query or None)
        if answer.status_code >= 400:
            raise WorldRefused(f"{name}: {answer.text}")
        return answer.json()

    async def clock(self, sim0: datetime, speed: float, wall0: datetime | None = None) -> Idle:
        """Set business time: `sim0` at `wall0` (None: now), `speed` 0 for stepped."""
        body = {"sim0": sim0.isoformat(), "speed": speed, "wall0": wall0.isoformat() if wall0 else None}
        return _idle(await self._call("POST", "clock", body))

    async def run(self, now: datetime) -> Idle:
        """Stepped: perform all that is due up to `now` and wait for the first answer to each request."""
        return _idle(await self._call("POST", "run", {"now": now.isoformat()}))

    async def idle(self) -> Idle:
        """Where time is and what is due next."""
        return _idle(await self._call("GET", "idle"))

    async def script(self, address: str, answers: Sequence[Json] = (), default: Json | None = None) -> None:
        """How a phone number or e-mail address behaves.

        An answer has match, after_s, do, text, twice, times.
        """
        body: Json = {"address": address, "answers": list(answers)}
        await self._call("POST", "script", body if default is None else {**body, "default": default})

    async def phone(self, number: str, **how: Any) -> None:
        """How texts to a number end: ends, error_code, delay_s, refuse."""
        await self._call("POST", "phone", {"number": number, **how})

    async def mailbox(self, address: str, *, reject: bool = True) -> None:
        """Whether mail to an address is refused."""
        await self._call("POST", "mailbox", {"address": address, "reject": reject})

    async def act(
        self,
        system: ActSystem,
        do: str,
        details: Mapping[str, Any],
        *,
        at: datetime | None = None,
        hooks: Hooks = NORMAL_HOOKS,
        server: str = "fhir",
    ) -> Json:
        """Make something happen: its result, or `{planned_at, id}` when `at` is still to come. `server` is an EHR."""
        body = {
            "system": system,
            "server": server,
            "do": do,
            "details": dict(details),
            "at": at.isoformat() if at else None,
            "duplicate": hooks.duplicate,
            "reorder": hooks.reorder,
            "no_hook": hooks.no_hook,
            "hook_delay_s": hooks.hook_delay_s,
        }
        answer: Json = await self._call("POST", "act", body)
        return answer

    async def book(self, details: Mapping[str, Any], *, at: datetime | None = None, hooks: Hooks = NORMAL_HOOKS) -> int:
        """A client books in the booking system: the appointment's id."""
        return int((await self.act("acuity", "book", details, at=at, hooks=hooks))["id"])

    async def enter(self, *resources: Mapping[str, Any], server: str = "fhir", at: datetime | None = None) -> list[str]:
        """Somebody enters resources into an EHR: their ids, at once (a plan has none but those given)."""
        details = {"resources": [dict(each) for each in resources]}
        made = await self.act("fhir", "enter", details, server=server, at=at)
        return list(made.get("ids", []))

    async def edit(
        self, resource_type: str, resource_id: str, *, server: str = "fhir", at: datetime | None = None, **elements: Any
    ) -> None:
        """Somebody edits a resource of an EHR by hand: these elements replace those there."""
        details = {"resourceType": resource_type, "id": resource_id, **elements}
        await self.act("fhir", "update", details, server=server, at=at)

    async def fault(
        self,
        system: FaultSystem,
        do: Json | Literal["drop", "drop_before"],
        *,
        path_regex: str = "",
        method: str | None = None,
        times: int = 1,
    ) -> None:
        """The next `times` matching requests meet `do`: status, retry_after, body, drop, delay_ms."""
        body = {"system": system, "do": do, "path_regex": path_regex, "method": method, "times": times}
        await self._call("POST", "fault", body)

    async def clear_faults(self) -> None:
        """Forget all ordered faults."""
        await self._call("POST", "clear_faults")

    async def hooks(
        self, *, acuity: str | None = None, twilio_inbound: str | None = None, tries: int | None = None
    ) -> None:
        """Where webhooks go and how often each is tried; None leaves it."""
        body = {"acuity": acuity, "twilio_inbound": twilio_inbound, "tries": tries}
        await self._call("POST", "hooks", body)

    async def log(self, since: int = 0) -> list[Json]:
        """What the outside world saw after entry number `since`."""
        entries: list[Json] = await self._call("GET", "log", since=since)
        return entries

    async def state(self) -> Json:
        """Everything that the systems hold."""
        held: Json = await self._call("GET", "state")
        return held

    async def reset(self, seed: Mapping[str, Any]) -> Idle:
        """Begin anew with another seed."""
        return _idle(await self._call("POST", "reset", dict(seed)))
