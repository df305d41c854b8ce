"""Acuity, as the conformance suite drives it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

from caredispatch.contract.seen import SeenPatient
from caredispatch.contract.verbs import Push, Slot, Wanted, WantedHold
from tests.connectors.kits import NOW, Kit
from tests.connectors.peer import Asked, Reply, as_json

KEY = "acuity-secret-for-tests"
APPOINTMENT = {
    "id": 54001,
    "firstName": "Paula",
    "lastName": "Testperson",
    "phone": "+15550111",
    "email": "paula@example.org",
    "datetime": "2026-11-25T10:00:00-0700",
    "duration": "50",
    "appointmentTypeID": 10,
    "calendarID": 1,
    "canceled": False,
    "notes": "Rings twice.",
}


def sign(body: bytes, secret: str, at: datetime) -> Push:
    """As Acuity signs."""
    digest = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-acuity-signature": digest}
    return Push("https://care.example/hooks/p/acuity", headers, body)


def good(asked: Asked) -> Reply:
    """One appointment, alone and in lists; one type; no blocks."""
    if asked.path.endswith("/blocks"):
        return as_json([])
    if asked.path.endswith("/appointment-types"):
        return as_json([{"id": 10, "duration": 50, "type": "service"}])
    return as_json([APPOINTMENT] if asked.path.endswith("/appointments") else APPOINTMENT)


WANTED = Wanted("7d0f8f4e-0000-5000-8000-000000000001", {"actor.provider": "2"}, external_id="54001")
NEW = Wanted(
    WANTED.appointment_id,
    {"start_at": "2026-11-25T17:00:00Z", "status": "booked", "service": "10", "actor.provider": "2"},
    patient=SeenPatient(given="Paula", family="Testperson", phone="+15550111"),
)
HELD = WantedHold(WANTED.appointment_id, (Slot("2", NOW, NOW + timedelta(hours=1)),))
KIT = Kit(
    settings=lambda url: {"base_url": f"{url}/api/v1", "user_id": "77", "api_key": KEY},
    secret=KEY,
    sign=sign,
    other_secret="another-key-for-tests",
    reads={
        "fetch": lambda c: c.fetch("54001"),
        "poll": lambda c: c.poll(None, NOW),
        "busy": lambda c: c.busy(["1"], NOW, NOW + timedelta(hours=1)),
    },
    writes={
        "write": lambda c: c.write(WANTED),
        "create": lambda c: c.write(NEW),
        "hold": lambda c: c.hold(HELD),
    },
    good=good,
    conflict_is={"create": "Refused"},
)
