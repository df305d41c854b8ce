"""D5: a contact is linked to patients with a role and rights (told, confirm, cancel; until a date)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.observation import Answered, Label
from tests.core.clinic import ASK_PATIENT, playbook, policy
from tests.core.play import Play, ana_cannot, booked, email, sms

RULES = policy(playbook(to_patient=ASK_PATIENT))
TOLD = sms("pat", rights=("told",))


def may(play: Play, *rights: str) -> Play:
    """From now on, whoever reads the patient's number has these rights."""
    play.contacts["pat"] = tuple(replace(c, rights=rights) for c in play.contacts["pat"])
    return play


def test_d5_who_is_only_told_is_not_asked_and_the_next_contact_is() -> None:
    play = booked(RULES, contacts={"pat": (TOLD, email("pat"))})
    assert [(s.channel, s.text) for s in play.said if s.person == "pat"] == [("email", "confirm_patient")]


def test_d5_a_patient_is_asked_themselves_before_anybody_who_speaks_for_them() -> None:
    mother = sms("mother", own=False)
    play = booked(RULES, contacts={"pat": (mother, email("pat"))})
    assert [s.channel for s in play.said if s.person == "pat"] == ["email"]
    play = booked(RULES, contacts={"pat": (mother,)})
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms"]


def test_d5_a_patient_of_whom_nobody_may_confirm_goes_on_the_call_list() -> None:
    play = booked(RULES, contacts={"pat": (TOLD,)})
    assert play.texts("pat") == []
    assert len(play.open("call")) == 1


def test_d5_who_is_only_told_still_hears_the_news() -> None:
    play = ana_cannot(RULES, contacts={"pat": (TOLD,)}).run(46 * 60)
    assert play.texts("pat") == ["patient_uncovered"]


@pytest.mark.parametrize("label", ["yes", "no"])
def test_d5_an_answer_of_somebody_who_may_not_confirm_goes_to_a_person_and_does_not_count(label: Label) -> None:
    play = may(booked(RULES), "told").answer("pat", label)
    assert (play.confirmation, play.ask_of("pat").open) == ("asked", True)
    assert [e.detail["answer"] for e in play.open("free_text")] == [label]


def test_d5_a_no_to_the_visit_needs_the_right_to_cancel() -> None:
    play = may(booked(RULES), "told", "confirm").answer("pat", "no")
    assert (play.confirmation, len(play.open("free_text"))) == ("asked", 1)
    assert play.answer("pat", "yes").confirmation == "confirmed"


def test_d5_a_no_to_another_provider_needs_only_the_right_to_confirm() -> None:
    play = may(ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2), "told", "confirm")
    play.answer("pat", "no", purpose="agree_patient")
    assert (play.open("free_text"), play.cover().patient_refused) == ([], True)
    play = may(ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2), "told", "confirm")
    play.answer("pat", "yes", purpose="agree_patient").answer("pat", "no", purpose="agree_patient")
    assert (play.confirmation, len(play.open("free_text"))) == ("confirmed", 1)


def test_d5_a_contact_whose_rights_have_run_out_answers_nothing_any_more() -> None:
    play = booked(RULES)
    play.contacts["pat"] = ()
    assert play.answer("pat", "yes").confirmation == "asked"


def test_d5_whoever_takes_an_answer_by_phone_has_judged_who_gives_it() -> None:
    play = may(booked(RULES), "told")
    play.step(Answered(play.ask_of("pat").ask_id, "no", "phone", on_behalf="mia"))
    assert play.confirmation == "declined"


def test_d5_a_staff_number_that_may_only_be_told_is_not_asked_to_cover() -> None:
    play = ana_cannot(RULES, contacts={"ben": (sms("ben", rights=("told",)),)}).run(1)
    assert play.asked[-1][1] == "cleo"
