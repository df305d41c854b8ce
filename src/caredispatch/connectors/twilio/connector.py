"""The verbs on Twilio. A text has no idempotency key there: one whose answer is missing is looked for before it is sent
again (E21)."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

import httpx
from pydantic import Field

from caredispatch.connectors.twilio.signing import body_hash_fits, genuine
from caredispatch.contract.http import call, looked_at, read
from caredispatch.contract.outcome import Delivered, Gone, Outcome, Refused, TryLater
from caredispatch.contract.reading import Loose, Prose, Word, read_form, read_json, read_value
from caredispatch.contract.seen import Seen, SeenReply, SeenReport
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Answer, Health, Malformed, OutgoingText, Push, Rejected, Verified

NO_ANSWER = Answer(200, b"<Response/>", "text/xml")
WHAT = "Twilio's webhook"
STATES: dict[str, Literal["sent", "delivered", "failed"] | None] = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": "sent",
    "partially_delivered": "sent",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
CARRIER: dict[str, Literal["opt_out", "opt_in", "help"]] = {"STOP": "opt_out", "START": "opt_in", "HELP": "help"}
BAD_ADDRESS = frozenset({"21211", "21214", "21217", "21610", "21614", "21635", "30005", "30006"})
QUEUE_FULL = "21611"
LONGEST_WORD = 100
PAGE_SIZE, MOST_PAGES = 200, 10
CLOCKS_DIFFER = timedelta(minutes=1)

Sid = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{2,64}$")]
Code = Annotated[str, Field(pattern=r"^[0-9]{0,10}$")]


class Callback(Loose):
    """A delivery report."""

    MessageSid: Sid
    MessageStatus: Word
    ErrorCode: Code = ""


class Inbound(Loose):
    """A text that came in. `OptOutType`: the carrier has already acted on it and answered."""

    MessageSid: Sid
    From: Word
    Body: Prose = ""
    OptOutType: str = ""


class Made(Loose):
    """The answer to a text that was taken."""

    sid: Sid


class Sent(Made):
    """One text of a listing. `date_created` is an RFC 2822 date, to the second."""

    to: str
    body: Prose = ""
    date_created: Word


class Listing(Loose):
    """A page of texts, the newest first."""

    messages: tuple[Sent, ...]
    next_page_uri: str | None = None


class Refusal(Loose):
    """The answer to one that wasn't; its sentence repeats the number and isn't kept."""

    code: Annotated[int, Field(ge=0, le=999_999)]


class Twilio:
    """One number of one account."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._http = http
        self._token = settings["auth_token"]
        sid = settings["account_sid"]
        if not sid.isalnum():
            raise settings.wrong("account_sid", "paste the SID alone: letters and digits")
        self._host = settings.url("base_url")
        self._address = f"{self._host}/2010-04-01/Accounts/{sid}/Messages.json"
        self._headers = {"Authorization": settings.basic("account_sid", "auth_token")}
        sender = settings["from_number"]
        self._sender = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}

    def verify(self, push: Push, now: datetime) -> Verified | Rejected:
        """By X-Twilio-Signature over the public address."""
        given = push.headers.get("x-twilio-signature", "")
        is_form = push.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        try:
            fields = read_form(push.body, WHAT) if is_form else []
            fits = (is_form or body_hash_fits(push.url, push.body)) and genuine(self._token, push.url, fields, given)
        except (Malformed, ValueError):
            return Rejected("the body is not a form in UTF-8, or the address can't be read")
        if not fits:
            return Rejected("x-twilio-signature is missing or not by our auth token for this public address")
        form = dict(fields)
        parts = [part for name in ("MessageSid", "MessageStatus") if (part := form.get(name, ""))]
        usable = parts and all(part.isprintable() and len(part) <= LONGEST_WORD for part in parts)
        return Verified(dedup_key=":".join(parts) if usable else None, answer=NO_ANSWER)

    def parse(self, push: Push) -> tuple[Seen, ...]:
        """A delivery report or a reply. Reports of the way to `sent` say nothing new."""
        form = dict(read_form(push.body, WHAT))
        if "MessageStatus" in form:
            return self._report(read_value(Callback, form, WHAT))
        inbound = read_value(Inbound, form, WHAT)
        return (SeenReply(inbound.From, inbound.Body, inbound.MessageSid, CARRIER.get(inbound.OptOutType.upper())),)

    def _report(self, callback: Callback) -> tuple[Seen, ...]:
        if callback.MessageStatus not in STATES:
            raise Malformed(f"{WHAT}: MessageStatus must be one of {', '.join(STATES)}")
        state = STATES[callback.MessageStatus]
        if state is None:
            return ()
        code = callback.ErrorCode or None
        return (SeenReport(callback.MessageSid, state, code, permanent=state == "failed" and code in BAD_ADDRESS),)

    async def probe(self) -> Health:
        """The newest text of the account, which is not read."""
        request = self._http.build_request("GET", self._address, params={"PageSize": "1"}, headers=self._headers)
        return await looked_at(self._http, request)

    async def tell(self, text: OutgoingText) -> Outcome:
        """Send one text. SMS has no subject."""
        form = {"To": text.to, **self._sender, "Body": text.body}
        if text.callback_url is not None:
            form["StatusCallback"] = text.callback_url
        request = self._http.build_request("POST", self._address, data=form, headers=self._headers)
        match await call(self._http, request, explain=code_of):
            case httpx.Response() as response:
                return Delivered(ref=_sid(response))
            case Refused(code=code) if code in BAD_ADDRESS:
                return Refused(code, f"Twilio can't text this number (error {code})", permanent_address=True)
            case Refused(code=code) if code == QUEUE_FULL:
                return TryLater(f"Twilio's queue for our number is full (error {code})")
            case end:
                return end

    async def recall(self, text: OutgoingText, since: datetime) -> Delivered | Gone | TryLater | Refused:
        """Look through what our account sent, the newest first, back to `since`. The number that the text went to is
        compared here and stands in no address (promise 8)."""
        sender = {"From": self._sender["From"]} if "From" in self._sender else {}
        address = f"{self._address}?{urlencode({**sender, 'PageSize': PAGE_SIZE})}"
        for _ in range(MOST_PAGES):
            request = self._http.build_request("GET", address, headers=self._headers)
            got = await read(self._http, request, explain=code_of)
            if not isinstance(got, httpx.Response):
                return got
            try:
                page = read_json(Listing, got.content, "Twilio's listing")
                taken = [one for one in page.messages if _instant(one.date_created) >= since - CLOCKS_DIFFER]
            except Malformed as error:
                return Refused("malformed_answer", str(error))
            except ValueError:
                return Refused(
                    "malformed_answer", "Twilio's listing: date_created must be an RFC 2822 date with a zone"
                )
            found = next((one for one in taken if (one.to, one.body.strip()) == (text.to, text.body.strip())), None)
            if found is not None:
                return Delivered(ref=found.sid)
            if len(taken) < len(page.messages) or not page.next_page_uri:
                return Gone()
            address = f"{self._host}/{page.next_page_uri.lstrip('/')}"
        return Refused("not_found_in_time", "too many texts were sent since to look through them all")


def _instant(text: str) -> datetime:
    """An RFC 2822 date as an instant. Raises ValueError for one without a zone."""
    at = parsedate_to_datetime(text)
    if at.tzinfo is None:
        raise ValueError("no zone")
    return at


def code_of(response: httpx.Response) -> str | None:
    """Twilio's error code."""
    try:
        return str(read_json(Refusal, response.content, "Twilio's refusal").code)
    except Malformed:
        return None


def _sid(response: httpx.Response) -> str | None:
    """The text's SID. Without one it was taken all the same, only its reports can't be told apart."""
    try:
        return read_json(Made, response.content, "Twilio's answer").sid
    except Malformed:
        return None
