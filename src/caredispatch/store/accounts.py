"""Who may sign in: accounts, one-time links, sessions and failed tries. Tokens are stored as hashes only. Accounts
and links are made by the database's owner (the command line); everything else runs as `caredispatch_web`, inside a
transaction that named its practice. Instants are wire time."""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from caredispatch.core.ids import Id, make_id
from caredispatch.store.pools import Connection

AccountRole = Literal["administrator", "coordinator"]
IDLE_LIMIT = timedelta(hours=8)
SESSION_LIMIT = timedelta(days=7)
LINK_LIMIT = timedelta(hours=24)
_SEEN_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in. `handle` is unique in the practice and shown to colleagues."""

    practice_id: Id
    account_id: Id
    handle: str
    role: AccountRole
    password_hash: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `csrf` is repeated by every form."""

    account: Account
    csrf: str


def token_of(practice_id: str, secret: bytes) -> str:
    """A token that says which practice it belongs to (row-level security needs to know before anything is read)."""
    return urlsafe_b64encode(bytes.fromhex(practice_id.replace("-", "")) + secret).rstrip(b"=").decode()


def practice_of(token: str) -> Id | None:
    """The practice that a token names; None for anything that is no token."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return None
    if len(raw) != 16 + 32:
        return None
    h = raw[:16].hex()
    return Id(f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}")


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()


async def put_account(
    connection: Connection, practice_id: str, handle: str, role: AccountRole, now: datetime
) -> Account:
    """Make an account without a password, or change the role of the one with that handle (as the owner)."""
    row = await connection.fetchrow(
        "insert into care.accounts (practice_id, account_id, handle, role, created_at) values ($1, $2, $3, $4, $5) "
        "on conflict (practice_id, handle) do update set role = excluded.role, disabled_at = null "
        "returning account_id, password_hash",
        practice_id,
        make_id("account", practice_id, handle),
        handle,
        role,
        now,
    )
    assert row is not None
    return Account(Id(practice_id), row[0], handle, role, row[1])


async def make_link(connection: Connection, account: Account, now: datetime, *, forget_password: bool = False) -> str:
    """A one-time sign-in token, good for a day (as the owner). With `forget_password` the old password ends with it."""
    token = token_of(account.practice_id, secrets.token_bytes(32))
    await connection.execute(
        "insert into care.sign_in_links (practice_id, token_hash, account_id, expires_at) values ($1, $2, $3, $4)",
        account.practice_id,
        _hash(token),
        account.account_id,
        now + LINK_LIMIT,
    )
    if forget_password:
        await connection.execute(
            "update care.accounts set password_hash = null where practice_id = $1 and account_id = $2",
            account.practice_id,
            account.account_id,
        )
    return token


async def account_by_handle(connection: Connection, practice_id: str, handle: str) -> Account | None:
    """The enabled account with that handle."""
    row = await connection.fetchrow(
        "select practice_id, account_id, handle, role, password_hash from care.accounts "
        "where practice_id = $1 and handle = $2 and disabled_at is null",
        practice_id,
        handle,
    )
    return Account(*row) if row else None


async def link_works(connection: Connection, practice_id: str, token: str, now: datetime) -> bool:
    """Whether a one-time link could still be used. Looking does not use it up."""
    return bool(
        await connection.fetchval(
            "select true from care.sign_in_links "
            "where practice_id = $1 and token_hash = $2 and used_at is null and expires_at > $3",
            practice_id,
            _hash(token),
            now,
        )
    )


async def use_link(connection: Connection, practice_id: str, token: str, now: datetime) -> Account | None:
    """Use up a one-time link: the account it signs in, None if it was used, is over or was never made."""
    row = await connection.fetchrow(
        "update care.sign_in_links l set used_at = $3 from care.accounts a "
        "where l.practice_id = $1 and l.token_hash = $2 and l.used_at is null and l.expires_at > $3 "
        "and (a.practice_id, a.account_id) = (l.practice_id, l.account_id) and a.disabled_at is null "
        "returning a.practice_id, a.account_id, a.handle, a.role, a.password_hash",
        practice_id,
        _hash(token),
        now,
    )
    return Account(*row) if row else None


async def start_session(connection: Connection, account: Account, now: datetime) -> str:
    """Begin a session; returns the token for the cookie."""
    token = token_of(account.practice_id, secrets.token_bytes(32))
    await connection.execute(
        "insert into care.web_sessions (practice_id, token_hash, account_id, csrf, created_at, seen_at) "
        "values ($1, $2, $3, $4, $5, $5)",
        account.practice_id,
        _hash(token),
        account.account_id,
        secrets.token_urlsafe(24),
        now,
    )
    return token


async def session_of(
    connection: Connection, practice_id: str, token: str, now: datetime, *, touch: bool = True
) -> Session | None:
    """The live session of a cookie: not signed out, idle or too old, its account not disabled, and not of somebody who
    has left (D3). Without `touch` the look
    does not count as the person's doing something."""
    row = await connection.fetchrow(
        "select s.csrf, s.seen_at, a.practice_id, a.account_id, a.handle, a.role, a.password_hash "
        "from care.web_sessions s join care.accounts a on (a.practice_id, a.account_id) = (s.practice_id, "
        "s.account_id) "
        "where s.practice_id = $1 and s.token_hash = $2 and s.revoked_at is null and a.disabled_at is null "
        "and s.seen_at > $3 and s.created_at > $4",
        practice_id,
        _hash(token),
        now - IDLE_LIMIT,
        now - SESSION_LIMIT,
    )
    if row is None or await _has_left(connection, practice_id, row[4], now):
        return None
    if touch and row[1] < now - _SEEN_STEP:
        await connection.execute(
            "update care.web_sessions set seen_at = $3 where practice_id = $1 and token_hash = $2",
            practice_id,
            _hash(token),
            now,
        )
    return Session(Account(*row[2:]), row[0])


async def _has_left(connection: Connection, practice_id: str, handle: str, now: datetime) -> bool:
    """Whether the member of staff with this handle left on a date that has come."""
    left = await connection.fetchval(
        "select true from care.incidents where practice_id = $1 and staff_id = $2 and kind = 'staff_leaving' "
        "and state = 'confirmed' and start_at <= $3 limit 1",
        practice_id,
        make_id("staff", practice_id, handle),
        now,
    )
    return bool(left)


async def end_session(connection: Connection, practice_id: str, token: str, now: datetime) -> None:
    """Sign out."""
    await connection.execute(
        "update care.web_sessions set revoked_at = $3 where practice_id = $1 and token_hash = $2",
        practice_id,
        _hash(token),
        now,
    )


async def set_password(connection: Connection, account: Account, password_hash: str, keep: str, now: datetime) -> None:
    """Set a password and end every other session of the account; the one with token `keep` goes on."""
    await connection.execute(
        "update care.accounts set password_hash = $3 where practice_id = $1 and account_id = $2",
        account.practice_id,
        account.account_id,
        password_hash,
    )
    await connection.execute(
        "update care.web_sessions set revoked_at = $4 where practice_id = $1 and account_id = $2 and token_hash <> $3 "
        "and revoked_at is null",
        account.practice_id,
        account.account_id,
        _hash(keep),
        now,
    )


# Three tries are free; the nth after them waits 2^n seconds, at most five minutes. An hour of quiet forgets them.
_TRY = """
insert into care.sign_in_failures as f (practice_id, handle, n, last_at) values ($1, $2, 1, $3)
on conflict (practice_id, handle) do update
   set n = case when f.last_at < $3 - interval '1 hour' then 1 else f.n + 1 end, last_at = $3
 where f.n < 3 or f.last_at + least(300, power(2, least(f.n - 2, 10))) * interval '1 second' <= $3
returning n
"""


async def may_try(connection: Connection, practice_id: str, handle: str, now: datetime) -> bool:
    """Count one try to sign in, before the password is looked at; False while the last ones are too recent. The same
    for handles that do not exist."""
    await connection.execute(
        "delete from care.sign_in_failures where practice_id = $1 and last_at < $2",
        practice_id,
        now - timedelta(days=1),
    )
    return await connection.fetchval(_TRY, practice_id, handle, now) is not None


async def forgive(connection: Connection, practice_id: str, handle: str) -> None:
    """Forget the failed tries of somebody who has signed in."""
    await connection.execute(
        "delete from care.sign_in_failures where practice_id = $1 and handle = $2", practice_id, handle
    )
