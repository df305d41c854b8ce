"""The six made-up practices: read by the product's own readers, checked like anybody's own."""

from __future__ import annotations

import re

import pytest

from caredispatch.app.shipped import shipped_practice
from caredispatch.cli.checking import weeks_of
from caredispatch.policy.check import check_text
from caredispatch.policy.looking import Known
from caredispatch.policy.profiles import profile_names, profile_text
from caredispatch.rehearsal.practices import FactsInvalid, practice_names, practice_text, read_facts


def test_there_is_a_practice_for_every_shipped_playbook() -> None:
    assert practice_names() == profile_names()


@pytest.mark.parametrize("name", practice_names())
def test_its_playbook_names_only_what_the_practice_has_and_somebody_is_always_on_duty(name: str) -> None:
    directory = shipped_practice(name).policy.directory
    known = Known(
        services=frozenset(directory.services),
        locations=frozenset(directory.locations),
        staff=frozenset(s.handle for s in directory.staff.values()),
        hours=weeks_of(directory, "America/Chicago"),
        channels={"sms": True, "email": True},
        connections=frozenset(directory.systems),
    )
    assert check_text(profile_text(name), name, known) == ()


@pytest.mark.parametrize("name", practice_names())
def test_everybody_in_it_is_made_up(name: str) -> None:
    shipped = shipped_practice(name)
    assert shipped.policy.directory.name.endswith(" Example")
    assert all(staff.name == f"{staff.handle} Madeup" for staff in shipped.policy.directory.staff.values())
    assert set(re.findall(r'"(\+1...)', practice_text(name))) == {"+1555"}


def test_the_types_are_as_large_as_the_claims_that_they_are_set_beside() -> None:
    def those(name: str, *roles: str) -> int:
        return sum(bool(set(roles) & set(s.roles)) for s in shipped_practice(name).policy.directory.staff.values())

    assert 10 <= those("primary-care", "provider") <= 20
    assert those("home-health", "nurse", "aide") > 50
    assert those("behavioral-health", "therapist") == 20
    behavioral, specialty = (shipped_practice(n).policy.directory for n in ("behavioral-health", "specialty"))
    assert len(behavioral.locations) == 3
    assert any(s.capacity > 1 for s in behavioral.services.values())
    assert {r.kind for r in specialty.rooms.values()} == {s.needs_room for s in specialty.services.values()} - {""}
    assert all(40 <= shipped_practice(n).facts.visits_a_day <= 80 for n in profile_names() if "outreach" not in n)


@pytest.mark.parametrize(
    ("good", "bad", "says"),
    [
        (
            "coordinators: 2",
            "coordinators: none",
            "facts.yaml:2:1: coordinators: coordinators should be a whole number above 0 (it is none)",
        ),
        ("coordinators: 2", "coordinators: 0", "whole number from 1"),
        ("visits_a_day: 74\n", "visits: 74\n", "there is no such field"),
        ("overtime_hourly: 95 ", "overtime_hourly: -1 ", "USD an hour"),
        ("coordinators: 2\n", "", "'coordinators' is missing"),
        ("coordinators: 2", "coordinators: [", "facts.yaml:"),
    ],
)
def test_a_mistake_in_the_facts_names_line_field_and_fix(good: str, bad: str, says: str) -> None:
    text = practice_text("primary-care", "facts.yaml")
    assert good in text
    with pytest.raises(FactsInvalid) as raised:
        read_facts(text.replace(good, bad, 1))
    assert says in str(raised.value)


def test_facts_are_what_the_file_says() -> None:
    facts = read_facts("{coordinators: 2, visits_a_day: 60, coordinator_hourly: 26.5, overtime_hourly: 40}")
    assert (facts.coordinators, facts.visits_a_day, facts.coordinator_hourly, facts.overtime_hourly) == (
        2,
        60,
        26.5,
        40,
    )
