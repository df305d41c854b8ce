"""What a coordinator does that is about no single visit: take down what staff say of themselves (D26), and hold all
sending (D8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.core.content import instant_of
from caredispatch.core.ids import Id
from caredispatch.core.incidents import incident_of
from caredispatch.core.observation import Announced
from caredispatch.core.windows import zone
from caredispatch.store import pages
from caredispatch.store.accounts import Session
from caredispatch.web.acts import put
from caredispatch.web.explaining import Names
from caredispatch.web.forms import instant
from caredispatch.web.queue import QueueCache
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
Short = Annotated[str, Form(max_length=60)]
MOST_LATE = 240


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
    staff_id: Short,
    what: Short,
    start: Short = "",
    end: Short = "",
    minutes: Short = "",
) -> Response:
    """Somebody is out, or late: the visits that it reaches follow at once, since who takes it down is sure of it."""
    services: WebServices = request.app.state.services
    policy = services.tenants.policy(session.account.practice_id)
    staff = policy.directory.staff.get(staff_id)
    if staff is None or what not in ("staff_unavailable", "staff_late"):
        raise HTTPException(400)
    home = next((h.location for h in staff.hours), next(iter(policy.directory.locations), ""))
    tz = zone(policy.directory, home)
    now = services.clock.now()
    event: Announced
    if what == "staff_late":
        if not minutes.isdigit() or not 0 < int(minutes) <= MOST_LATE:
            raise HTTPException(400)
        midnight = datetime.combine(now.astimezone(tz).date() + timedelta(days=1), datetime.min.time(), tz)
        ends = midnight.astimezone(UTC)
        event = Announced(
            "staff_late", now, ends, session.account.handle, Id(staff_id), minutes=int(minutes), sure=True
        )
    else:
        begin, ends = instant_of(instant(start, tz)), instant_of(instant(end, tz))
        if ends <= max(begin, now):
            raise HTTPException(400)
        event = Announced("staff_unavailable", max(begin, now), ends, session.account.handle, Id(staff_id), sure=True)
    await put(request, session, incident_of(session.account.practice_id, event), event)
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
