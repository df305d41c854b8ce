"""A site closes (D14): each visit is decided by itself, texts are paced, nobody is a no-show."""

from __future__ import annotations

from dataclasses import replace

from caredispatch.core.ids import Id
from caredispatch.core.playbook import AskStep, FollowUp, ListStep, Offer, Path, Rule, Window
from caredispatch.core.records import Option
from tests.core.clinic import ASK_PATIENT, NO_AGREEMENT, at, playbook, policy
from tests.core.play import minutes
from tests.core.town import Town

CLOSED = Path(
    "closed",
    False,
    (
        AskStep("patient", ("sms",), Window("until_before_start", 60), offer=Offer(modality="video")),
        ListStep("front_desk"),
    ),
)
RULES = policy(
    playbook(
        services=NO_AGREEMENT,
        to_patient=ASK_PATIENT,
        patient_rules=(Rule("closed", ("location_closed",), (FollowUp("closed"),)),),
        paths=(CLOSED,),
        paced_per_minute=2,
    )
)
NAMES = [f"v{n}" for n in range(5)]


def snow(town: Town) -> Town:
    """Snow at 06:10: the north site is shut for the day. Five visits there, one by video, one at another site."""
    for n, name in enumerate(NAMES):
        town.booked(name, patient=f"pat-{n}", provider=("ana", "ben", "cleo")[n % 3], start=at(6, 10 + n))
    town.booked("video", patient="pat-8", provider="ben", start=at(6, 16), modality="video")
    town.booked("east", patient="pat-9", provider="cleo", start=at(6, 17), location="east")
    town.run(until=at(6, 6, 10))
    town.announce("location_closed", location="north", start=at(6, 6), end=at(6, 20), sure=True, reason="snow")
    return town.run(0)


def test_d14_snow_at_ten_past_six_every_visit_there_has_its_case_and_no_other_has() -> None:
    town = snow(Town(RULES))
    assert [len(town.cases("follow_up", name)) for name in NAMES] == [1] * 5
    assert [len(town.cases("follow_up", name)) for name in ("video", "east")] == [0, 0]
    assert all(town.visit(name).closed_by is not None and town.visit(name).status == "booked" for name in NAMES)


def test_d14_no_time_is_offered_at_a_site_while_it_is_closed() -> None:
    times = replace(
        CLOSED, steps=(AskStep("patient", ("sms",), Window("minutes", 600), offer=Offer()), *CLOSED.steps[1:])
    )
    rules = replace(RULES, playbook=replace(RULES.playbook, paths={**RULES.playbook.paths, "closed": times}))
    town = snow(Town(rules)).run(until=at(6, 8, 30))
    options = [o for t in town.said if t.question == "offer_times" for o in _options_of(town, t.subject)]
    assert options
    assert [o for o in options if at(6, 6) <= o.start_at < at(6, 20)] == []
    incident = next(s.incident.incident_id for s in town.states.values() if s.incident is not None)
    town.settle(incident, "undo").run(1)
    assert town.leaves == {}


def _options_of(town: Town, subject: str) -> list[Option]:
    return [o for a in town.states[Id(subject)].asks if a.purpose == "offer_times" for o in a.options]


def test_d14_texts_are_paced() -> None:
    town = snow(Town(RULES)).run(until=at(6, 8, 30))
    offered = sorted(t.at for t in town.said if t.question == "offer_times")
    assert [one - at(6, 8) for one in offered] == [minutes(0), minutes(0), minutes(1), minutes(1), minutes(2)]


def test_d14_who_does_not_agree_in_time_is_a_persons() -> None:
    town = snow(Town(RULES)).run(until=at(6, 15))
    for name in NAMES:
        called = town.open("call", name) + town.open("handed_over", name) + town.open("not_placed", name)
        assert called or town.cases("follow_up", name)[0].state == "handed", name


def test_d14_nobody_is_marked_a_no_show() -> None:
    town = snow(Town(RULES)).run(until=at(6, 11))
    before = len(town.said)
    town.changed("v0", status="noshow").run(5)
    assert (town.visit("v0").status, town.visit("v0").initiator) == ("noshow", "practice")
    assert "no_show" not in [t for _, _, d in town.decisions for t in d.trace.triggers]
    assert len([t for t in town.said[before:] if t.person == "pat-0"]) == 0


def test_d14_without_a_rule_a_person_has_each_visit() -> None:
    town = snow(Town(policy(playbook(services=NO_AGREEMENT))))
    assert [e.detail["trigger"] for name in NAMES for e in town.open("handed_over", name)] == ["location_closed"] * 5


def test_d14_opened_after_all_the_visits_stand_as_they_were() -> None:
    town = snow(Town(RULES))
    incident = next(s.incident.incident_id for s in town.states.values() if s.incident is not None)
    town.settle(incident, "undo").run(1)
    assert all(town.visit(name).closed_by is None for name in NAMES)
    assert {town.cases("follow_up", name)[0].state for name in NAMES} == {"closed"}


def test_d14_d18_what_is_not_agreed_by_the_tell_by_time_a_person_has_while_the_patient_may_still_choose() -> None:
    longer = AskStep("patient", ("sms",), Window("until_before_start", 30), offer=Offer(modality="video"))
    slow = replace(CLOSED, steps=(longer, *CLOSED.steps[1:]))
    rules = replace(RULES, playbook=replace(RULES.playbook, paths={**RULES.playbook.paths, "closed": slow}))
    town = snow(Town(rules)).run(until=at(6, 9, 59))
    assert town.open("call", "v2") == [], "two hours before twelve"
    town.run(2)
    [line] = town.open("call", "v2")
    assert (line.owner, line.detail["need"], line.ack_by) == ("front_desk", "rebook", at(6, 10, 15))
    assert town.cases("follow_up", "v2")[0].state == "open"
    town.answer("pat-2", "yes", on="v2").run(1)
    assert (town.visit("v2").modality, town.open("call", "v2")) == ("video", [])
    town.run(until=at(6, 12, 30))
    lines = [e for e in town.state("v3").exceptions if e.detail.get("need") == "rebook"]
    assert len(lines) == 1, "the path's end is the same line"


def test_d18_of_a_site_that_closes_after_the_tell_by_time_a_person_knows_ten_minutes_later() -> None:
    town = Town(RULES).booked("v0", patient="pat-0", start=at(6, 10)).run(until=at(6, 8, 30))
    town.announce("location_closed", location="north", start=at(6, 6), end=at(6, 20), sure=True, reason="snow")
    assert town.run(9).open("call", "v0") == []
    assert len(town.run(2).open("call", "v0")) == 1


def test_d14_opened_after_all_nobody_need_be_phoned() -> None:
    town = snow(Town(RULES)).run(until=at(6, 9, 45))
    assert len(town.open("call", "v1")) == 1
    incident = next(s.incident.incident_id for s in town.states.values() if s.incident is not None)
    town.settle(incident, "undo").run(1)
    assert town.open("call", "v1") == []
