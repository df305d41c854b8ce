"""The exception queue: what needs a human, with everything to decide it."""

from __future__ import annotations

import httpx

from tests.web.conftest import World, sign_in


async def exception_id(world: World, visit: str, kind: str = "nobody_found") -> str:
    found: str = await world.owner.fetchval(
        "select exception_id from care.exceptions where appointment_id = $1 and kind = $2", visit, kind
    )
    return found


async def test_an_empty_queue_says_what_ran_by_itself(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    await browser.post(world.path(ask["ask_id"]), data={"answer": "yes"})
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Nothing needs you" in page
    assert "The provider said yes" in page


async def test_an_exception_shows_what_was_tried_and_who_could(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Nobody found for the 10:00 visit" in page
    assert "end of the path; 2 asked, no yes" in page
    assert "Ben Beispiel" in page
    assert "no answer" in page
    assert "Not on this care plan" in page  # Dan
    assert f"/cases/{visit}" in page
