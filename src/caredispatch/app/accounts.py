"""Who may sign in, as the command line and an administrator's page keep it: accounts are written by the database's
owner only. Passwords and sessions are the pages' own."""

from __future__ import annotations

import re

_HANDLE = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")


class HandleInvalid(Exception):
    """What was given can't be the name of an account."""


def handle_of(text: str) -> str:
    """The name of an account as it is kept: the sign-in page reads names in small letters. Raises HandleInvalid."""
    handle = text.strip().lower()
    if not _HANDLE.fullmatch(handle):
        raise HandleInvalid(f"{text.strip()[:60]!r} can't be an account's name: use letters, digits and . _ @ -")
    return handle
