"""The exception queue: what needs a human, with everything to decide it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx

from caredispatch.core.facts import Location
from caredispatch.core.ids import make_id
from caredispatch.core.observation import VolumeSeen
from tests.web.conftest import OTHER_PRACTICE, PRACTICE, STAFF, World, sign_in


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
    assert "End of the path; 2 asked, no yes" in page
    assert "Ben Beispiel" in page
    assert "no answer" in page
    assert "Not on this care plan" in page  # Dan
    assert f"/cases/{visit}" in page


async def act(world: World, browser: httpx.AsyncClient, visit: str, kind: str = "nobody_found", **form: str) -> str:
    """Send one form of the queue; the page that comes back."""
    found = await exception_id(world, visit, kind)
    csrf = await sign_in(world, browser)
    answer = await browser.post(f"/exceptions/{found}/act", data={"csrf": csrf, **form})
    assert answer.status_code == 303, answer.text
    return (await browser.get(answer.headers["location"])).text


async def test_a_person_assigns_somebody_and_the_decision_stands(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    page = await act(world, browser, visit, act="assign", staff_id=STAFF["cleo"], role="provider", reason="knows them")
    actor = "select actor_id from care.participants where appointment_id = $1 and role = 'provider'"
    assert await world.owner.fetchval(actor, visit) == STAFF["cleo"]
    assert "Resolved" in page


async def test_what_can_not_be_done_says_so(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    page = await act(world, browser, visit, act="assign", staff_id=STAFF["ana"][:-1] + "0", reason="typo")
    assert "That could not be done: no such staff member." in page


async def test_claiming_shows_whose_it_is(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    page = await act(world, browser, visit, act="claim")
    assert "<b>Yours</b>" in page
    page = await act(world, browser, visit, act="release_claim")
    assert "to be claimed by" in page


async def test_cancelling_tells_the_patient(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    await act(world, browser, visit, act="cancel", reason="nobody can")
    assert (
        await world.owner.fetchval("select status from care.appointments where appointment_id = $1", visit)
        == "cancelled"
    )
    told = "select count(*) from care.deliveries where appointment_id = $1 and text = 'patient_cancelled'"
    assert await world.owner.fetchval(told, visit) == 0  # it can still be undone
    await world.step(seconds=10)
    assert await world.owner.fetchval(told, visit) == 1


async def test_an_act_still_on_its_way_is_said_to_be_worked_on(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    world.frozen = True
    assert "Noted, being worked on." in await act(world, browser, visit, act="claim")


async def test_a_silent_patient_is_a_line_on_the_call_list_not_an_exception_D25(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    await browser.post(world.path(ask["ask_id"]), data={"answer": "yes"})
    await world.step(minutes=61)
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Call list <span>1</span>" in page
    assert "The patient has not confirmed." in page
    assert "Exceptions (0)" in page


async def test_unusual_volume_is_released_or_discarded_for_all_its_visits_D8(
    world: World, browser: httpx.AsyncClient
) -> None:
    volume = make_id("volume")
    await world.submit(PRACTICE, volume, VolumeSeen("booking", 60, 4, "2026-11-24T15:00"))
    await world.decide()
    visit = await world.booked(mode="held")
    assert await world.asks(visit) == []
    row = await world.owner.fetchval("select exception_id from care.exceptions where kind = 'volume'")
    csrf = await sign_in(world, browser)
    page = (await browser.get(f"/?e={row}")).text
    assert "60 visits in ten minutes; 4 are usual" in page
    await browser.post(f"/exceptions/{row}/act", data={"csrf": csrf, "act": "release_volume"})
    await world.decide()
    assert await world.asks(visit, purpose="confirm_staff")
    assert await world.owner.fetchval("select state from care.exceptions where kind = 'volume'") == "resolved"


async def test_the_least_time_left_stands_first_in_its_group(world: World, browser: httpx.AsyncClient) -> None:
    await world.uncovered("far")
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Later <span>1</span>" in page
    await world.step(days=2, hours=1, minutes=30)
    await asyncio.sleep(1.1)  # the board is kept for a second
    page = (await browser.get("/")).text
    assert "Under 30 minutes <span>1</span>" in page


async def test_one_practice_never_shows_another_s(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    found = await exception_id(world, visit)
    await world.owner.execute("update care.exceptions set practice_id = $1", OTHER_PRACTICE)
    await world.owner.execute("update care.appointments set practice_id = $1", OTHER_PRACTICE)
    csrf = await sign_in(world, browser)
    assert "Nobody found" not in (await browser.get(f"/?e={found}")).text
    assert (await browser.get(f"/cases/{visit}")).status_code == 404
    answer = await browser.post(f"/exceptions/{found}/act", data={"csrf": csrf, "act": "claim"})
    assert answer.status_code == 404


async def test_an_unknown_act_is_refused(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    found = await exception_id(world, visit)
    csrf = await sign_in(world, browser)
    assert (await browser.post(f"/exceptions/{found}/act", data={"csrf": csrf, "act": "explode"})).status_code == 400


async def test_a_site_in_another_zone_says_its_zone_where_the_clocks_differ(
    world: World, browser: httpx.AsyncClient
) -> None:
    policy = world.policies[PRACTICE]
    away = Location("south", "South", "America/New_York", "NY")
    sites = {**policy.directory.locations, "south": away}
    world.policies[PRACTICE] = replace(policy, directory=replace(policy.directory, locations=sites))
    visit = await world.uncovered()
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "MST</span>" in page  # the page's own clock, where sites have several
    assert "10:00–10:50 <span>" in page  # a site that shares it needs no zone
    await world.owner.execute("update care.appointments set location = 'south' where appointment_id = $1", visit)
    assert "12:00–12:50 EST <span>" in (await browser.get("/view/queue")).text
