"""Standard Webhooks: `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. The clock is the caller's."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
SHORTEST_KEY = 24


def key_of(secret: str) -> bytes:
    """The key bytes of a `whsec_...` text. Raises ValueError (without the value) when it is none or too short."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
    except binascii.Error:
        raise ValueError("not base64") from None
    if not secret.startswith("whsec_") or len(key) < SHORTEST_KEY:
        raise ValueError("too short, or without whsec_")
    return key


def signature(key: bytes, webhook_id: str, timestamp: str, body: bytes) -> str:
    """The signature of one delivery; `timestamp` is whole seconds since 1970, as sent."""
    signed = f"{webhook_id}.{timestamp}.".encode("utf-8", "replace") + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def fresh(timestamp: str, now: datetime) -> bool:
    """Whether a timestamp lies within five minutes of `now`, either way."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        return False
    return abs(now.timestamp() - int(timestamp)) <= TOLERANCE.total_seconds()


def genuine(key: bytes, webhook_id: str, timestamp: str, body: bytes, given: str) -> bool:
    """Whether one of the space-separated signatures is right."""
    right = signature(key, webhook_id, timestamp, body).encode()
    return any([hmac.compare_digest(each.encode("utf-8", "replace"), right) for each in given.split(" ")])
