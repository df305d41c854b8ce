"""The booking system behaves as Acuity Scheduling documents it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest

from caredispatch.lab.world.client import Hooks, WorldRefused
from tests.lab.conftest import START, Scene, seed
from tests.lab.receiver import receiving

API = "/acuity/api/v1"
AUTH = ("77", "key-for-tests")


async def test_a_booking_is_told_by_two_signed_webhooks_that_carry_only_ids(
    scene: Scene, booking: dict[str, Any]
) -> None:
    made = await scene.world.book(booking)
    assert scene.product.got == []
    await scene.run_for(1)
    assert [form["action"] for form in scene.product.forms()] == ["scheduled", "changed"]
    for got in scene.product.got:
        assert set(got.form) == {"action", "id", "calendarID", "appointmentTypeID"}
        assert got.form["id"] == str(made)
        digest = hmac.new(b"key-for-tests", got.body, hashlib.sha256).digest()
        assert got.headers["x-acuity-signature"] == base64.b64encode(digest).decode()


async def test_an_appointment_reads_as_documented(scene: Scene, booking: dict[str, Any]) -> None:
    made = await scene.world.book(booking)
    answer = await scene.http.get(f"{API}/appointments/{made}", auth=AUTH)
    row = answer.json()
    assert row["datetime"] == "2026-11-25T10:00:00-0700"
    assert (row["duration"], row["price"], row["time"], row["endTime"]) == (
        "50",
        "0.00",
        "10:00am",
        "10:50am",
    )
    assert (row["date"], row["canceled"], row["calendarTimezone"]) == (
        "November 25, 2026",
        False,
        "America/Denver",
    )
    assert "noShow" not in row


async def test_a_wrong_key_is_refused_and_an_unknown_appointment_not_found(scene: Scene) -> None:
    denied = await scene.http.get(f"{API}/appointments/1", auth=("77", "wrong"))
    assert (denied.status_code, denied.json()["error"]) == (401, "unauthorized")
    missing = await scene.http.get(f"{API}/appointments/1", auth=AUTH)
    assert missing.status_code == 404
    assert set(missing.json()) == {"status_code", "message", "error"}


async def test_the_products_own_writes_come_back_as_webhooks(scene: Scene, booking: dict[str, Any]) -> None:
    made = await scene.world.book(booking, hooks=Hooks(no_hook=True))
    body = {"calendarID": 2, "datetime": "2026-11-25T10:00:00-0700"}
    moved = await scene.http.put(f"{API}/appointments/{made}/reschedule", json=body, auth=AUTH)
    assert moved.json()["calendarID"] == 2
    await scene.http.put(f"{API}/appointments/{made}", json={"notes": "n", "price": "9"}, auth=AUTH)
    cancel = f"{API}/appointments/{made}/cancel?admin=true&noEmail=true"
    gone = await scene.http.put(cancel, json={"noShow": True}, auth=AUTH)
    assert (gone.json()["notes"], gone.json()["canceled"], gone.json()["noShow"]) == ("n", True, True)
    assert gone.json()["price"] == "0.00"
    await scene.run_for(1)
    actions = [form["action"] for form in scene.product.forms()]
    assert actions == ["rescheduled", "changed", "changed", "canceled", "changed"]
    vendor = await scene.seen("vendor_mail")
    assert [entry["what"] for entry in vendor] == ["rescheduled"]


async def test_a_cancelled_appointment_cannot_come_back_and_is_listed_only_on_request(
    scene: Scene, booking: dict[str, Any]
) -> None:
    made = await scene.world.book(booking)
    await scene.world.act("acuity", "cancel", {"id": made})
    again = await scene.http.put(f"{API}/appointments/{made}/cancel", json={}, auth=AUTH)
    assert (again.status_code, again.json()["error"]) == (400, "cancel_not_allowed")
    counts = []
    for query in ("", "?canceled=true", "?showall=true"):
        counts.append(len((await scene.http.get(f"{API}/appointments{query}", auth=AUTH)).json()))
    assert counts == [0, 1, 1]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"minDate": "2026-11-25", "maxDate": "2026-11-25"}, 2),
        ({"minDate": "2026-11-26"}, 0),
        ({"maxDate": "2026-11-24"}, 0),
        ({"calendarID": "2"}, 1),
        ({"max": "1"}, 1),
    ],
)
async def test_appointments_are_found_by_date_and_calendar(
    scene: Scene, booking: dict[str, Any], query: dict[str, str], found: int
) -> None:
    await scene.world.book(booking)
    await scene.world.book({**booking, "calendarID": 2})
    answer = await scene.http.get(f"{API}/appointments", params=query, auth=AUTH)
    assert len(answer.json()) == found


async def test_a_taken_time_is_refused_except_to_an_administrator(scene: Scene, booking: dict[str, Any]) -> None:
    await scene.http.post(f"{API}/appointments", json=booking, auth=AUTH)
    taken = await scene.http.post(f"{API}/appointments", json=booking, auth=AUTH)
    assert (taken.status_code, taken.json()["error"]) == (400, "not_available")
    forced = await scene.http.post(f"{API}/appointments?admin=true", json=booking, auth=AUTH)
    assert forced.status_code == 200


async def test_blocks_are_made_listed_and_removed(scene: Scene, booking: dict[str, Any]) -> None:
    times = {"start": "2026-11-25T09:00:00-0700", "end": "2026-11-25T12:00:00-0700"}
    made = await scene.http.post(f"{API}/blocks", json={**times, "calendarID": 1, "notes": "Busy"}, auth=AUTH)
    listed = await scene.http.get(f"{API}/blocks?calendarID=1&minDate=2026-11-25&maxDate=2026-11-25", auth=AUTH)
    assert listed.json() == [made.json()]
    taken = await scene.http.post(f"{API}/appointments", json=booking, auth=AUTH)
    assert taken.json()["error"] == "not_available"
    gone = await scene.http.delete(f"{API}/blocks/{made.json()['id']}", auth=AUTH)
    assert gone.status_code == 204
    assert (await scene.http.get(f"{API}/blocks", auth=AUTH)).json() == []


async def test_a_blocks_id_is_nobody_elses_after_it_is_gone(scene: Scene) -> None:
    block = {"start": "2026-11-25T09:00:00-0700", "end": "2026-11-25T12:00:00-0700", "calendarID": 1}
    first, second = [(await scene.http.post(f"{API}/blocks", json=block, auth=AUTH)).json()["id"] for _ in range(2)]
    await scene.http.delete(f"{API}/blocks/{first}", auth=AUTH)
    third = (await scene.http.post(f"{API}/blocks", json=block, auth=AUTH)).json()["id"]
    assert [b["id"] for b in (await scene.http.get(f"{API}/blocks", auth=AUTH)).json()] == [second, third]


async def test_calendars_types_and_account_are_listed(scene: Scene) -> None:
    calendars = (await scene.http.get(f"{API}/calendars", auth=AUTH)).json()
    types = (await scene.http.get(f"{API}/appointment-types", auth=AUTH)).json()
    me = (await scene.http.get(f"{API}/me", auth=AUTH)).json()
    assert ([each["id"] for each in calendars], types[0]["calendarIDs"], me["id"]) == ([1, 2], [1, 2], 77)


async def test_webhooks_can_be_doubled_reversed_and_lost(scene: Scene, booking: dict[str, Any]) -> None:
    await scene.world.book(booking, hooks=Hooks(duplicate=1, reorder=True))
    await scene.world.book({**booking, "calendarID": 2}, hooks=Hooks(no_hook=True))
    await scene.run_for(5)
    actions = [form["action"] for form in scene.product.forms()]
    assert actions == ["changed", "scheduled", "changed", "scheduled"]


async def test_a_refused_webhook_is_tried_again_until_it_is_taken(scene: Scene, booking: dict[str, Any]) -> None:
    scene.product.answer = lambda got: (503 if len(scene.product.got) < 3 else 200, "")
    await scene.world.book(booking)
    await scene.run_for(1)
    assert (await scene.world.idle()).in_flight == 2
    for _ in range(100):
        if (await scene.world.idle()).in_flight == 0:
            break
        await asyncio.sleep(0.02)
    actions = sorted(form["action"] for form in scene.product.forms())
    assert actions == ["changed", "changed", "scheduled", "scheduled"]


async def test_a_webhook_reaches_a_receiver_that_was_down(scene: Scene, booking: dict[str, Any]) -> None:
    async with receiving() as former:
        port = int(former.url.rpartition(":")[2])
    await scene.world.hooks(acuity=f"{former.url}/later")
    await scene.world.book(booking)
    await scene.run_for(1)
    async with receiving(port) as later:
        for _ in range(100):
            if len(later.got) == 2:
                break
            await asyncio.sleep(0.02)
        assert [got.path for got in later.got] == ["/later", "/later"]


async def test_a_planned_booking_has_its_id_at_once_and_happens_at_its_instant(
    scene: Scene, booking: dict[str, Any]
) -> None:
    made = await scene.world.book(booking, at=START + timedelta(minutes=5))
    assert (await scene.world.state())["acuity"]["appointments"] == []
    await scene.run_for(301)
    assert scene.product.forms()[0] == {
        "action": "scheduled",
        "id": str(made),
        "calendarID": "1",
        "appointmentTypeID": "10",
    }


async def class_seed(scene: Scene) -> None:
    """The same practice with a class of two."""
    other = seed(scene.product.url)
    other["acuity"]["types"].append({"id": 20, "name": "Group", "duration": 90, "type": "class", "classSize": 2})
    await scene.world.reset(other)


async def test_a_class_has_one_time_for_several_clients_until_it_is_full(scene: Scene, booking: dict[str, Any]) -> None:
    await class_seed(scene)
    group = {**booking, "appointmentTypeID": 20}
    answers = [await scene.http.post(f"{API}/appointments", json=group, auth=AUTH) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 400]
    assert answers[0].json()["classID"] == answers[1].json()["classID"]
    assert answers[0].json()["classID"] is not None
    alone = await scene.http.post(f"{API}/appointments", json=booking, auth=AUTH)
    assert alone.json()["error"] == "not_available"
    listed = (await scene.http.get(f"{API}/appointment-types", auth=AUTH)).json()
    assert [(each["type"], each["classSize"]) for each in listed] == [("service", None), ("class", 2)]


async def test_a_stranger_gets_a_freed_time_but_not_one_that_we_hold(scene: Scene, booking: dict[str, Any]) -> None:
    freed = await scene.world.book(booking)
    await scene.world.act("acuity", "cancel", {"id": freed})
    times = {"start": "2026-11-25T10:00:00-0700", "end": "2026-11-25T10:50:00-0700"}
    held = await scene.http.post(f"{API}/blocks", json={**times, "calendarID": 1}, auth=AUTH)
    with pytest.raises(WorldRefused, match="not available"):
        await scene.world.book(booking)
    await scene.http.delete(f"{API}/blocks/{held.json()['id']}", auth=AUTH)
    assert await scene.world.book(booking) != freed


async def test_a_no_show_is_marked_on_a_cancelled_appointment(scene: Scene, booking: dict[str, Any]) -> None:
    made = await scene.world.book(booking)
    await scene.world.act("acuity", "no_show", {"id": made})
    row = (await scene.http.get(f"{API}/appointments/{made}", auth=AUTH)).json()
    assert (row["canceled"], row["noShow"]) == (True, True)
