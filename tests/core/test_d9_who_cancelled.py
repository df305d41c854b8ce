"""D9 and D25: who cancelled, where the system does not say. The shipped playbooks know what to do then, so that a
cancellation is not an exception each time; a playbook without such a rule stops at the missing fact (D6)."""

from __future__ import annotations

import pytest

from caredispatch.core.observation import AppointmentSeen
from caredispatch.core.playbook import Condition, FollowUp, HandTo, Nothing, OneOf, Rule
from caredispatch.core.records import Initiator
from caredispatch.policy.profiles import profile_names
from tests.core.clinic import playbook, policy
from tests.core.play import Play, minutes
from tests.core.random_days import rules

OURS = Rule("We cancelled", ("cancelled",), (FollowUp("times"),), (Condition("initiator", OneOf(("practice",))),))


def cancelled(play: Play, by: Initiator | None) -> Play:
    """The booking system cancels the visit, and says by whom or does not; the settle time passes."""
    content, order = play.copies["booking", "1"]
    gone = {**content, "status": "cancelled"}
    play.copies["booking", "1"] = (gone, order + 1)
    return play.step(AppointmentSeen("booking", "1", gone, order + 1, initiator=by)).run(4)


@pytest.mark.parametrize("by", [None, "patient", "practice"])
@pytest.mark.parametrize("profile", profile_names())
def test_d25_a_cancellation_is_no_exception_in_a_shipped_playbook_whoever_it_was(
    profile: str, by: Initiator | None
) -> None:
    shipped = rules(profile, ehr=False)
    service = next(iter(shipped.playbook.services))
    play = Play(shipped).seen(service=service, actor_provider="Ana")
    raised = list(play.raised)
    cancelled(play, by)
    assert play.raised == raised
    assert [c.rule for c in play.cases("follow_up")] == {
        None: ["Cancelled, and the system does not say by whom"],
        "patient": [],
        "practice": ["We cancelled"],
    }[by]


def test_d9_who_may_have_cancelled_themselves_is_offered_a_new_time_after_a_while_only() -> None:
    play = Play(rules("behavioral-health", ehr=False)).seen(actor_provider="Ana")
    began = play.now
    cancelled(play, None)
    [case] = play.cases("follow_up")
    assert case.due_at is not None
    assert case.due_at - began >= minutes(120)


def test_d6_who_cancelled_is_a_missing_fact_where_no_rule_names_it_unknown() -> None:
    play = Play(policy(playbook(patient_rules=(OURS,)))).seen()
    cancelled(play, None)
    assert [e.detail["fact"] for e in play.open("missing_fact")] == ["initiator"]


@pytest.mark.parametrize(("by", "matched"), [(None, "nobody says"), ("patient", "somebody says")])
def test_d6_a_rule_may_say_what_follows_where_the_fact_is_unknown(by: Initiator | None, matched: str) -> None:
    known = Rule(
        "somebody says",
        ("cancelled",),
        (Nothing("known"),),
        (Condition("initiator", OneOf(("unknown",), negate=True)),),
    )
    unknown = Rule("nobody says", ("cancelled",), (HandTo("mia"),), (Condition("initiator", OneOf(("unknown",))),))
    play = Play(policy(playbook(patient_rules=(known, unknown)))).seen()
    cancelled(play, by)
    routed = [
        r for _, d in play.decisions for r in d.trace.rules if r.trigger == "cancelled" and r.section == "patient"
    ]
    assert [r.rule.name for r in routed if r.rule] == [matched]
    assert play.open("missing_fact") == []
