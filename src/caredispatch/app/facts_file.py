"""Facts about patients, and panels of staff, as CSV files (D6): reading them, every mistake with its row, column and
fix. Who a patient is, or which number somebody has, is never shown. Writing them is `facts_taking`'s."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from io import StringIO

import phonenumbers

from caredispatch.app.mistakes import Mistakes, Wrong
from caredispatch.core.payers import Authorisation, Panel
from caredispatch.store.identities import number_of

FACTS = (
    "patient",
    "tags",
    "care_team",
    "payer",
    "service",
    "units_left",
    "valid_until",
    "language",
    "guardian_phone",
    "excluded_staff",
    "travel_minutes",
)
PANELS = ("staff", "payer", "from", "until")
MOST_TRAVEL = 600
MINUTES_AS = f"write how many minutes the patient travels to their visits, as 35, up to {MOST_TRAVEL}"
HIDDEN = ("patient", "guardian_phone")


@dataclass(frozen=True, slots=True)
class Names:
    """What the practice has: its connections, service codes and staff handles."""

    connections: Collection[str]
    services: Collection[str]
    staff: Collection[str]


@dataclass(slots=True)
class PatientRow:
    """All that a file says of one patient: `connection` and `said` lead to them (a key where there is no connection);
    None where the file says nothing."""

    line: int
    connection: str | None
    said: str
    tags: tuple[str, ...] | None = None
    care_team: dict[str, int] = field(default_factory=dict)
    payer: str | None = None
    authorisations: list[Authorisation] = field(default_factory=list)
    language: str | None = None
    guardian_phone: str | None = None
    excluded: tuple[str, ...] | None = None
    travel_minutes: int | None = None


def read_facts(text: str, file: str, names: Names) -> list[PatientRow]:
    """What a file says, one entry a patient; several rows of a patient are several authorisations. Raises
    DirectoryInvalid with every mistake."""
    wrong = Mistakes(file, HIDDEN)
    found: dict[tuple[str | None, str], PatientRow] = {}
    for line, row in _rows(text, FACTS, ("patient",), wrong):
        who = wrong.read(line, "patient", row["patient"], lambda said: _patient(said, names), "")
        if who is None:
            continue
        told = found.setdefault(who, PatientRow(line, *who))
        _take(told, line, row, names, wrong)
    wrong.end()
    return list(found.values())


def read_panels(text: str, file: str, names: Names) -> list[tuple[str, Panel]]:
    """Every panel of the practice: (handle, panel). Raises DirectoryInvalid with every mistake."""
    wrong = Mistakes(file, HIDDEN)
    found: dict[tuple[str, str, date], Panel] = {}
    for line, row in _rows(text, PANELS, ("staff", "payer", "from"), wrong):
        handle = wrong.read(line, "staff", row["staff"], lambda h: _named(h, names.staff, "staff member"), "")
        since = wrong.read(line, "from", row["from"], date.fromisoformat, "write the first day as 2027-01-31")
        until = wrong.read(line, "until", row["until"], _day, "write the last day as 2027-01-31, or nothing")
        if not row["payer"]:
            wrong.add(line, "payer", "", "is missing")
        if handle is None or since is None or not row["payer"]:
            continue
        if until is not None and until < since:
            wrong.add(line, "until", row["until"], "the panel ends before it begins")
        if (handle, row["payer"], since) in found:
            wrong.add(line, "staff", handle, "stands there twice with this payer and first day")
        found[handle, row["payer"], since] = Panel(row["payer"], since, until)
    wrong.end()
    return [(handle, panel) for (handle, _, _), panel in found.items()]


def _rows(
    text: str, columns: tuple[str, ...], needed: tuple[str, ...], wrong: Mistakes
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows with their line, every column there and without spaces around. Raises DirectoryInvalid for a head that
    can't be used."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    head = [name.strip() for name in reader.fieldnames or ()]
    reader.fieldnames = head
    wrong.lines += [
        f"{wrong.file}:1: there is no column {n!r}; there are: {', '.join(columns)}" for n in head if n not in columns
    ]
    wrong.lines += [f"{wrong.file}:1: the column {n!r} is missing" for n in needed if n not in head]
    wrong.lines += [
        f"{wrong.file}:1: the column {n!r} stands there twice" for n in sorted({n for n in head if head.count(n) > 1})
    ]
    wrong.end()
    for row in reader:
        if None in row or None in row.values():
            wrong.add(reader.line_num, "the row", "", f"has more or fewer than {len(head)} cells")
        elif any(row.values()):
            yield reader.line_num, {name: (row.get(name) or "").strip() for name in columns}


def _take(told: PatientRow, line: int, row: dict[str, str], names: Names, wrong: Mistakes) -> None:
    """One row's cells, each where it says something and against what rows before it said."""
    cells = {
        "tags": wrong.read(line, "tags", row["tags"], _list, ""),
        "payer": row["payer"] or None,
        "language": wrong.read(line, "language", row["language"], _language, ""),
        "guardian_phone": wrong.read(line, "guardian_phone", row["guardian_phone"], _phone, ""),
        "excluded": wrong.read(line, "excluded_staff", row["excluded_staff"], lambda t: _handles(t, names), ""),
        "travel_minutes": wrong.read(line, "travel_minutes", row["travel_minutes"], _travel, MINUTES_AS),
    }
    for name, value in cells.items():
        before = getattr(told, name)
        if value is not None and before is not None and before != value:
            column = "excluded_staff" if name == "excluded" else name
            wrong.add(line, column, row[column], f"line {told.line} says otherwise of this patient")
        elif value is not None:
            setattr(told, name, value)
    told.care_team |= wrong.read(line, "care_team", row["care_team"], lambda t: _team(t, names), "") or {}
    _authorisation(told, line, row, names, wrong)


def _authorisation(told: PatientRow, line: int, row: dict[str, str], names: Names, wrong: Mistakes) -> None:
    if not (row["service"] or row["units_left"] or row["valid_until"]):
        return
    service = wrong.read(line, "service", row["service"], lambda s: _named(s, names.services, "service"), "")
    left = wrong.read(line, "units_left", row["units_left"], _units, "write how many units or visits are left, as 12")
    until = wrong.read(line, "valid_until", row["valid_until"], _day, "write the last day as 2027-01-31, or nothing")
    if service is not None and left is not None:
        told.authorisations.append(Authorisation(service, left, until))


# ---------------------------------------------------------------- cells


def _patient(said: str, names: Names) -> tuple[str | None, str]:
    connection, colon, external = said.partition(":")
    if not said:
        raise Wrong("is missing")
    if not colon:
        return None, said
    if connection not in names.connections or not external:
        known = ", ".join(sorted(names.connections)) or "none yet"
        raise Wrong(f"write connection:id, with one of the connections ({known}), or a key")
    return connection, external


def _named(name: str, known: Collection[str], what: str) -> str:
    if name not in known:
        raise Wrong(f"no {what} {name!r}; there are: {', '.join(sorted(known))[:200]}")
    return name


def _list(text: str) -> tuple[str, ...] | None:
    if text == "-":
        return ()
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip())) or None


def _handles(text: str, names: Names) -> tuple[str, ...] | None:
    found = _list(text)
    return tuple(_named(handle, names.staff, "staff member") for handle in found) if found is not None else None


def _team(text: str, names: Names) -> dict[str, int]:
    team: dict[str, int] = {}
    for part in _list(text) or ():
        handle, _, visits = part.partition(":")
        if not visits.strip().isascii() or not visits.strip().isdigit():
            raise Wrong("write handle:visits, several separated by ;, as Ana:12; Ben:3")
        team[_named(handle.strip(), names.staff, "staff member")] = int(visits)
    return team


def _units(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise ValueError(text)
    return int(text)


def _travel(text: str) -> int | None:
    if not text:
        return None
    minutes = int(text)
    if not 0 <= minutes <= MOST_TRAVEL:
        raise Wrong(MINUTES_AS)
    return minutes


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _language(text: str) -> str | None:
    if not text:
        return None
    if not (text.isascii() and text.isalpha() and len(text) in (2, 3)):
        raise Wrong("write a language's code, as en or es")
    return text.lower()


def _phone(text: str) -> str | None:
    found = number_of(text)
    if text and (found is None or not phonenumbers.is_possible_number(phonenumbers.parse(found))):
        raise Wrong("is no telephone number: write it with its country, as +1...")
    return found
