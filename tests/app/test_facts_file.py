"""Facts from CSV (D6): what a row says, and every mistake with its row, column and fix; nobody is named in one."""

from __future__ import annotations

from datetime import date

import pytest

from caredispatch.app.directory_file import DirectoryInvalid
from caredispatch.app.facts_file import Names, read_facts, read_panels
from caredispatch.core.payers import Authorisation, Panel

NAMES = Names(frozenset({"ehr"}), frozenset({"therapy-50", "intake"}), frozenset({"Ana", "Ben"}))
HEAD = "patient,tags,care_team,payer,service,units_left,valid_until,language,guardian_phone,excluded_staff\n"


def test_d6_all_that_a_file_says_of_one_patient_is_one_entry() -> None:
    text = HEAD + (
        "ehr:Patient/1,adult; anxiety,Ana:12; Ben:3,blue,therapy-50,8,2027-06-30,es,(312) 555-0146,Ben\n"
        "ehr:Patient/1,,,blue,intake,1,,,,\n"
        "\n"
        "0f3a,-,,,,,,,,-\n"
    )
    first, second = read_facts("\ufeff" + text, "f.csv", NAMES)
    assert (first.connection, first.said, first.tags) == ("ehr", "Patient/1", ("adult", "anxiety"))
    assert first.care_team == {"Ana": 12, "Ben": 3}
    assert (first.payer, first.language, first.guardian_phone) == ("blue", "es", "+13125550146")
    assert first.authorisations == [Authorisation("therapy-50", 8, date(2027, 6, 30)), Authorisation("intake", 1)]
    assert first.excluded == ("Ben",)
    assert (second.connection, second.said, second.tags, second.excluded) == (None, "0f3a", (), ())


def test_d6_columns_may_be_left_out_and_stand_in_any_order() -> None:
    [row] = read_facts("payer , patient\nblue,ehr:1\n", "f.csv", NAMES)
    assert (row.payer, row.tags, row.authorisations) == ("blue", None, [])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (",,,,,,,,,\nx,,,,,,,,,\n,a,,,,,,,,\n", "f.csv:4: patient: is missing"),
        ("crm:1,,,,,,,,,\n", "f.csv:2: patient: write connection:id, with one of the connections (ehr), or a key"),
        ("ehr:,,,,,,,,,\n", "f.csv:2: patient: write connection:id"),
        ("ehr:1,,Zed:1,,,,,,,\n", "f.csv:2: care_team: no staff member 'Zed'; there are: Ana, Ben"),
        ("ehr:1,,Ana,,,,,,,\n", "f.csv:2: care_team: write handle:visits"),
        ("ehr:1,,,,spa,1,,,,\n", "f.csv:2: service: no service 'spa'"),
        (
            "ehr:1,,,,therapy-50,-1,,,,\n",
            "f.csv:2: units_left: write how many units or visits are left, as 12 (it is '-1')",
        ),
        ("ehr:1,,,,therapy-50,,,,,\n", "f.csv:2: units_left: write how many"),
        ("ehr:1,,,,therapy-50,1,31.1.2027,,,\n", "f.csv:2: valid_until: write the last day as 2027-01-31"),
        ("ehr:1,,,,,,,spanish,,\n", "f.csv:2: language: write a language's code"),
        ("ehr:1,,,,,,,,12,\n", "f.csv:2: guardian_phone: is no telephone number"),
        ("ehr:1,,,,,,,,,Zed\n", "f.csv:2: excluded_staff: no staff member 'Zed'"),
        (
            "ehr:1,,,blue,,,,,,\nehr:1,,,green,,,,,,\n",
            "f.csv:3: payer: line 2 says otherwise of this patient (it is 'green')",
        ),
        ("ehr:1,,,blue\n", "f.csv:2: the row: has more or fewer than 10 cells"),
    ],
)
def test_d6_a_mistake_names_its_row_its_column_and_the_fix(rows: str, says: str) -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_facts(HEAD + rows, "f.csv", NAMES)
    assert says in str(raised.value)


@pytest.mark.parametrize("minutes", ["half an hour", "-5", "601"])
def test_d18_minutes_of_travel_are_a_number_of_some_size(minutes: str) -> None:
    with pytest.raises(DirectoryInvalid, match=r"f\.csv:2: travel_minutes: write how many minutes the patient travels"):
        read_facts(f"patient,travel_minutes\nehr:1,{minutes}\n", "f.csv", NAMES)


def test_d6_no_mistake_shows_who_a_patient_is_or_a_number() -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_facts(HEAD + "crm:Paula-Madeup-1990,,,,,,,,555-01,\nehr:Paula-Madeup,,,,,,,,5550199x9,\n", "f.csv", NAMES)
    assert "Madeup" not in str(raised.value)
    assert "555" not in str(raised.value)


def test_d6_all_mistakes_are_named_at_once_and_a_long_list_is_cut() -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_facts(HEAD + "ehr:1,,,,spa,x,,,,\n" * 30, "f.csv", NAMES)
    assert "f.csv: and 40 more" in str(raised.value)


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ("name\n", "there is no column 'name'"),
        ("payer\n", "the column 'patient' is missing"),
        ("patient,patient\n", "stands there twice"),
        ("", "the column 'patient' is missing"),
    ],
)
def test_d6_a_head_that_can_not_be_used_is_refused(head: str, says: str) -> None:
    with pytest.raises(DirectoryInvalid, match=says):
        read_facts(head, "f.csv", NAMES)


def test_d6_a_panel_is_of_a_staff_member_and_a_payer_for_some_days() -> None:
    text = "staff,payer,from,until\nAna,blue,2026-01-01,\nAna,blue,2025-01-01,2025-06-30\n"
    assert read_panels(text, "p.csv", NAMES) == [
        ("Ana", Panel("blue", date(2026, 1, 1))),
        ("Ana", Panel("blue", date(2025, 1, 1), date(2025, 6, 30))),
    ]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("Zed,blue,2026-01-01,", "staff: no staff member 'Zed'"),
        ("Ana,,2026-01-01,", "payer: is missing"),
        ("Ana,blue,,", "from: write the first day"),
        ("Ana,blue,2026-01-01,2025-01-01", "until: the panel ends before it begins"),
        ("Ana,blue,2026-01-01,\nAna,blue,2026-01-01,2027-01-01", "staff: stands there twice"),
    ],
)
def test_d6_a_panel_that_can_not_be_is_refused(row: str, says: str) -> None:
    with pytest.raises(DirectoryInvalid) as raised:
        read_panels(f"staff,payer,from,until\n{row}\n", "p.csv", NAMES)
    assert says in str(raised.value)
