"""D8 and D9: what fires and what does not: first loads, floods, absence, settle times, reschedules, the past."""

from __future__ import annotations

from datetime import timedelta

import pytest

from caredispatch.core.ids import Id
from caredispatch.core.observation import AppointmentGone, AppointmentSeen, Mode
from caredispatch.core.playbook import HandTo, Rule
from tests.core.clinic import ASK_PATIENT, ASK_PROVIDER, START, VISIT, WITH_EHR, directory, playbook, policy
from tests.core.play import Play, booked, minutes

GONE = Rule("gone", ("cancelled", "no_show"), (HandTo("mia"),))
RULES = policy(playbook(to_patient=ASK_PATIENT, patient_rules=(GONE,)))


def test_d8_a_first_load_fires_nothing_and_writes_nothing() -> None:
    play = Play(policy(RULES.playbook, directory(systems=WITH_EHR))).seen(mode="first_load").run(until=VISIT)
    assert play.said == []
    assert play.raised == []
    assert [d.kind for _, decision in play.decisions for d in decision.deliveries] == []
    assert play.visit.status == "booked"


def test_d8_a_change_after_the_first_load_fires() -> None:
    play = Play(RULES).seen(mode="first_load").seen(start_at=VISIT + minutes(60))
    assert play.texts("ana") == ["new_visit"]


def test_d8_a_flood_waits_until_it_is_released() -> None:
    play = Play(RULES).seen(mode="held").run(60)
    assert play.said == []
    assert play.visit.held_triggers == ("booked",)
    play.act("release_volume")
    assert play.texts("ana") == ["new_visit"]
    assert play.texts("pat") == ["confirm_patient"]


def test_d8_a_flood_that_is_discarded_says_nothing() -> None:
    play = Play(RULES).seen(mode="held").act("discard_volume").run(until=VISIT)
    assert play.said == []
    assert play.visit.held_triggers == ()


def test_d8_cancellations_of_a_flood_wait_too() -> None:
    play = booked(RULES).seen(mode="held", status="cancelled").run(10)
    assert play.texts("ana") == ["new_visit"]
    assert play.raised == []
    play.act("release_volume")
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    assert play.raised == [(10, "handed_over", "mia")]


def test_d8_cancellations_of_a_discarded_flood_end_without_a_word() -> None:
    play = booked(RULES).seen(mode="held", status="cancelled").act("discard_volume").run(until=VISIT)
    assert play.texts("ana") == ["new_visit"]
    assert [c for c in play.state.cases if c.state == "open"] == []
    assert play.state.occupations == ()


def test_d8_gone_by_a_fetch_is_a_cancellation_that_settles() -> None:
    play = booked(RULES).step(AppointmentGone("booking", "1", 2))
    assert play.visit.settle_at == START + minutes(3)
    play.run(3)
    assert play.raised == [(3, "handed_over", "mia")]


def test_d8_what_is_gone_in_an_unusual_volume_waits_for_a_person_too() -> None:
    play = booked(RULES).step(AppointmentGone("booking", "1", 2, mode="held")).run(10)
    assert (play.visit.held_triggers, play.raised) == (("cancelled",), [])
    play.act("release_volume")
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]


def test_d8_gone_of_what_was_never_known_is_nothing() -> None:
    play = booked(RULES)
    state = play.state
    assert play.step(AppointmentGone("booking", "77", 2)).state == state


def test_d9_a_cancellation_acts_after_its_settle_time() -> None:
    play = booked(RULES).seen(status="cancelled").run(2)
    assert play.texts("ana") == ["new_visit"]
    play.run(1)
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    assert play.raised == [(3, "handed_over", "mia")]
    assert play.state.occupations == ()


def test_d9_a_cancellation_taken_back_within_it_changes_nothing() -> None:
    play = booked(RULES).seen(status="cancelled").run(1).seen(status="booked").run(60)
    assert play.texts("ana") == ["new_visit"]
    assert play.visit.active
    assert play.raised == []
    assert play.ask_of("pat").open


def test_d9_a_case_that_falls_due_while_a_cancellation_settles_waits_for_it() -> None:
    play = booked(RULES).answer("ana", "no").run(14).seen(status="cancelled").run(2)
    assert play.cover().state == "open"
    play.seen(status="booked").run(1)
    assert play.asked[-1] == (16, "cleo")


def test_d9_cancel_then_book_anew_is_a_reschedule() -> None:
    play = Play(RULES)
    play.settling = (Id("old"),)
    play.seen()
    assert play.visit.rescheduled_from == "old"
    assert play.decisions[0][1].trace.triggers == ("rescheduled",)


def test_d9_book_anew_then_cancel_is_a_reschedule_too() -> None:
    play = booked(RULES)
    play.successor = Id("new")
    play.seen(status="cancelled").run(5)
    assert play.raised == []
    assert "cancelled" not in [t for _, d in play.decisions for t in d.trace.triggers]


def test_d9_every_cancellation_has_its_initiator() -> None:
    play = booked(RULES)
    content, order = play.copies["booking", "1"]
    content = {**content, "status": "cancelled"}
    play.step(AppointmentSeen("booking", "1", content, order + 1, initiator="patient"))
    assert play.visit.initiator == "patient"


def test_a_cancellation_by_hand_tells_everybody_and_leaves_one_to_rebook() -> None:
    """D18: every visit that the practice cancels opens a follow-up to rebook."""
    play = booked(RULES).act("cancel").run(1)
    assert play.visit.initiator == "practice"
    assert play.texts("pat")[-1] == "patient_cancelled"
    assert play.texts("ana")[-1] == "visit_cancelled_staff"
    assert [e.detail["trigger"] for e in play.open("handed_over")] == ["cancelled"]


@pytest.mark.parametrize("status", ["arrived", "fulfilled", "checked-in", "noshow"])
def test_what_happened_is_no_cancellation_to_anyone(status: str) -> None:
    play = booked(RULES).run(until=VISIT + minutes(5))
    words = play.texts("ana")
    play.seen(status=status).run(5)
    assert play.texts("ana") == words


def test_a_no_show_is_news_on_its_day_and_not_weeks_later() -> None:
    play = booked(RULES).run(until=VISIT + minutes(70)).seen(status="noshow")
    assert ("handed_over", "mia") in [(kind, owner) for _, kind, owner in play.raised]
    late = booked(RULES).run(until=VISIT + timedelta(days=9)).seen(status="noshow")
    assert "handed_over" not in [kind for _, kind, _ in late.raised]


@pytest.mark.parametrize("changes", [{}, {"status": "cancelled"}, {"actor_provider": "ben"}])
def test_a_visit_that_is_over_fires_nothing(changes: dict[str, str]) -> None:
    play = Play(RULES, now=VISIT + timedelta(days=1))
    play.seen("booking", "1", mode="live", **changes).seen(actor_provider="cleo").run(600)
    assert play.said == []
    assert play.raised == []


def test_a_clock_that_jumps_back_neither_crashes_nor_fires_again() -> None:
    play = booked(RULES).answer("ana", "no").run(10)
    said = len(play.said)
    play.now -= timedelta(hours=3)
    play.run(60)
    assert len(play.said) == said
    play.answer("ben", "yes")
    play.seen(start_at=VISIT + minutes(120))
    play.run(until=VISIT)


def test_d8_a_source_that_says_the_same_again_changes_nothing() -> None:
    play = booked(RULES)
    state = play.state
    content, order = play.copies["booking", "1"]
    play.step(AppointmentSeen("booking", "1", content, order))
    assert play.state == state


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "noshow"])
def test_a_visit_that_is_back_after_it_had_ended_is_asked_about_anew(status: str) -> None:
    """D9: what settled as cancelled is over; whoever declined it then is told again, nobody is left unsought."""
    play = booked(RULES).answer("pat", "yes").answer("ana", "no").run(5).seen(status=status).run(10)
    play.seen(status="booked")
    assert play.texts("ana")[-1] == "new_visit"
    assert play.texts("ana").count("new_visit") == 2
    assert (play.coverage, play.confirmation) == ("confirmed", "asked")
    play.answer("ana", "no").run(1)
    assert play.cover().state == "open"


def test_a_visit_moved_into_the_past_gives_back_the_time_it_would_have_taken() -> None:
    """Events for past appointments: nobody stays booked for a time that is no more."""
    play = booked(RULES).seen(start_at=START - timedelta(days=1))
    assert play.state.occupations == ()
    assert [c for c in play.state.cases if c.state == "open"] == []


def test_d8_a_released_change_of_provider_asks_the_patient_nothing_again() -> None:
    play = booked(RULES).seen(mode="held", actor_provider="ben").act("release_volume")
    assert play.texts("ben") == ["new_visit"]
    assert play.texts("pat") == ["confirm_patient"]
    moved = booked(RULES).seen(mode="held", start_at=VISIT + minutes(60)).act("release_volume")
    assert moved.texts("pat") == ["confirm_patient", "confirm_patient"]


def test_d8_what_a_later_change_already_said_is_not_said_again_on_release() -> None:
    play = Play(RULES).seen(mode="held").run(1).seen(start_at=VISIT + minutes(60))
    assert (play.texts("ana"), play.texts("pat")) == (["new_visit"], ["confirm_patient"])
    play.act("release_volume").run(10)
    assert (play.texts("ana"), play.texts("pat")) == (["new_visit"], ["confirm_patient"])


def test_what_came_to_pass_after_a_cancellation_that_waits_behind_a_flood_ends_what_was_open() -> None:
    play = booked(RULES).seen(mode="held", status="cancelled").seen(status="noshow").run(600)
    assert [c for c in play.state.cases if c.state == "open"] == []
    assert play.state.occupations == ()


def test_d9_a_cancellation_that_turns_out_to_be_a_no_show_while_it_settles_ends_what_was_open() -> None:
    play = booked(RULES).answer("ana", "no").run(1).seen(status="cancelled").run(1).seen(status="noshow")
    assert [c for c in play.state.cases if c.state == "open"] == []
    assert play.state.occupations == ()


@pytest.mark.parametrize("mode", ["live", "held"])
def test_d8_a_cancellation_behind_a_flood_that_turns_out_to_be_a_no_show_is_released_as_a_no_show(mode: Mode) -> None:
    """What would have been sent waits, and is what is true when it is released."""
    play = booked(RULES).run(until=VISIT + minutes(10)).seen(mode="held", status="cancelled").run(5)
    words = play.texts("ana")
    play.seen(mode=mode, status="noshow").act("release_volume").run(5)
    assert _fired(play) == ["no_show"]
    assert play.texts("ana") == words


def test_d8_a_no_show_that_waited_behind_a_flood_is_still_news_after_the_visit() -> None:
    play = booked(RULES).run(until=VISIT + minutes(30)).seen(mode="held", status="noshow").run(120)
    assert _fired(play.act("release_volume")) == ["no_show"]
    late = booked(RULES).run(until=VISIT + minutes(30)).seen(mode="held", status="noshow").run(26 * 60)
    assert _fired(late.act("release_volume")) == []


def test_d8_a_cancellation_behind_a_flood_that_turns_out_to_be_a_visit_held_fires_nothing() -> None:
    play = booked(RULES).run(until=VISIT + minutes(10)).seen(mode="held", status="cancelled").seen(status="fulfilled")
    assert _fired(play.act("release_volume")) == []


def test_d8_while_a_cancellation_waits_behind_a_flood_nobody_is_asked_what_falls_due() -> None:
    """Nobody is silent about a visit that its source has cancelled; back again, it is asked about anew."""
    play = booked(policy(playbook(booked=ASK_PROVIDER))).run(10).seen(mode="held", status="cancelled").run(60)
    assert (play.texts("ana"), play.raised) == (["ask_provider"], [])
    assert [c.outcome for c in play.cases("confirm")] == ["cancelled"]
    play.seen(status="booked")
    assert play.texts("ana") == ["ask_provider", "ask_provider"]


def _fired(play: Play) -> list[str]:
    """The triggers since the booking."""
    return [t for _, d in play.decisions for t in d.trace.triggers if t != "booked"]
