"""The parameter file: every number with its source, every mistake with its place."""

from __future__ import annotations

from dataclasses import fields

import pytest

from caredispatch.rehearsal.parameters import GROUPS, Parameters
from caredispatch.rehearsal.parameters_reading import ParametersInvalid, no_effect, read_parameters, shipped

FACTS = [
    ("23", "mean of 105 studies, Dantas et al. 2018 Health Policy 122:412"),
    ("8.0", "Marshfield Clinic, 263464 visits (PMC11149957)"),
    ("4.42", "PMC11149957"),
    ("5.45", "PMC11149957"),
    ("12.0", "VHA 2008 PMID 18806590"),
    ("20.3", "VHA 2008 PMID 18806590"),
    ("19", "month 1 of lead, VHA 2008 PMID 18806590"),
    ("50", "month 12 of lead, VHA 2008 PMID 18806590"),
    ("6.81", "US single specialty practices 2023, MGMA (secondary)"),
    ("10.4 % (sd 7.43)", "UNLV"),
    ("16 %", "UAMS 11166 of 71178"),
    ("17 % over 13 %", "rural Louisiana (secondary)"),
    ("3.92", "VA primary care AJMC 2025;31(1), over 90 M visits"),
    ("3.87 %", "VA primary care AJMC 2025;31(1), over 90 M visits"),
    ("3.08", "VA primary care AJMC 2025;31(1), over 90 M visits"),
    ("26.3 % against 39.8 %", "Saudi RCT"),
    ("13.68 % to 12.22 %", "VA VEText"),
    ("41.6 % to 42.1 %", "BMC Health Serv Res 2020 s12913-020-05097-6"),
    ("8.3 % of 177311", "Sutter Fast Pass JMIR 2020 e16451"),
    ("11 % of 60660 for 21978 slots (about 30 % of slots; 2.8 offers each)", "JMIR 2024 e52071"),
    ("45.4 %, 4.4 offers per visit", "Mayo 2023 10.1177/11786329251326461"),
    ("27", "cancelled visits rebooked within 30 days, MGMA 2024 (secondary)"),
    ("median 2 min", "Moss et al. 402 pages (secondary; proxy for shift asks)"),
    ("8 % at 15 min or more", "Moss et al. 402 pages (secondary; proxy for shift asks)"),
    ("median 9 min", "Moss et al. (secondary; proxy)"),
    ("40 % at 15 min or more", "Moss et al. (secondary; proxy)"),
    ("17-47 %", "JMIR mHealth 2023 e41551 (volunteer responders; proxy)"),
    ("about 50 %", "AACN poster CS123"),
    ("9.2", "3941 nursing homes, Gerontologist 2014"),
    ("17", "claimed shifts not worked, Clipboard Health (secondary)"),
    ("2-3 h", "employer anecdotes (unsure)"),
    ("8-15 min", "industry article (unsure)"),
    ("45-90 min", "industry article (unsure)"),
]


@pytest.mark.parametrize(("value", "source"), FACTS)
def test_every_fact_stands_in_the_file_with_its_source(value: str, source: str) -> None:
    def says(number: float | None) -> bool:
        return number is not None and f"{number:g}" == value.removesuffix(".0")

    rows = shipped().rows.values()
    driving = [r for r in rows if source in r.source and (value in f"{r.says} {r.source}"
               or any(says(n) for n in (r.value, r.low, r.high)))]  # fmt: skip
    checked = [c for c in shipped().checks if value in c.value and source in c.source]
    assert driving or checked


def test_every_parameter_says_what_it_is_and_where_it_is_from() -> None:
    assert set(shipped().rows) == {f"{group}.{f.name}" for group, of in GROUPS.items() for f in fields(of)}
    for row in shipped().rows.values():
        assert row.says.endswith("."), row.name
        assert row.source, row.name
        assert row.low is None or row.low <= row.value, row.name
        assert row.high is None or row.value <= row.high, row.name


def test_waitlist_offers_are_never_assumed_to_be_taken_as_vendors_say() -> None:
    row = shipped().rows["patients.accepts_offer"]
    assert (row.low, row.high) == (8.3, 11)


def test_a_practice_lays_what_it_knows_over_the_shipped_parameters() -> None:
    text = 'patients:\n  no_show: 5\n  moves: {value: 30, source: "our own count"}\ndesk:\n  opens: "07:30"\n'
    own = read_parameters(text, "rehearsal.yaml", shipped())
    assert (own.patients.no_show, own.patients.moves, own.desk.opens) == (5, 30, 450)
    assert own.patients.confirms == shipped().patients.confirms
    assert own.rows["patients.no_show"].source == "rehearsal.yaml"
    assert own.rows["patients.moves"].source == "our own count"
    assert own.checks == shipped().checks


def test_a_range_reaches_as_far_as_a_practices_own_value() -> None:
    own = read_parameters("patients: {no_show: 5}", base=shipped()).rows["patients.no_show"]
    assert (own.low, own.high) == (5, 23)


def test_what_a_practice_says_of_its_services_is_kept() -> None:
    own = read_parameters("services: {talk: 70, exam: {share: 30, minutes: 35}}", base=shipped())
    assert {code: (s.share, s.minutes) for code, s in own.services.items()} == {"talk": (70, None), "exam": (30, 35)}


def test_an_empty_file_changes_nothing() -> None:
    assert read_parameters("", base=shipped()) == shipped()


def _mistakes(text: str, base: Parameters | None) -> list[tuple[int, str, str]]:
    with pytest.raises(ParametersInvalid) as raised:
        read_parameters(text, "rehearsal.yaml", base)
    return [(f.line, f.path, f.problem) for f in raised.value.findings]


@pytest.mark.parametrize(
    ("text", "line", "path", "problem"),
    [
        ("patients:\n  no_shw: 3", 2, "patients.no_shw", "there is no such parameter."),
        ("patient:\n  no_show: 3", 1, "patient", "there is no such section."),
        ("patients:\n  no_show: many", 2, "patients.no_show.value", "value should be a number."),
        ("patients:\n  no_show: true", 2, "patients.no_show.value", "value should be a number."),
        ("patients:\n  no_show: 101", 2, "patients.no_show.value", "value is no number of the unit '%'."),
        ("patients:\n  no_show: {value: 3, low: 4}", 2, "patients.no_show", "the value lies outside its own range."),
        ("patients:\n  no_show:\n    value: 3\n    best: 2", 4, "patients.no_show.best", "a parameter has no such"),
        ("patients:\n  no_show: {value: 3, unit: odds}", 2, "patients.no_show.unit", "the unit of this parameter is"),
        ("patients:\n  no_show: {value: 3, unit: kg}", 2, "patients.no_show.unit", "the unit is not known."),
        ('patients:\n  no_show: {value: 3, source: ""}', 2, "patients.no_show.source", "source is missing."),
        ("patients: 3", 1, "patients", "this should be names with values."),
        ('desk:\n  opens: "25:00"', 2, "desk.opens.value", "value should be a number."),
        ('desk:\n  opens: "24:30"', 2, "desk.opens.value", "value is no number of the unit 'clock'."),
        ("services:\n  talk: -1", 2, "services.talk.share", "share is no number of the unit '%'."),
        ("services:\n  talk: {share: 1, length: 9}", 2, "services.talk.length", "a service has no such field here."),
        ("checks:\n  - says: x", 2, "checks[0]", "a check has says, value and source."),
        ("patients: [", 1, "", "this is not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_field(text: str, line: int, path: str, problem: str) -> None:
    found = _mistakes(text, shipped())
    assert [(at, where) for at, where, _ in found][:1] == [(line, path)]
    assert found[0][2].startswith(problem)


def test_shares_of_the_same_visits_are_not_more_than_all() -> None:
    ((line, path, problem),) = _mistakes("practice:\n  same_day: 60", shipped())
    assert (line, path) == (2, "practice.same_day")
    assert problem.endswith("are parts of the same visits: 60 + 30 + 25 + 20 is more than 100 %.")


def test_every_mistake_is_named_at_once() -> None:
    text = "patients:\n  no_show: x\n  moves: 200\nstuff: 1\n"
    assert [line for line, _, _ in _mistakes(text, shipped())] == [2, 3, 4]


def test_a_file_that_stands_alone_must_name_them_all() -> None:
    missing = {path for _, path, problem in _mistakes("patients: {}", None) if problem == "the parameter is missing."}
    assert missing == set(shipped().rows)


def test_a_whole_file_needs_unit_words_and_source_of_each() -> None:
    found = _mistakes("patients: {no_show: 3}", None)
    assert {path for _, path, _ in found} >= {"patients.no_show.unit"}


def test_values_by_name_make_other_parameters() -> None:
    other = shipped().but({"staff.late": 1}, "a guess")
    assert (other.staff.late, other.rows["staff.late"].source) == (1, "a guess")
    assert shipped().staff.late == 8
    assert shipped().but({"staff.late": 1}).rows["staff.late"].low == 1
    with pytest.raises(KeyError, match=r"staff\.lat"):
        shipped().but({"staff.lat": 1})


def test_without_effect_nothing_but_what_the_product_does_is_different() -> None:
    differing = {name for name, row in no_effect().rows.items() if row.value != shipped().rows[name].value}
    assert differing == {"patients.reminder_prevents", "staff.page_median", "staff.page_slow"}
    assert no_effect().patients.reminder_prevents == 0
    staff = no_effect().staff
    assert (staff.page_median, staff.page_slow) == (staff.phone_median, staff.phone_slow)
