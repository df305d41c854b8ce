"""The machinery of a town: the world of a rehearsal with every decision made twice and checked, and what a scenario
reads of it. What a scenario says is in `town`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson

from caredispatch.core.decide import decide
from caredispatch.core.draft import Decision, Policy
from caredispatch.core.facts import Busy, ContactFacts, Facts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Observation
from caredispatch.core.records import State
from caredispatch.rehearsal.outside import Answers
from caredispatch.rehearsal.world import Fate
from caredispatch.rehearsal.world import World as Rehearsed
from tests.core.checks import check
from tests.core.clinic import START, policy
from tests.core.play import sms


class World(Rehearsed):
    """A world in which everybody has a telephone, and nothing passes unchecked."""

    def __init__(
        self,
        rules: Policy | None = None,
        *,
        now: datetime = START,
        answers: Answers | None = None,
        patients: Mapping[str, PatientFacts] | None = None,
        contacts: Mapping[str, tuple[ContactFacts, ...]] | None = None,
        fates: Iterable[Fate] = (),
        external: Mapping[str, tuple[Busy, ...]] | None = None,
        together: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
        rules = rules or policy()
        super().__init__(
            rules,
            now=now,
            answers=answers,
            patients={Id(who): facts for who, facts in (patients or {}).items()},
            contacts={str(who): (sms(who),) for who in rules.directory.staff} | dict(contacts or {}),
            fates=fates,
            external=external,
            together=together,
        )
        self.raised: list[tuple[int, str, str]] = []
        self.decisions: list[tuple[Id, Observation, Decision]] = []
        self.watchers.append(self._checked)

    @property
    def minute(self) -> int:
        """Minutes since the scenario began."""
        return int((self.now - self.began).total_seconds() // 60)

    def _checked(
        self, subject: Id, before: State, after: State, facts: Facts, event: Observation, decision: Decision
    ) -> None:
        again = decide(before, facts, event, self.policy, self.now)
        assert orjson.dumps(decision) == orjson.dumps(again), "decided twice, decided differently"
        check(before, after, facts, event, decision, self.policy, self.now)
        was = {e.exception_id for e in before.exceptions}
        for row in decision.exceptions:
            if row.exception_id not in was:
                self.raised.append((self.minute, row.kind, row.owner))
        self.decisions.append((subject, event, decision))

    def known(self, person: str | None) -> None:
        """Everybody has a telephone unless the scenario says otherwise."""
        if person is not None:
            self.contacts.setdefault(person, (sms(person),))
