"""The verbs on a FHIR server. Versions are its own: a write names the one it was read at, a create carries our id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
from pydantic import Field

from caredispatch.connectors.fhir.calendars import appointments, blocks_of, slots
from caredispatch.connectors.fhir.cursor import Cursor, Walk
from caredispatch.connectors.fhir.dialect import dialect_of
from caredispatch.connectors.fhir.normal import changed, content_of, fresh, patient_of, seen_of
from caredispatch.connectors.fhir.patients import find_patient, identities
from caredispatch.connectors.fhir.related import who_of
from caredispatch.connectors.fhir.resources import ID, Appointment
from caredispatch.connectors.fhir.server import Query, Server
from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.reading import Loose, read_json
from caredispatch.contract.seen import Busy, SeenAppointment
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, Malformed, Page, Wanted
from caredispatch.core.content import Content, instant_text

PAST, AHEAD = timedelta(days=1), timedelta(days=60)
NEWEST_FIRST = ("_sort", "-_lastUpdated")
PAGES_EXPIRE = Refused(
    "pages_expire", "the server forgets the pages of a search before they are read: let it keep them longer"
)
KEYS = (
    "start_at",
    "end_at",
    "status",
    "service",
    "location",
    "actor.provider",
    "accepted.provider",
    "accepted.patient",
)


class Made(Loose):
    """What is needed of the answer to a create or update."""

    id: str | None = None
    meta: dict[str, Any] = Field(default_factory=dict)


class Fhir:
    """One server."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._server = Server(settings, http)
        self._slots = settings.yes("slots")
        self._actor = settings.one_of("actor_parameter", "actor", "practitioner")
        self._dialect = dialect_of(settings)
        self._requests = settings.yes("requests")
        self._contacts = who_of(settings)
        self._system = settings["service_system"]
        self._unseen = settings.one_of("patient_search", "post", "get") == "post"

    # ------------------------------------------------------------------ reading

    async def probe(self) -> Health:
        """Whether the server lets us see appointments."""
        return await self._server.probe()

    async def fetch(self, external_id: str) -> SeenAppointment | Gone | TryLater | Refused:
        """One appointment whole, with its patient's identity."""
        found = await self._read(external_id)
        if not isinstance(found, tuple):
            return found
        seen = await self._with_patients([found[1]])
        return seen[0] if isinstance(seen, list) else seen

    async def poll(self, cursor: str | None, now: datetime) -> Page | TryLater | Refused:
        """One page: first of the appointments from yesterday to sixty days ahead and the requests that are open, then
        of whatever changed since, by the server's own clock. What was already reported is left out. The cursor leads
        to the next page for as long as there is one, however long that takes."""
        walk = Walk.read(cursor, now - PAST)
        if walk is None:
            return Refused("bad_cursor", "the place to read on from can't be read: load this connection anew")
        searches = self._searches(walk, now)
        found = await self._server.page(Appointment, "Appointment", searches[walk.search], walk.page)
        match found:
            case Gone():
                anew = walk.begun_anew()
                return Page((), anew.text, complete=False) if anew else PAGES_EXPIRE
            case TryLater() | Refused():
                return found
        news = [each for each in found.items if not walk.since.has(each)]
        seen = await self._with_patients(news)
        if not isinstance(seen, list):
            return seen
        on = walk.after(found.items, found.following, len(searches))
        return Page(tuple(seen), on.text, complete=isinstance(on, Cursor))

    def _searches(self, walk: Walk, now: datetime) -> list[Query]:
        """What a poll looks for, the newest changes first. What has no time yet is found by no search for dates."""
        if not walk.first:
            return [[("_lastUpdated", f"ge{walk.since.instant}"), NEWEST_FIRST]]
        ahead = [("date", f"ge{instant_text(now - PAST)}"), ("date", f"lt{instant_text(now + AHEAD)}"), NEWEST_FIRST]
        return [ahead, [("status", "proposed,waitlist"), NEWEST_FIRST]] if self._requests else [ahead]

    async def busy(self, actors: Sequence[str], start_at: datetime, end_at: datetime) -> Busy | TryLater | Refused:
        """Appointments of some people (`Practitioner/id`), and their busy slots where the settings say so."""
        held = await appointments(self._server, self._actor, actors, start_at, end_at)
        if not isinstance(held, list):
            return held
        found = blocks_of(held, actors)
        if self._slots:
            taken = frozenset(slot.local for each in held for slot in each.slot if slot.local)
            more = await slots(self._server, actors, start_at, end_at, taken)
            if not isinstance(more, list):
                return more
            found += more
        return Busy(tuple(b for b in found if b.start_at < end_at and start_at < b.end_at))

    async def _with_patients(self, held: Sequence[Appointment]) -> list[SeenAppointment] | TryLater:
        """Each with its patient, every patient read once."""
        wanted = list(dict.fromkeys(filter(None, map(patient_of, held))))
        people = await identities(self._server, wanted, self._contacts)
        if isinstance(people, TryLater):
            return people
        return [seen_of(each, people.get(patient_of(each) or ""), self._dialect) for each in held]

    async def _read(self, external_id: str) -> tuple[dict[str, Any], Appointment] | Gone | TryLater | Refused:
        """The resource, raw and as a model."""
        if not ID.fullmatch(external_id):
            return Refused("bad_id", "a FHIR id is up to 64 letters, digits, - and .")
        answer = await self._server.get(f"Appointment/{external_id}")
        if not isinstance(answer, httpx.Response):
            return answer
        if not answer.is_success:
            return Gone()
        try:
            held = read_json(Appointment, answer.content, "the server's Appointment")
            raw: dict[str, Any] = orjson.loads(answer.content)
        except Malformed as error:
            return Refused("malformed_answer", str(error))
        except orjson.JSONDecodeError:
            return Refused("malformed_answer", "the server's Appointment is not valid JSON in UTF-8")
        return raw, held

    # ------------------------------------------------------------------ writing

    async def write(self, wanted: Wanted) -> Outcome:
        """Make the copy, or change what differs in it. Doing it again is harmless: a create finds its own, a change
        that is there already isn't made twice."""
        if wanted.external_id is None:
            return await self._create(wanted)
        found = await self._read(wanted.external_id)
        match found:
            case Gone():
                return Refused("not_found", "the server no longer has this appointment")
            case TryLater() | Refused():
                return found
            case raw, held:
                return await self._update(wanted, wanted.external_id, raw, held)

    async def _update(self, wanted: Wanted, external_id: str, raw: dict[str, Any], held: Appointment) -> Outcome:
        current = content_of(held, self._dialect)
        todo = {k: wanted.content[k] for k in KEYS if k in wanted.content and wanted.content[k] != current.get(k)}
        if not todo:
            return Delivered(external_id, held.etag)
        if wanted.etag is not None and held.etag != wanted.etag:
            return Conflict(f"the server is at version {held.etag}, we saw {wanted.etag}")
        made = changed(raw, held, todo, self._service_of(todo), wanted.initiator)
        answer = await self._server.update(f"Appointment/{external_id}", made, held.etag)
        return _delivered(answer, external_id) if isinstance(answer, httpx.Response) else answer

    async def _create(self, wanted: Wanted) -> Outcome:
        patient = await find_patient(self._server, wanted.patient, unseen=self._unseen)
        if not isinstance(patient, str):
            return patient
        resource = fresh(wanted.appointment_id, wanted.content, patient, self._service_of(wanted.content))
        answer = await self._server.create(resource, wanted.appointment_id)
        match answer:
            case httpx.Response():
                return _delivered(answer, None)
            case Conflict():
                return Refused("already_there", "several appointments there carry our id: delete all but one")
            case _:
                return answer

    def _service_of(self, content: Content) -> dict[str, Any]:
        """The service's code in the element where this server has it."""
        if "service" not in content:
            return {}
        system = {"system": self._system} if self._system else {}
        concept = {"coding": [{**system, "code": content["service"]}]}
        return {self._dialect.service: [concept] if self._dialect.service == "serviceType" else concept}


def _delivered(answer: httpx.Response, external_id: str | None) -> Delivered | Unknown:
    """Id and version of what was stored, from the body or else the headers. A create without an id may be sent
    again."""
    try:
        made = read_json(Made, answer.content, "the server's answer")
    except Malformed:
        made = Made()
    version = made.meta.get("versionId")
    etag = f'W/"{version}"' if isinstance(version, str) and version.isprintable() else answer.headers.get("etag")
    located = answer.headers.get("location", "").partition("/_history/")[0].rpartition("/")[2]
    stored = external_id or made.id or located
    return Delivered(stored, etag) if ID.fullmatch(stored) else Unknown("stored, but the answer names no id")
