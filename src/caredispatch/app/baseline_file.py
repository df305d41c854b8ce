"""A baseline as a CSV file: a row a day, location and service; reading it, every mistake with its row, column and fix
(D38). Freezing it is `baseline_taking`'s."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import StringIO

from caredispatch.app.mistakes import Mistakes
from caredispatch.core.measures import MEASURES, Figure

COUNTED: Mapping[str, tuple[str, str]] = {
    "slot_utilisation": ("kept_minutes", "offered_minutes"),
    "coordinator_minutes": ("coordinator_minutes", "incidents"),
    "confirmation_rate": ("confirmed", "visits_open_24h"),
    "late_cancellations": ("late_cancellations", "visits_open_24h"),
    "no_show_rate": ("no_shows", "visits_due"),
    "fill_rate": ("filled", "freed"),
    "kept_fills": ("kept_fills", "freed"),
    "first_ask_success": ("first_ask_successes", "cover_cases"),
    "disruptions": ("disruptions", ""),
    "scrambles": ("scrambles", ""),
    "unresolved_scrambles": ("unresolved_scrambles", ""),
    "overtime_minutes": ("overtime_minutes", ""),
    "entry_errors": ("entry_errors", ""),
    "first_asked_seconds": ("first_asked_seconds", ""),
    "settled_seconds": ("settled_seconds", ""),
    "confirm_seconds": ("confirm_seconds", ""),
}
"""Measure -> the columns of what is counted and of what it is counted of (none: of the day). Measures of time have all
their values in one cell, separated by `;`."""
PLACE = ("day", "location", "service")
COLUMNS = (*PLACE, *dict.fromkeys(name for pair in COUNTED.values() for name in pair if name))
MINUTES = "coordinator_minutes"


@dataclass(frozen=True, slots=True)
class Places:
    """The practice's location and service codes."""

    locations: Collection[str]
    services: Collection[str]


@dataclass(frozen=True, slots=True)
class BaselineFile:
    """What a file says: its figures, and which of its columns nobody reads."""

    figures: tuple[Figure, ...]
    left_out: tuple[str, ...]

    @property
    def days(self) -> list[date]:
        """The days that it has, in order."""
        return sorted({f.day for f in self.figures})

    @property
    def has_minutes(self) -> bool:
        """Whether coordinators' minutes are in it, for which an instrument must be named."""
        return any(f.measure == MINUTES for f in self.figures)


def read_baseline(text: str, file: str, places: Places, theirs: Mapping[str, str], today: date) -> BaselineFile:
    """What a file says; `theirs` maps our names of columns to the file's where they differ. Raises DirectoryInvalid
    with every mistake."""
    wrong = Mistakes(file, theirs=theirs)
    rows, left_out = _rows(text, theirs, wrong)
    figures: list[Figure] = []
    seen: dict[tuple[date, str, str], int] = {}
    for line, row in rows:
        where = _place(line, row, places, today, wrong)
        if where is None:
            continue
        if where in seen:
            wrong.add(line, "day", row["day"], f"line {seen[where]} has this day, location and service already")
        seen.setdefault(where, line)
        figures += [f for measure in COUNTED if (f := _figure(measure, line, where, row, wrong)) is not None]
    if not figures and not wrong.lines:
        wrong.add(1, "day", "", "no row has anything to measure")
    wrong.end()
    return BaselineFile(tuple(figures), left_out)


def _rows(
    text: str, theirs: Mapping[str, str], wrong: Mistakes
) -> tuple[Iterator[tuple[int, dict[str, str]]], tuple[str, ...]]:
    """The rows with their line, by our names of columns, and the columns that are not read. Raises DirectoryInvalid for
    a head that can't be used."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    head = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = head
    ours = {theirs.get(name, name): name for name in COLUMNS}
    wrong.lines += [
        f"{wrong.file}: --map {name}={column}: we have no column {name!r}; there are: {', '.join(COLUMNS)}"
        for name, column in theirs.items()
        if name not in COLUMNS
    ]
    wrong.lines += [
        f"{wrong.file}:1: the column {column!r} that --map {name} names is missing"
        for name, column in theirs.items()
        if column not in head
    ]
    shared = {column for column in theirs.values() if sum(column == each for each in theirs.values()) > 1}
    wrong.lines += [f"{wrong.file}: --map names the column {column!r} for two of ours" for column in sorted(shared)]
    if "day" not in {ours.get(column) for column in head}:
        wrong.lines.append(f"{wrong.file}:1: the column 'day' is missing: name yours with --map day=YOURS")
    wrong.lines += [
        f"{wrong.file}:1: the column {n!r} stands there twice" for n in sorted({*head}) if head.count(n) > 1
    ]
    wrong.lines += _halves({ours[column] for column in head if column in ours}, wrong)
    wrong.end()

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for row in reader:
            if None in row or None in row.values():
                wrong.add(reader.line_num, "the row", "", f"has more or fewer than {len(head)} cells")
            elif any(row.values()):
                cells = {ours[column]: (row[column] or "").strip() for column in head if column in ours}
                yield reader.line_num, {name: cells.get(name, "") for name in COLUMNS}

    return rows(), tuple(column for column in head if column not in ours)


def _halves(there: Collection[str], wrong: Mistakes) -> list[str]:
    """Columns that say nothing without another one that is not there."""
    return [
        f"{wrong.file}:1: there is {amount!r} without {of!r}: add it, or name yours with --map {of}=YOURS"
        for amount, of in COUNTED.values()
        if amount in there and of and of not in there
    ]


def _place(
    line: int, row: Mapping[str, str], places: Places, today: date, wrong: Mistakes
) -> tuple[date, str, str] | None:
    day = wrong.read(line, "day", row["day"], date.fromisoformat, "write the day as 2027-01-31")
    if day is not None and day >= today:
        wrong.add(line, "day", row["day"], "is not over yet: a baseline is of days that are")
    for column, known in (("location", places.locations), ("service", places.services)):
        if row[column] and row[column] not in known:
            fix = f"no {column} {row[column]!r}; there are: {', '.join(sorted(known))[:200]}; or leave it empty for all"
            wrong.add(line, column, row[column], fix)
            day = None
    return (day, row["location"], row["service"]) if day is not None else None


def _figure(
    measure: str, line: int, where: tuple[date, str, str], row: Mapping[str, str], wrong: Mistakes
) -> Figure | None:
    amount_column, of_column = COUNTED[measure]
    if MEASURES[measure].adds == "times":
        values = wrong.read(line, amount_column, row[amount_column], _values, "write seconds, as 40; 360; 95.5")
        return Figure(measure, *where, sum(values), len(values), values) if values else None
    said, of_said = row[amount_column], row[of_column] if of_column else "1"
    if not said:
        return None
    if not of_said:
        wrong.add(line, of_column, "", f"is empty, and {wrong.theirs.get(amount_column, amount_column)} is not")
        return None
    amount = wrong.read(line, amount_column, said, _number, "write a number that is not negative, as 12 or 7.5")
    of = wrong.read(line, of_column, of_said, _number, "write a number that is not negative, as 12 or 7.5")
    if amount is None or of is None:
        return None
    if MEASURES[measure].unit == "%" and amount > of:
        wrong.add(line, amount_column, said, f"is more than {wrong.theirs.get(of_column, of_column)} ({of_said})")
    return Figure(measure, *where, amount, of)


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < 1e9 or "_" in text:
        raise ValueError(text)
    return number


def _values(text: str) -> tuple[float, ...]:
    return tuple(sorted(_number(part) for part in text.split(";") if part.strip()))
