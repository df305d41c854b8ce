"""A FHIR server, as the conformance suite drives it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caredispatch.contract.seen import SeenPatient
from caredispatch.contract.verbs import Wanted
from tests.connectors.kits import NOW, Kit
from tests.connectors.peer import Asked, Reply, as_json

TOKEN = "fhir-secret-for-tests"
OURS = "7d0f8f4e-0000-5000-8000-000000000001"
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a1",
    "meta": {"versionId": "3", "lastUpdated": "2026-11-24T14:00:00.000Z"},
    "status": "booked",
    "start": "2026-11-25T17:00:00Z",
    "end": "2026-11-25T17:50:00Z",
    "participant": [
        {"actor": {"reference": "Patient/pat-1"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/ana"}, "status": "accepted"},
    ],
}
PATIENT = {
    "resourceType": "Patient",
    "id": "pat-1",
    "name": [{"family": "Testperson", "given": ["Paula"]}],
    "telecom": [{"system": "phone", "value": "+15550111"}],
}


def bundle(*resources: Any, **more: Any) -> dict[str, Any]:
    """A searchset."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources], **more}


def good(asked: Asked) -> Reply:
    """One appointment and its patient, alone and in searches."""
    kinds = {"Appointment": APPOINTMENT, "Patient": PATIENT}
    parts = asked.path.removeprefix("/fhir/").split("/")
    if parts[0] not in kinds:
        return as_json(bundle())
    whole = len(parts) == 1 or parts[1] == "_search"
    return as_json(bundle(kinds[parts[0]]) if whole else kinds[parts[0]])


CHANGE = Wanted(OURS, {"actor.provider": "Practitioner/ben"}, external_id="a1", etag='W/"3"')
CREATE = Wanted(
    OURS,
    {"start_at": "2026-11-25T17:00:00Z", "end_at": "2026-11-25T17:50:00Z", "actor.provider": "Practitioner/ana"},
    patient=SeenPatient(given="Paula", family="Testperson", phone="+15550111"),
)
KIT = Kit(
    settings=lambda url: {"base_url": f"{url}/fhir", "token": TOKEN},
    secret=TOKEN,
    reads={
        "fetch": lambda c: c.fetch("a1"),
        "poll": lambda c: c.poll(None, NOW),
        "busy": lambda c: c.busy(["Practitioner/ana"], NOW, NOW + timedelta(hours=1)),
    },
    writes={"write": lambda c: c.write(CHANGE), "create": lambda c: c.write(CREATE)},
    good=good,
    conflict_is={"create": "Refused"},
)
