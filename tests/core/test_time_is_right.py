"""Promise 10: the nights on which the clock is put forward or back, hours, quiet hours and tell-by times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from caredispatch.core.eligibility import Question, judge
from caredispatch.core.facts import ContactFacts, Facts, Hours, PatientFacts
from caredispatch.core.ids import Id
from caredispatch.core.playbook import QuietHours
from caredispatch.core.records import Appointment, Case, Participant
from caredispatch.core.windows import quiet_until, reachable_deadline
from tests.core.clinic import ALWAYS, directory, playbook, policy, staff
from tests.core.play import Play

CHICAGO = ZoneInfo("America/Chicago")
PHONE = ContactFacts(Id("c"), "sms", "America/Chicago")
NIGHT = QuietHours(20 * 60, 24 * 60)
FORWARD, BACK = (2027, 3, 14), (2027, 11, 7)
"""The Sundays on which Chicago's clock is put forward at 2:00 and back at 2:00."""


def local(day: tuple[int, int, int], hour: int, minute: int = 0, fold: int = 0) -> datetime:
    """A wall-clock time in Chicago, as an instant."""
    return datetime(*day, hour, minute, tzinfo=CHICAGO, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(("day", "hours"), [(FORWARD, 8), (BACK, 10)])
def test_quiet_hours_end_at_seven_by_the_wall_clock_on_both_nights(day: tuple[int, int, int], hours: int) -> None:
    evening = local((day[0], day[1], day[2] - 1), 22)
    ends = quiet_until(PHONE, (QuietHours(20 * 60 + 30, 7 * 60),), evening)
    assert ends == local(day, 7)
    assert ends - evening == timedelta(hours=hours)


def test_quiet_hours_that_end_in_the_repeated_hour_end_when_it_comes_again() -> None:
    now = local(BACK, 1, 10, fold=1)
    assert quiet_until(PHONE, (QuietHours(0, 90),), now) == local(BACK, 1, 30, fold=1)


@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_whatever_the_minute_quiet_hours_end_later_than_now(day: tuple[int, int, int]) -> None:
    begin = local((day[0], day[1], day[2] - 1), 12)
    for quiet in (QuietHours(20 * 60, 8 * 60), QuietHours(60, 90), QuietHours(90, 150), QuietHours(150, 60), NIGHT):
        for minute in range(0, 36 * 60, 5):
            now = begin + timedelta(minutes=minute)
            ends = quiet_until(PHONE, (quiet,), now)
            assert ends is None or now < ends < now + timedelta(hours=27)


@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_working_hours_are_wall_clock_hours(day: tuple[int, int, int]) -> None:
    early = staff("ana", hours=(Hours(6, 8 * 60, 12 * 60, "north"),))
    people = directory(early)
    for hour, expected in ((7, "no"), (8, "yes"), (11, "yes"), (12, "no")):
        start = local(day, hour)
        visit = Appointment(
            Id("p"), Id("a"), Id("s"), "booking", "therapy-50", "north", "in_person", "booked", start,
            start + timedelta(minutes=50), start, (Participant("provider", "staff", None, "uncovered"),),
        )  # fmt: skip
        case = Case(Id("p"), Id("c"), "cover", Id("a"), "provider", "r", "cover", 1, start)
        verdict, reasons = judge(Question(visit, case, Facts(patient=PatientFacts()), people), early)
        assert (verdict == "yes") == (expected == "yes"), (hour, reasons)


@pytest.mark.parametrize(("tuesday_from", "expected"), [(0, "yes"), (60, "no"), (None, "no")])
def test_a_visit_over_midnight_needs_somebody_on_duty_on_both_days(tuesday_from: int | None, expected: str) -> None:
    monday = (Hours(0, 12 * 60, 24 * 60, "north"),)
    rest = () if tuesday_from is None else (Hours(1, tuesday_from, 12 * 60, "north"),)
    people = directory(staff("ana", hours=ALWAYS), staff("ben", hours=monday + rest))
    play = Play(policy(playbook(), people), now=local((2027, 1, 4), 10)).seen(start_at=local((2027, 1, 4), 23, 30))
    play.answer("ana", "no").run(1)
    assert ("ben" in [p for _, p in play.asked]) == (expected == "yes")


def test_reachable_minutes_are_counted_over_the_night_of_the_change() -> None:
    ana = staff("ana", hours=(Hours(5, 0, 22 * 60, "north"), Hours(6, 8 * 60, 12 * 60, "north")))
    now = local((2027, 3, 13), 21, 50)
    assert reachable_deadline(ana, directory(ana), (), now, 20) == local(FORWARD, 8, 10)


@pytest.mark.parametrize("day", [FORWARD, BACK])
def test_the_patient_hears_two_hours_before_the_start_by_any_clock(day: tuple[int, int, int]) -> None:
    people = directory(*(staff(h, hours=ALWAYS) for h in ("ana", "ben")))
    start = local(day, 9)
    play = Play(policy(playbook(), people), now=local((day[0], day[1], day[2] - 1), 12)).seen(start_at=start)
    play.answer("ana", "no").run(until=start)
    told = [s for s in play.said if s.text == "patient_uncovered"]
    assert [play.began + timedelta(minutes=s.minute) for s in told] == [start - timedelta(hours=2)]
    assert told[0].person == "pat"
