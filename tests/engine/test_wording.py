"""How parameters of a text become words: visits by day, a group's once, and how many come after one."""

from __future__ import annotations

import pytest

from caredispatch.core.ids import Id
from caredispatch.core.options import write_options
from caredispatch.core.records import Option
from caredispatch.engine.wording import visits_text, words
from tests.core.clinic import at, playbook, policy

GROUP = "2027-01-06T16:00:00Z north 8;2027-01-06T21:00:00Z north;2027-01-07T16:00:00Z north"


def test_d26_a_groups_hour_is_said_once_with_its_patients() -> None:
    said = visits_text(policy(), GROUP, 10, "en").replace("\u202f", " ")
    assert said == "Wed 6 Jan 10:00 AM (8 patients), 3:00 PM; Thu 7 Jan 10:00 AM"
    assert visits_text(policy(), GROUP, 12, "es").endswith("(+2)")
    assert "(8 pacientes)" in visits_text(policy(), GROUP, 10, "es")
    assert visits_text(policy(), "", 0, "en") == "no visits"


def test_d4_a_text_says_that_a_visit_is_by_video() -> None:
    rules = policy(playbook(texts={"new_visit": {"en": "{service}.", "es": "{service}."}}))
    said = {
        (language, way): words(
            rules,
            "new_visit",
            {"service": "therapy-50", "location": "north", **({"modality": way} if way else {})},
            language=language,
            recipient_zone="America/Chicago",
            link=None,
        )
        for language, way in (("en", ""), ("en", "video"), ("es", "phone"))
    }
    assert list(said.values()) == ["Therapy.", "Therapy by video.", "Therapy por teléfono."]


def test_d17_a_time_that_is_proposed_instead_is_said_without_a_number() -> None:
    option = Option(at(6, 15), at(6, 15, 50), Id("ana"), "north", "video")
    rules = policy(playbook(texts={"offer_move": {"en": "to {instead}? not {options}"}}))
    params = {"location": "north", "options": write_options((option,))}
    found = words(rules, "offer_move", params, language="en", recipient_zone="America/Chicago", link=None)
    said = "Wed 6 Jan 3:00 PM with Ana Madeup by video"
    assert found == f"to {said}? not 1) {said}"


@pytest.mark.parametrize(
    ("after", "language", "said"),
    [
        ({}, "en", "10:00 AM."),
        ({"after": "1"}, "en", "10:00 AM and the one after it."),
        ({"after": "3"}, "en", "10:00 AM and the 3 visits after it."),
        ({"after": "1"}, "es", "10:00 a.m. y la siguiente."),
        ({"group": "8"}, "en", "10:00 AM (group of 8)."),
    ],
)
def test_d3_a_text_says_how_many_visits_come_after_it(after: dict[str, str], language: str, said: str) -> None:
    rules = policy(playbook(texts={"new_visit": {"en": "{time}{more}.", "es": "{time}{more}."}}))
    params = {"start_at": "2027-01-06T16:00:00Z", "location": "north", **after}
    found = words(rules, "new_visit", params, language=language, recipient_zone="America/Chicago", link=None)
    assert found.replace("\xa0", " ") == said
