"""Signed links to ask pages: short enough for a text, without identity, forged by nobody who lacks the key. How long
an answer is possible is not in the link: it is decided on the state of the visit (D22). Nothing is stored or looked
up here."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256

from caredispatch.core.ids import Id

_TAG_BYTES = 10
_TOKEN = re.compile(r"[A-Za-z0-9_-]{35}")


class SignedLinks:
    """Makes and reads the links of one installation. `key` is 32 secret bytes used for nothing else; `base_url` is
    where people reach the pages."""

    def __init__(self, key: bytes, base_url: str) -> None:
        self._key = key
        self._base = base_url.rstrip("/")

    def __repr__(self) -> str:
        return f"SignedLinks({self._base})"

    def make(self, practice_id: str, ask_id: str) -> str:
        """The address of an ask page: the ask's 16 bytes and a tag over practice and ask, 35 characters in all."""
        ask = bytes.fromhex(ask_id.replace("-", ""))
        token = urlsafe_b64encode(ask + self._tag(practice_id, ask)).rstrip(b"=").decode()
        return f"{self._base}/a/{token}"

    def read(self, token: str, practices: Iterable[str]) -> tuple[Id, Id] | None:
        """The practice and ask of a token, None for one that we did not make. The practice is the one of `practices`
        whose tag it carries: an ask of one practice never opens under another (E26). Compared in constant time."""
        if not _TOKEN.fullmatch(token):
            return None
        raw = urlsafe_b64decode(token + "=")
        if urlsafe_b64encode(raw).rstrip(b"=").decode() != token:  # the last character has bits to spare
            return None
        ask, tag = raw[:16], raw[16:]
        found: Id | None = None
        for practice_id in practices:
            if hmac.compare_digest(tag, self._tag(practice_id, ask)):
                found = Id(practice_id)
        h = ask.hex()
        return (found, Id(f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}")) if found else None

    def _tag(self, practice_id: str, ask: bytes) -> bytes:
        return hmac.digest(self._key, practice_id.encode() + b"\0" + ask, sha256)[:_TAG_BYTES]
