"""Calls to one FHIR server: read, search over all pages, create, update. A page's address is followed only on the
server's own host, for the token goes with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import httpx

from caredispatch.connectors.fhir.resources import OURS, Bundle, OperationOutcome
from caredispatch.contract.http import call, looked_at, read
from caredispatch.contract.outcome import Conflict, Gone, Refused, TryLater, Unknown
from caredispatch.contract.reading import Loose, read_json, read_value
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, Malformed

MOST_PAGES = 100
NOBODYS = "caredispatch-probe"
JSON = "application/fhir+json"
Query = list[tuple[str, str]]
Model = TypeVar("Model", bound=Loose)


FOREIGN = Refused("foreign_page", "the next page is on another host than base_url: correct base_url")


@dataclass(frozen=True, slots=True)
class Found(Generic[Model]):
    """What a page of a search holds of one type, and the address of the page after it."""

    items: list[Model]
    following: str | None


class Server:
    """One server under one token."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        self._base = settings.url("base_url")
        self._origin = _origin(self._base)
        self._headers = {"Authorization": settings.bearer("token"), "Accept": JSON}

    async def get(self, local: str) -> httpx.Response | TryLater | Refused:
        """One resource by `Type/id`; 404 and 410 come back as answers."""
        request = self._http.build_request("GET", f"{self._base}/{local}", headers=self._headers)
        return await read(self._http, request, also=(404, 410), explain=code_of)

    async def probe(self) -> Health:
        """An appointment that there is not: only who may see appointments is told so, and nobody's is read."""
        request = self._http.build_request("GET", f"{self._base}/Appointment/{NOBODYS}", headers=self._headers)
        return await looked_at(self._http, request, also=(404, 410))

    async def search(self, model: type[Model], kind: str, query: Query) -> list[Model] | TryLater | Refused:
        """All matches of a type, over all pages; entries of other types are passed over."""
        request = self._http.build_request("GET", f"{self._base}/{kind}", params=tuple(query), headers=self._headers)
        return await self._pages(model, kind, request)

    async def search_unseen(self, model: type[Model], kind: str, query: Query) -> list[Model] | TryLater | Refused:
        """As `search`, but with the query in the body, where it reaches no log."""
        request = self._http.build_request(
            "POST", f"{self._base}/{kind}/_search", data=dict(query), headers=self._headers
        )
        return await self._pages(model, kind, request)

    async def page(
        self, model: type[Model], kind: str, query: Query, address: str | None = None
    ) -> Found[Model] | Gone | TryLater | Refused:
        """One page of a search: the first, or the one at an address that the page before named. Gone: the server has
        it no more."""
        if address is None:
            request = self._http.build_request(
                "GET", f"{self._base}/{kind}", params=tuple(query), headers=self._headers
            )
            return await self._page(model, kind, request)
        following = self._following(address)
        if following is None:
            return FOREIGN
        request = self._http.build_request("GET", following, headers=self._headers)
        return await self._page(model, kind, request, also=(404, 410))

    async def _pages(self, model: type[Model], kind: str, request: httpx.Request) -> list[Model] | TryLater | Refused:
        found: list[Model] = []
        for _ in range(MOST_PAGES):
            page = await self._page(model, kind, request)
            if isinstance(page, Gone):
                return Refused("not_found", f"the server has a page of its {kind} search no more")
            if not isinstance(page, Found):
                return page
            found += page.items
            if page.following is None:
                return found
            following = self._following(page.following)
            if following is None:
                return FOREIGN
            request = self._http.build_request("GET", following, headers=self._headers)
        return Refused("too_many", f"the server's {kind} search goes on after {MOST_PAGES} pages")

    async def _page(
        self, model: type[Model], kind: str, request: httpx.Request, *, also: tuple[int, ...] = ()
    ) -> Found[Model] | Gone | TryLater | Refused:
        answer = await read(self._http, request, also=also, explain=code_of)
        if not isinstance(answer, httpx.Response):
            return answer
        if not answer.is_success:
            return Gone()
        try:
            page = read_json(Bundle, answer.content, f"the server's {kind} search")
            raws = [each.resource for each in page.entry if each.resource.get("resourceType") == kind]
            items = [read_value(model, raw, f"the server's {kind}") for raw in raws]
        except Malformed as error:
            return Refused("malformed_answer", str(error))
        return Found(items, page.next_url)

    def _following(self, address: str) -> httpx.URL | None:
        try:
            url = httpx.URL(f"{self._base}/").join(address)
        except httpx.InvalidURL:
            return None
        return url if _origin(url) == self._origin and not url.userinfo else None

    async def create(
        self, resource: dict[str, Any], appointment_id: str
    ) -> httpx.Response | TryLater | Refused | Conflict | Unknown:
        """Create unless a resource with our id is there already (E5)."""
        only_if = urlencode({"identifier": f"{OURS}|{appointment_id}"})
        headers = {**self._headers, "Content-Type": JSON, "If-None-Exist": only_if}
        request = self._http.build_request("POST", f"{self._base}/Appointment", json=resource, headers=headers)
        return await call(self._http, request, explain=code_of)

    async def update(
        self, local: str, resource: dict[str, Any], etag: str | None
    ) -> httpx.Response | TryLater | Refused | Conflict | Unknown:
        """Replace a resource at the version that it was read at."""
        headers = {**self._headers, "Content-Type": JSON, **({"If-Match": etag} if etag else {})}
        request = self._http.build_request("PUT", f"{self._base}/{local}", json=resource, headers=headers)
        return await call(self._http, request, explain=code_of)


def _origin(url: httpx.URL | str) -> tuple[str, str, int | None]:
    parts = httpx.URL(url)
    return parts.scheme, parts.host, parts.port


def code_of(response: httpx.Response) -> str | None:
    """The issue type of a refusal, as `business-rule`."""
    try:
        issues = read_json(OperationOutcome, response.content, "the server's refusal").issue
    except Malformed:
        return None
    return issues[0].code if issues else None
