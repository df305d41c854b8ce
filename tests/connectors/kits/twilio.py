"""Twilio, as the conformance suite drives it."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # has no type hints

from caredispatch.contract.verbs import OutgoingText, Push
from tests.connectors.kits import NOW, Kit

TOKEN = "twilio-secret-for-tests"
HOOK = "https://care.example/hooks/p/sms"
TEXT = OutgoingText("+15550111", "Can you take Wednesday 10:00?", "delivery-1", callback_url=HOOK)


def sign(body: bytes, secret: str, at: datetime) -> Push:
    """As Twilio's own library signs."""
    try:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        form = {}
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": RequestValidator(secret).compute_signature(HOOK, form),
    }
    return Push(HOOK, headers, body)


KIT = Kit(
    settings=lambda url: {
        "base_url": url,
        "account_sid": "AC1",
        "auth_token": TOKEN,
        "from_number": "+15550100",
    },
    secret=TOKEN,
    sign=sign,
    other_secret="another-token-for-tests",
    reads={"recall": lambda c: c.recall(TEXT, NOW)},
    writes={"tell": lambda c: c.tell(TEXT)},
)
