"""Manual work is first class: what a person does by hand goes through the same core, is refused with a word where it
can't be, and can be undone until something left the house (D1, D17, D18, D28, D41)."""

from __future__ import annotations

from datetime import datetime

import pytest

from caredispatch.core.content import instant_text
from caredispatch.core.draft import Policy
from caredispatch.core.facts import ContactFacts, PatientFacts
from caredispatch.core.ids import make_id
from caredispatch.core.observation import Answered
from caredispatch.core.playbook import AskStep, Fill, FollowUp, HandToStep, ListStep, Path, Rule, Window
from tests.core.clinic import (
    ASK_PATIENT,
    NO_AGREEMENT,
    VISIT,
    at,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import minutes, sms
from tests.core.town import Town

PLAIN = policy(playbook(services=NO_AGREEMENT))
TELL_BY = VISIT - minutes(120)
LATER = VISIT + minutes(120)
SECONDS = 1 / 60


def uncovered(rules: Policy = PLAIN, **options: object) -> Town:
    """A visit that ana gave up and nobody takes: it is before dana."""
    town = Town(rules, **options)  # type: ignore[arg-type]  # callers name options of Town
    town.booked("first").run(1)
    return town.answer("ana", "no", on="first").run(60)


# -- exceptions: whose, and until when


def test_d28_a_snoozed_exception_sleeps_and_then_is_its_owner_s_to_claim_again() -> None:
    town = uncovered()
    climbed = town.open("nobody_found", "first")[0].escalated
    town.act("snooze", "first", on="nobody_found", until=at(4, 15))
    row = town.open("nobody_found", "first")[0]
    assert (row.state, row.ack_by) == ("open", at(4, 15))
    town.run(until=at(4, 15) + minutes(1))
    row = town.open("nobody_found", "first")[0]
    assert (row.escalated, row.owner, row.ack_by) == (climbed, "dana", at(4, 15) + minutes(15))
    town.run(15)
    assert town.open("nobody_found", "first")[0].escalated == climbed + 1


def test_d18_nothing_about_a_visit_sleeps_past_the_time_at_which_the_patient_must_hear() -> None:
    town = uncovered()
    town.act("snooze", "first", on="nobody_found", until=VISIT + minutes(600))
    assert town.open("nobody_found", "first")[0].ack_by == TELL_BY


@pytest.mark.parametrize("until", [at(4, 10), at(4, 11, 1)])
def test_nothing_is_snoozed_until_a_time_that_is_over(until: datetime) -> None:
    town = uncovered()
    assert town.now == at(4, 11, 1)
    town.act("snooze", "first", on="nobody_found", until=until)
    assert town.refused() == "in_the_past"


def test_d23_a_message_that_may_mean_danger_is_never_put_off() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT, to_patient=ASK_PATIENT))).booked("first").run(1)
    town.answer("pat", "crisis", on="first")
    town.act("snooze", "first", on="safety", until=at(4, 12))
    assert town.refused() == "danger_never_sleeps"


def test_d28_what_is_handed_over_is_the_other_one_s_to_claim_in_time() -> None:
    town = uncovered()
    town.act("claim", "first", on="nobody_found").act("hand_over", "first", on="nobody_found", to="front_desk")
    row = town.open("nobody_found", "first")[0]
    assert (row.owner, row.state, row.claimed_by, row.ack_by) == ("front_desk", "open", None, town.now + minutes(15))


def test_of_two_coordinators_who_claim_the_same_the_first_has_it() -> None:
    town = uncovered()
    town.act("claim", "first", on="nobody_found", by="noor").act("claim", "first", on="nobody_found", by="omar")
    assert town.refused() == "claimed_already"
    assert town.open("nobody_found", "first")[0].claimed_by == "noor"


def test_of_two_coordinators_who_assign_the_second_decides_anew_and_both_are_on_record() -> None:
    town = uncovered()
    town.act("assign", "first", on="nobody_found", staff_id="ben", by="noor")
    town.act("assign", "first", staff_id="cleo", by="omar")
    assert town.visit("first").actor("provider") == "cleo"
    town.run(1)
    assert "new_visit" not in town.texts("ben")


# -- cases that rest


def asking(**options: object) -> Town:
    """Ana gave the visit up; ben is asked first, cleo after a quarter of an hour."""
    town = Town(PLAIN, **options).booked("first").run(1)  # type: ignore[arg-type]  # callers name options of Town
    return town.answer("ana", "no", on="first").run(1)


def test_while_a_case_rests_nobody_new_is_asked_and_what_was_asked_may_be_answered() -> None:
    town = asking()
    asked = list(town.asked)
    town.act("pause_case", "first").run(120)
    assert town.asked == asked
    town.answer("ben", "yes", on="first").run(1)
    assert town.visit("first").actor("provider") == "ben"


def test_promise_3_a_case_that_rests_reaches_a_person_by_its_own_deadline() -> None:
    town = asking()
    town.act("pause_case", "first").run(until=TELL_BY - minutes(1))
    assert town.open("nobody_found") == []
    town.run(1)
    assert [e.detail["why"] for e in town.open("nobody_found", "first")] == ["paused"]


def test_d18_bad_news_is_told_although_the_case_rests() -> None:
    town = asking()
    town.act("pause_case", "first").run(until=TELL_BY)
    assert town.texts("pat") == ["patient_uncovered"]


def test_a_case_that_goes_on_asks_whoever_is_next_at_once() -> None:
    town = asking()
    town.act("pause_case", "first").run(60)
    assert "cleo" not in [who for _, who in town.asked]
    town.act("resume_case", "first").run(1)
    assert "cleo" in [who for _, who in town.asked]


def test_a_case_can_rest_for_a_while() -> None:
    town = asking()
    town.act("pause_case", "first", until=town.now + minutes(40)).run(39)
    assert "cleo" not in [who for _, who in town.asked]
    town.run(2)
    assert "cleo" in [who for _, who in town.asked]


def test_a_patient_is_not_asked_while_their_confirmation_rests_and_is_phoned_at_its_deadline() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT, to_patient=ASK_PATIENT)), now=at(4, 22))
    town.booked("first").run(1)
    patient = next(c for c in town.cases("confirm", "first") if c.role == "patient")
    town.act("pause_case", "first", case_id=patient.case_id).run(until=TELL_BY - minutes(1))
    assert town.texts("pat") == []
    town.run(2)
    assert [e.detail["need"] for e in town.open("call", "first")] == ["confirm_patient"]


def test_what_is_over_can_not_be_paused() -> None:
    town = uncovered()
    town.act("pause_case", "first")
    assert town.refused() == "case_over"


# -- move


def moved(town: Town, to: datetime = LATER, **params: str) -> Town:
    """Noor moves the visit."""
    return town.act("move", "first", start_at=to, **params)


def test_d17_a_move_is_a_question_to_the_patient_where_they_must_agree() -> None:
    town = Town().booked("first").run(1)
    moved(town).run(1)
    assert town.visit("first").start_at == VISIT
    assert town.texts("pat") == ["offer_times"]
    town.answer("pat", "yes", on="first").run(1)
    assert town.visit("first").start_at == VISIT + minutes(120)
    assert town.texts("pat")[-1] == "booked_for_patient"
    assert town.visit("first").confirmation == "confirmed"


def test_d17_a_move_is_asked_about_in_words_of_its_own_where_the_playbook_has_them() -> None:
    words = {name: {"en": name} for name in ("offer_times", "offer_move", "new_visit")}
    town = Town(policy(playbook(texts=words))).booked("first").run(1)
    moved(town).run(1)
    [text] = [t for t in town.said if t.person == "pat"]
    assert (text.name, text.delivery.params["start_at"]) == ("offer_move", instant_text(VISIT))
    assert instant_text(LATER) in text.delivery.params["options"]


def test_d17_a_no_to_a_move_leaves_the_visit_as_it_is_and_a_person_knows() -> None:
    town = Town().booked("first").run(1)
    moved(town).run(1).answer("pat", "no", on="first").run(1)
    assert town.visit("first").start_at == VISIT
    assert [e.detail["why"] for e in town.open("handed_over", "first")] == ["move_declined"]


def test_d17_silence_about_a_move_leaves_the_visit_as_it_is_and_a_person_knows() -> None:
    town = Town().booked("first").run(1)
    moved(town).run(24 * 60 + 1)
    assert town.visit("first").start_at == VISIT
    assert [e.detail["why"] for e in town.open("handed_over", "first")] == ["move_silent"]


def test_d17_a_patient_who_agreed_on_the_phone_is_asked_nothing() -> None:
    town = Town().booked("first").run(1)
    moved(town, agreed="yes").run(1)
    visit = town.visit("first")
    assert (visit.start_at, visit.confirmation) == (VISIT + minutes(120), "confirmed")
    assert town.texts("pat") == ["patient_moved"]


def test_d20_a_move_that_the_patient_need_only_hear_of_is_told_once() -> None:
    town = Town(PLAIN).booked("first").run(1)
    moved(town).run(1)
    assert town.visit("first").start_at == VISIT + minutes(120)
    assert town.texts("pat") == ["patient_moved"]


def test_d24_whom_no_text_may_reach_is_phoned_about_a_move_and_answers_by_phone() -> None:
    town = Town(patients={"pat": PatientFacts(state="IL", human_only=True)}).booked("first").run(1)
    moved(town).run(1)
    assert [e.detail["need"] for e in town.open("call", "first")] == ["agree_move"]
    town.answer("pat", "yes", on="first", purpose="offer_times", via="phone", by="noor").run(1)
    assert town.visit("first").start_at == VISIT + minutes(120)
    assert "agree_move" not in [e.detail["need"] for e in town.open("call", "first")]


def test_d21_at_night_the_patient_is_asked_about_a_move_in_the_morning() -> None:
    town = Town(now=at(4, 22)).booked("first").run(1)
    moved(town).run(9 * 60)
    assert town.texts("pat") == []
    town.run(60)
    assert town.texts("pat") == ["offer_times"]


def test_a_move_to_another_person_and_site_and_way_is_one_move() -> None:
    rules = policy(playbook(services=NO_AGREEMENT))
    town = Town(rules).booked("first").run(1)
    moved(town, staff_id="ben", modality="video").run(1)
    visit = town.visit("first")
    assert (visit.actor("provider"), visit.modality, visit.start_at) == ("ben", "video", VISIT + minutes(120))
    assert "visit_cancelled_staff" in town.texts("ana")


@pytest.mark.parametrize(
    ("person", "reasons"),
    [
        (staff("ben", licences={}), "licence"),
        (staff("ben", roles=("nurse",)), "role"),
        (staff("ben", hours=()), "hours"),
        (staff("ben", skills=("other",), hours=()), "hours"),
    ],
)
def test_what_is_illegal_about_a_move_is_said(person: object, reasons: str) -> None:
    rules = policy(playbook(services=NO_AGREEMENT), directory(staff("ana"), person))  # type: ignore[arg-type]  # staff
    town = Town(rules).booked("first").run(1)
    moved(town, staff_id="ben")
    notes = [n for n in town.decisions[-1][2].trace.notes if n["code"] == "refused"]
    notes = notes or [n for _, _, d in town.decisions for n in d.trace.notes if n["code"] == "refused"]
    assert [(n["why"], n["reasons"]) for n in notes] == [("not_legal", reasons)]
    assert town.visit("first").start_at == VISIT


def test_nobody_is_moved_onto_somebody_else_s_time_but_up_to_it() -> None:
    town = Town(PLAIN).booked("first").booked("next", patient="pat-2", start=VISIT + minutes(120)).run(1)
    moved(town, VISIT + minutes(71))
    assert town.refused() == "not_legal"
    moved(town, VISIT + minutes(70)).run(1)
    assert town.visit("first").start_at == VISIT + minutes(70)


def test_d7_no_patient_is_moved_onto_another_visit_of_theirs() -> None:
    town = Town(PLAIN).booked("first").booked("next", provider="ben", start=VISIT + minutes(120)).run(1)
    moved(town, VISIT + minutes(120))
    assert town.refused() == "patient_busy"


def test_a_visit_that_needs_a_room_gets_one_at_its_new_time_or_is_not_moved() -> None:
    rules = policy(playbook(services={"exam": NO_AGREEMENT["therapy-50"]}))
    town = Town(rules).booked("first", service="exam", actor_room="room-1").run(1)
    town.booked(
        "other", patient="pat-2", provider="ben", service="exam", actor_room="room-1", start=VISIT + minutes(60)
    )
    moved(town, VISIT + minutes(60)).run(1)
    assert town.visit("first").actor("room") == "room-2"


def test_d42_a_system_that_takes_no_time_from_us_is_a_person_s_to_edit() -> None:
    town = Town(PLAIN).booked("first").run(1)
    moved(town).run(1)
    assert [(e.detail["why"], e.detail["system"]) for e in town.open("handed_over")] == [("edit_there", "booking")]


# -- overbook


def both(**options: object) -> Town:
    """Ana has a visit at ten, ben one at the same time."""
    town = Town(PLAIN, **options)  # type: ignore[arg-type]  # callers name options of Town
    return town.booked("first").booked("other", patient="pat-2", provider="ben").run(1)


def test_d1_e8_a_deliberate_overbook_joins_the_session_that_it_overlaps_and_says_so() -> None:
    town = both()
    town.act("assign", "first", staff_id="ben")
    assert town.refused() == "already_booked"
    town.act("overbook", "first", staff_id="ben", reason="an emergency")
    visit, other = town.visit("first"), town.visit("other")
    assert visit.actor("provider") == "ben"
    assert visit.session_id == other.session_id
    notes = [n for _, _, d in town.decisions for n in d.trace.notes if n["code"] == "overbooked"]
    assert [(n["account"], n["reason"]) for n in notes] == [("noor", "an emergency")]


def test_an_overbook_at_another_time_moves_the_visit_there() -> None:
    town = both()
    town.act("overbook", "first", start_at=VISIT + minutes(30), staff_id="ben", reason="an emergency").run(1)
    assert town.visit("first").start_at == VISIT + minutes(30)
    assert town.texts("pat") == ["patient_moved"]


def test_an_overbook_needs_a_reason_and_something_to_overlap() -> None:
    town = both()
    town.act("overbook", "first", staff_id="ben")
    assert town.refused() == "no_reason"
    town.act("overbook", "first", staff_id="cleo", reason="why not")
    assert town.refused() == "nothing_overlapped"


def test_promise_2_an_overbook_that_would_overlap_two_sessions_is_refused() -> None:
    town = both().booked("more", patient="pat-3", provider="ben", start=VISIT + minutes(50)).run(1)
    town.act("overbook", "first", staff_id="ben", start_at=VISIT + minutes(30), reason="an emergency")
    assert town.refused() == "overlaps_several"


def test_a_visit_that_was_overbooked_has_a_session_of_its_own_again_when_it_is_moved_away() -> None:
    town = both()
    town.act("overbook", "first", staff_id="ben", reason="an emergency").run(1)
    moved(town, VISIT + minutes(180)).run(1)
    visit = town.visit("first")
    assert visit.session_id == make_id("session", visit.appointment_id)


def test_nobody_without_a_licence_is_overbooked() -> None:
    people = directory(staff("ana"), staff("ben", licences={}))
    town = Town(policy(playbook(services=NO_AGREEMENT), people))
    town.booked("first").booked("other", patient="pat-2", provider="ben").run(1)
    town.act("overbook", "first", staff_id="ben", reason="an emergency")
    assert town.refused() == "not_legal"


# -- cancel


def test_d18_a_visit_that_the_practice_cancels_is_followed_up() -> None:
    times = Path("times", False, (AskStep("patient", ("sms",), Window("minutes", 600)), ListStep("front_desk")))
    brought_back = Rule("we cancelled", ("cancelled",), (FollowUp("times"),))
    rules = policy(playbook(services=NO_AGREEMENT, patient_rules=(brought_back,), paths=(times,)))
    town = Town(rules).booked("first").run(1)
    town.act("cancel", "first").run(1)
    assert town.texts("pat")[0] == "patient_cancelled"
    assert [c.state for c in town.cases("follow_up", "first")] == ["open"]
    assert town.open("call") == []


def test_d18_where_nothing_brings_the_patient_back_somebody_phones() -> None:
    town = Town(PLAIN).booked("first").run(1)
    town.act("cancel", "first").run(1)
    assert [e.detail["need"] for e in town.open("call", "first")] == ["rebook"]


def test_d23_a_patient_whom_a_clinician_follows_up_hears_nothing_automated_of_a_cancellation() -> None:
    known = PatientFacts(state="IL", clinician_follows_up=True)
    town = Town(PLAIN, patients={"pat": known}).booked("first").run(1)
    town.act("cancel", "first").run(1)
    assert town.texts("pat") == []
    assert town.open("call", "first")


def test_d19_the_time_of_a_visit_that_was_cancelled_by_hand_is_offered_once_it_can_not_be_undone() -> None:
    fill = Path("fill", False, (AskStep("waitlist", ("sms",), Window("minutes", 15)), HandToStep("dana")))
    free = Rule("free", ("cancelled",), (Fill("fill"),))
    town = Town(policy(playbook(services=NO_AGREEMENT, slot_rules=(free,), paths=(fill,)))).booked("first").run(1)
    town.act("cancel", "first").run(9 * SECONDS)
    assert town.cases("fill") == []
    town.run(1)
    assert len(town.cases("fill")) == 1


# -- undo


def snapshot(town: Town) -> object:
    """What matters of the visit, without what every decision touches."""
    state = town.state("first")
    visit = state.appointment
    assert visit is not None
    return (
        visit.status,
        visit.start_at,
        visit.session_id,
        visit.participants,
        visit.confirmation,
        sorted((c.kind, c.role, c.state) for c in state.cases if c.outcome != "undone"),
        sorted((e.kind, e.state, e.owner) for e in state.exceptions if e.resolution != "undone"),
        sorted((o.resource_id, o.start_at) for o in state.occupations),
    )


ACTS = {
    "assign": {"staff_id": "ben"},
    "move": {"start_at": VISIT + minutes(120)},
    "overbook": {"staff_id": "cleo", "reason": "an emergency"},
    "cancel": {},
}


@pytest.mark.parametrize("act", sorted(ACTS))
def test_an_act_is_undone_before_anything_leaves_as_if_it_had_not_been(act: str) -> None:
    town = uncovered().booked("other", patient="pat-2", provider="cleo").run(1)
    before, said = snapshot(town), len(town.said)
    town.act(act, "first", **ACTS[act])  # type: ignore[arg-type]  # names of acts
    assert town.refused() == ""
    assert snapshot(town) != before
    town.run(9 * SECONDS).act("undo", "first")
    assert town.refused() == ""
    assert snapshot(town) == before
    town.run(5)
    assert len(town.said) == said, "something left"


@pytest.mark.parametrize("act", sorted(ACTS))
def test_ten_seconds_later_it_has_left_and_undo_says_so(act: str) -> None:
    town = uncovered().booked("other", patient="pat-2", provider="cleo").run(1)
    town.act(act, "first", **ACTS[act])  # type: ignore[arg-type]  # names of acts
    town.run(10 * SECONDS)
    after = snapshot(town)
    town.act("undo", "first")
    assert town.refused() in ("has_left", "changed_since")
    assert snapshot(town) == after


def test_what_leaves_nothing_is_undone_at_any_time() -> None:
    town = uncovered()
    before = snapshot(town)
    for act, params in (
        ("claim", {}),
        ("snooze", {"until": at(5, 10)}),
        ("hand_over", {"to": "front_desk"}),
        ("resolve", {"note": "done"}),
    ):
        town.act(act, "first", on="nobody_found", **params)  # type: ignore[arg-type]  # names of acts
        assert snapshot(town) != before or act == "snooze"
        town.run(5).act("undo", "first")
        assert town.refused() == ""
        assert snapshot(town) == before


def test_a_case_that_was_paused_by_mistake_goes_on() -> None:
    town = asking()
    town.act("pause_case", "first").run(5).act("undo", "first")
    assert not town.cases("cover", "first")[-1].paused


def test_undo_takes_back_the_last_act_once() -> None:
    town = uncovered()
    town.act("claim", "first", on="nobody_found").act("undo", "first").act("undo", "first")
    assert town.refused() == "nothing_to_undo"


def test_what_somebody_changed_since_is_not_undone() -> None:
    town = uncovered()
    town.act("snooze", "first", on="nobody_found", until=at(4, 12)).run(until=at(4, 12) + minutes(20))
    town.act("undo", "first")
    assert town.refused() == "changed_since"


def test_e20_a_question_that_an_undone_act_took_back_before_it_left_is_sent_after_all() -> None:
    town = asking()
    town.act("resume_case", "first")
    assert town.refused() == "case_goes_on"
    ben = town.ask_of("ben", on="first")
    town.act("cancel", "first").run(3 * SECONDS).act("undo", "first").run(1)
    town.step(ben.appointment_id, Answered(ben.ask_id, "yes", "sms")).run(1)
    assert town.visit("first").actor("provider") == "ben"


def test_d9_an_answer_that_came_while_a_cancellation_could_be_undone_counts() -> None:
    town = Town(policy(playbook(services=NO_AGREEMENT, to_patient=ASK_PATIENT))).booked("first").run(1)
    town.act("cancel", "first").run(3 * SECONDS).answer("pat", "yes", on="first")
    town.act("undo", "first").run(1)
    assert (town.visit("first").status, town.visit("first").confirmation) == ("booked", "confirmed")


def test_d41_an_offer_is_answered_by_phone_with_the_option_that_they_chose() -> None:
    town = Town().booked("first").run(1)
    moved(town).run(1)
    town.answer("pat", "yes", on="first", choice=1, via="phone", by="noor").run(1)
    ask = town.ask_of("pat", on="first", purpose="offer_times")
    assert (ask.answered_via, ask.choice, town.visit("first").start_at) == ("phone", 1, VISIT + minutes(120))


def test_whoever_has_no_consent_recorded_is_texted_as_seldom_by_hand() -> None:
    seldom = sms("pat", consent=False, texts_today=1)
    contacts: dict[str, tuple[ContactFacts, ...]] = {"pat": (seldom,)}
    town = Town(contacts=contacts).booked("first").run(1)
    moved(town).run(1)
    assert "pat" not in [t.person for t in town.said]
    assert [e.detail["need"] for e in town.open("call", "first")] == ["agree_move"]
