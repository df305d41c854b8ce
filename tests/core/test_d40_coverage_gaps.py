"""72, 48 and 24 hours before the start every visit without confirmed coverage is a gap: it opens `cover` by the
playbook, or stands on the gaps list with its age, its best candidates and what blocks it. Nothing enters the last 24
hours unlisted (D40)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.playbook import AskStep, Condition, Path, Rule, Tell, Window, Within
from tests.core.clinic import ASK_PROVIDER, COVER, DANA, NO_AGREEMENT, at, playbook, policy
from tests.core.town import Town

START = at(11, 10)
"""A Monday; the scenarios begin the Monday before."""
SLOW = Path("provider", False, (AskStep("assignee", ("sms",), Window("minutes", 20_000)), DANA))
LATER = Rule("in the last two days", ("coverage_gap",), (COVER,), (Condition("notice", Within(high=48 * 60 + 1)),))
LOST = Rule("lost", ("conflict_found", "staff_unavailable"), (COVER,))
BOOKED = Rule("booked", ("booked", "rescheduled"), (Tell("provider", "new_visit"),))


def with_rules(*staff_rules: Rule) -> Policy:
    """A playbook that says no more than this of a gap."""
    book = playbook(services=NO_AGREEMENT)
    return policy(replace(book, sections={**book.sections, "staff": (*staff_rules, LOST, BOOKED)}))


def before(hours: float) -> datetime:
    """So many hours before the start."""
    return START - timedelta(hours=hours)


def test_d40_where_the_path_may_not_start_yet_it_stands_on_the_list_and_opens_when_it_may() -> None:
    town = Town(with_rules(LATER), answers={"ana": (1, "no"), "ben": (1, "no"), "cleo": (1, "no")})
    town.booked("visit", provider=None, start=START)
    (line,) = town.open("gap")
    assert (line.detail["role"], line.detail["why"], line.raised_at) == ("provider", "no_rule", town.began)
    town.run(until=before(72))
    (line,) = town.open("gap")
    assert line.detail["best"] == "ana, ben, cleo", "best candidates"
    assert line.raised_at == town.began, "its age"
    assert town.cases("cover") == []
    town.run(until=before(48))
    assert town.open("gap") == []
    assert town.asked[0] == (int((before(48) - town.began).total_seconds() // 60), "ana")


def test_d40_a_gap_opens_cover_by_the_playbook_72_hours_before() -> None:
    town = Town(with_rules(LATER)).booked("visit", provider=None, start=START, mode="first_load")
    town.run(until=before(72))
    assert [e.detail["why"] for e in town.open("gap")] == ["no_rule"]
    eager = Town(policy(playbook(services=NO_AGREEMENT)))
    eager.booked("visit", provider=None, start=START, mode="first_load").run(until=before(72.1))
    assert eager.cases("cover") == []
    eager.run(until=before(72))
    assert [c.opened_at for c in eager.cases("cover")] == [before(72)]
    assert [t.person for t in eager.said] == ["ana"]


def test_d40_a_provider_who_has_not_answered_is_listed_and_loses_nobody() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT, booked=ASK_PROVIDER, provider=SLOW)))
    town.booked("visit", start=START).run(until=before(72.1))
    assert town.open("gap") == []
    town.run(until=before(72))
    assert [e.detail["why"] for e in town.open("gap")] == ["waits_for_provider"]
    assert town.cases("cover") == []
    town.answer("ana", "yes")
    assert town.open("gap") == []
    assert town.visit("visit").next_look_at is None


@pytest.mark.parametrize("hours", [71, 47, 23, 1])
def test_d40_nothing_enters_the_last_24_hours_unlisted_from_a_first_load(hours: int) -> None:
    town = Town(with_rules(LATER), now=before(hours)).booked("visit", provider=None, start=START, mode="first_load")
    assert [e.detail["why"] for e in town.open("gap")] == ["seen_in_a_load"]
    assert town.said == []


def test_d40_whom_a_source_assigned_in_a_first_load_is_no_gap() -> None:
    town = Town(with_rules(LATER)).booked("visit", start=START, mode="first_load").run(until=START)
    assert town.raised == []
    assert town.visit("visit").next_look_at is None


def test_d40_a_confirmed_visit_is_looked_at_by_nobody() -> None:
    town = Town(with_rules(LATER)).booked("visit", start=START).run(1)
    assert town.visit("visit").coverage == "confirmed"
    assert town.visit("visit").next_look_at is None
    decided = len(town.decisions)
    town.run(until=START)
    assert len(town.decisions) == decided


def test_d40_what_a_person_has_is_listed_beside_it_and_asked_of_nobody_again() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT))).booked("visit", provider=None, start=START)
    town.run(until=before(73))
    assert [e.kind for e in town.open("nobody_found")] == ["nobody_found"]
    asked = town.asked
    town.run(until=before(72))
    assert [e.detail["why"] for e in town.open("gap")] == ["a_person_has_it"]
    assert town.asked == asked


def test_d40_a_person_who_only_resolves_the_item_is_followed_by_the_next_look() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT))).booked("visit", provider=None, start=START)
    town.run(until=before(60)).act("resolve", "visit", on="nobody_found")
    town.run(until=before(48))
    assert len(town.cases("cover")) == 2


def test_d40_a_line_leaves_when_the_visit_is_covered_cancelled_moved_or_begun() -> None:
    def listed() -> Town:
        return Town(with_rules(LATER), now=before(100)).booked("visit", provider=None, start=START)

    assert listed().act("assign", "visit", staff_id="ben").run(90).open("gap") == []
    assert listed().cancelled("visit").run(10).open("gap") == []
    assert [e.raised_at for e in listed().moved("visit", at(12, 10)).open("gap")] == [before(100)]
    late = Town(with_rules(), now=before(30)).booked("visit", provider=None, start=START).run(until=START)
    assert [len(late.open("gap")), len(late.run(60).open("gap"))] == [1, 0]


def test_d40_an_unclaimed_line_climbs_before_the_next_look() -> None:
    town = Town(with_rules(), now=before(100)).booked("visit", provider=None, start=START)
    (line,) = town.open("gap")
    assert line.ack_by == before(72)
    town.run(until=before(72))
    assert town.open("gap")[0].escalated == 1
