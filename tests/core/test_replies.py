"""What short texts mean (D22): precision first, a text that says more than a known answer is for a person."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caredispatch.core.observation import Label
from caredispatch.core.replies import read_reply


@pytest.mark.parametrize(
    "text",
    ["Y", "yes", "Yes please!", "Sí, gracias", "si", "ok", "OK 👍", "👍", "confirmo", "I'll be there", "y", "S"],
)
def test_a_clear_yes_is_a_yes(text: str) -> None:
    assert read_reply(text).label == "yes"


@pytest.mark.parametrize("text", ["N", "no", "No thanks", "I can't", "cant make it", "no puedo", "Nope."])
def test_a_clear_no_is_a_no(text: str) -> None:
    assert read_reply(text).label == "no"


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
        "yes, and please bring my papers along to the front desk",
    ],
)
def test_what_is_not_clear_goes_to_a_person(text: str) -> None:
    assert read_reply(text).label == "unclear"


def test_an_answer_may_name_its_question() -> None:
    """D5: with two open questions `2 Y` answers the second."""
    reply = read_reply("2 Y")
    assert (reply.label, reply.number) == ("yes", 2)
    assert read_reply("1 no").number == 1


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("STOP", "opt_out"),
        ("stop texting me", "no_texts"),
        ("Don't text me.", "no_texts"),
        ("no me escriba más", "no_texts"),
        ("wrong number", "wrong_number"),
        ("Número equivocado", "wrong_number"),
        ("START", "opt_in"),
        ("help", "help"),
    ],
)
def test_opt_outs_and_wrong_numbers_in_both_languages(text: str, label: str) -> None:
    assert read_reply(text).label == label


@given(st.text(max_size=400))
def test_any_text_has_a_meaning(text: str) -> None:
    assert read_reply(text).label in get_args(Label)


@given(st.text(min_size=60, max_size=400))
def test_a_long_text_is_never_a_yes_or_a_no_by_accident(text: str) -> None:
    if len(text.split()) > 8:
        assert read_reply("yes " + text + " word" * 9).label == "unclear"
