"""Realistic texts, labelled by hand before the lists were written (D22, D23, D26): none is read as what it does not
say. `corpus_held_out.csv` was not used to better the lists; it was written by who wrote them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caredispatch.core.observation import Label
from caredispatch.core.replies import Context, Reply, read_reply
from caredispatch.core.reply_text import known_word, one_slip

HERE = Path(__file__).parent / "replies"


def texts(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


TUNED, HELD_OUT = texts("corpus.csv"), texts("corpus_held_out.csv")
WITH_ANSWER = [r for r in TUNED if r["label"] not in ("human", "help", "opt_in") and not r["carrier_word"]]


def read(row: dict[str, str]) -> Reply:
    return read_reply(row["text"], row["context"])  # type: ignore[arg-type]  # checked below


def parts(reply: Reply) -> dict[str, str]:
    span = reply.span
    found: dict[str, object] = {
        "number": reply.number,
        "choice": reply.choice,
        "minutes": reply.minutes,
        "day": span.day if span else None,
        "begin": span.begin if span else None,
        "end": span.end if span else None,
        "video_only": "yes" if reply.video_only else None,
        "carrier_word": "yes" if reply.carrier_word else None,
    }
    return {name: "" if part is None else str(part) for name, part in found.items()}


def test_the_corpus_is_large_and_labelled() -> None:
    assert len(TUNED) >= 400
    assert len(HELD_OUT) >= 100
    assert {r["label"] for r in TUNED} == set(get_args(Label))
    assert {r["context"] for r in TUNED + HELD_OUT} == set(get_args(Context))
    assert len({(r["text"], r["context"]) for r in TUNED}) == len(TUNED)


@pytest.mark.parametrize("rows", [TUNED, HELD_OUT], ids=["tuned", "held out"])
def test_d22_no_text_is_read_as_what_it_does_not_say(rows: list[dict[str, str]]) -> None:
    wrong = [(r["text"], r["label"], read(r).label) for r in rows if read(r).label not in (r["label"], "human")]
    assert wrong == []


@pytest.mark.parametrize("rows", [TUNED, HELD_OUT], ids=["tuned", "held out"])
def test_d26_numbers_and_times_are_read_as_they_are_meant(rows: list[dict[str, str]]) -> None:
    wrong = [
        (r["text"], parts(read(r)))
        for r in rows
        if read(r).label == r["label"] and parts(read(r)) != {name: r[name] for name in parts(read(r))}
    ]
    assert wrong == []


def test_d23_every_crisis_is_heard() -> None:
    assert [r["text"] for r in TUNED + HELD_OUT if r["label"] == "crisis" and read(r).label != "crisis"] == []


@pytest.mark.parametrize(("rows", "least"), [(TUNED, 0.95), (HELD_OUT, 0.75)], ids=["tuned", "held out"])
def test_most_clear_answers_need_no_person(rows: list[dict[str, str]], least: float) -> None:
    answers = [r for r in rows if r["label"] in ("yes", "no")]
    found = sum(read(r).label == r["label"] for r in answers)
    assert found / len(answers) >= least


@given(
    st.sampled_from(WITH_ANSWER),
    st.sampled_from([str.upper, str.lower, str.title, str.strip, lambda t: f"  {t}\n"]),
)
def test_capitals_and_spaces_change_nothing(row: dict[str, str], way: object) -> None:
    changed = way(row["text"])  # type: ignore[operator]  # one of the functions above
    assert read({**row, "text": changed}).label == read(row).label


@given(
    st.sampled_from([r for r in WITH_ANSWER if r["label"] in ("yes", "no", "cancel", "reschedule", "wrong_number")]),
    st.sampled_from(["Hi ", "\N{SMILING FACE WITH SMILING EYES} ", "Hola, ", ""]),
    st.sampled_from([" thanks!", " gracias", " \N{PERSON WITH FOLDED HANDS}", " thank you so much", ""]),
)
def test_courtesy_and_a_friendly_face_change_nothing(row: dict[str, str], before: str, behind: str) -> None:
    if read(row).label != "human":
        assert read({**row, "text": f"{before}{row['text']}{behind}"}).label == read(row).label


def test_a_slip_of_the_fingers_is_one_letter() -> None:
    assert all(one_slip("confirm", slip) for slip in ("confrim", "confirn", "confim", "confiirm", "onfirm"))
    assert not any(one_slip("confirm", other) for other in ("confrimm", "conf", "cnfrim", "mrifnoc"))


@pytest.mark.parametrize("word", ["cancer", "either", "massage", "chance", "enable", "think", "want", "hope"])
def test_a_real_word_is_never_taken_for_another(word: str) -> None:
    assert known_word(word) == word
