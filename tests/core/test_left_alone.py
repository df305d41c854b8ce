"""Promise 9: news waits for the morning, unless it answers the person's own words or would come too late (E24, D21)."""

from __future__ import annotations

from datetime import datetime

from tests.core.clinic import NO_AGREEMENT, VISIT, at, playbook, policy
from tests.core.play import Play, ana_cannot, booked, minutes


def leaves(play: Play, person: str) -> tuple[str | None, datetime | None]:
    """What was last said to a person, and when it may leave (None: at once)."""
    said = [d for _, decision in play.decisions for d in decision.deliveries if d.person_id == person]
    return said[-1].text, said[-1].not_before


def test_a_visit_that_is_cancelled_at_night_is_told_in_the_morning() -> None:
    play = booked().run(until=at(4, 23)).act("cancel").run(1)
    assert leaves(play, "ana") == ("visit_cancelled_staff", at(5, 7))


def test_by_day_news_leaves_at_once() -> None:
    play = booked().run(until=at(4, 15)).act("cancel").run(1)
    assert leaves(play, "ana") == ("visit_cancelled_staff", None)


def test_who_asks_at_night_is_answered_at_night() -> None:
    play = ana_cannot(policy(playbook(services=NO_AGREEMENT))).run(20).answer("cleo", "yes").run(until=at(4, 23))
    assert play.provider == "cleo"
    play.answer("ben", "yes")
    assert leaves(play, "ben") == ("already_taken", None)


def test_news_of_a_visit_that_starts_before_the_night_ends_leaves_an_hour_before_it() -> None:
    early = at(5, 7, 30)
    play = Play().seen(start_at=early, end_at=early + minutes(50)).run(until=at(5, 2)).act("cancel").run(1)
    assert leaves(play, "ana") == ("visit_cancelled_staff", early - minutes(60))
    assert early < VISIT
