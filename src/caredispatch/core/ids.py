"""Identifiers: deterministic uuids made from natural keys, so that the same facts always give the same rows (E15)."""

from __future__ import annotations

from hashlib import sha256
from typing import NewType

Id = NewType("Id", str)
"""A lower-case uuid in text form. Columns are `uuid`; Python compares and hashes text."""

_HEX_VARIANT = "89ab"


def make_id(*natural_key: object) -> Id:
    """The uuid (version 8: custom) of a natural key. Equal keys give equal ids on every machine and in every run."""
    digest = sha256("\x1f".join(map(str, natural_key)).encode()).hexdigest()
    variant = _HEX_VARIANT[int(digest[16], 16) & 3]
    return Id(f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}")


def site_id(practice_id: Id, location: str) -> Id:
    """A site as something whose time can be taken: while it is closed, it is (D14)."""
    return make_id("site", practice_id, location)
