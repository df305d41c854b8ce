"""A month by hand: coordinators with telephones, in working hours, one thing at a time. Each example is a day or two,
and worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from caredispatch.app.shipped import shipped_practice
from caredispatch.core.counting_work import COUNTING
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Location, Service, Staff
from caredispatch.core.ids import Id
from caredispatch.core.playbook import Playbook, ServicePolicy
from caredispatch.rehearsal.by_hand import play_by_hand
from caredispatch.rehearsal.coordinating import MOST_CALLS
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.month import CallOut, Closure, Month, Planned, Want
from caredispatch.rehearsal.outcome import Incident, Run
from caredispatch.rehearsal.parameters_reading import shipped
from caredispatch.rehearsal.people import People

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)
QUICK = {
    "patients.no_show": 0.0,
    "patients.picks_up": 100.0,
    "patients.accepts_offer": 0.0,
    "patients.accepts_times": 100.0,
    "patients.comes_back": 0.0,
    "patients.accepts_change": 100.0,
    "staff.answers_cover": 100.0,
    "staff.accepts_cover": 100.0,
    "staff.phone_median": 1.0,
    "staff.phone_slow": 0.1,
    "staff.not_worked": 0.0,
    "desk.status_change": 10.0,
    "desk.same_day_change": 60.0,
    "desk.booking": 3.0,
    "desk.phone_call": 3.0,
    "desk.phones_before": 0.0,
    "desk.entry_errors": 0.0,
}
"""Everybody picks up and says yes at once; a change takes ten minutes, one on its day an hour."""


def at(hour: int, minute: int = 0, day: int = 0) -> datetime:
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


def clinic(*handles: str, agreement: str = "none") -> Policy:
    """Made-up therapists on duty from 09 to 17 at one site, in UTC."""
    hours = tuple(Hours(day, 9 * 60, 17 * 60, "north") for day in range(5))
    people: dict[str, Staff] = {h: Staff(Id(h), h, f"{h} Madeup", ("therapist",), (), (), {}, hours) for h in handles}
    directory = Directory(
        1, Id("practice"), "River Example", {"north": Location("north", "North", "UTC", "IL")},
        {"therapy": Service("therapy", "Therapy", 60), "group": Service("group", "Group", 60, capacity=4)}, people,
    )  # fmt: skip
    services = {code: ServicePolicy(patient_agreement=agreement) for code in directory.services}  # type: ignore[arg-type]  # one of its words
    return Policy(directory, Playbook("made up", 1, {}, {}, {}, {}, services=services))


def visit(name: str, provider: str, start_at: datetime, booked_at: datetime | None = None, **more: object) -> Planned:
    plan = Planned(name, Id(f"patient of {name}"), Id(provider), "therapy", "north", "in_person", start_at, 60,
                   booked_at or MONDAY - timedelta(days=9))  # fmt: skip
    return replace(plan, **more)  # type: ignore[arg-type]  # callers name its fields


def ill(staff: str, said_at: datetime, begin: datetime, end: datetime) -> CallOut:
    return CallOut(Id(staff), "staff_unavailable", said_at, begin, end)


def want(name: str, since: datetime, until: datetime, **more: bool) -> Want:
    return Want(name, Id(f"patient of {name}"), "therapy", "north", "in_person", since, since, until, **more)


def played(
    policy: Policy,
    *visits: Planned,
    call_outs: tuple[CallOut, ...] = (),
    wants: tuple[Want, ...] = (),
    closures: tuple[Closure, ...] = (),
    coordinators: int = 1,
    days: int = 7,
    **ways: float,
) -> Run:
    month = Month(MONDAY, days, visits, call_outs, wants, closures, (), {}, {}, {})
    parameters = shipped().but({**QUICK, **{name.replace("__", "."): value for name, value in ways.items()}})
    return play_by_hand(policy, month, People(parameters, 1), parameters, coordinators=coordinators)


def of(run: Run, kind: str) -> list[Incident]:
    return [i for i in run.incidents if i.kind == kind]


def measured(run: Run, measure: str) -> tuple[float, float]:
    assert run.happened is not None
    figures = list(COUNTING[measure](run.happened))
    return sum(f.amount for f in figures), sum(f.of for f in figures)


# ------------------------------------------------------------------ the desk


def test_one_person_does_one_thing_at_a_time() -> None:
    bookings = [visit(name, "Ana", at(9, day=3 + n), at(10)) for n, name in enumerate(("a", "b"))]
    alone, together = (played(clinic("Ana"), *bookings, coordinators=n) for n in (1, 2))
    assert [i.settled_at for i in of(alone, "booking")] == [at(10, 3), at(10, 6)]
    assert [i.settled_at for i in of(together, "booking")] == [at(10, 3), at(10, 3)]
    assert alone.human_minutes == together.human_minutes == 6


def test_what_is_said_when_nobody_is_there_waits_for_the_next_working_day() -> None:
    evening = visit("evening", "Ana", at(9, day=8), at(20))
    friday = visit("friday", "Ana", at(10, day=9), at(18, day=4))
    run = played(clinic("Ana"), evening, friday, days=10)
    assert [i.settled_at for i in of(run, "booking")] == [at(8, 3, day=1), at(8, 3, day=7)]


def test_the_most_urgent_comes_first() -> None:
    later = [visit(f"later {n}", "Ana", at(9 + n, day=3), at(7)) for n in range(3)]
    soon = visit("soon", "Ana", at(15), at(7, 30))
    run = played(clinic("Ana"), *later, soon)
    assert min(of(run, "booking"), key=lambda i: str(i.settled_at)).visit == "soon"


def test_every_change_is_typed_into_two_further_systems() -> None:
    bookings = [visit(f"b{n}", "Ana", at(9 + n, day=2), at(10)) for n in range(4)]
    assert (played(clinic("Ana"), *bookings).errors, played(clinic("Ana"), *bookings).fields) == (0, 8)
    assert played(clinic("Ana"), *bookings, desk__entry_errors=100).errors == 8


# ------------------------------------------------------------------ somebody is out


def test_somebody_is_phoned_when_the_desk_opens_and_has_the_visit_when_they_say_yes() -> None:
    run = played(clinic("Ana", "Ben"), visit("v", "Ana", at(14)), call_outs=(ill("Ana", at(6), at(9), at(17)),))
    (incident,) = of(run, "call_out")
    assert (incident.at, incident.first_asked_at, incident.how, incident.same_day) == (at(6), at(8), "covered", True)
    assert incident.settled_at is not None
    assert at(8, 3) < incident.settled_at < at(8, 30)  # phoned for 3 minutes; the answer takes a minute or so
    assert incident.human_minutes == 60  # all told
    assert [(v.status, v.provider) for v in run.visits] == [("kept", "Ben")]
    assert run.asks == {"Ben": 1}


def test_a_visit_that_nobody_takes_is_cancelled_and_one_that_began_before_anybody_was_there_is_uncovered() -> None:
    early, late = visit("early", "Ana", at(7, 30)), visit("late", "Ana", at(14))
    run = played(clinic("Ana"), early, late, call_outs=(ill("Ana", at(6), at(7), at(17)),))
    assert [(i.visit, i.how) for i in of(run, "call_out")] == [("early", "uncovered"), ("late", "cancelled")]
    assert [v.status for v in run.visits] == ["uncovered", "cancelled"]
    assert measured(run, "unresolved_scrambles")[0] == 1  # one call-out is one incident, whatever it hit


def test_the_first_visit_of_a_call_out_takes_an_hour_the_others_what_their_calls_take() -> None:
    out = ill("Ana", at(8), at(9), at(17))
    run = played(clinic("Ana", "Ben"), visit("a", "Ana", at(13)), visit("b", "Ana", at(15)), call_outs=(out,))
    assert [(i.visit, i.human_minutes) for i in of(run, "call_out")] == [("a", 60), ("b", 13)]


def test_who_is_on_duty_is_phoned_before_who_is_off_and_that_is_overtime() -> None:
    policy = clinic("Ana", "Ben")
    ben = policy.directory.staff["Ben"]
    off = replace(ben, hours=tuple(h for h in ben.hours if h.weekday != 0))
    policy = replace(policy, directory=replace(policy.directory, staff={**policy.directory.staff, "Ben": off}))
    run = played(policy, visit("v", "Ana", at(14)), call_outs=(ill("Ana", at(8), at(9), at(17)),))
    assert ([v.provider for v in run.visits], run.overtime_minutes) == (["Ben"], 60)
    assert measured(run, "overtime_minutes")[0] == 60


def test_nobody_takes_two_visits_at_once() -> None:
    run = played(
        clinic("Ana", "Ben", "Cleo"), visit("a", "Ana", at(14)), visit("b", "Ben", at(14)),
        call_outs=(ill("Ana", at(8), at(9), at(17)), ill("Ben", at(8), at(9), at(17))), coordinators=2,
    )  # fmt: skip
    assert sorted(i.how for i in of(run, "call_out")) == ["cancelled", "covered"]


def test_who_said_yes_does_not_always_come() -> None:
    out = ill("Ana", at(8), at(9), at(17))
    run = played(clinic("Ana", "Ben"), visit("v", "Ana", at(14)), call_outs=(out,), staff__not_worked=100)
    assert [v.status for v in run.visits] == ["uncovered"]


def test_a_patient_who_must_agree_and_does_not_loses_the_visit() -> None:
    out = ill("Ana", at(8), at(9), at(17))
    run = played(
        clinic("Ana", "Ben", agreement="required"), visit("v", "Ana", at(14)), call_outs=(out,),
        patients__accepts_change=0,
    )  # fmt: skip
    assert [i.how for i in of(run, "call_out")] == ["cancelled"]
    assert [i.how for i in of(run, "cancellation")] == ["declined"]  # phoned for another time, too


def test_a_group_needs_one_who_takes_it_over() -> None:
    group = [visit(f"g{n}", "Ana", at(14), service="group", group="circle") for n in range(3)]
    run = played(clinic("Ana", "Ben"), *group, call_outs=(ill("Ana", at(8), at(9), at(17)),))
    assert run.asks == {"Ben": 1}
    assert [(v.status, v.provider) for v in run.visits] == [("kept", "Ben")] * 3
    assert measured(run, "slot_utilisation")[0] == 60  # minutes that a group shares count once (D39)


# ------------------------------------------------------------------ patients


def test_a_time_that_becomes_free_is_offered_one_after_another_until_somebody_takes_it() -> None:
    waits = tuple(want(f"w{n}", MONDAY, at(0, day=20), waitlist=True) for n in range(12))
    freed = visit("v", "Ana", at(9, day=2), cancels_at=at(10), cancels="patient")
    nobody = played(clinic("Ana"), freed, wants=waits)
    (incident,) = of(nobody, "cancellation")
    assert (incident.how, nobody.calls) == ("unfilled", MOST_CALLS)
    assert incident.human_minutes == 10 + MOST_CALLS * 3
    first = played(clinic("Ana"), freed, wants=waits, patients__accepts_offer=100)
    (incident,) = of(first, "cancellation")
    assert (incident.how, first.calls) == ("filled", 1)
    assert [(v.name, v.status, v.filled) for v in first.visits] == [("v", "cancelled", False), ("w0+", "kept", True)]
    assert measured(first, "fill_rate") == (1, 1)


def test_a_cancellation_in_the_last_day_is_late() -> None:
    late = visit("late", "Ana", at(9, day=1), cancels_at=at(10), cancels="patient")
    early = visit("early", "Ana", at(9, day=3), cancels_at=at(10), cancels="patient")
    assert [v.status for v in played(clinic("Ana"), late, early).visits] == ["late_cancelled", "cancelled"]


def test_who_did_not_come_is_phoned_for_another_time() -> None:
    missed = visit("v", "Ana", at(10), missed=1000)
    run = played(clinic("Ana"), missed, patients__comes_back=100, days=14)
    assert [(i.how, i.at) for i in of(run, "no_show")] == [("rebooked", at(10, 15))]
    assert [v.status for v in run.visits] == ["no_show", "kept"]
    assert measured(run, "no_show_rate") == (1, 2)


def test_patients_are_phoned_on_the_working_day_before() -> None:
    monday = visit("monday", "Ana", at(9, day=7))
    run = played(clinic("Ana"), monday, days=14, desk__phones_before=100)
    assert (run.calls, run.human_minutes, [v.confirmed for v in run.visits]) == (1, 3, [True])
    assert measured(run, "confirmation_rate") == (1, 1)


def test_a_request_is_placed_and_somebody_for_today_is_taken_by_who_has_time() -> None:
    run = played(clinic("Ana"), wants=(want("r", at(9), at(0, day=6)), want("today", at(9), at(17), urgent=True)))
    assert [(i.kind, i.how) for i in run.incidents] == [("request", "placed"), ("add_on", "placed")]
    assert {v.name for v in run.visits} == {"r+", "today+"}


def test_a_closed_site_takes_every_visit_of_that_time() -> None:
    closed = Closure("north", at(7), at(9), at(17), "no water")
    run = played(clinic("Ana"), visit("a", "Ana", at(10)), visit("b", "Ana", at(10, day=1)), closures=(closed,))
    assert [v.status for v in run.visits] == ["cancelled", "kept"]
    assert measured(run, "scrambles")[0] == 1
    offered = measured(run, "slot_utilisation")[1]
    assert offered == 5 * 8 * 60  # what is withdrawn at short notice stays offered (D39)


# ------------------------------------------------------------------ the whole


@pytest.mark.parametrize("name", ["behavioral-health", "home-health"])
def test_the_same_seed_gives_the_same_month(name: str) -> None:
    shipped_one = shipped_practice(name)
    begin = datetime(2027, 1, 4, 6, tzinfo=UTC)
    runs = []
    for _ in range(2):
        month = month_of(shipped_one.policy, shipped_one.parameters, begin, 14, shipped_one.facts.visits_a_day, 7)
        people = People(shipped_one.parameters, 7)
        runs.append(play_by_hand(shipped_one.policy, month, people, shipped_one.parameters, coordinators=2))
    assert runs[0] == runs[1]
    assert {v.status for v in runs[0].visits} >= {"kept", "no_show", "cancelled"}
