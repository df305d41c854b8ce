"""D16: an assignee is told rather than asked, is given time that they can look, and loses no patient by silence."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.facts import Busy, Hours
from caredispatch.core.ids import Id
from caredispatch.core.observation import Reported
from caredispatch.core.playbook import AskStep, Path, Window
from tests.core.clinic import ASK_PATIENT, ASK_PROVIDER, BACKUP, DANA, VISIT, at, directory, playbook, policy, staff
from tests.core.play import Play, ana_cannot, booked, email, minutes, sms

REACHABLE = Path("provider", False, (AskStep("assignee", ("sms",), Window("reachable", 20)), DANA))


def test_d16_told_and_delivered_counts_as_confirmed() -> None:
    play = booked()
    assert play.texts("ana") == ["new_visit"]
    assert play.coverage == "confirmed"
    assert play.cases("confirm")[0].outcome == "told"


def test_d16_undelivered_is_tentative_and_a_person_knows() -> None:
    play = booked(undeliverable=("sms:ana",))
    assert play.coverage == "tentative"
    assert [kind for _, kind, _ in play.raised] == ["handed_over", "delivery_failed"]


def test_d16_sent_but_never_reported_is_tentative_and_a_person_knows() -> None:
    play = booked(unreported=("sms:ana",)).run(10)
    assert play.coverage == "tentative"
    assert play.raised == [(10, "delivery_failed", "dana")]


def test_d16_an_undeliverable_text_moves_on_to_the_next_contact_at_once() -> None:
    play = booked(undeliverable=("sms:ana",), contacts={"ana": (sms("ana"), email("ana"))})
    assert [(s.minute, s.channel) for s in play.said] == [(0, "sms"), (0, "email")]
    assert play.coverage == "confirmed"
    assert [e.detail["why"] for e in play.open("handed_over")] == ["find_new_contact"]


def test_d16_told_counts_until_they_object_and_an_objection_opens_cover() -> None:
    play = booked().answer("ana", "no")
    assert play.coverage == "uncovered"
    play.run(1)
    assert play.asked == [(0, "ben")]


def test_d16_silence_with_a_free_calendar_goes_to_a_person_and_never_gives_the_patient_away() -> None:
    play = booked(policy(playbook(booked=ASK_PROVIDER))).run(20)
    assert play.told == [(0, "ana"), (20, "dana")]
    assert play.raised == [(20, "provider_silent", "dana")]
    assert play.provider == "ana"
    assert play.cases("cover") == []


def test_d16_a_late_yes_after_the_hand_over_confirms_and_clears_the_queue() -> None:
    play = booked(policy(playbook(booked=ASK_PROVIDER))).run(25).answer("ana", "yes")
    assert play.coverage == "confirmed"
    assert play.open("provider_silent") == []


def test_d16_only_minutes_in_which_they_can_look_count() -> None:
    eight_to_six = tuple(Hours(day, 8 * 60, 18 * 60, "north") for day in range(5))
    people = directory(staff("ana", hours=eight_to_six), staff("ben"))
    play = Play(policy(playbook(booked=ASK_PROVIDER, provider=REACHABLE), people), now=at(4, 17, 50))
    play.seen().run(until=at(5, 8, 5))
    assert play.raised == []
    play.run(until=at(5, 8, 15))
    assert [kind for _, kind, _ in play.raised] == ["provider_silent"]


def test_d16_a_therapist_with_eight_back_to_back_sessions_loses_no_patient_in_a_day() -> None:
    people = directory(staff("ana", hours=tuple(Hours(d, 540, 1080, "north") for d in range(7))), staff("ben"))
    play = Play(policy(playbook(booked=ASK_PROVIDER, provider=REACHABLE), people), now=at(4, 9))
    day = [Busy(at(4, h), at(4, h) + timedelta(minutes=60), "booked", Id(f"a{h}"), Id(f"s{h}")) for h in range(9, 17)]
    play.busy["ana"] = tuple(day)
    play.seen().run(until=at(4, 17, 15))
    assert play.told == [(0, "ana")]
    assert play.provider == "ana"
    play.answer("ana", "yes").run(until=VISIT)
    assert play.coverage == "confirmed"
    assert [kind for _, kind, _ in play.raised] == ["gap"]


def test_d16_told_in_quiet_hours_waits_for_the_morning() -> None:
    play = Play(now=at(4, 22)).seen()
    assert play.said == []
    play.run(until=at(5, 7))
    assert [(s.minute, s.person) for s in play.said] == [(9 * 60, "ana")]


def test_d16_an_objection_after_hours_of_silence_still_opens_cover() -> None:
    play = ana_cannot(policy(playbook(to_patient=ASK_PATIENT))).run(1)
    assert play.asked[-1] == (0, "ben")


def test_d16_what_was_told_and_came_back_later_is_tentative_and_a_person_knows() -> None:
    play = booked()
    told = play.ask_of("ana")
    play.step(Reported(Id("bounce"), told.ask_id, "failed", told.contact_id, "550"))
    assert play.coverage == "tentative"
    assert [kind for _, kind, _ in play.raised] == ["delivery_failed"]


def test_d16_a_silent_provider_is_not_asked_again_in_somebody_elses_name_and_nobody_else_is() -> None:
    path = Path("provider", False, (AskStep("assignee", ("sms",), Window("minutes", 20)), BACKUP, DANA))
    play = booked(policy(playbook(booked=ASK_PROVIDER, provider=path))).run(60)
    assert play.told[:2] == [(0, "ana"), (20, "dana")]
    assert [p for _, p in play.asked] == ["ana"]


def test_d16_silence_of_somebody_off_until_the_visit_goes_to_a_person_while_it_helps() -> None:
    """Booked on Monday evening for Wednesday at eight, when ana is back."""
    wednesday = tuple(Hours(day, 8 * 60, 18 * 60, "north") for day in (2, 3, 4))
    people = directory(staff("ana", hours=wednesday), staff("ben"))
    play = Play(policy(playbook(booked=ASK_PROVIDER, provider=REACHABLE), people), now=at(4, 18))
    play.seen(start_at=at(6, 8)).run(until=at(6, 8))
    assert play.told[:2] == [(0, "ana"), (36 * 60, "dana")]
    assert play.provider == "ana"


def test_d16_whoever_was_asked_and_is_silent_when_the_visit_begins_is_before_a_person() -> None:
    play = Play(policy(playbook(booked=ASK_PROVIDER)), now=VISIT - minutes(15)).seen().run(15)
    assert play.raised == [(15, "provider_silent", "dana")]
    assert play.cases("confirm")[0].state == "handed"
