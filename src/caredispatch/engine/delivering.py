"""The outbox at work (E19–E21): one leased delivery at a time per ordering key, the call outside any transaction, its
end committed together with the observation of it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog

from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.seen import Busy, SeenPatient
from caredispatch.contract.verbs import OutgoingText, Recalls, Tells, TellsBusy, Wanted, Writes
from caredispatch.core.content import Content
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block, BusySeen, Reported, Written
from caredispatch.engine.noticing import wait_after
from caredispatch.engine.registry import Connected, Registry, Unconfigured
from caredispatch.engine.understanding import untranslate
from caredispatch.engine.wording import Links, NoSuchText, questions_text, words
from caredispatch.store import inbox, outbox
from caredispatch.store.inbox import Arrived
from caredispatch.store.outbox import Copy, Outgoing
from caredispatch.store.people import reveal_address, reveal_person

BATCH = 32
MOST_ATTEMPTS = 8
LOOK_AGAIN_AFTER = timedelta(seconds=15)
"""A text that was taken may not be listed at once."""

log = structlog.get_logger("delivering")


class Deliverer:
    """Sends what decisions let out. Reads the vault as `caredispatch_reveal`, just before a call."""

    def __init__(self, registry: Registry, links: Links, hook_base: str) -> None:
        self.registry = registry
        self.links = links
        self.hook_base = hook_base.rstrip("/")
        self.sent = 0

    async def turn(self) -> int:
        """Lease ready deliveries and send them; returns how many were leased."""
        async with self.registry.pools.reveal.acquire() as connection:
            leased = await outbox.claim_deliveries(connection, self.registry.clock.now(), BATCH)
        await asyncio.gather(*(self._guarded(outgoing) for outgoing in leased))
        return len(leased)

    async def _guarded(self, outgoing: Outgoing) -> None:
        try:
            match outgoing.kind:
                case "tell":
                    await self._tell(outgoing)
                case "write":
                    await self._write(outgoing)
                case _:
                    await self._ask_busy(outgoing)
        except Exception as error:
            log.error("delivery failed", delivery=outgoing.delivery_id, kind=outgoing.kind, exc_info=error)
            await self._later(outgoing, type(error).__name__, None)
        self.sent += 1

    def _now(self) -> datetime:
        return self.registry.clock.now()

    async def _end(
        self,
        outgoing: Outgoing,
        state: str,
        *observations: Reported | Written | BusySeen,
        ref: str | None = None,
        code: str | None = None,
    ) -> None:
        subject = outgoing.appointment_id or outgoing.contact_id or outgoing.delivery_id
        arrived = [Arrived(outgoing.practice_id, subject, o, self._now()) for o in observations]
        async with self.registry.pools.reveal.acquire() as connection:
            await outbox.end(connection, outgoing, state, self._now(), ref=ref, code=code, arrived=arrived)

    async def _later(self, outgoing: Outgoing, reason: str, after: timedelta | None, *, unknown: bool = False) -> None:
        """Back off; after too many tries it is a failure that a person sees. `unknown`: it may have been taken."""
        if outgoing.attempts >= MOST_ATTEMPTS:
            await self._failed(outgoing, reason, permanent=False)
            return
        at = self._now() + wait_after(outgoing.attempts - 1, after)
        async with self.registry.pools.reveal.acquire() as connection:
            await outbox.back_off(connection, outgoing, at, reason[:200], unknown=unknown)

    async def _failed(self, outgoing: Outgoing, code: str, *, permanent: bool) -> None:
        match outgoing.kind:
            case "tell":
                await self._end(outgoing, "failed", _reported(outgoing, "failed", code, permanent), code=code)
            case "write":
                body = Written(Id(outgoing.link_id or ""), {}, "failed", code=code)
                await self._end(outgoing, "failed", body, code=code)
            case _:
                await self._end(outgoing, "failed", self._busy(outgoing, (), failed=code), code=code)

    # ------------------------------------------------------------------ texts

    async def _tell(self, outgoing: Outgoing) -> None:
        if outgoing.send_before is not None and self._now() >= outgoing.send_before:
            await self._failed(outgoing, "too_late", permanent=False)
            return
        async with self.registry.pools.reveal.acquire() as connection:
            state = None
            if outgoing.ask_id is not None:
                state = await outbox.ask_state(connection, outgoing.practice_id, outgoing.ask_id)
            contact = await outbox.contact_of(connection, outgoing.practice_id, outgoing.contact_id or "")
            address = await reveal_address(
                connection, self.registry.vault, outgoing.practice_id, outgoing.contact_id or ""
            )
        if state is not None and state not in ("pending", "sent"):
            await self._end(outgoing, "withdrawn")
            return
        connected = self.registry.channel(outgoing.practice_id, contact["channel"]) if contact else None
        if contact is None or connected is None or address is None or contact["status"] != "usable":
            await self._failed(outgoing, "no_way", permanent=False)
            return
        await self._send(outgoing, connected, contact, address)

    async def _send(self, outgoing: Outgoing, connected: Connected, contact: dict[str, str], address: str) -> None:
        assert isinstance(connected.connector, Tells)
        tenant = self.registry.tenant(outgoing.practice_id)
        link = self.links.make(outgoing.practice_id, outgoing.ask_id) if outgoing.ask_id else None
        params = dict(outgoing.params)
        if "questions" in params:
            async with self.registry.pools.reveal.acquire() as connection:
                asks = params["questions"].split(",")
                questions = await outbox.questions_of(connection, outgoing.practice_id, asks)
            params["questions"] = questions_text(tenant.policy, questions, contact["language"])
        try:
            body = words(
                tenant.policy,
                outgoing.text or "",
                params,
                language=contact["language"],
                recipient_zone=contact["time_zone"],
                link=link,
            )
        except NoSuchText as error:
            await self._failed(outgoing, str(error), permanent=False)
            return
        hook = f"{self.hook_base}/hooks/{tenant.practice.slug}/{connected.wiring.connection_id}"
        text = OutgoingText(address, body, outgoing.delivery_id, tenant.practice.name, hook, self.registry.clock.wall())
        if outgoing.resumed and connected.manifest.after_unknown != "resend":
            # A try was begun and its end is not known: never sent twice (E21).
            await self._resumed(outgoing, connected, text)
            return
        async with connected.turn():
            outcome = await connected.connector.tell(text)
        await self._told(outgoing, connected, outcome)

    async def _resumed(self, outgoing: Outgoing, connected: Connected, text: OutgoingText) -> None:
        if not isinstance(connected.connector, Recalls):
            await self._not_known(outgoing, "resumed")
            return
        async with connected.turn():
            found = await connected.connector.recall(text, outgoing.begun_at)
        match found:
            case Gone():
                assert isinstance(connected.connector, Tells)
                async with connected.turn():
                    outcome = await connected.connector.tell(text)
                await self._told(outgoing, connected, outcome)
            case TryLater(reason=reason, after=after) if outgoing.attempts < MOST_ATTEMPTS:
                await self._later(outgoing, reason, after, unknown=True)
            case TryLater(reason=reason) | Refused(reason=reason):
                await self._not_known(outgoing, reason)
            case Delivered():
                await self._told(outgoing, connected, found)

    async def _not_known(self, outgoing: Outgoing, reason: str) -> None:
        """Shown as not known, and the window runs."""
        await self._end(outgoing, "unknown", _reported(outgoing, "unknown", reason, False), code=reason[:200])

    async def _told(self, outgoing: Outgoing, connected: Connected, outcome: Outcome) -> None:
        match outcome:
            case Delivered(ref=ref):
                await self._end(outgoing, "accepted", _reported(outgoing, "accepted", None, False), ref=ref)
            case TryLater(reason=reason, after=after):
                await self._later(outgoing, reason, after)
            case Refused(code=code, permanent_address=permanent):
                await self._failed(outgoing, code, permanent=permanent)
            case Conflict(reason=reason):
                await self._failed(outgoing, reason, permanent=False)
            case Unknown(reason=reason):
                if connected.manifest.after_unknown == "assume_sent":
                    await self._not_known(outgoing, reason)
                else:
                    await self._later(outgoing, reason, LOOK_AGAIN_AFTER, unknown=True)

    # ------------------------------------------------------------------ write-back

    async def _write(self, outgoing: Outgoing) -> None:
        connected = self.registry.connected(outgoing.practice_id, outgoing.connection_id or "")
        patient = None
        async with self.registry.pools.reveal.acquire() as connection:
            copy = await outbox.copy_of(connection, outgoing.practice_id, outgoing.link_id or "")
            if copy is not None and copy.external_id is None and copy.patient_id:
                found = await reveal_person(connection, self.registry.vault, outgoing.practice_id, copy.patient_id)
                patient = _seen_patient(found.given, found.family, found.addresses) if found else None
        if copy is None or copy.wanted is None or copy.state != "waiting":
            await self._end(outgoing, "superseded")
            return
        assert isinstance(connected.connector, Writes)
        content, missing = untranslate(copy.wanted, connected)
        if missing:
            code = f"no mapping for {', '.join(missing)}"
            body = Written(Id(outgoing.link_id or ""), {}, "refused", code=code)
            await self._end(outgoing, "refused", body, code=code)
            return
        seen, _ = untranslate(copy.seen, connected)
        wanted = Wanted(
            outgoing.appointment_id or "",
            content,
            copy.external_id,
            copy.etag,
            seen,
            patient,
            idempotency_key=outgoing.delivery_id,
            sent_at=self.registry.clock.wall(),
        )
        async with connected.turn():
            outcome = await connected.connector.write(wanted)
        await self._written(outgoing, connected, copy, copy.wanted, outcome)

    async def _written(
        self, outgoing: Outgoing, connected: Connected, copy: Copy, wanted: Content, outcome: Outcome
    ) -> None:
        link_id = Id(outgoing.link_id or "")
        match outcome:
            case Delivered(external_id=external_id, etag=etag):
                external_id = external_id or copy.external_id
                order = await self._order_after(outgoing, connected, external_id, etag)
                body = Written(link_id, wanted, "delivered", order, external_id, etag)
                await self._end(outgoing, "delivered", body)
            case Conflict(reason=reason):
                await self._end(outgoing, "failed", Written(link_id, {}, "conflict", code=reason), code=reason)
            case TryLater(reason=reason, after=after):
                await self._later(outgoing, reason, after)
            case Refused(code=code, reason=reason):
                body = Written(link_id, {}, "refused", code=f"{code}: {reason}")
                await self._end(outgoing, "refused", body, code=code)
            case Unknown(reason=reason):
                if copy.external_id is None or connected.manifest.after_unknown == "resend":
                    await self._later(outgoing, reason, None)
                else:
                    await self._end(outgoing, "unknown", Written(link_id, {}, "conflict", code=reason), code=reason)

    async def _order_after(
        self, outgoing: Outgoing, connected: Connected, external_id: str | None, etag: str | None
    ) -> int | None:
        """The order of the copy right after our write: its version's number, or the number the next fetch will have.
        A created copy gets its door here, so that its echo finds the appointment (E5)."""
        wiring = connected.wiring
        if external_id is None:
            return None
        async with self.registry.pools.reveal.acquire() as connection:
            await inbox.open_door(
                connection, wiring.practice_id, wiring.connection_id, external_id, outgoing.appointment_id or ""
            )
            fetches = await outbox.fetches_so_far(connection, wiring.practice_id, wiring.connection_id, external_id)
        digits = "".join(c for c in etag or "" if c.isdigit())
        return int(digits) if connected.manifest.version == "etag" and digits else fetches + 1

    # ------------------------------------------------------------------ calendars

    async def _ask_busy(self, outgoing: Outgoing) -> None:
        connected = self.registry.connected(outgoing.practice_id, outgoing.connection_id or "")
        if outgoing.send_before is not None and self._now() >= outgoing.send_before:
            await self._failed(outgoing, "too_late", permanent=False)
            return
        if not isinstance(connected.connector, TellsBusy):
            raise Unconfigured(f"{outgoing.connection_id} has no calendars")
        staff = {
            external: internal
            for internal in outgoing.params["staff"].split(",")
            if (external := connected.wiring.theirs("actor", internal)) is not None
        }
        begin, end = await self._span(outgoing)
        async with connected.turn():
            got = await connected.connector.busy(sorted(staff), begin, end) if staff else Busy()
        match got:
            case Busy(blocks=blocks):
                found = tuple(
                    Block(
                        resource_id=Id(staff[b.actor]),
                        start_at=b.start_at,
                        end_at=b.end_at,
                        external_id=b.external_id,
                        ours=b.ours,
                        origin=b.origin,
                        transparent=b.transparent,
                        all_day=b.all_day,
                        tentative=b.tentative,
                    )
                    for b in blocks
                    if b.actor in staff
                )
                await self._end(outgoing, "delivered", self._busy(outgoing, found, begin=begin, end=end))
            case TryLater(reason=reason, after=after):
                await self._later(outgoing, reason, after)
            case Refused(code=code):
                await self._failed(outgoing, code, permanent=True)

    async def _span(self, outgoing: Outgoing) -> tuple[datetime, datetime]:
        async with self.registry.pools.reveal.acquire() as connection:
            row = await connection.fetchrow(
                "select start_at, end_at from care.appointments where practice_id = $1 and appointment_id = $2",
                outgoing.practice_id,
                outgoing.appointment_id,
            )
        assert row is not None
        return row[0], row[1]

    def _busy(
        self,
        outgoing: Outgoing,
        blocks: tuple[Block, ...],
        *,
        begin: datetime | None = None,
        end: datetime | None = None,
        failed: str | None = None,
    ) -> BusySeen:
        asked = tuple(Id(s) for s in outgoing.params["staff"].split(","))
        at = self._now()
        return BusySeen(
            outgoing.connection_id or "", Id(outgoing.params["case"]), asked, begin or at, end or at, blocks, failed
        )


def _reported(outgoing: Outgoing, state: str, code: str | None, permanent: bool) -> Reported:
    return Reported(
        Id(outgoing.delivery_id),
        Id(outgoing.ask_id) if outgoing.ask_id else None,
        state,  # type: ignore[arg-type]  # callers pass one of Reported's words
        Id(outgoing.contact_id) if outgoing.contact_id else None,
        code,
        permanent,
    )


def _seen_patient(given: str | None, family: str | None, addresses: tuple[tuple[str, str], ...]) -> SeenPatient:
    by_channel = dict(reversed(addresses))
    return SeenPatient(given=given, family=family, phone=by_channel.get("sms"), email=by_channel.get("email"))
