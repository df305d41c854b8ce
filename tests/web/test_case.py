"""The page of one visit: true reasons, all copies, everything that happened, and identity only when asked for."""

from __future__ import annotations

import re

import httpx

from caredispatch.core.observation import AppointmentSeen
from tests.web.conftest import PRACTICE, STAFF, World, sign_in


async def test_it_explains_which_rule_matched_and_who_was_considered(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    await sign_in(world, browser)
    page = (await browser.get(f"/cases/{visit}")).text
    assert "<b>Lost their provider</b>" in page
    assert "not on this care plan" in page
    assert "Can you take {service} at {location}? {link}" in page
    assert "location: North" in page
    assert "start_at: 26 Nov, 10:00" in page
    assert "put before dana" in page
    assert "did not answer in time" in page


async def test_name_and_contact_show_once_and_only_on_demand(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    assert "Testperson" not in (await browser.get(f"/cases/{visit}")).text
    assert (await browser.get(f"/cases/{visit}/reveal")).status_code == 405
    page = await browser.post(f"/cases/{visit}/reveal", data={"csrf": csrf})
    assert "Paula Testperson" in page.text
    assert "maybe later" in page.text
    assert page.headers["cache-control"] == "no-store"
    assert world.revealed == [("dana", visit)]
    assert "Testperson" not in (await browser.get(f"/cases/{visit}")).text


async def test_an_answer_by_phone_is_taken_down_for_the_person_who_gave_it_D41(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    ask = (await world.asks(visit, purpose="confirm_patient"))[0]
    form = {"csrf": csrf, "ask_id": ask["ask_id"], "answer": "yes"}
    answer = await browser.post(f"/cases/{visit}/answer", data=form)
    assert answer.status_code == 303
    after = (await world.asks(visit, purpose="confirm_patient"))[0]
    assert (after["state"], after["answered_via"]) == ("accepted", "phone")
    journal = await world.owner.fetch("select body from care.journal where kind = 'answered'")
    assert '"on_behalf":"dana"' in journal[0]["body"]
    other = {**form, "ask_id": STAFF["ana"]}
    assert (await browser.post(f"/cases/{visit}/answer", data=other)).status_code == 404


async def test_a_visit_is_assigned_by_hand_without_an_exception(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    form = {"csrf": csrf, "act": "assign", "staff_id": STAFF["ben"], "role": "provider", "reason": "swap"}
    assert (await browser.post(f"/cases/{visit}/act", data=form)).status_code == 303
    assert "Ben Beispiel" in (await browser.get(f"/cases/{visit}")).text
    assert (await browser.post(f"/cases/{visit}/act", data={**form, "act": "claim"})).status_code == 400


async def test_a_conflict_shows_both_sides(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    later = "update care.appointments set start_at = start_at + interval '1 hour', end_at = end_at + interval '1 hour'"
    await world.owner.execute(later)
    seen = dict(await world.owner.fetchval("select seen from care.links"))
    seen |= {"start_at": "2026-11-26T19:00:00Z", "end_at": "2026-11-26T19:50:00Z"}
    await world.submit(PRACTICE, visit, AppointmentSeen("booking", "1", seen, 2))
    await world.decide()
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Two systems disagree" in page
    assert "Accept theirs" in page


async def test_the_time_line_names_the_day_wherever_it_changes(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    await world.step(hours=30)
    await sign_in(world, browser)
    page = (await browser.get(f"/cases/{visit}")).text
    days = re.findall(r'<li class="tl__day">([^<]+)</li>', page.split("Everything that happened")[1].split("</ol>")[0])
    assert days[-1] == "Tue 24 Nov"
    assert len(days) == len(set(days))
    assert "practice_manager" not in page
