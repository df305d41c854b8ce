"""Administrators keep who may sign in; coordinators work exceptions and never see that page."""

from __future__ import annotations

import re

import httpx
import pytest
import pytest_asyncio

from caredispatch.web import create_web
from tests.web.conftest import PASSWORD, World, hidden, sign_in


def another_browser(world: World) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=create_web(world.services()), client=("127.0.0.1", 4712))
    return httpx.AsyncClient(transport=transport, base_url="http://pages.test")


def link_in(html: str) -> str:
    """The one-time link that a page shows."""
    found = re.search(r'value="http://pages\.test(/sign-in/once/[^"]+)"', html)
    assert found, html
    return found[1]


async def use(browser: httpx.AsyncClient, link: str) -> httpx.Response:
    """Open a one-time link and press its button."""
    page = await browser.get(link)
    return page if page.status_code != 200 else await browser.post(link, data={"mark": hidden(page.text, "mark")})


async def account_of(world: World, handle: str) -> str:
    return str(await world.owner.fetchval("select account_id from care.accounts where handle = $1", handle))


@pytest_asyncio.fixture
async def csrf(world: World, browser: httpx.AsyncClient) -> str:
    """The browser is Rosa's, an administrator."""
    return await sign_in(world, browser, "rosa", "administrator")


async def test_a_coordinator_neither_sees_the_accounts_nor_changes_one(
    world: World, browser: httpx.AsyncClient
) -> None:
    csrf = await sign_in(world, browser, "mia")
    assert 'href="/accounts"' not in (await browser.get("/")).text
    assert (await browser.get("/accounts")).status_code == 403
    made = await browser.post("/accounts", data={"csrf": csrf, "handle": "eve", "role": "administrator"})
    assert made.status_code == 403
    mine = await account_of(world, "mia")
    raised = await browser.post(f"/accounts/{mine}", data={"csrf": csrf, "act": "administrator"})
    assert raised.status_code == 403
    assert await world.owner.fetchval("select array_agg(handle || ' ' || role) from care.accounts") == [
        "mia coordinator"
    ]


async def test_an_administrator_lets_somebody_in_by_a_link_that_works_once(
    world: World, browser: httpx.AsyncClient, csrf: str
) -> None:
    assert 'href="/accounts"' in (await browser.get("/")).text
    page = await browser.post("/accounts", data={"csrf": csrf, "handle": " Noor ", "role": "coordinator"})
    assert page.status_code == 200
    link = link_in(page.text)
    assert link not in (await browser.get("/accounts")).text
    async with another_browser(world) as noor:
        assert (await use(noor, link)).headers["location"] == "/"
        assert "Noor" in (await noor.get("/")).text
        assert (await use(noor, link)).status_code == 404


@pytest.mark.parametrize("name", ["rosa", "two words", "<b>", "x" * 61])
async def test_a_name_that_is_taken_or_none_is_said(browser: httpx.AsyncClient, csrf: str, name: str) -> None:
    page = await browser.post("/accounts", data={"csrf": csrf, "handle": name, "role": "coordinator"})
    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert "/sign-in/once/" not in page.text


async def test_a_forgotten_password_ends_with_the_new_link(world: World, browser: httpx.AsyncClient, csrf: str) -> None:
    async with another_browser(world) as mia:
        its = await sign_in(world, mia, "mia")
        await mia.post("/account", data={"csrf": its, "password": PASSWORD})
        page = await browser.post(f"/accounts/{await account_of(world, 'mia')}", data={"csrf": csrf, "act": "link"})
        await use(mia, link_in(page.text))
        assert "Set my password" in (await mia.get("/account")).text


async def test_who_is_shut_out_is_out_at_once_and_comes_back_by_a_new_link(
    world: World, browser: httpx.AsyncClient, csrf: str
) -> None:
    async with another_browser(world) as mia:
        await sign_in(world, mia, "mia")
        unused = await world.sign_in_link("mia")
        where = f"/accounts/{await account_of(world, 'mia')}"
        assert (await browser.post(where, data={"csrf": csrf, "act": "shut_out"})).headers["location"] == "/accounts"
        assert (await mia.get("/")).headers["location"] == "/sign-in"
        assert (await use(mia, unused)).status_code == 404
        assert "shut out" in (await browser.get("/accounts")).text
        page = await browser.post(where, data={"csrf": csrf, "act": "link"})
        assert (await use(mia, link_in(page.text))).headers["location"] == "/"


async def test_a_role_changes_from_the_next_page_on(world: World, browser: httpx.AsyncClient, csrf: str) -> None:
    async with another_browser(world) as mia:
        await sign_in(world, mia, "mia")
        where = f"/accounts/{await account_of(world, 'mia')}"
        await browser.post(where, data={"csrf": csrf, "act": "administrator"})
        assert (await mia.get("/accounts")).status_code == 200
        await browser.post(where, data={"csrf": csrf, "act": "coordinator"})
        assert (await mia.get("/accounts")).status_code == 403


async def test_nobody_locks_out_the_last_administrator(world: World, browser: httpx.AsyncClient, csrf: str) -> None:
    where = f"/accounts/{await account_of(world, 'rosa')}"
    for act in ("shut_out", "coordinator", "link"):
        assert (await browser.post(where, data={"csrf": csrf, "act": act})).status_code == 403
    assert (await browser.post(where[:-4] + "0000", data={"csrf": csrf, "act": "shut_out"})).status_code == 404
    assert (await browser.get("/accounts")).status_code == 200
