"""The application: which routes there are, and that every one but the few named public needs a signed-in person."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from caredispatch.web import health, hooks, security
from caredispatch.web.accounts import router as accounts
from caredispatch.web.acts import router as acts
from caredispatch.web.ask import router as ask
from caredispatch.web.case import router as case
from caredispatch.web.changes import Changes
from caredispatch.web.desk import router as desk
from caredispatch.web.live import router as live
from caredispatch.web.queue import QueueCache
from caredispatch.web.queue import router as queue
from caredispatch.web.rendering import Rendering, static_file
from caredispatch.web.requests import router as requests
from caredispatch.web.services import WebServices
from caredispatch.web.signin import private, public, signed_in


def create_web(services: WebServices) -> FastAPI:
    """The whole of HTTP. What it needs comes in; it starts nothing by itself."""
    app = FastAPI(title="caredispatch", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.services = services
    app.state.rendering = Rendering()
    app.state.changes = Changes(services)
    app.state.queue = QueueCache()
    security.install(app, app.state.rendering, services.secure_cookies)
    hooks.install(app)
    health.install(app)
    app.add_route("/static/{path:path}", static_file, methods=["GET"])
    app.include_router(ask)
    app.include_router(public)
    for room in (private, queue, case, acts, desk, live, accounts, requests):
        app.include_router(room, dependencies=[Depends(signed_in)])
    return app
