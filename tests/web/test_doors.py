"""Hooks, health, and what holds for every answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from tests.web.conftest import World, sign_in

HOOK = "/hooks/testville/booking"
RIGHT = {"X-Signature": "right"}


async def test_a_signed_push_is_handed_on_with_the_address_that_was_called(
    world: World, browser: httpx.AsyncClient
) -> None:
    answer = await browser.post(f"{HOOK}?a=1", content=b"action=changed", headers=RIGHT)
    assert (answer.status_code, answer.text) == (200, "taken")
    push = world.intake.taken[0]
    assert (push.url, push.body, push.headers["x-signature"]) == (
        f"http://pages.test{HOOK}?a=1",
        b"action=changed",
        "right",
    )


async def test_pushes_that_are_not_taken_say_why_by_status(browser: httpx.AsyncClient) -> None:
    assert (await browser.post(HOOK, content=b"x")).status_code == 401
    assert (await browser.post("/hooks/testville/other", content=b"x", headers=RIGHT)).status_code == 404
    assert (await browser.get(HOOK)).status_code == 405
    busy = await browser.post(HOOK, content=b"busy", headers=RIGHT)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")


async def test_a_body_over_the_limit_is_refused_without_reading_it_all(
    world: World, browser: httpx.AsyncClient
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 100
            yield b"x" * 100

    assert (await browser.post(HOOK, content=b"x" * 1001, headers=RIGHT)).status_code == 413
    assert (await browser.post(HOOK, content=endless(), headers=RIGHT)).status_code == 413
    assert (await browser.post(HOOK, content=b"x" * 1000, headers=RIGHT)).status_code == 200
    assert len(world.intake.taken) == 1


async def test_a_form_larger_than_any_of_ours_is_refused(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/sign-in", data={"handle": "dana", "password": "x" * 70_000})
    assert answer.status_code == 413


async def test_health_ready_and_metrics(world: World, browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/healthz")).text == "ok\n"
    assert (await browser.get("/readyz")).status_code == 200
    world.frozen = True
    assert (await browser.get("/readyz")).status_code == 503
    assert "asks_open" in (await browser.get("/metrics")).text
    assert (await browser.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 404


async def test_every_answer_carries_the_security_headers(world: World, browser: httpx.AsyncClient) -> None:
    await sign_in(world, browser)
    for path in ("/", "/sign-in", "/nothing-here", "/a/wrong", "/account"):
        answer = await browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert " style=" not in answer.text
        assert "onclick" not in answer.text


async def test_static_files_have_names_by_content_and_are_kept_for_ever(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/sign-in")).text
    url = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = await browser.get(url)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/static/caredispatch.css")).status_code == 404
    assert (await browser.get("/static/../application.py")).status_code == 404


async def test_error_pages_and_logs_hold_nothing_of_the_request(
    world: World, browser: httpx.AsyncClient, monkeypatch: Any, capsys: Any
) -> None:
    async def broken(*_args: Any) -> None:
        raise RuntimeError("Paula Testperson +1 555 0111")

    visit = await world.booked()
    ask = (await world.asks(visit))[0]
    monkeypatch.setattr(world, "submit", broken)
    answer = await browser.post(world.path(ask["ask_id"]), data={"answer": "yes"})
    assert answer.status_code == 500
    said = answer.text + "".join(capsys.readouterr())
    assert "Testperson" not in said
    assert "RuntimeError" in said
    missing = await browser.get("/no/Paula-Testperson")
    assert missing.status_code == 404
    assert "Testperson" not in missing.text


async def test_while_the_database_is_away_a_push_is_asked_to_come_again(
    world: World, browser: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (ConnectionRefusedError(), asyncpg.AdminShutdownError("x"), asyncpg.CannotConnectNowError("x")):

        async def away(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(world.intake, "receive", away)
        answer = await browser.post(HOOK, content=b"x", headers=RIGHT)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
