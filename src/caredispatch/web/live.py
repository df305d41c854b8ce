"""The live stream (server-sent events): says that the view changed, nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from caredispatch.store import accounts
from caredispatch.store.pages import in_practice
from caredispatch.web.changes import Changes
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn, session_token

router = APIRouter()
_LONGEST_BEATS = 240


async def _stream(request: Request, practice_id: str, subject_id: str | None) -> AsyncIterator[bytes]:
    """Events until the browser goes, the session ends, or about an hour is over (the browser then comes back)."""
    services: WebServices = request.app.state.services
    changes: Changes = request.app.state.changes
    token = session_token(request)
    view = f"case:{subject_id}" if subject_id else "exceptions"
    yield b"retry: 2000\n: watching\n\n"
    beats = 0
    async for changed in changes.watch(practice_id, subject_id):
        if changed:
            yield f"event: changed\ndata: {view}\n\n".encode()
            continue
        beats += 1
        async with in_practice(services.pool, practice_id) as connection:
            now = services.clock.wall()
            if await accounts.session_of(connection, practice_id, token, now, touch=False) is None:
                return
        if beats > _LONGEST_BEATS:
            return
        yield b": still here\n\n"


@router.get("/live")
async def live(request: Request, session: SignedIn, case: Annotated[UUID | None, Query()] = None) -> Response:
    """Watch the queue, or one case."""
    stream = _stream(request, session.account.practice_id, str(case) if case else None)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
