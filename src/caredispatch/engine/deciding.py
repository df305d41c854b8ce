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
from caredispatch.core.ids import make_id
from caredispatch.core.observation import Acted, AppointmentSeen, NoticeFailed, Observation
from caredispatch.core.records import State
from caredispatch.core.windows import clocks, zone
from caredispatch.engine.registry import Registry, Unconfigured
from caredispatch.store import deciding as db
from caredispatch.store.deciding import Decided, Item, LimitReached, Unreadable
from caredispatch.store.factual import Known, read
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.needing import Need, needs, place_of
from caredispatch.store.persisting import persist
from caredispatch.store.pools import Connection
from caredispatch.store.rows import canonical

MOST_ATTEMPTS = 3
BATCH = 64
_VERSIONS = {"code": version("caredispatch"), "tzdata": version("tzdata")}


_PASSING = (
    Unconfigured,
    OSError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.InterfaceError,
)

log = structlog.get_logger("deciding")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal keeps of one decision: every input, and what came out. Replaying the inputs gives the same
    bytes. An appointment's state follows from its chain; `state` is kept where there is none (an exception alone), and
    before an act of a person, which may be undone."""

    event: Observation
    facts: Facts
    decision: Decision
    now: datetime
    playbook: int
    directory: int
    versions: dict[str, str]
    state: State | None = None


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
                items = items[:1] if only else items
                # Read anew: what was claimed may have been observed since.
                return await self._decide(connection, practice_id, self.registry.clock.now(), items) if items else 0
        except Exception as error:
            return await self._again(practice_id, now, items, error)

    async def _decide(self, connection: Connection, practice_id: str, now: datetime, items: list[Item]) -> int:
        policy = self.registry.tenant(practice_id).policy
        visits = {item.subject_id for item in items if isinstance(item.event, AppointmentSeen)}
        events: dict[str, list[Observation]] = {}
        for item in items:
            events.setdefault(item.subject_id, []).append(item.event)
        loaded = await db.load(connection, practice_id, list(events), visits)
        wanted = {subject: needs(loaded.states[subject], events[subject], policy, now) for subject in events}
        today = now.astimezone(zone(policy.directory, next(iter(policy.directory.locations), ""))).date()
        settle = timedelta(minutes=policy.playbook.settle_minutes)
        known = await read(connection, practice_id, wanted, now, clocks(policy.directory, now), today, settle)
        decided = decide_all(items, loaded.states, wanted, known, policy, now)
        refused = await persist(connection, practice_id, now, decided, loaded.chains, known.same)
        self.decisions += len(decided) - len(refused)
        for rule in (r.rule.name if r.rule else "none" for d in decided for r in d.decision.trace.rules):
            self.by_rule[rule] = self.by_rule.get(rule, 0) + 1
        return len(decided) - len(refused)

    async def _again(self, practice_id: str, now: datetime, items: list[Item], error: Exception) -> int:
        """A batch that failed is decided item by item; one that fails alone is counted, and parked after three
        (E13)."""
        if isinstance(error, Unreadable):
            items = [error.item]
        elif len(items) > 1:
            subjects = dict.fromkeys(item.subject_id for item in items)
            return sum([await self._batch(practice_id, now, 1, [subject]) for subject in subjects])
        if not items or isinstance(error, (LimitReached, *_PASSING)) or _number_taken(error):
            log.warning("decision put off", practice=practice_id, error=type(error).__name__)
            return 0
        subject = items[0].subject_id
        log.error("decision failed", practice=practice_id, subject=subject, error=type(error).__name__, exc_info=error)
        await self._count(practice_id, now, items[0])
        return 0

    async def _count(self, practice_id: str, now: datetime, item: Item) -> None:
        """Count a failed attempt in a transaction of its own; what is parked is put before a human."""
        async with self.registry.pools.decide.acquire() as connection, connection.transaction():
            await db.in_hand(connection, practice_id)
            if item.observation_id is None:
                await db.look_later(connection, practice_id, [item.subject_id], now + timedelta(minutes=1))
            elif not await db.count_attempt(connection, practice_id, [item.observation_id], MOST_ATTEMPTS):
                return
            if not isinstance(item.event, NoticeFailed):
                await observe(connection, [_poisoned(practice_id, item, now)])


def _number_taken(error: Exception) -> bool:
    """Whether somebody was asked from two visits at once: decided again, this question has the next number (D5)."""
    taken = isinstance(error, asyncpg.UniqueViolationError)
    return taken and getattr(error, "constraint_name", "") == "asks_open_by_person"


def _poisoned(practice_id: str, item: Item, now: datetime) -> Arrived:
    """What a person must know of an item that can't be decided; about none of our subjects, since that one fails."""
    what = f"observation {item.observation_id} failed three times" if item.observation_id else "what fell due failed"
    key = make_id("poison", practice_id, item.subject_id, item.observation_id or "due")
    body = NoticeFailed("engine", key, "poison", f"{what} on {item.subject_id}")
    return Arrived(practice_id, key, body, now)


def decide_all(
    items: list[Item],
    states: dict[str, State],
    wanted: dict[str, Need],
    known: Known,
    policy: Policy,
    now: datetime,
) -> list[Decided]:
    """Decide one item after another, each on what the ones before it booked, asked and counted (E6)."""
    decided: list[Decided] = []
    for item in items:
        subject = item.subject_id
        state = states[subject]
        facts = known.facts(subject, wanted[subject], place_of(state, item.event))
        decision = decide(state, facts, item.event, policy, now)
        states[subject] = after = apply(state, decision)
        if after.appointment is not None:
            known.booked(decision.occupy, after.appointment)
            known.others.decided(after, decision.asks)
        for count in decision.counts:
            key = (count.person_id, count.what, count.period)
            known.counted[key] = known.counted.get(key, 0) + 1
        for ask in decision.asks:
            known.numbers[ask.person_id] = max(known.numbers.get(ask.person_id, 1), ask.number + 1)
        alone = state.appointment is None and bool(state.exceptions)
        kept = state if alone or isinstance(item.event, Acted) else None
        versions = policy.playbook.version, policy.directory.version, _VERSIONS
        entry = Entry(item.event, facts, decision, now, *versions, kept)
        decided.append(Decided(item, decision, canonical(entry)))
    return decided
