"""D15: an emergency add-on is taken by somebody within minutes; a visit that may give way is a case of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import Busy
from caredispatch.core.records import Request
from tests.core.clinic import ALWAYS, at
from tests.core.requests import people, rules, the_rules, wish, works
from tests.core.town import Town

ANA_ALONE = people(works("ana"), works("ben", skills=(), roles=("nurse",)))


def urgent() -> Request:
    """As soon as anybody can, before two o'clock."""
    return wish(at(4, 14), urgent=True, origin="add_on")


def full(*who: str) -> dict[str, tuple[Busy, ...]]:
    """Whoever has no time at all today."""
    return {w: (Busy(at(4, 9), at(4, 17), "external"),) for w in who}


def test_d36_the_first_eligible_people_are_asked_at_once() -> None:
    town = Town(the_rules()).request("add-on", urgent(), service="check-up")
    assert town.asked == [(0, "ana"), (0, "ben")]
    assert town.texts("pat") == []


def test_d15_the_first_yes_books_the_others_hear_it_is_taken_and_the_patient_is_told_once() -> None:
    town = Town(the_rules()).request("add-on", urgent(), service="check-up").run(1)
    town.answer("ben", "yes").run(1)
    visit = town.visit("add-on")
    assert (visit.status, visit.actor("provider"), visit.coverage) == ("booked", "ben", "confirmed")
    assert visit.start_at == at(4, 10, 10)
    assert town.texts("ana") == ["ask_add_on", "already_taken"]
    assert town.texts("ben") == ["ask_add_on", "cover_settled"]
    assert town.texts("pat") == ["booked_for_patient"]
    assert [(c.state, c.outcome) for c in town.cases("place")] == [("settled", "placed")]


def test_d15_a_no_or_two_minutes_of_silence_asks_the_next_and_nobody_at_all_a_person() -> None:
    town = Town(the_rules()).request("add-on", urgent(), service="check-up")
    town.answer("ana", "no")
    assert town.asked[-1] == (0, "cleo")
    town.run(10)
    [row] = town.open("not_placed")
    assert (row.owner, row.detail["why"], row.detail["asked"]) == ("dana", "silent", "3")


def displacing(service: str = "check-up") -> Town:
    """Ana is the only one who could, and has a visit at eleven of a service that may give way; else her day is full."""
    external = {"ana": (Busy(at(4, 9), at(4, 11), "external"), Busy(at(4, 11, 20), at(4, 17), "external"))}
    town = Town(the_rules(crowd=ANA_ALONE), external=external)
    town.booked("routine", patient="paul", service=service, start=at(4, 11), length=20)
    return town.request("add-on", urgent(), service="check-up").run(1)


def test_d15_a_visit_that_may_give_way_does_and_is_a_case_of_its_own() -> None:
    town = displacing()
    assert town.ask_of("ana", purpose="take_add_on").options[0].displaces == town.visit("routine").appointment_id
    town.answer("ana", "yes", purpose="take_add_on").run(1)
    assert (town.visit("add-on").status, town.visit("add-on").start_at) == ("booked", at(4, 11))
    assert town.visit("add-on").actor("provider") == "ana"
    assert [(c.kind, c.state) for c in town.cases("cover", "routine")] == [("cover", "handed")]
    assert "patient_uncovered" not in town.texts("pat")
    town.run(15)
    assert "patient_uncovered" in town.texts("paul")


@pytest.mark.parametrize("service", ["insulin", "group", "therapy-50"])
def test_d15_what_must_not_be_missed_a_group_and_any_other_service_never_give_way(service: str) -> None:
    town = displacing(service)
    assert [e.detail["why"] for e in town.open("not_placed")] == ["no_times"]
    assert town.visit("routine").coverage == "confirmed"


def test_d15_a_visit_that_began_never_gives_way() -> None:
    external = {"ana": (Busy(at(4, 11), at(4, 17), "external"),)}
    town = Town(the_rules(crowd=ANA_ALONE), external=external)
    town.booked("now", patient="paul", service="check-up", start=at(4, 9, 55), length=60)
    assert [e.detail["why"] for e in town.request("add-on", urgent(), service="check-up").open("not_placed")] == [
        "no_times"
    ]


def test_d15_whoever_disturbs_nobody_is_asked_before_who_would_have_to_displace() -> None:
    external = full("cleo") | {"ana": (Busy(at(4, 10, 20), at(4, 17), "external"),)}
    book = rules()
    paths = {**book.paths, "urgent": replace(book.paths["urgent"], steps=book.paths["urgent"].steps[1:])}
    town = Town(the_rules(replace(book, paths=paths)), external=external)
    town.booked("routine", patient="paul", service="check-up", start=at(4, 10), provider="ana")
    town.request("add-on", urgent(), service="check-up")
    assert town.asked[-1][1] == "ben"


def test_d15_a_visit_that_began_meanwhile_does_not_give_way_and_the_next_option_counts() -> None:
    external = {"ana": (Busy(at(4, 10), at(4, 11), "external"), Busy(at(4, 11, 20), at(4, 17), "external"))}
    town = Town(the_rules(crowd=ANA_ALONE), external=external)
    town.booked("routine", patient="paul", service="check-up", start=at(4, 11)).request(
        "add-on", urgent(), service="check-up"
    )
    town.changed("routine", status="arrived")
    town.answer("ana", "yes", purpose="take_add_on").run(1)
    assert town.visit("routine").actor("provider") == "ana"
    assert town.visit("routine").coverage != "uncovered"
    assert town.visit("add-on").status == "proposed"
    assert [e.kind for e in town.open("not_placed")] == ["not_placed"]
    assert "already_taken" in town.texts("ana")


def test_d15_quiet_hours_and_limits_do_not_stop_an_urgent_path() -> None:
    night = people(*(works(h, hours=ALWAYS) for h in ("ana", "ben")))
    town = Town(the_rules(crowd=night), now=at(4, 23)).request(
        "add-on", Request(at(4, 23), at(4, 23), at(5, 3), origin="add_on", urgent=True), service="check-up"
    )
    assert [who for _, who in town.asked] == ["ana", "ben"]
