"""Who may sign in, as the command line and an administrator's page keep it: accounts and one-time links are written by
the database's owner only. Passwords and sessions are the pages' own. Instants are wire time."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from caredispatch.app.setting_up import as_owner
from caredispatch.store import accounts
from caredispatch.store.accounts import AccountRole
from caredispatch.store.pools import Connection

_HANDLE = re.compile(r"[a-z0-9][a-z0-9._@-]{0,59}")


class HandleInvalid(Exception):
    """What was given can't be the name of an account."""


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as an administrator sees it. `seen_at` is the last time that one of its browsers asked for a page."""

    account_id: str
    handle: str
    role: AccountRole
    disabled: bool
    has_password: bool
    seen_at: datetime | None


def handle_of(text: str) -> str:
    """The name of an account as it is kept: the sign-in page reads names in small letters. Raises HandleInvalid."""
    handle = text.strip().lower()
    if not _HANDLE.fullmatch(handle):
        raise HandleInvalid(f"{text.strip()[:60]!r} can't be an account's name: use letters, digits and . _ @ -")
    return handle


_LIST = """
select a.account_id, a.handle, a.role, a.disabled_at is not null, a.password_hash is not null,
       (select max(s.seen_at) from care.web_sessions s
         where s.practice_id = a.practice_id and s.account_id = a.account_id)
  from care.accounts a where a.practice_id = $1 order by a.disabled_at is not null, a.handle
"""


class Accounts:
    """The accounts of all practices of one database."""

    def __init__(self, owner_dsn: str) -> None:
        self._dsn = owner_dsn

    async def listed(self, practice_id: str) -> tuple[AccountLine, ...]:
        """Everybody, those who were shut out last."""
        async with self._owner() as connection:
            return tuple(AccountLine(*row) for row in await connection.fetch(_LIST, practice_id))

    async def invite(self, practice_id: str, handle: str, role: AccountRole | None, now: datetime) -> str:
        """A token that signs somebody in once, and ends an old password. Makes the account where there is none (without
        a role: a coordinator), lets one in again that was shut out, and changes its role if one is given."""
        async with self._owner() as connection, connection.transaction():
            known = await connection.fetchval(
                "select role from care.accounts where practice_id = $1 and handle = $2", practice_id, handle
            )
            account = await accounts.put_account(connection, practice_id, handle, role or known or "coordinator", now)
            return await accounts.make_link(connection, account, now, forget_password=True)

    async def change_role(self, practice_id: str, account_id: str, role: AccountRole) -> None:
        """From the next page on."""
        async with self._owner() as connection:
            await connection.execute(
                "update care.accounts set role = $3 where practice_id = $1 and account_id = $2",
                practice_id,
                account_id,
                role,
            )

    async def shut_out(self, practice_id: str, account_id: str, now: datetime) -> None:
        """At once: its sessions and links work no more."""
        async with self._owner() as connection, connection.transaction():
            await connection.execute(
                "update care.accounts set disabled_at = $3, password_hash = null "
                "where practice_id = $1 and account_id = $2",
                practice_id,
                account_id,
                now,
            )
            await connection.execute(
                "update care.web_sessions set revoked_at = $3 "
                "where practice_id = $1 and account_id = $2 and revoked_at is null",
                practice_id,
                account_id,
                now,
            )
            await connection.execute(
                "update care.sign_in_links set used_at = $3 "
                "where practice_id = $1 and account_id = $2 and used_at is null",
                practice_id,
                account_id,
                now,
            )

    @asynccontextmanager
    async def _owner(self) -> AsyncIterator[Connection]:
        connection = await as_owner(self._dsn)
        try:
            yield connection
        finally:
            await connection.close()
