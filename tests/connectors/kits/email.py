"""Mail, as the conformance suite drives it: its faults are SMTP's and stand in test_email.py."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.connectors.kits import Kit

PASSWORD = "mail-secret-for-tests"
KIT = Kit(
    settings=lambda url: {
        "host": "127.0.0.1",
        "port": str(urlsplit(url).port or 25),
        "username": "desk",
        "password": PASSWORD,
        "sender": "desk@practice.example",
        "starttls": "no",
    },
    secret=PASSWORD,
)
