"""The administrators' page: who may sign in, with which role, and the links that let them in. A coordinator works
exceptions and visits; only an administrator sees this page."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.app.accounts import HandleInvalid, handle_of
from caredispatch.store.accounts import AccountRole, Session
from caredispatch.web.queue import QueueCache
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import Accounts, WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
log = structlog.get_logger("accounts")


async def administrator(session: SignedIn) -> Session:
    """The session of an administrator. Raises 403 for anybody else."""
    if session.account.role != "administrator":
        raise HTTPException(403)
    return session


Administrator = Annotated[Session, Depends(administrator)]
Short = Annotated[str, Form(max_length=100)]


def _kept(request: Request) -> Accounts:
    services: WebServices = request.app.state.services
    if services.accounts is None:
        raise HTTPException(404)
    return services.accounts


def _role_of(text: str) -> AccountRole:
    match text:
        case "administrator" | "coordinator":
            return text
        case _:
            raise HTTPException(400)


async def _page(
    request: Request, session: Session, status: int = 200, *, said: str = "", invited: str = "", token: str = ""
) -> Response:
    services: WebServices = request.app.state.services
    rendering: Rendering = request.app.state.rendering
    queue: QueueCache = request.app.state.queue
    practice_id = session.account.practice_id
    return rendering.page(
        "accounts.html",
        status,
        session=session,
        nav="accounts",
        policy=services.tenants.policy(practice_id),
        now=services.clock.wall(),
        board=await queue.board(services, practice_id, request.app.state.changes.version(practice_id)),
        lines=await _kept(request).listed(practice_id),
        said=said,
        invited=invited,
        link=f"{services.public_url}/sign-in/once/{token}" if token else "",
    )


@router.get("/accounts")
async def accounts_page(request: Request, session: Administrator) -> Response:
    """Everybody who may sign in."""
    return await _page(request, session)


@router.post("/accounts")
async def add(request: Request, session: Administrator, handle: Short, role: Short) -> Response:
    """A new account; the page that comes back shows its link, this once."""
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    wanted = _role_of(role)
    try:
        name = handle_of(handle)
    except HandleInvalid:
        return await _page(request, session, 422, said="A name has letters, digits and . _ @ - only.")
    if name in {line.handle for line in await _kept(request).listed(practice_id)}:
        return await _page(request, session, 422, said=f"There is an account {name} already.")
    token = await _kept(request).invite(practice_id, name, wanted, services.clock.wall())
    log.info("account made", by=session.account.account_id, role=wanted)
    return await _page(request, session, invited=name, token=token)


@router.post("/accounts/{account_id}")
async def change(request: Request, session: Administrator, account_id: UUID, act: Short) -> Response:
    """One act on somebody else's account: `link`, `shut_out`, or the role that it gets."""
    services: WebServices = request.app.state.services
    practice_id, now, kept = session.account.practice_id, services.clock.wall(), _kept(request)
    line = next((one for one in await kept.listed(practice_id) if one.account_id == str(account_id)), None)
    if line is None:
        raise HTTPException(404)
    if line.account_id == session.account.account_id:
        raise HTTPException(403)  # nobody locks out the last administrator: the one who acts stays
    log.info("account changed", by=session.account.account_id, account=line.account_id, act=act[:20])
    match act:
        case "link":
            token = await kept.invite(practice_id, line.handle, None, now)
            return await _page(request, session, invited=line.handle, token=token)
        case "shut_out":
            await kept.shut_out(practice_id, line.account_id, now)
        case _:
            await kept.change_role(practice_id, line.account_id, _role_of(act))
    return RedirectResponse("/accounts", 303)
