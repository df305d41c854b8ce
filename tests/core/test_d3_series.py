"""Visits that belong together (D3): whoever leaves is replaced once for a whole series, and agreed to once."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.content import instant_text
from caredispatch.core.playbook import Rule, ServicePolicy
from tests.core.clinic import COVER, at, directory, playbook, policy, staff
from tests.core.town import Town

RULES = policy(
    playbook(
        services={"therapy-50": ServicePolicy(patient_agreement="required")},
        rules=(Rule("leaves", ("staff_leaving",), (COVER,)),),
    ),
    directory(staff("ana"), staff("ben"), staff("cleo")),
)
WEEKS = [f"w{n}" for n in range(4)]
MONTHS_END = at(31, 0)


def weekly(town: Town) -> Town:
    """One patient every Wednesday at ten for two weeks before ana leaves and four after; another patient once."""
    for n, name in enumerate(["b0", "b1", *WEEKS]):
        week = timedelta(days=7 * n)
        town.booked(name, start=at(20, 10) + week, series="wed-10")
    return town.booked("single", patient="pat-2", start=at(31, 14) + timedelta(days=3))


def leaves(town: Town) -> Town:
    """ana leaves at the month's end."""
    town.announce("staff_leaving", staff="ana", start=MONTHS_END, end=MONTHS_END + timedelta(days=365), sure=True)
    return town.run(0)


def test_d3_series_a_visit_knows_its_series() -> None:
    town = weekly(Town(RULES))
    assert len({town.visit(name).series_id for name in ("b0", *WEEKS)}) == 1
    assert town.visit("single").series_id is None


def test_d3_series_therapist_leaves_at_months_end_one_yes_and_one_agreement_hold_for_all_later_visits() -> None:
    town = leaves(weekly(Town(RULES, answers={"ben": (30, "yes"), "pat": (20, "yes"), "pat-2": (5, "yes")})))
    town.run(120)
    assert [town.visit(name).actor("provider") for name in WEEKS] == ["ben"] * 4
    assert [town.visit(name).actor("provider") for name in ("b0", "b1")] == ["ana", "ana"]
    assert town.visit("single").actor("provider") == "ben"
    questions = [(t.person, t.question) for t in town.said if t.question]
    assert questions.count(("ben", "cover")) == 2, "once for the series, once for the single visit"
    assert questions.count(("pat", "agree_patient")) == 1
    assert [c.outcome for name in WEEKS for c in town.cases("cover", name)] == ["covered"] * 4


def test_d3_series_texts_say_how_many_visits_come_after_it() -> None:
    town = leaves(weekly(Town(RULES, answers={"ben": (30, "yes"), "pat": (20, "yes")}))).run(120)
    lead = town.subject("w0")
    said = {t.name: t.delivery.params.get("after") for t in town.said if t.subject == lead}
    assert {said["ask_cover"], said["agree_patient"], said["patient_settled"], said["cover_settled"]} == {"3"}


def test_d3_series_a_week_in_which_the_new_one_is_busy_is_covered_by_itself() -> None:
    town = weekly(Town(RULES, answers={"ben": (5, "yes"), "cleo": (5, "yes"), "pat": (5, "yes")}))
    town.booked("other", patient="pat-7", provider="ben", start=town.visit("w2").start_at)
    leaves(town).run(240)
    assert [town.visit(name).actor("provider") for name in WEEKS] == ["ben", "ben", "cleo", "ben"]


def test_d3_series_the_patients_no_is_one_no_before_one_person_and_no_later_visit_is_asked_about() -> None:
    town = leaves(weekly(Town(RULES, answers={"ben": (30, "yes"), "pat": (20, "no")}))).run(240)
    mine = [e for name in WEEKS for e in town.open("patient_declined", name)]
    assert len(mine) == 1
    assert [t.question for t in town.said if t.person == "pat" and t.question] == ["agree_patient"]
    assert {c.state for name in WEEKS for c in town.cases("cover", name)} == {"handed"}


def test_d3_series_no_visit_after_that_day_goes_to_who_left() -> None:
    town = leaves(weekly(Town(RULES)))
    town.booked("later", patient="pat-5", provider="cleo", start=MONTHS_END + timedelta(days=20, hours=16))
    town.answer("cleo", "no", on="later").run(60)
    asked = [a.person_id for a in town.state("later").asks if a.purpose == "cover"]
    assert "ana" not in asked


def test_d3_series_content_says_it_in_the_systems_own_words() -> None:
    town = Town(RULES).booked("one", series="A-77").booked("two", start=at(13, 10), series="A-77")
    assert town.visit("one").series_id == town.visit("two").series_id
    assert town.copy("one")["start_at"] == instant_text(at(6, 10))
