"""D2: each role of a visit has its own coverage, its own case and its own place before a person; what settles one
leaves the others alone."""

from __future__ import annotations

import pytest

from caredispatch.core.facts import Busy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered
from caredispatch.core.playbook import Condition, Cover, HandTo, OneOf, Rule, Stage
from tests.core.clinic import (
    ASK_PATIENT,
    ASK_PROVIDER,
    NO_AGREEMENT,
    STAGES,
    VISIT,
    WITH_EHR,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import Play, minutes

PEOPLE = directory(*(staff(h) for h in ("ana", "ben", "cleo", "dov")))
ONE_EACH = policy(playbook(services=NO_AGREEMENT), PEOPLE)


def two_lost(rules: object = ONE_EACH) -> Play:
    """Ana and cleo were told of their visit; both can't."""
    play = Play(rules).seen(actor_co_provider="cleo")  # type: ignore[arg-type]  # a Policy
    return play.answer("ana", "no", purpose="inform_staff").answer("cleo", "no", purpose="inform_staff").run(1)


def test_d2_finding_one_role_leaves_the_other_before_its_human() -> None:
    play = two_lost().run(60)
    assert sorted(e.detail["role"] for e in play.open("nobody_found")) == ["co_provider", "provider"]
    play.act("assign", staff_id="ben", role="provider")
    assert [e.detail["role"] for e in play.open("nobody_found")] == ["co_provider"]
    assert play.coverage == "uncovered"


def test_d2_a_yes_in_one_role_does_not_take_the_other_off_the_queue() -> None:
    play = two_lost().run(60)
    yes = next(a for a in play.state.asks if a.purpose == "cover" and a.role == "provider" and a.state == "expired")
    play.answer(yes.person_id, "yes", purpose="cover")
    assert len(play.open("nobody_found")) == 1


@pytest.mark.parametrize("by_hand", [True, False])
def test_d2_two_roles_lost_at_once_are_two_items_and_each_names_its_role(by_hand: bool) -> None:
    stages = {s: Stage("off" if s == "dispatch_routing" else "live") for s in STAGES}
    hand = Rule("by hand", ("staff_unavailable",), (HandTo("mia"),))
    book = playbook(rules=(hand,)) if by_hand else playbook(stages=stages)
    play = two_lost(policy(book, PEOPLE))
    items = play.open("handed_over" if by_hand else "stage_not_live")
    assert sorted(e.detail["role"] for e in items) == ["co_provider", "provider"]
    play.act("assign", staff_id="ben", role="provider")
    left = play.open("handed_over" if by_hand else "stage_not_live")
    assert [e.detail["role"] for e in left] == ["co_provider"]


def test_d2_both_taken_by_another_system_each_finds_its_own_cover() -> None:
    play = Play(ONE_EACH)
    for who in ("ana", "cleo"):
        play.busy[who] = (Busy(VISIT, VISIT + minutes(50), "external", None, Id(f"s-{who}"), "elsewhere"),)
    play.seen(actor_co_provider="cleo").run(1)
    assert sorted((c.role, c.state) for c in play.cases()) == [("co_provider", "open"), ("provider", "open")]
    asked = sorted((a.role, a.person_id) for a in play.state.asks if a.purpose == "cover")
    assert {role for role, _ in asked} == {"co_provider", "provider"}


def test_a_providers_yes_does_not_hide_a_write_that_failed() -> None:
    """Promise 5: what was refused for good stays visible until a person decides."""
    play = Play(policy(playbook(booked=ASK_PROVIDER, to_patient=ASK_PATIENT), directory(systems=WITH_EHR)))
    play.write_ends = {"ehr": "refused"}
    play.seen()
    assert len(play.open("delivery_failed")) == 1
    play.write_ends = {}
    play.answer("ana", "yes")
    assert len(play.open("delivery_failed")) == 1


def test_a_silent_provider_who_then_declines_is_off_the_queue_as_silent() -> None:
    play = Play(policy(playbook(booked=ASK_PROVIDER))).seen().run(21)
    assert len(play.open("provider_silent")) == 1
    play.answer("ana", "no")
    assert play.open("provider_silent") == []


@pytest.mark.parametrize("order", [("ana", "cleo"), ("cleo", "ana")])
def test_d2_two_roles_lost_at_once_each_have_their_own_rule_and_ranking(order: tuple[str, str]) -> None:
    """For the co-provider whoever is qualified will do, for the provider only the patient's own team."""
    own_team = Rule(
        "own team",
        ("staff_unavailable",),
        (Cover("same_care_plan", "cover"),),
        (Condition("role", OneOf(("provider",))),),
    )
    crowd = directory(staff("ana"), staff("ben"), staff("abe", tags=()), staff("cleo"))
    play = Play(policy(playbook(services=NO_AGREEMENT, rules=(own_team,)), crowd)).seen(actor_co_provider="cleo")
    for who in order:
        play.step(Answered(play.ask_of(who, "inform_staff").ask_id, "no", "sms"), settle=False)
    play.run(1)
    asked = {a.role: a.person_id for a in play.state.asks if a.purpose == "cover"}
    assert asked == {"provider": "ben", "co_provider": "abe"}


def test_d2_nobody_is_asked_to_cover_two_roles_of_one_visit_at_once() -> None:
    """One text, and a yes that counts; the other role asks whoever else can."""
    play = two_lost()
    assert sorted(a.person_id for a in play.state.asks if a.purpose == "cover" and a.open) == ["ben", "dov"]
    play.answer("ben", "yes", purpose="cover").run(60)
    assert play.visit.actor(play.ask_of("ben", "cover").role) == "ben"
    assert play.texts("ben").count("ask_cover") == 1


def test_d2_whoever_takes_one_role_once_the_patient_agrees_is_not_asked_for_the_other() -> None:
    play = two_lost(policy(playbook(), PEOPLE))
    play.answer("ben", "yes", purpose="cover").answer("dov", "no", purpose="cover").run(60)
    assert play.texts("ben").count("ask_cover") == 1
    play.answer("pat", "yes", purpose="agree_patient")
    assert [p.role for p in play.visit.participants if p.actor_id == "ben"] == [play.ask_of("ben", "cover").role]


def test_d2_whoever_declined_one_role_may_be_asked_for_the_other() -> None:
    play = two_lost()
    play.answer("ben", "no", purpose="cover").answer("dov", "no", purpose="cover").run(60)
    assert {a.role for a in play.state.asks if a.person_id == "ben"} == {"provider", "co_provider"}
