"""Who is it: the sign-in page, one-time links, sessions and the one dependency that decides whether a page may be
seen."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import APIRouter, Depends, Form
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from caredispatch.store import accounts
from caredispatch.store.accounts import Account, Session
from caredispatch.store.pages import in_practice
from caredispatch.web.rendering import Rendering
from caredispatch.web.security import SignInNeeded
from caredispatch.web.services import WebServices

public = APIRouter()
private = APIRouter()

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
_hasher = PasswordHasher()
_BY_ITSELF = ("/view/", "/live")  # asked by an open page, not by a person: does not keep a session alive
_at_once = asyncio.Semaphore(2)
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))
Field = Annotated[str, Form(max_length=300)]


def _services(request: Request) -> WebServices:
    services: WebServices = request.app.state.services
    return services


def _cookie(services: WebServices, name: str) -> str:
    return f"__Host-{name}" if services.secure_cookies else name


def _set_cookie(services: WebServices, answer: Response, name: str, value: str) -> None:
    answer.set_cookie(
        _cookie(services, name), value, path="/", httponly=True, samesite="lax", secure=services.secure_cookies
    )


def same_site(request: Request) -> bool:
    """Whether a browser says that this request came from one of our own pages (or is no browser that would say)."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def session_token(request: Request) -> str:
    """The session token that this browser shows; empty if none."""
    return request.cookies.get(_cookie(_services(request), "session"), "")


async def signed_in(request: Request) -> Session:
    """The session of this browser. Raises SignInNeeded, and 403 for a form that no page of this session made.
    Everything but the routes named public depends on it."""
    services = _services(request)
    token = session_token(request)
    practice_id = accounts.practice_of(token)
    if practice_id is None:
        raise SignInNeeded
    async with in_practice(services.pool, practice_id) as connection:
        session = await accounts.session_of(
            connection, practice_id, token, services.clock.wall(), touch=not request.url.path.startswith(_BY_ITSELF)
        )
    if session is None:
        raise SignInNeeded
    if request.method != "GET":
        form = await request.form(max_files=0, max_fields=40)
        given = form.get("csrf")
        if not same_site(request) or not isinstance(given, str) or not hmac.compare_digest(given, session.csrf):
            raise HTTPException(403)
    request.state.session = session
    return session


SignedIn = Annotated[Session, Depends(signed_in)]


def _form_page(request: Request, status: int = 200, said: str = "", once: str = "") -> Response:
    services = _services(request)
    rendering: Rendering = request.app.state.rendering
    name = _cookie(services, "form")
    mark = request.cookies.get(name) or secrets.token_urlsafe(24)
    several = len(services.tenants.practices()) > 1
    answer = rendering.page("sign_in.html", status, said=said, mark=mark, several=several, once=once)
    _set_cookie(services, answer, "form", mark)
    return answer


def _made_here(request: Request, mark: str) -> bool:
    kept = request.cookies.get(_cookie(_services(request), "form"), "")
    return same_site(request) and bool(kept) and hmac.compare_digest(kept.encode(), mark.encode())


async def _welcome(services: WebServices, account: Account) -> Response:
    async with in_practice(services.pool, account.practice_id) as connection:
        token = await accounts.start_session(connection, account, services.clock.wall())
    answer = RedirectResponse("/", 303)
    _set_cookie(services, answer, "session", token)
    return answer


async def _right(password_hash: str | None, password: str) -> bool:
    """Whether the password fits, in the same time whether or not there is such an account."""
    async with _at_once:
        try:
            await asyncio.to_thread(_hasher.verify, password_hash or _NOBODY, password)
        except (VerificationError, InvalidHashError):
            return False
    return password_hash is not None


@public.get("/sign-in")
async def sign_in_page(request: Request) -> Response:
    """The form."""
    return _form_page(request)


@public.post("/sign-in")
async def sign_in(request: Request, handle: Field, password: Field, mark: Field = "", practice: Field = "") -> Response:
    """Try to sign in. What was wrong is not said."""
    services = _services(request)
    if not _made_here(request, mark):
        return _form_page(request, 403, "The form was too old. Please try again.")
    known = services.tenants.practices()
    practice_id = known.get(practice.strip().lower()) if len(known) > 1 else next(iter(known.values()), None)
    handle = handle.strip().lower()
    if practice_id is None:
        await _right(None, password)
        return _form_page(request, 401, "That did not match.")
    async with in_practice(services.pool, practice_id) as connection:
        allowed = await accounts.may_try(connection, practice_id, handle, services.clock.wall())
        account = await accounts.account_by_handle(connection, practice_id, handle)
    if not allowed:
        return _form_page(request, 429, "Too many tries. Please wait a few minutes.")
    if not await _right(account.password_hash if account else None, password) or account is None:
        return _form_page(request, 401, "That did not match.")
    async with in_practice(services.pool, practice_id) as connection:
        await accounts.forgive(connection, practice_id, handle)
    return await _welcome(services, account)


@public.get("/sign-in/once/{token}")
async def once_page(request: Request, token: str) -> Response:
    """A one-time link: looking at it uses nothing up, so that robots may (E31)."""
    services = _services(request)
    practice_id = accounts.practice_of(token)
    works = False
    if practice_id is not None:
        async with in_practice(services.pool, practice_id) as connection:
            works = await accounts.link_works(connection, practice_id, token, services.clock.wall())
    if not works:
        return _form_page(request, 404, "That link was used or is too old. Ask an administrator for a new one.")
    return _form_page(request, once=token)


@public.post("/sign-in/once/{token}")
async def once(request: Request, token: str, mark: Field = "") -> Response:
    """Use up a one-time link."""
    services = _services(request)
    practice_id = accounts.practice_of(token)
    account: Account | None = None
    if practice_id is not None and _made_here(request, mark):
        async with in_practice(services.pool, practice_id) as connection:
            account = await accounts.use_link(connection, practice_id, token, services.clock.wall())
    if account is None:
        return _form_page(request, 404, "That link was used or is too old. Ask an administrator for a new one.")
    return await _welcome(services, account)


@private.post("/sign-out")
async def sign_out(request: Request, session: SignedIn) -> Response:
    """End this session, here and in the database."""
    services = _services(request)
    token = session_token(request)
    practice_id = session.account.practice_id
    async with in_practice(services.pool, practice_id) as connection:
        await accounts.end_session(connection, practice_id, token, services.clock.wall())
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(_cookie(services, "session"), path="/", secure=services.secure_cookies, httponly=True)
    return answer


def _account_page(
    request: Request, session: Session, status: int = 200, said: str = "", done: bool = False
) -> Response:
    rendering: Rendering = request.app.state.rendering
    return rendering.page("account.html", status, session=session, said=said, done=done, shortest=SHORTEST_PASSWORD)


@private.get("/account")
async def account_page(request: Request, session: SignedIn) -> Response:
    """Who am I, and my password."""
    return _account_page(request, session)


@private.post("/account")
async def change_password(request: Request, session: SignedIn, password: Field, current: Field = "") -> Response:
    """Set or change the password; other sessions of the account end."""
    services = _services(request)
    account = session.account
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return _account_page(request, session, 422, f"A password has at least {SHORTEST_PASSWORD} characters.")
    async with in_practice(services.pool, account.practice_id) as connection:
        allowed = await accounts.may_try(connection, account.practice_id, account.handle, services.clock.wall())
    if not allowed:
        return _account_page(request, session, 429, "Too many tries. Please wait a few minutes.")
    if account.password_hash is not None and not await _right(account.password_hash, current):
        return _account_page(request, session, 403, "The current password did not match.")
    async with _at_once:
        hashed = await asyncio.to_thread(_hasher.hash, password)
    token = session_token(request)
    async with in_practice(services.pool, account.practice_id) as connection:
        await accounts.set_password(connection, account, hashed, token, services.clock.wall())
        await accounts.forgive(connection, account.practice_id, account.handle)
    return _account_page(request, session, done=True)
