"""The verb on SMTP. What matters is where a conversation breaks: before the text is handed over nothing was sent,
after it nobody knows (E21)."""

from __future__ import annotations

import contextlib
import hashlib
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime

import aiosmtplib
import httpx

from caredispatch.contract.outcome import Delivered, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.settings import Settings
from caredispatch.contract.verbs import Health, OutgoingText

TLS_PORT = 465
GOODBYE_SECONDS = 2.0
LOOPBACK = ("localhost", "127.0.0.1", "::1")
POLICY = "5.7."
"""Enhanced status codes of this class are about permission, not about the address."""


class Email:
    """One mail server and sender."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._host = settings["host"]
        port = settings["port"]
        if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise settings.wrong("port", "write a number from 1 to 65535")
        self._port = int(port)
        self._starttls = settings.one_of("starttls", "yes", "no", "auto")
        self._login = (settings["username"], settings["password"])
        self._sender = settings["sender"]
        if not _usable(self._sender):
            raise settings.wrong("sender", "write an address as scheduling@practice.example")
        self._timeout = http.timeout.read

    async def tell(self, text: OutgoingText) -> Outcome:
        """Send one mail. `ref` is its Message-ID, the same at every try."""
        if not _usable(text.to):
            return Refused("bad_address", "this is no e-mail address that mail can be sent to", permanent_address=True)
        mail = self.compose(text)
        server = self._server()
        try:
            ready = await self._ready(server, text.to)
            return ready or await self._hand_over(server, mail)
        finally:
            server.close()

    def compose(self, text: OutgoingText) -> EmailMessage:
        """The mail itself: plain text, a page as attachment if there is one, nothing to track, no automatic answers
        wanted."""
        mail = EmailMessage(policy=WIRE)
        mail["From"] = self._sender
        mail["To"] = text.to
        mail["Subject"] = " ".join((text.subject or "Scheduling").split())
        if text.sent_at is not None:
            mail["Date"] = format_datetime(text.sent_at)
        key = hashlib.sha256(text.idempotency_key.encode()).hexdigest()[:32]
        mail["Message-ID"] = f"<{key}@{self._domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text.body)
        if text.page is not None:
            mail.add_attachment(text.page, subtype="html", filename="report.html")
        return mail

    async def probe(self) -> Health:
        """Connect and log in, and leave without a mail."""
        server = self._server()
        try:
            match await self._ready(server, None):
                case TryLater(reason=reason) | Refused(reason=reason):
                    return Health(False, reason)
                case None:
                    return Health(True, "answers, and lets us in" if self._login[0] else "answers")
        finally:
            server.close()

    @property
    def _domain(self) -> str:
        return self._sender.rpartition("@")[2]

    def _server(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            use_tls=self._port == TLS_PORT,
            start_tls=False,
            timeout=self._timeout,
            local_hostname=self._domain,
        )

    async def _ready(self, server: aiosmtplib.SMTP, to: str | None) -> TryLater | Refused | None:
        """Everything before the text: whatever breaks here, nothing was sent. None: the server wants the text (or,
        for nobody, would let us in)."""
        try:
            await server.connect()
            if refused := await self._secured(server) or await self._logged_in(server):
                return refused
            if to is not None:
                await server.mail(self._sender)
                await server.rcpt(to)
        except aiosmtplib.SMTPRecipientRefused as error:
            return _refused(error.code, f"{error.code}", permanent=not error.message.startswith(POLICY))
        except aiosmtplib.SMTPAuthenticationError as error:
            return _refused(error.code, "unauthorized")
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, f"{error.code}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return TryLater(f"not reached ({type(error).__name__})")
        return None

    async def _secured(self, server: aiosmtplib.SMTP) -> Refused | None:
        """TLS as the settings want it; a password never goes out in the clear unless somebody chose `no`."""
        if self._port == TLS_PORT or self._starttls == "no":
            return None
        await server.ehlo()
        if server.supports_extension("starttls"):
            await server.starttls()
            return None
        if self._starttls == "yes" or (self._login[0] and self._host not in LOOPBACK):
            return Refused("no_tls", "the mail server offers no TLS: use another port, or set starttls to no")
        return None

    async def _logged_in(self, server: aiosmtplib.SMTP) -> Refused | None:
        """Log in where there is a user name."""
        user, password = self._login
        if not user:
            return None
        if server.is_ehlo_or_helo_needed:
            await server.ehlo()
        if not server.supported_auth_methods:
            return Refused("no_login", "the mail server offers no login that we know: check port and user name")
        await server.login(user, password)
        return None

    async def _hand_over(self, server: aiosmtplib.SMTP, mail: EmailMessage) -> Outcome:
        try:
            await server.data(mail.as_bytes())
        except aiosmtplib.SMTPResponseException as error:
            return _refused(error.code, f"{error.code}")
        except (aiosmtplib.SMTPException, OSError) as error:
            return Unknown(f"handed over, no answer ({type(error).__name__})")
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await server.quit(timeout=GOODBYE_SECONDS)
        return Delivered(ref=str(mail["Message-ID"]))


def _usable(address: str) -> bool:
    """Whether an address can stand in an envelope and a header as it is: printable ASCII with one @ and no brackets."""
    local, _, domain = address.rpartition("@")
    whole = bool(local) and "." in domain and len(address) <= 254
    return whole and address.isascii() and address.isprintable() and not set(address) & set(' <>",;:\\()[]')


def _refused(code: int, name: str, *, permanent: bool = False) -> TryLater | Refused:
    """By SMTP's first digit: 4 not now, 5 never. What the server wrote isn't kept."""
    if code < 500:
        return TryLater(f"the mail server answered {code}")
    return Refused(name, f"the mail server answered {code}", permanent_address=permanent)
