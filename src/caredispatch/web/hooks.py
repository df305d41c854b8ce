"""The door for pushes: bounds the body while it streams, hands it to the inbox, answers in the sender's way (E1). Plain
routes, not pages: this is the path that must be fast."""

from __future__ import annotations

import asyncpg
import structlog
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from caredispatch.contract.verbs import Push
from caredispatch.engine.receiving import HookBusy, HookRejected, UnknownHook
from caredispatch.web.services import WebServices

log = structlog.get_logger("hooks")
DATABASE_BACK_SECONDS = 30


class TooLarge(Exception):
    """The body is over the connection's limit: 413."""


async def bounded_body(request: Request, limit: int) -> bytes:
    """The whole body, given up as soon as it exceeds `limit` bytes (announced or found). Raises TooLarge."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)


async def hook(request: Request) -> Response:
    """One push."""
    services: WebServices = request.app.state.services
    slug, connection_id = request.path_params["practice"], request.path_params["connection"]
    try:
        body = await bounded_body(request, services.intake.body_limit(slug, connection_id))
        query = request.scope["query_string"].decode("latin-1")
        url = f"{services.public_url}{request.url.path}{'?' if query else ''}{query}"
        answer = await services.intake.receive(slug, connection_id, Push(url, dict(request.headers), body))
    except UnknownHook:
        return Response("unknown hook\n", 404, media_type="text/plain")
    except TooLarge:
        return Response("too large\n", 413, headers={"Connection": "close"}, media_type="text/plain")
    except HookRejected:
        return Response("not accepted\n", 401, media_type="text/plain")
    except HookBusy as busy:
        return _later(busy.retry_after)
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InterfaceError,
    ) as down:
        log.error("hook not kept", practice=slug, connection=connection_id, error=type(down).__name__)
        return _later(DATABASE_BACK_SECONDS)
    return Response(answer.body, answer.status, media_type=answer.content_type)


def _later(seconds: int) -> Response:
    return Response("busy\n", 503, headers={"Retry-After": str(seconds)}, media_type="text/plain")


def install(app: FastAPI) -> None:
    """Open the door."""
    app.add_route("/hooks/{practice}/{connection}", hook, methods=["POST"])
