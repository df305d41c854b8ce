"""What a practice's own past says, counted by hand on small records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest

from caredispatch.rehearsal.history import Past, history_parameters
from caredispatch.rehearsal.parameters_reading import shipped

CHICAGO = ZoneInfo("America/Chicago")
START = datetime(2026, 9, 15, 16, tzinfo=UTC)


def past(lead: int = 3, status: Literal["kept", "no_show", "cancelled"] = "kept", **ways: object) -> Past:
    return replace(Past("talk", START, status, booked_at=START - timedelta(days=lead)), **ways)  # type: ignore[arg-type]  # as Past names them


def test_the_no_show_rate_is_over_visits_that_were_due() -> None:
    """100 due, 9 missed; 20 cancelled count nowhere."""
    rows = [past()] * 91 + [past(status="no_show")] * 9 + [past(status="cancelled", cancelled_at=START)] * 20
    said = history_parameters(rows, CHICAGO)
    assert said.values["patients.no_show"] == 9
    assert said.counted["patients.no_show"] == 100


def test_with_fewer_than_a_hundred_nothing_is_said() -> None:
    said = history_parameters([past()] * 90 + [past(status="no_show")] * 9, CHICAGO)
    assert (said.values, said.services) == ({}, {})
    assert history_parameters([past()] * 90 + [past(status="no_show")] * 9, CHICAGO, fewest=99).values


def test_the_curve_by_lead_needs_both_of_its_ends() -> None:
    near = [past(1)] * 90 + [past(1, "no_show")] * 10
    far = [past(20)] * 70 + [past(20, "no_show")] * 30
    assert "patients.no_show_1_day" not in history_parameters(near, CHICAGO).values
    both = history_parameters(near + far, CHICAGO).values
    assert (both["patients.no_show_1_day"], both["patients.no_show_13_days"]) == (10, 30)


def test_video_is_held_against_visits_in_person() -> None:
    rows = [past()] * 90 + [past(status="no_show")] * 10
    rows += [past(modality="video")] * 85 + [past(status="no_show", modality="phone")] * 15
    assert history_parameters(rows, CHICAGO).values["patients.no_show_video"] == 1.5


def test_who_cancels_on_the_day_is_told_by_the_clock_of_the_site() -> None:
    """03:00 UTC on the 15th is 22:00 on the 14th in Chicago: not its day."""
    gone = past(status="cancelled", cancelled_by="patient")
    night = replace(gone, cancelled_at=datetime(2026, 9, 15, 3, tzinfo=UTC))
    morning = replace(gone, cancelled_at=datetime(2026, 9, 15, 13, tzinfo=UTC))
    rows = [past()] * 190 + [night] * 2 + [morning] * 6 + [replace(morning, cancelled_by="practice")] * 2
    said = history_parameters(rows, CHICAGO).values
    assert (said["patients.cancels_same_day"], said["practice.cancels_same_day"]) == (3, 1)


def test_where_it_is_not_recorded_who_cancelled_nothing_is_said_of_it() -> None:
    rows = [past()] * 190 + [past(status="cancelled", cancelled_at=START - timedelta(hours=1))] * 10
    said = history_parameters(rows, CHICAGO).values
    assert not {"patients.cancels_same_day", "practice.cancels_same_day"} & set(said)


def test_cancellations_before_the_day_are_those_of_a_month_ahead() -> None:
    """100 booked 15 days ahead, 8 cancelled before: 16 % at 30 days, in proportion."""
    gone = past(15, "cancelled", cancelled_at=START - timedelta(days=2), cancelled_by="patient")
    assert history_parameters([past(15)] * 92 + [gone] * 8, CHICAGO).values["patients.cancels_month_1"] == 16


def test_leads_are_those_of_single_visits() -> None:
    """50 on the day, 25 a day, 15 a week, 10 twenty days ahead; a series booked long ago is not asked."""
    rows = [past(0)] * 50 + [past(1)] * 25 + [past(7)] * 15 + [past(20)] * 10
    rows = [replace(v, in_series=False) for v in rows] + [past(90, in_series=True)] * 100
    said = history_parameters(rows, CHICAGO).values
    names = ("same_day", "within_a_week", "within_two_weeks", "within_a_month", "series")
    assert [said[f"practice.{name}"] for name in names] == [50, 25, 15, 10, 50]


def test_services_by_share_and_by_how_long_they_really_take() -> None:
    rows = [past(minutes=n) for n in (40, 50, 60)] * 30 + [replace(past(minutes=10), service="call")] * 10
    said = history_parameters(rows, CHICAGO).services
    assert {code: (s.share, s.minutes) for code, s in said.items()} == {"talk": (90, 50), "call": (10, None)}


def test_what_the_past_says_is_laid_over_and_says_so() -> None:
    said = history_parameters([past()] * 95 + [past(status="no_show")] * 5, CHICAGO)
    own = said.over(shipped())
    assert own.patients.no_show == 5
    assert own.rows["patients.no_show"].source == "own history, 100 visits"
    assert own.patients.moves == shipped().patients.moves
    assert own.services["talk"].share == 100


@pytest.mark.parametrize("rows", [[], [past()]])
def test_no_past_says_nothing(rows: list[Past]) -> None:
    assert history_parameters(rows, CHICAGO).over(shipped()) == shipped()
