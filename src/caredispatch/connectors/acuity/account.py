"""Calls to one Acuity account: one appointment, all rows of some days, one change. There are no pages there: a window
that is full is halved. What is read or changed is decided elsewhere."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from caredispatch.connectors.acuity.wire import Appointment, Block, Kind
from caredispatch.contract.http import call, looked_at, read
from caredispatch.contract.outcome import Conflict, Gone, Refused, TryLater, Unknown
from caredispatch.contract.reading import Loose, malformed, read_json
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, Malformed

FULL = 250
AROUND = timedelta(days=1)
"""How far around an instant days are asked for: they are days of the calendar's zone, which isn't known here."""
Row = TypeVar("Row", Appointment, Block, Kind)


class Account:
    """One account under one key. `quiet` keeps Acuity from writing to the client about what we change."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        self._base = settings.url("base_url")
        self._headers = {"Authorization": settings.basic("user_id", "api_key")}
        self.quiet: dict[str, str] = {} if settings.yes("client_emails") else {"noEmail": "true"}

    def request(
        self, method: str, path: str, query: dict[str, str] | None = None, body: dict[str, Any] | None = None
    ) -> httpx.Request:
        """A request below the API's address."""
        return self._http.build_request(method, f"{self._base}/{path}", params=query, json=body, headers=self._headers)

    async def probe(self) -> Health:
        """The account that the key belongs to."""
        return await looked_at(self._http, self.request("GET", "me"))

    async def change(
        self, request: httpx.Request, *, also: tuple[int, ...] = ()
    ) -> httpx.Response | TryLater | Refused | Conflict | Unknown:
        """One change."""
        return await call(self._http, request, also=also, explain=code_of)

    async def one(self, external_id: str) -> Appointment | Gone | TryLater | Refused:
        """One appointment by its id."""
        if not (external_id.isascii() and external_id.isdigit()):
            return Refused("bad_id", "an Acuity appointment's id is a number")
        answer = await read(
            self._http, self.request("GET", f"appointments/{external_id}"), also=(404,), explain=code_of
        )
        if not isinstance(answer, httpx.Response):
            return answer
        if answer.status_code == 404:
            return Gone()
        try:
            return read_json(Appointment, answer.content, "Acuity's appointment")
        except Malformed as error:
            return Refused("malformed_answer", str(error))

    async def kind(self, kind_id: int) -> Kind | TryLater | Refused:
        """One appointment type. There is no reading of a single one."""
        rows = await self._rows(Kind, "appointment-types", {})
        if not isinstance(rows, list):
            return rows
        found = next((row for row in rows if row.id == kind_id), None)
        return found or Refused("invalid_appointment_type", "Acuity has no such type: correct this service's mapping")

    async def around(
        self, model: type[Row], path: str, query: dict[str, str], start_at: datetime, end_at: datetime
    ) -> list[Row] | TryLater | Refused:
        """The rows of the days around a stretch of time."""
        return await self.days(model, path, query, (start_at - AROUND).date(), (end_at + AROUND).date())

    async def days(
        self, model: type[Row], path: str, query: dict[str, str], first: date, last: date
    ) -> list[Row] | TryLater | Refused:
        """The rows of some days, both included. A full answer is asked for again in halves."""
        window = {"minDate": first.isoformat(), "maxDate": last.isoformat(), "max": str(FULL), "direction": "ASC"}
        rows = await self._rows(model, path, {**query, **window})
        if not isinstance(rows, list) or len(rows) < FULL:
            return rows
        if first == last:
            return Refused("too_many", f"Acuity has {FULL} or more {path} on one day; connect its calendars separately")
        halves: list[Row] = []
        middle = first + (last - first) // 2
        for begin, end in ((first, middle), (middle + timedelta(days=1), last)):
            half: list[Row] | TryLater | Refused = await self.days(model, path, query, begin, end)
            if not isinstance(half, list):
                return half
            halves += half
        return halves

    async def _rows(self, model: type[Row], path: str, query: dict[str, str]) -> list[Row] | TryLater | Refused:
        answer = await read(self._http, self.request("GET", path, query), explain=code_of)
        if not isinstance(answer, httpx.Response):
            return answer
        try:
            return TypeAdapter(list[model]).validate_json(answer.content)  # type: ignore[valid-type]  # a variable holds the class
        except ValidationError as error:
            return Refused("malformed_answer", str(malformed(error, f"Acuity's {path}")))


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
