"""The verbs on Acuity. What it lacks is made up for here: no versions (a write reads first and compares), no
changed-since (a poll reads a window of days), no field for our id (it stands in the notes)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from caredispatch.connectors.acuity.account import Account
from caredispatch.connectors.acuity.making import order_of, taken
from caredispatch.connectors.acuity.wire import (
    Appointment,
    Block,
    Made,
    Pushed,
    content_of,
    held_note,
    instant_for,
    seen_of,
    with_note,
)
from caredispatch.contract.outcome import Conflict, Delivered, Gone, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.reading import read_form, read_json, read_value
from caredispatch.contract.seen import Busy, Changed, Initiator, Seen, SeenAppointment, SeenBlock
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, Malformed, Page, Push, Rejected, Slot, Verified, Wanted, WantedHold
from caredispatch.core.content import Content, instant_text

ACTIONS = frozenset({"scheduled", "rescheduled", "canceled", "changed"})
PAST, AHEAD = timedelta(days=1), timedelta(days=60)
ENDED = ("cancelled", "noshow")
_INITIATORS: dict[str, Initiator | None] = {"unknown": None, "client": "patient", "practice": "practice"}
WRITES = ("start_at", "actor.provider", "note", "status")


class Acuity:
    """One account."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._account = Account(settings, http)
        self._key = settings["api_key"].encode()
        self._as_admin = {"admin": "true", **self._account.quiet}
        self._cancelled_by = _INITIATORS[settings.one_of("cancelled_by", *_INITIATORS)]
        self._reschedule = self._as_admin if settings.yes("reschedule_as_admin") else self._account.quiet

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
        return await self._account.probe()

    async def fetch(self, external_id: str) -> SeenAppointment | Gone | TryLater | Refused:
        """One appointment whole."""
        found = await self._account.one(external_id)
        return seen_of(found, self._cancelled_by) if isinstance(found, Appointment) else found

    async def poll(self, cursor: str | None, now: datetime) -> Page | TryLater | Refused:
        """All appointments from yesterday to sixty days ahead, cancelled ones too. The cursor only says when."""
        query = {"showall": "true"}
        rows = await self._account.days(Appointment, "appointments", query, (now - PAST).date(), (now + AHEAD).date())
        if not isinstance(rows, list):
            return rows
        seen: tuple[Seen, ...] = tuple(seen_of(row, self._cancelled_by) for row in rows)
        return Page(seen, instant_text(now), lists_all=True)

    async def busy(self, actors: Sequence[str], start_at: datetime, end_at: datetime) -> Busy | TryLater | Refused:
        """Appointments and blocks of some calendars. Those that we made say so in their notes."""
        found: list[SeenBlock] = []
        for actor in actors:
            query = {"calendarID": actor}
            rows = await self._account.around(Appointment, "appointments", query, start_at, end_at)
            if not isinstance(rows, list):
                return rows
            blocks = await self._account.around(Block, "blocks", query, start_at, end_at)
            if not isinstance(blocks, list):
                return blocks
            found += [SeenBlock(actor, str(r.id), r.start_at, r.end_at, r.ours) for r in rows if not r.canceled]
            found += [SeenBlock(actor, f"block:{b.id}", b.start, b.end, b.ours) for b in blocks]
        return Busy(tuple(b for b in found if b.start_at < end_at and start_at < b.end_at))

    # ------------------------------------------------------------------ writing

    async def write(self, wanted: Wanted) -> Outcome:
        """Read, compare, and change what differs: time and provider, then our note, then the status. Doing it again is
        harmless. What somebody changed since we last saw it is a conflict."""
        if wanted.external_id is None:
            return await self._make(wanted)
        found = await self._account.one(wanted.external_id)
        match found:
            case Gone():
                return Refused("not_found", "Acuity no longer has this appointment")
            case Appointment():
                return await self._change(wanted, found)
            case _:
                return found

    async def _change(self, wanted: Wanted, found: Appointment) -> Outcome:
        current = content_of(found)
        todo = {k: wanted.content[k] for k in WRITES if k in wanted.content and wanted.content[k] != current.get(k)}
        if impossible := _impossible(todo, current) or _another_kind(wanted, current):
            return impossible
        changed = [key for key in _touched(todo) if _changed_since(key, wanted, current)]
        if changed:
            return Conflict(f"changed in Acuity since it was last seen: {', '.join(changed)}")
        for step in self._steps(found, todo, wanted.initiator):
            end = await self._account.change(step)
            if not isinstance(end, httpx.Response):
                return end
        return Delivered(str(found.id))

    async def _make(self, wanted: Wanted) -> Outcome:
        """Look for what an earlier try made, in all calendars of these days, and only then make it (E21). What we find
        cancelled was cancelled there: reading it back tells."""
        todo = {key: value for key, value in wanted.content.items() if (key, value) != ("status", "booked")}
        if impossible := _impossible(todo, {"status": "booked"}):
            return impossible
        order = order_of(wanted)
        if isinstance(order, Refused):
            return order
        query = {"showall": "true"}
        rows = await self._account.around(Appointment, "appointments", query, order.start_at, order.start_at)
        if not isinstance(rows, list):
            return rows
        ours = sorted((r for r in rows if r.ours == wanted.appointment_id), key=lambda r: r.canceled)
        if len([r for r in ours if not r.canceled]) > 1:
            return Refused("already_there", "several appointments there carry our id: cancel all but one")
        if ours:
            return Delivered(str(ours[0].id)) if ours[0].canceled else await self._change(wanted, ours[0])
        if "status" in todo:
            return Delivered()  # ended before it was made
        if refused := await taken(self._account, order, rows):
            return refused
        end = await self._account.change(self._account.request("POST", "appointments", self._as_admin, order.body))
        return _made(end) if isinstance(end, httpx.Response) else _unconflicted(end)

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
            end = await self._account.change(self._account.request("DELETE", f"blocks/{block.id}"), also=(404,))
            if not isinstance(end, httpx.Response):
                return end
        for slot in missing:
            body = {
                "start": instant_for(instant_text(slot.start_at)),
                "end": instant_for(instant_text(slot.end_at)),
                "calendarID": int(slot.actor),
                "notes": held_note(wanted.appointment_id, wanted.until),
            }
            end = await self._account.change(self._account.request("POST", "blocks", body=body))
            if not isinstance(end, httpx.Response):
                return end
        return Delivered()

    async def _held(self, wanted: WantedHold) -> list[Block] | TryLater | Refused:
        """The blocks that we made for this appointment, wherever they may stand."""
        found: dict[int, Block] = {}
        for slot in dict.fromkeys((*wanted.slots, *wanted.former)):
            rows = await self._account.around(Block, "blocks", {"calendarID": slot.actor}, slot.start_at, slot.end_at)
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
            yield self._account.request("PUT", f"{path}/reschedule", self._reschedule, body)
        if "note" in todo:
            notes = with_note(found.notes or "", todo["note"])
            yield self._account.request("PUT", path, {"admin": "true"}, {"notes": notes})
        if "status" in todo:
            who = "client" if initiator == "patient" else "practice"
            why = {"cancelNote": f"Cancelled by the {who}."}
            no_show = {"noShow": True} if todo["status"] == "noshow" else {}
            yield self._account.request("PUT", f"{path}/cancel", self._as_admin, {**why, **no_show})


def _impossible(todo: Content, current: Content) -> Refused | None:
    """What Acuity can't do, said before anything is sent."""
    status, was = todo.get("status"), current["status"]
    if status is not None and status not in ENDED:
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


def _another_kind(wanted: Wanted, current: Content) -> Refused | None:
    """A type that we want otherwise than it was seen there: Acuity sets it when an appointment is made, and never
    again."""
    kind = wanted.content.get("service")
    if kind in (None, current["service"], (wanted.seen or {}).get("service", kind)):
        return None
    return Refused("type_not_changeable", "Acuity can't change an appointment's type: book it anew there")


def _made(answer: httpx.Response) -> Delivered | Unknown:
    """The id of what was made. Without it, the next try looks for it."""
    try:
        return Delivered(str(read_json(Made, answer.content, "Acuity's answer").id))
    except Malformed:
        return Unknown("made, but the answer names no id")


def _unconflicted(end: TryLater | Refused | Conflict | Unknown) -> TryLater | Refused | Unknown:
    """A conflict needs a copy that was seen before; here there is none."""
    return Refused("conflict", end.reason) if isinstance(end, Conflict) else end


def _touched(todo: Content) -> list[str]:
    """The keys that a write sets: a change of provider sends the time along."""
    return sorted({*todo, *(("start_at",) if "actor.provider" in todo else ())})


def _changed_since(key: str, wanted: Wanted, current: Content) -> bool:
    """Whether a key is neither as we saw it nor as we want it. A key never seen can't tell."""
    was = (wanted.seen or {}).get(key)
    return was is not None and current.get(key) not in (was, wanted.content.get(key))
