"""The EHR's FHIR R4 API (`/fhir/...`): versions, `If-Match`, `If-None-Exist`, searches with paging.

Bearer authentication; refusals as OperationOutcome. Matching of searches is in `fhir_search.py`. No
history, patch or subscriptions.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from email.utils import format_datetime
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caredispatch.lab.world.clock import Clock, iso
from caredispatch.lab.world.config import FhirSeed
from caredispatch.lab.world.fhir_search import PARAMETERS, Resource, SearchRefused, search

Handler = Callable[[Request], Awaitable[Response]]
FHIR_JSON = "application/fhir+json"
UNTIMED = frozenset({"proposed", "cancelled", "waitlist"})
STATUSES = UNTIMED | {"pending", "booked", "arrived", "fulfilled", "noshow", "entered-in-error", "checked-in"}
ANSWERS = frozenset({"accepted", "declined", "tentative", "needs-action"})


class FhirRefused(Exception):
    """An OperationOutcome: HTTP status, issue code, what is wrong."""

    def __init__(self, status: int, code: str, diagnostics: str) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics


def outcome(error: FhirRefused) -> JSONResponse:
    """The refusal as the wire has it."""
    issue = {"severity": "error", "code": error.code, "diagnostics": error.diagnostics}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return JSONResponse(body, error.status, media_type=FHIR_JSON)


def check_appointment(resource: Resource) -> None:
    """The few R4 rules that an EHR would enforce on an Appointment.

    FhirRefused 422 names the first broken one.
    """
    if resource.get("status") not in STATUSES:
        raise FhirRefused(422, "value", f"Appointment.status {resource.get('status')!r} is not a known code")
    people = resource.get("participant") or []
    if not people:
        raise FhirRefused(422, "required", "Appointment.participant: at least one is required")
    if any(each.get("status") not in ANSWERS for each in people):
        raise FhirRefused(422, "value", "Appointment.participant.status is missing or not a known code")
    timed = resource.get("start") and resource.get("end")
    if not timed and resource["status"] not in UNTIMED:
        raise FhirRefused(422, "invariant", "app-3: only proposed, cancelled or waitlist may lack start/end")
    if timed and datetime.fromisoformat(resource["start"]) > datetime.fromisoformat(resource["end"]):
        raise FhirRefused(422, "invariant", "Appointment.end is before its start")
    if any(not period.get("start") and not period.get("end") for period in resource.get("requestedPeriod", [])):
        raise FhirRefused(422, "invariant", "Appointment.requestedPeriod: a period without any limit")


class Ehr:
    """The resources by type and id, each with its version."""

    def __init__(self, seed: FhirSeed, clock: Clock) -> None:
        self.seed = seed
        self.changed_at = clock.now()
        self._clock = clock
        self._ids = count(1)
        self._stored = 0
        self._last_found: tuple[object, list[Resource]] = (None, [])
        self.resources: dict[str, dict[str, Resource]] = {kind: {} for kind in PARAMETERS}
        groups = (
            seed.practitioners,
            seed.patients,
            seed.locations,
            seed.schedules,
            seed.slots,
            seed.appointments,
        )
        kinds = ("Practitioner", "Patient", "Location", "Schedule", "Slot", "Appointment")
        for kind, group in zip(kinds, groups, strict=True):
            for resource in group:
                self.create(kind, resource, wanted_id=resource.get("id"))

    def of_type(self, kind: str) -> dict[str, Resource]:
        """All resources of a type, or 404."""
        try:
            return self.resources[kind]
        except KeyError:
            raise FhirRefused(404, "not-supported", f"this server has no {kind}") from None

    def get(self, kind: str, resource_id: str) -> Resource:
        """One resource, or 404."""
        try:
            return self.of_type(kind)[resource_id]
        except KeyError:
            raise FhirRefused(404, "not-found", f"{kind}/{resource_id} is not known") from None

    def find(self, kind: str, query: list[tuple[str, str]]) -> list[Resource]:
        """Search, or 400 naming the parameter. The pages of one search are not searched for anew."""
        wanted = (kind, self._stored, tuple(each for each in query if each[0] != "_offset"))
        if self._last_found[0] != wanted:
            try:
                self._last_found = wanted, search(kind, self.of_type(kind).values(), query)
            except SearchRefused as error:
                raise FhirRefused(400, "invalid", str(error)) from None
        return self._last_found[1]

    def create(self, kind: str, resource: Resource, wanted_id: str | None = None) -> Resource:
        """Store a new resource as version 1; the server chooses the id unless a seed or scene does."""
        held = self.of_type(kind)
        made_id = wanted_id or next(n for i in self._ids if (n := f"{kind.lower()}-{i}") not in held)
        return self._store(kind, made_id, resource, 1)

    def update(self, kind: str, resource_id: str, resource: Resource, if_match: str | None) -> Resource:
        """Replace a resource if the version it was read at is still the newest."""
        version = int(self.get(kind, resource_id)["meta"]["versionId"])
        if if_match is None and self.seed.require_if_match:
            raise FhirRefused(412, "conflict", "If-Match is required")
        if if_match is not None and if_match != f'W/"{version}"':
            raise FhirRefused(
                self.seed.wrong_version, "conflict", f'If-Match {if_match} is not the version W/"{version}"'
            )
        if resource.get("id") != resource_id:
            raise FhirRefused(400, "invalid", "the resource's id must be that of the address")
        return self._store(kind, resource_id, resource, version + 1)

    def _store(self, kind: str, resource_id: str, resource: Resource, version: int) -> Resource:
        if resource.get("resourceType", kind) != kind:
            raise FhirRefused(400, "invalid", f"resourceType must be {kind}")
        if kind == "Appointment":
            check_appointment(resource)
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": iso(self._clock.now())}
        stored = {**resource, "resourceType": kind, "id": resource_id, "meta": meta}
        self.resources[kind][resource_id] = stored
        self.changed_at = self._clock.now()
        self._stored += 1
        return stored


class FhirApi:
    """The routes over one EHR."""

    def __init__(self, ehr: Ehr) -> None:
        self.ehr = ehr
        self.app = Starlette(
            routes=[
                Route("/metadata", self.metadata),
                Route("/{kind}", self._checked(self.search)),
                Route("/{kind}", self._checked(self.create), methods=["POST"]),
                Route("/{kind}/_search", self._checked(self.search), methods=["POST"]),
                Route("/{kind}/{id}", self._checked(self.read)),
                Route("/{kind}/{id}", self._checked(self.update), methods=["PUT"]),
            ]
        )

    def _checked(self, handler: Handler) -> Handler:
        wanted = f"Bearer {self.ehr.seed.token}"

        async def checked(request: Request) -> Response:
            try:
                if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
                    raise FhirRefused(401, "login", "a valid bearer token is required")
                return await handler(request)
            except FhirRefused as error:
                return outcome(error)

        return checked

    async def metadata(self, request: Request) -> Response:
        """What this server can do."""
        codes = ("read", "search-type", "create", "update")
        resources = [
            {
                "type": kind,
                "interaction": [{"code": code} for code in codes],
                "versioning": "versioned-update",
                "conditionalCreate": True,
                "searchParam": [{"name": name, "type": parameter.kind} for name, parameter in PARAMETERS[kind].items()],
            }
            for kind in PARAMETERS
        ]
        body = {
            "resourceType": "CapabilityStatement",
            "status": "active",
            "date": "2026-01-01",
            "kind": "instance",
            "fhirVersion": "4.0.1",
            "format": ["json"],
            "rest": [{"mode": "server", "resource": resources}],
        }
        return JSONResponse(body, media_type=FHIR_JSON)

    async def read(self, request: Request) -> Response:
        """One resource with its version."""
        return self._answer(self.ehr.get(request.path_params["kind"], request.path_params["id"]), 200)

    async def search(self, request: Request) -> Response:
        """A searchset Bundle; `link` relation `next` leads to the next page. By POST the words may stand in a form."""
        kind, query = request.path_params["kind"], request.query_params.multi_items()
        if request.method == "POST":
            query += parse_qsl((await request.body()).decode())
        found = self.ehr.find(kind, query)
        offset, page = (
            self._number(request, "_offset", 0),
            self._number(request, "_count", self.ehr.seed.page_size),
        )
        base = str(request.base_url).rstrip("/")
        links = [{"relation": "self", "url": str(request.url)}]
        if offset + page < len(found):
            rest = [(name, value) for name, value in query if name != "_offset"]
            following = urlencode([*rest, ("_offset", str(offset + page))])
            links.append({"relation": "next", "url": f"{base}/{kind}?{following}"})
        entries = [
            {"fullUrl": f"{base}/{kind}/{each['id']}", "resource": each, "search": {"mode": "match"}}
            for each in found[offset : offset + page]
        ]
        bundle = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
        return JSONResponse({**bundle, "entry": entries}, media_type=FHIR_JSON)

    async def create(self, request: Request) -> Response:
        """Create, or with `If-None-Exist` find: none 201, one 200, several 412."""
        kind, resource = request.path_params["kind"], await self._resource(request)
        condition = request.headers.get("if-none-exist")
        if condition is not None:
            found = self.ehr.find(kind, parse_qsl(condition.lstrip("?")))
            if len(found) > 1:
                raise FhirRefused(412, "multiple-matches", "If-None-Exist matches more than one resource")
            if found:
                return self._answer(found[0], 200)
        made = self.ehr.create(kind, resource)
        where = f"{str(request.base_url).rstrip('/')}/{kind}/{made['id']}/_history/1"
        return self._answer(made, 201, {"Location": where})

    async def update(self, request: Request) -> Response:
        """Replace, under `If-Match`."""
        kind, resource = request.path_params["kind"], await self._resource(request)
        if_match = request.headers.get("if-match")
        return self._answer(self.ehr.update(kind, request.path_params["id"], resource, if_match), 200)

    @staticmethod
    def _number(request: Request, name: str, default: int) -> int:
        text = request.query_params.get(name, str(default))
        if not text.isdigit():
            raise FhirRefused(400, "invalid", f"{name} must be a whole number")
        return int(text)

    @staticmethod
    async def _resource(request: Request) -> dict[str, Any]:
        try:
            resource = json.loads(await request.body())
        except ValueError:
            resource = None
        if not isinstance(resource, dict) or resource.get("resourceType") != request.path_params["kind"]:
            raise FhirRefused(400, "structure", "the body is not a resource of this type")
        return resource

    @staticmethod
    def _answer(resource: Resource, status: int, more: dict[str, str] | None = None) -> Response:
        updated_at = datetime.fromisoformat(resource["meta"]["lastUpdated"])
        headers = {
            "ETag": f'W/"{resource["meta"]["versionId"]}"',
            "Last-Modified": format_datetime(updated_at, usegmt=True),
            **(more or {}),
        }
        return JSONResponse(resource, status, headers, media_type=FHIR_JSON)
