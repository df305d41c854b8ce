"""A small change of a playbook's text leaves every other byte as it is, and what comes out is a playbook."""

from __future__ import annotations

import pytest

from caredispatch.policy.editing import CannotEdit, added, reordered, replaced, unified
from caredispatch.policy.profiles import profile_names, profile_text
from caredispatch.policy.reader import read_playbook

TEXT = """people:
  floats: [Ana, Ben]          # in this order
quiet_hours: { staff: "20:00-06:30" }
paths:
  cover:
    steps:
      - { ask: pool, by: [sms], for: 5 min, at_once: 3 }   # at once
      - ask: floats
        by: [sms]
        for: 15 min
"""


def test_one_value_changes_and_the_comment_beside_it_stays() -> None:
    changed = replaced(TEXT, ("paths", "cover", "steps", 0, "for"), "10 min")
    assert changed == TEXT.replace("for: 5 min", "for: 10 min")


def test_a_value_in_quotes_keeps_them() -> None:
    assert 'staff: "18:00-06:30"' in replaced(TEXT, ("quiet_hours", "staff"), "18:00-06:30")


def test_a_list_is_put_in_another_order() -> None:
    assert "floats: [Ben, Ana]          # in this order" in reordered(TEXT, ("people", "floats"), [1, 0])


def test_an_entry_is_added_in_the_layout_of_its_neighbours() -> None:
    flow = added(TEXT, ("paths", "cover", "steps", 0), "ask", "offer", "x")
    assert "- { ask: pool, offer: x, by: [sms]" in flow
    block = added(TEXT, ("paths", "cover", "steps", 1), "ask", "at_once", "2")
    assert "      - ask: floats\n        at_once: 2\n        by: [sms]\n" in block


@pytest.mark.parametrize("path", [("paths", "cover", "steps", 9, "for"), ("paths", "cover"), ("nobody",)])
def test_what_is_no_plain_value_is_refused(path: tuple[str | int, ...]) -> None:
    with pytest.raises(CannotEdit):
        replaced(TEXT, path, "1 min")


def test_the_difference_is_as_patch_takes_it() -> None:
    shown = unified(TEXT, TEXT.replace("[Ana, Ben]", "[Ben, Ana]"))
    assert shown.splitlines()[:2] == ["--- a/playbook.yaml", "+++ b/playbook.yaml"]
    assert "-  floats: [Ana, Ben]          # in this order" in shown.splitlines()
    assert "+  floats: [Ben, Ana]          # in this order" in shown.splitlines()


@pytest.mark.parametrize("profile", profile_names())
def test_every_shipped_playbook_can_be_changed_so(profile: str) -> None:
    text = profile_text(profile)
    changed = replaced(text, ("limits", "staff", "asks", "most"), "2")
    assert read_playbook(changed).limits.staff_asks_per_day == 2
    assert len(unified(text, changed).splitlines()) <= 9
