"""The exception queue: what needs a human, the least time left first; the call list as a list of its own (D25); and
what ran by itself. Lists are read and rendered at most once a second for everybody who looks (E32)."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from caredispatch.core.records import Exception_
from caredispatch.core.windows import zone
from caredispatch.store import pages
from caredispatch.store.accounts import Session
from caredispatch.web.explaining import Names
from caredispatch.web.queue_view import Board, Detail, board, detail
from caredispatch.web.rendering import Rendering
from caredispatch.web.services import WebServices
from caredispatch.web.signin import SignedIn

router = APIRouter()
FRESH_SECONDS = 1.0
Picked = Annotated[UUID | None, Query(alias="e")]


class QueueCache:
    """The board of each practice, kept for a second or until something is known to have changed."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, int, Board]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def board(self, services: WebServices, practice_id: str, version: int) -> Board:
        """The board as it is now, give or take a second."""
        async with self._locks.setdefault(practice_id, asyncio.Lock()):
            kept = self._kept.get(practice_id)
            if kept and kept[1] == version and time.monotonic() - kept[0] < FRESH_SECONDS:
                return kept[2]
            fresh = await _read_board(services, practice_id)
            self._kept[practice_id] = (time.monotonic(), version, fresh)
            return fresh


def midnight(services: WebServices, practice_id: str) -> datetime:
    """The last local midnight of the practice's first site."""
    directory = services.tenants.policy(practice_id).directory
    tz = zone(directory, next(iter(directory.locations), ""))
    return services.clock.now().astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)


async def _read_board(services: WebServices, practice_id: str) -> Board:
    policy = services.tenants.policy(practice_id)
    async with pages.in_practice(services.pool, practice_id) as connection:
        rows = await pages.open_exceptions(connection, practice_id)
        ids = [row.appointment_id for row in rows if row.appointment_id]
        states = await pages.states(connection, practice_id, ids)
        paused = await pages.sending_paused(connection, practice_id)
        today = await pages.today(connection, practice_id, midnight(services, practice_id))
    return board(rows, states, today, Names(policy.directory), services.clock.now(), paused=paused)


async def _read_detail(services: WebServices, session: Session, row: Exception_) -> Detail:
    practice_id = session.account.practice_id
    policy = services.tenants.policy(practice_id)
    subject = row.appointment_id or row.exception_id
    async with pages.in_practice(services.pool, practice_id) as connection:
        states = await pages.states(connection, practice_id, [row.appointment_id] if row.appointment_id else [])
        entry = await pages.last_ranking(connection, practice_id, subject)
        journal = await pages.journal(connection, practice_id, subject)
        undecided = await pages.undecided(connection, practice_id, subject)
    return detail(
        row,
        states.get(row.appointment_id or ""),
        entry,
        journal,
        undecided,
        Names(policy.directory),
        services.clock.now(),
    )


async def _values(request: Request, session: Session, picked: UUID | None) -> dict[str, Any]:
    services: WebServices = request.app.state.services
    practice_id = session.account.practice_id
    queue: QueueCache = request.app.state.queue
    shown = await queue.board(services, practice_id, request.app.state.changes.version(practice_id))
    wanted = str(picked) if picked else shown.first
    row: Exception_ | None = None
    if wanted:
        async with pages.in_practice(services.pool, practice_id) as connection:
            row = await pages.exception(connection, practice_id, wanted)
    return {
        "session": session,
        "nav": "exceptions",
        "policy": services.tenants.policy(practice_id),
        "now": services.clock.now(),
        "board": shown,
        "picked": picked is not None,
        "detail": await _read_detail(services, session, row) if row else None,
    }


@router.get("/")
async def queue_page(request: Request, session: SignedIn, picked: Picked = None) -> Response:
    """The whole page."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page("queue.html", **await _values(request, session, picked))


@router.get("/view/queue")
async def queue_view(request: Request, session: SignedIn, picked: Picked = None) -> Response:
    """What of it changes."""
    rendering: Rendering = request.app.state.rendering
    return HTMLResponse(rendering.fragment("queue_view.html", **await _values(request, session, picked), live=True))
