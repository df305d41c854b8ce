"""docs/rehearsal.md lists every assumption of the shipped parameter file as it is."""

from __future__ import annotations

from caredispatch.rehearsal.parameters_reading import read_parameters, shipped
from tests.docs.assumptions import HEADING, PAGE, text
from tests.docs.pages import named_in_rows, section


def test_the_list_of_assumptions_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert page == text(page), "run `make assumptions`"


def test_every_parameter_is_documented() -> None:
    assert named_in_rows(section(PAGE.read_text("utf-8"), HEADING)) == set(shipped().rows)


def test_the_example_of_a_practices_own_numbers_is_read() -> None:
    _, _, rest = PAGE.read_text("utf-8").partition("## Your own numbers")
    example = rest.split("```yaml\n")[1].split("```")[0]
    own = read_parameters(example, "rehearsal.yaml", shipped())
    assert own.patients.no_show != shipped().patients.no_show
    assert own.services
