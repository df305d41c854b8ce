"""A simulated month: as the directory allows, as the parameters say, the same for the same seed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Hours, Room, Service, Staff
from caredispatch.core.ids import Id
from caredispatch.rehearsal.courses import odds_of_missing
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.month import Month, Planned
from caredispatch.rehearsal.parameters import Parameters, ServiceWays
from caredispatch.rehearsal.parameters_reading import shipped
from tests.rehearsal.made_up import BEGIN, CIRCLE, EAST, EXAM, NORTH, TALK, assuming, near, practice, somebody

SEEDS = 20
CHICAGO = ZoneInfo("America/Chicago")


@lru_cache(maxsize=4)
def many(begin: datetime = BEGIN) -> tuple[Month, ...]:
    """Twenty months of 80 visits a day."""
    return tuple(month_of(practice(systems=("ehr",)), shipped(), begin, 28, 80, seed) for seed in range(SEEDS))


def visits(months: Iterable[Month] | None = None) -> Iterator[Planned]:
    for month in months or many():
        yield from month.visits


# ------------------------------------------------------------------ what the directory allows


def _occupied(policy: Policy, month: Month) -> dict[str, list[tuple[datetime, datetime, str]]]:
    """What each person and room is taken by: start, end (buffers included) and the session."""
    found: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for v in month.visits:
        service = policy.directory.services[v.service]
        before, after = timedelta(minutes=service.buffer_before), timedelta(minutes=v.minutes + service.buffer_after)
        times = [v.start_at] + ([v.moves_to] if v.moves_to else [])
        for at in times:
            session = v.group if v.group else f"{v.name} {at}"
            found.setdefault(v.patient, []).append((at, at + timedelta(minutes=v.minutes), session))
            for who in (v.provider, v.room) if at == v.start_at else (v.provider,):
                if who is not None:
                    found.setdefault(who, []).append((at - before, at + after, session))
    return found


def _overlaps(taken: list[tuple[datetime, datetime, str]]) -> list[tuple[datetime, datetime, str]]:
    rows = sorted(taken)
    return [b for a, b in pairwise(rows) if b[0] < a[1] and a[2] != b[2]]


def _within_hours(policy: Policy, v: Planned, at: datetime) -> bool:
    staff = policy.directory.staff[str(v.provider)]
    tz = ZoneInfo(policy.directory.locations[v.location].time_zone)
    begin, end = at.astimezone(tz), (at + timedelta(minutes=v.minutes)).astimezone(tz)
    first, last = begin.hour * 60 + begin.minute, end.hour * 60 + end.minute
    return any(
        h.location == v.location and h.weekday == begin.weekday() and h.begin <= first and last <= h.end
        for h in staff.hours
    )


STARTS = (BEGIN, BEGIN + timedelta(hours=13, minutes=7), BEGIN - timedelta(days=30, hours=1))
hours_of_day = st.tuples(st.integers(6, 11), st.integers(14, 20))


@st.composite
def practices(draw: st.DrawFn) -> Policy:
    """Up to six people, some at two sites, some doctors, one or two exam rooms; services of all kinds."""
    crowd = []
    for n in range(draw(st.integers(1, 6))):
        begin, end = draw(hours_of_day)
        days = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True))
        one = somebody(f"s{n}", draw(st.sampled_from((NORTH, EAST))), days, begin=begin, end=end)
        role = draw(st.sampled_from(("therapist", "doctor")))
        away = tuple(Hours(d, 8 * 60, 12 * 60 + 20, "east") for d in range(5)) if draw(st.booleans()) else ()
        licences = {"IL": "2030-01-01", "NY": draw(st.sampled_from(("2030-01-01", "2026-12-10")))}
        crowd.append(Staff(one.staff_id, one.handle, one.name, (role,), hours=one.hours + away, licences=licences))
    services = [TALK, EXAM, CIRCLE, Service("long", "Long", 75, "doctor", buffer_before=15, buffer_after=3)]
    rooms = [Room(Id(f"room-{n}"), f"room-{n}", "exam-room", "north") for n in range(draw(st.integers(1, 2)))]
    return practice(*crowd, services=services, rooms=rooms)


@settings(max_examples=60, deadline=None)
@given(practices(), st.integers(0, 2**32), st.sampled_from((5, 30, 400)), st.integers(1, 21), st.sampled_from(STARTS))
def test_nobody_is_double_booked_and_everybody_works_in_their_own_hours(
    policy: Policy, seed: int, a_day: int, days: int, begin: datetime
) -> None:
    try:
        month = month_of(policy, assuming(patients__moves=100), begin, days, a_day, seed)
    except ValueError:  # nobody of this practice works at all
        reject()
    for who, taken in _occupied(policy, month).items():
        assert _overlaps(taken) == [], who
    for v in month.visits:
        staff, service = policy.directory.staff[str(v.provider)], policy.directory.services[v.service]
        assert service.needs_role in staff.roles
        assert all(_within_hours(policy, v, at) for at in (v.start_at, v.moves_to) if at is not None)
        site = policy.directory.locations[v.location]
        on = v.start_at.astimezone(ZoneInfo(site.time_zone)).date().isoformat()
        assert staff.licences[site.state] >= on
        assert (v.room is not None) == (service.needs_room == "exam-room")
        assert begin <= v.start_at < begin + timedelta(days=days)
        assert v.booked_at < v.start_at
        assert v.cancels_at is None or max(v.booked_at, begin) < v.cancels_at < v.start_at
        assert v.moves_to is None or (v.cancels_at is not None and v.cancels_at < v.moves_to)
        assert (v.cancels is None) == (v.cancels_at is None)


def test_who_has_left_has_no_visit_after_that() -> None:
    one = somebody("s0", NORTH)
    leaving = Staff(one.staff_id, "s0", "s0 Madeup", ("therapist",), hours=one.hours, leaves_on=date(2026, 12, 8))
    month = month_of(practice(leaving), shipped(), BEGIN, 28, 6, 1)
    days = {v.start_at.astimezone(CHICAGO).date() for v in month.visits}
    assert max(days) == date(2026, 12, 7)


def test_a_group_shares_its_session_up_to_its_seats() -> None:
    month = month_of(practice(services=[TALK, CIRCLE]), shipped(), BEGIN, 28, 80, 3)
    sessions: dict[str, list[Planned]] = {}
    for v in month.visits:
        assert (v.group is not None) == (v.service == "circle")
        if v.group is not None:
            sessions.setdefault(v.group, []).append(v)
    assert len(sessions) > 10
    for members in sessions.values():
        assert len({(v.start_at, v.provider, v.location) for v in members}) == 1
        assert len({v.patient for v in members}) == len(members) <= 8
    assert sum(map(len, sessions.values())) / len(month.visits) == pytest.approx(0.5, abs=0.06)


def test_a_series_is_weekly_with_one_provider_at_one_hour() -> None:
    series: dict[str, list[Planned]] = {}
    for v in many()[0].visits:
        if v.series is not None:
            series.setdefault(v.series, []).append(v)
    assert len(series) > 50
    for members in series.values():
        first = members[0]
        assert {(v.patient, v.provider, v.booked_at) for v in members} == {
            (first.patient, first.provider, first.booked_at)
        }
        assert all((v.start_at - first.start_at) % timedelta(days=7) == timedelta(0) for v in members)


@pytest.mark.parametrize("begin", [datetime(2026, 10, 19, 5, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)])
def test_working_hours_are_wall_clock_hours_on_both_sides_of_a_change_of_the_clock(begin: datetime) -> None:
    """D10 of the promises: 8 November 2026 is not in it, 1 November and 8 March 2026 are."""
    policy = practice(somebody("s0", NORTH, range(7), begin=0, end=24))
    early = practice(somebody("s0", NORTH, range(7)))
    assert month_of(policy, shipped(), begin, 28, 10, 1).visits
    month = month_of(early, shipped(), begin, 28, 7, 1)
    starts = [v.start_at.astimezone(CHICAGO) for v in month.visits]
    assert min(s.hour for s in starts) == 8
    assert all(_within_hours(early, v, v.start_at) for v in month.visits)


def test_visits_are_as_long_as_the_practice_knows_that_they_take() -> None:
    known = shipped().but({}, services={"talk": ServiceWays(100, 35)})
    assert {v.minutes for v in month_of(practice(), known, BEGIN, 7, 40, 1).visits} == {35}


def test_video_is_for_services_and_people_that_may_be_by_video() -> None:
    def by_video(service: Service, staff: Staff) -> set[str]:
        month = month_of(practice(staff, services=[service]), assuming(practice__video=100), BEGIN, 7, 6, 1)
        return {v.modality for v in month.visits}

    one = somebody("s0", NORTH)
    assert by_video(TALK, one) == {"video"}
    assert by_video(replace(TALK, video=False), one) == {"in_person"}
    assert by_video(TALK, replace(one, video=False)) == {"in_person"}


def test_services_come_in_the_mix_that_the_practice_knows() -> None:
    known = shipped().but({"practice.series": 0}, services={"talk": ServiceWays(80), "call": ServiceWays(20)})
    policy = practice(services=[TALK, Service("call", "Call", 20), EXAM])
    count = Counter(v.service for seed in range(5) for v in month_of(policy, known, BEGIN, 28, 60, seed).visits)
    assert set(count) == {"talk", "call"}
    assert near(count["call"], count.total(), 20)


# ------------------------------------------------------------------ what cannot be


def test_a_practice_in_which_nobody_works_is_refused() -> None:
    idle = Staff(Id("s"), "s", "S Madeup", ("therapist",))
    with pytest.raises(ValueError, match="nobody in the directory has working hours"):
        month_of(practice(idle), shipped(), BEGIN, 28, 80, 1)


def test_a_service_that_the_directory_does_not_know_is_refused() -> None:
    known = shipped().but({}, services={"talc": ServiceWays(80)})
    with pytest.raises(ValueError, match=r"'talc' is no service\. Did you mean 'talk'"):
        month_of(practice(), known, BEGIN, 28, 80, 1)


def test_services_that_nobody_does_are_refused() -> None:
    known = shipped().but({}, services={"exam": ServiceWays(80)})
    with pytest.raises(ValueError, match="nobody of the directory does any of"):
        month_of(practice(services=[TALK, EXAM]), known, BEGIN, 28, 80, 1)


# ------------------------------------------------------------------ as the parameters say


def test_there_are_as_many_visits_a_day_as_asked_for() -> None:
    assert sum(len(m.visits) for m in many()) / SEEDS / 20 == pytest.approx(80, rel=0.03)


def test_with_days_ahead_as_much_is_booked_at_the_end_as_at_the_beginning() -> None:
    """What is booked in the last week for the weeks after it."""
    end = BEGIN + timedelta(days=28)
    months = [month_of(practice(), shipped(), BEGIN, 28, 80, seed, ahead=60) for seed in range(3)]
    fresh = [v for v in visits(months) if v.series is None and v.booked_at >= BEGIN]
    first = sum(v.booked_at < BEGIN + timedelta(days=7) for v in fresh)
    last = sum(v.booked_at >= end - timedelta(days=7) for v in fresh)
    assert last == pytest.approx(first, rel=0.1)
    assert all(v.booked_at < end for v in visits(months) if v.start_at >= end)
    assert all(w.since < end for m in months for w in m.wants)
    assert all(c.said_at < end for m in months for c in m.call_outs)


def test_every_assumption_can_be_moved_to_the_ends_of_its_range() -> None:
    small = practice(somebody("s0", NORTH), somebody("s1", EAST), systems=("ehr",))
    for row in shipped().rows.values():
        for end in (row.low, row.high):
            if end is not None:
                assert len(month_of(small, shipped().but({row.name: end}), BEGIN, 7, 10, 1).visits) > 35, row.name


def test_where_more_are_asked_for_than_fit_as_many_as_fit_are_there() -> None:
    month = month_of(practice(somebody("s0", NORTH)), assuming(practice__series=0), BEGIN, 7, 500, 1)
    assert len(month.visits) == 5 * 9


def test_without_a_number_the_practice_is_as_full_as_the_parameters_say() -> None:
    """Kept minutes over offered minutes: 12 people, 9 hours, 20 days."""
    offered = 12 * 9 * 60 * 20
    kept = 0.0
    for seed in range(6):
        for v in month_of(practice(), shipped(), BEGIN, 28, None, seed).visits:
            kept += v.minutes * (1 - v.missed / 1000) if v.cancels_at is None else 0
    assert 100 * kept / 6 / offered == pytest.approx(71, abs=3)


def test_the_mean_chance_of_a_no_show_is_the_practices_own() -> None:
    for month in many():
        assert sum(v.missed for v in month.visits) / len(month.visits) == pytest.approx(80, abs=1)


@pytest.mark.parametrize(
    ("lead", "before", "remote", "odds"),
    [
        (1, False, False, 12.0 / 88.0),
        (7, False, False, 16.15 / 83.85),
        (13, False, False, 20.3 / 79.7),
        (60, False, False, 20.3 / 79.7),
        (0, False, False, 20.3 / 79.7 / 5.45),
        (13, True, False, 20.3 / 79.7 * 4.42),
        (13, False, True, 20.3 / 79.7 * 1.31),
    ],
)
def test_the_odds_of_a_no_show_by_hand(lead: int, before: bool, remote: bool, odds: float) -> None:
    """12.0 % a day ahead, 20.3 % from 13 days on, 16.15 % half way; 5.45 from under a day to over four weeks; 4.42
    after one before."""
    assert odds_of_missing(shipped().patients, lead, before, remote) == pytest.approx(odds)


def test_no_visit_is_likelier_missed_than_the_most() -> None:
    parameters = assuming(patients__no_show=45, patients__missed_before=50)
    assert max(v.missed for v in month_of(practice(), parameters, BEGIN, 28, 80, 1).visits) == 600


def _local(v: Planned, at: datetime) -> date:
    return at.astimezone(ZoneInfo({"north": NORTH, "east": EAST}[v.location].time_zone)).date()


def test_patients_cancel_on_the_day_as_often_as_measured() -> None:
    booked_before = [v for v in visits() if _local(v, v.booked_at) < _local(v, v.start_at)]
    today = [v for v in booked_before if v.cancels_at is not None and _local(v, v.cancels_at) == _local(v, v.start_at)]
    assert near(sum(v.cancels == "patient" for v in today), len(booked_before), 3.92)


def test_the_practice_cancels_what_call_outs_do_not_explain() -> None:
    """3.08 % of the visits; one day in five of the 9.2 % who call out in a week makes 1.84 % of the visits."""
    booked_before = [v for v in visits() if _local(v, v.booked_at) < _local(v, v.start_at)]
    assert near(sum(v.cancels == "practice" for v in booked_before), len(booked_before), 3.08 - 9.2 / 5)


def test_where_call_outs_explain_more_than_the_practice_cancels_nothing_is_added() -> None:
    month = month_of(practice(), assuming(staff__call_outs=40), BEGIN, 28, 80, 1)
    assert not any(v.cancels == "practice" for v in month.visits)


def test_the_longer_ahead_the_more_is_cancelled() -> None:
    """19 % of what was booked a month ahead, before its day; here of what can still be: booked in the month."""
    fresh = [v for v in visits() if v.series is None and v.booked_at >= BEGIN]

    def cancelled(low: int, high: int) -> float:
        there = [v for v in fresh if low <= (_local(v, v.start_at) - _local(v, v.booked_at)).days <= high]
        gone = [v for v in there if v.cancels_at and _local(v, v.cancels_at) < _local(v, v.start_at)]
        return 100 * len(gone) / len(there)

    assert cancelled(2, 6) == pytest.approx(19 * 4 / 30, abs=0.8)
    assert cancelled(14, 27) == pytest.approx(19 * 20 / 30, abs=2)


def test_of_the_visits_that_patients_give_up_27_percent_are_moved() -> None:
    """MGMA: rebooked within 30 days. Here of those of the first ten days, for which the month still has room."""
    early = [v for v in visits() if v.cancels == "patient" and v.start_at < BEGIN + timedelta(days=10)]
    assert near(sum(v.moves_to is not None for v in early), len(early), 27)
    assert all(v.moves_to is None for v in visits() if v.cancels != "patient")


def test_visits_are_booked_as_long_ahead_as_the_parameters_say() -> None:
    """What patients book by themselves; what the desk does not book on a Sunday is booked on the Friday before."""
    every = assuming(practice__online=100, practice__series=0)
    single = [v for seed in range(5) for v in month_of(practice(), every, BEGIN, 28, 80, seed).visits]
    leads = [(_local(v, v.start_at) - _local(v, v.booked_at)).days for v in single]
    assert near(sum(7 <= lead <= 13 for lead in leads), len(leads), 25)
    assert near(sum(14 <= lead <= 29 for lead in leads), len(leads), 20)
    assert near(sum(30 <= lead <= 60 for lead in leads), len(leads), 10)
    # Somebody who wants the first hours of a day books the day before.
    assert near(sum(lead <= 6 for lead in leads), len(leads), 45)


def test_a_quarter_of_the_visits_belongs_to_a_series() -> None:
    share = sum(v.series is not None for v in visits()) / sum(1 for _ in visits())
    assert share == pytest.approx(0.25, abs=0.03)


def test_nine_of_a_hundred_call_out_in_a_week() -> None:
    weeks = SEEDS * 12 * 4
    out = [c for m in many() for c in m.call_outs if c.kind == "staff_unavailable"]
    assert near(len(out), weeks, 9.2)


def test_most_call_outs_are_said_in_the_morning_and_some_the_evening_before() -> None:
    crowd = practice(*(somebody(f"s{n}", NORTH) for n in range(60)))
    out = [
        c
        for seed in range(10)
        for c in month_of(crowd, assuming(staff__call_outs=50), BEGIN, 28, 10, seed).call_outs
        if c.kind == "staff_unavailable"
    ]
    said = [(c.said_at.astimezone(CHICAGO), c.start_at.astimezone(CHICAGO)) for c in out]
    morning = [(s, b) for s, b in said if s.date() == b.date() and s < b]
    evening = [(s, b) for s, b in said if s.date() < b.date()]
    assert near(len(morning), len(out), 60)
    assert near(len(evening), len(out), 25)
    assert all("05:30" <= f"{s:%H:%M}" < "08:30" for s, _ in morning)
    assert all("18:00" <= f"{s:%H:%M}" < "22:00" for s, _ in evening)
    assert all(c.said_at == c.start_at < c.end_at for c in out if c.said_at >= c.start_at)
    assert all(c.end_at.astimezone(CHICAGO).hour == 17 for c in out)


def test_who_is_late_says_so_shortly_before() -> None:
    late = [c for m in many() for c in m.call_outs if c.kind == "staff_late"]
    assert late
    assert all(timedelta(minutes=5) <= c.start_at - c.said_at <= timedelta(minutes=40) for c in late)
    assert {c.late_minutes for c in late} <= set(range(5, 45, 5))


def test_who_leaves_says_so_weeks_before() -> None:
    months = [month_of(practice(), assuming(staff__leaves=80), BEGIN, 28, 10, seed) for seed in range(5)]
    gone = [c for m in months for c in m.call_outs if c.kind == "staff_leaving"]
    assert gone
    assert all(timedelta(days=13) <= c.start_at - c.said_at <= timedelta(days=30) for c in gone)


def test_wishes_come_by_the_size_of_the_practice() -> None:
    """80 visits a day on 20 days: 6 requests, 4 entries of the waitlist and 1 add-on a day for each 100 visits."""
    wants = [w for m in many() for w in m.wants]
    days = SEEDS * 20 * 80 / 100
    waiting = [w for w in wants if w.waitlist and w.since >= BEGIN]
    requests = [w for w in wants if not w.waitlist and not w.urgent]
    assert len(requests) / days == pytest.approx(6, rel=0.1)
    assert len(waiting) / days == pytest.approx(4, rel=0.1)
    assert len([w for w in wants if w.urgent]) / days == pytest.approx(1, rel=0.2)
    assert all(w.since <= w.not_before < w.until for w in wants)


def test_wishes_are_for_services_in_the_practices_mix() -> None:
    known = shipped().but({}, services={"talk": ServiceWays(80), "call": ServiceWays(20)})
    policy = practice(services=[TALK, Service("call", "Call", 20), CIRCLE])
    wanted = [w.service for seed in range(10) for w in month_of(policy, known, BEGIN, 28, 80, seed).wants]
    assert set(wanted) == {"talk", "call"}
    assert near(wanted.count("call"), len(wanted), 20)


def test_some_wait_from_the_beginning() -> None:
    """Each waits three weeks: 15 working days' entries are there."""
    there = [w for m in many() for w in m.wants if w.waitlist and w.since < BEGIN]
    assert len(there) / SEEDS == pytest.approx(15 * 4 * 80 / 100, rel=0.1)


def test_an_emergency_is_to_be_seen_on_its_day() -> None:
    for m in many():
        for w in (w for w in m.wants if w.urgent):
            tz = ZoneInfo({"north": NORTH, "east": EAST}[w.location].time_zone)
            assert w.since.astimezone(tz).date() == w.until.astimezone(tz).date()


def test_sites_close_rarely() -> None:
    """Twice a year each: on 20 working days of 20 months at two sites."""
    closed = [c for m in many() for c in m.closures]
    assert 0 < len(closed) <= 15
    assert all(c.said_at <= c.start_at < c.end_at for c in closed)


def test_what_systems_send_fails_while_something_is_sent() -> None:
    for m in many():
        moments = {t for v in m.visits for t in (v.booked_at, v.cancels_at)}
        names = {v.name for v in m.visits}
        for t in m.troubles:
            assert t.system == "ehr"
            assert t.at in moments or (t.kind == "wrong_data" and t.visit in names)
    kinds = Counter(t.kind for m in many() for t in m.troubles)
    weeks = 4 * SEEDS
    assert kinds["duplicate"] / weeks == pytest.approx(3, rel=0.2)
    assert kinds["lost"] / weeks == pytest.approx(1, rel=0.4)
    assert set(kinds) == {"duplicate", "late", "lost", "slow_write", "outage", "wrong_data"}


def test_everybody_who_is_named_is_known_and_reachable() -> None:
    for m in many():
        people = {v.patient for v in m.visits} | {w.patient for w in m.wants}
        assert people <= set(m.patients)
        assert all(m.contacts[p] for p in people)
        assert all(m.contacts[str(v.provider)] for v in m.visits)
    no_text = [m.contacts[p][0].channel == "email" for m in many() for p in m.patients]
    assert near(sum(no_text), len(no_text), 8)


def test_a_patients_care_plan_is_one_that_their_provider_takes() -> None:
    one = somebody("s0", NORTH)
    tagged = Staff(one.staff_id, "s0", "s0 Madeup", ("therapist",), tags=("adult", "teen"), hours=one.hours)
    month = month_of(practice(tagged), shipped(), BEGIN, 28, 6, 1)
    assert {facts.tags for facts in month.patients.values()} == {("adult",), ("teen",)}


# ------------------------------------------------------------------ the same for the same seed


def test_another_seed_is_another_month_and_the_same_one_the_same() -> None:
    one = month_of(practice(), shipped(), BEGIN, 28, 80, 1)
    assert one == month_of(practice(), shipped(), BEGIN, 28, 80, 1)
    assert one.visits != month_of(practice(), shipped(), BEGIN, 28, 80, 2).visits


def test_more_call_outs_leave_the_visits_and_wishes_as_they_are() -> None:
    def without(parameters: Parameters) -> tuple[object, object]:
        month = month_of(practice(), parameters, BEGIN, 28, 80, 1)
        return tuple((v.start_at, v.patient, v.booked_at, v.missed) for v in month.visits), month.wants

    assert without(assuming(staff__late=50)) == without(shipped())


def test_an_assumption_moves_what_it_is_about_and_nothing_else() -> None:
    """So that the difference which it makes is its own, not that of another luck."""
    policy = practice(systems=("ehr",))

    def gone(parameters: Parameters) -> list[tuple[str, datetime | None]]:
        return [(v.name, v.cancels_at) for v in month_of(policy, parameters, BEGIN, 28, 80, 1).visits]

    def waits(parameters: Parameters) -> list[tuple[datetime, str]]:
        wants = month_of(policy, parameters, BEGIN, 28, 80, 1).wants
        return [(w.since, w.service) for w in wants if w.waitlist]

    def down(parameters: Parameters) -> list[datetime]:
        return [t.at for t in month_of(policy, parameters, BEGIN, 28, 80, 1).troubles if t.kind == "late"]

    assert gone(assuming(patients__moves=100)) == gone(shipped())
    assert waits(assuming(practice__requests=20)) == waits(shipped())
    assert down(assuming(systems__duplicates=9)) == down(shipped())


_PRINT = """
from hashlib import sha256
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.parameters_reading import shipped
from caredispatch.rehearsal.people import People
from tests.rehearsal.made_up import BEGIN, CIRCLE, TALK, practice
month = month_of(practice(services=[TALK, CIRCLE], systems=("ehr", "booking")), shipped(), BEGIN, 14, 60, 5)
people = People(shipped(), 5)
def said(v):
    return people.reply(v.patient, False, "confirm_patient", v.name, "sms", BEGIN, 600, 0, 900, visit=v)
print(sha256(repr((month, [said(v) for v in month.visits])).encode()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", _PRINT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1
