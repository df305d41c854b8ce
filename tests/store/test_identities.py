"""Telephone numbers as they are kept: E.164, whatever way they were written."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caredispatch.store.identities import number_of


@given(st.from_regex(r"\+1[2-9][0-9]{9}", fullmatch=True))
def test_a_number_that_is_written_so_already_stays_what_it_is(text: str) -> None:
    number = phonenumbers.parse(text, "US")
    assert number_of(text) == phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == text


@pytest.mark.parametrize(
    "text", ["(555) 016-0001", "555-016-0001", "1 555 016 0001", "+1 555 016 0001", "+15550160001"]
)
def test_a_number_is_the_same_however_it_was_written(text: str) -> None:
    assert number_of(text) == "+15550160001"


@pytest.mark.parametrize("text", [None, "", "none", "see notes"])
def test_what_is_no_number_is_none(text: str | None) -> None:
    assert number_of(text) is None
