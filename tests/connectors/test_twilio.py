"""Twilio's own ways, against the outside world's carrier."""

from __future__ import annotations

import pytest

from caredispatch.contract.outcome import Delivered, Refused, TryLater
from caredispatch.contract.verbs import OutgoingText
from tests.connectors.kits.twilio import KIT, TEXT
from tests.connectors.peer import as_json
from tests.connectors.test_conformance import ends
from tests.connectors.worlds import staging


async def test_a_text_goes_out_with_its_callback_and_returns_the_reference_of_later_reports() -> None:
    async with staging() as stage:
        end = await stage.connector("twilio").tell(TEXT)
        assert isinstance(end, Delivered)
        sent = (await stage.asked("POST", "/Messages.json"))[0]
        assert sent["body"] == {
            "To": TEXT.to,
            "From": "+15550100",
            "Body": TEXT.body,
            "StatusCallback": TEXT.callback_url,
        }
        assert end.ref == sent["answer"]["sid"]


async def test_a_number_that_is_none_is_a_bad_address_and_not_repeated() -> None:
    async with staging() as stage:
        end = await stage.connector("twilio").tell(OutgoingText("5550111", "x", "k"))
        assert isinstance(end, Refused)
        assert (end.code, end.permanent_address) == ("21211", True)
        assert "5550111" not in end.reason


@pytest.mark.parametrize(("code", "permanent"), [(21610, True), (21614, True), (21606, False), (30007, False)])
async def test_each_refusal_says_whether_the_address_is_bad(code: int, permanent: bool) -> None:
    end, _ = await ends(KIT, "twilio", "tell", as_json({"code": code, "message": "+15550111 is not"}, 400))
    assert isinstance(end, Refused)
    assert (end.code, end.permanent_address) == (str(code), permanent)
    assert "5550111" not in end.reason


async def test_a_full_queue_is_only_later() -> None:
    end, _ = await ends(KIT, "twilio", "tell", as_json({"code": 21611}, 400))
    assert isinstance(end, TryLater)


async def test_a_messaging_service_may_stand_in_for_the_number() -> None:
    async with staging() as stage:
        await stage.connector("twilio", from_number="MG1").tell(TEXT)
        body = (await stage.asked("POST", "/Messages.json"))[0]["body"]
        assert body["MessagingServiceSid"] == "MG1"
        assert "From" not in body
