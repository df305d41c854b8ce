"""D30: where law or contract says in which order people are asked, that order is kept, and a report proves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.facts import ContactFacts, Facts
from caredispatch.core.playbook import Cover, Rule
from caredispatch.core.records import Order
from caredispatch.engine.deciding import Entry
from caredispatch.insights.orders import Proof, add_line
from caredispatch.store.rows import canonical
from tests.core.clinic import START, directory, playbook, policy, staff
from tests.core.play import Play

CREW = directory(
    staff("ana", since=date(2026, 5, 1)),
    staff("ben", since=date(2015, 3, 1)),
    staff("cleo", since=date(2020, 9, 1), volunteers=True),
    staff("dev", volunteers=True),
    staff("elif", since=date(2018, 1, 1)),
)
LOST = ("conflict_found", "staff_unavailable", "coverage_gap")


def by(order: Order) -> Policy:
    """A playbook that asks the pool one by one in that order."""
    first = Rule("contract", LOST, (Cover("qualified", "cover", {"load": 5}, order=order),))  # type: ignore[arg-type]  # triggers
    return policy(playbook(rules=(first,)), CREW)


class Recorded(Play):
    """A play that keeps the facts of each decision, as the journal does."""

    def __init__(self, rules: Policy, turns: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.kept: list[Facts] = []
        self.turns = dict(turns or {})
        super().__init__(rules, **options)

    def facts(self) -> Facts:
        """The facts of a decision, with whose turn it is."""
        facts = replace(super().facts(), **self.turns)
        self.kept.append(facts)
        return facts

    def proof(self) -> Proof:
        """What the report says of everything that was decided."""
        found = Proof()
        people = {who: orjson.loads(canonical(one)) for who, one in self.policy.directory.staff.items()}
        for seq, (facts, (event, decision)) in enumerate(zip(self.kept, self.decisions, strict=True)):
            at = self.times[seq]
            entry = orjson.loads(canonical(Entry(event, facts, decision, at, 1, 1, {})))
            add_line(found, "visit", seq, entry, people, {"cover:0"})
        return found

    @property
    def times(self) -> list[datetime]:
        """When each decision was made."""
        return [max((a.asked_at for a in d.asks), default=START) for _, d in self.decisions]


def ill(order: Order, turns: Mapping[str, Any] | None = None, **options: Any) -> Recorded:
    """Ana can't do her visit; nobody answers, so that everyone has their turn."""
    play = Recorded(by(order), turns, **options)
    play.seen()
    play.answer("ana", "no")
    return play.run(80)  # type: ignore[return-value]  # Play.run returns itself


def asked(play: Play) -> list[str]:
    """Who was asked to cover, in order."""
    return [said.person for said in play.said if said.text == "ask_cover"]


def test_d30_by_seniority_the_longest_serving_is_asked_first_and_who_has_no_date_last() -> None:
    assert asked(ill("seniority")) == ["ben", "elif", "cleo", "dev"]


def test_d30_by_rotation_who_was_offered_least_lately_is_asked_first_and_nobody_offered_before_all() -> None:
    offered = {"ben": START - timedelta(days=1), "cleo": START - timedelta(days=9), "dev": START - timedelta(days=3)}
    assert asked(ill("rotation", {"offered_at": offered})) == ["elif", "cleo", "dev", "ben"]


def test_d30_by_least_hours_who_works_least_this_week_is_asked_first() -> None:
    worked = {"ben": 2000, "cleo": 600, "dev": 600, "elif": 1500}
    assert asked(ill("least_hours", {"week_minutes": worked})) == ["cleo", "dev", "elif", "ben"]


def test_d30_volunteers_are_asked_by_seniority_and_then_the_others_in_inverse_seniority() -> None:
    assert asked(ill("mandate")) == ["cleo", "dev", "elif", "ben"]


def test_d30_the_weights_of_a_rule_do_not_move_anybody_in_a_contractual_order() -> None:
    assert asked(ill("seniority", {"load_minutes": {"ben": 400}})) == ["ben", "elif", "cleo", "dev"]


@pytest.mark.parametrize("order", ["seniority", "rotation", "least_hours", "mandate"])
def test_d30_the_report_proves_that_the_order_was_kept(order: Order) -> None:
    proof = ill(order).proof()
    assert [r.ordering for r in proof.rounds] == [order] * 4
    assert proof.broken == []


def test_d30_the_report_says_why_somebody_was_passed_over() -> None:
    gone: tuple[ContactFacts, ...] = ()
    proof = ill("seniority", contacts={"ben": gone}).proof()
    first = proof.rounds[0]
    assert [(t.handle, t.asked, t.passed_over) for t in first.turns[:2]] == [
        ("ben", False, "no way to reach them"),
        ("elif", True, None),
    ]
    assert first.kept


def test_d30_the_report_finds_an_order_that_was_not_kept() -> None:
    play = ill("seniority")
    backwards = {"ben": date(2022, 1, 1), "elif": date(2001, 1, 1)}
    people = {who: replace(one, since=backwards.get(who, one.since)) for who, one in CREW.staff.items()}
    play.policy = Policy(replace(CREW, staff=people), play.policy.playbook)
    assert [r.kept for r in play.proof().rounds][:2] == [False, True]
