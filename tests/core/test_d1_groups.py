"""A group is one session (D1): it is recorded as one, and what it loses is found once for all of it."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.facts import PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.playbook import ServicePolicy
from caredispatch.rehearsal.outside import Reply
from tests.core.clinic import at, directory, playbook, policy, staff
from tests.core.town import Town

NINE = (staff("ana"), staff("ben"), staff("cleo"), staff("elif"))
GROUP = policy(playbook(services={"group-90": ServicePolicy(patient_agreement="notice")}), directory(*NINE))
EIGHT = [f"g{n}" for n in range(1, 9)]


def group_of_eight(town: Town) -> Town:
    """Eight patients on Wednesday at ten, with ana and cleo."""
    for n, name in enumerate(EIGHT, 1):
        town.booked(name, patient=f"pat-{n}", service="group-90", start=at(6, 10), actor_co_provider="cleo")
    return town


def ana_is_ill(town: Town) -> Town:
    """Somebody at the practice enters that ana is out on Wednesday."""
    town.announce("staff_unavailable", staff="ana", start=at(6, 8), end=at(6, 18), sure=True)
    return town.run(0)


def test_d1_group_of_eight_in_one_source_is_one_session_and_no_overlap() -> None:
    town = group_of_eight(Town(GROUP))
    assert len({town.visit(name).session_id for name in EIGHT}) == 1
    assert not any(town.visit(name).observed_overlap for name in EIGHT)
    assert all(town.taken[Id(who)] for who in ("ana", "cleo"))


def test_e14_a_group_with_two_therapists_is_decided_upon_as_it_is_read_back() -> None:
    town = group_of_eight(Town(GROUP))
    assert [p.role for p in town.visit("g1").participants] == ["co_provider", "patient", "provider"]


def test_d1_group_respects_its_capacity_a_ninth_is_an_overlap_of_its_source_and_never_a_case() -> None:
    town = group_of_eight(Town(GROUP))
    town.booked("ninth", patient="pat-9", service="group-90", start=at(6, 10))
    assert town.visit("ninth").session_id != town.visit("g1").session_id
    assert town.visit("ninth").observed_overlap
    assert [c for c in town.state("ninth").cases if c.kind == "cover"] == []


def test_d1_group_at_another_hour_or_with_another_provider_is_another_session() -> None:
    town = group_of_eight(Town(GROUP))
    town.booked("later", patient="pat-9", service="group-90", start=at(6, 14))
    town.booked("beside", patient="pat-10", service="group-90", start=at(6, 10), provider="ben")
    assert len({town.visit(name).session_id for name in ("g1", "later", "beside")}) == 3


def test_d1_group_moved_as_a_whole_stays_one_session() -> None:
    town = group_of_eight(Town(GROUP))
    for name in EIGHT:
        town.moved(name, at(7, 15))
    assert len({town.visit(name).session_id for name in EIGHT}) == 1
    assert not any(town.visit(name).observed_overlap for name in EIGHT)


def test_d1_group_moved_by_a_quarter_of_an_hour_keeps_its_session_and_nobody_is_twice_anywhere() -> None:
    town = group_of_eight(Town(GROUP))
    for name in EIGHT:
        town.moved(name, at(6, 10, 15))
    assert len({town.visit(name).session_id for name in EIGHT}) == 1


def test_d1_group_with_two_therapists_one_ill_one_is_asked_once_and_all_eight_have_them() -> None:
    town = ana_is_ill(group_of_eight(Town(GROUP, answers={"ben": (5, "yes")})))
    assert town.asked == [(0, "ben")]
    town.run(10)
    assert [town.visit(name).actor("provider") for name in EIGHT] == ["ben"] * 8
    assert [town.visit(name).actor("co_provider") for name in EIGHT] == ["cleo"] * 8
    assert town.asked == [(0, "ben")], "nobody is asked eight times"
    assert town.texts("ben") == ["ask_cover", "cover_settled"]
    assert all(town.texts(f"pat-{n}") == ["patient_settled"] for n in range(1, 9))
    assert [kind for _, kind, _ in town.raised] == []


def test_d1_group_asks_say_how_many_they_are() -> None:
    town = ana_is_ill(group_of_eight(Town(GROUP)))
    [asked] = [t for t in town.said if t.question == "cover"]
    assert asked.delivery.params["group"] == "8"


def test_d1_group_that_nobody_can_lead_is_one_line_before_a_human_and_not_eight() -> None:
    town = ana_is_ill(group_of_eight(Town(GROUP))).run(60)
    assert [kind for _, kind, _ in town.raised if kind == "nobody_found"] == ["nobody_found"]
    lead = next(name for name in EIGHT if town.open("nobody_found", name))
    town.act("assign", lead, on="nobody_found", role="provider", staff_id="elif").run(5)
    assert [town.visit(name).actor("provider") for name in EIGHT] == ["elif"] * 8
    assert town.open("nobody_found") == []


def test_d1_group_whose_first_patient_cancels_in_mid_offer_goes_on_with_another_in_the_lead() -> None:
    town = ana_is_ill(group_of_eight(Town(GROUP)))
    lead = next(name for name in EIGHT if town.state(name).asks)
    town.cancelled(lead).run(4)
    town.answer("ben", "yes").run(5)
    others = [name for name in EIGHT if name != lead]
    assert [town.visit(name).actor("provider") for name in others] == ["ben"] * 7


def test_d1_group_patient_who_must_not_have_them_goes_before_a_human_and_the_others_have_them() -> None:
    not_ben = PatientFacts(tags=("adult",), state="IL", excluded_staff=(Id("ben"),))
    town = Town(GROUP, answers={"ben": (5, "yes")}, patients={"pat-3": not_ben})
    ana_is_ill(group_of_eight(town)).run(20)
    covered = [name for name in EIGHT if town.visit(name).actor("provider") == "ben"]
    assert len(covered) == 7
    assert [e.detail["why"] for e in town.open("nobody_found", "g3")] == ["not_with_the_group"]


def test_d1_group_where_the_patient_must_agree_asks_each_patient_and_staff_once() -> None:
    rules = policy(playbook(services={"group-90": ServicePolicy(patient_agreement="required")}), directory(*NINE))
    answers: dict[str, Reply | list[Reply]] = {f"pat-{n}": (2, "yes") for n in range(1, 8)}
    answers |= {"ben": (5, "yes"), "pat-8": (2, "no")}
    town = ana_is_ill(group_of_eight(Town(rules, answers=answers))).run(30)
    assert [who for _, who in town.asked].count("ben") == 1
    assert [name for name in EIGHT if town.visit(name).actor("provider") == "ben"] == EIGHT[:7]
    assert [e.kind for e in town.open("patient_declined", "g8")] == ["patient_declined"]


def test_d1_group_found_before_it_is_too_late_for_every_patient() -> None:
    town = ana_is_ill(group_of_eight(Town(GROUP))).run(until=at(6, 8) + timedelta(minutes=1))
    assert all("patient_uncovered" in town.texts(f"pat-{n}") for n in range(1, 9))


def test_d26_the_echo_to_a_groups_therapist_names_its_hour_once_with_its_patients() -> None:
    town = group_of_eight(Town(GROUP)).booked("alone", patient="pat-9", start=at(6, 15))
    town.announce("staff_unavailable", staff="ana", start=at(6, 8), end=at(6, 18), by="ana")
    [echo] = [t for t in town.said if t.name == "staff_echo"]
    assert echo.delivery.params["visits"] == "2027-01-06T16:00:00Z north 8;2027-01-06T21:00:00Z north"
    assert echo.delivery.params["count"] == "9"
