"""Texts to people: what each needs is read for a whole batch, the vault included, just before the calls; a text whose
first try has no known end is never sent twice (E20, E21)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.verbs import OutgoingText, Recalls, Tells
from caredispatch.core.observation import Reported
from caredispatch.engine.ending import MOST_ATTEMPTS, Endings, reported
from caredispatch.engine.registry import NOT_KNOWN, NOT_READ, Connected, Registry
from caredispatch.engine.wording import Links, NoSuchText, questions_text, words
from caredispatch.store import outbox
from caredispatch.store.joined import Listed, join
from caredispatch.store.outbox import Ended, Outgoing
from caredispatch.store.people import Recipient, recipients

LOOK_AGAIN_AFTER = timedelta(seconds=15)
"""A text that was taken may not be listed at once."""


class Teller:
    """Sends texts. Reads the vault as `caredispatch_reveal`."""

    def __init__(self, registry: Registry, links: Links, hook_base: str, endings: Endings) -> None:
        self.registry = registry
        self.links = links
        self.hook_base = hook_base.rstrip("/")
        self.endings = endings

    async def recipients(self, texts: Sequence[Outgoing]) -> dict[str, Recipient]:
        """Everything about the recipients of some texts, by delivery."""
        if not texts:
            return {}
        async with self.registry.pools.reveal.acquire() as connection:
            wanted = [(t.practice_id, t.delivery_id, t.ask_id, t.contact_id) for t in texts]
            return await recipients(connection, self.registry.vault, wanted)

    async def tell(self, outgoing: Outgoing, to: Recipient) -> Ended:
        """Send one text, or end it without where nobody should get it any more."""
        if outgoing.send_before is not None and self.registry.clock.now() >= outgoing.send_before:
            return self.endings.failed(outgoing, "too_late", permanent=False)
        if to.ask_state is not None and to.ask_state not in ("pending", "sent"):
            return self.endings.end(outgoing, "withdrawn")
        connected = self.registry.channel(outgoing.practice_id, to.channel) if to.channel else None
        if connected is None or to.address is None or to.status != "usable":
            return self.endings.failed(outgoing, "no_way", permanent=False)
        listed = await self._listed(outgoing)
        try:
            text = await self._text(outgoing, connected, to, to.address, listed)
        except NoSuchText as error:
            return self._of_all(self.endings.failed(outgoing, str(error), permanent=False), listed)
        if outgoing.resumed and connected.manifest.after_unknown != "resend":
            return self._of_all(await self._resume(outgoing, connected, text), listed)
        return self._of_all(await self._send(outgoing, connected, text), listed)

    async def _listed(self, outgoing: Outgoing) -> list[Listed]:
        """The questions that this message asks, where it may be several (E18)."""
        if "together" not in outgoing.params or outgoing.contact_id is None:
            return []
        async with self.registry.pools.reveal.acquire() as connection:
            return await join(
                connection,
                outgoing.practice_id,
                outgoing.delivery_id,
                outgoing.ordering_key,
                outgoing.contact_id,
                outgoing.params["together"],
                self.registry.clock.now(),
                resumed=outgoing.resumed,
            )

    @staticmethod
    def _of_all(ended: Ended, listed: list[Listed]) -> Ended:
        """What became of the message became of every question in it."""
        others = [one for one in listed if one.delivery_id != ended.outgoing.delivery_id]
        more = tuple(
            replace(
                a, subject_id=one.appointment_id, body=replace(a.body, delivery_id=one.delivery_id, ask_id=one.ask_id)
            )
            for one in others
            for a in ended.arrived
            if isinstance(a.body, Reported)
        )
        return replace(ended, arrived=ended.arrived + more)

    async def _text(
        self, outgoing: Outgoing, connected: Connected, to: Recipient, address: str, listed: list[Listed]
    ) -> OutgoingText:
        """The words, the last moment before they leave. The same at every try. Raises NoSuchText."""
        tenant = self.registry.tenant(outgoing.practice_id)
        link = self.links.make(outgoing.practice_id, outgoing.ask_id) if outgoing.ask_id else None
        params = dict(outgoing.params)
        if "questions" in params:
            async with self.registry.pools.reveal.acquire() as connection:
                asks = params["questions"].split(",")
                questions = await outbox.questions_of(connection, outgoing.practice_id, asks)
            params["questions"] = questions_text(tenant.policy, questions, to.language)
        several = len(listed) > 1
        if several:
            shown = [(one.number, one.start_at, one.location) for one in listed]
            params |= {"questions": questions_text(tenant.policy, shown, to.language), "count": str(len(listed))}
        body = words(
            tenant.policy,
            f"{outgoing.text}_together" if several else outgoing.text or "",
            params,
            language=to.language,
            recipient_zone=to.time_zone,
            link=link,
        )
        hook = f"{self.hook_base}/hooks/{tenant.practice.slug}/{connected.wiring.connection_id}"
        wall = self.registry.clock.wall()
        return OutgoingText(address, body, outgoing.delivery_id, tenant.practice.name, hook, wall)

    async def _send(self, outgoing: Outgoing, connected: Connected, text: OutgoingText) -> Ended:
        assert isinstance(connected.connector, Tells)
        return self._told(outgoing, connected, await connected.call(connected.connector.tell(text), NOT_KNOWN))

    def _told(self, outgoing: Outgoing, connected: Connected, outcome: Outcome) -> Ended:
        match outcome:
            case Delivered(ref=ref):
                return self.endings.end(outgoing, "accepted", reported(outgoing, "accepted", None, False), ref=ref)
            case TryLater(reason=reason, after=after):
                return self.endings.later(outgoing, reason, after)
            case Refused(code=code, permanent_address=permanent):
                return self.endings.failed(outgoing, code, permanent=permanent)
            case Conflict(reason=reason):
                return self.endings.failed(outgoing, reason, permanent=False)
            case Unknown(reason=reason):
                if connected.manifest.after_unknown == "assume_sent":
                    return self._not_known(outgoing, reason)
                return self.endings.later(outgoing, reason, LOOK_AGAIN_AFTER, unknown=True)

    async def _resume(self, outgoing: Outgoing, connected: Connected, text: OutgoingText) -> Ended:
        """An earlier try has no known end: look for the text before it is sent again (E21)."""
        if not isinstance(connected.connector, Recalls):
            return self._not_known(outgoing, "resumed")
        found = await connected.call(connected.connector.recall(text, outgoing.begun_at), NOT_READ)
        match found:
            case Gone():
                return await self._send(outgoing, connected, text)
            case TryLater(reason=reason, after=after) if outgoing.attempts < MOST_ATTEMPTS:
                return self.endings.later(outgoing, reason, after, unknown=True)
            case TryLater(reason=reason) | Refused(reason=reason):
                return self._not_known(outgoing, reason)
            case Delivered():
                return self._told(outgoing, connected, found)

    def _not_known(self, outgoing: Outgoing, reason: str) -> Ended:
        """Shown as not known, and the window runs."""
        return self.endings.end(outgoing, "unknown", reported(outgoing, "unknown", reason, False), code=reason)
