"""The inbox's second half (E1): leased notices are fetched and parsed outside any transaction, and committed as
observations. What fails is tried again later, and at last put before a human; nothing is lost. No fetch is waited for
by what comes from other systems."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from caredispatch.contract.outcome import Gone, Refused, TryLater
from caredispatch.contract.seen import Changed, Seen, SeenAppointment
from caredispatch.contract.verbs import Fetches, Malformed, Receives
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import AppointmentGone, NoticeFailed
from caredispatch.engine.in_hand import InHand
from caredispatch.engine.receiving import unpacked
from caredispatch.engine.registry import NOT_READ, Connected, Registry, Unconfigured
from caredispatch.engine.understanding import Report, Understanding
from caredispatch.store import doors, inbox
from caredispatch.store.inbox import Arrived, Notice, ReadyNotice

BATCH = 64
MOST_ATTEMPTS = 6
MOST_EARLY = 3
"""How often a report of an unknown text is looked at again before it counts as somebody else's."""
FIRST_WAIT = timedelta(seconds=2)

log = structlog.get_logger("noticing")


def wait_after(attempts: int, asked: timedelta | None = None) -> timedelta:
    """How long to back off: what the other side asked for, else doubling from two seconds up to five minutes."""
    return asked or min(FIRST_WAIT * (1 << min(attempts, 8)), timedelta(minutes=5))


class Noticer:
    """Works off leased notices. `fetched` is called after each fetch."""

    def __init__(self, registry: Registry, fetched: Callable[[], None]) -> None:
        self.registry = registry
        self.understanding = Understanding(registry)
        self.in_hand = InHand(fetched)

    async def turn(self) -> int:
        """Lease what is due, work off what was pushed and start the fetches; returns how many notices were leased."""
        taken: dict[str, Connected | None] = {}
        async with self.registry.pools.intake.acquire() as connection:
            saturated = [(practice_id, full.wiring.connection_id) for practice_id, full in self.registry.saturated()]
            ready = await inbox.ready_notices(connection, self.registry.clock.now(), BATCH, saturated)
            try:
                ready = [r for r in ready if r.kind == "push" or self._take(r, taken)]
                notices = await inbox.claim_notices(connection, ready)
            except BaseException:
                self._give_back(taken, [])
                raise
        self._give_back(taken, notices)
        groups: dict[tuple[str, str], list[Notice]] = {}
        for notice in notices:
            if notice.kind == "push":
                groups.setdefault((notice.practice_id, notice.connection_id), []).append(notice)
            else:
                self.in_hand.start(self._guarded_fetch(notice, taken[notice.notice_id]))
        await asyncio.gather(*(self._pushes(group) for group in groups.values()))
        return len(notices)

    def _take(self, ready: ReadyNotice, taken: dict[str, Connected | None]) -> bool:
        """Take a place for a fetch; one from a connection that is not there (any more) needs none, it only fails."""
        try:
            connected = self.registry.connected(ready.practice_id, ready.connection_id)
        except Unconfigured:
            taken[ready.notice_id] = None
            return True
        if connected.take(1):
            taken[ready.notice_id] = connected
            return True
        return False

    @staticmethod
    def _give_back(taken: dict[str, Connected | None], claimed: list[Notice]) -> None:
        held = {n.notice_id for n in claimed}
        for notice_id, connected in taken.items():
            if connected is not None and notice_id not in held:
                connected.give(1)

    # ------------------------------------------------------------------ pushes

    async def _pushes(self, notices: list[Notice]) -> None:
        """Parse the pushes of one connection and commit what they say, together; singly where that fails."""
        try:
            connected = self.registry.connected(notices[0].practice_id, notices[0].connection_id)
            connector = connected.connector
            assert isinstance(connector, Receives)
            async with self.registry.pools.reveal.acquire() as connection:
                ids = [n.notice_id for n in notices]
                raw = await self.registry.vault.get_payloads(connection, notices[0].practice_id, ids)
            reports: list[Report] = []
            done: list[Notice] = []
            for notice in notices:
                parsed = await self._parse(connector, notice, raw.get(notice.notice_id, b"\n\n"))
                if parsed is not None:
                    done.append(notice)
                    reports += [Report(s, notice.notice_id, received_at=notice.received_at) for s in parsed]
            await self._commit(connected, done, reports)
        except Exception as error:
            if len(notices) == 1:
                await self._failed(notices[0], error)
            else:
                for notice in notices:
                    await self._pushes([notice])

    async def _parse(self, connector: Receives, notice: Notice, raw: bytes) -> tuple[Seen, ...] | None:
        try:
            return connector.parse(unpacked(raw))
        except Malformed as error:
            await self._park(notice, "not_understood", str(error))
            return None

    async def _commit(self, connected: Connected, notices: list[Notice], reports: list[Report]) -> None:
        wiring = connected.wiring
        async with self.registry.pools.intake.acquire() as connection, connection.transaction():
            now = self.registry.clock.now()
            early = await self.understanding.too_early(connection, wiring.practice_id, reports)
            for notice in [n for n in notices if n.notice_id in early and n.attempts < MOST_EARLY]:
                await inbox.later(connection, notice, now + wait_after(notice.attempts))
                notices = [n for n in notices if n is not notice]
                reports = [r for r in reports if r.notice_id != notice.notice_id]
            arrived = await self.understanding.arrived(connection, connected, reports)
            for report in reports:
                if isinstance(report.seen, Changed):
                    notice_id = make_id("fetch", report.notice_id, report.seen.external_id)
                    await inbox.want_fetch(
                        connection,
                        wiring.practice_id,
                        notice_id,
                        wiring.connection_id,
                        report.seen.external_id,
                        now,
                        report.received_at,
                    )
            await inbox.finish(connection, wiring.practice_id, [n.notice_id for n in notices], arrived)

    # ------------------------------------------------------------------ fetches

    async def _guarded_fetch(self, notice: Notice, place: Connected | None) -> None:
        try:
            try:
                number, got = await self._fetched(notice)
            finally:
                if place is not None:
                    place.give(1)
            await self._took_in(notice, number, got)
        except Exception as error:
            await self._failed(notice, error)

    async def _fetched(self, notice: Notice) -> tuple[int, SeenAppointment | Gone | TryLater | Refused]:
        connected = self.registry.connected(notice.practice_id, notice.connection_id)
        connector = connected.connector
        external_id = notice.subject or ""
        if not isinstance(connector, Fetches):
            raise Unconfigured(f"{notice.connection_id} can't be read by id")
        async with self.registry.pools.intake.acquire() as connection:
            number = await doors.fetch_number(connection, notice.practice_id, notice.connection_id, external_id)
        return number, await connected.call(connector.fetch(external_id), NOT_READ)

    async def _took_in(self, notice: Notice, number: int, got: SeenAppointment | Gone | TryLater | Refused) -> None:
        connected = self.registry.connected(notice.practice_id, notice.connection_id)
        match got:
            case SeenAppointment():
                report = Report(got, notice.notice_id, number, notice.received_at, notice.changed_at)
                await self._commit(connected, [notice], [report])
            case Gone():
                await self._gone(notice, notice.subject or "", number)
            case TryLater(reason=reason, after=after):
                await self._later(notice, reason, after)
            case Refused(code=code, reason=reason):
                await self._park(notice, "fetch_failed", f"{code}: {reason}")

    async def _gone(self, notice: Notice, external_id: str, number: int) -> None:
        connected = self.registry.connected(notice.practice_id, notice.connection_id)
        async with self.registry.pools.intake.acquire() as connection, connection.transaction():
            leads = await doors.behind(connection, notice.practice_id, notice.connection_id, [external_id])
            now = self.registry.clock.now()
            mode, arrived = await self.understanding.mode(connection, connected, len(leads), now)
            gone = AppointmentGone(notice.connection_id, external_id, number, mode=mode)
            arrived += [
                Arrived(
                    notice.practice_id, appointment_id, gone, notice.received_at, notice.notice_id, notice.changed_at
                )
                for appointment_id in leads.values()
            ]
            await inbox.finish(connection, notice.practice_id, [notice.notice_id], arrived)

    # ------------------------------------------------------------------ what fails

    async def _later(self, notice: Notice, reason: str, after: timedelta | None) -> None:
        if notice.attempts + 1 >= MOST_ATTEMPTS:
            await self._park(notice, "fetch_failed", reason)
            return
        at: datetime = self.registry.clock.now() + wait_after(notice.attempts, after)
        async with self.registry.pools.intake.acquire() as connection:
            await inbox.later(connection, notice, at)

    async def _failed(self, notice: Notice, error: Exception) -> None:
        """Something unforeseen (E13): tried again, then parked."""
        log.error("notice failed", notice=notice.notice_id, connection=notice.connection_id, exc_info=error)
        if notice.attempts + 1 >= 3 or isinstance(error, Unconfigured):
            await self._park(notice, "poison", f"{type(error).__name__} while it was worked off")
        else:
            await self._later(notice, type(error).__name__, None)

    async def _park(self, notice: Notice, why: str, reason: str) -> None:
        body = NoticeFailed(
            notice.connection_id,
            Id(notice.notice_id),
            why,  # type: ignore[arg-type]  # callers pass one of NoticeFailed's words
            reason,
            notice.subject,
        )
        subject = make_id("failed", notice.notice_id)
        arrived = [Arrived(notice.practice_id, subject, body, notice.received_at, notice.notice_id)]
        async with self.registry.pools.intake.acquire() as connection:
            await inbox.park(connection, notice, arrived)
