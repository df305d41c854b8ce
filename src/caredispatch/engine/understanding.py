"""From what a connector reports to observations: external ids become ours, identity goes into the vault, each thing
finds its door (E1, E5, D8). Runs outside any deciding transaction; commits its result with the notice in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import phonenumbers

from caredispatch.contract.seen import (
    Seen,
    SeenAppointment,
    SeenContact,
    SeenPatient,
    SeenRecord,
    SeenReply,
    SeenReport,
)
from caredispatch.core.content import Content, instant_of
from caredispatch.core.ids import Id, make_id
from caredispatch.core.incidents import incident_of
from caredispatch.core.merge import is_news
from caredispatch.core.observation import (
    Answered,
    AppointmentSeen,
    Hit,
    Mode,
    NoticeFailed,
    Observation,
    Reported,
    Settled,
    TextReceived,
    VolumeSeen,
)
from caredispatch.core.replies import Context, Reply, read_reply
from caredispatch.engine.announcing import MOST_LATE, announced, answers_to_several
from caredispatch.engine.registry import Connected, Registry
from caredispatch.engine.translating import translate
from caredispatch.store import doors, inbox, outbox, polling
from caredispatch.store.contacts import is_reached, keep_stranger, who_is
from caredispatch.store.doors import KnownCopy
from caredispatch.store.identities import RIGHTS_OF, Identity, Record, Related
from caredispatch.store.inbox import Arrived
from caredispatch.store.merging import also_of
from caredispatch.store.others import proposed_of, soon_of
from caredispatch.store.outbox import SentText
from caredispatch.store.people import patient_keys
from caredispatch.store.pools import Connection

VOLUME_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a connector reported, with the notice that it came in and, for a fetch, its number (E3)."""

    seen: Seen
    notice_id: str | None = None
    fetch_number: int | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One appointment as a system shows it, in our ids."""

    report: Report
    seen: SeenAppointment
    content: Content
    unmapped: tuple[str, ...]

    def stands_in(self, known: dict[str, KnownCopy]) -> bool:
        """Whether it was last seen just like that."""
        copy = known.get(self.seen.external_id)
        return copy is not None and copy.seen == self.content

    def is_news(self, known: dict[str, KnownCopy]) -> bool:
        """Whether it is a change of theirs: new there, or neither seen before nor the echo of what we sent."""
        copy = known.get(self.seen.external_id)
        return copy is None or is_news(self.content, copy.seen, copy.sent)


def identity_of(seen: SeenPatient, time_zone: str, consent: str | None) -> Identity:
    """An identity, normalised: number in E.164 (US where no country is given), address in lower case."""
    return Identity(
        external_id=seen.external_id,
        given=seen.given,
        family=seen.family,
        birth_date=seen.birth_date.isoformat() if seen.birth_date else None,
        phone=number_of(seen.phone),
        email=seen.email.strip().lower() if seen.email and "@" in seen.email else None,
        language=seen.language,
        time_zone=time_zone,
        consent=consent,
        record=_record_of(seen.record, time_zone, consent) if seen.record else None,
    )


def _record_of(seen: SeenRecord, time_zone: str, consent: str | None) -> Record:
    after = seen.replaced_by
    return Record(
        replaced_by=identity_of(after, time_zone, consent) if after else None,
        replaces=seen.replaces,
        contacts=tuple(_related_of(each) for each in seen.contacts),
        state=seen.state,
    )


def _related_of(seen: SeenContact) -> Related:
    email = seen.email.strip().lower() if seen.email and "@" in seen.email else None
    phone, rights = number_of(seen.phone), RIGHTS_OF[seen.relation]
    return Related(seen.relation, phone, email, seen.language, rights, seen.until)


def number_of(text: str | None) -> str | None:
    """A telephone number in E.164, or None when it is none."""
    if not text:
        return None
    try:
        number = phonenumbers.parse(text, "US")
    except phonenumbers.NumberParseException:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class Understanding:
    """Turns reports of one connection into arrived observations."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def arrived(self, connection: Connection, connected: Connected, reports: Sequence[Report]) -> list[Arrived]:
        """The observations that some reports stand for, in order. Reads and writes as `caredispatch_intake`."""
        now = self.registry.clock.now()
        appointments = [r for r in reports if isinstance(r.seen, SeenAppointment)]
        found: list[Arrived] = []
        if appointments:
            found += await self._appointments(connection, connected, appointments, now)
        for report in reports:
            match report.seen:
                case SeenReply():
                    found += await self._reply(connection, connected, report.seen, report, now)
                case SeenReport():
                    found += await self._report(connection, connected, report.seen, report, now)
                case _:
                    pass
        return found

    # ------------------------------------------------------------------ appointments

    async def differing(
        self, connection: Connection, connected: Connected, listed: Sequence[SeenAppointment]
    ) -> list[str]:
        """The external ids of a listing that do not stand there as they were last seen."""
        wiring = connected.wiring
        ids = [one.external_id for one in listed]
        known = await doors.known_copies(connection, wiring.practice_id, wiring.connection_id, ids)
        found = []
        for one in listed:
            copy = known.get(one.external_id)
            content, _ = translate(one.content, connected)
            if copy is None or any(copy.seen.get(key) != value for key, value in content.items()):
                found.append(one.external_id)
        return found

    async def mode(
        self, connection: Connection, connected: Connected, changes: int, now: datetime
    ) -> tuple[Mode, list[Arrived]]:
        """Whether what is seen may fire (D8): not in a first load, and not above the usual volume of the source's own
        changes."""
        wiring = connected.wiring
        if not await polling.is_loaded(connection, wiring):
            return "first_load", []
        if not changes:
            return "live", []
        bucket = now.replace(minute=now.minute - now.minute % VOLUME_MINUTES, second=0, microsecond=0)
        so_far = await inbox.count_changes(connection, wiring.practice_id, wiring.connection_id, bucket, changes)
        if so_far <= wiring.burst_floor:
            return "live", []
        usual = await inbox.usual_changes(connection, wiring.practice_id, wiring.connection_id, bucket)
        if so_far <= 3 * usual:
            return "live", []
        key = bucket.isoformat()
        seen = VolumeSeen(wiring.connection_id, so_far, usual, key)
        subject = make_id("volume", wiring.practice_id, wiring.connection_id, key)
        return "held", [Arrived(wiring.practice_id, subject, seen, now)]

    async def _appointments(
        self, connection: Connection, connected: Connected, reports: Sequence[Report], now: datetime
    ) -> list[Arrived]:
        wiring = connected.wiring
        tenant = self.registry.tenant(wiring.practice_id)
        whole = [
            (r, r.seen, *translate(r.seen.content, connected)) for r in reports if isinstance(r.seen, SeenAppointment)
        ]
        zones = {code: site.time_zone for code, site in tenant.policy.directory.locations.items()}
        identities = [
            identity_of(
                seen.patient or SeenPatient(),
                zones.get(content.get("location", ""), tenant.practice.time_zone),
                wiring.consent,
            )
            for _, seen, content, _ in whole
        ]
        keys = await patient_keys(
            connection, self.registry.vault, wiring.practice_id, wiring.connection_id, identities, now
        )
        read = [
            _Read(report, seen, {**content, "patient": patient} if patient else content, unmapped)
            for (report, seen, content, unmapped), patient in zip(whole, keys, strict=True)
        ]
        ids = [one.seen.external_id for one in read]
        known = await doors.known_copies(connection, wiring.practice_id, wiring.connection_id, ids)
        # A poll lists the same things again and again: what was seen there already is nothing new (D8).
        read = [one for one in read if one.report.notice_id or not one.stands_in(known)]
        mode, arrived = await self.mode(connection, connected, sum(one.is_news(known) for one in read), now)
        leads = {external_id: copy.appointment_id for external_id, copy in known.items()}
        leads |= await self._new_doors(
            connection, connected, [one for one in read if one.seen.external_id not in known]
        )
        for one in read:
            if one.seen.external_id not in leads:
                arrived.append(self._which_visit(connected, one, now))
                continue
            body = AppointmentSeen(
                connection_id=wiring.connection_id,
                external_id=one.seen.external_id,
                content=one.content,
                order=order_of(connected, one.seen, one.report),
                etag=one.seen.etag,
                initiator=one.seen.initiator,
                unmapped=one.unmapped,
                mode=mode,
                changed_at=one.seen.changed_at,
            )
            subject = leads[one.seen.external_id]
            arrived.append(
                Arrived(wiring.practice_id, subject, body, one.report.received_at or now, one.report.notice_id)
            )
        return arrived

    async def _new_doors(self, connection: Connection, connected: Connected, new: list[_Read]) -> dict[str, str]:
        """Which appointment each copy belongs to that was not known (E5): ours by the id it carries; the one visit of
        that patient at that time; a new one where there is none; nowhere where there are several."""
        if not new:
            return {}
        wiring = connected.wiring
        same = await self._same_visits(connection, connected, new)
        wanted: dict[str, str] = {}
        for one in (each.seen for each in new):
            fits = same.get(one.external_id, [])
            if one.ours is not None and await doors.is_ours(connection, wiring.practice_id, one.ours):
                wanted[one.external_id] = one.ours
            elif not fits:
                fresh = make_id("appointment", wiring.practice_id, wiring.connection_id, one.external_id)
                wanted[one.external_id] = fresh
            elif len(fits) == 1:
                wanted[one.external_id] = fits[0]
        return await doors.open_all(connection, wiring.practice_id, wiring.connection_id, wanted)

    def _which_visit(self, connected: Connected, one: _Read, now: datetime) -> Arrived:
        """A copy that fits several visits: a person must say which (E5)."""
        wiring, external_id = connected.wiring, one.seen.external_id
        key = make_id("which visit", wiring.practice_id, wiring.connection_id, external_id)
        reason = "several visits of this patient stand at that time: end all but one, then change it there once more"
        body = NoticeFailed(wiring.connection_id, key, "not_understood", reason, external_id)
        return Arrived(wiring.practice_id, key, body, now, one.report.notice_id)

    async def _same_visits(
        self, connection: Connection, connected: Connected, new: list[_Read]
    ) -> dict[str, list[str]]:
        wiring = connected.wiring
        if len(self.registry.tenant(wiring.practice_id).connections) < 2:
            return {}
        copies = {
            one.seen.external_id: (
                one.content["patient"],
                instant_of(one.content["start_at"]),
                one.content.get("actor.provider"),
            )
            for one in new
            if "patient" in one.content and "start_at" in one.content
        }
        return await doors.same_visits(connection, wiring.practice_id, wiring.connection_id, copies)

    # ------------------------------------------------------------------ answers and reports

    async def too_early(self, connection: Connection, practice_id: str, reports: Sequence[Report]) -> set[str]:
        """The notices that report of a text that we don't know: somebody else's, or one whose taking we have not
        committed yet. A report may be faster than that."""
        of = {r.seen.ref: r.notice_id for r in reports if isinstance(r.seen, SeenReport) and r.notice_id}
        if not of:
            return set()
        known = await outbox.known_refs(connection, practice_id, list(of))
        return {notice_id for ref, notice_id in of.items() if ref not in known}

    async def _reply(
        self, connection: Connection, connected: Connected, seen: SeenReply, report: Report, now: datetime
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
            return [Arrived(wiring.practice_id, contact, body, now, report.notice_id)]
        several = answers_to_several(seen.text, open_asks, channel, text_id) if staff else []
        if several:
            return [Arrived(wiring.practice_id, visit, body, now, report.notice_id) for visit, body in several]
        said = await self._no_answer(connection, wiring.practice_id, people[0], seen, reply, text_id)
        if said is not None:
            return [Arrived(wiring.practice_id, *said, now, report.notice_id)]
        subject, answer = resolve(reply, open_asks, people[0], text_id, channel)
        return [Arrived(wiring.practice_id, subject, answer, now, report.notice_id)]

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

    async def _report(
        self, connection: Connection, connected: Connected, seen: SeenReport, report: Report, now: datetime
    ) -> list[Arrived]:
        practice_id = connected.wiring.practice_id
        texts = await outbox.sent_texts(connection, practice_id, seen.ref)
        if seen.state == "delivered" and texts and texts[0].contact_id:
            await is_reached(connection, practice_id, texts[0].contact_id)
        arrived: list[Arrived] = []
        for text in texts:
            if seen.state != "sent" or text.state not in ("accepted", "delivered"):
                subject = text.appointment_id or text.contact_id or text.delivery_id
                arrived.append(Arrived(practice_id, subject, _reported(text, seen), now, report.notice_id))
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


def order_of(connected: Connected, seen: SeenAppointment, report: Report) -> int:
    """The number by which one copy's observations are ordered (E3)."""
    if connected.manifest.version == "fetch" or seen.order is None:
        return report.fetch_number or 1
    return seen.order
