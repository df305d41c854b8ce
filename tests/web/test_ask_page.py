"""The page behind a signed link: for staff and patients, on any phone."""

from __future__ import annotations

from datetime import timedelta

import httpx

from caredispatch.contract.links import SignedLinks
from caredispatch.core.observation import Acted
from caredispatch.web.ask_view import ask_view
from tests.core.test_d12_not_started import begun
from tests.web.conftest import OTHER_PRACTICE, PATIENT, PRACTICE, STAFF, START, World


async def shown(browser: httpx.AsyncClient, path: str) -> str:
    page = await browser.get(path)
    assert page.status_code == 200
    return page.text.split('data-shown="')[1].split('"')[0]


async def test_opening_a_link_changes_nothing_only_the_form_acts_E31(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    path = world.path(ask["ask_id"])
    for method in ("GET", "HEAD", "GET"):
        await browser.request(method, path)
    await browser.get(path, params={"answer": "yes"})
    assert (await world.asks(visit, purpose="confirm_staff"))[0]["state"] == "pending"
    answer = await browser.post(path, data={"answer": "yes"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert (await world.asks(visit, purpose="confirm_staff"))[0]["state"] == "accepted"
    assert await shown(browser, path) == "accepted"


async def test_before_and_after_a_yes_to_cover_no_patient_is_named_D27(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked_while_away()
    ask = (await world.asks(visit, purpose="cover"))[0]
    path = world.path(ask["ask_id"])
    before = (await browser.get(path)).text
    assert "Can you take this visit?" in before
    assert "North" in before
    assert "Therapy, 50 minutes" in before
    await browser.post(path, data={"answer": "yes"})
    after = (await browser.get(path)).text
    assert "Now the patient is asked" in after
    for page in (before, after):
        assert PATIENT not in page
        assert PATIENT[:4].upper() not in page
        assert visit not in page


async def test_a_late_yes_gets_a_courteous_true_word_and_the_patient_decides_D17(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked_while_away()
    first, second = await world.asks(visit, purpose="cover")
    await browser.post(world.path(first["ask_id"]), data={"answer": "yes"})
    agree = (await world.asks(visit, purpose="agree_patient"))[0]
    page = (await browser.get(world.path(agree["ask_id"]))).text
    assert "see you instead?" in page
    await browser.post(world.path(agree["ask_id"]), data={"answer": "yes"})
    assert await shown(browser, world.path(agree["ask_id"])) == "accepted"
    assert await shown(browser, world.path(first["ask_id"])) == "accepted"
    late = (await browser.get(world.path(second["ask_id"]))).text
    assert "it is taken care of" in late
    assert 'name="answer"' not in late


async def test_a_second_yes_stands_by_while_the_patient_is_asked_and_may_be_taken_back_E11(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked_while_away()
    first, second = [world.path(row["ask_id"]) for row in await world.asks(visit, purpose="cover")]
    await browser.post(first, data={"answer": "yes"})
    page = (await browser.get(second)).text
    assert "A colleague said yes first" in page
    assert (">Yes, I can<" in page, 'value="no"' in page) == (True, False)
    await browser.post(second, data={"answer": "yes"})
    page = (await browser.get(second)).text
    assert "You stand by" in page
    assert ('value="no"' in page, 'value="yes"' in page) == (True, False)
    await browser.post(second, data={"answer": "no"})
    assert await shown(browser, second) == "declined"
    await browser.post(second, data={"answer": "yes"})
    assert await shown(browser, second) == "standing_by"
    await browser.post(first, data={"answer": "no"})
    assert await shown(browser, second) == "waiting_patient"


async def test_a_patient_who_agreed_to_a_colleague_may_still_change_their_answer_D22(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked_while_away()
    first = (await world.asks(visit, purpose="cover"))[0]
    await browser.post(world.path(first["ask_id"]), data={"answer": "yes"})
    path = world.path((await world.asks(visit, purpose="agree_patient"))[0]["ask_id"])
    assert "You can change your answer" not in (await browser.get(path)).text
    await browser.post(path, data={"answer": "yes"})
    page = (await browser.get(path)).text
    assert 'value="no"' in page
    assert "You can change your answer" in page
    await browser.post(path, data={"answer": "no"})
    assert await shown(browser, path) == "declined"
    confirmation = "select confirmation from care.appointments where appointment_id = $1"
    assert await world.owner.fetchval(confirmation, visit) == "declined"
    await browser.post(path, data={"answer": "yes"})
    assert await shown(browser, path) == "accepted"
    assert await world.owner.fetchval(confirmation, visit) == "confirmed"
    await world.step(days=3)
    assert await shown(browser, path) == "over"


async def test_a_patient_who_refused_a_colleague_is_not_promised_them_D17(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked_while_away()
    first = (await world.asks(visit, purpose="cover"))[0]
    await browser.post(world.path(first["ask_id"]), data={"answer": "yes"})
    path = world.path((await world.asks(visit, purpose="agree_patient"))[0]["ask_id"])
    assert "With " in (await browser.get(path)).text
    await browser.post(path, data={"answer": "no"})
    after = (await browser.get(path)).text
    assert 'data-shown="declined"' in after
    assert "With " not in after


async def test_an_answer_may_change_until_the_visit_begins_D22(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_patient"))[0]
    path = world.path(ask["ask_id"])
    await browser.post(path, data={"answer": "yes"})
    await browser.post(path, data={"answer": "yes"})
    assert await shown(browser, path) == "accepted"
    await browser.post(path, data={"answer": "no"})
    assert await shown(browser, path) == "declined"
    await browser.post(path, data={"answer": "yes"})
    assert await shown(browser, path) == "accepted"
    await world.step(days=2, hours=3)
    assert await shown(browser, path) == "over"
    await browser.post(path, data={"answer": "no"})
    assert (await world.asks(visit, purpose="confirm_patient"))[0]["state"] == "accepted"


async def test_a_patient_reads_their_own_language_and_zone_D4(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    await world.owner.execute("update care.patients set language = 'es'")
    ask = (await world.asks(visit, purpose="confirm_patient"))[0]
    page = (await browser.get(world.path(ask["ask_id"]))).text
    assert '<html lang="es">' in page
    assert "¿Vendrá a esta cita?" in page
    assert "12:00" in page  # New York, where the patient's number is
    assert "10:00" in page  # Denver, where the site is
    assert "jueves 26 de noviembre" in page


async def test_an_older_link_shows_and_answers_the_present_time(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    old = (await world.asks(visit, purpose="confirm_patient"))[0]
    await world.step(minutes=1)
    await world.moved(visit, timedelta(hours=1))
    page = (await browser.get(world.path(old["ask_id"]))).text
    assert "11:00" in page
    await browser.post(world.path(old["ask_id"]), data={"answer": "yes"})
    states = [row["state"] for row in await world.asks(visit, purpose="confirm_patient")]
    assert states == ["withdrawn", "accepted"]
    assert await shown(browser, world.path(old["ask_id"])) == "accepted"


async def test_whose_visit_is_being_covered_reads_so_and_may_take_it_back(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    path = world.path(ask["ask_id"])
    await browser.post(path, data={"answer": "no"})
    assert await shown(browser, path) == "declined"
    cover = (await world.asks(visit, purpose="cover"))[0]
    await browser.post(path, data={"answer": "yes"})
    assert await shown(browser, path) == "accepted"
    assert await shown(browser, world.path(cover["ask_id"])) == "taken"


async def test_a_cancelled_visit_says_so(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_patient"))[0]
    await world.submit(PRACTICE, visit, Acted("cancel", "dana", None, {"reason": "for the test"}))
    await world.decide()
    assert await shown(browser, world.path(ask["ask_id"])) == "cancelled"


async def test_an_answer_that_is_not_decided_yet_is_said_to_be_on_its_way(
    world: World, browser: httpx.AsyncClient
) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    world.frozen = True
    await browser.post(world.path(ask["ask_id"]), data={"answer": "yes"})
    page = (await browser.get(world.path(ask["ask_id"]))).text
    assert "Noted, being worked on" in page
    assert 'http-equiv="refresh"' in page


async def test_a_forged_foreign_or_unknown_link_is_not_found(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask_id = (await world.asks(visit))[0]["ask_id"]
    good = world.path(ask_id)
    forged = SignedLinks(b"x" * 32, "").make(PRACTICE, ask_id)
    changed = good[:-1] + ("A" if good[-1] != "A" else "B")
    for path in (forged, changed, world.path(ask_id, OTHER_PRACTICE), world.path(STAFF["ana"]), good + "A", "/a/x"):
        for page in (await browser.get(path), await browser.post(path, data={"answer": "yes"})):
            assert page.status_code == 404
            assert "This link does not work" in page.text
            assert "Testville" not in page.text


async def test_a_form_of_another_site_does_nothing(world: World, browser: httpx.AsyncClient) -> None:
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="confirm_staff"))[0]
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = await browser.post(world.path(ask["ask_id"]), data={"answer": "yes"}, headers=headers)
    assert answer.status_code == 404
    assert (await world.asks(visit, purpose="confirm_staff"))[0]["state"] == "pending"


async def test_a_told_provider_may_object_D16(world: World, browser: httpx.AsyncClient) -> None:
    world.told_not_asked()
    visit = await world.booked()
    ask = (await world.asks(visit, purpose="inform_staff"))[0]
    path = world.path(ask["ask_id"])
    assert await shown(browser, path) == "told"
    await browser.post(path, data={"answer": "yes"})  # not offered
    assert (await world.asks(visit, purpose="inform_staff"))[0]["state"] == "pending"
    await browser.post(path, data={"answer": "no"})
    assert await shown(browser, path) == "declined"
    assert await world.asks(visit, purpose="cover")


async def test_the_link_is_short_and_holds_no_identity(world: World) -> None:
    visit = await world.booked(start=timedelta(days=3))
    ask_id = (await world.asks(visit))[0]["ask_id"]
    link = world.links.make(PRACTICE, ask_id)
    assert len(link) == len("http://pages.test/a/") + 35
    assert START.isoformat()[:10] not in link


def test_d12_who_is_asked_about_a_visit_that_did_not_begin_can_say_yes_until_its_end() -> None:
    town = begun().run(15)
    state = town.state("visit")
    for ask in (a for a in state.asks if a.purpose == "cover"):
        view = ask_view(state, ask, town.now, waiting=False, claimed=False)
        assert (view.shown, view.choices) == ("open", ("yes", "no"))
        over = ask_view(state, ask, town.visit("visit").end_at, waiting=False, claimed=False)
        assert over.shown == "over"


async def test_e18_the_link_of_a_message_that_asks_several_shows_them_all_each_with_its_own_answer(
    world: World, browser: httpx.AsyncClient
) -> None:
    first = await world.booked_while_away()
    later = await world.booked("2", start=timedelta(days=2, hours=4))
    mine = [
        next(a for a in await world.asks(visit, purpose="cover") if a["person_id"] == STAFF["ben"])
        for visit in (first, later)
    ]
    await world.owner.execute(
        "update care.deliveries set state = 'joined', joined_to = (select delivery_id from care.deliveries "
        "where ask_id = $1) where ask_id = $2",
        *(ask["ask_id"] for ask in mine),
    )
    for link in mine:
        page = (await browser.get(world.path(link["ask_id"]))).text
        assert [part.split('"')[0] for part in page.split('data-shown="')[1:]] == ["open", "open"]
        assert page.index(mine[0]["ask_id"]) < page.index(mine[1]["ask_id"]), "in the order of the visits"
    answer = await browser.post(world.path(mine[0]["ask_id"]), data={"answer": "yes", "ask": mine[1]["ask_id"]})
    assert answer.status_code == 303
    assert [(await world.asks(v, purpose="cover", person_id=STAFF["ben"]))[0]["state"] for v in (first, later)] == [
        "pending",
        "accepted",
    ]
    other = (await world.asks(first, purpose="cover", person_id=STAFF["cleo"]))[0]["ask_id"]
    for stranger in (other, ""):
        refused = await browser.post(world.path(mine[0]["ask_id"]), data={"answer": "no", "ask": stranger})
        assert refused.status_code == 404
    assert (await world.asks(first, purpose="cover", person_id=STAFF["ben"]))[0]["state"] == "pending"
    assert (await world.asks(first, purpose="cover", person_id=STAFF["cleo"]))[0]["state"] == "pending"
    page = (await browser.get(world.path(mine[0]["ask_id"]))).text
    assert PATIENT not in page
    assert later not in page
