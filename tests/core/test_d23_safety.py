"""D23: words that may mean danger are answered at once and wake the clinicians on call, at any hour."""

from __future__ import annotations

from dataclasses import replace

from caredispatch.core.decide import decide
from caredispatch.core.draft import apply
from caredispatch.core.facts import Facts, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Due, TextReceived
from caredispatch.core.records import State
from tests.core.clinic import ASK_PATIENT, START, at, directory, playbook, policy, staff
from tests.core.play import Play, booked, minutes, sms

PEOPLE = directory(staff("ana"), staff("ben"), staff("cleo"), staff("dana"))
BOOK = replace(
    playbook(to_patient=ASK_PATIENT),
    clinician="clinicians",
    people={"clinicians": ("cleo", "ben"), "dana": ("dana",), "front_desk": ("ana",)},
    texts={name: {"en": "made up"} for name in ("crisis", "safety_alert", "confirm_patient", "new_visit")},
)
RULES = policy(BOOK, PEOPLE)
STRANGER = Id("stranger")


def asked() -> Play:
    """The patient was asked whether they come."""
    return booked(RULES, contacts={"pat": (sms("pat"),)}).run(1)


def test_d23_crisis_words_get_the_fixed_reply_at_once_and_the_clinicians_on_call_know() -> None:
    play = asked().answer("pat", "crisis")
    assert play.texts("pat")[-1] == "crisis"
    assert play.texts("cleo")[-1] == play.texts("ben")[-1] == "safety_alert"
    assert [e.owner for e in play.open("safety")] == ["clinicians"]


def test_d23_neither_night_nor_limits_hold_the_reply_or_the_alert_up() -> None:
    night = at(5, 2, 30)
    full = replace(sms("pat"), consent=False, texts_today=9, texts_this_week=9)
    play = Play(RULES, now=START).seen().run(1)
    play.contacts["pat"] = (full,)
    play.run(until=night).answer("pat", "crisis")
    assert play.texts("pat")[-1] == "crisis"
    assert play.texts("cleo")[-1] == "safety_alert"
    assert all(d.not_before is None for d in play.decisions[-1][1].deliveries)


def test_d23_the_words_are_no_answer_to_what_was_asked() -> None:
    play = asked().answer("pat", "crisis")
    assert play.confirmation == "asked"
    assert [a.state for a in play.state.asks if a.purpose == "confirm_patient"] == ["sent"]


def test_d23_unclaimed_everybody_is_alerted_again_every_five_minutes() -> None:
    play = asked().answer("pat", "crisis").run(11)
    assert play.texts("cleo").count("safety_alert") == 3
    assert play.texts("dana").count("safety_alert") == 2
    play.act("claim", on="safety").run(30)
    assert play.texts("cleo").count("safety_alert") == 3


def test_d23_a_stranger_in_danger_is_answered_too() -> None:
    event = TextReceived(Id("sms:stranger"), STRANGER, "crisis", (), Id("words"))
    facts = Facts(contacts={"cleo": (sms("cleo"),), "ben": (sms("ben"),), "dana": (sms("dana"),)})
    decision = decide(State(), facts, event, RULES, START)
    assert [(d.person_id, d.text) for d in decision.deliveries] == [
        (STRANGER, "crisis"),
        ("cleo", "safety_alert"),
        ("ben", "safety_alert"),
    ]
    state = State(exceptions=apply(State(), decision).exceptions)
    again = decide(state, facts, Due(), RULES, START + minutes(5))
    assert [d.person_id for d in again.deliveries] == ["cleo", "ben", "dana"]


def test_d23_without_clinicians_the_last_responsible_is_alerted() -> None:
    rules = policy(replace(BOOK, clinician=""), PEOPLE)
    play = booked(rules).run(1).answer("pat", "crisis")
    assert [e.owner for e in play.open("safety")] == ["dana"]
    assert play.texts("dana")[-1] == "safety_alert"


def test_d24_who_is_phoned_only_gets_no_text_and_a_line_on_the_call_list() -> None:
    phoned = PatientFacts(tags=("adult",), state="IL", human_only=True)
    play = Play(RULES, patient=phoned).seen().run(1)
    assert play.texts("pat") == []
    assert [e.detail["need"] for e in play.open("call")] == ["confirm_patient"]
