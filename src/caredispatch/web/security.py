"""What holds for every answer: security headers, and error pages that say nothing about anybody (promise 8). An
error's text and traceback may hold what a person wrote, so the log gets only its type and place."""

from __future__ import annotations

import traceback

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as Event

from caredispatch.web.rendering import Rendering

log = structlog.get_logger("web")

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "X-Robots-Tag": "noindex, nofollow",
}
MOST_FORM_BYTES = 64 * 1024
_STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
_SAID = {
    400: "That request could not be read.",
    401: "Please sign in.",
    403: "That is not allowed.",
    404: "There is no such page.",
    405: "That is not possible here.",
    413: "That was too large.",
    429: "Too many tries. Please wait a little.",
    503: "Busy. Please try again in a moment.",
}


class SignInNeeded(Exception):
    """Raised where nobody is signed in; becomes the way to the sign-in page."""


class Guard:
    """Adds the headers, bounds what a form may hold (hooks have limits of their own), and turns an unexpected error
    into a plain page and one line in the log."""

    def __init__(self, app: ASGIApp, rendering: Rendering, strict_transport: bool) -> None:
        self.app = app
        self.rendering = rendering
        headers = dict(_HEADERS, **({"Strict-Transport-Security": _STRICT_TRANSPORT} if strict_transport else {}))
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def guarded(event: Event) -> None:
            nonlocal started
            if event["type"] == "http.response.start":
                started = True
                headers = [*event["headers"], *self.headers]
                if all(name != b"cache-control" for name, _ in headers):
                    headers.append((b"cache-control", b"no-store"))
                event["headers"] = headers
            await send(event)

        try:
            await self.app(scope, receive if scope["path"].startswith("/hooks/") else _bounded(receive), guarded)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("request failed", error=type(error).__name__, file=place.filename, line=place.lineno)
            if not started:
                page = self.rendering.page("error.html", 500, status=500, said="Something went wrong on our side.")
                await page(scope, receive, guarded)


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def receive_so_much() -> Event:
        nonlocal size
        event = await receive()
        size += len(event.get("body", b""))
        if size > MOST_FORM_BYTES:
            raise HTTPException(413)
        return event

    return receive_so_much


def error_page(request: Request, status: int) -> Response:
    """A plain page for a status, without anything of the request in it."""
    rendering: Rendering = request.app.state.rendering
    return rendering.page("error.html", status, status=status, said=_SAID.get(status, "That did not work."))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = error_page(request, error.status_code)
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _on_invalid(request: Request, _error: Exception) -> Response:
    return error_page(request, 400)


async def _on_sign_in(request: Request, _error: Exception) -> Response:
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    if request.method == "GET":
        return RedirectResponse("/sign-in", 303)
    return error_page(request, 401)


def install(app: FastAPI, rendering: Rendering, strict_transport: bool) -> None:
    """Put all of it around an application."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(SignInNeeded, _on_sign_in)
    app.add_middleware(Guard, rendering=rendering, strict_transport=strict_transport)
