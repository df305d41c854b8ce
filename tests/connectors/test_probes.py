"""`doctor` asks each system whether the connection works; nothing is changed there and nothing of the answer told."""

from __future__ import annotations

import pytest

from caredispatch.contract.manifest import connector_names
from caredispatch.contract.verbs import Probes
from tests.connectors.worlds import SETTINGS, staging

WRONG_KEY = {"acuity": "api_key", "fhir": "token", "twilio": "auth_token"}


def test_every_system_that_we_call_can_be_looked_at() -> None:
    assert set(connector_names()) - {*WRONG_KEY, "email"} == {"webhook"}  # whose target takes appointments only


@pytest.mark.parametrize("name", [*WRONG_KEY, "email"])
async def test_a_connection_that_works_is_said_to_and_nothing_is_changed(name: str) -> None:
    async with staging() as stage:
        connector = stage.connector(name)
        assert isinstance(connector, Probes)
        found = await connector.probe()
        assert found.ok, found.detail
        assert found.detail.startswith("answers")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert not await stage.asked(method, "/")
        assert not (await stage.world.state())["mails"]


@pytest.mark.parametrize(("name", "key"), WRONG_KEY.items())
async def test_a_key_that_is_refused_is_named_with_the_fix(name: str, key: str) -> None:
    async with staging() as stage:
        found = await stage.connector(name, **{key: "revoked-key"}).probe()
        assert not found.ok
        assert "our key is not accepted" in found.detail
        assert "revoked-key" not in found.detail
        assert SETTINGS[name][key] not in found.detail


@pytest.mark.parametrize("name", [*WRONG_KEY, "email"])
async def test_a_system_that_does_not_answer_is_said(name: str) -> None:
    nowhere = {"port": "9"} if name == "email" else {"base_url": "http://127.0.0.1:9/x"}
    async with staging() as stage:
        found = await stage.connector(name, **nowhere).probe()
        assert not found.ok
        assert found.detail.startswith("not reached")
