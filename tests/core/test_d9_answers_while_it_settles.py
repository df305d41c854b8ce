"""D9: a cancellation acts after its settle time. What people answer meanwhile is kept: it counts when the cancellation
is taken back, and until then nothing is asked or said."""

from __future__ import annotations

import pytest

from caredispatch.core.observation import Label
from caredispatch.core.playbook import AskStep, HandTo, Rule, Window
from tests.core.clinic import ASK_PATIENT, ASK_PROVIDER, NO_AGREEMENT, VISIT, cover_path, playbook, policy
from tests.core.play import Play, ana_cannot, booked, minutes

DECLINED = Rule("declined", ("patient_declined",), (HandTo("mia"),))
RULES = policy(playbook(to_patient=ASK_PATIENT, patient_rules=(DECLINED,)))
AT_THE_STAFF_YES = policy(playbook(services=NO_AGREEMENT))


def while_it_settles(play: Play, person: str, *labels: Label, purpose: str | None = None) -> Play:
    """The visit is cancelled, somebody answers, and a minute later the cancellation is taken back."""
    play.seen(status="cancelled")
    before = len(play.said), len(play.raised)
    for label in labels:
        play.answer(person, label, purpose=purpose)
    play.run(1)
    assert (len(play.said), len(play.raised)) == before
    return play.seen(status="booked").run(1)


@pytest.mark.parametrize(("label", "confirmation"), [("yes", "confirmed"), ("no", "declined")])
def test_d9_a_patients_answer_while_it_settles_counts_when_it_is_taken_back(label: Label, confirmation: str) -> None:
    play = while_it_settles(booked(RULES).run(1), "pat", label)
    assert play.confirmation == confirmation
    assert [e.owner for e in play.open("handed_over")] == (["mia"] if label == "no" else [])
    assert "too_late" not in play.texts("pat")


def test_d9_the_last_of_two_answers_while_it_settles_counts() -> None:
    assert while_it_settles(booked(RULES), "pat", "no", "yes").confirmation == "confirmed"
    assert while_it_settles(booked(RULES), "pat", "yes", "no").confirmation == "declined"


def test_d9_a_provider_who_declines_while_it_settles_loses_the_visit_when_it_is_taken_back() -> None:
    play = while_it_settles(booked(RULES), "ana", "no", purpose="inform_staff")
    assert (play.coverage, play.asked[-1]) == ("uncovered", (1, "ben"))


def test_d9_a_provider_who_accepts_while_it_settles_has_confirmed() -> None:
    play = while_it_settles(booked(policy(playbook(booked=ASK_PROVIDER))), "ana", "yes")
    assert (play.coverage, play.cases("confirm")[0].outcome) == ("confirmed", "accepted")


def test_d9_a_provider_who_can_after_all_while_it_settles_keeps_the_visit() -> None:
    play = while_it_settles(ana_cannot(RULES).run(1), "ana", "yes", purpose="inform_staff").run(30)
    assert (play.provider, play.coverage) == ("ana", "confirmed")
    assert play.texts("ben") == ["ask_cover", "withdrawn_cover"]


def test_d9_a_yes_to_cover_while_it_settles_covers_when_it_is_taken_back() -> None:
    play = while_it_settles(ana_cannot(AT_THE_STAFF_YES).run(1), "ben", "yes").run(30)
    assert (play.provider, play.coverage) == ("ben", "confirmed")
    assert play.texts("ben") == ["ask_cover", "cover_settled"]


def test_d9_a_no_to_cover_while_it_settles_lets_the_path_go_on_when_it_is_taken_back() -> None:
    play = while_it_settles(ana_cannot(AT_THE_STAFF_YES).run(1), "ben", "no")
    assert play.asked[-1] == (2, "cleo")


def test_d9_of_two_who_would_take_it_while_it_settles_the_first_does() -> None:
    path = cover_path(AskStep("pool", ("sms",), Window("minutes", 15), 2))
    play = ana_cannot(policy(playbook(cover=path, services=NO_AGREEMENT))).run(1).seen(status="cancelled").run(1)
    play.answer("cleo", "yes").run(1).answer("ben", "yes").seen(status="booked").run(1)
    assert play.provider == "cleo"
    assert play.texts("ben") == ["ask_cover", "already_taken"]


@pytest.mark.parametrize(("label", "provider"), [("yes", "ben"), ("no", "ana")])
def test_d9_whether_the_patient_agrees_counts_as_well(label: Label, provider: str) -> None:
    play = ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2)
    while_it_settles(play, "pat", label, purpose="agree_patient")
    assert play.provider == provider
    assert play.texts("ben") == ["ask_cover", "cover_settled" if label == "yes" else "withdrawn_cover"]


def test_d9_an_answer_that_counted_just_before_the_cancellation_counts_once() -> None:
    play = ana_cannot(AT_THE_STAFF_YES).run(1).answer("ben", "yes").seen(status="cancelled").seen(status="booked")
    assert play.texts("ben") == ["ask_cover", "cover_settled"]
    play = ana_cannot(RULES).seen(status="cancelled").seen(status="booked").run(1)
    assert len(play.cases()) == 1
    play = booked(RULES).answer("pat", "no").seen(status="cancelled").seen(status="booked")
    assert [t for _, d in play.decisions for t in d.trace.triggers].count("patient_declined") == 1


def test_d9_an_answer_to_the_old_time_says_nothing_of_a_visit_that_comes_back_moved() -> None:
    play = booked(RULES).seen(status="cancelled").answer("pat", "yes").run(1)
    play.seen(status="booked", start_at=VISIT + minutes(60))
    assert (play.confirmation, play.texts("pat")) == ("asked", ["confirm_patient", "confirm_patient"])


def test_promise_4_a_yes_while_it_settles_gets_a_true_word_when_it_counts_as_cancelled() -> None:
    play = ana_cannot(RULES).run(1).seen(status="cancelled").answer("ben", "yes").answer("ana", "yes").run(5)
    assert play.texts("ben") == ["ask_cover", "too_late"]
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    play = booked(RULES).seen(status="cancelled").answer("pat", "yes").run(5)
    assert play.texts("pat")[-1] == "too_late"
    play = booked(RULES).seen(status="cancelled").answer("pat", "no").run(5)
    assert play.texts("pat") == ["confirm_patient"]


@pytest.mark.parametrize("status", ["noshow", "entered-in-error"])
def test_promise_4_a_yes_while_it_settles_gets_a_true_word_however_the_visit_ends(status: str) -> None:
    play = booked(RULES).seen(status="cancelled").answer("pat", "yes").run(1).seen(status=status).run(5)
    assert play.texts("pat").count("too_late") == 1
