"""What short texts mean (D22): precision first, a text that says more than a known answer is for a person."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caredispatch.core.observation import Label
from caredispatch.core.replies import Context, Reply, read_reply


@pytest.mark.parametrize(
    "text",
    [
        "Y",
        "yes",
        "Yes please!",
        "Sí, gracias",
        "si",
        "ok",
        "OK 👍",
        "👍",
        "confirmo",
        "I'll be there",
        "y",
        "S",
        "yesss",
        "comfirmed",
        "si grasias",
        "Yes, see you tomorrow!",
    ],
)
def test_a_clear_yes_is_a_yes(text: str) -> None:
    assert read_reply(text, "patient_confirm").label == "yes"


@pytest.mark.parametrize("text", ["N", "no", "No thanks", "I can't", "cant make it", "no puedo", "Nope."])
def test_a_clear_no_is_a_no(text: str) -> None:
    assert read_reply(text, "patient_confirm").label == "no"


@pytest.mark.parametrize(
    "text",
    [
        "yes no",
        "yes but later",
        "can I come at 3?",
        "is it still on? yes",
        "no problem, see you",
        "",
        "who is this",
        "Y 1 N 2",
        "call me 5550100",
        "I am not sure",
        "either",
        "enable",
        "I have cancer treatment that day",
        "yes \N{THINKING FACE}",
        "no cancelen mi cita",
        "si puedo",
        "yes, and please bring my papers along to the front desk",
    ],
)
def test_what_is_not_clear_goes_to_a_person(text: str) -> None:
    assert read_reply(text, "patient_confirm").label == "human"


def read(text: str, context: Context = "patient_confirm") -> Reply:
    return read_reply(text, context)


def test_an_answer_may_name_its_question() -> None:
    """D5: with two open questions `2 Y` answers the second."""
    reply = read("2 Y", "two_open")
    assert (reply.label, reply.number, reply.needs) == ("yes", 2, None)
    assert read("1 no", "two_open").number == 1
    assert read("yes to the second one", "two_open").number == 2


def test_d5_a_bare_answer_to_several_questions_or_times_asks_back() -> None:
    assert read("yes", "two_open").needs == "which_question"
    assert read("yes", "patient_offer").needs == "which_option"
    assert read("2", "patient_offer").choice == 2
    assert read("la primera por favor", "patient_offer").choice == 1
    assert read("2").label == "human"


@pytest.mark.parametrize(
    ("text", "label", "carrier_word"),
    [
        ("STOP", "opt_out", True),
        ("Cancel", "opt_out", True),
        ("cancel please", "cancel", False),
        ("stop texting me", "opt_out", False),
        ("Don't text me.", "opt_out", False),
        ("no me escriba más", "opt_out", False),
        ("wrong number", "wrong_number", False),
        ("Número equivocado", "wrong_number", False),
        ("START", "opt_in", False),
        ("help", "help", False),
    ],
)
def test_opt_outs_and_wrong_numbers_in_both_languages(text: str, label: str, carrier_word: bool) -> None:
    reply = read(text)
    assert (reply.label, reply.carrier_word) == (label, carrier_word)


def test_d26_staff_say_when_they_are_out_and_how_late() -> None:
    out = read("out tomorrow 9-12", "staff_ask").span
    assert out is not None
    assert (out.day, out.begin, out.end) == (1, 9 * 60, 12 * 60)
    afternoon = read("fuera 1-5", "staff_ask").span
    assert afternoon is not None
    assert (afternoon.day, afternoon.begin, afternoon.end) == (0, 13 * 60, 17 * 60)
    assert read("solo video", "staff_ask").video_only
    assert read("llego tarde 20", "staff_ask").minutes == 20
    assert read("out today", "patient_confirm").label == "human"
    assert read("out 25-30", "staff_ask").label == "human"


@pytest.mark.parametrize("context", get_args(Context))
def test_d23_a_crisis_wins_over_everything_everywhere(context: Context) -> None:
    for text in ("yes, I want to die", "STOP texting me im going to kil myself", "2 ya no quiero vivir"):
        assert read(text, context).label == "crisis"


def test_d23_a_turn_of_speech_is_read_by_a_person() -> None:
    reply = read("yes, this traffic is killing me")
    assert (reply.label, reply.why) == ("human", "crisis_idiom")
    assert read("this traffic is killing me i want to die").label == "crisis"


def test_d23_a_practice_adds_words_and_takes_none_away() -> None:
    said = "the Dragón is back"
    assert read(said).label == "human"
    assert read_reply(said, "none", crisis_words=("dragon is back",)).label == "crisis"
    assert read_reply("i want to die", "none", crisis_words=("", "dragon")).label == "crisis"
    assert read_reply("hello", "none", crisis_words=("", "?")).label == "human"


@given(st.text(max_size=400), st.sampled_from(get_args(Context)))
def test_any_text_has_a_meaning(text: str, context: Context) -> None:
    assert read_reply(text, context).label in get_args(Label)


@given(st.text(max_size=60), st.sampled_from(get_args(Context)))
def test_a_question_is_never_a_yes_or_a_no(text: str, context: Context) -> None:
    for asked in (f"{text}?", f"yes {text}?", f"¿{text} no"):
        assert read_reply(asked, context).label not in ("yes", "no")


@given(st.text(min_size=60, max_size=400))
def test_a_long_text_is_never_a_yes_or_a_no_by_accident(text: str) -> None:
    assert read("yes " + text + " word" * 9).label not in ("yes", "no")
