"""D22: answers may change until the start, the same answer twice does nothing, numbers that must not be used are
not."""

from __future__ import annotations

import pytest

from caredispatch.core.answers import present_ask
from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered, Label
from caredispatch.core.playbook import AskStep, Window
from tests.core.clinic import ASK_PATIENT, ASK_PROVIDER, NO_AGREEMENT, VISIT, cover_path, playbook, policy
from tests.core.play import Play, ana_cannot, booked, email, minutes, sms

RULES = policy(playbook(to_patient=ASK_PATIENT))


def test_d22_the_patient_may_change_their_answer() -> None:
    play = booked(RULES).answer("pat", "yes")
    assert play.confirmation == "confirmed"
    play.answer("pat", "no")
    assert play.confirmation == "declined"
    assert len(play.open("handed_over")) == 1
    play.answer("pat", "yes")
    assert play.confirmation == "confirmed"
    assert play.open("handed_over") == []


def test_d22_the_same_answer_twice_does_nothing() -> None:
    play = booked(RULES).answer("pat", "yes")
    state = play.state
    play.answer("pat", "yes")
    assert play.state == state


def test_d22_a_late_yes_from_the_call_list_clears_the_line() -> None:
    play = booked(RULES).run(until=VISIT - minutes(300)).answer("pat", "yes")
    assert play.confirmation == "confirmed"
    assert play.open("call") == []


def test_d22_after_the_start_an_answer_gets_a_true_word() -> None:
    play = booked(RULES).run(until=VISIT + minutes(1)).answer("pat", "yes")
    assert play.texts("pat")[-1] == "too_late"
    assert play.confirmation == "silent"


def test_d22_a_wrong_number_is_never_used_again_and_the_next_contact_is_asked_at_once() -> None:
    play = booked(RULES, contacts={"pat": (sms("pat"), email("pat"))}).answer("pat", "wrong_number")
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms", "email"]
    assert play.open("handed_over")[0].detail["why"] == "find_new_contact"
    assert not play.contacts["pat"][0].usable


def test_d22_a_wrong_number_after_the_answer_does_not_ask_again() -> None:
    play = (
        booked(RULES, contacts={"pat": (sms("pat"), email("pat"))}).answer("pat", "yes").answer("pat", "wrong_number")
    )
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms"]
    assert play.ask_of("pat").state == "accepted"


def test_d22_an_opt_out_is_kept_and_probably_cancels_the_visit() -> None:
    play = booked(RULES, contacts={"pat": (sms("pat"), email("pat"))})
    play.answer("pat", "opt_out", carrier_word=True).run(60)
    assert len(play.open("probably_cancels")) == 1
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms"]


def test_d22_a_staff_member_who_opts_out_is_skipped_at_once() -> None:
    play = booked(RULES).answer("ana", "no").run(1).answer("ben", "opt_out", carrier_word=True).run(1)
    assert play.asked[-1] == (1, "cleo")
    assert [e.detail["why"] for e in play.open("handed_over")] == ["find_new_contact"]
    assert play.open("probably_cancels") == []


def test_d22_anything_else_goes_to_a_person_with_the_text() -> None:
    play = booked(RULES).answer("pat", "human")
    assert len(play.open("free_text")) == 1
    assert play.ask_of("pat").open


def test_d22_a_yes_to_a_time_that_is_no_more_confirms_nothing() -> None:
    play = booked(RULES)
    old = play.ask_of("pat")
    play.run(5).seen(start_at=VISIT + minutes(60))
    play.step(Answered(old.ask_id, "yes", "sms"))
    assert play.confirmation in ("asked", "confirmed")
    assert play.ask_of("pat").ask_id != old.ask_id


def test_d22_a_provider_may_change_their_answer_too() -> None:
    play = booked(policy(playbook(booked=ASK_PROVIDER))).answer("ana", "no").answer("ana", "yes")
    assert (play.provider, play.coverage) == ("ana", "confirmed")


def test_an_answer_to_an_unknown_ask_does_nothing() -> None:
    play = booked(RULES)
    state = play.state
    play.step(Answered(Id("nobody"), "yes", "sms"))
    assert play.state == state


def test_an_answer_before_there_is_a_visit_does_nothing() -> None:
    play = Play(RULES).step(Answered(Id("nobody"), "yes", "sms"))
    assert play.state.appointment is None


def test_d22_a_patient_who_agreed_to_a_change_may_still_say_that_they_cannot_come() -> None:
    play = ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2).answer("pat", "yes", purpose="agree_patient")
    assert (play.provider, play.confirmation) == ("ben", "confirmed")
    play.answer("pat", "no", purpose="agree_patient")
    assert play.confirmation == "declined"
    assert [e.detail["trigger"] for e in play.open("handed_over")] == ["patient_declined"]
    assert play.provider == "ben"
    play.answer("pat", "yes", purpose="agree_patient")
    assert play.confirmation == "confirmed"
    assert play.open("handed_over") == []


@pytest.mark.parametrize("label", ["wrong_number", "opt_out"])
def test_d22_whoever_wants_no_texts_is_asked_another_way_and_a_person_finds_a_new_contact(label: Label) -> None:
    play = booked(RULES, contacts={"pat": (sms("pat"), email("pat"))}).answer("pat", label)
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms", "email"]
    assert [e.detail["why"] for e in play.open("handed_over")] == ["find_new_contact"]
    assert play.open("probably_cancels") == []
    status = [s.status for _, d in play.decisions for s in d.suppressions]
    assert status == ["wrong" if label == "wrong_number" else "opted_out"]


def test_d22_a_permanent_carrier_error_leaves_one_new_contact_to_find() -> None:
    contacts = {"pat": (sms("pat"), email("pat"))}
    play = booked(RULES, contacts=contacts, undeliverable=("sms:pat",)).run(600)
    found = play.open("handed_over")
    assert [(e.detail["why"], e.detail["person"]) for e in found] == [("find_new_contact", "pat")]
    assert not play.contacts["pat"][0].usable


def test_d22_the_same_answer_after_the_start_or_a_cancellation_is_answered_once() -> None:
    play = booked(RULES).run(until=VISIT + minutes(1)).answer("pat", "yes").run(1).answer("pat", "yes")
    assert play.texts("pat").count("too_late") == 1
    play = booked(RULES).answer("pat", "yes").run(1).seen(status="cancelled").run(5)
    play.answer("pat", "no").run(1).answer("pat", "no")
    assert play.texts("pat").count("too_late") == 1


def ana_covers_what_she_had_declined() -> Play:
    """Ana can't; ben covers and then can't either; ana is asked again and takes it after all."""
    rules = policy(playbook(services=NO_AGREEMENT))
    play = ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).answer("ben", "no", purpose="cover").run(1)
    return play.answer("ana", "yes", purpose="cover")


def test_d22_whoever_covers_what_they_had_declined_is_shown_as_on_it_by_the_old_link_too() -> None:
    """A signed link shows the present state until the start and lets the answer change."""
    play = ana_covers_what_she_had_declined()
    old = play.ask_of("ana", "inform_staff")
    shown = present_ask(play.state.asks, {c.case_id: c for c in play.state.cases}, old)
    assert (old.state, shown.purpose, shown.state) == ("declined", "cover", "accepted")


def test_d22_an_answer_by_the_old_link_is_one_to_the_newest_question() -> None:
    play = ana_covers_what_she_had_declined()
    assert (play.provider, play.coverage) == ("ana", "confirmed")
    play.step(Answered(play.ask_of("ana", "inform_staff").ask_id, "no", "page"))
    assert (play.coverage, play.cover().state) == ("uncovered", "open")


def test_d22_a_patients_yes_about_one_provider_is_none_about_the_next() -> None:
    path = cover_path(AskStep("pool", ("sms",), Window("minutes", 15), 2))
    play = ana_cannot(policy(playbook(cover=path)), answers={"ben": (1, "yes"), "cleo": (2, "yes")}).run(5)
    first = play.ask_of("pat", "agree_patient")
    play.answer("ben", "no", purpose="cover")
    assert play.cover().candidate_id == "cleo"
    play.step(Answered(first.ask_id, "yes", "page"))
    assert (play.provider, play.cover().phase) == ("ana", "agreeing")


def test_d22_who_wants_no_more_texts_is_heard_on_a_question_about_a_time_that_is_no_more() -> None:
    book = playbook(to_patient=ASK_PATIENT)
    play = booked(policy(book)).seen(mode="first_load", start_at=VISIT + minutes(60)).answer("pat", "opt_out")
    assert not play.contacts["pat"][0].usable
