"""Twilio's own ways, against the outside world's carrier."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caredispatch.contract.outcome import Delivered, Gone, Refused, TryLater
from caredispatch.contract.verbs import OutgoingText
from tests.connectors.kits import NOW
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


async def test_a_text_whose_answer_was_lost_is_found_again_by_number_and_words() -> None:
    async with staging() as stage:
        twilio = stage.connector("twilio")
        sent = await twilio.tell(TEXT)
        assert isinstance(sent, Delivered)
        for n in range(250):  # more than a page
            await twilio.tell(OutgoingText("+15550112", f"{n}", "k"))
        assert await twilio.recall(TEXT, NOW) == Delivered(ref=sent.ref)
        other = OutgoingText(TEXT.to, "Can you take Thursday 10:00?", "delivery-2")
        assert await twilio.recall(other, NOW) == Gone()
        assert await twilio.recall(TEXT, NOW + timedelta(hours=1)) == Gone()
        asked = await stage.asked("GET", "/Messages.json")
        assert asked
        assert not any(TEXT.to.removeprefix("+") in str(one["path"]) for one in asked), "no number in an address"
