"""Texts to people: what each needs is read for a whole batch, the vault included, just before the calls; a text whose
first try has no known end is never sent twice (E20, E21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.verbs import OutgoingText, Recalls, Tells
from caredispatch.engine.ending import MOST_ATTEMPTS, Endings, reported
from caredispatch.engine.registry import Connected, Registry
from caredispatch.engine.wording import Links, NoSuchText, questions_text, words
from caredispatch.store import outbox
from caredispatch.store.outbox import Outgoing
from caredispatch.store.people import reveal_addresses

LOOK_AGAIN_AFTER = timedelta(seconds=15)
"""A text that was taken may not be listed at once."""


@dataclass(frozen=True, slots=True, repr=False)
class Recipient:
    """Where one text goes, and whether it still should. `repr` shows nothing."""

    ask_state: str | None
    contact: dict[str, str] | None
    address: str | None

    def __repr__(self) -> str:
        return "Recipient(…)"


class Teller:
    """Sends texts. Reads the vault as `caredispatch_reveal`."""

    def __init__(self, registry: Registry, links: Links, hook_base: str, endings: Endings) -> None:
        self.registry = registry
        self.links = links
        self.hook_base = hook_base.rstrip("/")
        self.endings = endings

    async def recipients(self, texts: Sequence[Outgoing]) -> dict[str, Recipient]:
        """Everything about the recipients of some texts, by delivery."""
        found: dict[str, Recipient] = {}
        if not texts:
            return found
        async with self.registry.pools.reveal.acquire() as connection:
            for practice_id in {t.practice_id for t in texts}:
                mine = [t for t in texts if t.practice_id == practice_id]
                asks = [t.ask_id for t in mine if t.ask_id]
                contacts = [t.contact_id for t in mine if t.contact_id]
                states = await outbox.ask_states(connection, practice_id, asks)
                rows = await outbox.contacts_of(connection, practice_id, contacts)
                addresses = await reveal_addresses(connection, self.registry.vault, practice_id, contacts)
                for t in mine:
                    contact_id = t.contact_id or ""
                    found[t.delivery_id] = Recipient(
                        states.get(t.ask_id or ""), rows.get(contact_id), addresses.get(contact_id)
                    )
        return found

    async def tell(self, outgoing: Outgoing, to: Recipient) -> None:
        """Send one text, or end it without where nobody should get it any more."""
        if outgoing.send_before is not None and self.registry.clock.now() >= outgoing.send_before:
            await self.endings.failed(outgoing, "too_late", permanent=False)
            return
        if to.ask_state is not None and to.ask_state not in ("pending", "sent"):
            await self.endings.end(outgoing, "withdrawn")
            return
        connected = self.registry.channel(outgoing.practice_id, to.contact["channel"]) if to.contact else None
        if to.contact is None or connected is None or to.address is None or to.contact["status"] != "usable":
            await self.endings.failed(outgoing, "no_way", permanent=False)
            return
        try:
            text = await self._text(outgoing, connected, to.contact, to.address)
        except NoSuchText as error:
            await self.endings.failed(outgoing, str(error), permanent=False)
            return
        if outgoing.resumed and connected.manifest.after_unknown != "resend":
            await self._resume(outgoing, connected, text)
        else:
            await self._send(outgoing, connected, text)

    async def _text(
        self, outgoing: Outgoing, connected: Connected, contact: dict[str, str], address: str
    ) -> OutgoingText:
        """The words, the last moment before they leave. The same at every try. Raises NoSuchText."""
        tenant = self.registry.tenant(outgoing.practice_id)
        link = self.links.make(outgoing.practice_id, outgoing.ask_id) if outgoing.ask_id else None
        params = dict(outgoing.params)
        if "questions" in params:
            async with self.registry.pools.reveal.acquire() as connection:
                asks = params["questions"].split(",")
                questions = await outbox.questions_of(connection, outgoing.practice_id, asks)
            params["questions"] = questions_text(tenant.policy, questions, contact["language"])
        body = words(
            tenant.policy,
            outgoing.text or "",
            params,
            language=contact["language"],
            recipient_zone=contact["time_zone"],
            link=link,
        )
        hook = f"{self.hook_base}/hooks/{tenant.practice.slug}/{connected.wiring.connection_id}"
        wall = self.registry.clock.wall()
        return OutgoingText(address, body, outgoing.delivery_id, tenant.practice.name, hook, wall)

    async def _send(self, outgoing: Outgoing, connected: Connected, text: OutgoingText) -> None:
        assert isinstance(connected.connector, Tells)
        try:
            outcome = await connected.call(connected.connector.tell(text))
        except TimeoutError:
            outcome = Unknown("no answer in time")
        await self._told(outgoing, connected, outcome)

    async def _told(self, outgoing: Outgoing, connected: Connected, outcome: Outcome) -> None:
        match outcome:
            case Delivered(ref=ref):
                await self.endings.end(outgoing, "accepted", reported(outgoing, "accepted", None, False), ref=ref)
            case TryLater(reason=reason, after=after):
                await self.endings.later(outgoing, reason, after)
            case Refused(code=code, permanent_address=permanent):
                await self.endings.failed(outgoing, code, permanent=permanent)
            case Conflict(reason=reason):
                await self.endings.failed(outgoing, reason, permanent=False)
            case Unknown(reason=reason):
                if connected.manifest.after_unknown == "assume_sent":
                    await self._not_known(outgoing, reason)
                else:
                    await self.endings.later(outgoing, reason, LOOK_AGAIN_AFTER, unknown=True)

    async def _resume(self, outgoing: Outgoing, connected: Connected, text: OutgoingText) -> None:
        """An earlier try has no known end: look for the text before it is sent again (E21)."""
        if not isinstance(connected.connector, Recalls):
            await self._not_known(outgoing, "resumed")
            return
        try:
            found = await connected.call(connected.connector.recall(text, outgoing.begun_at))
        except TimeoutError:
            found = TryLater("no answer in time")
        match found:
            case Gone():
                await self._send(outgoing, connected, text)
            case TryLater(reason=reason, after=after) if outgoing.attempts < MOST_ATTEMPTS:
                await self.endings.later(outgoing, reason, after, unknown=True)
            case TryLater(reason=reason) | Refused(reason=reason):
                await self._not_known(outgoing, reason)
            case Delivered():
                await self._told(outgoing, connected, found)

    async def _not_known(self, outgoing: Outgoing, reason: str) -> None:
        """Shown as not known, and the window runs."""
        await self.endings.end(outgoing, "unknown", reported(outgoing, "unknown", reason, False), code=reason)
