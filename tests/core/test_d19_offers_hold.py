"""D19: while the patient is asked about a candidate, nobody else can book that candidate's time; afterwards nothing of
it is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import Service, System
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block, Held
from tests.core.clinic import ASK_PATIENT, BOOKING, NO_AGREEMENT, VISIT, at, directory, playbook, policy
from tests.core.play import Play, ana_cannot, booked, minutes

PAGE = replace(BOOKING, holds_slots=True)
OTHER = System("other", holds_slots=True)
SYSTEMS = {"booking": PAGE, "other": OTHER}
RULES = policy(playbook(to_patient=ASK_PATIENT), directory(systems=SYSTEMS))
BEN = {"start_at": "2027-01-06T16:00:00Z", "end_at": "2027-01-06T16:50:00Z", "actor.provider": "ben"}


def ben_would(**options: object) -> Play:
    """Ana can't, ben would take it a minute later; the patient is asked."""
    return ana_cannot(RULES, answers={"ben": (1, "yes")}, **options).run(2)


def nothing_left(play: Play) -> bool:
    """Whether no system holds anything, and we know it."""
    return all(held == {} for held in play.blocked.values()) and all(h.placed == () for h in play.state.holds)


def test_d19_the_candidates_time_is_held_wherever_others_could_book_it() -> None:
    play = ben_would()
    assert play.blocked == {"booking": BEN, "other": BEN}
    assert {h.until for h in play.state.holds} == {VISIT - minutes(120)}


def test_d19_the_hold_is_given_free_before_the_visit_is_written() -> None:
    play = ben_would().answer("pat", "yes")
    assert (play.provider, nothing_left(play)) == ("ben", True)
    assert [what for what, system in play.sent if system == "booking"] == ["hold", "free", "write"]
    [hold, free, write] = [
        d.ordering_key
        for _, decision in play.decisions
        for d in decision.deliveries
        if d.connection_id == "booking" and d.kind in ("hold", "write")
    ]
    assert hold == free == write


def test_d19_a_patients_no_gives_the_time_free() -> None:
    assert nothing_left(ben_would().answer("pat", "no"))


def test_d19_a_patients_silence_gives_the_time_free_at_the_tell_by_time() -> None:
    play = ben_would()
    assert not nothing_left(play.run(until=VISIT - minutes(121)))
    assert nothing_left(play.run(until=VISIT - minutes(120)))


def test_d19_the_next_candidates_time_takes_the_place_of_the_one_who_withdrew() -> None:
    play = ben_would().answer("ben", "no", purpose="cover").answer("cleo", "yes")
    assert play.blocked["booking"] == {**BEN, "actor.provider": "cleo"}
    assert [h.placed for h in play.state.holds if h.connection_id == "booking"] == [(play.blocked["booking"],)]


@pytest.mark.parametrize(
    "change",
    [{"start_at": VISIT + minutes(60)}, {"status": "fulfilled"}, {"actor_provider": "cleo"}, {"actor_provider": "ben"}],
)
def test_d19_what_overtakes_the_question_gives_the_time_free(change: dict[str, str]) -> None:
    play = ben_would()
    play.seen(**change)  # type: ignore[arg-type]  # changes of the visit
    assert nothing_left(play)


def test_d19_a_cancellation_gives_the_time_free_once_it_settled() -> None:
    play = ben_would().seen(status="cancelled")
    assert not nothing_left(play)
    assert nothing_left(play.run(10))


def test_d19_by_hand_too() -> None:
    assert nothing_left(ben_would().act("assign", staff_id="cleo"))
    assert nothing_left(ben_would().act("cancel").run(1))


def test_d19_a_move_behind_a_flood_gives_the_time_free_as_well() -> None:
    assert nothing_left(ben_would().seen(start_at=VISIT + minutes(60), mode="held"))


def test_d19_the_time_is_held_with_its_buffers_and_as_the_visit_is_now() -> None:
    crowd = directory(systems=SYSTEMS)
    services = {**crowd.services, "intake": Service("intake", "Intake", 80, buffer_after=10)}
    play = ana_cannot(policy(playbook(), replace(crowd, services=services)), answers={"ben": (1, "yes")}).run(2)
    play.seen(service="intake")
    assert play.blocked["booking"] == {**BEN, "end_at": "2027-01-06T17:00:00Z"}
    assert [h.placed for h in play.state.holds if h.connection_id == "booking"] == [(play.blocked["booking"],)]


def test_d19_the_time_is_held_through_the_night_until_the_patient_can_be_asked() -> None:
    play = booked(RULES, answers={"ben": (25, "yes")}).run(until=at(4, 20)).answer("ana", "no").run(until=at(5, 3))
    assert play.blocked["booking"] == BEN
    assert play.texts("pat").count("agree_patient") == 0


def test_d19_where_no_agreement_is_needed_nothing_is_held() -> None:
    rules = policy(playbook(services=NO_AGREEMENT), directory(systems=SYSTEMS))
    assert ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).state.holds == ()


def test_d19_a_system_that_holds_nothing_is_not_asked_to() -> None:
    rules = policy(playbook(), directory(systems={"booking": BOOKING}))
    assert ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).state.holds == ()


def test_d19_our_own_block_in_the_calendar_is_no_conflict() -> None:
    seeing = {"booking": replace(PAGE, calendar=True)}
    rules = policy(playbook(to_patient=ASK_PATIENT), directory(systems=seeing))
    play = Play(rules).seen()
    ours = Block(Id("ben"), VISIT, VISIT + minutes(50), "block:9", ours=play.visit.appointment_id)
    play.calendar["ben"] = (ours,)
    play.answer("ana", "no").run(2)
    assert (0, "ben") in play.asked


def test_d19_a_hold_that_is_refused_is_visible_and_gone_when_it_is_done_with() -> None:
    play = ben_would()
    play.hold_ends["booking"] = "refused"
    play.answer("pat", "no")
    [seen] = play.open("delivery_failed")
    assert seen.detail["system"] == "booking"
    play.hold_ends.clear()
    play.act("retry_write", on="delivery_failed")
    assert (nothing_left(play), play.open("delivery_failed")) == (True, [])


def test_d19_a_hold_whose_end_is_not_known_is_taken_away_all_the_same() -> None:
    play = Play(RULES, answers={"ben": (1, "yes")})
    play.hold_ends["booking"] = "in flight"
    play.seen().answer("ana", "no").run(2)
    assert [h.placed for h in play.state.holds if h.connection_id == "booking"] == [(BEN,)]
    play.answer("pat", "no")
    [there] = [h for h in play.state.holds if h.connection_id == "booking"]
    assert (there.wanted, there.placed) == ({}, (BEN,))
    play.step(Held("booking", BEN, "delivered", (BEN,)))
    assert [h.placed for h in play.state.holds if h.connection_id == "booking"] == [(BEN,)]
    play.step(Held("booking", {}, "delivered", (BEN,)))
    assert nothing_left(play)


def test_d19_held_twice_is_held_once() -> None:
    play = ben_would()
    before = play.state
    play.step(Held("booking", BEN, "delivered", (BEN,)))
    assert play.state.holds == before.holds
    assert play.decisions[-1][1].changes_nothing
