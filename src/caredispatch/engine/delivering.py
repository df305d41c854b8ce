"""The outbox at work (E19–E21): one leased delivery at a time per ordering key, the call outside any transaction and
waited for by nobody else, its end committed together with the observation of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from caredispatch.contract.outcome import Refused, TryLater
from caredispatch.contract.seen import Busy, SeenBlock
from caredispatch.contract.verbs import TellsBusy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block
from caredispatch.engine.ending import Endings, answer_to
from caredispatch.engine.in_hand import InHand
from caredispatch.engine.registry import NOT_READ, Connected, Registry, Unconfigured
from caredispatch.engine.telling import Teller
from caredispatch.engine.wording import Links
from caredispatch.engine.writing import Writer
from caredispatch.store import doors, outbox
from caredispatch.store.outbox import Ended, Outgoing, ReadyKey
from caredispatch.store.people import Recipient

BATCH = 64
CHANNEL = "channel:"

log = structlog.get_logger("delivering")


class Deliverer:
    """Sends what decisions let out. `ended` is called after each delivery's end."""

    def __init__(self, registry: Registry, links: Links, hook_base: str, ended: Callable[[], None]) -> None:
        self.registry = registry
        self.links = links
        self.in_hand = InHand(ended)
        self._endings = Endings(registry)
        self._teller = Teller(registry, links, hook_base, self._endings)
        self._writer = Writer(registry, self._endings)

    async def turn(self) -> int:
        """Lease what is ready, as much as its targets take, and start it; returns how many were leased."""
        now = self.registry.clock.now()
        async with self.registry.pools.reveal.acquire() as connection:
            ready = await outbox.ready_keys(connection, now, BATCH * 2, self._saturated())
            taken = self._take(ready)
            if not taken:
                return 0
            try:
                leased = await outbox.lease(connection, now, [key for key, _ in taken])
            except BaseException:
                self._give_back(taken, [])
                raise
        self._give_back(taken, leased)
        to = await self._teller.recipients([o for o in leased if o.kind == "tell"])
        places = {(key.practice_id, key.ordering_key): connected for key, connected in taken}
        for outgoing in leased:
            place = places[(outgoing.practice_id, outgoing.ordering_key)]
            self.in_hand.start(self._deliver(outgoing, to.get(outgoing.delivery_id), place))
        return len(leased)

    def _target(self, practice_id: str, target: str) -> Connected | None:
        """The connection behind a target; None where there is none (any more): its delivery fails before a human."""
        try:
            if target.startswith(CHANNEL):
                return self.registry.channel(practice_id, target.removeprefix(CHANNEL))
            return self.registry.connected(practice_id, target)
        except Unconfigured:
            return None

    def _saturated(self) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for practice_id, connected in self.registry.saturated():
            found.append((practice_id, connected.wiring.connection_id))
            channel = connected.manifest.channel
            if channel and self.registry.channel(practice_id, channel) is connected:
                found.append((practice_id, f"{CHANNEL}{channel}"))
        return found

    def _take(self, ready: list[ReadyKey]) -> list[tuple[ReadyKey, Connected | None]]:
        """The keys that may start now, a place on its connection taken for each."""
        taken: list[tuple[ReadyKey, Connected | None]] = []
        for key in ready:
            connected = self._target(key.practice_id, key.target)
            if len(taken) < BATCH and (connected is None or connected.take(1)):
                taken.append((key, connected))
        return taken

    @staticmethod
    def _give_back(taken: list[tuple[ReadyKey, Connected | None]], leased: list[Outgoing]) -> None:
        held = {(o.practice_id, o.ordering_key) for o in leased}
        for key, connected in taken:
            if connected is not None and (key.practice_id, key.ordering_key) not in held:
                connected.give(1)

    async def _deliver(self, outgoing: Outgoing, to: Recipient | None, place: Connected | None) -> None:
        """One delivery: its calls, its place given back, its end."""
        try:
            ended = await self._called(outgoing, to)
        except Exception as error:
            # It may have left before this happened: not sent again without a look (E21).
            log.error("delivery failed", delivery=outgoing.delivery_id, kind=outgoing.kind, exc_info=error)
            ended = self._endings.later(outgoing, type(error).__name__, None, unknown=True)
        finally:
            if place is not None:
                place.give(1)
        await self._endings.commit(ended)

    async def _called(self, outgoing: Outgoing, to: Recipient | None) -> Ended:
        if to is not None:
            return await self._teller.tell(outgoing, to)
        if outgoing.kind == "write":
            return await self._writer.write(outgoing)
        if outgoing.kind == "hold":
            return await self._writer.hold(outgoing)
        return await self._ask_busy(outgoing)

    # ------------------------------------------------------------------ calendars

    async def _ask_busy(self, outgoing: Outgoing) -> Ended:
        connected = self.registry.connected(outgoing.practice_id, outgoing.connection_id or "")
        if outgoing.send_before is not None and self.registry.clock.now() >= outgoing.send_before:
            return self._endings.failed(outgoing, "too_late", permanent=False)
        if not isinstance(connected.connector, TellsBusy):
            raise Unconfigured(f"{outgoing.connection_id} has no calendars")
        staff = connected.wiring.all_theirs("actor", outgoing.params["staff"].split(","))
        begin, end = await self._span(outgoing)
        verb = connected.connector.busy
        got = await connected.call(verb(sorted(staff), begin, end), NOT_READ) if staff else Busy()
        match got:
            case Busy(blocks=blocks):
                ours = await self._known(outgoing, blocks)
                found = tuple(_block(b, staff[b.actor], ours) for b in blocks if b.actor in staff)
                body = replace(answer_to(outgoing, begin, end), blocks=found)
                return self._endings.end(outgoing, "delivered", body)
            case TryLater(reason=reason, after=after):
                return self._endings.later(outgoing, reason, after)
            case Refused(code=code):
                return self._endings.failed(outgoing, code, permanent=True)

    async def _known(self, outgoing: Outgoing, blocks: Sequence[SeenBlock]) -> dict[str, str]:
        """Which entries stand for visits that we know: copies of them there, or what another connected system wrote of
        them (D10). External id or origin -> our appointment."""
        async with self.registry.pools.reveal.acquire() as connection:
            leads = await doors.behind(
                connection, outgoing.practice_id, outgoing.connection_id or "", [b.external_id for b in blocks]
            )
            origins = [b.origin for b in blocks if b.origin is not None]
            return leads | await doors.anywhere(connection, outgoing.practice_id, origins)

    async def _span(self, outgoing: Outgoing) -> tuple[datetime, datetime]:
        async with self.registry.pools.reveal.acquire() as connection:
            row = await connection.fetchrow(
                "select start_at, end_at from care.appointments where practice_id = $1 and appointment_id = $2",
                outgoing.practice_id,
                outgoing.appointment_id,
            )
        assert row is not None
        return row[0], row[1]


def _block(theirs: SeenBlock, resource_id: str, ours: dict[str, str]) -> Block:
    known = ours.get(theirs.external_id) or ours.get(theirs.origin or "")
    return Block(
        resource_id=Id(resource_id),
        start_at=theirs.start_at,
        end_at=theirs.end_at,
        external_id=theirs.external_id,
        ours=theirs.ours or known,
        origin=theirs.origin,
        transparent=theirs.transparent,
        all_day=theirs.all_day,
        tentative=theirs.tentative,
    )
