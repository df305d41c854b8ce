"""A baseline's file is read whole or refused with every mistake: its row, column, value and the fix."""

from __future__ import annotations

from datetime import date

import pytest

from caredispatch.app.baseline_file import COLUMNS, COUNTED, BaselineFile, Places, read_baseline
from caredispatch.app.directory_file import DirectoryInvalid
from caredispatch.core.measures import MEASURES, Figure

PLACES = Places({"North", "South"}, {"therapy"})
TODAY = date(2027, 3, 1)


def read(text: str, **theirs: str) -> BaselineFile:
    return read_baseline(text, "b.csv", PLACES, theirs, TODAY)


def refused(text: str, **theirs: str) -> list[str]:
    with pytest.raises(DirectoryInvalid) as caught:
        read(text, **theirs)
    return str(caught.value).splitlines()


def test_a_row_says_what_was_counted_of_what_on_a_day_at_a_place() -> None:
    found = read(
        "day,location,service,kept_minutes,offered_minutes,coordinator_minutes,incidents,scrambles,settled_seconds\n"
        "2027-02-01,North,therapy,300,480,95.5,7,2,360; 95.5; 1200\n"
    )
    where = date(2027, 2, 1), "North", "therapy"
    assert found.figures == (
        Figure("slot_utilisation", *where, 300, 480),
        Figure("coordinator_minutes", *where, 95.5, 7),
        Figure("scrambles", *where, 2, 1),
        Figure("settled_seconds", *where, 1655.5, 3, (95.5, 360, 1200)),
    )
    assert found.has_minutes


def test_columns_are_mapped_and_those_that_nobody_reads_are_named() -> None:
    found = read("Date,Weather,Missed,Due\n2027-02-01,fair,3,40\n", day="Date", no_shows="Missed", visits_due="Due")
    assert found.figures == (Figure("no_show_rate", date(2027, 2, 1), "", "", 3, 40),)
    assert found.left_out == ("Weather",)


def test_an_empty_pair_says_nothing_and_an_empty_row_is_passed_over() -> None:
    found = read("day,no_shows,visits_due,scrambles\n2027-02-01,,,3\n,,,\n2027-02-02,1,20,\n")
    assert [(f.measure, f.day.day) for f in found.figures] == [("scrambles", 1), ("no_show_rate", 2)]


def test_every_mistake_is_told_with_its_row_column_value_and_fix() -> None:
    told = refused(
        "day,location,service,no_shows,visits_due,first_asked_seconds\n"
        "2/1/2027,North,therapy,1,20,\n"
        "2027-03-01,North,therapy,1,20,\n"
        "2027-02-02,East,therapy,1,20,\n"
        "2027-02-03,North,therapy,minus,20,\n"
        "2027-02-04,North,therapy,30,20,40;x\n"
        "2027-02-05,North,therapy,1,,\n"
        "2027-02-06,North,therapy,1,20,\n"
        "2027-02-06,North,therapy,2,20,\n"
    )
    assert told == [
        "b.csv:2: day: write the day as 2027-01-31 (it is '2/1/2027')",
        "b.csv:3: day: is not over yet: a baseline is of days that are (it is '2027-03-01')",
        "b.csv:4: location: no location 'East'; there are: North, South; or leave it empty for all (it is 'East')",
        "b.csv:5: no_shows: write a number that is not negative, as 12 or 7.5 (it is 'minus')",
        "b.csv:6: no_shows: is more than visits_due (20) (it is '30')",
        "b.csv:6: first_asked_seconds: write seconds, as 40; 360; 95.5 (it is '40;x')",
        "b.csv:7: visits_due: is empty, and no_shows is not (it is '')",
        "b.csv:9: day: line 8 has this day, location and service already (it is '2027-02-06')",
    ]


def test_a_mistake_names_the_files_own_column() -> None:
    assert refused("Date,scrambles\nsoon,1\n", day="Date") == [
        "b.csv:2: Date: write the day as 2027-01-31 (it is 'soon')"
    ]


@pytest.mark.parametrize(
    ("text", "theirs", "fix"),
    [
        ("scrambles\n1\n", {}, "b.csv:1: the column 'day' is missing: name yours with --map day=YOURS"),
        ("day,no_shows\n", {}, "b.csv:1: there is 'no_shows' without 'visits_due'"),
        ("day,day\n", {}, "b.csv:1: the column 'day' stands there twice"),
        ("day\n", {"scrambles": "Chaos"}, "b.csv:1: the column 'Chaos' that --map scrambles names is missing"),
        ("day,x\n", {"scramble": "x"}, "b.csv: --map scramble=x: we have no column 'scramble'; there are: day"),
        ("day,x\n", {"scrambles": "x", "disruptions": "x"}, "b.csv: --map names the column 'x' for two of ours"),
        ("day,weather\n2027-02-01,fair\n", {}, "b.csv:1: day: no row has anything to measure"),
        ("day,scrambles\n2027-02-01\n", {}, "b.csv:2: the row: has more or fewer than 2 cells"),
    ],
)
def test_a_head_that_cannot_be_used_names_the_fix(text: str, theirs: dict[str, str], fix: str) -> None:
    assert any(line.startswith(fix) for line in refused(text, **theirs))


def test_every_column_is_of_a_measure_that_there_is() -> None:
    assert set(COUNTED) <= set(MEASURES)
    assert all((not of) == (MEASURES[m].adds != "ratio") for m, (_, of) in COUNTED.items())
    assert len(COLUMNS) == len(set(COLUMNS))
