"""D21: a number without recorded consent gets few automated texts, at decent hours; answers and danger pass. D20: each
kind of message has one sender."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import ContactFacts, PatientFacts
from caredispatch.core.playbook import Limits, QuietHours
from tests.core.clinic import ASK_PATIENT, NO_AGREEMENT, START, VISIT, at, playbook, policy
from tests.core.play import Play, ana_cannot, booked, email, minutes, sms

RULES = policy(playbook(to_patient=ASK_PATIENT))


def number(**changes: object) -> ContactFacts:
    """A patient's number without consent."""
    return replace(sms("pat"), **{"consent": False, **changes})  # type: ignore[arg-type]  # callers name fields


def sent_to(play: Play, contact: str) -> list[str]:
    """The limits that a number was counted against."""
    return [c.what for _, d in play.decisions for c in d.counts if c.person_id == contact]


def test_d21_a_number_without_consent_gets_one_automated_text_a_day() -> None:
    play = booked(RULES, contacts={"pat": (number(),)}).run(1)
    assert play.texts("pat") == ["confirm_patient"]
    assert sent_to(play, "sms:pat") == ["texts_day", "texts_week"]


@pytest.mark.parametrize("used", [{"texts_today": 1}, {"texts_this_week": 3}])
def test_d21_a_number_that_had_its_texts_is_left_alone_and_the_patient_phoned(used: dict[str, int]) -> None:
    play = booked(RULES, contacts={"pat": (number(**used),)}).run(1)
    assert play.texts("pat") == []
    assert [e.detail["need"] for e in play.open("call")] == ["confirm_patient"]


def test_d21_what_the_number_may_not_get_goes_to_the_mailbox() -> None:
    play = booked(RULES, contacts={"pat": (number(texts_today=1), email("pat"))}).run(1)
    assert [s.channel for s in play.said if s.person == "pat"] == ["email"]


def test_d21_the_playbook_may_allow_more() -> None:
    rules = policy(playbook(to_patient=ASK_PATIENT, limits=Limits(texts_per_day=2)))
    play = booked(rules, contacts={"pat": (number(texts_today=1),)}).run(1)
    assert play.texts("pat") == ["confirm_patient"]


def test_d21_with_recorded_consent_nothing_is_counted() -> None:
    play = booked(RULES, contacts={"pat": (sms("pat", texts_today=9),)}).run(1)
    assert play.texts("pat") == ["confirm_patient"]
    assert sent_to(play, "sms:pat") == []


def test_d21_a_true_word_in_answer_is_not_counted() -> None:
    play = booked(RULES, contacts={"pat": (number(),)}).run(1)
    play.contacts["pat"] = (number(texts_today=1, texts_this_week=1),)
    play.run(until=VISIT + minutes(1)).answer("pat", "no")
    assert play.texts("pat")[-1] == "too_late"


def test_d21_bad_news_about_today_reaches_who_agreed_to_texts_from_six_and_others_by_phone() -> None:
    early = VISIT.replace(hour=15)  # nine in the morning
    rules = policy(playbook(services=NO_AGREEMENT, tell_by_minutes=150))
    for contact, texted in ((sms("pat"), True), (number(), False)):
        play = Play(rules, now=at(5, 10, 0), contacts={"pat": (contact,)})
        for who in ("ben", "cleo"):
            play.contacts[who] = ()
        play.seen(start_at=early, end_at=early + minutes(50)).run(until=at(6, 5, 0)).answer("ana", "no")
        play.run(until=at(6, 6, 45))
        assert ("patient_uncovered" in play.texts("pat")) is texted
        assert [e.detail["need"] for e in play.open("call")] == ([] if texted else ["bad_news"])


def test_d21_whatever_the_playbook_says_nobody_is_texted_after_nine_in_the_evening() -> None:
    awake = QuietHours(3 * 60, 3 * 60 + 1)
    rules = policy(playbook(to_patient=ASK_PATIENT, quiet_patients=awake))
    play = Play(rules, now=at(4, 21, 30)).seen().run(30)
    assert play.texts("pat") == []
    play.run(until=at(5, 8, 1))
    assert play.texts("pat") == ["confirm_patient"]


def test_d21_a_stricter_state_binds_its_patients() -> None:
    rules = policy(playbook(to_patient=ASK_PATIENT, texting={"FL": QuietHours(20 * 60, 11 * 60)}))
    for state, hour in (("IL", 10), ("FL", 11)):
        play = Play(rules, now=START, patient=PatientFacts(tags=("adult",), state=state)).seen().run(90)
        assert [s.minute for s in play.said if s.person == "pat"] == [(hour - 10) * 60]


def test_d20_what_another_system_sends_is_not_sent_by_us_as_well() -> None:
    theirs = policy(playbook(senders={"change": "booking"}, services={}))
    ours = policy(playbook(services={}))
    for rules, texts in ((ours, ["agree_patient", "patient_settled"]), (theirs, ["agree_patient"])):
        play = ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).answer("pat", "yes").run(1)
        assert play.texts("pat") == texts
