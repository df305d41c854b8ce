"""Who may see pages, and how they sign in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import httpx
import pytest
from starlette.routing import Route

from caredispatch.web import create_web
from tests.web.conftest import PASSWORD, World, hidden, sign_in

PUBLIC = {
    "/sign-in",
    "/sign-in/once/{token}",
    "/a/{token}",
    "/hooks/{practice}/{connection}",
    "/healthz",
    "/readyz",
    "/metrics",
    "/static/{path:path}",
}


def routes(found: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Method and path of every route, those of included routers too."""
    for route in found:
        if isinstance(route, Route):
            yield from ((method, route.path) for method in sorted(route.methods or ()) if method != "HEAD")
        elif (inner := getattr(route, "original_router", None)) is not None:
            yield from routes(inner.routes)


async def test_every_page_but_the_few_named_public_needs_a_session(world: World, browser: httpx.AsyncClient) -> None:
    every = list(routes(create_web(world.services()).routes))
    assert {p for _, p in every} >= PUBLIC
    private = [(m, p) for m, p in every if p not in PUBLIC]
    assert len(private) > 9
    some = "00000000-0000-8000-8000-000000000000"
    for method, path in private:
        url = path.replace("{appointment_id}", some).replace("{exception_id}", some)
        answer = await browser.request(method, url)
        assert answer.status_code in (303, 401), (method, path)
        assert answer.headers.get("location", "/sign-in") == "/sign-in"


async def test_a_one_time_link_signs_in_once_and_looking_does_not_use_it_up_E31(
    world: World, browser: httpx.AsyncClient
) -> None:
    link = await world.sign_in_link()
    for _ in range(3):
        page = await browser.get(link)
        assert page.status_code == 200
    mark = hidden(page.text, "mark")
    assert (await browser.post(link, data={"mark": mark})).headers["location"] == "/"
    assert (await browser.get("/")).status_code == 200
    assert (await browser.get(link)).status_code == 404
    assert (await browser.post(link, data={"mark": mark})).status_code == 404


async def test_a_one_time_link_is_over_after_a_day(world: World, browser: httpx.AsyncClient) -> None:
    link = await world.sign_in_link()
    world.clock.wall_at += timedelta(hours=25)
    assert (await browser.get(link)).status_code == 404


async def with_password(world: World, browser: httpx.AsyncClient) -> None:
    csrf = await sign_in(world, browser)
    done = await browser.post("/account", data={"csrf": csrf, "password": PASSWORD})
    assert "Your password is set" in done.text
    await browser.post("/sign-out", data={"csrf": csrf})


async def try_password(browser: httpx.AsyncClient, password: str, handle: str = "dana") -> httpx.Response:
    mark = hidden((await browser.get("/sign-in")).text, "mark")
    return await browser.post("/sign-in", data={"handle": handle, "password": password, "mark": mark})


async def test_a_password_signs_in_and_signing_out_ends_the_session(world: World, browser: httpx.AsyncClient) -> None:
    await with_password(world, browser)
    assert (await browser.get("/")).status_code == 303
    assert (await try_password(browser, "wrong horse battery")).status_code == 401
    assert (await try_password(browser, PASSWORD)).status_code == 303
    kept = dict(browser.cookies)
    csrf = hidden((await browser.get("/account")).text, "csrf")
    await browser.post("/sign-out", data={"csrf": csrf})
    browser.cookies.update(kept)
    assert (await browser.get("/")).status_code == 303
    stored = await world.owner.fetchval("select password_hash from care.accounts where handle = 'dana'")
    assert stored.startswith("$argon2id$")


async def test_guessing_is_slowed_down_for_known_and_unknown_names_alike(
    world: World, browser: httpx.AsyncClient
) -> None:
    await with_password(world, browser)
    for handle in ("dana", "nobody"):
        said = [(await try_password(browser, f"guess number {n}", handle)).status_code for n in range(4)]
        assert said == [401, 401, 401, 429]
    assert (await try_password(browser, PASSWORD)).status_code == 429
    world.clock.wall_at += timedelta(seconds=3)
    assert (await try_password(browser, PASSWORD)).status_code == 303


async def test_a_session_ends_after_eight_idle_hours_even_under_an_open_page(
    world: World, browser: httpx.AsyncClient
) -> None:
    await sign_in(world, browser)
    for _ in range(3):
        world.clock.wall_at += timedelta(hours=3)
        assert (await browser.get("/")).status_code == 200
    for _ in range(2):
        world.clock.wall_at += timedelta(hours=3)
        assert (await browser.get("/view/queue")).status_code == 200
    world.clock.wall_at += timedelta(hours=3)
    assert (await browser.get("/view/queue", headers={"HX-Request": "true"})).headers["HX-Redirect"] == "/sign-in"


async def test_a_form_that_no_page_of_the_session_made_is_refused(world: World, browser: httpx.AsyncClient) -> None:
    csrf = await sign_in(world, browser)
    good = {"csrf": csrf}
    assert (await browser.post("/sign-out")).status_code == 403
    assert (await browser.post("/sign-out", data={"csrf": csrf + "x"})).status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert (await browser.post("/sign-out", data=good, headers=cross)).status_code == 403
    foreign = {"Origin": "http://elsewhere.test"}
    assert (await browser.post("/sign-out", data=good, headers=foreign)).status_code == 403
    assert (await browser.post("/sign-out", data=good)).status_code == 303


async def test_a_new_password_signs_out_other_devices_and_needs_the_old_one(
    world: World, browser: httpx.AsyncClient
) -> None:
    csrf = await sign_in(world, browser)
    other = dict(browser.cookies)
    csrf = await sign_in(world, browser)
    assert (await browser.post("/account", data={"csrf": csrf, "password": "short"})).status_code == 422
    assert (await browser.post("/account", data={"csrf": csrf, "password": PASSWORD})).status_code == 200
    again = {"csrf": csrf, "password": PASSWORD + "!", "current": "wrong"}
    assert (await browser.post("/account", data=again)).status_code == 403
    assert (await browser.get("/")).status_code == 200
    browser.cookies.update(other)
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "A" * 64, "é"])
async def test_a_made_up_cookie_is_nobody(browser: httpx.AsyncClient, cookie: str) -> None:
    answer = await browser.get("/", headers={b"Cookie": f"session={cookie}".encode()})
    assert answer.status_code == 303


async def test_a_disabled_account_is_out_at_once(world: World, browser: httpx.AsyncClient) -> None:
    await sign_in(world, browser)
    await world.owner.execute("update care.accounts set disabled_at = now()")
    assert (await browser.get("/")).status_code == 303
