"""docs/metrics.md defines every measure in the very words of the code."""

from __future__ import annotations

from tests.docs.measures import text, written


def test_every_measure_is_documented_in_the_words_of_its_definition() -> None:
    assert written() == text(), "run `python -m tests.docs.measures`"
