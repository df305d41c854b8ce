"""The text carrier: texts on their way, delivery callbacks, opt-outs, and replies from phones, as Twilio
signs them.

State and behaviour only; the REST API is in `twilio.py`. STOP and its kin are handled here as the
carrier does: answered by itself, marked with `OptOutType`, and later texts to that number refused.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from typing import Literal
from urllib.parse import urlencode

from caredispatch.lab.world.clock import Timeline, iso
from caredispatch.lab.world.config import TwilioSeed
from caredispatch.lab.world.outgoing import Call, Outgoing
from caredispatch.lab.world.record import Record

API_VERSION = "2010-04-01"
OPT_WORDS = {
    **dict.fromkeys(("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"), "STOP"),
    **dict.fromkeys(("START", "YES", "UNSTOP"), "START"),
    **dict.fromkeys(("HELP", "INFO"), "HELP"),
}
OWN_ANSWERS = {
    "STOP": "You have successfully been unsubscribed. You will not receive any more texts from this number.",
    "START": "You have successfully been re-subscribed to texts from this number.",
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}
FAILURES = {
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Carrier violation",
    30008: "Unknown error",
}

Ended = Literal["delivered", "undelivered", "failed"]
Arrived = Callable[[str, str, str], None]


@dataclass(frozen=True, slots=True)
class Line:
    """How a phone number behaves: how its texts end, after how long, and which code refuses them at once."""

    ends: Ended = "delivered"
    error_code: int | None = None
    delay_s: float | None = None
    refuse: int | None = None


@dataclass(slots=True)
class Sms:
    """One text, from or to us, with every status it went through."""

    sid: str
    to: str
    sender: str
    body: str
    created_at: datetime
    inbound: bool = False
    callback: str | None = None
    status: str = "queued"
    error_code: int | None = None
    history: list[tuple[str, str]] = field(default_factory=list)

    @property
    def segments(self) -> str:
        """The number of SMS it takes, as the wire has it (a rough GSM-7 count)."""
        return str(max(1, -(-len(self.body) // 153)) if len(self.body) > 160 else 1)


def signature(token: str, url: str, form: dict[str, str]) -> str:
    """`X-Twilio-Signature`: base64 of HMAC-SHA1 over the URL and the sorted form."""
    signed = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class Carrier:
    """Takes texts, moves them through their statuses in business time, and brings replies back."""

    def __init__(self, seed: TwilioSeed, timeline: Timeline, outgoing: Outgoing, record: Record) -> None:
        self.seed = seed
        self.inbound_url = seed.inbound_url
        self._wrote_last: dict[str, str] = {}
        self.lines: dict[str, Line] = {}
        self.opted_out: set[str] = set()
        self.texts: dict[str, Sms] = {}
        self.arrived: Arrived = lambda address, body, reply_to: None
        self._timeline = timeline
        self._outgoing = outgoing
        self._record = record
        self._numbers = count(1)

    def _new(self, to: str, sender: str, body: str, callback: str | None, *, inbound: bool) -> Sms:
        sid = f"SM{next(self._numbers):032x}"
        text = Sms(sid, to, sender, body, self._timeline.clock.now(), inbound, callback)
        self.texts[sid] = text
        return text

    def take(self, to: str, sender: str, body: str, callback: str | None) -> Sms:
        """Accept a text for a phone; its statuses follow."""
        self._wrote_last[to] = sender
        text = self._new(to, sender, body, callback, inbound=False)
        self._record.add("text", system="twilio", sid=text.sid, to=to, sender=sender, body=body)
        line = self.lines.get(to, Line())
        end_s = self.seed.delivered_after_s if line.delay_s is None else line.delay_s
        self._timeline.after(0, partial(self._move, text, "queued", None))
        if line.ends != "failed":
            self._timeline.after(min(self.seed.sent_after_s, end_s), partial(self._move, text, "sent", None))
        self._timeline.after(end_s, partial(self._move, text, line.ends, line.error_code))
        return text

    async def _move(self, text: Sms, status: str, error_code: int | None) -> None:
        """Reach the next status: hand the text over when delivered, and tell the callback URL."""
        now = self._timeline.clock.now()
        text.status = status
        text.error_code = error_code or (30003 if status in {"failed", "undelivered"} else None)
        text.history.append((iso(now), status))
        if status == "delivered":
            self._record.add("arrived", system="twilio", sid=text.sid, to=text.to, body=text.body)
            self.arrived(text.to, text.body, text.sender)
        if not text.callback:
            return
        form = {
            "SmsSid": text.sid,
            "SmsStatus": status,
            "MessageSid": text.sid,
            "MessageStatus": status,
            "To": text.to,
            "From": text.sender,
            "AccountSid": self.seed.account_sid,
            "ApiVersion": API_VERSION,
        }
        if text.error_code:
            form |= {"ErrorCode": str(text.error_code)}
            form |= {"ErrorMessage": FAILURES.get(text.error_code, "Unknown error")}
        if status == "delivered":
            form["RawDlrDoneDate"] = now.strftime("%y%m%d%H%M")
        await self._tell(text.callback, form)

    def owns(self, number: str) -> bool:
        """Whether a number is the account's."""
        return number == self.seed.from_ or number in self.seed.numbers

    async def reply(self, sender: str, body: str, to: str | None = None) -> None:
        """A text from a phone to a number of the account (None: the one that wrote to it last), opt-out words handled
        first."""
        number = to or self._wrote_last.get(sender, self.seed.from_)
        text = self._new(number, sender, body, None, inbound=True)
        text.status = "received"
        opt = OPT_WORDS.get(body.strip().upper())
        self._record.add("sent", system="twilio", sid=text.sid, sender=sender, to=text.to, body=body, opt_out=opt)
        if opt == "STOP":
            self.opted_out.add(sender)
        elif opt == "START":
            self.opted_out.discard(sender)
        if opt:
            self._record.add("arrived", system="twilio", sid=None, to=sender, body=OWN_ANSWERS[opt])
        url = self.seed.numbers.get(number) or self.inbound_url
        if url:
            await self._tell(url, self._inbound_form(text, opt))

    def _inbound_form(self, text: Sms, opt: str | None) -> dict[str, str]:
        places = dict.fromkeys(("FromCity", "FromState", "FromZip", "ToCity", "ToState", "ToZip"), "")
        form = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "SmsMessageSid": text.sid,
            "AccountSid": self.seed.account_sid,
            "From": text.sender,
            "To": text.to,
            "Body": text.body,
            "NumMedia": "0",
            "NumSegments": text.segments,
            "SmsStatus": "received",
            "FromCountry": "US",
            "ToCountry": "US",
            "ApiVersion": API_VERSION,
            **places,
        }
        return {**form, "OptOutType": opt} if opt else form

    async def _tell(self, url: str, form: dict[str, str]) -> None:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature(self.seed.auth_token, url, form),
        }
        await self._outgoing.deliver(Call("twilio", "POST", url, headers, urlencode(form).encode()))
