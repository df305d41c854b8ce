"""Mail over a real SMTP server: where a conversation breaks decides whether it may be tried again."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from importlib.resources import files
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from caredispatch.connectors.email.connector import Email
from caredispatch.contract.manifest import load_build
from caredispatch.contract.outcome import Delivered, Outcome, Refused, TryLater, Unknown
from caredispatch.contract.verbs import OutgoingText
from tests.connectors.kits import NOW
from tests.connectors.peer import calling

TEXT = OutgoingText("paula@example.org", "Can you take Wednesday 10:00?", "delivery-1", subject="River", sent_at=NOW)


class Postbox:
    """aiosmtpd's handler: what each stage answers, or what it does instead."""

    def __init__(self, **stages: str) -> None:
        self.stages = stages
        self.mails: list[bytes] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return await self._at(server, "rcpt", "250 OK")

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._at(server, "mail", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        return await self._at(server, "data", "250 OK")

    async def _at(self, server: SMTP, stage: str, usual: str) -> str:
        answer = self.stages.get(stage, usual)
        if answer == "silence":
            await asyncio.sleep(2)
        if answer == "hang up":
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return answer


@contextlib.asynccontextmanager
async def mailing(box: Postbox, **changed: str) -> AsyncIterator[Email]:
    """The connector before a server of its own."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(box, enable_SMTPUTF8=True), "127.0.0.1", 0)
    port = str(server.sockets[0].getsockname()[1])
    given = {"host": "127.0.0.1", "port": port, "sender": "desk@practice.example", "starttls": "no", **changed}
    try:
        async with calling(0.3) as http:
            connector = load_build("email")(given, http)
            assert isinstance(connector, Email)
            yield connector
    finally:
        server.close()


async def ends(text: OutgoingText = TEXT, **stages: str) -> Outcome:
    """How one mail ends when the stages answer so."""
    async with mailing(Postbox(**stages)) as connector:
        return await connector.tell(text)


async def test_a_mail_arrives_as_written_under_the_same_id_at_every_try() -> None:
    box = Postbox()
    sample = files("caredispatch.connectors").joinpath("email", "samples", "tell", "accents-and-long-lines")
    text = OutgoingText(**json.loads(sample.with_name("accents-and-long-lines.json").read_text("utf-8")))  # type: ignore[attr-defined]  # the folder is on disk
    async with mailing(box) as connector:
        first, second = await connector.tell(text), await connector.tell(text)
    assert first == second
    assert isinstance(first, Delivered)
    mail = message_from_bytes(box.mails[0], policy=policy.default)
    body = mail.get_body()
    assert body is not None
    got: Any = {name.lower(): str(mail[name]) for name in ("From", "To", "Subject", "Message-ID", "Auto-Submitted")}
    got["body"] = body.get_content().replace("\r\n", "\n")
    expected = json.loads(sample.with_name("accents-and-long-lines.expected").read_text("utf-8"))  # type: ignore[attr-defined]  # as above
    assert got == expected
    assert mail["Message-ID"] == first.ref
    assert mail["Bcc"] is None


async def test_the_mail_is_dated_by_the_wire_clock_that_is_handed_in() -> None:
    box = Postbox()
    async with mailing(box) as connector:
        await connector.tell(TEXT)
    assert b"Date: Tue, 24 Nov 2026 15:00:00 +0000" in box.mails[0]


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_four_hundred_is_not_now(stage: str) -> None:
    assert await ends(TEXT, **{stage: "451 4.3.0 Paula is busy"}) == TryLater("the mail server answered 451")


async def test_a_refused_recipient_is_a_bad_address_unless_it_is_about_permission() -> None:
    assert await ends(rcpt="550 5.1.1 no Paula here") == Refused("550", "the mail server answered 550", True)
    assert await ends(rcpt="554 5.7.1 relay access denied") == Refused("554", "the mail server answered 554")


@pytest.mark.parametrize("stage", ["mail", "data"])
async def test_a_refused_sender_or_text_says_nothing_of_the_address(stage: str) -> None:
    assert await ends(TEXT, **{stage: "554 5.6.0 no"}) == Refused("554", "the mail server answered 554")


@pytest.mark.parametrize("breaks", ["silence", "hang up"])
async def test_before_the_text_nothing_was_sent_after_it_nobody_knows(breaks: str) -> None:
    assert isinstance(await ends(mail=breaks), TryLater)
    assert isinstance(await ends(rcpt=breaks), TryLater)
    assert isinstance(await ends(data=breaks), Unknown)


async def test_a_server_that_is_not_there_may_be_tried_later() -> None:
    async with calling() as http:
        connector = load_build("email")({"host": "127.0.0.1", "port": "9", "sender": "desk@practice.example"}, http)
        assert isinstance(connector, Email)
        assert isinstance(await connector.tell(TEXT), TryLater)


async def test_without_tls_nothing_is_sent_where_tls_is_wanted() -> None:
    box = Postbox()
    async with mailing(box, starttls="yes") as connector:
        outcome = await connector.tell(TEXT)
    assert isinstance(outcome, Refused)
    assert outcome.code == "no_tls"
    assert not box.mails


async def test_a_login_that_is_not_offered_is_refused_and_the_password_shows_nowhere() -> None:
    async with mailing(Postbox(), username="desk", password="hidden-word") as connector:
        outcome = await connector.tell(TEXT)
    assert isinstance(outcome, Refused)
    assert "hidden-word" not in repr(outcome)


@pytest.mark.parametrize(
    "to",
    ["", "paula", "paula@", "@example.org", "a@b", "a b@example.org", "a@example.org\r\nBcc: x@example.org",
     "<a@example.org>", "ä@example.org", "a@example.org,b@example.org", "a" * 300 + "@example.org"],
)  # fmt: skip
async def test_what_is_no_address_is_never_sent_to(to: str) -> None:
    box = Postbox()
    async with mailing(box) as connector:
        outcome = await connector.tell(OutgoingText(to, "x", "k"))
    assert isinstance(outcome, Refused)
    assert outcome.permanent_address
    assert not box.mails
    assert not to or to not in outcome.reason
