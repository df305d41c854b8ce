"""Every code that a decision can keep has words."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, get_args, get_type_hints

import pytest

from caredispatch.core import eligibility, records, waitlist
from caredispatch.core.ids import make_id
from caredispatch.core.observation import ActName
from caredispatch.core.playbook import TRIGGERS, Preference
from caredispatch.core.records import Ask, Exception_
from caredispatch.web import ask_words, explaining, words
from caredispatch.web.ask_view import Shown
from tests.web.conftest import PRACTICE, START, directory


def test_closed_sets_of_codes_have_words() -> None:
    assert set(words.EXCEPTION_TITLES) == set(get_args(records.ExceptionKind))
    assert set(words.EXCEPTION_WHYS) == set(get_args(records.ExceptionKind))
    assert set(words.ASK_STATES) == set(get_args(records.AskState))
    assert set(words.ASK_PURPOSES) == set(get_args(records.AskPurpose))
    assert set(words.COVERAGES) == set(get_args(records.Coverage))
    assert set(words.CONFIRMATIONS) == set(get_args(records.Confirmation))
    assert set(words.STAGES) == set(get_args(records.StageName))
    assert set(words.ACTS) == set(get_args(ActName))
    assert set(words.REASONS) == {*eligibility.PREDICATES, *waitlist.PREDICATES}
    assert set(words.PARTS) == set(get_args(Preference))
    assert set(words.PHASES) == set(get_args(get_type_hints(records.Case)["phase"]))
    assert set(words.TRIGGERS) == set(TRIGGERS)


def calls_in_core(name: str) -> list[ast.Call]:
    found: list[ast.Call] = []
    for file in files("caredispatch.core").iterdir():
        if file.name.endswith(".py"):
            tree = ast.parse(file.read_text())
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            found += [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == name]
    return found


def texts_of(node: ast.expr) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def test_every_note_that_a_decision_writes_has_a_sentence() -> None:
    codes = {code for call in calls_in_core("note") if call.args for code in texts_of(call.args[0])}
    assert codes
    assert codes <= set(words.NOTES)


def test_every_outcome_of_a_case_has_words() -> None:
    plain = [call.args[2] for call in calls_in_core("close") if len(call.args) == 3]
    outcomes = {node.value for node in plain if isinstance(node, ast.Constant)}
    assert outcomes
    assert outcomes <= set(words.CASE_OUTCOMES)


def test_the_ask_page_has_words_for_all_that_it_can_show_in_each_language() -> None:
    always = ("noted", "cancelled", "over", "moved")
    for purpose in get_args(records.AskPurpose):
        languages = ("en", "es") if purpose.endswith("patient") else ("en",)
        for language in languages:
            assert ask_words.language_of(language, purpose) == language
            for shown in get_args(Shown):
                if shown in always or (purpose, shown) in ask_words._SAID_EN:
                    assert ask_words.said(language, purpose, shown)[0]


def test_a_code_without_words_is_shown_as_it_is() -> None:
    assert words.say(words.REASONS, "something_new") == "something_new"
    assert words.reason("licence?") == "not known: no licence there that day"


def raised(kind: records.ExceptionKind, detail: dict[str, str]) -> str:
    """Why an exception stands, as the queue says it."""
    exception_id = make_id("exception", str(detail))
    row = Exception_(PRACTICE, exception_id, kind, "front_desk", START, START, connection_id="acuity", detail=detail)
    return explaining.why(row, explaining.Names(directory()))


def test_a_contact_to_find_says_whether_they_wrote_or_a_text_came_back_D22() -> None:
    wrote = raised("handed_over", {"why": "find_new_contact", "person": "pat", "text": "t1"})
    assert wrote == "They wrote that the number is wrong or that they want no texts: find another contact."
    came_back = raised("handed_over", {"why": "find_new_contact", "person": "pat"})
    assert came_back == "What is sent to their contact can't arrive there: find another one."


def test_an_unknown_type_calendar_or_place_names_the_mapping_to_add() -> None:
    for what, where in (
        ("service=1001", "connections.acuity.map.service"),
        ("actor.provider=99", "connections.acuity.map.actor"),
        ("location=Annex", "connections.acuity.map.location"),
    ):
        said = raised("mapping_missing", {"what": what, "system": "acuity", "key": what})
        assert what in said
        assert where in said


@pytest.mark.parametrize(
    ("state", "answered", "word"),
    [
        ("withdrawn", True, "said yes"),
        ("sent", True, "said yes"),
        ("withdrawn", False, "withdrawn"),
        ("declined", True, "no"),
        ("sent", False, "waiting"),
    ],
)
def test_whoever_said_yes_is_shown_so_also_where_it_could_not_count(state: Any, answered: bool, word: str) -> None:
    at = datetime(2027, 1, 11, 16, 0, tzinfo=UTC)
    practice, ask_id, case, visit, ana = (make_id(name) for name in ("practice", "ask", "case", "visit", "ana"))
    ask = Ask(
        practice, ask_id, case, visit, "cover", "staff", ana, "provider", 0, at, at, 1, ("sms",), state,
        answered_at=at if answered else None,
    )  # fmt: skip
    assert words.ask_state(ask) == word
