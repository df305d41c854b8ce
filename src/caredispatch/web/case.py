"""The page of one visit: the record, its copies, why it went this way, and everything that happened. Who the patient
is shows only in answer to a form, and the look is journalled."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from caredispatch.store import pages
from caredispatch.store.accounts import Session
from caredispatch.web.case_view import case_view
from caredispatch.web.explaining import Names
from caredispatch.web.queue import QueueCache
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import RevealedIdentity, WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()


async def _values(
    request: Request, session: Session, appointment_id: str, revealed: RevealedIdentity | None = None
) -> dict[str, Any]:
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    policy = services.tenants.policy(practice_id)
    async with pages.in_practice(services.pool, practice_id) as connection:
        state = (await pages.states(connection, practice_id, [appointment_id])).get(appointment_id)
        if state is None:
            raise HTTPException(404)
        journal = await pages.journal(connection, practice_id, appointment_id)
        entry = await pages.last_ranking(connection, practice_id, appointment_id)
        sent = await pages.sent(connection, practice_id, appointment_id)
        undecided = await pages.undecided(connection, practice_id, appointment_id)
    queue: QueueCache = request.app.state.queue
    return {
        "session": session,
        "nav": "case",
        "policy": policy,
        "now": services.clock.now(),
        "board": await queue.board(services, practice_id, request.app.state.changes.version(practice_id)),
        "view": case_view(state, journal, entry, sent, policy, Names(policy.directory), services.clock.now()),
        "undecided": undecided,
        "revealed": revealed,
    }


@router.get("/cases/{appointment_id}")
async def case_page(request: Request, session: SignedIn, appointment_id: UUID) -> Response:
    """The whole page."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page("case.html", **await _values(request, session, str(appointment_id)))


@router.get("/view/cases/{appointment_id}")
async def case_fragment(request: Request, session: SignedIn, appointment_id: UUID) -> Response:
    """What of it changes."""
    rendering: Rendering = request.app.state.rendering
    values = await _values(request, session, str(appointment_id))
    return HTMLResponse(rendering.fragment("case_view.html", **values))


@router.post("/cases/{appointment_id}/reveal")
async def reveal(request: Request, session: SignedIn, appointment_id: UUID) -> Response:
    """The same page with name and contact, this once."""
    services: WebServices = request.app.state.services
    rendering: Rendering = request.app.state.rendering
    found = await services.reveals.reveal(session.account.practice_id, session.account, str(appointment_id))
    if found is None:
        raise HTTPException(404)
    return rendering.page("case.html", **await _values(request, session, str(appointment_id), found))
