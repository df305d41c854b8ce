"""The verbs on signed webhooks. A delivery carries the appointment whole, so nothing is fetched; a write carries no
identity and may be posted again under the same id."""

from __future__ import annotations

from datetime import datetime

import httpx
import orjson

from caredispatch.connectors.webhook.format import Envelope, seen_of, wanted_of
from caredispatch.connectors.webhook.signing import fresh, genuine, key_of, signature
from caredispatch.contract.http import call
from caredispatch.contract.outcome import Delivered, Outcome, Refused
from caredispatch.contract.reading import Loose, Word, read_json
from caredispatch.contract.seen import SeenAppointment
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Malformed, Push, Rejected, Verified, Wanted

LONGEST_ID = 200


class Taken(Loose):
    """What a receiver may answer: its id of the appointment."""

    external_id: Word | None = None


class Webhook:
    """One pair of hooks under one secret."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        try:
            self._key = key_of(settings["secret"])
        except ValueError:
            raise settings.wrong("secret", "write whsec_ and the base64 of at least 24 random bytes") from None
        self._target = settings.url("target_url") if settings["target_url"] else None

    def verify(self, push: Push, now: datetime) -> Verified | Rejected:
        """By id, time and signature; the id also tells a repeated delivery."""
        webhook_id = push.headers.get("webhook-id", "")
        timestamp = push.headers.get("webhook-timestamp", "")
        if not 0 < len(webhook_id) <= LONGEST_ID or not webhook_id.isprintable():
            return Rejected("webhook-id is missing or can't be used")
        if not genuine(self._key, webhook_id, timestamp, push.body, push.headers.get("webhook-signature", "")):
            return Rejected("webhook-signature is missing or not by our secret")
        if not fresh(timestamp, now):
            return Rejected("webhook-timestamp is more than five minutes off: check both clocks")
        return Verified(dedup_key=webhook_id)

    def parse(self, push: Push) -> tuple[SeenAppointment, ...]:
        """One `appointment.seen`."""
        seen = seen_of(read_json(Envelope, push.body, "the webhook").data)
        if seen.content.get("end_at", "~") <= seen.content.get("start_at", ""):
            raise Malformed("the webhook: data.end_at must be after data.start_at")
        return (seen,)

    async def write(self, wanted: Wanted) -> Outcome:
        """Post one `appointment.wanted`, signed, without identity. Raises ValueError without `sent_at` and
        `idempotency_key`, which the signature and the receiver's deduplication need."""
        if self._target is None:
            return Refused("no_target", "set target_url on this connection, or take its right to write away")
        if wanted.sent_at is None or wanted.idempotency_key is None:
            raise ValueError("a webhook's write needs sent_at and idempotency_key")
        data = {
            "appointment_id": wanted.appointment_id,
            "external_id": wanted.external_id,
            **wanted_of(wanted.content),
            **({"initiator": wanted.initiator} if wanted.content.get("status") == "cancelled" else {}),
        }
        body = orjson.dumps({"type": "appointment.wanted", "data": data}, option=orjson.OPT_SORT_KEYS)
        timestamp = str(int(wanted.sent_at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": wanted.idempotency_key,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._key, wanted.idempotency_key, timestamp, body),
        }
        answer = await call(self._http, self._http.build_request("POST", self._target, content=body, headers=headers))
        return Delivered(_external_id(answer) or wanted.external_id) if isinstance(answer, httpx.Response) else answer


def _external_id(response: httpx.Response) -> str | None:
    """A receiver needn't answer anything."""
    try:
        return read_json(Taken, response.content, "the receiver's answer").external_id
    except Malformed:
        return None
