"""`visit_not_started` (no arrival by start + N minutes) is a trigger; a `must_not_miss` visit goes to the nurse on call
and the backup contact at once (D12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.playbook import (
    AskStep,
    Condition,
    Cover,
    HandToStep,
    Nothing,
    OneOf,
    Path,
    Rule,
    ServicePolicy,
    Window,
)
from tests.core.clinic import ASK_PATIENT, VISIT, at, directory, playbook, policy, staff
from tests.core.play import minutes
from tests.core.town import Town

NOT_STARTED = Path(
    "not_started",
    True,
    (AskStep("nurse_and_backup", ("sms",), Window("minutes", 5), at_once=2), HandToStep("supervisor")),
)
MUST_NOT_MISS = Rule(
    "nobody is there",
    ("visit_not_started",),
    (Cover("qualified", "not_started"),),
    (Condition("must_not_miss", OneOf(("true",))),),
)
SERVICES = {"therapy-50": ServicePolicy("none", must_not_miss=True), "intake": ServicePolicy("none")}


def home_health(*rules: Rule) -> Policy:
    """Visits of one service must not be missed: the nurse on call and the backup contact are asked at once."""
    book = playbook(rules=rules or (MUST_NOT_MISS,), paths=(NOT_STARTED,), services=SERVICES, to_patient=ASK_PATIENT)
    people = {**book.people, "nurse_and_backup": ("nurse", "backup"), "supervisor": ("sue",)}
    return policy(replace(book, people=people), directory(staff("ana"), staff("nurse"), staff("backup"), staff("cleo")))


def begun(rules: Policy | None = None, **options: object) -> Town:
    """A visit with ana at its start, confirmed by everybody."""
    town = Town(rules or home_health(), **options)  # type: ignore[arg-type]  # callers name options of Town
    town.booked("visit").run(60)
    town.answer("pat", "yes")
    assert town.visit("visit").coverage == "confirmed"
    return town.run(until=VISIT)


def test_d12_a_must_not_miss_visit_goes_to_the_nurse_on_call_and_the_backup_contact_at_once() -> None:
    town = begun()
    town.run(14)
    assert town.cases("cover") == []
    town.run(1)
    assert [t.person for t in town.said if t.name == "ask_cover"] == ["nurse", "backup"]
    assert {t.at for t in town.said if t.name == "ask_cover"} == {VISIT + minutes(15)}
    assert town.visit("visit").coverage == "at_risk"


def test_d12_who_says_yes_after_the_start_has_the_visit_and_the_other_hears_so() -> None:
    town = begun(answers={"nurse": (2, "yes")}).run(20)
    assert (town.visit("visit").actor("provider"), town.visit("visit").coverage) == ("nurse", "confirmed")
    assert town.texts("backup")[-1] == "withdrawn_cover"
    assert town.texts("ana")[-1] == "visit_cancelled_staff"
    assert town.open("not_started") == []


def test_d12_nobody_ends_before_the_named_human() -> None:
    town = begun().run(21)
    assert [e.owner for e in town.open("not_started")] == ["supervisor"]
    assert town.answer("nurse", "yes").visit("visit").actor("provider") == "nurse"
    assert town.open("not_started") == []


@pytest.mark.parametrize("status", ["arrived", "checked-in", "fulfilled"])
def test_d12_a_visit_that_began_is_no_news(status: str) -> None:
    town = begun().run(10)
    town.changed("visit", status=status).run(120)
    assert town.cases("cover") == []
    assert town.open("not_started") == []


def test_d12_who_turns_up_after_all_has_the_visit_and_who_was_asked_hears_so() -> None:
    town = begun().run(16)
    town.changed("visit", status="arrived").run(60)
    assert (town.visit("visit").actor("provider"), town.visit("visit").coverage) == ("ana", "confirmed")
    assert [c.outcome for c in town.cases("cover")] == ["arrived"]
    assert [town.texts(who)[-1] for who in ("nurse", "backup")] == ["withdrawn_cover", "withdrawn_cover"]
    assert town.open("not_started") == []


def test_d12_it_is_looked_at_once_and_only_where_a_rule_wants_to_know() -> None:
    town = begun(answers={"nurse": (2, "no"), "backup": (2, "no")}).run(49)
    assert [e.detail["why"] for e in town.open("not_started")] == ["path_ended"]
    assert len(town.cases("cover")) == 1
    calm = Town(home_health()).booked("intake", service="intake").run(60)
    assert calm.visit("intake").next_look_at is not None
    calm.answer("pat", "yes")
    assert calm.visit("intake").next_look_at is None, "nobody looks at a visit that nobody wants watched"


def test_d12_a_rule_that_does_nothing_watches_nothing() -> None:
    town = begun(home_health(Rule("no check-in here", ("visit_not_started",), (Nothing("nobody checks in"),))))
    assert town.visit("visit").next_look_at is None


def test_d12_a_visit_that_is_moved_is_watched_at_its_new_time() -> None:
    town = begun().run(16)
    town.moved("visit", at(7, 10)).run(until=at(7, 10, 14))
    assert [c.state for c in town.cases("cover")] == ["closed"]
    town.run(1)
    assert [c.state for c in town.cases("cover")] == ["closed", "open"]


def test_d12_a_first_load_of_visits_that_began_sets_nothing_off() -> None:
    town = Town(home_health(), now=VISIT + minutes(20)).booked("visit", mode="first_load").run(120)
    assert town.cases("cover") == []
    assert town.said == []


def test_d12_a_visit_that_is_over_when_it_is_looked_at_is_nobodys_search() -> None:
    town = begun()
    town.now += timedelta(hours=3)
    town.run(10)
    assert town.cases("cover") == []
