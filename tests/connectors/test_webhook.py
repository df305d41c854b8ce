"""Signed webhooks outwards, against a receiver that checks with the official library."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caredispatch.contract.manifest import load_build
from caredispatch.contract.outcome import Delivered, Refused
from caredispatch.contract.seen import SeenPatient
from tests.connectors.kits.webhook import KIT, SECRET, WANTED
from tests.connectors.peer import as_json, calling
from tests.connectors.test_conformance import ends
from tests.connectors.worlds import staging


async def test_a_receiver_takes_our_signature_and_gets_no_identity() -> None:
    """The library checks ages by the real clock, so this one delivery is signed by it."""
    async with staging() as stage:
        webhook = stage.connector("webhook")
        wanted = replace(
            WANTED,
            sent_at=datetime.now(UTC),
            patient=SeenPatient(given="Paula", family="Testperson", phone="+15550111"),
        )
        assert await webhook.write(wanted) == Delivered("X-9")
        [sent] = await stage.asked("POST", "/sink/crm")
        assert sent["status"] == 200
        assert sent["body"] == {
            "type": "appointment.wanted",
            "data": {
                "appointment_id": WANTED.appointment_id,
                "external_id": "X-9",
                "start_at": "2026-11-25T17:00:00Z",
                "actors": {"provider": "t-2"},
                "accepted": {"patient": "accepted"},
            },
        }


async def test_a_cancellation_says_whose_it_was() -> None:
    async with staging() as stage:
        cancelled = replace(WANTED, content={"status": "cancelled"}, initiator="practice")
        await stage.connector("webhook").write(cancelled)
        [sent] = await stage.asked("POST", "/sink/crm")
        assert (sent["body"]["data"]["status"], sent["body"]["data"]["initiator"]) == ("cancelled", "practice")


async def test_each_try_has_the_same_id_and_body() -> None:
    _, first = await ends(KIT, "webhook", "write", as_json({}))
    _, second = await ends(KIT, "webhook", "write", as_json({}))
    assert first.asked[0].headers["webhook-id"] == second.asked[0].headers["webhook-id"] == "delivery-1"
    assert first.asked[0].body == second.asked[0].body


async def test_a_receiver_may_name_what_it_made() -> None:
    end, _ = await ends(KIT, "webhook", "write", as_json({"external_id": "N-1"}))
    assert end == Delivered("N-1")


async def test_without_a_target_nothing_is_written_and_without_a_time_nothing_is_signed() -> None:
    async with calling() as http:
        mute = load_build("webhook")({"secret": SECRET}, http)
        end = await mute.write(WANTED)  # type: ignore[attr-defined]  # it writes
        assert isinstance(end, Refused)
        assert end.code == "no_target"
        with pytest.raises(ValueError, match="sent_at"):
            await load_build("webhook")(KIT.settings("http://127.0.0.1:9"), http).write(  # type: ignore[attr-defined]  # as above
                replace(WANTED, sent_at=None)
            )
        with pytest.raises(ValueError, match="'secret' can't be used"):
            load_build("webhook")({"secret": "whsec_c2hvcnQ="}, http)
