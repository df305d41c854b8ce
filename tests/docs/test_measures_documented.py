"""docs/metrics.md defines every measure in the very words of the code."""

from __future__ import annotations

from caredispatch.app.baseline_file import COLUMNS, COUNTED
from tests.docs.measures import text, written
from tests.docs.pages import coded, page, section


def test_every_measure_is_documented_in_the_words_of_its_definition() -> None:
    assert written() == text(), "run `python -m tests.docs.measures`"


def test_every_column_of_a_baselines_file_is_documented_with_its_measure() -> None:
    told = coded(section(page("docs/metrics.md"), "## A baseline"))
    assert set(COLUMNS) <= told
    assert {measure for measure, (amount, _) in COUNTED.items() if measure != amount} <= told
