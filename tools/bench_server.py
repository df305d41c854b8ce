"""The servers that the bench loads, each a process of its own: `hooks` our hooks alone, `whole` hooks and engine,
`bare` an endpoint of the same framework that checks a signature and inserts one row. Same uvicorn settings for all."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import sys
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from caredispatch.app.composing import App, opened
from caredispatch.app.logs import set_up_logs
from caredispatch.app.loop import run as to_the_end
from caredispatch.app.serving import Looks, Reports, Submits, Tenants
from caredispatch.web import create_web
from caredispatch.web.services import WebServices

SECRET = b"only-for-the-bench-never-used-again"


def bare(pool: Any) -> FastAPI:
    """The yardstick."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def hook(request: Request) -> Response:
        body = await request.body()
        head = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode()
        right = b"v1," + base64.b64encode(hmac.new(SECRET, head + body, hashlib.sha256).digest())
        if not hmac.compare_digest(right, request.headers["webhook-signature"].encode()):
            return Response("", 401)
        await pool.execute("insert into public.bench_hook (body) values ($1)", body)
        return Response("", 200)

    app.add_route("/hooks/{practice}/{connection}", hook, methods=["POST"])
    return app


def ours(app: App) -> FastAPI:
    """Our whole application."""
    return create_web(
        WebServices(
            pool=app.pools.web,
            clock=app.clock,
            tenants=Tenants(app),
            intake=app.engine.receiver,
            submits=Submits(app),
            reveals=Looks(app),  # type: ignore[arg-type]  # nobody looks here
            reports=Reports(app),
            links=app.links,
            public_url=app.settings.base_url,
        )
    )


async def run(folder: Path, what: str, port: int) -> None:
    """Serve until ended."""
    async with opened(folder) as app:
        set_up_logs("json", "error")
        for tenant in app.registry.tenants():
            for connected in tenant.connections.values():
                connected.per_second = 1_000_000  # the sink has no limit of its own; the gate stays
        pool = await asyncpg.create_pool(app.owner_dsn, min_size=1, max_size=8) if what == "bare" else None
        web = bare(pool) if what == "bare" else ours(app)
        config = uvicorn.Config(web, host="127.0.0.1", port=port, log_config=None, access_log=False)
        engine = asyncio.create_task(app.engine.run()) if what == "whole" else None
        await uvicorn.Server(config).serve()
        if engine is not None:
            await app.engine.stop()
            await engine


if __name__ == "__main__":
    to_the_end(run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
