"""How deliveries end: delivered, failed, or tried again later; each with the observation of it, and its key freed. What
ends while another commit is under way is committed together with the next (one transaction for many)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from caredispatch.core.ids import Id
from caredispatch.core.observation import BusySeen, Held, Reported, Written
from caredispatch.engine.noticing import wait_after
from caredispatch.engine.registry import Registry
from caredispatch.store import outbox
from caredispatch.store.inbox import Arrived
from caredispatch.store.outbox import Ended, Outgoing

MOST_ATTEMPTS = 8
MOST_AT_ONCE = 64

log = structlog.get_logger("delivering")


class Endings:
    """The ends of one process's deliveries: values first, committed by `commit`."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._waiting: list[tuple[Ended, asyncio.Future[None]]] = []
        self._committing = False

    def end(
        self,
        outgoing: Outgoing,
        state: str,
        *observations: Reported | Written | Held | BusySeen,
        ref: str | None = None,
        code: str | None = None,
    ) -> Ended:
        """It ended for good, and this is what was observed of it."""
        now = self.registry.clock.now()
        subject = outgoing.appointment_id or outgoing.contact_id or outgoing.delivery_id
        arrived = tuple(Arrived(outgoing.practice_id, subject, o, now) for o in observations)
        return Ended(outgoing, state, now, now, ref, code and code[:200], arrived=arrived)

    def later(self, outgoing: Outgoing, reason: str, after: timedelta | None, *, unknown: bool = False) -> Ended:
        """Back off; after too many tries it is a failure that a person sees. `unknown`: it may have been taken."""
        if outgoing.attempts >= MOST_ATTEMPTS:
            return self.failed(outgoing, reason, permanent=False)
        now = self.registry.clock.now()
        at = now + wait_after(outgoing.attempts - 1, after)
        return Ended(outgoing, "pending", now, at, code=reason[:200], unknown=unknown)

    def failed(self, outgoing: Outgoing, code: str, *, permanent: bool) -> Ended:
        """It will not be delivered; whoever waits for it hears so."""
        match outgoing.kind:
            case "tell":
                return self.end(outgoing, "failed", reported(outgoing, "failed", code, permanent), code=code)
            case "write":
                body = Written(Id(outgoing.link_id or ""), {}, "failed", code=code)
                return self.end(outgoing, "failed", body, code=code)
            case "hold":
                return self.end(
                    outgoing, "failed", Held(outgoing.connection_id or "", {}, "failed", code=code), code=code
                )
            case _:
                return self.end(outgoing, "failed", unanswered(outgoing, code, self.registry.clock.now()), code=code)

    async def commit(self, ended: Ended) -> None:
        """Commit one end, together with those that came while the last commit was under way."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((ended, done))
        if not self._committing:
            self._committing = True
            try:
                while self._waiting:
                    batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
                    await self._together(batch)
            finally:
                self._committing = False
        await done

    async def _together(self, batch: list[tuple[Ended, asyncio.Future[None]]]) -> None:
        """One transaction; where that fails, one each, so that each hears of its own failure only."""
        try:
            async with self.registry.pools.reveal.acquire() as connection:
                await outbox.end(connection, [ended for ended, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                batch[0][1].set_exception(error)
                return
            log.warning("ends committed one by one", error=type(error).__name__)
            for one in batch:
                await self._together([one])
            return
        for _, done in batch:
            done.set_result(None)


def reported(outgoing: Outgoing, state: str, code: str | None, permanent: bool) -> Reported:
    """What became of a text."""
    return Reported(
        Id(outgoing.delivery_id),
        Id(outgoing.ask_id) if outgoing.ask_id else None,
        state,  # type: ignore[arg-type]  # callers pass one of Reported's words
        Id(outgoing.contact_id) if outgoing.contact_id else None,
        code,
        permanent,
    )


def answer_to(outgoing: Outgoing, begin: datetime, end: datetime) -> BusySeen:
    """The frame of an answer about calendars: who was asked about, from when to when; no blocks yet."""
    asked = tuple(Id(s) for s in outgoing.params["staff"].split(","))
    return BusySeen(outgoing.connection_id or "", Id(outgoing.params["case"]), asked, begin, end)


def unanswered(outgoing: Outgoing, code: str, now: datetime) -> BusySeen:
    """A calendar that could not say."""
    return replace(answer_to(outgoing, now, now), failed=code)
