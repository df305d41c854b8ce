"""The deciding loop: one transaction a batch (E2, E6, E7, E13). It loads what `core.decide` may know, calls it for
one item after another, and commits what came out; what the database refuses is decided again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

import asyncpg
import structlog

from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy, apply
from caredispatch.core.facts import Facts
from caredispatch.core.ids import Id
from caredispatch.core.observation import NoticeFailed, Observation
from caredispatch.core.records import State
from caredispatch.core.windows import zone
from caredispatch.engine.registry import Registry
from caredispatch.store import deciding as db
from caredispatch.store.deciding import Decided, Item, LimitReached
from caredispatch.store.factual import Known, Need, needs, read
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.pools import Connection
from caredispatch.store.rows import canonical

MOST_ATTEMPTS = 3
BATCH = 64
_VERSIONS = {"code": version("caredispatch"), "tzdata": version("tzdata")}

log = structlog.get_logger("deciding")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal keeps of one decision: every input, and what came out. Replaying the inputs gives the same
    bytes."""

    event: Observation
    facts: Facts
    decision: Decision
    now: datetime
    playbook: int
    directory: int
    versions: dict[str, str]


class Decider:
    """Decides what is pending, practice by practice."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.decisions = 0
        self.by_rule: dict[str, int] = {}

    async def turn(self) -> int:
        """One round over the practices that have something to decide; returns how many decisions were committed."""
        now = self.registry.clock.now()
        async with self.registry.pools.decide.acquire() as connection:
            practices = await db.practices_with_work(connection, now)
        return sum([await self._batch(practice_id, now, BATCH, None) for practice_id in practices])

    async def _batch(self, practice_id: str, now: datetime, limit: int, only: list[str] | None) -> int:
        items: list[Item] = []
        try:
            async with self.registry.pools.decide.acquire() as connection, connection.transaction():
                await db.in_hand(connection, practice_id)
                items = await db.claim(connection, practice_id, now, limit, only)
                return await self._decide(connection, practice_id, now, items) if items else 0
        except Exception as error:
            return await self._again(practice_id, now, items, error)

    async def _decide(self, connection: Connection, practice_id: str, now: datetime, items: list[Item]) -> int:
        policy = self.registry.tenant(practice_id).policy
        subjects = list(dict.fromkeys(item.subject_id for item in items))
        loaded = await db.load(connection, practice_id, subjects)
        wanted: dict[str, Need] = {
            s: needs(loaded.states[s], [i.event for i in items if i.subject_id == s], policy.directory, now)
            for s in subjects
        }
        today = now.astimezone(zone(policy.directory, next(iter(policy.directory.locations), ""))).date()
        week = today.isocalendar()
        periods = (today.isoformat(), f"{week.year}-W{week.week:02d}")
        settle = timedelta(minutes=policy.playbook.settle_minutes)
        known = await read(connection, practice_id, wanted, now, periods, today, settle)
        decided = decide_all(items, loaded.states, wanted, known, periods, policy, now)
        refused = await db.persist(connection, practice_id, now, decided, loaded.chains)
        self.decisions += len(decided) - len(refused)
        for rule in (r.rule.name if r.rule else "none" for d in decided for r in d.decision.trace.rules):
            self.by_rule[rule] = self.by_rule.get(rule, 0) + 1
        return len(decided) - len(refused)

    async def _again(self, practice_id: str, now: datetime, items: list[Item], error: Exception) -> int:
        """A batch that failed is decided item by item; one that fails alone is counted, and parked after three
        (E13)."""
        subjects = list(dict.fromkeys(item.subject_id for item in items))
        if len(subjects) > 1:
            return sum([await self._batch(practice_id, now, 1, [subject]) for subject in subjects])
        if isinstance(error, LimitReached | asyncpg.SerializationError | asyncpg.DeadlockDetectedError):
            return 0
        log.error("decision failed", practice=practice_id, subject=subjects, error=type(error).__name__, exc_info=error)
        if not items:
            return 0
        await self._count(practice_id, now, items)
        return 0

    async def _count(self, practice_id: str, now: datetime, items: list[Item]) -> None:
        ids = [item.observation_id for item in items if item.observation_id is not None]
        async with self.registry.pools.decide.acquire() as connection, connection.transaction():
            await db.in_hand(connection, practice_id)
            parked = await db.count_attempt(connection, practice_id, ids, MOST_ATTEMPTS)
            if not ids:
                await db.look_later(connection, practice_id, [i.subject_id for i in items], now + timedelta(minutes=1))
            await observe(
                connection,
                [
                    Arrived(
                        practice_id,
                        item.subject_id,
                        NoticeFailed(
                            "engine",
                            Id(item.subject_id),
                            "poison",
                            f"observation {item.observation_id} failed three times",
                        ),
                        now,
                    )
                    for item in items
                    if item.observation_id in parked and not isinstance(item.event, NoticeFailed)
                ],
            )


def decide_all(
    items: list[Item],
    states: dict[str, State],
    wanted: dict[str, Need],
    known: Known,
    periods: tuple[str, ...],
    policy: Policy,
    now: datetime,
) -> list[Decided]:
    """Decide one item after another, each on what the ones before it booked, asked and counted (E6)."""
    decided: list[Decided] = []
    for item in items:
        subject = item.subject_id
        state = states[subject]
        facts = known.facts(subject, wanted[subject], periods)
        decision = decide(state, facts, item.event, policy, now)
        states[subject] = after = apply(state, decision)
        if after.appointment is not None:
            known.booked(decision.occupy, after.appointment.source)
        for count in decision.counts:
            key = (count.person_id, count.period)
            known.asks_made[key] = known.asks_made.get(key, 0) + 1
        for ask in decision.asks:
            known.numbers[ask.person_id] = max(known.numbers.get(ask.person_id, 1), ask.number + 1)
        entry = Entry(item.event, facts, decision, now, policy.playbook.version, policy.directory.version, _VERSIONS)
        decided.append(Decided(item, decision, canonical(entry)))
    return decided
