"""What the pages and hooks are given, filled in from the engine and the store (the Protocols of `web.services`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from caredispatch.app.composing import App
from caredispatch.core.draft import Policy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Observation
from caredispatch.insights.metrics import Metrics
from caredispatch.store import people
from caredispatch.store.gauges import take_reading
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.journal import append

SETTLE_SECONDS, LOOK_EVERY_SECONDS = 2.0, 0.01


class Tenants:
    """The practices of this installation."""

    def __init__(self, app: App) -> None:
        self._app = app

    def practices(self) -> Mapping[str, str]:
        """Their ids by slug."""
        return {t.practice.slug: t.practice.practice_id for t in self._app.registry.tenants()}

    def policy(self, practice_id: str) -> Policy:
        """The directory and playbook that are current there."""
        return self._app.registry.tenant(practice_id).policy


class Submits:
    """Hands what a person did to the engine."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def submit(self, practice_id: str, subject_id: str, observation: Observation) -> None:
        """Commit one observation and wake the engine."""
        async with self._app.pools.intake.acquire() as connection:
            await observe(connection, [Arrived(practice_id, subject_id, observation, self._app.clock.now())])
        self._app.engine.wake("decisions")

    async def settled(self, practice_id: str, subject_id: str) -> None:
        """Return when nothing pending is left for the subject, or after two seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SETTLE_SECONDS
        while loop.time() < until:
            async with self._app.pools.intake.acquire() as connection:
                pending = await connection.fetchval(
                    "select true from care.observations where practice_id = $1 and subject_id = $2 and state = "
                    "'pending' "
                    "limit 1",
                    practice_id,
                    subject_id,
                )
            if not pending:
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)


class Looks:
    """The one way from pages to identity: the look is journalled first."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def look(
        self, practice_id: str, account_id: str, appointment_id: str
    ) -> tuple[people.Revealed, tuple[str, ...]] | None:
        """The patient of a visit, and the words on it that fitted no answer, newest first."""
        app = self._app
        async with app.pools.reveal.acquire() as connection, connection.transaction():
            person = await connection.fetchval(
                "select actor_id from care.participants where practice_id = $1 and appointment_id = $2 and role "
                "= 'patient'",
                practice_id,
                appointment_id,
            )
            if person is None:
                return None
            body = {"account": account_id, "person": person}
            await append(connection, practice_id, appointment_id, "looked", body, app.clock.now())
            found = await people.reveal_person(connection, app.vault, practice_id, person)
            texts = await self._texts(connection, practice_id, appointment_id)
        return (found, texts) if found else None

    async def _texts(self, connection: Any, practice_id: str, appointment_id: str) -> tuple[str, ...]:
        rows = await connection.fetch(
            "select body ->> 'text_id' from care.observations where practice_id = $1 and subject_id = $2 "
            "and body ->> 'text_id' is not null order by observation_id desc limit 20",
            practice_id,
            appointment_id,
        )
        ids = [row[0] for row in rows]
        payloads = await self._app.vault.get_payloads(connection, practice_id, ids)
        return tuple(payloads[i].decode("utf-8", "replace") for i in ids if i in payloads)


class Finds:
    """Finds a patient's key, as intake does: by a keyed hash."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def patient(self, practice_id: str, said: str) -> Id | None:
        """The patient of a key, or of an id in a connected system; None for none, or several."""
        connections = [*self._app.registry.tenant(practice_id).connections, "import"]
        async with self._app.pools.intake.acquire() as connection:
            found = await people.known_as(connection, self._app.vault, practice_id, connections, said)
        return Id(found) if found else None


class Reports:
    """What operators ask. `refresh` is called by the serving loop, once a second."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._metrics = Metrics()
        self._counted: dict[str, int] = {}

    async def refresh(self) -> None:
        """Read how things stand."""
        async with self._app.pools.reveal.acquire() as connection:
            self._metrics.take(await take_reading(connection), self._app.clock.now())
        by_rule = self._app.engine.decider.by_rule
        self._metrics.count({rule: n - self._counted.get(rule, 0) for rule, n in by_rule.items()})
        self._counted = dict(by_rule)

    def metrics(self) -> str:
        """The Prometheus text."""
        return self._metrics.text()

    async def ready(self) -> dict[str, Any]:
        """Parts by name; `ready` says whether all of them work."""
        parts: dict[str, Any] = {}
        for name in ("intake", "decide", "reveal", "web"):
            try:
                async with asyncio.timeout(2), getattr(self._app.pools, name).acquire() as connection:
                    await connection.execute("select 1")
                parts[name] = True
            except Exception as error:
                parts[name] = type(error).__name__
        parts["practices"] = len(self._app.registry.tenants())
        parts["ready"] = all(parts[name] is True for name in ("intake", "decide", "reveal", "web"))
        return parts
