"""Work by hand on the pages: moved, overbooked, snoozed, handed over, paused, undone; answers taken by phone; what
staff say; and a stop to all sending (D1, D8, D17, D26, D28, D41)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import httpx
import orjson
import pytest
from pydantic import TypeAdapter

from caredispatch.core.decide import decide
from caredispatch.core.draft import apply
from caredispatch.core.ids import make_id
from caredispatch.core.playbook import ServicePolicy
from caredispatch.core.records import State
from caredispatch.engine.deciding import Entry
from caredispatch.store.rows import canonical
from tests.web.conftest import OTHER_PRACTICE, PATIENT, PRACTICE, STAFF, START, World, sign_in
from tests.web.test_queue import act, exception_id

AT_TEN = "2026-11-26T10:00"  # in Denver; START + 2 d 2 h
AT_NOON = "2026-11-26T12:00"


def told_of_moves(world: World) -> None:
    """From now on patients need only hear of a move."""
    policy = world.policies[PRACTICE]
    services = {"therapy": ServicePolicy(patient_agreement="notice")}
    world.policies[PRACTICE] = replace(policy, playbook=replace(policy.playbook, services=services))


async def on_visit(world: World, browser: httpx.AsyncClient, visit: str, handle: str = "dana", **form: str) -> str:
    """Send one form of a case page; the page that comes back."""
    csrf = await sign_in(world, browser, handle)
    answer = await browser.post(f"/cases/{visit}/act", data={"csrf": csrf, **form})
    assert answer.status_code == 303, answer.text
    return (await browser.get(answer.headers["location"])).text


async def start_of(world: World, visit: str) -> str:
    at = await world.owner.fetchval("select start_at from care.appointments where appointment_id = $1", visit)
    return f"{at:%H:%M}"


async def test_a_visit_is_moved_by_the_clock_of_its_site(world: World, browser: httpx.AsyncClient) -> None:
    told_of_moves(world)
    visit = await world.booked()
    page = await on_visit(world, browser, visit, act="move", start_at=AT_NOON, reason="swap")
    assert await start_of(world, visit) == "19:00"  # noon in Denver
    assert "12:00–12:50" in page
    assert "Dana moved the visit." in page


async def test_d17_where_the_patient_must_agree_the_page_shows_the_question(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    page = await on_visit(world, browser, visit, act="move", start_at=AT_NOON)
    assert await start_of(world, visit) == "17:00"
    assert "offered times" in page
    ask = (await world.asks(visit, purpose="offer_times"))[0]
    csrf = await sign_in(world, browser)
    form = {"csrf": csrf, "ask_id": ask["ask_id"], "answer": "1"}
    assert (await browser.post(f"/cases/{visit}/answer", data=form)).status_code == 303
    assert await start_of(world, visit) == "19:00"
    wrong = await browser.post(f"/cases/{visit}/answer", data={**form, "answer": "2"})
    assert wrong.status_code == 400


async def test_what_is_illegal_about_a_move_is_said_with_its_reasons(world: World, browser: httpx.AsyncClient) -> None:
    told_of_moves(world)
    visit = await world.booked()
    page = await on_visit(world, browser, visit, act="move", start_at="2026-11-26T22:30")
    assert "That could not be done: that person may not, or can&#39;t, see the patient then: not on duty then." in page


@pytest.mark.parametrize("start_at", ["", "tomorrow", "2026-13-40T10:00"])
async def test_a_time_that_is_none_changes_nothing(world: World, browser: httpx.AsyncClient, start_at: str) -> None:
    told_of_moves(world)
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    form = {"csrf": csrf, "act": "move", "start_at": start_at}
    answer = await browser.post(f"/cases/{visit}/act", data=form)
    assert answer.status_code == (400 if start_at else 303)
    assert await start_of(world, visit) == "17:00"


async def test_d1_e8_an_overbook_joins_the_session_it_overlaps_and_shows_as_such(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked("1")
    other = await world.booked_by_another("2")
    page = await on_visit(world, browser, visit, act="assign", staff_id=STAFF["ben"], reason="swap")
    assert "That could not be done: already booked then." in page
    page = await on_visit(world, browser, visit, act="overbook", staff_id=STAFF["ben"], reason="an emergency")
    sessions = await world.owner.fetch("select distinct session_id from care.appointments")
    assert len(sessions) == 1
    assert "Overbooked on purpose" in page
    assert "an emergency" in page
    taken = "select count(distinct appointment_id) from care.occupations where resource_id = $1"
    assert await world.owner.fetchval(taken, STAFF["ben"]) == 2
    assert other != visit


async def test_an_act_is_undone_within_ten_seconds_and_nothing_has_left(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.uncovered()
    page = await on_visit(world, browser, visit, act="assign", staff_id=STAFF["cleo"], role="provider", reason="x")
    assert 'value="undo"' in page
    waiting = "select count(*) from care.deliveries where appointment_id = $1 and state = 'pending' and not_before > $2"
    assert await world.owner.fetchval(waiting, visit, world.clock.at) > 0
    await world.step(seconds=9)
    page = await on_visit(world, browser, visit, act="undo")
    assert "made it as it was before dana assigned somebody" in page
    assert await world.owner.fetchval(waiting, visit, world.clock.at) == 0
    actor = "select actor_id from care.participants where appointment_id = $1 and role = 'provider'"
    assert await world.owner.fetchval(actor, visit) == STAFF["ana"]
    assert await world.owner.fetchval("select state from care.exceptions where kind = 'nobody_found'") == "open"


async def test_what_has_left_is_not_undone_and_the_page_says_what_to_do_instead(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.uncovered()
    await on_visit(world, browser, visit, act="assign", staff_id=STAFF["cleo"], role="provider", reason="x")
    await world.step(seconds=10)
    page = await on_visit(world, browser, visit, act="undo")
    assert "it has left the house already: do the opposite" in page


async def test_undo_is_refused_while_something_of_it_is_being_sent_and_decided_again_later(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.uncovered()
    await on_visit(world, browser, visit, act="assign", staff_id=STAFF["cleo"], role="provider", reason="x")
    await world.owner.execute(
        "update care.deliveries set lease_until = now() + interval '1 minute' where text = 'new_visit' "
        "and person_id = $1",
        STAFF["cleo"],
    )
    await on_visit(world, browser, visit, act="undo")
    assert await world.undecided(visit)
    await world.step(seconds=11)
    assert not await world.undecided(visit)
    actor = "select actor_id from care.participants where appointment_id = $1 and role = 'provider'"
    assert await world.owner.fetchval(actor, visit) == STAFF["cleo"]


async def test_d28_a_snoozed_exception_stands_apart_until_it_wakes(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    page = await act(world, browser, visit, act="snooze", until="2026-11-24T10:00")
    assert "Snoozed <span>1</span>" in page
    assert "Exceptions (0)" in page
    await world.step(hours=2)
    await asyncio.sleep(1.1)  # the board is kept for a second
    assert "Exceptions (1)" in (await browser.get("/")).text


async def test_d28_an_exception_is_handed_over_to_a_group_or_an_account_and_to_nobody_else(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.uncovered()
    page = await act(world, browser, visit, act="hand_over", to="nobody-here")
    assert "That could not be done: there is nobody of that name." in page
    await world.sign_in_link("omar")
    page = await act(world, browser, visit, act="hand_over", to="omar")
    assert "For <b>omar</b>" in page


async def test_two_coordinators_race_for_one_exception_and_one_has_it(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.uncovered()
    found = await exception_id(world, visit)
    dana = await sign_in(world, browser)
    transport = browser._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as second:
        omar = await sign_in(world, second, "omar")
        form = {"act": "claim"}
        await asyncio.gather(
            browser.post(f"/exceptions/{found}/act", data={**form, "csrf": dana}),
            second.post(f"/exceptions/{found}/act", data={**form, "csrf": omar}),
        )
        await world.decide()
        pages = [(await one.get(f"/?e={found}")).text for one in (browser, second)]
    assert sum("<b>Yours</b>" in page for page in pages) == 1
    refused = await world.owner.fetchval("select count(*) from care.journal where body like '%claimed_already%'")
    assert refused == 1


async def test_a_case_is_paused_and_goes_on_from_its_page(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked_while_away()
    page = await on_visit(
        world, browser, visit, act="pause_case", case_id=str((await world.asks(visit, purpose="cover"))[0]["case_id"])
    )
    assert "Let it go on" in page
    asked = len(await world.asks(visit))
    await world.step(minutes=40)
    assert len(await world.asks(visit)) == asked
    case = await world.owner.fetchval("select case_id from care.cases where kind = 'cover' and state = 'open'")
    await on_visit(world, browser, visit, act="resume_case", case_id=str(case))
    assert "nobody_found" in [row[0] for row in await world.owner.fetch("select kind from care.exceptions")]


async def test_d8_sending_is_paused_and_every_page_says_so(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    assert "Sending is paused" not in (await browser.get("/")).text
    await browser.post("/sending", data={"csrf": csrf, "paused": "yes"})
    for page in ("/", "/staff", f"/cases/{visit}", "/requests/new"):
        assert "Sending is paused" in (await browser.get(page)).text, page
    paused = "select sending_paused from care.practices where practice_id = $1"
    assert await world.owner.fetchval(paused, PRACTICE)
    assert not await world.owner.fetchval(paused, OTHER_PRACTICE)
    await browser.post("/sending", data={"csrf": csrf, "paused": "no"})
    assert "Sending is paused" not in (await browser.get("/")).text


async def test_d8_all_sending_of_an_installation_is_paused_at_once(world: World) -> None:
    await world.sends.pause(None, paused=True)
    assert await world.owner.fetchval("select bool_and(sending_paused) from care.practices")


async def test_d26_what_staff_said_on_the_phone_reaches_their_visits(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    form = {"csrf": csrf, "what": "staff_unavailable", "staff_id": STAFF["ana"]}
    answer = await browser.post("/staff", data={**form, "start": "2026-11-26T08:00", "end": "2026-11-26T18:00"})
    assert answer.status_code == 303
    await world.decide()
    page = (await browser.get("/staff")).text
    assert "Ana Beispiel" in page
    assert "confirmed" in page
    assert [row["person_id"] for row in await world.asks(visit, purpose="cover")]


async def test_d3_who_leaves_and_d14_a_site_that_closes_are_taken_down(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    csrf = await sign_in(world, browser)
    leaves = {"what": "staff_leaving", "staff_id": STAFF["ana"], "start": "2026-11-25T00:00"}
    span = {"start": "2026-11-26T00:00", "end": "2026-11-27T00:00"}
    closes = {"what": "location_closed", "location": "north", **span, "reason": "snow"}
    for form in (leaves, closes):
        assert (await browser.post("/staff", data={"csrf": csrf, **form})).status_code == 303
        await world.decide()
    rows = await world.owner.fetch("select kind, state, reason, visits from care.incidents order by at, kind desc")
    assert [(row["kind"], row["state"], row["reason"]) for row in rows] == [
        ("staff_leaving", "confirmed", ""),
        ("location_closed", "confirmed", "snow"),
    ]
    assert all([str(each) for each in row["visits"]] == [visit] for row in rows)
    page = (await browser.get("/staff")).text
    assert "leaves" in page
    assert "is closed" in page


@pytest.mark.parametrize(
    "form",
    [
        {"what": "staff_leaving", "staff_id": "nobody", "start": "2026-11-26T18:00"},
        {"what": "staff_leaving", "start": ""},
        {"what": "location_closed", "location": "moon", "start": "2026-11-26T08:00", "end": "2026-11-26T18:00"},
        {"what": "staff_unavailable", "start": "2026-11-26T18:00", "end": "2026-11-26T08:00"},
        {"what": "staff_unavailable", "start": "2026-11-20T08:00", "end": "2026-11-20T18:00"},
        {"what": "staff_late", "minutes": "0"},
        {"what": "staff_late", "minutes": "soon"},
        {"what": "location_closed", "start": "2026-11-26T08:00", "end": "2026-11-26T18:00"},
    ],
)
async def test_what_staff_can_not_have_said_is_refused(
    world: World, browser: httpx.AsyncClient, form: dict[str, str]
) -> None:
    csrf = await sign_in(world, browser)
    answer = await browser.post("/staff", data={"csrf": csrf, "staff_id": STAFF["ana"], **form})
    assert answer.status_code == 400
    assert await world.owner.fetchval("select count(*) from care.observations") == 0


async def test_d40_gaps_and_calls_are_lists_of_their_own(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    await world.owner.execute(
        "insert into care.exceptions (practice_id, exception_id, kind, owner, raised_at, ack_by, appointment_id, "
        "detail, state, escalated) values ($1, $2, 'gap', 'dana', $3, $4, $5, $6, 'open', 0)",
        PRACTICE, make_id("gap"), START, START + timedelta(days=1), visit,
        {"role": "provider", "why": "no_rule", "best": "ben"},
    )  # fmt: skip
    await sign_in(world, browser)
    page = (await browser.get("/")).text
    assert "Gaps list <span>1</span>" in page
    assert "Exceptions (0)" in page
    assert PATIENT not in page


async def test_promise_7_acts_and_their_undoing_are_decided_the_same_again(
    world: World, browser: httpx.AsyncClient
) -> None:
    told_of_moves(world)
    visit = await world.uncovered()
    await world.booked_by_another("2")
    for form in (
        {"act": "move", "start_at": AT_NOON, "staff_id": STAFF["cleo"]},
        {"act": "undo"},
        {"act": "overbook", "staff_id": STAFF["ben"], "reason": "an emergency"},
        {"act": "undo"},
        {"act": "cancel", "reason": "nobody can"},
    ):
        await on_visit(world, browser, visit, **form)
    await world.step(seconds=10)
    rows = await world.owner.fetch("select body from care.journal where subject_id = $1 order by seq", visit)
    state, acts = State(), 0
    for row in rows:
        entry = TypeAdapter(Entry).validate_json(row[0])
        again = decide(entry.state or state, entry.facts, entry.event, world.policies[PRACTICE], entry.now)
        assert orjson.loads(canonical(again)) == orjson.loads(row[0])["decision"]
        assert entry.state in (None, state)
        acts += entry.state is not None
        state = apply(state, entry.decision)
    assert acts == 5
    assert state.appointment is not None
    assert (state.appointment.status, state.appointment.actor("provider")) == ("cancelled", STAFF["ana"])
