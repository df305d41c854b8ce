"""Finding cover, in the field's words: who is asked when, what an answer leads to, and where it ends (D2, D6, D11,
D22)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from caredispatch.core.facts import Busy, Hours, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Reported
from caredispatch.core.playbook import AskStep, Cover, Rule, Window
from tests.core.clinic import (
    ASK_PATIENT,
    BACKUP,
    NO_AGREEMENT,
    PATIENT_ID,
    POOL,
    VISIT,
    at,
    cover_path,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import Play, ana_cannot, booked, email, minutes, sms

PLAIN = policy(playbook(services=NO_AGREEMENT))
ALL_AT_ONCE = policy(
    playbook(services=NO_AGREEMENT, cover=cover_path(AskStep("pool", ("sms",), Window("minutes", 15), at_once=3)))
)


def test_an_unanswered_ask_climbs_the_path_and_ends_before_a_named_human() -> None:
    play = ana_cannot(PLAIN).run(45)
    assert play.told == [(0, "ben"), (15, "cleo"), (30, "dana")]
    assert play.cover().outcome == "path_ended"


def test_a_yes_settles_and_everybody_concerned_hears() -> None:
    play = ana_cannot(PLAIN, answers={"ben": (5, "yes")}).run(60)
    assert play.asked == [(0, "ben")]
    assert (play.provider, play.coverage) == ("ben", "confirmed")
    assert play.texts("ben") == ["ask_cover", "cover_settled"]
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    assert play.raised == []


def test_everybody_asked_at_once_the_first_yes_wins_and_the_others_hear_the_truth() -> None:
    people = directory(*(staff(h) for h in ("ana", "ben", "cleo", "dov")))
    rules = policy(ALL_AT_ONCE.playbook, people)
    play = ana_cannot(rules, answers={"cleo": (3, "yes"), "ben": (4, "yes")}).run(60)
    assert play.asked == [(0, "ben"), (0, "cleo"), (0, "dov")]
    assert play.provider == "cleo"
    assert play.texts("dov") == ["ask_cover", "withdrawn_cover"]
    assert play.texts("ben") == ["ask_cover", "withdrawn_cover", "already_taken"]


def test_d22_the_same_late_yes_twice_is_answered_once() -> None:
    people = directory(*(staff(h) for h in ("ana", "ben", "cleo")))
    play = ana_cannot(
        policy(ALL_AT_ONCE.playbook, people), answers={"cleo": (3, "yes"), "ben": [(4, "yes"), (5, "yes")]}
    )
    play.run(60)
    assert play.texts("ben").count("already_taken") == 1


def test_a_decline_asks_the_next_at_once() -> None:
    play = ana_cannot(PLAIN, answers={"ben": (2, "no")}).run(10)
    assert play.asked == [(0, "ben"), (2, "cleo")]


def test_promise_3_an_unreachable_person_is_skipped_at_once() -> None:
    play = ana_cannot(PLAIN, contacts={"ben": ()}).run(5)
    assert play.asked == [(0, "cleo")]


def test_an_undeliverable_text_moves_on_at_once_to_the_next_contact_then_the_next_person() -> None:
    rules = policy(
        playbook(services=NO_AGREEMENT, cover=cover_path(AskStep("pool", ("sms", "email"), Window("minutes", 15))))
    )
    play = ana_cannot(rules, contacts={"ben": (sms("ben"), email("ben"))}, undeliverable=("sms:ben", "email:ben")).run(
        1
    )
    assert [(s.minute, s.person, s.channel) for s in play.said if s.asked] == [
        (0, "ben", "sms"),
        (0, "ben", "email"),
        (0, "cleo", "sms"),
    ]


def test_e11_a_late_yes_counts_while_the_case_lives_even_after_its_ask_expired() -> None:
    play = ana_cannot(PLAIN).run(20).answer("ben", "yes")
    assert play.provider == "ben"
    assert play.texts("cleo")[-1] == "withdrawn_cover"


def test_e11_a_late_yes_counts_even_after_the_hand_over_while_nobody_claimed_it() -> None:
    play = ana_cannot(PLAIN).run(31)
    assert len(play.open("nobody_found")) == 1
    play.answer("ben", "yes")
    assert play.provider == "ben"
    assert play.open("nobody_found") == []


def test_a_yes_after_a_human_claimed_it_gets_the_truth_and_automation_backs_off() -> None:
    play = ana_cannot(PLAIN).run(31).act("claim", on="nobody_found").answer("ben", "yes")
    assert play.texts("ben")[-1] == "already_taken"
    assert play.provider == "ana"
    assert play.coverage == "uncovered"


def test_a_yes_of_somebody_who_was_booked_meanwhile_is_already_taken() -> None:
    play = ana_cannot(PLAIN)
    play.busy["ben"] = (Busy(VISIT, VISIT + minutes(50), "booked", Id("other"), Id("other"), "booking"),)
    play.answer("ben", "yes")
    assert play.texts("ben")[-1] == "already_taken"
    assert play.asked == [(0, "ben"), (0, "cleo")]


def test_whoever_settled_it_and_cannot_after_all_opens_cover_again() -> None:
    play = ana_cannot(PLAIN, answers={"ben": (1, "yes")}).run(2).answer("ben", "no", purpose="cover").run(1)
    assert play.asked == [(0, "ben"), (2, "ana")]
    assert [c.state for c in play.cases()] == ["settled", "open"]


def test_d22_a_provider_who_declined_and_then_says_yes_keeps_the_visit() -> None:
    play = ana_cannot(PLAIN).run(5).answer("ana", "yes", purpose="inform_staff")
    assert (play.provider, play.coverage) == ("ana", "confirmed")
    assert play.cover().outcome == "taken_back"
    assert play.texts("ben") == ["ask_cover", "withdrawn_cover"]


def test_e20_a_question_on_its_way_when_it_was_taken_back_is_followed_by_a_true_word() -> None:
    play = ana_cannot(ALL_AT_ONCE)
    late = replace(play.ask_of("cleo"), state="pending", sent_at=None)  # the carrier has not taken it yet
    others = tuple(a for a in play.state.asks if a.ask_id != late.ask_id)
    play.state = replace(play.state, asks=(*others, late))
    play.answer("ben", "yes")
    assert (play.provider, play.ask_of("cleo").state, play.texts("cleo")) == ("ben", "withdrawn", ["ask_cover"])
    play.step(Reported(Id("on its way"), late.ask_id, "accepted", late.contact_id))
    play.step(Reported(Id("on its way"), late.ask_id, "delivered", late.contact_id))
    assert play.texts("cleo") == ["ask_cover", "withdrawn_cover"]


# -- quiet hours and limits (D21, E12, E24)


def test_e24_a_wholly_quiet_step_waits_for_the_morning() -> None:
    play = booked(PLAIN).run(until=at(4, 22)).answer("ana", "no").run(until=at(5, 7, 1))
    assert play.asked == [(21 * 60, "ben")]


def test_e24_a_person_in_quiet_hours_is_skipped_while_another_is_awake() -> None:
    play = booked(PLAIN, contacts={"ben": (sms("ben", quiet_begin=0, quiet_end=1439),)})
    play.answer("ana", "no").run(1)
    assert play.asked == [(0, "cleo")]


def test_e24_an_urgent_path_ignores_quiet_hours() -> None:
    rules = policy(playbook(services=NO_AGREEMENT, cover=cover_path(POOL, urgent=True)))
    play = booked(rules).run(until=at(4, 22)).answer("ana", "no").run(1)
    assert play.asked == [(12 * 60, "ben")]


def test_e24_a_step_that_stays_quiet_until_the_last_useful_moment_goes_to_a_human() -> None:
    early = at(6, 7, 30)
    play = Play(PLAIN, now=at(5, 19)).seen(start_at=early).run(until=at(5, 21)).answer("ana", "no")
    play.run(until=at(6, 5, 31))
    assert play.asked == []
    assert play.raised[0] == (10 * 60 + 30, "nobody_found", "dana")


def test_e12_nobody_is_asked_more_often_than_the_limit_allows() -> None:
    play = ana_cannot(PLAIN, asks_made={"ben": 4}).run(1)
    assert play.asked == [(0, "cleo")]


def test_e12_an_urgent_path_may_pass_the_limit() -> None:
    rules = policy(playbook(services=NO_AGREEMENT, cover=cover_path(POOL, urgent=True)))
    play = ana_cannot(rules, asks_made={"ben": 4}).run(1)
    assert play.asked == [(0, "ben")]


# -- D2, D6, D11


def test_d2_losing_one_of_two_roles_opens_one_case_for_that_role_and_coverage_is_the_worst() -> None:
    play = Play(PLAIN).seen(actor_co_provider="cleo")
    assert play.coverage == "confirmed"
    play.answer("cleo", "no")
    assert play.coverage == "uncovered"
    assert play.visit.participant("provider").coverage == "confirmed"  # type: ignore[union-attr]  # there is one
    assert [(c.role, c.state) for c in play.cases()] == [("co_provider", "open")]
    play.run(1).answer("ben", "yes")
    assert (play.visit.actor("co_provider"), play.provider, play.coverage) == ("ben", "ana", "confirmed")


def test_d2_a_change_of_one_role_asks_only_that_role() -> None:
    play = Play(PLAIN).seen(actor_co_provider="cleo").seen(actor_co_provider="ben")
    assert play.texts("ana") == ["new_visit"]
    assert play.texts("ben") == ["new_visit"]


def test_d2_a_role_with_nobody_in_it_is_a_gap_at_once() -> None:
    play = Play(PLAIN)
    content = {k: v for k, v in play.seen().copies["booking", "1"][0].items() if k != "actor.provider"}
    empty = Play(PLAIN)
    empty.copies["booking", "2"] = (content, 0)
    empty.seen(external="2").run(1)
    assert empty.asked == [(0, "ana")]


@pytest.mark.parametrize(
    ("missing", "patient", "changes"),
    [
        ("licence", PatientFacts(tags=("adult",), state=None), {"modality": "video"}),
        ("care_plan", PatientFacts(tags=(), state="IL"), {}),
        ("role, skill", PatientFacts(tags=("adult",), state="IL"), {"service": "never-heard-of"}),
    ],
)
def test_d6_an_unknown_predicate_is_never_silently_yes(
    missing: str, patient: PatientFacts, changes: dict[str, str]
) -> None:
    rule = Rule("same team", ("staff_unavailable",), (Cover("same_care_plan", "cover"),))
    rules = policy(playbook(services=NO_AGREEMENT, rules=(rule,)))
    play = Play(rules, patient=patient).seen("booking", "1", mode="live", **changes).answer("ana", "no").run(1)
    assert play.asked == []
    assert play.open("nobody_found")[0].detail["missing"] == missing


def test_d11_assigned_by_hand_in_the_source_in_mid_offer_closes_the_case_and_withdraws() -> None:
    play = ana_cannot(PLAIN).run(5).seen(actor_provider="cleo")
    assert play.cover().outcome == "assigned_elsewhere"
    assert play.ask_of("ben").state == "withdrawn"
    play.answer("ben", "yes")
    assert play.texts("ben")[-1] == "already_taken"
    assert (play.provider, play.coverage) == ("cleo", "confirmed")


def test_d11_the_rest_of_the_time_passes_without_another_word() -> None:
    play = ana_cannot(PLAIN).run(5).seen(actor_provider="cleo")
    words = len(play.said)
    play.run(until=VISIT + timedelta(hours=2))
    assert len(play.said) == words


def test_a_visit_moved_in_mid_offer_is_another_question() -> None:
    play = ana_cannot(PLAIN).run(5).seen(start_at=VISIT + minutes(120))
    assert play.cover().outcome == "visit_changed"
    assert play.texts("ana") == ["new_visit", "new_visit"]
    play.answer("ben", "yes")
    assert play.provider == "ana"
    assert play.coverage == "confirmed"


def test_the_steps_of_a_path_are_climbed_in_order_and_nobody_is_asked_twice() -> None:
    rules = policy(playbook(services=NO_AGREEMENT, cover=cover_path(POOL, BACKUP)))
    play = ana_cannot(rules, answers={"ben": (1, "no"), "cleo": (2, "no")}).run(60)
    assert play.told == [(0, "ben"), (1, "cleo"), (3, "dana")]


def test_d6_a_named_group_is_asked_only_as_far_as_its_people_can_take_it() -> None:
    people = directory(staff("ana"), staff("ben", roles=("nurse",)), staff("cleo"))
    play = ana_cannot(policy(playbook(services=NO_AGREEMENT, cover=cover_path(BACKUP)), people)).run(60)
    assert play.told == [(0, "cleo"), (15, "dana")]


def test_a_patient_whose_visit_is_never_staffed_is_not_asked_to_confirm_it() -> None:
    play = Play(policy(playbook(to_patient=ASK_PATIENT)))
    play.busy["ana"] = (Busy(VISIT, VISIT + minutes(50), "external", None, Id("theirs"), "elsewhere"),)
    play.seen().run(until=VISIT)
    assert play.texts("pat") == ["patient_uncovered"]
    assert [c.outcome for c in play.cases("confirm") if c.role == "patient"] == ["never_staffed"]


# -- how long a step waits


def test_a_step_until_some_time_before_the_start_waits_until_then() -> None:
    step = AskStep("pool", ("sms",), Window("until_before_start", 24 * 60))
    play = ana_cannot(policy(playbook(services=NO_AGREEMENT, cover=cover_path(step)))).run(until=VISIT)
    assert play.told[:2] == [(0, "ben"), (24 * 60, "cleo")]
    assert play.told[2] == (24 * 60 + 10, "dana")


def test_d16_reachable_minutes_of_a_pool_are_minutes_in_which_they_can_look() -> None:
    noon = tuple(Hours(day, 12 * 60, 18 * 60, "north") for day in range(7))
    later = staff("ben", hours=noon)
    people = directory(staff("ana"), later, staff("cleo"))
    book = playbook(services=NO_AGREEMENT, cover=cover_path(AskStep("pool", ("sms",), Window("reachable", 20))))
    play = Play(policy(book, people)).seen(start_at=at(6, 13)).answer("ana", "no").run(until=at(4, 13))
    assert play.told[:2] == [(0, "ben"), (140, "cleo")]


def test_d27_a_pool_is_asked_with_the_time_the_place_and_the_service_and_nothing_of_the_patient() -> None:
    play = ana_cannot(PLAIN).run(1)
    asked = [d for _, x in play.decisions for d in x.deliveries if d.text == "ask_cover"]
    assert [sorted(d.params) for d in asked] == [["location", "provider", "service", "start_at"]]
    assert PATIENT_ID not in asked[0].params.values()
