"""The verbs on Acuity. What it lacks is made up for here: no versions (a write reads first and compares), no
changed-since (a poll reads a window of days), no pages (a window that is full is halved)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from caredispatch.connectors.acuity.wire import (
    Appointment,
    Block,
    Pushed,
    content_of,
    held_note,
    instant_for,
    seen_of,
    with_note,
)
from caredispatch.contract.http import call, looked_at, read
from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater
from caredispatch.contract.reading import Loose, malformed, read_form, read_json, read_value
from caredispatch.contract.seen import Busy, Changed, Initiator, Seen, SeenAppointment, SeenBlock
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, Malformed, Page, Push, Rejected, Slot, Verified, Wanted, WantedHold
from caredispatch.core.content import Content, instant_text

ACTIONS = frozenset({"scheduled", "rescheduled", "canceled", "changed"})
PAST, AHEAD = timedelta(days=1), timedelta(days=60)
FULL = 250
WRITES = ("start_at", "actor.provider", "note", "status")
Row = TypeVar("Row", Appointment, Block)


class Acuity:
    """One account."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        self._base = settings.url("base_url")
        self._key = settings["api_key"].encode()
        self._headers = {"Authorization": settings.basic("user_id", "api_key")}
        self._reschedule = {
            **({"admin": "true"} if settings.yes("reschedule_as_admin") else {}),
            **({} if settings.yes("client_emails") else {"noEmail": "true"}),
        }
        self._cancel = {"admin": "true", **({} if settings.yes("client_emails") else {"noEmail": "true"})}

    # ------------------------------------------------------------------ pushes

    def verify(self, push: Push, now: datetime) -> Verified | Rejected:
        """The signature covers the raw body and nothing else: neither age nor delivery id."""
        given = push.headers.get("x-acuity-signature", "")
        right = base64.b64encode(hmac.new(self._key, push.body, hashlib.sha256).digest())
        if not hmac.compare_digest(given.encode("utf-8", "replace"), right):
            return Rejected("x-acuity-signature is missing or not by our API key")
        try:
            seen = self.parse(push)
        except Malformed:
            return Verified()
        return Verified(subject=seen[0].external_id) if seen else Verified()

    def parse(self, push: Push) -> tuple[Changed, ...]:
        """All appointment events say the same: read it. Orders are none of ours."""
        form = dict(read_form(push.body, "Acuity's webhook"))
        action = form.get("action", "").removeprefix("appointment.")
        if action == "order.completed":
            return ()
        pushed = read_value(Pushed, form, "Acuity's webhook")
        if action not in ACTIONS:
            raise Malformed(f"Acuity's webhook: action must be one of {', '.join(sorted(ACTIONS))}")
        return (Changed(str(pushed.id)),)

    # ------------------------------------------------------------------ reading

    async def probe(self) -> Health:
        """The account that the key belongs to."""
        return await looked_at(self._http, self._http.build_request("GET", f"{self._base}/me", headers=self._headers))

    async def fetch(self, external_id: str) -> SeenAppointment | Gone | TryLater | Refused:
        """One appointment whole."""
        found = await self._read(external_id)
        return seen_of(found) if isinstance(found, Appointment) else found

    async def poll(self, cursor: str | None, now: datetime) -> Page | TryLater | Refused:
        """All appointments from yesterday to sixty days ahead, cancelled ones too. The cursor only says when."""
        query = {"showall": "true"}
        rows = await self._window(Appointment, "appointments", query, (now - PAST).date(), (now + AHEAD).date())
        if not isinstance(rows, list):
            return rows
        seen: tuple[Seen, ...] = tuple(seen_of(row) for row in rows)
        return Page(seen, instant_text(now), lists_all=True)

    async def busy(self, actors: Sequence[str], start_at: datetime, end_at: datetime) -> Busy | TryLater | Refused:
        """Appointments and blocks of some calendars. An appointment has no field for our id: a copy of ours shows by
        its external id. A block that we made says so in its notes."""
        found: list[SeenBlock] = []
        first, last = (start_at - PAST).date(), (end_at + PAST).date()
        for actor in actors:
            query = {"calendarID": actor}
            rows = await self._window(Appointment, "appointments", query, first, last)
            blocks = await self._window(Block, "blocks", query, first, last) if isinstance(rows, list) else rows
            if not isinstance(rows, list):
                return rows
            if not isinstance(blocks, list):
                return blocks
            found += [SeenBlock(actor, str(r.id), r.start_at, r.end_at) for r in rows if not r.canceled]
            found += [SeenBlock(actor, f"block:{b.id}", b.start, b.end, b.ours) for b in blocks]
        return Busy(tuple(b for b in found if b.start_at < end_at and start_at < b.end_at))

    async def _read(self, external_id: str) -> Appointment | Gone | TryLater | Refused:
        if not (external_id.isascii() and external_id.isdigit()):
            return Refused("bad_id", "an Acuity appointment's id is a number")
        answer = await read(
            self._http, self._request("GET", f"appointments/{external_id}"), also=(404,), explain=code_of
        )
        if not isinstance(answer, httpx.Response):
            return answer
        if answer.status_code == 404:
            return Gone()
        try:
            return read_json(Appointment, answer.content, "Acuity's appointment")
        except Malformed as error:
            return Refused("malformed_answer", str(error))

    async def _window(
        self, model: type[Row], path: str, query: dict[str, str], first: date, last: date
    ) -> list[Row] | TryLater | Refused:
        """The rows of some days, both included. There are no pages: a full answer is asked for again in halves."""
        days = {"minDate": first.isoformat(), "maxDate": last.isoformat(), "max": str(FULL), "direction": "ASC"}
        answer = await read(self._http, self._request("GET", path, {**query, **days}), explain=code_of)
        if not isinstance(answer, httpx.Response):
            return answer
        try:
            rows = _rows(model, answer.content, f"Acuity's {path}")
        except Malformed as error:
            return Refused("malformed_answer", str(error))
        if len(rows) < FULL:
            return rows
        if first == last:
            return Refused("too_many", f"Acuity has {FULL} or more {path} on one day; connect its calendars separately")
        halves: list[Row] = []
        middle = first + (last - first) // 2
        for begin, end in ((first, middle), (middle + timedelta(days=1), last)):
            half: list[Row] | TryLater | Refused = await self._window(model, path, query, begin, end)
            if not isinstance(half, list):
                return half
            halves += half
        return halves

    # ------------------------------------------------------------------ writing

    async def write(self, wanted: Wanted) -> Outcome:
        """Read, compare, and change what differs: time and provider, then our note, then the status. Doing it again is
        harmless. What somebody changed since we last saw it is a conflict."""
        if wanted.external_id is None:
            return Refused("no_create", "appointments aren't made in Acuity: it has no field for our id")
        found = await self._read(wanted.external_id)
        if isinstance(found, Gone):
            return Refused("not_found", "Acuity no longer has this appointment")
        if not isinstance(found, Appointment):
            return found
        current = content_of(found)
        todo = {k: wanted.content[k] for k in WRITES if k in wanted.content and wanted.content[k] != current.get(k)}
        if impossible := _impossible(todo, current):
            return impossible
        changed = [key for key in _touched(todo) if _changed_since(key, wanted, current)]
        if changed:
            return Conflict(f"changed in Acuity since it was last seen: {', '.join(changed)}")
        for step in self._steps(found, todo, wanted.initiator):
            end = await call(self._http, step, explain=code_of)
            if not isinstance(end, httpx.Response):
                return end
        return Delivered(wanted.external_id)

    async def hold(self, wanted: WantedHold) -> Outcome:
        """Read our blocks for this appointment, take away those that are not wanted, make those that are missing.
        Acuity's blocks don't end by themselves."""
        found = await self._held(wanted)
        if not isinstance(found, list):
            return found
        missing = dict.fromkeys(wanted.slots)
        if not all(slot.actor.isdecimal() for slot in missing):
            return Refused("bad_calendar", "an Acuity calendar's id is a number: correct the mapping of this person")
        for block in found:
            slot = Slot(str(block.calendarID), block.start, block.end)
            if slot in missing:
                del missing[slot]
                continue
            end = await call(self._http, self._request("DELETE", f"blocks/{block.id}"), also=(404,), explain=code_of)
            if not isinstance(end, httpx.Response):
                return end
        for slot in missing:
            body = {
                "start": instant_for(instant_text(slot.start_at)),
                "end": instant_for(instant_text(slot.end_at)),
                "calendarID": int(slot.actor),
                "notes": held_note(wanted.appointment_id, wanted.until),
            }
            end = await call(self._http, self._request("POST", "blocks", body=body), explain=code_of)
            if not isinstance(end, httpx.Response):
                return end
        return Delivered()

    async def _held(self, wanted: WantedHold) -> list[Block] | TryLater | Refused:
        """The blocks that we made for this appointment, wherever they may stand."""
        found: dict[int, Block] = {}
        for slot in dict.fromkeys((*wanted.slots, *wanted.former)):
            days = (slot.start_at - PAST).date(), (slot.end_at + PAST).date()
            rows = await self._window(Block, "blocks", {"calendarID": slot.actor}, *days)
            if not isinstance(rows, list):
                return rows
            found |= {row.id: row for row in rows if row.ours == wanted.appointment_id}
        return list(found.values())

    def _steps(self, found: Appointment, todo: Content, initiator: Initiator | None) -> Iterator[httpx.Request]:
        path = f"appointments/{found.id}"
        if "start_at" in todo or "actor.provider" in todo:
            body: dict[str, Any] = {"datetime": instant_for(todo.get("start_at", instant_text(found.start_at)))}
            if "actor.provider" in todo:
                body["calendarID"] = int(todo["actor.provider"])
            yield self._request("PUT", f"{path}/reschedule", self._reschedule, body)
        if "note" in todo:
            notes = with_note(found.notes or "", todo["note"])
            yield self._request("PUT", path, {"admin": "true"}, {"notes": notes})
        if "status" in todo:
            who = "client" if initiator == "patient" else "practice"
            why = {"cancelNote": f"Cancelled by the {who}."}
            no_show = {"noShow": True} if todo["status"] == "noshow" else {}
            yield self._request("PUT", f"{path}/cancel", self._cancel, {**why, **no_show})

    def _request(
        self, method: str, path: str, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> httpx.Request:
        return self._http.build_request(method, f"{self._base}/{path}", params=query, json=body, headers=self._headers)


def _impossible(todo: Content, current: Content) -> Refused | None:
    """What Acuity can't do, said before anything is sent."""
    status, was = todo.get("status"), current["status"]
    if status is not None and status not in ("cancelled", "noshow"):
        if was == "booked":
            return Refused("status_not_held", f"Acuity knows booked, cancelled and noshow, not {status}")
        return Refused("cannot_uncancel", "Acuity can't take a cancellation back: book anew there")
    if status == "cancelled" and was == "noshow":
        return Refused("cannot_uncancel", "Acuity already has it as a no-show, which can't become a cancellation")
    if not todo.get("actor.provider", "0").isdecimal():
        return Refused("bad_calendar", "an Acuity calendar's id is a number: correct the mapping of this person")
    if not todo.get("note", " ").isprintable():
        return Refused("bad_note", "our line in the notes must be one line")
    return None


def _touched(todo: Content) -> list[str]:
    """The keys that a write sets: a change of provider sends the time along."""
    return sorted({*todo, *(("start_at",) if "actor.provider" in todo else ())})


def _changed_since(key: str, wanted: Wanted, current: Content) -> bool:
    """Whether a key is neither as we saw it nor as we want it. A key never seen can't tell."""
    was = (wanted.seen or {}).get(key)
    return was is not None and current.get(key) not in (was, wanted.content.get(key))


class Refusal(Loose):
    """Acuity's error body; its sentence isn't kept."""

    error: str = ""


def code_of(response: httpx.Response) -> str | None:
    """The documented code of a refusal, as `cancel_too_close`."""
    try:
        code = read_json(Refusal, response.content, "Acuity's refusal").error
    except Malformed:
        return None
    return code if code.replace("_", "").isalnum() and len(code) <= 60 else None


def _rows(model: type[Row], body: bytes, what: str) -> list[Row]:
    try:
        return TypeAdapter(list[model]).validate_json(body)  # type: ignore[valid-type]  # a variable holds the class
    except ValidationError as error:
        raise malformed(error, what) from None
