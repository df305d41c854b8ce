"""D19: a freed time is offered to the waitlist, held while it is, and ends booked once, or before a human."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.facts import Busy, System
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block
from caredispatch.core.records import Ask
from caredispatch.rehearsal.facts import SOMEBODY
from caredispatch.rehearsal.outside import Reply
from tests.core.clinic import BOOKING, EHR, VISIT, at
from tests.core.play import minutes
from tests.core.town import Town
from tests.core.waiting_list import HOLDING, PAGE, THREE, freed, offered, rules, slot_of, three_wait, waits


def test_d19_a_freed_time_is_offered_to_as_many_at_once_as_the_path_says_and_the_first_yes_has_it() -> None:
    town = three_wait({"pat-2": (4, "yes")}).run(5)
    assert offered(town) == [(0, "pat-1"), (0, "pat-2")]
    slot = slot_of(town)
    assert (slot.status, slot.patient_id, slot.confirmation) == ("booked", "pat-2", "confirmed")
    assert (slot.actor("provider"), slot.start_at) == ("ana", VISIT)
    assert town.texts("pat-2") == ["offer_slot", "booked_for_patient"]
    assert town.texts("pat-1") == ["offer_slot", "slot_gone"]
    assert town.texts("pat-3") == []
    assert "new_visit" in town.texts("ana")
    assert [c.outcome for c in town.cases("fill")] == ["filled"]


def test_d19_the_next_is_asked_after_a_no_and_after_silence() -> None:
    town = three_wait({"pat-1": (2, "no")}).run(11)
    assert offered(town) == [(0, "pat-1"), (0, "pat-2"), (2, "pat-3")]
    town = three_wait().run(11)
    assert offered(town) == [(0, "pat-1"), (0, "pat-2"), (10, "pat-3")]


def test_d19_the_late_yes_gets_a_true_word_once() -> None:
    town = three_wait({"pat-1": (1, "yes")}).run(5)
    town.answer("pat-2", "yes").answer("pat-2", "yes")
    assert town.texts("pat-2") == ["offer_slot", "slot_gone", "slot_gone"], "an apology, and an answer to their words"
    assert slot_of(town).patient_id == "pat-1"
    assert town.texts("pat-1") == ["offer_slot", "booked_for_patient"]


def test_d19_a_yes_counts_after_the_offer_ran_out_while_the_time_is_free() -> None:
    town = three_wait().run(25)
    assert town.open("slot_unfilled")
    town.answer("pat-1", "yes")
    assert slot_of(town).patient_id == "pat-1"
    assert not town.open("slot_unfilled")


def test_d19_the_text_says_until_when_the_time_is_held() -> None:
    town = three_wait()
    params = next(t.delivery.params for t in town.said if t.name == "offer_slot")
    assert (params["held"], params["until"]) == ("yes", "2027-01-04T16:13:00Z")


def test_d19_the_time_is_held_where_others_could_book_it_and_the_hold_dies_with_its_round() -> None:
    town = three_wait({"pat-1": (2, "no"), "pat-2": (2, "no"), "pat-3": (2, "no")}).run(1)
    key = slot_of(town).appointment_id, "booking"
    assert town.outside.blocked[key]["actor.provider"] == "ana"
    town.run(2)
    assert town.outside.blocked[key]["actor.provider"] == "ana", "pat-3 is asked now"
    town.run(3)
    assert town.outside.blocked[key] == {}
    assert town.open("slot_unfilled"), "the front desk looks"


def test_d19_what_was_booked_is_held_until_its_end_where_a_booking_system_has_no_copy() -> None:
    town = three_wait({"pat-1": (1, "yes")}, policy=rules(systems={"booking": PAGE, "ehr": EHR})).run(5)
    slot = slot_of(town)
    key = slot.appointment_id, "booking"
    assert [(li.connection_id, li.state) for li in town.state(slot.appointment_id).links] == [("ehr", "landed")]
    assert town.outside.blocked[key]["actor.provider"] == "ana", "the page would sell the hour again"
    held = next(h for h in town.state(slot.appointment_id).holds if h.connection_id == "booking")
    assert held.until == slot.end_at
    town.act("cancel", slot.appointment_id).run(30)
    assert town.outside.blocked[key] == {}


def test_d19_what_was_booked_is_held_until_its_copy_is_made_there_and_never_free_in_between() -> None:
    page = replace(PAGE, creates=True, writes=("start_at", "actor.provider", "status", "service"))
    town = three_wait({"pat-1": (1, "yes")}, policy=rules(systems={"booking": page})).run(5)
    slot = slot_of(town)
    assert town.outside.blocked[slot.appointment_id, "booking"] == {}
    assert [li.state for li in town.state(slot.appointment_id).links] == ["landed"]
    decided = [d for subject, _, d in town.decisions if subject == slot.appointment_id]
    sent = [each.kind for d in decided for each in d.deliveries if each.connection_id == "booking"]
    assert sent == ["hold", "write", "hold"], "the time is given free after the visit stands there"


def test_e10_in_front_of_a_human_the_time_is_held_for_nobody() -> None:
    town = three_wait().run(43)
    slot = slot_of(town)
    assert [c.state for c in town.cases("fill")] == ["handed"]
    assert town.state(slot.appointment_id).occupations == ()


# -- nobody takes it


def test_d19_nobody_takes_it_the_front_desk_looks_and_after_20_minutes_the_practice_manager() -> None:
    town = three_wait()
    town.run(20)
    [line] = town.open("slot_unfilled")
    assert (line.owner, line.detail["asked"]) == ("front_desk", "3")
    town.run(19)
    assert town.open("slot_unfilled")[0].owner == "front_desk"
    town.run(1)
    [line] = town.open("slot_unfilled")
    assert (line.owner, town.cases("fill")[0].outcome) == ("dana", "nobody_took_it")


def test_d19_whoever_claimed_the_line_keeps_it() -> None:
    town = three_wait().run(21)
    town.act("claim", slot_of(town).appointment_id, on="slot_unfilled").run(25)
    [line] = town.open("slot_unfilled")
    assert (line.owner, line.state) == ("front_desk", "claimed")


def test_d19_what_the_front_desk_says_is_done_is_done() -> None:
    town = three_wait().run(21)
    town.act("resolve", slot_of(town).appointment_id, on="slot_unfilled").run(25)
    assert [c.outcome for c in town.cases("fill")] == ["by_hand"]
    assert not town.open("slot_unfilled")


def test_d19_when_its_time_has_come_nobody_need_look_any_more() -> None:
    town = three_wait().run(until=VISIT)
    assert not town.open("slot_unfilled")
    assert slot_of(town).status == "cancelled"
    assert not town.taken.get("ana")  # type: ignore[call-overload]  # a key is an Id


def test_e11_a_yes_counts_while_a_human_has_it() -> None:
    town = three_wait().run(60)
    town.answer("pat-3", "yes")
    assert slot_of(town).patient_id == "pat-3"
    assert not town.open("slot_unfilled")


# -- the time is gone


def test_d11_a_stranger_who_books_it_in_mid_offer_has_it_and_everybody_hears() -> None:
    town = three_wait().run(1)
    town.booked("stranger", patient="pat-9", start=VISIT + minutes(20))
    assert town.visit("stranger").coverage != "at_risk"
    assert town.cases("fill")[0].outcome == "taken_elsewhere"
    assert [town.texts(who) for who in THREE] == [["offer_slot", "slot_gone"], ["offer_slot", "slot_gone"], []]
    assert {o.appointment_id for o in town.taken["ana"].values()} == {town.subject("stranger")}  # type: ignore[index]  # a key is an Id
    town.answer("pat-1", "yes")
    assert town.texts("pat-1")[-1] == "slot_gone"
    assert not town.cases("cover")


def test_e9_a_booking_that_comes_after_the_yes_is_a_conflict_like_any_other() -> None:
    town = three_wait({"pat-1": (1, "yes")}).run(2)
    town.booked("stranger", patient="pat-9", start=VISIT)
    assert town.visit("stranger").coverage in ("at_risk", "tentative")
    assert [c.appointment_id for c in town.cases("cover")] == [town.subject("stranger")]
    assert slot_of(town).patient_id == "pat-1"


def test_d19_a_time_that_is_taken_already_is_nothing_to_fill() -> None:
    town = Town(rules())
    waits(town, "pat-1")
    town.booked("first", patient="pat-0")
    town.external["ana"] = (Busy(VISIT + minutes(30), VISIT + minutes(60), "leave"),)
    town.cancelled("first").run(5)
    assert (town.texts("pat-1"), town.cases("fill")) == ([], [])
    said = [n for _, _, decision in town.decisions for n in decision.trace.notes if n["code"] == "nothing_to_fill"]
    assert [n["why"] for n in said] == ["already_taken"]


def test_d13_a_no_shows_time_is_offered_only_where_the_shortest_service_still_fits() -> None:
    def missed(after: float, length: float) -> Town:
        town = Town(rules(), now=at(6, 9))
        waits(town, "pat-1")
        town.booked("missed", patient="pat-0", start=VISIT, length=length)
        return town.run(until=VISIT + minutes(after)).changed("missed", status="noshow").run(1)

    assert missed(15, 50).cases("fill") == [], "35 minutes are left"
    town = missed(15, 80)
    assert slot_of(town).start_at == VISIT + minutes(30)
    assert slot_of(town).end_at == VISIT + minutes(80)
    assert town.texts("pat-1") == ["offer_slot"]
    assert missed(16, 80).cases("fill") == [], "45 minutes are left from the next round moment"


def test_d13_a_no_show_who_turns_up_has_their_time() -> None:
    town = Town(rules(), now=at(6, 9))
    waits(town, "pat-1")
    town.booked("missed", patient="pat-0", start=VISIT, length=80).run(until=VISIT + minutes(10))
    town.changed("missed", status="noshow").run(1).changed("missed", status="arrived").run(1)
    assert town.texts("pat-1") == ["offer_slot", "slot_gone"]
    assert town.cases("fill")[0].outcome == "taken_elsewhere"


@pytest.mark.parametrize("hours", [0, 1])
def test_d19_a_time_too_near_for_anybody_on_the_list_is_not_offered(hours: int) -> None:
    town = Town(rules(), now=VISIT - minutes(60 * (24 + hours) + 2))
    waits(town, "pat-1", notice_minutes=24 * 60)
    freed(town)
    assert (town.texts("pat-1") == ["offer_slot"]) == (hours == 1)
    if hours == 0:
        assert town.cases("fill")[0].outcome == "too_near"
        assert not town.open("slot_unfilled")


def test_d19_a_visit_in_the_past_frees_nothing() -> None:
    town = Town(rules())
    waits(town, "pat-1")
    town.booked("first", patient="pat-0").run(until=VISIT + minutes(49)).cancelled("first").run(5)
    assert town.cases("fill") == []


def test_d19_whoever_could_not_do_the_visit_has_no_time_to_fill() -> None:
    town = Town(rules())
    waits(town, "pat-1")
    town.booked("first", patient="pat-0").answer("ana", "no").cancelled("first").run(5)
    assert town.cases("fill") == []


# -- nothing can hold it


def test_d19_where_nothing_holds_the_text_says_so_and_a_yes_is_checked_live_before_it_books() -> None:
    looks = {"booking": BOOKING, "cal": System("cal", calendar=True)}
    town = three_wait(policy=rules(systems=looks)).run(1)
    assert next(t.delivery.params["held"] for t in town.said if t.name == "offer_slot") == "no"
    town.answer("pat-1", "yes")
    assert slot_of(town).patient_id == "pat-1"
    looked = [d for _, _, decision in town.decisions for d in decision.deliveries if d.kind == "ask_system"]
    assert looked[-2].appointment_id == slot_of(town).appointment_id


def test_d19_a_time_that_is_gone_from_the_calendar_is_nobodys() -> None:
    looks = {"booking": BOOKING, "cal": System("cal", calendar=True)}
    town = three_wait(policy=rules(systems=looks)).run(1)
    town.outside.calendar["ana"] = (Block("ana", VISIT, VISIT + minutes(50), "x"),)  # type: ignore[arg-type]  # an Id
    town.answer("pat-1", "yes")
    assert town.cases("fill")[0].outcome == "taken_elsewhere"
    assert town.texts("pat-1") == ["offer_slot", "slot_gone"]
    assert town.texts("pat-2") == ["offer_slot", "slot_gone"]


def test_d19_of_two_yes_while_calendars_are_asked_the_first_has_it() -> None:
    looks = {"booking": BOOKING, "cal": System("cal", calendar=True)}
    town = three_wait(policy=rules(systems=looks)).run(1)
    town.outside.calendar_says = "nothing"
    town.answer("pat-2", "yes").run(0.5)
    town.answer("pat-1", "yes").answer("pat-2", "yes").run(2)
    assert slot_of(town).patient_id == "pat-2"
    assert town.texts("pat-1") == ["offer_slot", "slot_gone"]


# -- what they had before


def test_d19_a_yes_to_an_earlier_time_frees_the_later_one_which_is_offered_in_turn() -> None:
    town = Town(rules(systems=HOLDING), answers={"pat-1": (1, "yes"), "pat-2": (2, "yes")})
    town.booked("later", patient="pat-1", provider="ben", start=at(8, 9))
    waits(town, "pat-1", instead_of=town.subject("later"), since=at(1, 9))
    waits(town, "pat-2", not_before=at(8, 0))
    freed(town).run(10)
    first, second = sorted(
        (s.appointment for s in town.states.values() if any(c.kind == "fill" for c in s.cases) and s.appointment),
        key=lambda v: v.start_at,
    )
    assert (first.patient_id, first.rescheduled_from) == ("pat-1", town.subject("later"))
    assert (town.visit("later").status, town.visit("later").initiator) == ("cancelled", "patient")
    assert town.copy("later")["status"] == "cancelled"
    assert (second.patient_id, second.start_at, second.actor("provider")) == ("pat-2", at(8, 9), "ben")
    assert town.texts("pat-1") == ["offer_slot", "booked_for_patient"], "of the later one not a word"
    assert "visit_cancelled_staff" in town.texts("ben")
    assert [town.visit(f"entry of {who}").status for who in ("pat-1", "pat-2")] == ["cancelled", "cancelled"]


def _takes_any_offer(ask: Ask) -> list[Reply]:
    return [(1, "yes")] if ask.purpose == "offer_slot" else []


def test_d19_a_chain_of_moves_up_comes_to_an_end() -> None:
    town = Town(rules(systems=HOLDING), answers=_takes_any_offer)
    for n in range(1, 6):
        town.booked(f"v{n}", patient=f"pat-{n}", start=VISIT + minutes(60 * n))
        waits(town, f"pat-{n}", instead_of=town.subject(f"v{n}"), since=at(1, n))
    freed(town).run(200)
    starts = {v.patient_id: v.start_at for v in town.visits(status="booked")}
    assert set(starts) == {f"pat-{n}" for n in range(1, 6)}
    assert all(starts[f"pat-{n}"] < VISIT + minutes(60 * n) for n in range(1, 6))  # type: ignore[index]  # an Id


def test_d19_nobody_is_moved_to_a_later_time_than_they_have() -> None:
    town = Town(rules(systems=HOLDING))
    town.booked("mine", patient="pat-1", provider="ben", start=at(5, 9))
    waits(town, "pat-1", instead_of=town.subject("mine"))
    freed(town).run(5)
    assert "offer_slot" not in town.texts("pat-1")


# -- staff first


def ben_cannot(**options: object) -> Town:
    """While cleo is asked to see ben's patient of Wednesday at ten, ana's patient of that time cancels."""
    town = Town(rules(systems=HOLDING), **options)  # type: ignore[arg-type]  # callers name options of Town
    waits(town, "pat-1")
    town.booked("hers", patient="pat-0").booked("bens", patient="pat-5", provider="ben")
    town.answer("ben", "no", on="bens").run(1)
    town.cancelled("hers")
    return town


def test_d19_freed_staff_time_is_first_matched_to_uncovered_visits() -> None:
    town = ben_cannot(answers={"ana:cover": (1, "yes")}).run(30)
    assert town.cases("fill")[0].outcome == "matched_to_uncovered"
    assert "offer_slot" not in town.texts("pat-1")
    assert [who for _, who in town.asked] == ["cleo", "ana"]
    assert town.visit("bens").actor("provider") == "ana"


def test_d19_freed_time_that_helps_no_uncovered_visit_is_offered() -> None:
    town = ben_cannot(patients={"pat-5": replace(SOMEBODY, excluded_staff=(Id("ana"),))}).run(5)
    assert town.texts("pat-1") == ["offer_slot"]
