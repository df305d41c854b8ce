"""What is set up, kept at hand: each practice's directory, playbooks and built connectors, read again when their
version changes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import httpx

from caredispatch.contract.manifest import Manifest, UnknownConnector, load_build, load_manifest
from caredispatch.contract.outcome import TryLater, Unknown
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory
from caredispatch.core.playbook import Playbook
from caredispatch.store import practices as setup
from caredispatch.store.pools import Pools
from caredispatch.store.practices import Practice, Wiring
from caredispatch.store.vault import Vault

Result = TypeVar("Result")
Late = TypeVar("Late")
NOT_READ = TryLater("no answer in time")
NOT_KNOWN = Unknown("no answer in time")
"""How a call that ran out of time ends: a reading may simply be asked again, a change may have been made (E21)."""
ReadPlaybook = Callable[[str], Playbook]


class Clock(Protocol):
    """The two clocks (E22): business time decides, wire time checks signatures and tokens. `app` makes it."""

    def now(self) -> datetime:
        """Business time, UTC."""

    def wall(self) -> datetime:
        """Wire time, UTC."""

    @property
    def speed(self) -> float:
        """How much faster than the wall business time runs; 0 when it is stepped."""

    async def refresh(self) -> None:
        """Read the business clock's row again, where it can have moved."""

    async def off_by(self) -> timedelta:
        """How far this machine's clock is from the database's; nothing where business time is not real time."""


class Unconfigured(Exception):
    """A connection that does not exist or can't be built; its text names the fix."""


@dataclass
class Connected:
    """One connection, built: its wiring, manifest, connector and how hard it may be driven. `free` is how many more
    calls may be under way. Work takes a place before it is leased: nothing waits, leased, for a system that does not
    answer."""

    wiring: Wiring
    manifest: Manifest
    connector: object
    free: int
    per_second: int
    speed: Callable[[], float] = lambda: 1.0
    _started: deque[float] = field(default_factory=deque)

    def take(self, most: int) -> int:
        """Take up to that many places; how many were free."""
        taken = min(self.free, most)
        self.free -= taken
        return taken

    def give(self, places: int) -> None:
        """Give places back."""
        self.free += places

    async def call(self, verb: Awaitable[Result], late: Late) -> Result | Late:
        """One call in a place that was taken, under the manifest's rate and within its time; `late` if that ran out.
        The rate is of business seconds: where they are shorter, or stepped, the systems called are a demo's as well."""
        loop = asyncio.get_running_loop()
        while True:
            at = loop.time()
            second = 1.0 / self.speed() if self.speed() else 0.0
            while self._started and self._started[0] <= at - second:
                self._started.popleft()
            if len(self._started) < self.per_second:
                break
            await asyncio.sleep(self._started[0] + second - at)
        self._started.append(at)
        try:
            async with asyncio.timeout(self.manifest.timeout_seconds):
                return await verb
        except TimeoutError:
            return late


@dataclass
class Tenant:
    """One practice as the engine works for it. `unusable` are the connections that can't be built, with why: the others
    go on without them."""

    practice: Practice
    policy: Policy
    connections: dict[str, Connected]
    unusable: dict[str, str] = field(default_factory=dict)


class Registry:
    """All tenants of the database. `refresh` is cheap and called often."""

    def __init__(self, pools: Pools, vault: Vault, read_playbook: ReadPlaybook, clock: Clock) -> None:
        self.pools = pools
        self.vault = vault
        self.clock = clock
        self._read_playbook = read_playbook
        self._tenants: dict[str, Tenant] = {}
        self._by_slug: dict[str, str] = {}
        self._http: list[httpx.AsyncClient] = []
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Read practices again; rebuild those whose directory or playbook is another version."""
        async with self._lock, self.pools.intake.acquire() as connection:
            for practice in await setup.practices(connection):
                known = self._tenants.get(practice.practice_id)
                versions = (practice.directory_version, practice.playbook_version)
                if known and versions == (known.practice.directory_version, known.practice.playbook_version):
                    known.practice = practice
                    continue
                if practice.directory_version and practice.playbook_version:
                    self._tenants[practice.practice_id] = await self._build(practice)
                    self._by_slug[practice.slug] = practice.practice_id

    def tenant(self, practice_id: str) -> Tenant:
        """A practice by id. Raises Unconfigured."""
        try:
            return self._tenants[practice_id]
        except KeyError:
            raise Unconfigured(f"practice {practice_id} is not set up (import its directory and playbook)") from None

    def by_slug(self, slug: str) -> Tenant | None:
        """A practice by the name in its hook addresses."""
        practice_id = self._by_slug.get(slug)
        return self._tenants.get(practice_id) if practice_id else None

    def saturated(self) -> list[tuple[str, Connected]]:
        """The connections that take no more calls now, each with its practice."""
        return [
            (tenant.practice.practice_id, connected)
            for tenant in self._tenants.values()
            for connected in tenant.connections.values()
            if not connected.free
        ]

    def tenants(self) -> list[Tenant]:
        """All practices that are set up."""
        return list(self._tenants.values())

    def connected(self, practice_id: str, connection_id: str) -> Connected:
        """One built connection. Raises Unconfigured."""
        found = self.tenant(practice_id).connections.get(connection_id)
        if found is None:
            raise Unconfigured(f"connection {connection_id!r} is not configured")
        return found

    def channel(self, practice_id: str, channel: str) -> Connected | None:
        """The connection that sends texts on a channel."""
        found = self.tenant(practice_id).connections.values()
        return next((c for c in found if c.manifest.channel == channel and not c.wiring.paused), None)

    async def _build(self, practice: Practice) -> Tenant:
        async with self.pools.reveal.acquire() as connection:
            directory = await setup.directory_of(connection, practice.practice_id, practice.directory_version)
            policy = await self._policy(practice, directory)
            wirings = await setup.wirings(connection, practice.practice_id)
            secrets = {
                w.connection_id: await setup.connection_secrets(
                    connection, self.vault, practice.practice_id, w.connection_id
                )
                for w in wirings
            }
        tenant = Tenant(practice, policy, {})
        for wiring in wirings:
            try:
                connected = await self._connect(wiring, secrets[wiring.connection_id])
                tenant.connections[wiring.connection_id] = connected
            except (ValueError, UnknownConnector) as error:
                tenant.unusable[wiring.connection_id] = str(error)
        return tenant

    async def _policy(self, practice: Practice, directory: Directory | None) -> Policy:
        if directory is None:
            raise Unconfigured(f"the directory of practice {practice.slug} is missing")
        async with self.pools.reveal.acquire() as connection:
            books: dict[int, Playbook] = {}
            for version in range(max(1, practice.playbook_version - 9), practice.playbook_version + 1):
                source = await setup.playbook_source(connection, practice.practice_id, version)
                if source is not None:
                    books[version] = replace(self._read_playbook(source), version=version)
        return Policy(directory, books[practice.playbook_version], books)

    async def _connect(self, wiring: Wiring, secrets: dict[str, str]) -> Connected:
        manifest = load_manifest(wiring.connector)
        http = httpx.AsyncClient(timeout=manifest.timeout_seconds, follow_redirects=False, trust_env=False)
        try:
            connector = load_build(wiring.connector)({**wiring.settings, **secrets}, http)
        except ValueError:
            await http.aclose()
            raise
        self._http.append(http)
        return Connected(wiring, manifest, connector, manifest.concurrency, manifest.per_second, self._speed)

    def _speed(self) -> float:
        return self.clock.speed

    async def close(self) -> None:
        """Close all outward connections."""
        for http in self._http:
            await http.aclose()
