"""Twilio's signature over what it sends: HMAC-SHA1 of the public address and the sorted form fields. It has no age
and no delivery id, so a replay shows only by the text's SID."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import SplitResult, parse_qs, urlsplit

PORTS = {"https": 443, "http": 80}


def signature(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """The signature of one address and form; a field sent twice with the same value counts once."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()).decode()


def genuine(token: str, url: str, fields: Iterable[tuple[str, str]], given: str) -> bool:
    """Whether the signature fits the address with or without its port: senders and proxies differ in that."""
    pairs = tuple(fields)
    rights = [signature(token, each, pairs) for each in _spellings(url)]
    return any([hmac.compare_digest(given.encode("utf-8", "replace"), right.encode()) for right in rights])


def body_hash_fits(url: str, body: bytes) -> bool:
    """For bodies that aren't forms, the signed address carries their SHA-256."""
    given = parse_qs(urlsplit(url).query).get("bodySHA256", [""])[0]
    return hmac.compare_digest(given.encode("utf-8", "replace"), hashlib.sha256(body).hexdigest().encode())


def _spellings(url: str) -> list[str]:
    parts = urlsplit(url)
    host = parts.netloc.removesuffix(f":{parts.port}") if parts.port else parts.netloc
    port = parts.port or PORTS.get(parts.scheme, 443)
    return [_at(parts, host), _at(parts, f"{host}:{port}")]


def _at(parts: SplitResult, netloc: str) -> str:
    return parts._replace(netloc=netloc).geturl()
