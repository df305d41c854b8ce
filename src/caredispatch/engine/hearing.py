"""What people answer by text, and what carriers say of ours: whose words they are, and what they are about (D5, D22,
D23, D26). Runs where `understanding` does, outside any deciding transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from caredispatch.contract.seen import SeenReply, SeenReport
from caredispatch.core.ids import Id, make_id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import Answered, Hit, Observation, Reported, Settled, TextReceived
from caredispatch.core.replies import Context, Reply, read_reply
from caredispatch.engine.announcing import MOST_LATE, announced, answers_to_several
from caredispatch.engine.registry import Connected, Registry
from caredispatch.store import inbox, outbox
from caredispatch.store.contacts import is_reached, keep_stranger, who_is
from caredispatch.store.identities import number_of
from caredispatch.store.inbox import Arrived
from caredispatch.store.merging import also_of
from caredispatch.store.others import proposed_of, soon_of
from caredispatch.store.outbox import SentText
from caredispatch.store.pools import Connection


class Hearing:
    """Turns replies and delivery reports into arrived observations."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def reply(
        self, connection: Connection, connected: Connected, seen: SeenReply, notice_id: str | None, now: datetime
    ) -> list[Arrived]:
        wiring = connected.wiring
        channel = connected.manifest.channel or "sms"
        address = number_of(seen.sender) if channel == "sms" else seen.sender.lower()
        people = await who_is(connection, self.registry.vault, wiring.practice_id, channel, address or seen.sender)
        text_id = make_id("text", wiring.practice_id, wiring.connection_id, seen.external_id)
        await self.registry.vault.put_payload(connection, wiring.practice_id, text_id, seen.text.encode())
        also = await also_of(connection, wiring.practice_id, people[0][0]) if people else []
        open_asks = await inbox.open_asks(connection, wiring.practice_id, people[0][0], also) if people else []
        policy = self.registry.tenant(wiring.practice_id).policy
        staff = bool(people) and people[0][1] in policy.directory.staff
        if staff:
            await is_reached(connection, wiring.practice_id, people[0][0])
        reply = read_reply(
            seen.text,
            context_of(len(open_asks), staff, times=any(a[3] for a in open_asks)),
            crisis_words=policy.playbook.crisis_words,
        )
        if seen.carrier == "opt_out" and reply.label != "crisis":
            reply = Reply("opt_out", "carrier", carrier_word=True)
        if not people and reply.label == "crisis":
            # Whoever it is, they are answered (D23).
            answered = address or seen.sender
            kept = await keep_stranger(connection, self.registry.vault, wiring.practice_id, channel, answered, now)
            people = [kept]
        if not people:
            # A keyed hash: a telephone number is found again from any other by trying all (promise 8).
            hashed = self.registry.vault.key.hash("stranger", address or seen.sender)
            contact = make_id("stranger", wiring.practice_id, hashed.hex())
            body = TextReceived(contact, contact, reply.label, (), text_id, reply.carrier_word)
            return [Arrived(wiring.practice_id, contact, body, now, notice_id)]
        several = answers_to_several(seen.text, open_asks, channel, text_id) if staff else []
        if several:
            return [Arrived(wiring.practice_id, visit, body, now, notice_id) for visit, body in several]
        said = await self._no_answer(connection, wiring.practice_id, people[0], seen, reply, text_id)
        if said is not None:
            return [Arrived(wiring.practice_id, *said, now, notice_id)]
        subject, answer = resolve(reply, open_asks, people[0], text_id, channel)
        return [Arrived(wiring.practice_id, subject, answer, now, notice_id)]

    async def _no_answer(
        self, connection: Connection, practice_id: str, who: tuple[str, str], seen: SeenReply, reply: Reply, text_id: Id
    ) -> tuple[str, Observation] | None:
        """What somebody says that is no answer to a question about a visit, with its subject."""
        if who[1] in self.registry.tenant(practice_id).policy.directory.staff:
            return await self._staff_said(connection, practice_id, who, seen, reply, text_id)
        return await self._late(connection, practice_id, who[1], reply, text_id)

    async def _late(
        self, connection: Connection, practice_id: str, person_id: str, reply: Reply, text_id: Id
    ) -> tuple[str, Observation] | None:
        """A patient comes late to the one visit of theirs that begins about now (D13); else a person reads it."""
        if reply.label != "late" or not reply.minutes or reply.minutes > MOST_LATE:
            return None
        soon = await soon_of(connection, practice_id, person_id, self.registry.clock.now())
        if len(soon) != 1:
            return None
        return soon[0], Hit(text_id, "patient_late", minutes=reply.minutes)

    async def _staff_said(
        self,
        connection: Connection,
        practice_id: str,
        who: tuple[str, str],
        seen: SeenReply,
        reply: Reply,
        text_id: Id,
    ) -> tuple[str, Observation] | None:
        """What somebody of the staff says that is no answer to a question about a visit (D26): that they are out or
        late, or that what was understood of it is right."""
        contact, person = Id(who[0]), Id(who[1])
        directory = self.registry.tenant(practice_id).policy.directory
        now = self.registry.clock.now()
        body = announced(read_reply(seen.text, "none"), directory.staff[person], contact, text_id, directory, now)
        if body is not None:
            return incident_of(Id(practice_id), body), body
        if reply.label not in ("yes", "no") or reply.number is not None:
            return None
        proposed = await proposed_of(connection, practice_id, contact)
        if proposed is None:
            return None
        if proposed[1]:
            # Two things wait for an answer, and which was meant is a guess: a person reads it (D22).
            return contact, TextReceived(contact, person, "human", (), text_id)
        return proposed[0], Settled("yes" if reply.label == "yes" else "no", directory.staff[person].handle)

    async def report(
        self, connection: Connection, connected: Connected, seen: SeenReport, notice_id: str | None, now: datetime
    ) -> list[Arrived]:
        practice_id = connected.wiring.practice_id
        texts = await outbox.sent_texts(connection, practice_id, seen.ref)
        if seen.state == "delivered" and texts and texts[0].contact_id:
            await is_reached(connection, practice_id, texts[0].contact_id)
        arrived: list[Arrived] = []
        for text in texts:
            if seen.state != "sent" or text.state not in ("accepted", "delivered"):
                subject = text.appointment_id or text.contact_id or text.delivery_id
                arrived.append(Arrived(practice_id, subject, _reported(text, seen), now, notice_id))
        return arrived


def _reported(text: SentText, seen: SeenReport) -> Reported:
    """What a carrier says became of one of our texts."""
    states = {"sent": "accepted", "delivered": "delivered", "failed": "failed"}
    return Reported(
        Id(text.delivery_id),
        Id(text.ask_id) if text.ask_id else None,
        states[seen.state],  # type: ignore[arg-type]  # the three above are Reported's
        Id(text.contact_id) if text.contact_id else None,
        seen.code,
        seen.permanent,
    )


def resolve(
    reply: Reply, open_asks: Sequence[tuple[str, str, int, bool]], who: tuple[str, str], text_id: Id, channel: str
) -> tuple[str, Observation]:
    """Which question a text answers: the one that is open, or the one it numbers; else it stays the contact's (D5).
    `open_asks` are (ask, appointment, number, choice); `who` is (contact, person)."""
    matching = [a for a in open_asks if reply.number is None or a[2] == reply.number or len(open_asks) == 1]
    if len(matching) == 1:
        ask_id, appointment_id, _, _ = matching[0]
        word = reply.carrier_word
        return appointment_id, Answered(
            Id(ask_id), reply.label, channel, reply.choice, text_id=text_id, carrier_word=word
        )
    asks = tuple(Id(a[0]) for a in open_asks)
    # Two questions of one number (a sibling's, another record's): asking back would go round in a circle.
    label = "human" if len(matching) > 1 and reply.number is not None and reply.label in ("yes", "no") else reply.label
    return who[0], TextReceived(Id(who[0]), Id(who[1]), label, asks, text_id, reply.carrier_word)


def context_of(questions: int, staff: bool, *, times: bool) -> Context:
    """What stands open with who wrote: a text is read against it. Where there are `times` to choose from, a number
    alone is one of them."""
    if questions != 1:
        return "two_open" if questions else "none"
    if times:
        return "patient_offer"
    return "staff_ask" if staff else "patient_confirm"
