"""D11 and promise 4: what others decide in mid-offer ends the case, and everybody who had a part in it hears the
truth."""

from __future__ import annotations

import pytest

from caredispatch.core.content import instant_text
from tests.core.clinic import ASK_PATIENT, VISIT, playbook, policy
from tests.core.play import Play, ana_cannot, booked, minutes

RULES = policy(playbook(to_patient=ASK_PATIENT))


def ben_waits() -> Play:
    """Ben would take it; the patient has not said yet whether they agree."""
    play = ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2)
    assert play.cover().phase == "agreeing"
    return play


@pytest.mark.parametrize("how", ["in the source", "by hand", "moved"])
def test_d11_whoever_waits_for_the_patients_word_hears_when_the_visit_goes_another_way(how: str) -> None:
    play = ben_waits()
    match how:
        case "in the source":
            play.seen(actor_provider="cleo")
        case "by hand":
            play.act("assign", staff_id="cleo")
        case _:
            play.seen(start_at=VISIT + minutes(60))
    assert play.texts("ben") == ["ask_cover", "withdrawn_cover"]
    assert play.ask_of("pat", "agree_patient").state == "withdrawn"
    assert "ben" not in [o.resource_id for o in play.state.occupations]


def test_d11_the_word_is_about_the_time_that_they_said_yes_to() -> None:
    play = ben_waits().seen(start_at=VISIT + minutes(60))
    word = next(d for _, x in play.decisions for d in x.deliveries if d.text == "withdrawn_cover")
    assert word.params["start_at"] == instant_text(VISIT)


@pytest.mark.parametrize("how", ["in the source", "by hand"])
def test_d11_whoever_is_given_the_visit_that_they_said_yes_to_is_not_told_otherwise(how: str) -> None:
    play = ben_waits()
    if how == "in the source":
        play.seen(actor_provider="ben")
    else:
        play.act("assign", staff_id="ben")
    assert play.texts("ben") == ["ask_cover", "new_visit"]
    assert (play.provider, play.coverage) == ("ben", "confirmed")


def test_d11_whoever_knew_of_a_visit_that_the_source_gives_to_another_hears_of_it() -> None:
    play = booked(RULES).seen(actor_provider="cleo")
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    assert play.texts("cleo") == ["new_visit"]


def test_d8_changes_of_an_unusual_volume_tell_nobody_that_they_lost_a_visit() -> None:
    play = booked(RULES).seen(mode="held", actor_provider="cleo")
    assert play.texts("ana") == ["new_visit"]
