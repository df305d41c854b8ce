"""The playbook file: what is read, what is refused and how it says so, what `check` finds."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caredispatch.core.playbook import (
    CONDITIONS,
    MESSAGE_KINDS,
    ORDERS,
    SECTIONS,
    TRIGGERS,
    AskStep,
    Cover,
    HandToStep,
    Preference,
    Within,
)
from caredispatch.policy.acting import ActionPart, StepPart
from caredispatch.policy.check import check_text
from caredispatch.policy.check_texts import ALWAYS_NEEDED, NEEDED_TEXTS, VARIABLES
from caredispatch.policy.findings import Finding, PlaybookInvalid
from caredispatch.policy.grammar import PlaybookFile, ServicePart
from caredispatch.policy.looking import Known
from caredispatch.policy.profiles import profile_names, profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.policy.schema import schema_text

GOOD = profile_text("behavioral-health")
DOCS = Path(__file__).parents[2] / "docs"


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def refused(text: str) -> tuple[Finding, ...]:
    with pytest.raises(PlaybookInvalid) as raised:
        read_playbook(text)
    return raised.value.findings


def found(text: str, known: Known | None = None) -> list[Finding]:
    return list(check_text(text, "playbook.yaml", known))


# ------------------------------------------------------------------ what is shipped


@pytest.mark.parametrize("name", profile_names())
def test_the_shipped_playbooks_pass_without_a_finding(name: str) -> None:
    assert found(profile_text(name)) == []


@pytest.mark.parametrize("name", profile_names())
def test_the_shipped_playbooks_say_everything_in_both_languages(name: str) -> None:
    texts = read_playbook(profile_text(name)).texts
    assert set(texts) >= set(ALWAYS_NEEDED)
    assert all(set(versions) == {"en", "es"} for versions in texts.values())


def test_a_playbook_becomes_typed_values() -> None:
    playbook = read_playbook(GOOD)
    step = playbook.paths["provider"].steps[0]
    assert isinstance(step, AskStep)
    assert (step.whom, step.window.kind, step.window.minutes) == ("assignee", "reachable", 20)
    assert isinstance(step.on_decline, Cover)
    assert playbook.paths["cover"].steps[-1] == HandToStep("practice_manager")
    assert (playbook.settle_minutes, playbook.tell_by_minutes, playbook.busy_wait_seconds) == (3, 120, 60)


def test_a_comparison_of_durations_is_in_minutes() -> None:
    rules = read_playbook(profile_text("primary-care")).sections["staff"]
    today = next(rule for rule in rules if rule.name.startswith("Today's"))
    assert today.conditions[0].test == Within(None, 240)


def test_the_published_schema_is_the_grammar_s() -> None:
    assert (DOCS / "playbook.schema.json").read_text("utf-8") == schema_text()
    assert json.loads(schema_text())["properties"].keys() >= {"playbook", "people", "paths", "texts", "stages"}


@pytest.mark.parametrize("name", profile_names())
def test_editors_find_the_schema_from_a_shipped_playbook(name: str) -> None:
    assert profile_text(name).startswith("# yaml-language-server: $schema=")


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("good", "bad", "path", "says"),
    [
        ("hand_to: front_desk  ", "handto: front_desk  ", "paths.provider.steps[1]", "handto"),
        ("acknowledge: 15 min", "acknowledge: 15 minutes", "acknowledge", "20 min"),
        ("tell_patient_by: 2 h before start", "tell_patient_by: 2 h", "tell_patient_by", "before start"),
        ('patients: "20:00-08:00"', 'patients: "8pm"', "quiet_hours.patients", "20:30-07:00"),
        ("when: patient_declined", "when: patient_declind", "patient[1].when", "patient_declined"),
        ("booking_confirmation: live", "booking_confirmation: on", "stages.booking_confirmation", "shadow"),
        ("pool: same_care_plan, prefer", "pool: same_team, prefer", "cover", "same_care_plan"),
        ("at_once: 2 }", "at_once: 0 }", "at_once", "1"),
        ("settle: 3 min", "settle: 3 min\npromises: []", "promises", "not understood yet"),
    ],
)
def test_a_mistake_names_its_field_and_its_fix(good: str, bad: str, path: str, says: str) -> None:
    assert good in GOOD
    findings = refused(GOOD.replace(good, bad, 1))
    hit = [f for f in findings if path in f.path]
    assert hit, findings
    assert says in f"{hit[0].problem} {hit[0].fix}"
    assert hit[0].file == "playbook.yaml"


def test_what_is_missing_is_named() -> None:
    findings = refused(GOOD.replace("playbook: Behavioral health\n", "", 1))
    assert [(f.path, f.problem) for f in findings] == [("playbook", "'playbook' is missing.")]


def test_a_mistake_stands_at_its_line() -> None:
    text = GOOD.replace("acknowledge: 15 min", "acknowledge: soon")
    assert refused(text)[0].line == line_of(text, "acknowledge: soon")


def test_every_mistake_is_told_at_once() -> None:
    text = GOOD.replace("acknowledge: 15 min", "acknowledge: soon").replace("settle: 3 min", "settle: later")
    assert {f.path for f in refused(text)} == {"acknowledge", "settle"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        "playbook: [",
        "a: b\n\tc: d",
        "playbook: x\nplaybook: y\n",
        "x" * 300_000,
        "&a [*a]",
        "--- 1\n--- 2",
    ],
)
def test_what_is_no_playbook_is_refused(text: str) -> None:
    assert refused(text)


def test_a_bomb_of_aliases_costs_little() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n"
    names = "abcdefghijk"
    for before, name in pairwise(names):
        bomb += f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    assert refused(bomb)


@given(st.text(max_size=300))
def test_any_text_is_a_playbook_or_refused(text: str) -> None:
    with suppress(PlaybookInvalid):
        read_playbook(text)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.integers(0, len(GOOD) - 1), st.text(max_size=6), st.integers(0, 12))
def test_a_mangled_playbook_is_read_or_refused(at: int, put: str, cut: int) -> None:
    mangled = GOOD[:at] + put + GOOD[at + cut :]
    with suppress(PlaybookInvalid):
        read_playbook(mangled)
    check_text(mangled)


# ------------------------------------------------------------------ what check finds


@pytest.mark.parametrize(
    ("good", "bad", "says", "severity"),
    [
        ("      - hand_to: practice_manager\n", "", "without a named human", "error"),
        (
            "      - { list: calls, owner: front_desk }\n",
            "",
            "without a named human",
            "error",
        ),
        (
            "      - hand_to: practice_manager\n",
            "      - { list: calls, owner: front_desk }\n",
            "only a patient's path may end on the call list",
            "error",
        ),
        ("path: patient }", "path: patients }", "there is no path 'patients'", "error"),
        ("text: new_visit }", "text: new_vist }", "there is no text 'new_vist'", "error"),
        ("      - hand_to: front_desk\n", "      - hand_to: the_desk\n", "nobody is called 'the_desk'", "error"),
        ("  front_desk: [Mia, Noor]", "  front_desk: []", "has no members", "error"),
        ("{day} at {time}", "{patient} at {time}", "{patient} is no variable", "error"),
        ("reply Y, if", "reply YES, if", "carriers take YES", "warning"),
    ],
)
def test_check_finds_what_the_grammar_allows(good: str, bad: str, says: str, severity: str) -> None:
    assert good in GOOD
    text = GOOD.replace(good, bad, 1)
    hits = [f for f in found(text) if says in f.problem]
    assert hits, [str(f) for f in found(text)]
    assert {f.severity for f in hits} == {severity}
    assert all(f.fix for f in hits)


def test_d24_a_missing_language_says_what_follows() -> None:
    texts = GOOD.index("\ntexts:")
    spanish = next(line for line in GOOD[texts:].splitlines(keepends=True) if line.strip().startswith("es:"))
    text = GOOD[:texts] + GOOD[texts:].replace(spanish, "", 1)
    assert [(f.severity, f.fix) for f in found(text)] == [
        ("warning", "Add es; until then staff of that language are left out, and patients go on the call list.")
    ]


@pytest.mark.parametrize("whom", ["pool", "front_desk"])
def test_d16_only_who_has_the_visit_is_asked_to_confirm_it(whom: str) -> None:
    silent = "      - hand_to: front_desk               # silent"
    more = f"      - {{ ask: {whom}, by: [sms], for: 15 min }}\n"
    text = GOOD.replace(silent, more + silent, 1)
    hits = [f for f in found(text) if "only who has the visit can confirm it" in f.problem]
    assert [(f.severity, f.line, f.path, f.value) for f in hits] == [
        ("error", line_of(text, more), "paths.provider.steps[1].ask", whom)
    ]
    assert "assignee" in hits[0].fix


def test_a_rule_that_an_earlier_one_covers_can_never_act() -> None:
    first = GOOD.index("  - rule: First visits are agreed")
    second = GOOD.index("  - rule: Booked in open template time")
    swapped = (
        GOOD[:first] + GOOD[second : GOOD.index("\npatient:")] + GOOD[first:second] + GOOD[GOOD.index("\npatient:") :]
    )
    assert any("can never act" in f.problem and "First visits" in f.value for f in found(swapped))


def test_a_trigger_without_a_rule_is_named() -> None:
    text = GOOD.replace("when: patient_late\n", "when: add_on\n")
    assert any("nothing is said of 'patient_late' in the section staff" in f.problem for f in found(text))


def test_d29_a_live_path_that_hands_to_a_stage_that_is_not_live_is_refused() -> None:
    text = GOOD.replace("dispatch_routing: live", "dispatch_routing: { North: live, else: shadow }")
    hits = [f for f in found(text) if "dispatch_routing, which is shadow" in f.problem]
    assert [f.severity for f in hits] == ["error"]


def test_d29_counts_from_the_day_a_stage_begins() -> None:
    text = GOOD.replace("dispatch_routing: live", "dispatch_routing: { else: live, from: 2027-02-01 }")
    assert any("which is off" in f.problem for f in found(text))


OFFICE_HOURS = tuple((day * 1440 + 480, day * 1440 + 1080) for day in range(5))
CLINIC_HOURS = dict.fromkeys(("Mia", "Noor", "Dana", "Rosa", "Ana", "Ben", "Cleo"), OFFICE_HOURS)


def test_d28_a_final_human_is_on_duty_whenever_a_visit_can_fall_due() -> None:
    assert found(GOOD, Known(hours=CLINIC_HOURS)) == []
    evenings = {**CLINIC_HOURS, "Ana": (*OFFICE_HOURS, (1 * 1440 + 1080, 1 * 1440 + 1200))}
    problems = {f.problem for f in found(GOOD, Known(hours=evenings))}
    assert "nobody in 'practice_manager' is on duty Tue 18:00-20:00, when a visit can fall due." in problems


def test_d28_one_who_stands_in_for_another_is_enough() -> None:
    mornings, afternoons = ((480, 780),), ((780, 1080),)
    hours = {"Ana": ((480, 1080),), "Ben": ((480, 1080),), "Cleo": ((480, 1080),)}
    hours |= {"Mia": mornings, "Noor": afternoons, "Dana": afternoons, "Rosa": mornings}
    assert found(GOOD, Known(hours=hours)) == []


def test_d28_nobody_with_hours_is_nobody_to_end_with() -> None:
    known = Known(hours={**CLINIC_HOURS, "Dana": (), "Rosa": ()})
    assert any("and 4 more times a week" in f.problem for f in found(GOOD, known))


def test_d33_a_channel_without_an_agreement_carries_nothing_that_ties_a_person_to_the_practice() -> None:
    assert any("no signed agreement" in f.problem for f in found(GOOD, Known(channels={"sms": False})))
    assert found(GOOD, Known(channels={"sms": True})) == []


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (Known(staff=frozenset({"Mia"})), "no staff 'Dana'"),
        (Known(services=frozenset({"intake"})), "no service 'therapy-50'"),
    ],
)
def test_names_that_the_practice_does_not_have_are_found(known: Known, says: str) -> None:
    assert any(says in f.problem for f in found(GOOD, known))


def test_the_language_is_documented_word_by_word() -> None:
    page = (DOCS / "playbook.md").read_text("utf-8")
    fields = {field.alias or name for name, field in PlaybookFile.model_fields.items()}
    fields |= {*ServicePart.model_fields, *StepPart.model_json_schema(by_alias=True)["properties"]}
    words = [
        *TRIGGERS,
        *SECTIONS,
        *CONDITIONS,
        *VARIABLES,
        *NEEDED_TEXTS,
        *ORDERS,
        *MESSAGE_KINDS,
        *get_args(Preference),
    ]
    words += [*ActionPart.model_fields, *fields - {"playbook", "version", "reason"}]
    words += ["any", "at_once", "auto", "reachable", "remind", "together", "order", "prefer", "after", "list: calls"]
    words += ["openings", "own_provider", "urgent", "same_care_plan", "qualified", "reminders", "per_day", "clinician"]
    coded = " ".join(re.findall(r"`[^`\n]+`|\{\w+\}", page))
    assert [w for w in words if not re.search(rf"\b{w}\b", coded)] == []
