"""D6, D28, D29, D31 and E30: which rule acts, what a stage that is not live leaves to a person, and that nobody
sleeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import PatientFacts
from caredispatch.core.playbook import (
    AskStep,
    Condition,
    Confirm,
    Cover,
    HandTo,
    Nothing,
    OneOf,
    Path,
    Rule,
    ServicePolicy,
    Stage,
    Window,
    Within,
)
from caredispatch.core.records import StageName, StageState
from tests.core.clinic import (
    ASK_PATIENT,
    BACKUP,
    DANA,
    NO_AGREEMENT,
    POOL,
    STAGES,
    VISIT,
    at,
    cover_path,
    playbook,
    policy,
)
from tests.core.play import Play, ana_cannot, booked

STATES: tuple[StageState, ...] = ("off", "shadow", "live")


def staged(name: StageName, state: StageState, **changes: object) -> Play:
    """A booking under a playbook in which one stage stands like that."""
    stages = {s: Stage(state if s == name else "live") for s in STAGES}
    book = playbook(to_patient=ASK_PATIENT, services=NO_AGREEMENT, stages=stages, **changes)  # type: ignore[arg-type]
    return Play(policy(book)).seen()


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_d29_a_booking_stage_that_is_not_live_asks_nobody_and_leaves_marked_items(state: StageState) -> None:
    play = staged("booking_confirmation", state).run(60)
    assert play.said == []
    marked = play.open("stage_not_live")
    assert [e.detail["state"] for e in marked] == [state, state]
    would_ask = {e.detail.get("would_ask") for e in marked}
    assert would_ask == ({"provider", "patient"} if state == "shadow" else {None})


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_e30_dispatch_that_is_not_live_books_asks_and_holds_nothing(state: StageState) -> None:
    play = staged("dispatch_routing", state).answer("ana", "no").run(60)
    assert "ben" not in [s.person for s in play.said]
    marked = play.open("stage_not_live")[0]
    assert marked.detail["stage"] == "dispatch_routing"
    assert marked.detail.get("would_ask") == ("ben" if state == "shadow" else None)
    assert [c for c in play.cases() if c.state == "open"] == []
    assert [o.resource_id for o in play.state.occupations if o.resource_id == "ben"] == []


def test_e30_shadow_decides_at_night_without_a_timer() -> None:
    play = staged("dispatch_routing", "shadow").run(until=at(4, 23)).answer("ana", "no").run(1)
    assert play.open("stage_not_live")[0].detail["would_ask"] == "ben"


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_d29_escalation_that_is_not_live_asks_the_first_step_then_the_named_human(state: StageState) -> None:
    play = staged("escalation", state, cover=cover_path(POOL, BACKUP)).answer("ana", "no").answer("pat", "yes")
    play.run(1).answer("ben", "no").answer("cleo", "no").run(1)
    assert [p for _, p in play.asked] == ["pat", "ben", "cleo"]
    handed = play.open("nobody_found")[0]
    assert (handed.owner, handed.detail["stage"], handed.detail["state"]) == ("dana", "escalation", state)
    assert handed.detail.get("would_ask") == ("backups" if state == "shadow" else None)


def test_d29_where_dispatch_is_not_live_the_patient_hears_all_the_same() -> None:
    play = staged("dispatch_routing", "off").answer("ana", "no").run(until=VISIT)
    assert "patient_uncovered" in play.texts("pat")


def test_d29_a_stage_may_be_live_at_one_site_only() -> None:
    stages = {s: Stage("live", {"north": "off"}) if s == "dispatch_routing" else Stage() for s in STAGES}
    play = ana_cannot(policy(playbook(stages=stages))).run(5)
    assert play.asked == []
    assert len(play.open("stage_not_live")) == 1


def test_d31_a_human_comes_first_where_the_patient_says_so() -> None:
    play = Play(policy(), patient=PatientFacts(state="IL", automation="human_first")).seen().run(10)
    assert play.said == []
    assert play.open("handed_over")[0].detail["why"] == "human_first"


def test_d31_a_human_comes_first_where_the_service_says_so() -> None:
    services = {"therapy-50": ServicePolicy(automation="human_first")}
    play = Play(policy(playbook(services=services))).seen().run(10)
    assert play.said == []
    assert play.open("handed_over")[0].detail["why"] == "human_first"


def test_d6_an_unknown_condition_stops_the_matching_and_names_the_fact() -> None:
    rule = Rule("many no-shows", ("booked",), (HandTo("mia"),), (Condition("patient_no_shows_90d", Within(3)),))
    play = booked(policy(playbook(rules=(rule,))))
    assert play.said == []
    assert play.open("missing_fact")[0].detail["fact"] == "patient_no_shows_90d"


def test_d6_a_known_condition_that_fails_goes_on_to_the_next_rule_and_says_why() -> None:
    rule = Rule("many no-shows", ("booked",), (HandTo("mia"),), (Condition("patient_no_shows_90d", Within(3)),))
    play = Play(policy(playbook(rules=(rule,))), patient=PatientFacts(state="IL", no_shows_90d=1)).seen()
    assert play.texts("ana") == ["new_visit"]
    passed = play.decisions[0][1].trace.rules[0].passed_over
    assert [(p.rule, p.condition, p.wanted, p.was) for p in passed] == [
        ("many no-shows", "patient_no_shows_90d", "3..", "1")
    ]


def test_the_first_rule_that_matches_acts_and_only_that_one() -> None:
    rules = (
        Rule("intake", ("booked",), (HandTo("mia"),), (Condition("service", OneOf(("intake",))),)),
        Rule("not here", ("booked",), (Nothing("not here"),), (Condition("location", OneOf(("north",), negate=True)),)),
    )
    play = booked(policy(playbook(rules=rules)))
    assert play.texts("ana") == ["new_visit"]
    assert [p.rule for p in play.decisions[0][1].trace.rules[0].passed_over] == ["intake", "not here"]


def test_a_trigger_that_no_rule_answers_goes_to_a_person() -> None:
    book = playbook()
    book = replace(book, sections={"staff": (), "patient": ()})
    play = Play(policy(book)).seen()
    assert play.raised == [(0, "handed_over", "dana")]


def test_d28_an_exception_that_nobody_claims_climbs_and_climbs_again() -> None:
    rules = policy(playbook(rules=(Rule("by hand", ("booked",), (HandTo("mia"),)),)))
    play = booked(rules)
    assert play.open("handed_over")[0].owner == "mia"
    play.run(15)
    assert (play.open("handed_over")[0].owner, play.open("handed_over")[0].escalated) == ("dana", 1)
    play.run(120)
    assert play.open("handed_over")[0].escalated >= 3


def test_d28_claimed_it_rests_and_given_back_it_climbs_again() -> None:
    rules = policy(playbook(rules=(Rule("by hand", ("booked",), (HandTo("mia"),)),)))
    play = booked(rules).act("claim", on="handed_over").run(600)
    assert play.open("handed_over")[0].escalated == 0
    play.act("release_claim", on="handed_over").run(15)
    assert play.open("handed_over")[0].escalated == 1


def test_a_resolved_exception_is_done() -> None:
    rules = policy(playbook(rules=(Rule("by hand", ("booked",), (HandTo("mia"),)),)))
    play = booked(rules).act("resolve", on="handed_over", note="phoned").run(600)
    assert play.open("handed_over") == []
    assert play.visit.next_look_at is None


def test_somebody_assigned_by_hand_is_told_and_the_patient_hears() -> None:
    play = ana_cannot(policy(playbook(services=NO_AGREEMENT))).run(31)
    play.act("assign", on="nobody_found", staff_id="cleo")
    assert (play.provider, play.coverage) == ("cleo", "confirmed")
    assert play.open("nobody_found") == []
    assert play.texts("cleo")[-1] == "new_visit"
    assert play.texts("ana")[-1] == "visit_cancelled_staff"
    assert play.texts("pat") == ["patient_settled"]


def test_a_person_who_is_not_free_or_not_known_is_not_assigned() -> None:
    play = ana_cannot(policy(playbook(services=NO_AGREEMENT))).run(31)
    play.act("assign", on="nobody_found", staff_id="nobody").act(
        "assign", on="nobody_found", staff_id="cleo", role="cook"
    )
    assert play.provider == "ana"
    assert len(play.open("nobody_found")) == 1


def test_d22_a_patient_who_declines_reaches_a_person_even_without_a_rule() -> None:
    play = booked(policy(playbook(to_patient=ASK_PATIENT))).answer("pat", "no")
    assert play.raised == [(0, "handed_over", "dana")]


def test_a_decline_may_name_its_own_cover() -> None:
    step = AskStep("assignee", ("sms",), Window("minutes", 20), on_decline=Cover("qualified", "cover"))
    book = playbook(booked=(Confirm("provider", "provider"),), provider=Path("provider", False, (step, DANA)))
    play = booked(policy(book)).answer("ana", "no").run(1)
    assert [p for _, p in play.asked] == ["ana", "ben"]


def test_e30_shadow_skips_an_empty_step_at_once_as_live_would() -> None:
    people = AskStep("nobody_here", ("sms",), Window("minutes", 15))
    play = staged("dispatch_routing", "shadow", cover=cover_path(people, POOL)).answer("ana", "no").run(1)
    assert [e.detail["would_ask"] for e in play.open("stage_not_live")] == ["ben"]


def test_e30_shadow_that_finds_nobody_says_so_and_is_marked() -> None:
    alone = AskStep("nobody_here", ("sms",), Window("minutes", 15))
    play = staged("dispatch_routing", "shadow", cover=cover_path(alone)).answer("ana", "no").run(1)
    assert [e.detail["would_ask"] for e in play.open("stage_not_live")] == ["nobody"]
    assert play.open("nobody_found") == []


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_d25_items_about_a_visit_leave_the_queue_when_it_is_cancelled(state: StageState) -> None:
    play = staged("booking_confirmation", state)
    assert len(play.open("stage_not_live")) == 2
    play.seen(status="cancelled").run(5)
    assert play.open("stage_not_live") == []
    assert play.visit.next_look_at is None


def test_d22_probably_cancels_is_answered_by_the_cancellation() -> None:
    play = booked(policy(playbook(to_patient=ASK_PATIENT))).answer("pat", "opt_out").seen(status="cancelled").run(5)
    assert play.open("probably_cancels") == []


@pytest.mark.parametrize("state", ["off", "shadow"])
def test_d29_cover_that_a_decline_names_is_marked_where_dispatch_is_not_live(state: StageState) -> None:
    step = AskStep("assignee", ("sms",), Window("minutes", 20), on_decline=Cover("qualified", "cover"))
    path = Path("provider", False, (step, DANA))
    play = staged("dispatch_routing", state, booked=(Confirm("provider", "provider"),), provider=path)
    play.answer("ana", "no").run(60)
    assert [p for _, p in play.asked if p not in ("ana", "pat")] == []
    assert [e.detail["state"] for e in play.open("stage_not_live")] == [state]


def test_d31_cover_that_a_decline_names_waits_for_a_human_where_the_patient_says_so() -> None:
    step = AskStep("assignee", ("sms",), Window("minutes", 20), on_decline=Cover("qualified", "cover"))
    book = playbook(booked=(Confirm("provider", "provider"),), provider=Path("provider", False, (step, DANA)))
    play = booked(policy(book))
    play.patient = PatientFacts(state="IL", automation="human_first")
    play.answer("ana", "no").run(1)
    assert play.cases("cover") == []
    assert play.open("handed_over")[0].detail["why"] == "human_first"
