"""A visit is wanted: opened in three fields by a coordinator, or by a program in a coordinator's session (D15). Who the
patient is is said by a key or by an id of a connected system, never by a name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from caredispatch.core import records
from caredispatch.core.ids import Id
from caredispatch.core.observation import Requested
from caredispatch.core.requesting import request_id
from caredispatch.store.accounts import Session
from caredispatch.web.changes import Changes
from caredispatch.web.queue import QueueCache
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
Short = Annotated[str, Form(max_length=120)]
WITHIN = {
    "urgent": ("At once: an emergency add-on", timedelta(hours=12)),
    "today": ("Today: somebody stands at the desk", timedelta(hours=12)),
    "week": ("Within a week", timedelta(days=7)),
    "fortnight": ("Within two weeks", timedelta(days=14)),
    "month": ("Within a month", timedelta(days=30)),
}
"""What may be chosen for `when`: its words, and how long from now."""


@dataclass(frozen=True, slots=True)
class Wrong(Exception):
    """What of a request can't be taken, in a sentence."""

    said: str


def wish(when: str, sites: tuple[str, ...], now: datetime) -> records.Request:
    """What a coordinator's choice asks for. Raises Wrong."""
    if when not in WITHIN:
        raise Wrong("Please choose until when.")
    origin = {"urgent": "add_on", "today": "walk_in"}.get(when, "call")
    return records.Request(
        since=now,
        not_before=now,
        until=now + WITHIN[when][1],
        origin=origin,  # type: ignore[arg-type]  # origins, all three
        sites=sites,
        urgent=when == "urgent",
    )


async def _submit(request: Request, session: Session, patient: str, service: str, when: str, location: str) -> Id:
    """Put one request on record; the id of its visit. Raises Wrong."""
    services: WebServices = request.app.state.services
    changes: Changes = request.app.state.changes
    practice_id = session.account.practice_id
    directory = services.tenants.policy(practice_id).directory
    if service not in directory.services:
        raise Wrong("Please choose a service.")
    if location and location not in directory.locations:
        raise Wrong("There is no such site.")
    found = await services.finds.patient(practice_id, patient.strip()) if services.finds is not None else None
    if found is None:
        raise Wrong("No patient is known by that id.")
    sites = (location,) if location else tuple(sorted(directory.locations))
    asked = wish(when, sites, services.clock.now())
    event = Requested(found, service, sites[0], "in_person", asked, session.account.handle)
    subject = request_id(practice_id, event)
    await services.submits.submit(practice_id, subject, event)
    await services.submits.settled(practice_id, subject)
    changes.bump(practice_id)
    return subject


async def _form(request: Request, session: Session, status: int = 200, said: str = "") -> Response:
    services: WebServices = request.app.state.services
    rendering: Rendering = request.app.state.rendering
    practice_id = session.account.practice_id
    queue: QueueCache = request.app.state.queue
    board = await queue.board(services, practice_id, request.app.state.changes.version(practice_id))
    policy = services.tenants.policy(practice_id)
    return rendering.page(
        "request.html", status, session=session, nav="request", policy=policy, board=board, said=said, within=WITHIN,
        now=services.clock.now(),
    )  # fmt: skip


@router.get("/requests/new")
async def request_page(request: Request, session: SignedIn) -> Response:
    """The three fields."""
    return await _form(request, session)


@router.post("/requests/new")
async def open_request(
    request: Request,
    session: SignedIn,
    patient: Short = "",
    service: Short = "",
    when: Short = "",
    location: Short = "",
) -> Response:
    """Open one; on to its visit."""
    try:
        subject = await _submit(request, session, patient, service, when, location)
    except Wrong as wrong:
        return await _form(request, session, 422, wrong.said)
    return RedirectResponse(f"/cases/{subject}", 303)


@router.post("/api/requests")
async def api_request(
    request: Request,
    session: SignedIn,
    patient: Short = "",
    service: Short = "",
    when: Short = "",
    location: Short = "",
) -> Response:
    """The same for a program in a session: 201 with the visit's id, 422 with what is wrong. Other systems push a
    proposed appointment to a hook of theirs, signed."""
    try:
        subject = await _submit(request, session, patient, service, when, location)
    except Wrong as wrong:
        return JSONResponse({"wrong": wrong.said}, 422)
    return JSONResponse({"visit": subject, "page": f"/cases/{subject}"}, 201)
