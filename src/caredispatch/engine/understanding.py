"""From what a connector reports to observations: external ids become ours, identity goes into the vault, each thing
finds its door (E1, E5, D8). Runs outside any deciding transaction; commits its result with the notice in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
from caredispatch.core.ids import make_id
from caredispatch.core.merge import is_news
from caredispatch.core.observation import (
    AppointmentSeen,
    Mode,
    NoticeFailed,
    VolumeSeen,
)
from caredispatch.engine.hearing import Hearing
from caredispatch.engine.registry import Connected, Registry
from caredispatch.engine.translating import translate
from caredispatch.store import doors, inbox, outbox, polling
from caredispatch.store.doors import KnownCopy
from caredispatch.store.identities import RIGHTS_OF, Identity, Record, Related, number_of
from caredispatch.store.inbox import Arrived
from caredispatch.store.people import patient_keys
from caredispatch.store.pools import Connection

VOLUME_MINUTES = 10


@dataclass(frozen=True, slots=True)
class Report:
    """One thing a connector reported, with the notice that it came in and, for a fetch, its number (E3). It changed at
    `changed_at` at the earliest, where that is before it was received (D35)."""

    seen: Seen
    notice_id: str | None = None
    fetch_number: int | None = None
    received_at: datetime | None = None
    changed_at: datetime | None = None


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


class Understanding:
    """Turns reports of one connection into arrived observations."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.hearing = Hearing(registry)

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
                    found += await self.hearing.reply(connection, connected, report.seen, report.notice_id, now)
                case SeenReport():
                    found += await self.hearing.report(connection, connected, report.seen, report.notice_id, now)
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
            at = one.report.received_at or now
            outside_at = min(one.seen.changed_at or one.report.changed_at or at, at)
            arrived.append(Arrived(wiring.practice_id, subject, body, at, one.report.notice_id, outside_at))
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

    async def too_early(self, connection: Connection, practice_id: str, reports: Sequence[Report]) -> set[str]:
        """The notices that report of a text that we don't know: somebody else's, or one whose taking we have not
        committed yet. A report may be faster than that."""
        of = {r.seen.ref: r.notice_id for r in reports if isinstance(r.seen, SeenReport) and r.notice_id}
        if not of:
            return set()
        known = await outbox.known_refs(connection, practice_id, list(of))
        return {notice_id for ref, notice_id in of.items() if ref not in known}


def order_of(connected: Connected, seen: SeenAppointment, report: Report) -> int:
    """The number by which one copy's observations are ordered (E3)."""
    if connected.manifest.version == "fetch" or seen.order is None:
        return report.fetch_number or 1
    return seen.order
