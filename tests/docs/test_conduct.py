"""docs/conduct.md says which tests hold each rule, and every rule that binds has one."""

from __future__ import annotations

from tests.docs.conduct import BINDING, PAGE, rules_quoted, text, titles


def test_the_page_of_rules_and_tests_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == text(), "run `make conduct`"


def test_every_rule_that_binds_is_quoted_by_a_test() -> None:
    quoted = rules_quoted()
    assert [number for number in BINDING if number not in quoted] == []
    assert set(BINDING) <= titles().keys()
