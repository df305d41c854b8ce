"""Signed webhooks, as the conformance suite drives them."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from caredispatch.contract.verbs import Push, Wanted
from tests.connectors.kits import NOW, Kit

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
WANTED = Wanted(
    "7d0f8f4e-0000-5000-8000-000000000001",
    {"start_at": "2026-11-25T17:00:00Z", "actor.provider": "t-2", "accepted.patient": "accepted"},
    external_id="X-9",
    idempotency_key="delivery-1",
    sent_at=NOW,
)


def sign(body: bytes, secret: str, at: datetime) -> Push:
    """As the official library signs (it takes text only; other bytes can't be signed by it and are sent unsigned)."""
    try:
        signature = Webhook(secret).sign("evt_1", at.astimezone(UTC), body.decode())
    except UnicodeDecodeError:
        signature = "v1,"
    headers = {
        "content-type": "application/json",
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }
    return Push("https://care.example/hooks/p/crm", headers, body)


KIT = Kit(
    settings=lambda url: {"secret": SECRET, "target_url": f"{url}/in"},
    secret=SECRET,
    sign=sign,
    other_secret=OTHER,
    aged=True,
    writes={"write": lambda c: c.write(WANTED)},
)
