"""D13, D18, D23: who did not come, or whose visit the practice cancelled, is brought back: rebooked and landed,
declined, or with a person. Told over a whole practice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from caredispatch.core.facts import PatientFacts
from caredispatch.core.observation import Block
from caredispatch.core.playbook import Condition, FollowUp, Rule, Within
from tests.core.clinic import WITH_EHR, at
from tests.core.requests import people, rules, the_rules, works
from tests.core.town import Town

CLINICIAN = {"pat": PatientFacts(tags=("adult",), state="IL", clinician_follows_up=True)}


def no_show(town: Town | None = None) -> Town:
    """The patient does not come to Monday's visit at eleven with ana; the source says so at noon."""
    town = town or Town(the_rules())
    return town.booked("missed", start=at(4, 11)).run(until=at(4, 12)).changed("missed", status="noshow")


def outcomes(town: Town) -> list[tuple[str, str | None]]:
    """How the follow-ups stand."""
    return [(c.state, c.outcome) for c in town.cases("follow_up")]


def test_d13_a_no_show_is_offered_times_after_a_while_the_own_providers_first() -> None:
    town = no_show()
    town.run(119)
    assert town.texts("pat") == []
    town.run(1)
    assert town.texts("pat") == ["offer_times"]
    assert {o.provider_id for o in town.ask_of("pat").options} == {"ana"}


def test_d13_the_time_that_they_choose_is_a_visit_and_the_case_ends_rebooked() -> None:
    town = no_show().run(121).answer("pat", "yes", choice=2).run(2)
    [new] = town.new
    assert (new.status, new.actor("provider"), new.patient_id, new.start_at) == ("booked", "ana", "pat", at(5, 9))
    assert new.rescheduled_from == town.visit("missed").appointment_id
    assert outcomes(town) == [("settled", "rebooked")]
    assert town.texts("pat") == ["offer_times", "booked_for_patient"]
    assert town.texts("ana") == ["new_visit", "new_visit"]


def with_ehr() -> Town:
    """A practice whose visits get a copy in an EHR."""
    return Town(the_rules(crowd=people(works("ana"), works("ben"), systems=WITH_EHR)))


def test_d13_rebooked_counts_once_the_new_visit_landed() -> None:
    town = no_show(with_ehr())
    town.outside.write_ends["ehr"] = "in flight"
    town.run(121).answer("pat", "yes", choice=1).run(2)
    assert town.new[0].status == "booked"
    assert outcomes(town) == [("open", None)]
    town = no_show(with_ehr()).run(121).answer("pat", "yes", choice=1).run(2)
    assert outcomes(town) == [("settled", "rebooked")]


def test_d13_what_never_lands_goes_to_a_person() -> None:
    town = no_show(with_ehr())
    town.outside.write_ends["ehr"] = "in flight"
    town.run(121).answer("pat", "yes", choice=1).run(31)
    assert outcomes(town) == [("handed", "not_landed")]
    assert [e.detail["why"] for e in town.open("not_placed")] == ["not_landed"]


def test_d13_a_time_that_is_gone_when_it_is_to_be_booked_is_offered_anew() -> None:
    town = no_show().run(121)
    third = town.ask_of("pat").options[2]
    town.booked("stranger", patient="somebody", start=third.start_at)
    town.answer("pat", "yes", choice=3).run(1)
    assert town.texts("pat") == ["offer_times", "offer_times_again"]
    assert [v.status for v in town.new] == []
    town.answer("pat", "yes", choice=1).run(2)
    assert outcomes(town) == [("settled", "rebooked")]


def test_d13_a_calendar_that_says_busy_frees_the_patient_to_choose_again() -> None:
    town = no_show(with_ehr())
    town.outside.calendar["ana"] = (Block(works("ana").staff_id, at(5, 9), at(5, 10), "private"),)
    town.run(121).answer("pat", "yes", choice=2).run(2)
    assert [v.status for v in town.new] == ["entered-in-error"]
    assert town.texts("pat") == ["offer_times", "offer_times_again"]
    town.answer("pat", "yes", choice=1).run(2)
    assert outcomes(town) == [("settled", "rebooked")]


def test_d13_a_no_show_that_becomes_arrived_is_not_followed_up() -> None:
    town = no_show().run(121)
    town.changed("missed", status="arrived").run(5)
    assert outcomes(town) == [("closed", "arrived")]
    assert town.texts("pat") == ["offer_times"]
    town = no_show().run(60).changed("missed", status="fulfilled").run(500)
    assert (outcomes(town), town.texts("pat")) == ([("closed", "fulfilled")], [])


@pytest.mark.parametrize("when", [10, 200])
def test_d11_who_books_anew_by_themselves_is_offered_nothing_more(when: int) -> None:
    town = no_show().run(when).booked("again", start=at(7, 9)).run(5)
    assert outcomes(town) == [("closed", "rebooked_elsewhere")]
    assert len(town.texts("pat")) == (0 if when == 10 else 1)


def test_d11_a_visit_of_another_service_is_no_rebooking() -> None:
    town = no_show().run(10).booked("other", service="intake", start=at(7, 9)).run(5)
    assert outcomes(town) == [("open", None)]


def test_d13_a_no_ends_it_and_silence_puts_them_on_the_call_list() -> None:
    town = no_show().run(121).answer("pat", "no")
    assert (outcomes(town), town.open("call")) == ([("settled", "declined")], [])
    town = no_show().run(121 + 24 * 60)
    assert outcomes(town) == [("handed", "silent")]
    assert [(e.owner, e.detail["need"]) for e in town.open("call")] == [("mia", "rebook")]


def test_d23_who_a_clinician_follows_up_gets_no_automated_word() -> None:
    book = replace(rules(), clinician="clara")
    town = no_show(Town(the_rules(book), patients=CLINICIAN))
    [row] = town.open("handed_over")
    assert (row.owner, row.detail["why"]) == ("clara", "clinician_follows_up")
    assert row.ack_by - row.raised_at <= timedelta(minutes=30)
    assert outcomes(town) == [("handed", "clinician_follows_up")]
    assert town.run(600).texts("pat") == []


def test_d18_a_visit_that_the_practice_cancels_is_followed_up_at_once() -> None:
    town = Town(the_rules()).booked("gone").cancelled("gone", by="practice").run(3)
    assert "offer_times" in town.texts("pat")
    town.answer("pat", "yes", choice=1).run(2)
    assert outcomes(town) == [("settled", "rebooked")]


def test_d13_a_visit_is_followed_up_once() -> None:
    town = no_show().run(121).answer("pat", "no")
    town.changed("missed", status="booked").changed("missed", status="noshow").run(500)
    assert outcomes(town) == [("settled", "declined")]


@pytest.mark.parametrize(("missed", "asked"), [(0, True), (2, True), (3, False)])
def test_d13_who_does_not_come_again_and_again_is_the_rules_to_decide(missed: int, asked: bool) -> None:
    below = (Condition("patient_no_shows_90d", Within(None, 3)),)
    found = rules()
    patient = tuple(
        Rule("not a habit", ("no_show",), (FollowUp("rebook", 120),), below) if r.name == "not come" else r
        for r in found.sections["patient"]
    )
    book = replace(found, sections={**found.sections, "patient": patient})
    town = Town(the_rules(book), patients={"pat": PatientFacts(tags=("adult",), state="IL", no_shows_90d=missed)})
    no_show(town).run(121)
    assert (town.texts("pat") == ["offer_times"]) == asked


def test_d22_who_chose_and_wants_another_time_gets_a_person() -> None:
    town = no_show().run(121).answer("pat", "yes", choice=1).run(2)
    town.answer("pat", "yes", purpose="offer_times", choice=3)
    assert [e.detail["why"] for e in town.open("free_text")] == ["chose_before"]
    assert len(town.new) == 1
