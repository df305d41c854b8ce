"""What a coordinator does that is about no single visit: take down what staff say of themselves (D26) and that a site
closes (D14), and hold all sending (D8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.core.incidents import incident_of
from caredispatch.store import pages
from caredispatch.store.accounts import Session
from caredispatch.web.acts import put
from caredispatch.web.announcing import announcement
from caredispatch.web.explaining import Names
from caredispatch.web.queue import QueueCache
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
Short = Annotated[str, Form(max_length=60)]


async def _values(request: Request, session: Session, said: str = "") -> dict[str, Any]:
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    policy = services.tenants.policy(practice_id)
    queue: QueueCache = request.app.state.queue
    async with pages.in_practice(services.pool, practice_id) as connection:
        incidents = await pages.incidents(connection, practice_id, services.clock.now() - timedelta(days=2))
    return {
        "session": session,
        "nav": "staff",
        "policy": policy,
        "now": services.clock.now(),
        "board": await queue.board(services, practice_id, request.app.state.changes.version(practice_id)),
        "names": Names(policy.directory),
        "incidents": incidents,
        "said": said,
        "can_pause": services.sending is not None,
    }


@router.get("/staff")
async def staff_page(request: Request, session: SignedIn) -> Response:
    """Who is out or late, and the form to say so."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page("staff.html", **await _values(request, session))


@router.post("/staff")
async def staff_says(
    request: Request,
    session: SignedIn,
    what: Short,
    staff_id: Short = "",
    location: Short = "",
    start: Short = "",
    end: Short = "",
    minutes: Short = "",
    reason: Short = "",
) -> Response:
    """Somebody is out, late or leaves, or a site closes: the visits that it reaches follow at once."""
    services: WebServices = request.app.state.services
    account = session.account
    form = {
        "what": what,
        "staff_id": staff_id,
        "location": location,
        "start": start,
        "end": end,
        "minutes": minutes,
        "reason": reason,
    }
    directory = services.tenants.policy(account.practice_id).directory
    event = announcement(form, directory, account.handle, services.clock.now())
    await put(request, session, incident_of(account.practice_id, event), event)
    return RedirectResponse("/staff", 303)


@router.post("/sending")
async def pause_sending(request: Request, session: SignedIn, paused: Short) -> Response:
    """Hold or release everything that this practice sends."""
    services: WebServices = request.app.state.services
    if services.sending is None or paused not in ("yes", "no"):
        raise HTTPException(400)
    practice_id = session.account.practice_id
    await services.sending.pause(practice_id, paused=paused == "yes")
    request.app.state.changes.bump(practice_id)
    return RedirectResponse("/staff", 303)
