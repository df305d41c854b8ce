"""The hook's half of the inbox: verify, bound, commit, answer (E1, E33). Nothing is understood here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from caredispatch.contract.verbs import Answer, Push, Receives, Rejected
from caredispatch.core.ids import make_id
from caredispatch.engine.registry import Connected, Registry
from caredispatch.store import inbox

MOST_LAG = timedelta(seconds=60)
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger("hooks")


class UnknownHook(Exception):
    """No such practice or connection, or one that takes no pushes: 404."""


class HookRejected(Exception):
    """Not genuine, or too old: 401. Nothing is kept."""


class HookBusy(Exception):
    """The oldest undecided notice is too old: 503, with the seconds after which to try again."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"busy, try again in {retry_after} s")
        self.retry_after = retry_after


class Receiver:
    """Takes pushes for all practices."""

    def __init__(self, registry: Registry, kept: Callable[[], None]) -> None:
        """`kept` is called after each commit: there is something to work off."""
        self.registry = registry
        self._kept = kept
        self.oldest: dict[str, datetime] = {}
        self.received = 0

    def body_limit(self, slug: str, connection_id: str) -> int:
        """The most bytes a push may have. Raises UnknownHook."""
        return self._connected(slug, connection_id)[1].manifest.body_limit_bytes

    def _connected(self, slug: str, connection_id: str) -> tuple[str, Connected, Receives]:
        tenant = self.registry.by_slug(slug)
        found = tenant.connections.get(connection_id) if tenant else None
        if tenant is None or found is None or not isinstance(found.connector, Receives):
            raise UnknownHook(f"{slug}/{connection_id}")
        return tenant.practice.practice_id, found, found.connector

    async def receive(self, slug: str, connection_id: str, push: Push) -> Answer:
        """Verify and commit one push; what the sender gets back. Raises UnknownHook, HookRejected, HookBusy."""
        practice_id, _, connector = self._connected(slug, connection_id)
        clock = self.registry.clock
        verified = connector.verify(push, clock.wall())
        if isinstance(verified, Rejected):
            log.warning("hook rejected", practice=slug, connection=connection_id, reason=verified.reason)
            raise HookRejected(verified.reason)
        now = clock.now()
        oldest = self.oldest.get(practice_id)
        if oldest is not None and now - oldest > MOST_LAG:
            raise HookBusy(RETRY_AFTER_SECONDS)
        notice_id = make_id("notice", secrets.token_hex(16))
        async with self.registry.pools.intake.acquire() as connection:
            if verified.subject is not None:
                await inbox.want_fetch(connection, practice_id, notice_id, connection_id, verified.subject, now)
            else:
                key = await self.registry.vault.practice_key(connection, practice_id)
                sealed = self.registry.vault.seal(key, notice_id, _packed(push))
                await inbox.keep_push(
                    connection, practice_id, notice_id, connection_id, verified.dedup_key, now, sealed
                )
        self.received += 1
        self._kept()
        return verified.answer


def _packed(push: Push) -> bytes:
    """A push as it is kept: what parsing may need, without the signature headers."""
    kind = push.headers.get("content-type", "")
    return f"{push.method} {push.url}\n{kind}\n".encode() + push.body


def unpacked(raw: bytes) -> Push:
    """The push that was kept."""
    first, kind, body = raw.split(b"\n", 2)
    method, _, url = first.decode().partition(" ")
    return Push(url=url, headers={"content-type": kind.decode()}, body=body, method=method)
