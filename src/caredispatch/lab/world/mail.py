"""The mail server's inside: accepts, refuses or loses mails and hands them to the people.

The SMTP protocol itself is aiosmtpd's; an instance of `Mailroom` is its handler.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from caredispatch.lab.world.config import SmtpSeed
from caredispatch.lab.world.faults import Faults
from caredispatch.lab.world.record import Record


@dataclass(frozen=True, slots=True)
class Mail:
    """One accepted mail: envelope, subject, plain text, and its Message-ID header."""

    sender: str
    to: list[str]
    subject: str
    text: str
    mail_id: str


def read_mail(sender: str, to: list[str], raw: bytes) -> Mail:
    """Parse a mail; the plain part is preferred, HTML taken as it is."""
    parsed = message_from_bytes(raw, policy=policy.default)
    part = parsed.get_body(preferencelist=("plain", "html"))
    text = part.get_content() if part is not None else ""
    return Mail(sender, to, str(parsed["Subject"] or ""), str(text), str(parsed["Message-ID"] or ""))


class Mailroom:
    """The handler that aiosmtpd calls; the method names are its."""

    def __init__(self, seed: SmtpSeed, record: Record, faults: Faults) -> None:
        self._seed = seed
        self._record = record
        self._faults = faults
        self.rejected = set(seed.reject)
        self.mails: list[Mail] = []
        self.arrived: Callable[[str, str, str], None] = lambda address, body, reply_to: None

    def protocol(self) -> SMTP:
        """A protocol instance for one connection; asks for a login if the seed has one."""
        if self._seed.username is None:
            return SMTP(self, enable_SMTPUTF8=True)
        return SMTP(self, enable_SMTPUTF8=True, authenticator=self._login, auth_require_tls=False)

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: Any) -> AuthResult:
        wanted = LoginPassword((self._seed.username or "").encode(), (self._seed.password or "").encode())
        ok = isinstance(auth_data, LoginPassword) and all(map(hmac.compare_digest, auth_data, wanted))
        return AuthResult(success=ok, handled=False)  # "handled" would mean: already answered

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Accept a recipient, or refuse it: unknown mailbox, or as a fault orders (method `RCPT`)."""
        if address in self.rejected:
            self._record.add("request", direction="in", system="smtp", method="RCPT", path=address, status=550)
            return "550 5.1.1 The e-mail account does not exist"
        fault = self._faults.next_for("smtp", "RCPT", address)
        if fault is not None and fault.status is not None:
            self._record.add("request", direction="in", system="smtp", method="RCPT", path=address, status=fault.status)
            return f"{fault.status} {fault.body or 'Refused for the moment'}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take the mail, unless a fault (method `DATA`, on the first recipient) says otherwise."""
        first = envelope.rcpt_tos[0]
        fault = self._faults.next_for("smtp", "DATA", first)
        if fault is not None:
            await asyncio.sleep(fault.delay_ms / 1000)
            if fault.drop == "before":
                return self._hang_up(server, first)
            if fault.status is not None:
                self._note(first, fault.status)
                return f"{fault.status} {fault.body or 'Try again later'}"
        self._take(envelope)
        if fault is not None and fault.drop == "after":
            return self._hang_up(server, first)
        self._note(first, 250)
        return "250 OK: queued"

    def _take(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        mail = read_mail(envelope.mail_from or "", [str(each) for each in envelope.rcpt_tos], raw)
        self.mails.append(mail)
        self._record.add("mail", system="smtp", **asdict(mail))
        for address in mail.to:
            self.arrived(address, mail.text, mail.sender)

    def _hang_up(self, server: SMTP, address: str) -> str:
        self._note(address, None)
        if isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "451 Gone"

    def _note(self, address: str, status: int | None) -> None:
        self._record.add("request", direction="in", system="smtp", method="DATA", path=address, status=status)
