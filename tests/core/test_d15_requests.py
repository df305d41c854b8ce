"""D15: a request is a record without a time; first times over eligible people, rooms and lengths are offered, and what
is chosen is booked. Told over a whole practice."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.facts import Busy, PatientFacts
from caredispatch.core.observation import Block
from caredispatch.core.playbook import AskStep, HandToStep, Offer, Stage, Window
from caredispatch.rehearsal.outside import Copy
from tests.core.clinic import START, WITH_EHR, at
from tests.core.requests import ASK_TIMES, CALLS, ROOMS, people, rules, the_rules, wish, works
from tests.core.town import Town


def offered(town: Town, who: str = "pat") -> list[tuple[str, str]]:
    """What somebody was offered last: when and with whom."""
    options = town.ask_of(who, purpose="offer_times").options
    return [((o.start_at - timedelta(hours=6)).strftime("%a %H:%M"), o.provider_id) for o in options]


def test_d15_a_request_is_placed_without_a_human() -> None:
    town = Town(the_rules()).request("new", wish())
    assert town.visit("new").status == "proposed"
    assert offered(town) == [("Mon 11:00", "ana"), ("Tue 09:00", "ana"), ("Wed 09:00", "ana")]
    town.answer("pat", "yes", choice=2).run(5)
    visit = town.visit("new")
    assert (visit.status, visit.start_at, visit.actor("provider")) == ("booked", at(5, 9), "ana")
    assert (visit.confirmation, visit.coverage) == ("confirmed", "confirmed")
    assert town.texts("pat") == ["offer_times", "booked_for_patient"]
    assert town.texts("ana") == ["new_visit"]
    assert [(c.kind, c.state, c.outcome) for c in town.cases("place")] == [("place", "settled", "placed")]
    assert [e.kind for s in town.states.values() for e in s.exceptions] == []


def test_d15_the_offer_says_why_these_times() -> None:
    town = Town(the_rules(rules(prefer={"continuity": 3})), together={("pat", "cleo"): 4}).request("new", wish())
    assert {who for _, who in offered(town)} == {"cleo"}
    notes = [n for _, _, d in town.decisions for n in d.trace.notes if n["code"] == "time_offered"]
    assert [(n["person"], n["score"]) for n in notes] == [("cleo", "12")] * 3
    assert "continuity=4" in notes[0]["parts"]


def test_d15_soonest_weighs_against_continuity() -> None:
    book = rules(prefer={"continuity": 3, "soonest": 1})
    town = Town(the_rules(book), together={("pat", "cleo"): 1}, external=busy("cleo", at(4, 9), at(5, 12)))
    assert offered(town.request("new", wish()))[0] == ("Mon 11:00", "ana")


def busy(who: str, begin: object, end: object) -> dict[str, tuple[Busy, ...]]:
    """Somebody's time taken elsewhere."""
    return {who: (Busy(begin, end, "external"),)}  # type: ignore[arg-type]  # instants


def test_d15_one_offered_time_is_taken_by_a_bare_yes() -> None:
    town = Town(the_rules()).request("new", wish(at(4, 12)))
    assert offered(town) == [("Mon 11:00", "ana")]
    assert town.answer("pat", "yes").run(1).visit("new").status == "booked"


def test_d15_a_yes_to_several_times_asks_which() -> None:
    town = Town(the_rules()).request("new", wish()).answer("pat", "yes")
    assert town.texts("pat") == ["offer_times", "which_time"]
    town.answer("pat", "yes", choice=7)
    assert town.visit("new").status == "proposed"
    assert town.answer("pat", "yes", choice=3).visit("new").start_at == at(6, 9)


def test_d15_a_time_that_is_gone_meanwhile_is_said_and_others_are_offered() -> None:
    town = Town(the_rules(crowd=people(works("ana")))).request("new", wish())
    town.booked("stranger", patient="somebody", provider="ana", start=at(5, 9))
    town.answer("pat", "yes", choice=2)
    assert town.texts("pat") == ["offer_times", "offer_times_again"]
    assert ("Tue 09:00", "ana") not in offered(town)
    town.answer("pat", "yes", choice=1).run(1)
    assert town.visit("new").status == "booked"
    assert town.texts("pat") == ["offer_times", "offer_times_again", "booked_for_patient"]


def test_d15_none_suits_goes_to_the_call_list_with_what_was_searched() -> None:
    town = Town(the_rules()).request("new", wish()).answer("pat", "no")
    [call] = town.open("call")
    assert (call.owner, call.detail["need"], call.detail["why"]) == ("mia", "place", "declined")
    assert call.detail["searched"] == "3"


def test_d15_silence_ends_on_the_call_list_and_a_late_choice_still_counts() -> None:
    town = Town(the_rules()).request("new", wish()).run(24 * 60 - 1)
    assert town.open("call") == []
    town.run(2)
    assert [e.detail["why"] for e in town.open("call")] == ["silent"]
    town.answer("pat", "yes", choice=3).run(1)
    assert (town.visit("new").status, town.open("call")) == ("booked", [])


def test_d15_without_any_time_a_person_knows_at_once_what_blocks() -> None:
    crowd = people(works("ana"), works("ben", licences={}), works("cleo", roles=("nurse",)))
    town = Town(the_rules(crowd=crowd), external=busy("ana", at(4, 0), at(30, 0))).request("new", wish())
    [row] = town.open("not_placed")
    assert (row.detail["why"], row.detail["blocked"]) == ("no_times", "booked=1,licence=1,role=1")
    assert row.raised_at == START
    assert town.texts("pat") == []


def test_d6_where_nobody_knows_the_patients_state_nobody_is_offered_by_video() -> None:
    nobody_knows = {"pat": PatientFacts(tags=("adult",))}
    town = Town(the_rules(), patients=nobody_knows).request("new", wish(), modality="video")
    assert [e.detail["blocked"] for e in town.open("not_placed")] == ["licence?=3"]


def test_d15_the_patients_own_visits_are_in_the_way_as_well() -> None:
    town = Town(the_rules()).booked("other", provider="ben", start=at(4, 11), service="intake")
    assert offered(town.request("new", wish()))[0] == ("Mon 12:20", "ana")


def test_d15_rooms_and_buffers_bound_the_times() -> None:
    crowd = people(works("ana"), rooms=ROOMS[:1], needs_room="quiet")
    town = Town(the_rules(crowd=crowd), external=busy("r1", at(4, 9), at(4, 16))).request("new", wish())
    assert offered(town)[0] == ("Mon 16:00", "ana")
    town.answer("pat", "yes", choice=1).run(1)
    assert (town.visit("new").actor("room"), town.visit("new").coverage) == ("r1", "confirmed")


def test_d15_a_calendar_that_says_busy_is_asked_before_the_visit_is_booked() -> None:
    crowd = people(works("ana"), works("ben"), systems=WITH_EHR)
    block = Block(works("ana").staff_id, at(5, 9), at(5, 10), "private")
    town = Town(the_rules(crowd=crowd))
    town.outside.calendar["ana"] = (block,)
    town.request("new", wish()).answer("pat", "yes", choice=2).run(2)
    assert town.texts("pat") == ["offer_times", "offer_times_again"]
    assert town.visit("new").status == "proposed"
    town.answer("pat", "yes", choice=1).run(2)
    assert town.visit("new").status == "booked"


def test_e24_at_night_the_patient_is_asked_in_the_morning() -> None:
    town = Town(the_rules(), now=at(4, 22)).request("new", wish())
    assert town.texts("pat") == []
    town.run(until=at(5, 8))
    assert town.texts("pat") == ["offer_times"]


def test_d29_a_later_step_waits_for_its_stage() -> None:
    by_video = AskStep("patient", ("sms",), Window("minutes", 60), offer=Offer(2, modality="video"))
    book = rules(ASK_TIMES, by_video, HandToStep("dana"))
    town = Town(the_rules(book)).request("new", wish()).answer("pat", "no")
    assert {o.modality for o in town.ask_of("pat").options} == {"video"}
    off = rules(ASK_TIMES, by_video, HandToStep("dana"), stages={**book.stages, "escalation": Stage("off")})
    town = Town(the_rules(off)).request("new", wish()).answer("pat", "no")
    [row] = town.open("not_placed")
    assert (row.owner, row.detail["stage"]) == ("dana", "escalation")


def test_d19_an_entry_of_the_waitlist_is_offered_nothing_by_itself() -> None:
    town = Town(the_rules()).request("waits", wish(origin="waitlist"), waitlist=True).run(60)
    assert (town.visit("waits").status, town.cases("place")) == ("waitlist", [])


def wished(town: Town, name: str = "req", **more: str) -> Town:
    """What an EHR holds of somebody who asks for a time until the eighteenth."""
    content = {
        "status": "proposed",
        "service": "therapy-50",
        "location": "north",
        "patient": "pat",
        "requested.from": "2027-01-04T16:00:00Z",
        "requested.until": "2027-01-18T23:00:00Z",
        **more,
    }
    town.outside.copies["ehr", name] = Copy(content, 0)
    town.known("pat")
    return town.changed(name, system="ehr")


def ehr_town() -> Town:
    """A practice with an EHR."""
    return Town(the_rules(crowd=people(works("ana"), works("ben"), systems=WITH_EHR)))


def test_d15_a_request_of_the_ehr_is_placed_in_that_very_resource() -> None:
    town = wished(ehr_town())
    assert town.visit("req").status == "proposed"
    town.answer("pat", "yes", choice=2).run(5)
    there = town.copy("req", "ehr")
    assert (there["start_at"], there["status"], there["actor.provider"]) == ("2027-01-05T15:00:00Z", "booked", "ana")
    assert [key for key in town.outside.copies if key[0] == "ehr"] == [("ehr", "req")]
    assert [li.state for li in town.state("req").links] == ["landed"]
    assert town.texts("pat") == ["offer_times", "booked_for_patient"]


def test_d11_a_request_that_the_source_places_itself_is_offered_nothing_more() -> None:
    town = wished(ehr_town())
    town.changed(
        "req", system="ehr", status="booked", start_at=at(6, 14), end_at=at(6, 14, 50), actor_provider="ben"
    )  # fmt: skip
    assert (town.visit("req").status, town.visit("req").actor("provider")) == ("booked", "ben")
    assert [c.outcome for c in town.cases("place")] == ["placed_elsewhere"]
    town.answer("pat", "yes", choice=2)
    assert town.visit("req").start_at == at(6, 14)
    assert town.texts("pat")[-1] == "already_taken"


def test_d11_a_request_that_is_withdrawn_closes_the_case() -> None:
    town = wished(ehr_town())
    town.cancelled("req", system="ehr").run(5)
    assert [c.state for c in town.cases("place")] == ["closed"]
    assert [c for c in town.cases("fill") if c] == []


def test_d15_who_asks_for_another_period_is_offered_times_in_it() -> None:
    town = wished(ehr_town()).run(1)
    town.changed("req", system="ehr", requested_from="2027-01-14T06:00:00Z")
    assert offered(town)[0] == ("Thu 09:00", "ana")
    assert [c.outcome for c in town.cases("place")] == ["visit_changed", None]


def test_d8_requests_of_a_first_load_ask_nobody() -> None:
    town = ehr_town()
    town.outside.copies["ehr", "old"] = Copy(
        {"status": "proposed", "service": "therapy-50", "location": "north", "patient": "pat",
         "requested.until": "2027-01-18T23:00:00Z"}, 0)  # fmt: skip
    town.known("pat")
    town.changed("old", system="ehr", mode="first_load").run(60)
    assert town.said == []


def test_promise_3_a_request_whose_last_time_is_over_goes_to_a_person() -> None:
    town = Town(the_rules()).request("new", wish(at(4, 13))).run(until=at(4, 14))
    assert [(e.owner, e.detail["why"]) for e in town.open("call")] == [(CALLS.owner, "silent")]
