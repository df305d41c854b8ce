"""The outside world's own servers with a small made-up practice, for tests of one connector each."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from caredispatch.contract.manifest import load_build
from caredispatch.lab.world.client import WorldClient
from caredispatch.lab.world.config import Seed
from caredispatch.lab.world.serving import Ports, serving
from tests.connectors.kits import NOW
from tests.connectors.peer import calling
from tests.lab.conftest import seed

SETTINGS = {
    "acuity": {"user_id": "77", "api_key": "key-for-tests"},
    "fhir": {"token": "fhir-for-tests"},
    "twilio": {"account_sid": "AC1", "auth_token": "twilio-for-tests", "from_number": "+15550100"},
    "webhook": {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    "email": {"host": "127.0.0.1", "sender": "desk@practice.example", "starttls": "no"},
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A world, its control client and connectors to it."""

    world: WorldClient
    http: httpx.AsyncClient
    ports: Ports

    def connector(self, name: str, **changed: str) -> Any:
        """A connector to this world."""
        where = {
            "acuity": {"base_url": f"{self.ports.url}/acuity/api/v1"},
            "fhir": {"base_url": f"{self.ports.url}/fhir"},
            "twilio": {"base_url": f"{self.ports.url}/twilio"},
            "webhook": {"target_url": f"{self.ports.url}/sink/crm"},
            "email": {"port": str(self.ports.smtp)},
        }
        return load_build(name)({**SETTINGS[name], **where[name], **changed}, self.http)

    async def held(self, resource_id: str) -> dict[str, Any]:
        """An Appointment as the EHR has it."""
        headers = {"Authorization": "Bearer fhir-for-tests"}
        answer = await self.http.get(f"{self.ports.url}/fhir/Appointment/{resource_id}", headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    async def asked(self, method: str, path: str) -> list[dict[str, Any]]:
        """The requests that the world got."""
        log = await self.world.log()
        return [e for e in log if e["kind"] == "request" and e["method"] == method and path in e["path"]]


@contextlib.asynccontextmanager
async def staging(**parts: dict[str, Any]) -> AsyncIterator[Stage]:
    """A fresh world; `parts` change its seed (`fhir={"page_size": 2}`)."""
    start = seed("http://127.0.0.1:9")
    changed = {name: {**start.get(name, {}), **part} for name, part in parts.items()}
    whole = Seed.model_validate({**start, **changed})
    async with (
        serving(whole, lambda: NOW) as ports,
        WorldClient(ports.url) as world,
        calling() as http,
    ):
        yield Stage(world, http, ports)
