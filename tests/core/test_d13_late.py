"""Somebody is late (D13): the rest of the day is re-timed, only those moved by more than a little hear of it."""

from __future__ import annotations

import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.ids import make_id
from caredispatch.core.observation import Hit
from caredispatch.core.playbook import HandTo, Rule, ServicePolicy, Tell
from tests.core.clinic import at, playbook, policy
from tests.core.town import Town

RULES = policy(playbook(services={"therapy-50": ServicePolicy("none")}))
DAY = {"nine": at(6, 9), "ten": at(6, 10), "noon": at(6, 12), "one": at(6, 13)}


def day(rules: Policy = RULES) -> Town:
    """Visits of fifty minutes at nine, ten, twelve and one, seen at half past eight."""
    town = Town(rules, now=at(6, 8, 30))
    for n, (name, start) in enumerate(DAY.items()):
        town.booked(name, patient=f"pat-{n}", start=start)
    return town


def late(town: Town, minutes: int) -> Town:
    """ana comes so many minutes late."""
    town.announce("staff_late", staff="ana", start=town.now, end=at(7, 0), late=minutes, sure=True)
    return town.run(1)


def by_how_much(town: Town) -> list[int]:
    """By how many minutes each visit is expected to begin late."""
    return [town.visit(name).late_minutes for name in DAY]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(5, [5, 0, 0, 0]), (10, [10, 0, 0, 0]), (20, [20, 10, 0, 0]), (75, [75, 65, 0, 0]), (130, [130, 120, 50, 40])],
)
def test_d13_late_is_passed_on_through_the_day_and_gaps_absorb_it(minutes: int, expected: list[int]) -> None:
    assert by_how_much(late(day(), minutes)) == expected


@pytest.mark.parametrize(("minutes", "hear"), [(10, []), (11, ["pat-0"]), (20, ["pat-0"]), (21, ["pat-0", "pat-1"])])
def test_d13_late_only_who_is_moved_by_more_than_ten_minutes_hears(minutes: int, hear: list[str]) -> None:
    town = late(day(), minutes)
    assert [t.person for t in town.said if t.name == "running_late"] == hear


def test_d13_late_the_text_says_by_how_much() -> None:
    [text] = [t for t in late(day(), 20).said if t.name == "running_late"]
    assert text.delivery.params["minutes"] == "20"


def test_d13_late_where_a_rule_says_what_the_patient_hears_it_is_said_once() -> None:
    rules = playbook(
        services={"therapy-50": ServicePolicy("none")},
        patient_rules=(Rule("late", ("staff_late",), (Tell("patient", "running_late"),)),),
    )
    town = late(day(policy(rules)), 20)
    assert [t.person for t in town.said if t.name == "running_late"] == ["pat-0"]


def test_d13_late_again_and_less_says_so_and_more_or_less_the_same_does_not() -> None:
    town = late(day(), 30)
    late(town, 28)
    assert town.texts("pat-0").count("running_late") == 1
    late(town, 12)
    assert town.texts("pat-0").count("running_late") == 2


def test_d13_late_visits_that_began_are_not_re_timed() -> None:
    town = day()
    town.run(until=at(6, 8, 55)).changed("nine", status="arrived")
    late(town, 20)
    assert by_how_much(town)[0] == 0


@pytest.mark.parametrize(("grace", "human"), [(15, True), (20, False)])
def test_d13_late_beyond_grace_of_a_service_that_is_made_anew_a_person_does(grace: int, human: bool) -> None:
    services = {"therapy-50": ServicePolicy("none", grace=grace, when_late="rebook")}
    town = late(day(policy(playbook(services=services))), 20)
    assert [e.detail["why"] for e in town.open("handed_over", "nine")] == (["too_late_to_see"] if human else [])


@pytest.mark.parametrize(
    ("minutes", "expected"), [(15, [15, 5, 0, 0]), (20, [20, 0, 0, 0]), (75, [75, 15, 0, 0]), (130, [130, 70, 0, 0])]
)
def test_d13_late_a_visit_that_is_shortened_ends_when_it_was_to_and_moves_nobody(
    minutes: int, expected: list[int]
) -> None:
    services = {"therapy-50": ServicePolicy("none", grace=15, when_late="shorten")}
    town = late(day(policy(playbook(services=services))), minutes)
    assert by_how_much(town) == expected
    assert town.visit("nine").end_at == at(6, 9, 50)
    nothing_left = [name for name, late_by in zip(DAY, expected, strict=True) if late_by >= 50]
    assert [n for n in DAY if town.open("handed_over", n)] == nothing_left


def test_d13_late_taken_back_is_as_it_was() -> None:
    town = day()
    incident = town.announce("staff_late", staff="ana", start=town.now, end=at(7, 0), late=20, sure=True)
    town.settle(incident, "undo").run(1)
    assert by_how_much(town) == [0, 0, 0, 0]


@pytest.mark.parametrize(("minutes", "told", "asked"), [(15, 1, 0), (16, 0, 1)])
def test_d13_late_patient_the_provider_is_told_and_beyond_grace_the_rules_act(
    minutes: int, told: int, asked: int
) -> None:
    rules = playbook(
        services={"therapy-50": ServicePolicy("none", grace=15)},
        rules=(Rule("too late", ("patient_late",), (HandTo("front_desk"),)),),
    )
    town = day(policy(rules))
    town.step(town.subject("nine"), Hit(make_id("text"), "patient_late", minutes=minutes)).run(1)
    assert town.texts("ana").count("patient_late") == told
    assert len(town.open("handed_over", "nine")) == asked
    assert town.visit("nine").late_minutes == minutes
