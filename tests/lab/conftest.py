"""A world on real ports with a receiver in the product's place, on a stepped clock."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from caredispatch.lab.world.client import WorldClient
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.serving import Ports, serving
from tests.lab.receiver import Receiver, receiving

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
ANA, PAT = "+15550101", "+15550111"


def seed(hooks: str) -> dict[str, Any]:
    """A small practice with made-up people."""
    patient = {
        "resourceType": "Patient",
        "id": "pat-1",
        "name": [{"family": "Testperson", "given": ["Paula"]}],
        "telecom": [{"system": "phone", "value": PAT}, {"system": "email", "value": "paula@example.org"}],
        "birthDate": "1990-02-03",
        "identifier": [{"system": "urn:example:mrn", "value": "M1"}],
    }
    return {
        "clock": {"sim0": START.isoformat(), "speed": 0},
        "acuity": {
            "user_id": "77",
            "api_key": "key-for-tests",
            "calendars": [{"id": 1, "name": "Ana Beispiel"}, {"id": 2, "name": "Ben Muster"}],
            "types": [{"id": 10, "name": "Intake", "duration": 50}],
            "hook_url": f"{hooks}/acuity",
        },
        "fhir": {
            "token": "fhir-for-tests",
            "patients": [patient],
            "practitioners": [{"resourceType": "Practitioner", "id": "ana", "name": [{"family": "Beispiel"}]}],
        },
        "twilio": {
            "account_sid": "AC1",
            "auth_token": "twilio-for-tests",
            "from": "+15550100",
            "inbound_url": f"{hooks}/sms",
        },
        "sinks": {"crm": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}},
    }


@dataclass(frozen=True, slots=True)
class Scene:
    """What a test touches: the product's place, the control client, plain HTTP, the ports."""

    product: Receiver
    world: WorldClient
    http: httpx.AsyncClient
    ports: Ports

    async def run_for(self, seconds: float) -> None:
        """Step the clock."""
        now = (await self.world.idle()).now
        await self.world.run(now + timedelta(seconds=seconds))

    async def seen(self, kind: str) -> list[dict[str, Any]]:
        """The record's entries of one kind."""
        return [entry for entry in await self.world.log() if entry["kind"] == kind]


def stopped_wall() -> datetime:
    """A wall clock for worlds in which time is stepped only."""
    return START


@pytest_asyncio.fixture
async def scene() -> AsyncIterator[Scene]:
    """A fresh world and a receiver."""
    async with (
        receiving() as product,
        serving(Seed.model_validate(seed(product.url)), stopped_wall) as ports,
        WorldClient(ports.url) as world,
        httpx.AsyncClient(base_url=ports.url, trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)) as http,
    ):
        yield Scene(product, world, http, ports)


@pytest.fixture
def booking() -> dict[str, Any]:
    """What a client fills in."""
    return {
        "appointmentTypeID": 10,
        "calendarID": 1,
        "datetime": "2026-11-25T10:00:00-0700",
        "firstName": "Paula",
        "lastName": "Testperson",
        "email": "paula@example.org",
        "phone": PAT,
    }
