"""What operators and their machines ask: alive, ready, metrics (these only from the machine itself)."""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from caredispatch.web.security import error_page
from caredispatch.web.services import WebServices


async def healthz(_request: Request) -> Response:
    """The process answers."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """Whether all parts work: 200, else 503 with which one does not."""
    services: WebServices = request.app.state.services
    parts = await services.reports.ready()
    return JSONResponse(parts, 200 if parts.get("ready") else 503)


def is_local(request: Request) -> bool:
    """Whether the request comes from this machine itself, not through a proxy on it."""
    if request.client is None or "x-forwarded-for" in request.headers or "forwarded" in request.headers:
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def metrics(request: Request) -> Response:
    """The Prometheus text; not there for anybody else."""
    if not is_local(request):
        return error_page(request, 404)
    services: WebServices = request.app.state.services
    return PlainTextResponse(services.reports.metrics(), media_type="text/plain; version=0.0.4")


def install(app: FastAPI) -> None:
    """Add the three."""
    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readyz, methods=["GET"])
    app.add_route("/metrics", metrics, methods=["GET"])
