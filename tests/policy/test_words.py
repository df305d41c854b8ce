"""The words of the language, one by one: what each becomes, and how a wrong one is refused."""

from __future__ import annotations

import re

import pytest

from caredispatch.core.playbook import (
    AUTO,
    AskStep,
    Confirm,
    Cover,
    Fill,
    FollowUp,
    Limits,
    ListStep,
    Offer,
    OneOf,
    Place,
    Playbook,
    QuietHours,
    Tell,
    TellStep,
    Within,
)
from caredispatch.policy.findings import Finding, PlaybookInvalid
from caredispatch.policy.reader import read_playbook

SMALL = """
playbook: Small
people: { desk: [Mia], clinicians: [Cleo] }
last_owner: desk
"""


def small(*lines: str) -> Playbook:
    return read_playbook(SMALL + "\n".join(lines))


def action(written: str) -> object:
    book = small(f"staff: [{{ rule: R, when: any, then: [{written}] }}]")
    return book.sections["staff"][0].then[0]


def step(written: str) -> object:
    return small(f"paths: {{ p: {{ steps: [{written}] }} }}").paths["p"].steps[0]


def refusal(*lines: str) -> Finding:
    with pytest.raises(PlaybookInvalid) as raised:
        small(*lines)
    return raised.value.findings[0]


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ("confirm: { who: patient, remind: [72 h, 24 h], path: p }", Confirm("patient", "p", (72 * 60, 24 * 60))),
        ("confirm: { who: patient, remind: 2 d, path: p }", Confirm("patient", "p", (2880,))),
        (
            "cover: { pool: qualified, together: true, order: seniority, prefer: { load: 1 }, path: p }",
            Cover("qualified", "p", {"load": 1}, together=True, order="seniority"),
        ),
        ("fill: { from: waitlist, prefer: { longest_wait: 2 }, path: p }", Fill("p", {"longest_wait": 2})),
        ("follow_up: { after: 2 h, path: p }", FollowUp("p", 120)),
        ("follow_up: { path: p }", FollowUp("p", 0)),
        (
            "place: { pool: qualified, prefer: { soonest: 3, least_disturbance: 2 }, path: p }",
            Place("qualified", "p", {"soonest": 3, "least_disturbance": 2}),
        ),
    ],
)
def test_an_action_becomes_what_decisions_follow(written: str, becomes: object) -> None:
    assert action(f"{{ {written} }}") == becomes


@pytest.mark.parametrize(
    ("offered", "becomes"),
    [
        ("{ openings: 2 }", Offer(2)),
        ("{ own_provider: later, openings: 3 }", Offer(3, own_provider=True)),
        ("{ modality: video }", Offer(modality="video")),
        ("{ site: other }", Offer(other_site=True)),
    ],
)
def test_d14_d17_an_offer_says_what_the_patient_may_choose_from(offered: str, becomes: Offer) -> None:
    found = step(f"{{ ask: patient, by: sms, for: 3 d, offer: {offered} }}")
    assert isinstance(found, AskStep)
    assert found.offer == becomes


def test_a_step_asks_as_many_as_the_time_left_demands() -> None:
    found = step("{ ask: pool, by: [sms, email], for: 15 min, at_once: auto }")
    assert isinstance(found, AskStep)
    assert found.at_once == AUTO


def test_a_step_may_tell_on_the_way() -> None:
    assert step("{ tell: { who: patient, text: running_late } }") == TellStep(Tell("patient", "running_late"))
    assert step("{ list: calls, owner: desk }") == ListStep("desk")


def test_d13_a_service_says_what_becomes_of_who_is_late() -> None:
    service = small("services: { talk: { grace: 10 min, when_late: rebook, displaceable: true } }").service("talk")
    assert (service.grace, service.when_late, service.displaceable) == (10, "rebook", True)


def test_d21_limits_count_asks_reminders_and_texts_apart() -> None:
    people = "asks: { most: 2, per: week }, reminders: { most: 1, per: week }"
    written = f"patients: {{ {people}, texts: {{ per_day: 2, per_week: 5 }} }}"
    assert small(f"limits: {{ {written} }}").limits == Limits(4, 2, 1, 2, 5)
    assert small().limits == Limits()


def test_d21_a_state_narrows_the_hours_for_texts_and_never_widens_them() -> None:
    assert small('texting: { TX: "09:00-20:00" }').texting == {"TX": QuietHours(20 * 60, 9 * 60)}
    assert "08:00-21:00" in refusal('texting: { TX: "07:00-20:00" }').problem
    assert "two capitals" in refusal('texting: { texas: "09:00-20:00" }').fix


def test_what_is_looked_at_when_and_how_fast_texts_leave() -> None:
    book = small("coverage_gaps: [4 d, 24 h]", "not_started: 20 min", "moved: 5 min", "pace: 30 per minute")
    assert (book.gap_minutes, book.not_started_minutes, book.moved_minutes) == ((5760, 1440), 20, 5)
    assert book.paced_per_minute == 30


def test_d20_d23_senders_and_safety() -> None:
    book = small(
        "senders: { reminder: acuity, booking: caredispatch }", "safety: { clinician: clinicians, words: [no way out] }"
    )
    assert book.senders == {"reminder": "acuity", "booking": "caredispatch"}
    assert (book.clinician, book.crisis_words) == ("clinicians", ("no way out",))


@pytest.mark.parametrize(
    ("written", "test"),
    [
        ("origin: [portal, referral]", OneOf(("portal", "referral"))),
        ("late_by: { above: 15 min }", Within(16, None)),
        ("patient_late_cancels_90d: { at_least: 2 }", Within(2, None)),
    ],
)
def test_a_condition_becomes_its_test(written: str, test: object) -> None:
    book = small(
        f"staff: [{{ rule: R, when: any, if: {{ {written} }}, then: [nothing: x] }}]".replace(
            "[nothing: x]", "[{ nothing: x }]"
        )
    )
    assert book.sections["staff"][0].conditions[0].test == test


@pytest.mark.parametrize(
    ("line", "path", "says"),
    [
        ("coverage_gaps: [24 h, 72 h]", "coverage_gaps", "the longest first"),
        ("pace: 10", "pace", "10 per minute"),
        ("senders: { reminders: acuity }", "senders.reminders", "reminder"),
        ("services: { talk: { when_late: shrink } }", "services.talk.when_late", "shorten"),
        ("limits: { patients: { texts: { per_month: 3 } } }", "limits.patients.texts.per_month", "per_week"),
        ("paths: { p: { steps: [{ ask: pool, by: sms, for: 1 h, at_once: all }] } }",
         "paths.p.steps[0].at_once", "auto"),
        ("paths: { p: { steps: [{ ask: patient, by: sms, for: 1 h, offer: { openings: 4 } }] } }",
         "paths.p.steps[0].offer", "1 to 3"),
        ("paths: { p: { steps: [{ ask: patient, by: sms, for: 1 h, offer: { modality: vidoe } }] } }",
         "paths.p.steps[0].offer", "Did you mean 'video'"),
        ("paths: { p: { steps: [{ tell: { who: patient, text: t }, for: 1 h }] } }", "paths.p.steps[0]", "Remove it"),
        ("staff: [{ rule: R, when: any, then: [{ confirm: { who: provider, remind: 1 d, path: p } }] }]",
         "staff[0].then[0].confirm", "Remove `remind`"),
        ("staff: [{ rule: R, when: any, then: [{ cover: { pool: qualified, prefer: { soonest: 1 }, path: p } }] }]",
         "staff[0].then[0].cover.prefer.soonest", "continuity"),
        ("staff: [{ rule: R, when: any, then: [{ cover: { pool: qualified, order: eldest, path: p } }] }]",
         "staff[0].then[0].cover.order", "seniority"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_refused_with_its_fix(line: str, path: str, says: str) -> None:
    finding = refusal(line)
    assert finding.path == path
    assert says in f"{finding.problem} {finding.fix}"


def test_words_that_are_not_understood_yet_are_said_to_be() -> None:
    assert re.search("not understood yet", refusal("promises: []").problem)
