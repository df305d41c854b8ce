"""D17 and D18: a change of provider settles only when staff and patient said yes, and the patient hears in time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caredispatch.core.facts import Busy, ContactFacts
from caredispatch.core.ids import Id
from caredispatch.core.playbook import HandTo, Rule, ServicePolicy
from tests.core.clinic import ASK_PATIENT, NO_AGREEMENT, VISIT, at, playbook, policy
from tests.core.play import Play, ana_cannot, booked, email, minutes, sms

RULES = policy(playbook(to_patient=ASK_PATIENT))


def ben_would(**options: object) -> Play:
    """Ana can't, ben would take it a minute later."""
    answers = {"ben": (1, "yes")} | options.pop("answers", {})  # type: ignore[operator]  # a mapping
    return ana_cannot(RULES, answers=answers, **options).run(2)


def test_d17_the_staff_yes_books_tentatively_and_asks_the_patient() -> None:
    play = ben_would()
    assert play.coverage == "tentative"
    assert play.texts("pat")[-1] == "agree_patient"
    assert [o.resource_id for o in play.state.occupations if o.resource_id == "ben"] == ["ben"]


def test_d17_the_patients_yes_settles() -> None:
    play = ben_would().answer("pat", "yes")
    assert (play.provider, play.coverage, play.confirmation) == ("ben", "confirmed", "confirmed")
    assert play.texts("pat")[-1] == "patient_settled"
    assert play.cover().outcome == "covered"


def test_d17_a_no_releases_and_no_other_provider_is_asked() -> None:
    play = ben_would().answer("pat", "no").run(60)
    assert play.asked == [(0, "pat"), (0, "ben"), (1, "pat")]
    assert play.texts("ben")[-1] == "withdrawn_cover"
    assert play.open("patient_declined")[0].owner == "dana"
    assert "ben" not in [o.resource_id for o in play.state.occupations]


def test_d17_after_a_no_a_late_staff_yes_gets_the_truth() -> None:
    play = ben_would().answer("pat", "no").answer("ben", "no", purpose="cover").answer("ben", "yes", purpose="cover")
    assert play.texts("ben")[-1] == "already_taken"
    assert play.provider == "ana"


def test_d17_silence_at_the_tell_by_time_releases_and_the_path_goes_on() -> None:
    play = ben_would().run(until=VISIT - minutes(120))
    assert play.texts("ben")[-1] == "withdrawn_cover"
    assert play.asked[-1][1] == "cleo"


def test_d17_whoever_withdraws_while_the_patient_decides_is_let_go() -> None:
    play = ben_would().answer("ben", "no", purpose="cover").run(1)
    assert play.ask_of("pat", "agree_patient").state == "withdrawn"
    assert play.asked[-1][1] == "cleo"


def test_d17_a_change_elsewhere_meanwhile_keeps_the_candidates_time() -> None:
    play = ben_would().seen(note="x", service="intake")
    assert "ben" in [o.resource_id for o in play.state.occupations]


def test_d17_notice_is_enough_where_the_service_says_so() -> None:
    rules = policy(playbook(services={"therapy-50": ServicePolicy("notice")}))
    play = ana_cannot(rules, answers={"ben": (1, "yes")}).run(2)
    assert play.provider == "ben"
    assert play.texts("pat") == ["patient_settled"]


def test_d17_at_night_the_patient_is_asked_in_the_morning() -> None:
    play = booked(RULES, answers={"ben": (25, "yes")}).run(until=at(4, 20)).answer("ana", "no").run(until=at(5, 8, 1))
    assert [s.minute for s in play.said if s.text == "agree_patient"] == [22 * 60]
    play.answer("pat", "yes")
    assert play.provider == "ben"


def test_d17_where_the_morning_is_too_late_somebody_phones() -> None:
    play = Play(RULES, now=at(4, 10), answers={"ben": (25, "yes")}).seen(start_at=at(5, 9)).run(until=at(4, 20))
    play.answer("ana", "no").run(30)
    assert "agree_patient" in [e.detail["need"] for e in play.open("call")]
    play.answer("pat", "yes", via="phone", purpose="agree_patient")
    assert play.provider == "ben"
    assert [e for e in play.open("call") if e.detail["need"] == "agree_patient"] == []


def test_d17_the_patients_limit_does_not_stop_the_question_of_a_change() -> None:
    play = ben_would(asks_made={"pat": 3})
    assert play.texts("pat") == ["agree_patient"]


def test_d18_the_patient_hears_by_the_tell_by_time() -> None:
    play = ana_cannot(RULES).run(until=VISIT)
    assert [s.minute for s in play.said if s.text == "patient_uncovered"] == [46 * 60]


def test_d18_later_news_within_ten_minutes_of_knowing() -> None:
    play = booked(RULES).run(until=VISIT - minutes(60)).answer("ana", "no").run(15)
    assert [s.minute for s in play.said if s.text == "patient_uncovered"] == [47 * 60 + 10]


def test_d18_what_was_covered_and_lost_again_is_news_again() -> None:
    play = booked(policy(playbook(services=NO_AGREEMENT))).run(until=VISIT - minutes(100)).answer("ana", "no").run(12)
    play.answer("ben", "yes").run(2).answer("ben", "no", purpose="cover").run(12)
    assert play.texts("pat").count("patient_uncovered") == 2


def test_d18_a_patient_without_a_telephone_goes_on_the_call_list() -> None:
    play = ana_cannot(RULES, contacts={"pat": ()}).run(until=VISIT - minutes(119))
    assert [e.detail["need"] for e in play.open("call")].count("bad_news") == 1


def test_d18_the_news_that_it_is_settled_is_phoned_where_no_text_can_go() -> None:
    rules = policy(playbook(services={"therapy-50": ServicePolicy("notice")}))
    play = ana_cannot(rules, answers={"ben": (1, "yes")}, contacts={"pat": ()}).run(2)
    assert [e.detail["need"] for e in play.open("call")] == ["tell"]


def test_d21_bad_news_about_today_waits_for_six_in_the_morning() -> None:
    play = Play(RULES, now=at(4, 10)).seen(start_at=at(5, 7, 30)).run(until=at(4, 18)).answer("ana", "no")
    play.run(until=at(5, 7))
    assert [s.minute for s in play.said if s.text == "patient_uncovered"] == [20 * 60]


def test_d18_a_practice_that_hands_lost_cover_to_a_person_tells_the_patient_as_well() -> None:
    hand = Rule("by hand", ("staff_unavailable",), (HandTo("mia"),))
    play = ana_cannot(policy(playbook(rules=(hand,)))).run(until=VISIT)
    assert play.texts("pat") == ["patient_uncovered"]


def test_d25_a_silent_patient_is_one_line_on_the_call_list_and_no_exception() -> None:
    play = booked(RULES).run(until=VISIT - minutes(121))
    assert play.confirmation == "silent"
    assert [(kind, owner) for _, kind, owner in play.raised] == [("call", "front_desk")]
    assert play.open("call")[0].escalated == 0
    play.run(until=VISIT + minutes(120))
    assert play.open("call") == []
    assert play.visit.next_look_at is None


def test_d24_an_undeliverable_patient_is_asked_on_the_next_channel() -> None:
    contacts: dict[str, tuple[ContactFacts, ...]] = {"pat": (sms("pat"), email("pat"))}
    play = booked(RULES, contacts=contacts, undeliverable=("sms:pat",))
    assert [s.channel for s in play.said if s.person == "pat"] == ["sms", "email"]


def test_the_answer_numbers_of_one_persons_open_questions_differ() -> None:
    """D5: a person with several open questions answers each by its number."""
    play = ben_would()
    numbers = [a.number for a in play.state.asks if a.person_id == Id("pat") and a.open]
    assert len(numbers) == len(set(numbers)) > 0


@pytest.mark.parametrize("change", [{"location": "east"}, {"modality": "video"}])
def test_d17_another_site_or_modality_is_another_question_to_everybody(change: dict[str, str]) -> None:
    play = booked(RULES).answer("pat", "yes").seen("booking", "1", mode="live", **change)
    assert play.texts("ana") == ["new_visit", "new_visit"]
    assert play.texts("pat") == ["confirm_patient", "confirm_patient"]
    assert play.confirmation == "asked"
    assert "rescheduled" in [t for _, d in play.decisions for t in d.trace.triggers]


def test_d17_when_the_candidate_is_released_the_role_is_as_uncovered_as_before() -> None:
    play = ben_would().answer("pat", "no", purpose="agree_patient")
    assert play.coverage == "uncovered"
    clash = Play(RULES, answers={"ben": (1, "yes")})
    clash.busy["ana"] = (Busy(VISIT, VISIT + minutes(50), "external", None, Id("theirs"), "elsewhere"),)
    clash.seen().run(2).answer("pat", "no", purpose="agree_patient")
    assert clash.coverage == "at_risk"


def test_a_clock_that_jumps_past_the_visit_tells_nobody_of_it() -> None:
    play = ben_would()
    words, play.now = len(play.said), VISIT + timedelta(days=3)
    play.run(30)
    assert len(play.said) == words
    assert [c for c in play.state.cases if c.state == "open"] == []
