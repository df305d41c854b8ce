"""Write-back: a copy is made equal to what its link wants, read when it is sent, with the version that was last seen
(E4, E5, E19). A candidate's time is held, and given back, in the same way (D19)."""

from __future__ import annotations

from collections.abc import Sequence

from caredispatch.contract.outcome import Conflict, Delivered, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.seen import SeenPatient
from caredispatch.contract.verbs import Holds, Slot, Wanted, WantedHold, Writes
from caredispatch.core.content import Content, instant_of
from caredispatch.core.ids import Id
from caredispatch.core.observation import Held, Written
from caredispatch.engine.ending import Endings
from caredispatch.engine.registry import NOT_KNOWN, Connected, Registry, Unconfigured
from caredispatch.engine.translating import untranslate
from caredispatch.store import doors, outbox
from caredispatch.store.outbox import Copy, Ended, Outgoing
from caredispatch.store.people import Revealed, reveal_person


class Writer:
    """Writes copies. Reads a patient's identity only for a create."""

    def __init__(self, registry: Registry, endings: Endings) -> None:
        self.registry = registry
        self.endings = endings

    async def write(self, outgoing: Outgoing) -> Ended:
        """Write one copy, unless the record has moved on."""
        connected = self.registry.connected(outgoing.practice_id, outgoing.connection_id or "")
        patient = None
        async with self.registry.pools.reveal.acquire() as connection:
            about = outgoing.practice_id, outgoing.appointment_id or "", outgoing.link_id or ""
            copy = await outbox.copy_of(connection, *about)
            if copy is not None and copy.external_id is None and copy.patient_id:
                found = await reveal_person(connection, self.registry.vault, outgoing.practice_id, copy.patient_id)
                patient = _seen_patient(found) if found else None
        if copy is None or copy.wanted is None or copy.state != "waiting":
            return self.endings.end(outgoing, "superseded")
        content, missing = untranslate(copy.wanted, connected)
        if missing:
            code = f"no mapping for {', '.join(missing)}"
            body = Written(Id(outgoing.link_id or ""), {}, "refused", code=code)
            return self.endings.end(outgoing, "refused", body, code=code)
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
            initiator=copy.initiator,
        )
        assert isinstance(connected.connector, Writes)
        outcome = await connected.call(connected.connector.write(wanted), NOT_KNOWN)
        return await self._written(outgoing, connected, copy, copy.wanted, outcome)

    async def hold(self, outgoing: Outgoing) -> Ended:
        """Make what a system holds for a visit equal to what is wanted by now. Doing it again reads first, so a try
        whose end is not known is simply repeated. Who has no calendar there has no time to hold."""
        connection_id, appointment_id = outgoing.connection_id or "", outgoing.appointment_id or ""
        connected = self.registry.connected(outgoing.practice_id, connection_id)
        async with self.registry.pools.reveal.acquire() as connection:
            there = await outbox.hold_of(connection, outgoing.practice_id, connection_id, appointment_id)
        if there is None:
            return self.endings.end(outgoing, "superseded")
        slots = _slots([there.wanted], connected)
        former = _slots(there.placed, connected)
        done = Held(connection_id, there.wanted, "delivered", cleared=there.placed)
        if not slots and not former:
            return self.endings.end(outgoing, "delivered", done, code="no_calendar_there")
        if not isinstance(connected.connector, Holds):
            raise Unconfigured(f"{connection_id} can't hold time")
        wanted = WantedHold(appointment_id, slots, former, there.until)
        return self._held(outgoing, done, await connected.call(connected.connector.hold(wanted), NOT_KNOWN))

    def _held(self, outgoing: Outgoing, done: Held, outcome: Outcome) -> Ended:
        match outcome:
            case Delivered():
                return self.endings.end(outgoing, "delivered", done)
            case TryLater(reason=reason, after=after):
                return self.endings.later(outgoing, reason, after)
            case Conflict(reason=reason) | Unknown(reason=reason):
                return self.endings.later(outgoing, reason, None)
            case Refused(code=code, reason=reason):
                body = Held(done.connection_id, {}, "refused", code=f"{code}: {reason}")
                return self.endings.end(outgoing, "refused", body, code=code)

    async def _written(
        self, outgoing: Outgoing, connected: Connected, copy: Copy, wanted: Content, outcome: Outcome
    ) -> Ended:
        link_id = Id(outgoing.link_id or "")
        match outcome:
            case Delivered(external_id=external_id, etag=etag):
                external_id = external_id or copy.external_id
                order = await self._order_after(outgoing, connected, external_id, etag)
                body = Written(link_id, wanted, "delivered", order, external_id, etag)
                return self.endings.end(outgoing, "delivered", body)
            case Conflict(reason=reason):
                return self.endings.end(outgoing, "failed", Written(link_id, {}, "conflict", code=reason), code=reason)
            case TryLater(reason=reason, after=after):
                return self.endings.later(outgoing, reason, after)
            case Refused(code=code, reason=reason):
                body = Written(link_id, {}, "refused", code=f"{code}: {reason}")
                return self.endings.end(outgoing, "refused", body, code=code)
            case Unknown(reason=reason):
                if copy.external_id is None or connected.manifest.after_unknown == "resend":
                    return self.endings.later(outgoing, reason, None)
                return self.endings.end(outgoing, "unknown", Written(link_id, {}, "conflict", code=reason), code=reason)

    async def _order_after(
        self, outgoing: Outgoing, connected: Connected, external_id: str | None, etag: str | None
    ) -> int | None:
        """The order of the copy right after our write: its version's number, or the number the next fetch will have.
        A created copy gets its door here, so that its echo finds the appointment (E5)."""
        wiring = connected.wiring
        if external_id is None:
            return None
        async with self.registry.pools.reveal.acquire() as connection:
            await doors.open_one(
                connection, wiring.practice_id, wiring.connection_id, external_id, outgoing.appointment_id or ""
            )
            fetches = await outbox.fetches_so_far(connection, wiring.practice_id, wiring.connection_id, external_id)
        digits = "".join(c for c in etag or "" if c.isdigit())
        return int(digits) if connected.manifest.version == "etag" and digits else fetches + 1


def _slots(contents: Sequence[Content], connected: Connected) -> tuple[Slot, ...]:
    """Those people's time, in each calendar that they have there."""
    found: dict[Slot, None] = {}
    for content in contents:
        people = {who for key, who in content.items() if key.startswith("actor.")}
        for calendar, who in sorted(connected.wiring.mappings.get("actor", {}).items()):
            if who in people:
                found[Slot(calendar, instant_of(content["start_at"]), instant_of(content["end_at"]))] = None
    return tuple(found)


def _seen_patient(found: Revealed) -> SeenPatient:
    by_channel = dict(reversed(found.addresses))
    return SeenPatient(
        given=found.given, family=found.family, phone=by_channel.get("sms"), email=by_channel.get("email")
    )
