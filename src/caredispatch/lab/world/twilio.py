"""The carrier's REST API (`/twilio/2010-04-01/...`), in Twilio's documented format.

Basic authentication, form-encoded requests, errors as `{code, message, more_info, status}`. What
happens to an accepted text is in `carrier.py`.
"""

from __future__ import annotations

import base64
import hmac
import re
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caredispatch.lab.world.carrier import API_VERSION, FAILURES, Carrier, Sms

E164 = re.compile(r"\+[1-9]\d{6,14}")
LONGEST_BODY = 1600
SENTENCES = {
    20003: "Authenticate",
    20404: "The requested resource was not found",
    21211: "The 'To' number {to} is not a valid phone number.",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The From phone number {sender} is not a valid, SMS-capable number for your account.",
    21610: "Attempt to send to unsubscribed recipient",
    21614: "To number: {to}, is not a mobile number",
    21617: "The concatenated message body exceeds the 1600 character limit.",
}


def refusal(code: int, status: int = 400, *, to: str = "", sender: str = "") -> JSONResponse:
    """The documented shape of an error."""
    sentence = SENTENCES.get(code, "The text was refused.").format(to=to, sender=sender)
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return JSONResponse({"code": code, "message": sentence, "more_info": more_info, "status": status}, status)


class TwilioApi:
    """The routes over one carrier account."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        account = f"/{API_VERSION}/Accounts/{{sid}}"
        self.app = Starlette(
            routes=[
                Route(f"{account}/Messages.json", self.send, methods=["POST"]),
                Route(f"{account}/Messages.json", self.listing, methods=["GET"]),
                Route(f"{account}/Messages/{{text}}.json", self.read),
            ]
        )

    def _denied(self, request: Request) -> Response | None:
        seed = self.carrier.seed
        wanted = "Basic " + base64.b64encode(f"{seed.account_sid}:{seed.auth_token}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("authorization", ""), wanted):
            return refusal(20003, 401)
        return None if request.path_params["sid"] == seed.account_sid else refusal(20404, 404)

    def _problem(self, to: str, sender: str, body: str) -> int | None:
        """The code that refuses this text, None if none does."""
        line = self.carrier.lines.get(to)
        checks = (
            (not to, 21604),
            (not sender, 21603),
            (not body, 21602),
            (len(body) > LONGEST_BODY, 21617),
            (not E164.fullmatch(to), 21211),
            (not self.carrier.owns(sender), 21606),
            (to in self.carrier.opted_out, 21610),
        )
        found = next((code for broken, code in checks if broken), None)
        return found or (line.refuse if line else None)

    async def send(self, request: Request) -> Response:
        """Take a text: 201 and `queued`, or the documented refusal."""
        if denied := self._denied(request):
            return denied
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        to, sender, body = (form.get(name, "") for name in ("To", "From", "Body"))
        if code := self._problem(to, sender, body):
            return refusal(code, to=to, sender=sender)
        return JSONResponse(self.wire(self.carrier.take(to, sender, body, form.get("StatusCallback"))), 201)

    async def listing(self, request: Request) -> Response:
        """The account's texts, the newest first, a page at a time."""
        if denied := self._denied(request):
            return denied
        wanted, size = request.query_params, int(request.query_params.get("PageSize", "50"))
        page = int(wanted.get("Page", "0"))
        texts = [
            text
            for text in reversed(self.carrier.texts.values())
            if wanted.get("From", text.sender) == text.sender and wanted.get("To", text.to) == text.to
        ]
        begin = page * size
        more = begin + size < len(texts)
        following = urlencode({**wanted, "Page": page + 1, "PageSize": size})
        return JSONResponse(
            {
                "messages": [self.wire(text) for text in texts[begin : begin + size]],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{request.url.path.removeprefix('/twilio')}?{following}" if more else None,
            }
        )

    async def read(self, request: Request) -> Response:
        """One text."""
        if denied := self._denied(request):
            return denied
        text = self.carrier.texts.get(request.path_params["text"])
        return JSONResponse(self.wire(text)) if text else refusal(20404, 404)

    def wire(self, text: Sms) -> dict[str, Any]:
        """The text as the API answers it."""
        path = f"/{API_VERSION}/Accounts/{self.carrier.seed.account_sid}/Messages/{text.sid}"
        created = format_datetime(text.created_at)
        return {
            "account_sid": self.carrier.seed.account_sid,
            "api_version": API_VERSION,
            "body": text.body,
            "date_created": created,
            "date_sent": created if text.status != "queued" else None,
            "date_updated": created,
            "direction": "inbound" if text.inbound else "outbound-api",
            "error_code": text.error_code,
            "error_message": FAILURES.get(text.error_code) if text.error_code else None,
            "from": text.sender,
            "messaging_service_sid": None,
            "num_media": "0",
            "num_segments": text.segments,
            "price": None,
            "price_unit": "USD",
            "sid": text.sid,
            "status": text.status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": text.to,
            "uri": f"{path}.json",
        }
