"""Each measure equals an example that was worked out by hand; the arithmetic stands beside it. Wednesday 2027-02-10 at
North (New York, UTC-5): 09:00 there is 14:00 UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caredispatch.core.content import Status
from caredispatch.core.counting_work import COUNTING, MixedInstruments, figures_of
from caredispatch.core.facts import Directory, Hours, Location, Service, Staff
from caredispatch.core.happened import (
    Act,
    Change,
    Coordination,
    Copy,
    Difference,
    Happened,
    Landing,
    Loss,
    Noted,
    Question,
    Raised,
    Shift,
    Stood,
    Visit,
)
from caredispatch.core.ids import Id, make_id
from caredispatch.core.measures import MEASURES, Figure
from caredispatch.core.offered import Absence, offered_on, shifts_on
from caredispatch.core.stretches import joined, length, shared, without

DAY = date(2027, 2, 10)
ANA, BEN = make_id("ana"), make_id("ben")
ZONES = {"North": "America/New_York"}


def at(hour: int, minute: int = 0, second: int = 0, *, days: int = 0) -> datetime:
    """A local time at North, on the day or so many days after it."""
    return datetime(2027, 2, 10, 5, tzinfo=UTC) + timedelta(days=days, hours=hour, minutes=minute, seconds=second)


def visit(
    name: str,
    hour: int,
    minute: int = 0,
    *,
    minutes: int = 60,
    who: Id | None = ANA,
    status: Status = "fulfilled",
    booked: datetime | None = None,
    cancelled: datetime | None = None,
    by: str | None = None,
    yes: datetime | None = None,
    covered: bool = True,
) -> Visit:
    """A visit of the day, booked three days before unless told."""
    start, since = at(hour, minute), booked or at(12, days=-3)
    stood = Stood(start, start + timedelta(minutes=minutes), who, since, cancelled, "cancelled" if cancelled else "")
    return Visit(
        make_id(name),
        "North",
        "therapy",
        "cancelled" if cancelled else status,
        since,
        (stood,),
        yes,
        cancelled,
        by,  # type: ignore[arg-type]  # patient or practice
        covered=covered,
    )


def happened(*visits: Visit, **more: object) -> Happened:
    """The day with these visits; Ana and Ben work from 09:00 to 17:00 unless told."""
    shifts = (Shift(ANA, "North", at(9), at(17)), Shift(BEN, "North", at(9), at(17)))
    return Happened(**{"first_day": DAY, "last_day": DAY, "zones": ZONES, "visits": visits, "offered": shifts,
                       "worked": shifts, **more})  # type: ignore[arg-type]  # fields by name  # fmt: skip


def counted(measure: str, those: Happened) -> list[Figure]:
    return list(COUNTING[measure](those))


def one(measure: str, those: Happened) -> tuple[float, float]:
    """Amount and of of the day's one figure."""
    [figure] = counted(measure, those)
    assert figure.day == DAY
    return figure.amount, figure.of


# ------------------------------------------------------------------ time offered and kept


def test_slot_utilisation_is_kept_minutes_over_offered_minutes() -> None:
    # Ana: 09:00-10:00 kept, 10:00-11:00 missed, 11:00-12:00 cancelled: 60. Ben: 16:30-17:30, of which 30 lie within his
    # hours; his second visit found nobody to hold it. Kept 60 + 30 = 90 of 2 x 8 x 60 = 960 offered minutes.
    those = happened(
        visit("a", 9),
        visit("b", 10, status="noshow"),
        visit("c", 11, cancelled=at(8), by="patient"),
        visit("d", 16, 30, who=BEN),
        visit("e", 14, who=BEN, covered=False),
    )
    assert one("slot_utilisation", those) == (90, 960)


def test_d39_overlapped_and_group_minutes_count_once() -> None:
    # Three patients of one group, 09:00-10:30, and a visit put on top of its end, 10:00-11:00: 120 minutes, not 330.
    group = [visit(f"g{n}", 9, minutes=90) for n in range(3)]
    assert one("slot_utilisation", happened(*group, visit("over", 10))) == (120, 960)


def _directory(version: int, end: int) -> Directory:
    hours = (Hours(DAY.weekday(), 9 * 60, end * 60, "North"),)
    north = Location("North", "North", "America/New_York", "NY")
    staff: dict[str, Staff] = {
        ANA: Staff(ANA, "Ana", "Ana", ("therapist",), hours=hours),
        BEN: Staff(BEN, "Ben", "Ben", ("coordinator",), hours=hours),
    }
    return Directory(version, make_id("p"), "P", {"North": north}, {"S": Service("S", "S", 50)}, staff)


def test_whoever_holds_no_visits_offers_no_minutes() -> None:
    assert [shift.staff_id for shift in shifts_on(DAY, _directory(1, 17), [])] == [ANA]


def test_d39_offered_minutes_freeze_14_days_ahead() -> None:
    # 14 days before the day she worked until 17:00: 480 minutes. Ten days before, her hours were cut to 13:00, and
    # five days before she took the rest of the day off: still 480 offered. Leave that was known before counts: 420.
    then, cut = (at(0, days=-40), _directory(1, 17)), (at(0, days=-10), _directory(2, 13))
    late = Absence(ANA, at(9), at(17), at(0, days=-5))
    early = Absence("North", at(9), at(10), at(0, days=-14))
    assert offered_on(DAY, [then, cut], [late]) == [Shift(ANA, "North", at(9), at(17))]
    assert offered_on(DAY, [then, cut], [late, early]) == [Shift(ANA, "North", at(10), at(17))]
    assert shifts_on(DAY, cut[1], [early]) == [Shift(ANA, "North", at(10), at(13))]


def test_d39_a_practice_younger_than_14_days_offers_what_it_began_with() -> None:
    assert offered_on(DAY, [(at(0, days=-3), _directory(1, 17))], []) == [Shift(ANA, "North", at(9), at(17))]


def test_who_has_left_offers_nothing() -> None:
    before = _directory(1, 17)
    gone = replace(before, staff={ANA: replace(before.staff[ANA], leaves_on=DAY)})
    assert shifts_on(DAY, gone, []) == []


def test_overtime_is_what_lies_outside_the_hours_once() -> None:
    # 16:30-17:30 lies 30 minutes after 17:00; a group of two 17:15-18:15 adds 17:30-18:15, 45 minutes: 75.
    those = happened(visit("a", 16, 30), visit("b", 17, 15), visit("c", 17, 15), visit("d", 18, status="noshow"))
    assert one("overtime_minutes", those) == (75, 1)


def test_there_is_no_overtime_of_somebody_whose_hours_nobody_keeps() -> None:
    # Cleo's hour at 12:00 lies outside any shift: overtime on a day off, unless nobody keeps when she works.
    those = happened(visit("a", 12, who=make_id("cleo")))
    assert one("overtime_minutes", those) == (60, 1)
    assert one("overtime_minutes", replace(those, no_hours=frozenset({make_id("cleo")}))) == (0, 1)


# ------------------------------------------------------------------ what patients do


def test_d39_the_confirmation_rate_is_over_all_visits_open_for_24_hours_and_counts_human_answers_only() -> None:
    # Of five: yes in time; yes after the start; never asked; booked 23 hours before (not counted); cancelled 2 hours
    # before the start (stood 24 hours before it: counted); cancelled 2 days before (not counted). 1 of 4.
    those = happened(
        visit("yes", 9, yes=at(20, days=-1)),
        visit("after", 10, yes=at(10, 1)),
        visit("unasked", 11),
        visit("new", 12, booked=at(13, days=-1), yes=at(20, days=-1)),
        visit("cancelled", 13, cancelled=at(11), by="patient"),
        visit("long", 14, cancelled=at(14, days=-2), by="patient"),
    )
    assert one("confirmation_rate", those) == (1, 4)


def test_no_shows_are_of_visits_that_were_still_to_be() -> None:
    # Two took place, one was missed, one was cancelled, one had nobody to hold it: 1 of 3.
    those = happened(
        visit("a", 9),
        visit("b", 10, status="arrived"),
        visit("c", 11, status="noshow"),
        visit("d", 12, cancelled=at(8), by="patient"),
        visit("e", 13, covered=False),
    )
    assert one("no_show_rate", those) == (1, 3)


def test_d9_late_cancellations_are_the_patients_own_only() -> None:
    # Stood 24 hours before: kept; cancelled by the patient 1 hour before; by the practice; booked anew. 1 of 4. The
    # patient who cancelled 25 hours before is neither late nor in the 4.
    moved = replace(visit("moved", 12, cancelled=at(8), by="patient"), replaced=True)
    those = happened(
        visit("kept", 9),
        visit("late", 10, cancelled=at(9), by="patient"),
        visit("ours", 11, cancelled=at(9), by="practice"),
        moved,
        visit("early", 13, cancelled=at(12, days=-1), by="patient"),
    )
    assert one("late_cancellations", those) == (1, 4)


def test_fills_and_kept_fills_are_of_freed_times() -> None:
    # Freed: 09:00 (taken by a visit that was kept), 10:00 (by one that did not come), 11:00 (25 of 60 minutes taken:
    # no), 12:00 (taken by Ben's: no). 13:00 was cancelled 1 hour before: not counted. 2 filled of 4, 1 kept of 4.
    early = at(18, days=-1)
    freed = [visit(f"f{hour}", hour, cancelled=early, by="patient") for hour in (9, 10, 11, 12)]
    those = happened(
        *freed,
        visit("late", 13, cancelled=at(12), by="patient"),
        visit("kept", 9, minutes=45, booked=at(20, days=-1)),
        visit("missed", 10, booked=at(20, days=-1), status="noshow"),
        visit("short", 11, minutes=25, booked=at(20, days=-1)),
        visit("ben's", 12, who=BEN, booked=at(20, days=-1)),
        visit("before", 13, booked=at(12, days=-2)),
    )
    assert one("fill_rate", those) == (2, 4)
    assert one("kept_fills", those) == (1, 4)


def test_a_move_frees_the_time_it_leaves_and_takes_the_one_it_goes_to() -> None:
    # One moved from 09:00 to 10:00, which another had left before: 09:00 stays empty, 10:00 is taken. 1 of 2.
    left = visit("left", 10, cancelled=at(18, days=-1), by="patient")
    first = Stood(at(9), at(10), ANA, at(12, days=-3), at(20, days=-1), "moved")
    moved = replace(visit("moved", 10), stood=(first, Stood(at(10), at(11), ANA, at(20, days=-1))))
    assert one("fill_rate", happened(left, moved)) == (1, 2)
    assert one("kept_fills", happened(left, moved)) == (1, 2)


def test_a_time_whose_person_does_not_work_then_is_not_free() -> None:
    left = visit("left", 10, cancelled=at(18, days=-1), by="practice")
    assert counted("fill_rate", happened(left, worked=(Shift(ANA, "North", at(13), at(17)),))) == []


def test_d39_no_show_late_cancel_and_kept_fills_are_told_together() -> None:
    together = {"no_show_rate", "late_cancellations", "kept_fills"}
    assert all(together - {code} <= set(MEASURES[code].beside) for code in (*together, "fill_rate"))


# ------------------------------------------------------------------ incidents


def change(name: str, when: datetime, *ended: str, by_hand: bool = False, start: datetime | None = None) -> Change:
    """One change outside, and how each visit ended that it took somebody from."""
    losses = tuple(
        Loss(make_id(name, n), "North", start or at(15), end)  # type: ignore[arg-type]  # one of Loss's ends
        for n, end in enumerate(ended)
    )
    return Change(make_id(name), when, "North", "therapy", losses, by_hand)


def test_d37_disruptions_and_scrambles_are_counted_apart_and_what_ends_uncovered_is_unresolved() -> None:
    # On the day: covered alone; covered by hand; two visits, one of which stayed uncovered; cancelled. The next day's
    # loss, a booking and a change of yesterday are none. 4 disruptions; 3 scrambles (all but the first); 2 unresolved.
    changes = (
        change("alone", at(9), "covered"),
        change("hand", at(10), "covered", by_hand=True),
        change("two", at(11), "covered", "uncovered"),
        change("cancelled", at(12), "cancelled"),
        change("tomorrow's", at(12), "uncovered", start=at(15, days=1)),
        change("booking", at(13), by_hand=True),
        change("yesterday", at(13, days=-1), "uncovered", start=at(15, days=-1)),
    )
    those = happened(visit("a", 9), changes=changes)
    assert one("disruptions", those) == (4, 1)
    assert one("scrambles", those) == (3, 1)
    assert one("unresolved_scrambles", those) == (2, 1)


def test_d37_a_day_is_the_local_one() -> None:
    # 23:30 in New York is the next day in UTC.
    late = change("late", at(23, 30), "covered", start=at(23, 50))
    assert one("disruptions", happened(visit("a", 9), changes=(late,))) == (1, 1)


def test_a_day_without_any_counts_as_none() -> None:
    assert one("scrambles", happened(visit("a", 9))) == (0, 1)


def test_d38_coordinator_minutes_are_those_of_one_instrument_over_incidents() -> None:
    # 25 + 11 minutes over three incidents: 12 each.
    notes = (Noted(at(10), 25, "tally"), Noted(at(16), 11, "tally"))
    changes = (change("a", at(9)), change("b", at(10), "covered"), change("c", at(11)))
    assert one("coordinator_minutes", happened(noted=notes, changes=changes)) == (36, 3)


def test_d38_mixed_instruments_are_refused() -> None:
    notes = (Noted(at(10), 25, "tally"), Noted(at(16), 11, "prompts"))
    with pytest.raises(MixedInstruments, match="prompts and tally"):
        counted("coordinator_minutes", happened(noted=notes))


def test_d38_where_one_note_names_no_site_the_minutes_are_the_practices() -> None:
    notes = (Noted(at(10), 25, "tally", "North"), Noted(at(16), 11, "tally"))
    [figure] = counted("coordinator_minutes", happened(noted=notes, changes=(change("a", at(9)),)))
    assert (figure.location, figure.amount, figure.of) == ("", 36, 1)
    [figure] = counted("coordinator_minutes", happened(noted=notes[:1], changes=(change("a", at(9)),)))
    assert (figure.location, figure.amount, figure.of) == ("North", 25, 1)


def test_without_notes_there_are_no_coordinator_minutes_rather_than_none_at_all() -> None:
    assert counted("coordinator_minutes", happened(changes=(change("a", at(9)),))) == []


def test_d38_page_time_is_told_apart() -> None:
    # Dana 10:00, 10:04, 10:05 and, 6 minutes later, 10:11: 4 + 1 + 1 (the row's last) + 1 = 7. Noor once: 1. 8 of 2.
    acts = (*(Act("dana", at(10, minute)) for minute in (0, 4, 5, 11)), Act("noor", at(10, 2)))
    assert one("page_minutes", happened(acts=acts, changes=(change("a", at(9)), change("b", at(9))))) == (8, 2)


# ------------------------------------------------------------------ cases


def case(**more: object) -> Coordination:
    """A cover case: the change at 09:00:00, asked at 09:00:40, covered at 09:06:00 by one of the first asked."""
    fields: dict[str, object] = {
        "kind": "cover",
        "about_patient": False,
        "location": "North",
        "service": "therapy",
        "changed_at": at(9),
        "opened_at": at(9, 0, 30),
        "state": "settled",
        "asked_at": at(9, 0, 40),
        "first_asked_taken": True,
        "ended_at": at(9, 6),
        "found": True,
    }
    return Coordination(**{**fields, **more})  # type: ignore[arg-type]  # fields by name


def test_d35_d36_first_asked_and_settled_count_from_the_change_outside() -> None:
    # Opened 30 seconds after the change: asked after 40 seconds, not 10; settled after 360, not 330.
    those = happened(cases=(case(), case(state="handed", asked_at=None, found=False)))
    [asked], [settled] = counted("first_asked_seconds", those), counted("settled_seconds", those)
    assert asked.values == (40,)
    assert (settled.values, settled.amount, settled.of) == ((360,), 360, 1)


def test_d36_settled_is_a_distribution_and_what_was_never_covered_is_not_in_it() -> None:
    those = happened(cases=(case(ended_at=at(11)), case(), case(found=False, state="handed")))
    [settled] = counted("settled_seconds", those)
    assert settled.values == (360, 7200)


def test_confirm_time_is_of_staff_cases_that_ended_in_a_yes() -> None:
    # Booked 09:00, confirmed 09:06: 360 seconds. The patient's own confirmation and one that was not given are none.
    confirm = case(kind="confirm")
    those = happened(cases=(confirm, replace(confirm, about_patient=True), replace(confirm, found=False)))
    [figure] = counted("confirm_seconds", those)
    assert figure.values == (360,)


def test_first_ask_success_is_over_cases_in_which_somebody_was_asked() -> None:
    # First asked took it; the second round took it; nobody took it; an add-on that the first took; nobody was asked,
    # and a request that a patient took (neither counted): 2 of 4.
    those = happened(
        cases=(
            case(),
            case(first_asked_taken=False),
            case(first_asked_taken=False, found=False),
            case(kind="place", add_on=True),
            case(asked_at=None),
            case(kind="place"),
        )
    )
    assert one("first_ask_success", those) == (2, 4)


def test_asks_per_person_is_over_the_people_asked() -> None:
    # Ana twice, Ben once: 3 over 2.
    questions = (Question(ANA, "North", at(9)), Question(BEN, "North", at(9)), Question(ANA, "North", at(12)))
    assert one("asks_per_person", happened(questions=questions)) == (3, 2)


def test_automation_is_over_cases_that_ended_and_not_overtaken_ones() -> None:
    # Settled alone; settled by hand; handed to a human; closed because the visit was cancelled (not counted); closed
    # since somebody assigned by hand elsewhere; still open (not counted): 1 of 4.
    those = happened(
        cases=(
            case(),
            case(by_hand=True),
            case(state="handed", by_hand=True),
            case(state="closed", found=False),
            case(state="closed", by_hand=True),
            case(state="open", ended_at=None, found=False),
        )
    )
    assert one("automation_rate", those) == (1, 4)


@pytest.mark.parametrize(
    ("edited", "automated"),
    [(at(9, 5, days=1), 0), (at(9, 6, days=1), 0), (at(9, 7, days=1), 1), (at(8), 1)],
    ids=["the next morning", "24 hours after its end", "a minute later", "before it opened"],
)
def test_d38_a_case_edited_by_hand_within_24_hours_does_not_count_as_automated(
    edited: datetime, automated: float
) -> None:
    assert one("automation_rate", happened(cases=(case(edited_at=(edited,)),))) == (automated, 1)


# ------------------------------------------------------------------ systems


def test_write_backs_landed_and_their_age() -> None:
    # Two of three copies say what they should; one wish landed after 12 seconds, one after 300.
    copies = tuple(Copy("North", "therapy", at(9), landed) for landed in (True, True, False))
    landings = (
        Landing("North", "therapy", at(9), at(9, 5)),
        Landing("North", "therapy", at(10), at(10, 0, 12)),
    )
    those = happened(copies=copies, landings=landings)
    assert one("writeback_landed", those) == (2, 3)
    [age] = counted("writeback_seconds", those)
    assert (age.values, age.amount, age.of) == ((12, 300), 312, 2)


def test_entry_errors_caught_are_differences_that_were_repaired() -> None:
    found = tuple(Difference("North", "therapy", at(9), repaired) for repaired in (True, False, True))
    assert one("entry_errors", happened(visit("a", 9), differences=found)) == (2, 1)


def test_d25_exceptions_are_over_coordinators_at_work_and_without_the_call_list() -> None:
    # Five exceptions and a line to call; Dana and Noor acted: 5 over 2.
    raised = (*(Raised(at(9 + n)) for n in range(5)), Raised(at(9), call=True))
    acts = (Act("dana", at(9)), Act("noor", at(10)), Act("dana", at(11)))
    assert one("exceptions", happened(visit("a", 9), raised=raised, acts=acts)) == (5, 2)
    assert one("exceptions", happened(visit("a", 9), raised=raised)) == (5, 1)


# ------------------------------------------------------------------ all of them


def test_every_measure_is_defined_and_counted() -> None:
    assert list(COUNTING) == list(MEASURES)
    assert {other for measure in MEASURES.values() for other in measure.beside} <= set(MEASURES)


def test_only_the_days_that_are_asked_for_are_told() -> None:
    those = replace(happened(visit("a", 9)), first_day=DAY + timedelta(days=1), last_day=DAY + timedelta(days=1))
    assert figures_of(those) == []


_STRETCHES = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(
        lambda p: (at(0, min(p)), at(0, max(p)))
    ),
    max_size=6,
)  # fmt: skip


@given(_STRETCHES, _STRETCHES)
def test_time_is_shared_or_left_and_never_both(
    one_: list[tuple[datetime, datetime]], other: list[tuple[datetime, datetime]]
) -> None:
    both, left = shared(one_, other), without(one_, other)
    assert length(both) + length(left) == length(one_)
    assert joined([*both, *left]) == joined(one_)
    assert shared(left, other) == []
