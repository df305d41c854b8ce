"""One incident, one message (E18): who is asked about several visits of it gets one that lists them, counted once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caredispatch.core.asking import TOGETHER_WITHIN
from caredispatch.core.facts import Directory
from caredispatch.core.playbook import AskStep, Cover, Limits, Rule, Window
from caredispatch.core.several import read_several
from tests.core.clinic import NO_AGREEMENT, WITH_EHR, at, cover_path, directory, playbook, policy, staff
from tests.core.town import Town

POOL = cover_path(AskStep("pool", ("sms",), Window("minutes", 15)))
TWO = directory(staff("ana"), staff("ben"))


def ill(*, most: int = 4, together: bool = True, people: Directory = TWO) -> Town:
    """Three visits of ana, who is out on Wednesday; ben may be asked so often a day."""
    rule = Rule("lost", ("staff_unavailable",), (Cover("qualified", "cover", together=together),))
    book = playbook(services=NO_AGREEMENT, cover=POOL, rules=(rule,), limits=Limits(staff_asks_per_day=most))
    town = Town(policy(book, people))
    for n in (2, 0, 1):
        town.booked(f"v{n}", patient=f"pat-{n}", start=at(6, 9 + n))
    town.announce("staff_unavailable", staff="ana", start=at(6, 7), end=at(6, 19), sure=True)
    return town.run(1)


def test_e18_three_visits_of_one_incident_count_once_against_the_limit() -> None:
    town = ill(most=1)
    assert len([t for t in town.said if t.question == "cover"]) == 3
    assert town.counters["ben", "asks_day", "2027-01-04"] == 1


def test_e18_without_together_each_counts() -> None:
    assert len([t for t in ill(most=1, together=False).said if t.question == "cover"]) == 1


def test_e18_each_visit_keeps_its_question_with_its_own_number() -> None:
    town = ill()
    asks = [town.ask_of("ben", on=f"v{n}", purpose="cover") for n in range(3)]
    assert [a.number for a in asks] == [1, 2, 3], "in the order of the visits"
    assert len({a.case_id for a in asks}) == 3


def test_e18_also_where_calendars_are_asked_first_the_numbers_are_in_the_order_of_the_visits() -> None:
    town = ill(people=directory(staff("ana"), staff("ben"), systems=WITH_EHR))
    assert [town.ask_of("ben", on=f"v{n}", purpose="cover").number for n in range(3)] == [1, 2, 3]


def test_e18_the_questions_wait_a_moment_for_each_other_and_name_their_incident() -> None:
    town = ill()
    sent = [t for t in town.said if t.question == "cover"]
    assert {t.at for t in sent} == {town.began + TOGETHER_WITHIN}
    assert len({t.delivery.params["together"] for t in sent}) == 1
    assert len({t.delivery.ordering_key for t in sent}) == 1


def test_e18_what_is_asked_later_counts_by_itself() -> None:
    town = ill(most=1)
    town.booked("v9", patient="pat-9", start=at(6, 14)).run(1)
    assert [a for a in town.state("v9").asks if a.person_id == "ben" and a.purpose == "cover"] == []


def test_e18_the_moment_leaves_time_for_a_question_within_a_minute() -> None:
    assert timedelta(0) < TOGETHER_WITHIN <= timedelta(seconds=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes 1 3", ("yes", (1, 3))),
        ("Yes 1, 3", ("yes", (1, 3))),
        ("Y 1 and 3", ("yes", (1, 3))),
        ("1 3 yes", ("yes", (1, 3))),
        ("sí 1 y 2", ("yes", (1, 2))),
        ("yes all", ("yes", ())),
        ("Yes to all!", ("yes", ())),
        ("sí a todo", ("yes", ())),
        ("S todas", ("yes", ())),
        ("no to all", ("no", ())),
        ("N 2 3", ("no", (2, 3))),
        ("both ok", ("yes", ())),
    ],
)
def test_e18_answers_to_several_are_read(text: str, expected: object) -> None:
    assert read_several(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("yes", "yes 1", "1", "all", "yes 1 3?", "yes to 1, no to 3", "yes 1 but not 3", "all good", "yes all day"),
        *("not all", "yes to all but 2", "y 1 3 maybe", "no 1 3 yes", "yes 130 200", "call all", "is it all", ""),
    ],
)
def test_e18_what_is_not_wholly_such_an_answer_is_none(text: str) -> None:
    assert read_several(text) is None
