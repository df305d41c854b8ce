"""What the pages are given: everything that reads a clock, a key or the vault, as small Protocols. The composition
root fills them in; tests fill them with values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import asyncpg

from caredispatch.app.accounts import AccountLine
from caredispatch.contract.links import SignedLinks
from caredispatch.contract.verbs import Answer, Push
from caredispatch.core.draft import Policy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Observation
from caredispatch.store.accounts import Account, AccountRole


@dataclass(frozen=True, slots=True)
class RevealedIdentity:
    """Who a patient is, shown to one signed-in person for one look. `contacts` are (channel, address) pairs; `texts`
    what they wrote that fitted no answer, newest first."""

    name: str
    birth_date: str | None = None
    contacts: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = field(default=())


class Clock(Protocol):
    """The two clocks (E22)."""

    def now(self) -> datetime:
        """Business time, UTC."""

    def wall(self) -> datetime:
        """Wire time, UTC."""


class Intake(Protocol):
    """The hooks' half of the inbox (`engine.receiving.Receiver`)."""

    def body_limit(self, slug: str, connection_id: str) -> int:
        """The most bytes a push may have. Raises UnknownHook."""

    async def receive(self, slug: str, connection_id: str, push: Push) -> Answer:
        """Verify and commit one push. Raises UnknownHook, HookRejected, HookBusy."""


class Tenants(Protocol):
    """The practices of this installation."""

    def practices(self) -> Mapping[str, str]:
        """Their ids by slug."""

    def policy(self, practice_id: str) -> Policy:
        """The directory and playbook that are current there."""


class Submits(Protocol):
    """Hands what a person did to the engine."""

    async def submit(self, practice_id: str, subject_id: str, observation: Observation) -> None:
        """Commit one observation and wake the engine."""

    async def settled(self, practice_id: str, subject_id: str) -> None:
        """Return when nothing pending is left for the subject, or after two seconds."""


class Reveals(Protocol):
    """The one way to identity."""

    async def reveal(self, practice_id: str, account: Account, appointment_id: str) -> RevealedIdentity | None:
        """The patient of a visit; the look is journalled first."""


class Finds(Protocol):
    """Finds a patient's key. Names are no way to it."""

    async def patient(self, practice_id: str, said: str) -> Id | None:
        """The patient of a key, or of an id in a connected system; None for none, or several."""


class Accounts(Protocol):
    """Keeps who may sign in (`app.accounts.Accounts`). `now` is wire time."""

    async def listed(self, practice_id: str) -> Sequence[AccountLine]:
        """Everybody, those who were shut out last."""

    async def invite(self, practice_id: str, handle: str, role: AccountRole | None, now: datetime) -> str:
        """A token that signs somebody in once; makes the account where there is none."""

    async def change_role(self, practice_id: str, account_id: str, role: AccountRole) -> None:
        """From the next page on."""

    async def shut_out(self, practice_id: str, account_id: str, now: datetime) -> None:
        """At once: its sessions and links work no more."""


class Sending(Protocol):
    """Holds and releases sending (`app.sending.Sending`)."""

    async def pause(self, practice_id: str | None, *, paused: bool) -> None:
        """Of a practice; None: of every practice."""


class Reports(Protocol):
    """What operators ask."""

    def metrics(self) -> str:
        """The Prometheus text."""

    async def ready(self) -> dict[str, Any]:
        """Parts by name; `ready` says whether all of them work."""


@dataclass(frozen=True, slots=True)
class WebServices:
    """Everything that `create_web` needs. `pool` belongs to `caredispatch_web`; `public_url` has no slash at its
    end. Without `accounts` there is no page to keep them on, without `finds` no patient is found by an id."""

    pool: asyncpg.Pool[asyncpg.Record]
    clock: Clock
    tenants: Tenants
    intake: Intake
    submits: Submits
    reveals: Reveals
    reports: Reports
    links: SignedLinks
    public_url: str
    secure_cookies: bool = True
    accounts: Accounts | None = None
    sending: Sending | None = None
    finds: Finds | None = None
