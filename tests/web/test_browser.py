"""The pages in a real browser: live without loading again, by keyboard, on a phone, without JavaScript, under the
strict policy. Skipped with a word where there is no Chromium. With `SHOTS` set to a folder, pictures are kept
there."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import uvicorn
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from caredispatch.core.ids import make_id
from caredispatch.core.observation import NoticeFailed
from caredispatch.web import create_web
from tests.web.conftest import PRACTICE, World

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.page,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium"),
]
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


@pytest_asyncio.fixture
async def url(world: World) -> AsyncIterator[str]:
    """The pages on a real port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        create_web(world.services()), port=port, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn offers a flag, no event
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await running


@pytest_asyncio.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        await browser.close()


def strict(page: Page) -> list[str]:
    """Everything the browser complains about."""
    said: list[str] = []
    page.on("console", lambda entry: said.append(entry.text) if entry.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


async def keep(page: Page, name: str) -> None:
    """A picture, if wanted."""
    if folder := os.environ.get("SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=name.endswith("full"))


async def signed_in(world: World, context: BrowserContext, url: str) -> Page:
    """A page of somebody signed in."""
    page = await context.new_page()
    await page.goto(url + await world.sign_in_link())
    await page.get_by_role("button", name="Sign in").click()
    await page.wait_for_url(f"{url}/")
    return page


async def test_a_new_exception_appears_without_loading_the_page_again(
    world: World, url: str, chromium: Browser
) -> None:
    context = await chromium.new_context(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is fine
    page = await signed_in(world, context, url)
    said = strict(page)
    await page.reload()
    await keep(page, "empty")
    await page.evaluate("document.title = 'still the same page'")
    await asyncio.sleep(1.5)
    await world.uncovered()
    await page.get_by_role("heading", name="Nobody found for the 10:00 visit").wait_for(timeout=6000)
    assert await page.title() == "still the same page"
    assert await page.locator("#open-count").inner_text() == "1\nneed a human"
    await keep(page, "queue")
    assert said == []


async def test_the_queue_is_worked_by_keyboard(world: World, url: str, chromium: Browser) -> None:
    await world.uncovered()
    lost = NoticeFailed("booking", make_id("notice"), "not_understood", "the field start is no time")
    await world.submit(PRACTICE, make_id("lost"), lost)
    await world.decide()
    context = await chromium.new_context(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is fine
    page = await signed_in(world, context, url)
    said = strict(page)
    current = page.locator("[data-row][aria-current]")
    first = await current.inner_text()
    await page.keyboard.press("j")
    await page.wait_for_function("f => document.querySelector('[data-row][aria-current]').innerText !== f", arg=first)
    await keep(page, "picked")
    await page.keyboard.press("k")
    await page.wait_for_function("f => document.querySelector('[data-row][aria-current]').innerText === f", arg=first)
    await page.keyboard.press("c")
    await page.get_by_text("Yours").wait_for()
    await page.keyboard.press("j")
    await page.get_by_role("heading", name="Nobody found for the 10:00 visit").wait_for()
    await page.keyboard.press("r")
    await page.keyboard.type("joked, called around")
    assert await page.get_by_label("What was done (no names)").input_value() == "joked, called around"
    await keep(page, "resolve")
    await page.locator("h1").click()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/cases/*")
    await page.get_by_text("Why it went this way").wait_for()
    await keep(page, "case-full")
    assert said == []


async def test_what_somebody_types_survives_a_live_change(world: World, url: str, chromium: Browser) -> None:
    await world.uncovered()
    context = await chromium.new_context(viewport=DESK)  # type: ignore[arg-type]  # a plain dict is fine
    page = await signed_in(world, context, url)
    await page.locator("summary", has_text="Resolve").click()
    box = page.get_by_label("What was done (no names)")
    await box.fill("calling Ben")
    await box.focus()
    await asyncio.sleep(1.5)
    await world.uncovered("2")
    await page.locator("[data-row]").nth(1).wait_for(timeout=6000)
    assert await box.input_value() == "calling Ben"
    assert await box.is_visible()


async def test_a_provider_answers_on_a_phone_without_javascript(world: World, url: str, chromium: Browser) -> None:
    visit = await world.booked_while_away()
    ask = (await world.asks(visit, purpose="cover"))[0]
    context = await chromium.new_context(viewport=PHONE, java_script_enabled=False, is_mobile=True, has_touch=True)  # type: ignore[arg-type]  # a plain dict is fine
    page = await context.new_page()
    await page.goto(url + world.path(ask["ask_id"]))
    await keep(page, "ask")
    button = page.get_by_role("button", name="Yes, I can")
    box = await button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    assert box["y"] + box["height"] < PHONE["height"]
    await button.tap()
    await page.get_by_role("heading", name="Thank you. Now the patient is asked").wait_for()
    await keep(page, "ask-accepted")
    agree = (await world.asks(visit, purpose="agree_patient"))[0]
    await world.owner.execute("update care.patients set language = 'es'")
    await page.goto(url + world.path(agree["ask_id"]))
    await keep(page, "ask-es")
    await page.get_by_role("button", name="Sí, está bien").tap()
    await page.get_by_role("heading", name="Gracias").wait_for()
    await page.goto(url + "/a/" + "x" * 35)
    await keep(page, "ask-missing")


async def test_the_queue_fits_a_phone_and_works_without_javascript(world: World, url: str, chromium: Browser) -> None:
    await world.uncovered()
    context = await chromium.new_context(viewport=PHONE, java_script_enabled=False, is_mobile=True, has_touch=True)  # type: ignore[arg-type]  # a plain dict is fine
    page = await signed_in(world, context, url)
    await keep(page, "phone-list")
    await page.locator("[data-row]").first.tap()
    await page.get_by_role("link", name="Back to the list").wait_for()
    await keep(page, "phone-detail-full")
    await page.get_by_role("button", name="Claim").tap()
    await page.get_by_text("Yours").wait_for()
    await page.get_by_role("link", name="Open case").tap()
    await page.wait_for_url("**/cases/*")
    await keep(page, "phone-case-full")
