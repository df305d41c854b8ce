"""Which assumptions matter most, on results worked out by hand."""

from __future__ import annotations

import pytest

from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.parameters_reading import shipped
from caredispatch.rehearsal.sensitivity import swings

NAMES = ("patients.no_show", "staff.not_worked", "staff.answers_cover", "patients.no_show_most")


def lost(parameters: Parameters) -> float:
    """A made-up result: hangs on no-shows ten times as much as on shifts that are not worked, and on nothing else."""
    return 10 * parameters.patients.no_show + parameters.staff.not_worked


def test_what_moves_the_result_most_comes_first() -> None:
    """No-shows 6.81 to 23 %: 68.1 + 17 to 230 + 17. Not worked 2 to 17 %: 80 + 2 to 80 + 17."""
    first, second, third = swings(shipped(), lost, NAMES)
    assert [s.parameter.name for s in (first, second, third)] == [NAMES[0], NAMES[1], NAMES[2]]
    assert [first.at_low, first.at_high, first.size] == pytest.approx([85.1, 247, 161.9])
    assert [second.at_low, second.at_high, second.as_is, second.size] == [82, 97, 97, 15]
    assert third.size == 0


def test_what_has_no_range_is_not_moved() -> None:
    assert swings(shipped(), lost, ["patients.no_show_most"]) == ()


def test_all_that_have_a_range_are_moved_one_at_a_time() -> None:
    seen: list[Parameters] = []

    def run(parameters: Parameters) -> float:
        seen.append(parameters)
        return 0.0

    ranged = [r for r in shipped().rows.values() if r.low is not None and r.high is not None]
    assert len(swings(shipped(), run)) == len(ranged)
    ends = sum((r.low != r.value) + (r.high != r.value) for r in ranged)
    assert len(seen) == 1 + ends
    for one in seen[1:]:
        assert sum(one.rows[name].value != row.value for name, row in shipped().rows.items()) == 1


def test_a_result_that_bends_between_the_ends_swings_as_far_as_it_goes() -> None:
    (bent,) = swings(shipped(), lambda p: -abs(p.patients.no_show - 8), ["patients.no_show"])
    assert (bent.as_is, bent.size) == (0, 15)


def test_a_parameter_that_there_is_not_is_refused() -> None:
    with pytest.raises(KeyError, match="no_shw"):
        swings(shipped(), lost, ["patients.no_shw"])
