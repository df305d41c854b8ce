"""The carrier behaves as Twilio documents it."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped, unused-ignore]  # ships no types

from tests.lab.conftest import PAT, Scene

ACCOUNT = "/twilio/2010-04-01/Accounts/AC1"
AUTH = ("AC1", "twilio-for-tests")


async def send(scene: Scene, to: str = PAT, body: str = "Hello") -> httpx.Response:
    """POST a text with a status callback."""
    form = {
        "To": to,
        "From": "+15550100",
        "Body": body,
        "StatusCallback": f"{scene.product.url}/status?x=1",
    }
    return await scene.http.post(f"{ACCOUNT}/Messages.json", data=form, auth=AUTH)


def signed(scene: Scene) -> bool:
    """Whether the official validator accepts every request that came."""
    validator = RequestValidator("twilio-for-tests")
    return all(
        validator.validate(scene.product.url + got.path, got.form, got.headers["x-twilio-signature"])
        for got in scene.product.got
    )


async def test_a_text_is_taken_and_its_statuses_are_told_signed(scene: Scene) -> None:
    taken = await send(scene)
    assert (taken.status_code, taken.json()["status"], taken.json()["direction"]) == (
        201,
        "queued",
        "outbound-api",
    )
    await scene.run_for(3)
    assert [form["MessageStatus"] for form in scene.product.forms()] == ["queued", "sent", "delivered"]
    assert {form["MessageSid"] for form in scene.product.forms()} == {taken.json()["sid"]}
    assert urlsplit(scene.product.got[0].path).query == "x=1"
    assert signed(scene)
    read = await scene.http.get(f"{ACCOUNT}/Messages/{taken.json()['sid']}.json", auth=AUTH)
    assert read.json()["status"] == "delivered"


@pytest.mark.parametrize(("ends", "statuses"), [("undelivered", 3), ("failed", 2)])
async def test_an_undeliverable_text_ends_with_its_error_code(scene: Scene, ends: str, statuses: int) -> None:
    await scene.world.phone(PAT, ends=ends, error_code=30005, delay_s=20)
    await send(scene)
    await scene.run_for(19)
    await scene.run_for(1)
    forms = scene.product.forms()
    assert (len(forms), forms[-1]["MessageStatus"], forms[-1]["ErrorCode"]) == (statuses, ends, "30005")
    assert await scene.seen("arrived") == []


@pytest.mark.parametrize(
    ("to", "body", "code"), [("12", "x", 21211), ("", "x", 21604), (PAT, "", 21602), (PAT, "x" * 1601, 21617)]
)
async def test_a_text_that_cannot_go_is_refused_with_the_documented_code(
    scene: Scene, to: str, body: str, code: int
) -> None:
    refused = await send(scene, to, body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert set(refused.json()) == {"code", "message", "more_info", "status"}


async def test_a_number_can_refuse_at_once_and_a_wrong_key_is_denied(scene: Scene) -> None:
    await scene.world.phone(PAT, refuse=21614)
    assert (await send(scene)).json()["code"] == 21614
    denied = await scene.http.post(f"{ACCOUNT}/Messages.json", data={}, auth=("AC1", "no"))
    assert (denied.status_code, denied.json()["code"]) == (401, 20003)


async def test_stop_is_handled_by_the_carrier_and_start_undoes_it(scene: Scene) -> None:
    await scene.world.act("people", "reply", {"address": PAT, "text": " stop "})
    form = scene.product.forms()[0]
    assert (form["Body"], form["OptOutType"], form["From"]) == (" stop ", "STOP", PAT)
    assert (await send(scene)).json()["code"] == 21610
    await scene.world.act("people", "reply", {"address": PAT, "text": "START"})
    assert (await send(scene)).status_code == 201
    assert signed(scene)


async def test_a_reply_comes_in_signed_without_an_opt_out(scene: Scene) -> None:
    await scene.world.act("people", "reply", {"address": PAT, "text": "Sí, ok"})
    form = scene.product.forms()[0]
    assert (form["Body"], form["To"], form["SmsStatus"], "OptOutType" in form) == (
        "Sí, ok",
        "+15550100",
        "received",
        False,
    )
    assert signed(scene)
