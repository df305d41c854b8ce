"""What is recommended, from questions whose pattern is known: each a diff of the practice's own playbook, and nothing
where the numbers do not say it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from caredispatch.insights.patterns import rounds as seen_in
from caredispatch.insights.patterns import waits, wilson
from caredispatch.insights.recommending import Material, Recommendation, recommend, rehearsed
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.store.asked import Asked
from tests.insights.asked import DIRECTORY, NOON, PEOPLE, question, rounds

TEXT = profile_text("primary-care").replace("float_providers: [Ana, Ben]", "float_providers: [Ana, Ben, Cleo]")
CHICAGO_EVENING = NOON + timedelta(hours=7)


def recommended(asked: Sequence[Asked], text: str = TEXT) -> tuple[Recommendation, ...]:
    return recommend(Material(text, read_playbook(text), DIRECTORY, asked, weeks=4))


def only(found: Sequence[Recommendation], kind: str) -> Recommendation:
    [one] = [r for r in found if r.kind == kind]
    return one


def changed_lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines()[2:] if line[0] in "+-"]


# ------------------------------------------------------------------ by hand


def test_the_wait_that_catches_95_of_100_answers() -> None:
    asked = [question(i, "Ana", NOON + timedelta(days=i), float(i + 1)) for i in range(100)]
    found = waits(asked, timedelta(minutes=100))
    assert found is not None
    # The 95th of 1 to 100; above it, at 95 %, the floor(95 + 1.645 * sqrt(4.75)) + 1 = 99th.
    assert (found.seen, found.at_most, found.late) == (95.0, 99.0, 0.2)


def test_the_chance_of_one_person_comes_from_rounds() -> None:
    # Half of the rounds of two find somebody: (1 - p)^2 = 1/2.
    found = seen_in(rounds(40, 2, lambda i, p: 1.0 if i % 2 == 0 and p == 0 else None))
    assert found is not None
    assert found.chance == pytest.approx(1 - 0.5**0.5)
    assert found.needed(found.chance, 0.8) == 5  # 1 - 0.7071^5 = 0.823; ^4: 0.75


def test_wilsons_bounds_are_those_of_the_books() -> None:
    low, high = wilson(0.5, 40)
    assert (round(low, 3), round(high, 3)) == (0.374, 0.626)


# ------------------------------------------------------------------ recommendations


def test_a_wait_that_is_far_too_long_is_shortened() -> None:
    found = recommended(rounds(40, 2, lambda i, p: 1.0 + i % 4))
    window = only(found, "window")
    assert "95 % of 80 answers came within 4 min" in window.seen
    assert changed_lines(window.diff) == [
        "-      - { ask: pool, by: [sms, email], for: 15 min, at_once: 2 }",
        "+      - { ask: pool, by: [sms, email], for: 5 min, at_once: 2 }",
    ]


def test_a_wait_that_ends_while_answers_still_come_is_lengthened() -> None:
    window = only(recommended(rounds(40, 2, lambda i, p: 8.0 + i % 7)), "window")
    assert "for: 20 min" in window.diff


def test_nobody_answers_after_six() -> None:
    day = rounds(20, 1, lambda i, p: 3.0)
    evening = [question(100 + i, "Ana", CHICAGO_EVENING + timedelta(days=i), None) for i in range(14)]
    hours = only(recommended([*day, *evening]), "hours")
    assert hours.seen == (
        "The first step of rule “A later visit” is answered by nobody after 18:00: 0 of 14 questions, 100% at other "
        "times (step 1 of path `cover`)."
    )
    assert '+quiet_hours: { staff: "18:00-06:30"' in hours.diff


def test_an_urgent_path_is_not_put_off_to_the_morning() -> None:
    day = rounds(20, 1, lambda i, p: 3.0, path="cover_today")
    evening = [
        question(100 + i, "Ana", CHICAGO_EVENING + timedelta(days=i), None, path="cover_today") for i in range(14)
    ]
    hours = only(recommended([*day, *evening]), "hours")
    assert hours.diff == ""
    assert "on duty after 18:00" in hours.change


def test_hours_at_which_few_would_answer_anyway_prove_nothing() -> None:
    day = rounds(40, 1, lambda i, p: 3.0 if i % 10 == 0 else None)
    evening = [question(100 + i, "Ana", CHICAGO_EVENING + timedelta(days=i), None) for i in range(14)]
    assert not [r for r in recommended([*day, *evening]) if r.kind == "hours"]


def test_as_many_are_asked_at_once_as_find_somebody() -> None:
    found = recommended(rounds(40, 2, lambda i, p: 10.0 if i % 3 == 0 and p == 0 else None))
    size = only(found, "group size")
    assert "one person says yes with a chance of 19%" in size.seen
    assert "+      - { ask: pool, by: [sms, email], for: 15 min, at_once: 5 }" in size.diff


def test_fewer_are_asked_where_one_is_enough() -> None:
    size = only(recommended(rounds(100, 2, lambda i, p: 10.0 if p == 0 else None)), "group size")
    assert "at_once: 1" in size.diff


def test_a_group_size_that_could_be_right_stays() -> None:
    found = recommended(rounds(25, 2, lambda i, p: 10.0 if i % 4 and p == 0 else None))
    assert not [r for r in found if r.kind == "group size"]


def test_who_says_yes_more_often_is_asked_first() -> None:
    asked = [
        question(i, who, NOON + timedelta(days=i), 10.0, yes=(i % 10 == 0) if who == "Ana" else i % 10 < 8, step=1)
        for who in PEOPLE[:3]
        for i in range(30)
    ]
    order = only(recommended(asked), "order")
    assert "Ana 10%, Ben 80%, Cleo 80%" in order.seen
    assert "+  float_providers: [Ben, Cleo, Ana]" in order.diff
    assert order.names_people


def test_one_who_is_asked_twice_as_often_as_others_is_spared() -> None:
    counts = {"Ana": 60, "Ben": 20, "Cleo": 20, "Dan": 18}
    asked = [
        question(n * 100 + i, who, NOON + timedelta(days=i % 28), 10.0)
        for n, (who, count) in enumerate(counts.items())
        for i in range(count)
    ]
    load = only(recommended(asked), "load")
    assert load.seen.startswith("Ana is asked 15.0 times a week, 3.0 times as often as the median")
    assert "staff: { asks: { most: 3, per: day } }" in load.diff


def test_few_questions_recommend_nothing() -> None:
    assert recommended(rounds(9, 2, lambda i, p: 1.0)) == ()


def test_a_rehearsal_fills_in_what_a_change_would_do() -> None:
    found = recommended(rounds(40, 2, lambda i, p: 1.0 + i % 4))
    told = rehearsed(found, lambda text: "settled 4 min sooner" if "for: 5 min, at_once: 2" in text else "?")
    assert only(told, "window").effect == "settled 4 min sooner"
