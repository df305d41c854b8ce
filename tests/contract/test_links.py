"""Signed links: short, made by nobody else, of one practice only."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caredispatch.contract.links import SignedLinks
from caredispatch.core.ids import make_id

LINKS = SignedLinks(b"k" * 32, "https://care.example.org/")
HERE, THERE = make_id("practice", "here"), make_id("practice", "there")
BASE = "https://care.example.org/a/"
IDS = st.uuids().map(str)


@given(IDS)
def test_a_link_leads_back_to_its_ask_and_practice(ask_id: str) -> None:
    token = LINKS.make(HERE, ask_id).removeprefix(BASE)
    assert len(token) == 35
    assert LINKS.read(token, [THERE, HERE]) == (HERE, ask_id)


@given(IDS)
def test_a_link_of_one_practice_opens_nothing_in_another(ask_id: str) -> None:
    token = LINKS.make(HERE, ask_id).removeprefix(BASE)
    assert LINKS.read(token, [THERE]) is None
    assert SignedLinks(b"x" * 32, "").read(token, [HERE]) is None


@given(IDS, st.integers(0, 34), st.sampled_from("AZaz09-_"))
def test_one_changed_character_makes_it_nobody_s(ask_id: str, at: int, other: str) -> None:
    token = LINKS.make(HERE, ask_id).removeprefix(BASE)
    changed = token[:at] + other + token[at + 1 :]
    if changed != token:
        assert LINKS.read(changed, [HERE]) is None


@given(st.text(max_size=60))
def test_anything_else_is_no_link(text: str) -> None:
    assert LINKS.read(text, [HERE]) is None
