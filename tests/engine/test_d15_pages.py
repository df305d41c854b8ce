"""D15: a request is opened in three fields, by a person or a program; a patient chooses a time on a page that works
without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta

from caredispatch.lab.scenery import CLIENTS
from caredispatch.store import accounts
from tests.engine.house import PRACTICE, House, visit
from tests.engine.test_d15_requests import desk_knows, known_patient, requested


async def signed_in(house: House) -> str:
    """The browser is Mia's, who works at the front desk; the token that her forms carry."""
    account = await accounts.put_account(house.owner, PRACTICE, "mia", "coordinator", house.clock.at)
    link = f"/sign-in/once/{await accounts.make_link(house.owner, account, house.clock.wall_at)}"
    mark = hidden((await house.http.get(link)).text, "mark")
    await house.http.post(link, data={"mark": mark})
    return hidden((await house.http.get("/account")).text, "csrf")


def hidden(html: str, name: str) -> str:
    """The value of a form's hidden field."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]+)"', html) or re.search(
        rf'value="([^"]+)"[^>]*name="{name}"', html
    )
    assert found, name
    return found[1]


async def test_d15_the_front_desk_opens_a_request_in_three_fields(house: House) -> None:
    patient, csrf = await known_patient(house), await signed_in(house)
    page = (await house.http.get("/requests/new")).text
    fields = re.findall(r'<(?:input|select) name="(\w+)"', page)
    assert fields == ["patient", "service", "when"]
    data = {"csrf": csrf, "patient": patient, "service": "therapy-50", "when": "fortnight"}
    opened = await house.http.post("/requests/new", data=data)
    await house.work()
    visit = opened.headers["location"].removeprefix("/cases/")
    assert opened.status_code == 303
    assert await house.count("asks", f"purpose = 'offer_times' and appointment_id = '{visit}'") == 1
    assert (await house.http.get(f"/cases/{visit}")).status_code == 200


async def test_d15_a_program_in_a_session_opens_one_and_hears_what_is_wrong(house: House) -> None:
    patient, csrf = await known_patient(house), await signed_in(house)
    data = {"csrf": csrf, "patient": patient, "service": "therapy-50", "when": "urgent", "location": "North"}
    made = await house.http.post("/api/requests", data=data)
    assert made.status_code == 201
    await house.work()
    assert await house.count("appointments", f"appointment_id = '{made.json()['visit']}'") == 1
    for wrong in ({"patient": "nobody"}, {"service": "dance"}, {"when": "some day"}, {"location": "Moon"}):
        assert (await house.http.post("/api/requests", data={**data, **wrong})).status_code == 422
    assert (await house.http.post("/api/requests", data={**data, "csrf": "forged"})).status_code == 403
    house.http.cookies.clear()
    assert (await house.http.post("/api/requests", data=data)).status_code == 401
    assert await house.count("appointments") == 1


async def test_d15_a_patient_chooses_on_the_page_with_one_post(house: House) -> None:
    subject = await requested(house)
    ask = await house.owner.fetchval("select ask_id from care.asks where purpose = 'offer_times'")
    path = house.engine.deliverer.links.make(PRACTICE, ask).removeprefix("http://product.test")
    page = (await house.http.get(path)).text
    assert page.count('type="radio"') == 3
    assert 'data-shown="open"' in page
    assert CLIENTS[0].family not in page
    await house.http.post(path, data={"answer": "yes"})
    assert await house.count("appointments", "status = 'proposed'") == 1
    await house.http.post(path, data={"answer": "yes", "choice": "9"})
    assert await house.count("observations", "kind = 'answered'") == 0
    third = await house.owner.fetchval("select options -> 2 ->> 'start_at' from care.asks where ask_id = $1", ask)
    await house.http.post(path, data={"answer": "yes", "choice": "3"})
    await house.work()
    row = await house.row("select status, start_at from care.appointments where appointment_id = $1", subject)
    assert (row["status"], row["start_at"].isoformat()[:16]) == ("booked", third[:16])
    after = (await house.http.get(path)).text
    assert 'data-shown="accepted"' in after
    assert 'type="radio"' not in after


async def test_d15_another_system_asks_for_a_visit_by_a_signed_push(house: House) -> None:
    await desk_knows(house)
    asked = {key: value for key, value in visit(1).items() if key not in ("start_at", "end_at", "actors")}
    until = (house.clock.at + timedelta(days=7)).isoformat()
    await house.push({**asked, "status": "proposed", "requested": {"until": until}})
    await house.work()
    row = await house.row("select appointment_id, status from care.appointments")
    assert row["status"] == "proposed"
    assert await house.count("asks", "purpose = 'offer_times'") == 1
    await house.push({**asked, "version": 2, "status": "cancelled", "requested": {"until": until}}, delivery="d-2")
    await house.play(minutes=4)
    assert await house.owner.fetchval("select state from care.cases where kind = 'place'") == "closed"
    assert await house.exceptions() == []
    await house.push({**asked, "version": 3, "status": "booked"}, delivery="d-3")
    await house.work()
    assert [kind for kind, _ in await house.exceptions()] == ["not_understood"]
