"""D18: whoever heard that nobody is found yet also hears when somebody is; nobody is phoned about what is settled."""

from __future__ import annotations

import pytest

from caredispatch.core.facts import PatientFacts
from tests.core.clinic import ASK_PATIENT, NO_AGREEMENT, VISIT, directory, playbook, policy, staff
from tests.core.play import Play, ana_cannot, booked, minutes, sms

PLAIN = policy(playbook(services=NO_AGREEMENT))
BAD, GOOD = "patient_uncovered", "patient_settled"


def told_the_bad_news(**options: object) -> Play:
    """Nobody is found two hours before the start, and the patient heard so."""
    return ana_cannot(PLAIN, **options).run(until=VISIT - minutes(110))


@pytest.mark.parametrize("how", ["late yes", "taken back", "same by hand", "other by hand", "in the source"])
def test_d18_after_the_bad_news_the_good_news_is_told_once(how: str) -> None:
    play = told_the_bad_news()
    assert play.texts("pat") == [BAD]
    match how:
        case "late yes":
            play.answer("ben", "yes")
        case "taken back":
            play.answer("ana", "yes", purpose="inform_staff")
        case "same by hand":
            play.act("assign", on="nobody_found", staff_id="ana")
        case "other by hand":
            play.act("assign", on="nobody_found", staff_id="cleo")
        case _:
            play.seen(actor_provider="cleo")
    play.run(until=VISIT)
    assert play.texts("pat") == [BAD, GOOD]


def test_d18_who_was_not_phoned_yet_with_bad_news_is_not_phoned_with_good() -> None:
    play = told_the_bad_news(contacts={"pat": ()})
    assert [e.detail["need"] for e in play.open("call")] == ["bad_news"]
    play.answer("ben", "yes").run(until=VISIT)
    assert play.open("call") == []


def test_d18_while_another_role_lacks_somebody_the_bad_news_stays_true_and_is_told_once() -> None:
    people = directory(*(staff(h) for h in ("ana", "ben", "cleo", "dov")))
    play = Play(policy(PLAIN.playbook, people)).seen(actor_co_provider="cleo")
    play.answer("ana", "no", purpose="inform_staff").answer("cleo", "no", purpose="inform_staff")
    play.run(until=VISIT - minutes(110)).act("assign", staff_id="ben", role="provider").run(30)
    assert play.texts("pat") == [BAD]
    play.act("assign", staff_id="dov", role="co_provider").run(until=VISIT)
    assert play.texts("pat") == [BAD, GOOD]


def test_d25_who_agreed_to_a_change_need_not_be_phoned_to_confirm() -> None:
    play = booked(policy(playbook(to_patient=ASK_PATIENT))).run(until=VISIT - minutes(1400))
    assert [e.detail["need"] for e in play.open("call")] == ["confirm_patient"]
    play.answer("ana", "no").run(1).answer("ben", "yes").run(1).answer("pat", "yes", purpose="agree_patient")
    assert (play.provider, play.confirmation) == ("ben", "confirmed")
    assert play.open("call") == []


def test_d18_who_said_that_they_cannot_come_is_not_told_that_nobody_is_found() -> None:
    play = ana_cannot(policy(playbook(to_patient=ASK_PATIENT))).answer("pat", "no", purpose="confirm_patient")
    play.run(until=VISIT)
    assert BAD not in play.texts("pat")


# -- D24


WORDS = {name: {"en": "-", "es": "-"} for name in ("confirm_patient", "patient_uncovered", "ask_cover")}


@pytest.mark.parametrize(("language", "asked"), [("en", True), ("es", True), ("vi", False)])
def test_d24_who_reads_another_language_than_the_texts_is_phoned(language: str, asked: bool) -> None:
    book = playbook(to_patient=ASK_PATIENT, texts=WORDS)
    play = booked(policy(book), contacts={"pat": (sms("pat", language=language),)})
    assert ("confirm_patient" in play.texts("pat")) == asked
    assert [e.detail["need"] for e in play.open("call")] == ([] if asked else ["confirm_patient"])
    play.answer("ana", "no").run(until=VISIT - minutes(119))
    assert (BAD in play.texts("pat")) == asked
    assert ("bad_news" in [e.detail["need"] for e in play.open("call")]) == (not asked)


def test_d24_staff_without_words_in_their_language_are_skipped_at_once() -> None:
    rules = policy(playbook(texts=WORDS))
    play = ana_cannot(rules, contacts={"ben": (sms("ben", language="vi"),)}).run(1)
    assert play.asked == [(0, "cleo")]


def test_d25_who_could_not_be_reached_was_not_asked_and_is_one_line_on_the_call_list() -> None:
    play = booked(policy(playbook(to_patient=ASK_PATIENT)), undeliverable=("sms:pat",))
    assert play.confirmation == "unasked"
    assert [e.detail["need"] for e in play.open("call")] == ["confirm_patient"]


@pytest.mark.parametrize(("travel", "before"), [(None, 120), (30, 120), (150, 165), (200, 215)])
def test_d18_the_patient_hears_before_they_must_leave(travel: int | None, before: int) -> None:
    play = ana_cannot(PLAIN, patient=PatientFacts(tags=("adult",), state="IL", travel_minutes=travel))
    play.run(until=VISIT - minutes(before + 1))
    assert play.texts("pat") == []
    play.run(until=VISIT - minutes(before - 1))
    assert play.texts("pat") == [BAD]


def test_d18_nobody_travels_to_a_visit_by_video() -> None:
    far = PatientFacts(tags=("adult",), state="IL", travel_minutes=480)
    play = Play(PLAIN, patient=far).seen(modality="video").answer("ana", "no", purpose="inform_staff")
    play.run(until=VISIT - minutes(121))
    assert play.texts("pat") == []
    play.run(until=VISIT - minutes(119))
    assert play.texts("pat") == [BAD]
