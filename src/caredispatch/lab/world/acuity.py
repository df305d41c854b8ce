"""The booking system's REST API (`/acuity/api/v1/...`), in Acuity Scheduling's documented format.

Basic authentication, JSON in and out, refusals as `{status_code, message, error}`. The books are in
`acuity_book.py`.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caredispatch.lab.world.acuity_book import Book, Quirks
from caredispatch.lab.world.acuity_wire import AcuityRefused, Booked, parse_instant
from caredispatch.lab.world.record import Record

Handler = Callable[[Request], Awaitable[Response]]
DEFAULT_MAX = 100


def refusal(error: AcuityRefused) -> JSONResponse:
    """The documented shape of every error."""
    body = {"status_code": error.status, "message": error.sentence, "error": error.error}
    return JSONResponse(body, error.status)


async def fields_of(request: Request) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object."""
    raw = await request.body()
    try:
        fields = json.loads(raw) if raw else {}
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise AcuityRefused(400, "invalid_json", "The request body is not a JSON object.")
    return fields


def number(text: str, name: str) -> int:
    """A whole number from a query or path."""
    if not text.isdigit():
        raise AcuityRefused(400, "invalid_fields", f"The parameter {name} must be a number.")
    return int(text)


def yes(request: Request, name: str) -> bool:
    """Whether a query flag is set."""
    return request.query_params.get(name, "").lower() in {"true", "1"}


def bound(text: str | None, zone: str, *, last: bool) -> datetime | None:
    """`minDate` and `maxDate`: an instant, or a whole day of the calendar's zone, both ends included."""
    if not text:
        return None
    if len(text) > len("2026-11-24"):
        return parse_instant(text, zone)
    at = parse_instant(text, zone).astimezone(ZoneInfo(zone))
    day = datetime.combine(at.date(), time(), ZoneInfo(zone))
    return (day + timedelta(days=1, microseconds=-1) if last else day).astimezone(UTC)


class AcuityApi:
    """The routes over one book."""

    def __init__(self, book: Book, record: Record) -> None:
        self.book = book
        self._record = record
        one = "/api/v1/appointments/{id}"
        self.app = Starlette(
            routes=[
                Route("/api/v1/me", self._checked(self.me)),
                Route("/api/v1/calendars", self._checked(self.calendars)),
                Route("/api/v1/appointment-types", self._checked(self.types)),
                Route("/api/v1/appointments", self._checked(self.list_appointments)),
                Route("/api/v1/appointments", self._checked(self.create), methods=["POST"]),
                Route(one, self._checked(self.read)),
                Route(one, self._checked(self.update), methods=["PUT"]),
                Route(f"{one}/reschedule", self._checked(self.reschedule), methods=["PUT"]),
                Route(f"{one}/cancel", self._checked(self.cancel), methods=["PUT"]),
                Route("/api/v1/blocks", self._checked(self.list_blocks)),
                Route("/api/v1/blocks", self._checked(self.create_block), methods=["POST"]),
                Route("/api/v1/blocks/{id}", self._checked(self.delete_block), methods=["DELETE"]),
            ]
        )

    def _checked(self, handler: Handler) -> Handler:
        """A handler behind the account's key; its refusals in the documented shape."""
        account = f"{self.book.seed.user_id}:{self.book.seed.api_key}".encode()
        wanted = f"Basic {base64.b64encode(account).decode()}"

        async def checked(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
                return refusal(AcuityRefused(401, "unauthorized", "Unauthorized"))
            try:
                return await handler(request)
            except AcuityRefused as error:
                return refusal(error)

        return checked

    def _one(self, request: Request) -> Booked:
        return self.book.get(number(request.path_params["id"], "id"))

    def _answer(self, appointment: Booked) -> JSONResponse:
        return JSONResponse(self.book.wire(appointment))

    def _own_mail(self, request: Request, appointment: Booked, what: str) -> None:
        """Unless told `noEmail=true`, the booking system writes to the client itself."""
        if not yes(request, "noEmail"):
            self._record.add("vendor_mail", system="acuity", what=what, id=appointment.id)

    async def me(self, request: Request) -> Response:
        """The account."""
        return JSONResponse({"id": number(self.book.seed.user_id, "id"), "plan": "Powerhouse", "currency": "USD"})

    async def calendars(self, request: Request) -> Response:
        """All calendars."""
        return JSONResponse([calendar.model_dump() for calendar in self.book.calendars.values()])

    async def types(self, request: Request) -> Response:
        """All services, each bookable with every calendar."""
        ids = list(self.book.calendars)
        rows = [{**kind.model_dump(), "active": True, "calendarIDs": ids} for kind in self.book.types.values()]
        return JSONResponse(rows)

    async def list_appointments(self, request: Request) -> Response:
        """Appointments in a window of dates; cancelled ones only on request; newest first unless told."""
        query = request.query_params
        limit = number(query.get("max", str(DEFAULT_MAX)), "max")
        found = [each for each in self.book.appointments.values() if self._listed(each, request)]
        newest_first = query.get("direction", "DESC").upper() != "ASC"
        found.sort(key=lambda each: (each.start_at, each.id), reverse=newest_first)
        return JSONResponse([self.book.wire(each) for each in found[:limit]])

    def _listed(self, each: Booked, request: Request) -> bool:
        """Whether one appointment answers the query's filters."""
        query = request.query_params
        zone = self.book.calendars[each.calendar_id].timezone
        first = bound(query.get("minDate"), zone, last=False)
        last = bound(query.get("maxDate"), zone, last=True)
        equal = {
            "calendarID": str(each.calendar_id),
            "appointmentTypeID": str(each.type_id),
            **{name: each.client[name] for name in ("firstName", "lastName", "email", "phone")},
        }
        in_window = (first is None or each.start_at >= first) and (last is None or each.start_at <= last)
        shown = yes(request, "showall") or each.canceled == yes(request, "canceled")
        return in_window and shown and all(query.get(name, value) == value for name, value in equal.items())

    async def read(self, request: Request) -> Response:
        """One appointment."""
        return self._answer(self._one(request))

    async def create(self, request: Request) -> Response:
        """Book; an overlap is refused unless `admin=true`."""
        made = self.book.book(await fields_of(request), Quirks(), admin=yes(request, "admin"))
        self._own_mail(request, made, "scheduled")
        return self._answer(made)

    async def update(self, request: Request) -> Response:
        """Change client fields and notes."""
        return self._answer(self.book.amend(self._one(request), await fields_of(request), Quirks()))

    async def reschedule(self, request: Request) -> Response:
        """Move, or give to another calendar."""
        fields = await fields_of(request)
        moved = self.book.reschedule(self._one(request), fields, Quirks(), admin=yes(request, "admin"))
        self._own_mail(request, moved, "rescheduled")
        return self._answer(moved)

    async def cancel(self, request: Request) -> Response:
        """Cancel, or mark as a no-show (an administrator's right)."""
        fields = await fields_of(request)
        no_show = bool(fields.get("noShow"))
        if no_show and not yes(request, "admin"):
            raise AcuityRefused(400, "cancel_not_allowed", "Only an admin may mark a no-show.")
        note = str(fields.get("cancelNote") or "")
        gone = self.book.cancel(self._one(request), Quirks(), note=note, no_show=no_show)
        self._own_mail(request, gone, "canceled")
        return self._answer(gone)

    async def list_blocks(self, request: Request) -> Response:
        """Blocks in a window of dates, of one calendar or all."""
        query = request.query_params
        limit = number(query.get("max", str(DEFAULT_MAX)), "max")
        rows = []
        for block in self.book.blocks.values():
            zone = self.book.calendars[block["calendarID"]].timezone
            first = bound(query.get("minDate"), zone, last=False)
            last = bound(query.get("maxDate"), zone, last=True)
            in_window = (first is None or parse_instant(block["end"], zone) > first) and (
                last is None or parse_instant(block["start"], zone) <= last
            )
            wanted = str(block["calendarID"])
            if in_window and query.get("calendarID", wanted) == wanted:
                rows.append(block)
        return JSONResponse(rows[:limit])

    async def create_block(self, request: Request) -> Response:
        """Block time off."""
        return JSONResponse(self.book.block(await fields_of(request)))

    async def delete_block(self, request: Request) -> Response:
        """Free blocked time again."""
        if self.book.blocks.pop(number(request.path_params["id"], "id"), None) is None:
            raise AcuityRefused(404, "not_found", "The block could not be found.")
        return Response(status_code=204)
