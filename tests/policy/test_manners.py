"""What `check` refuses although every word is right: a playbook that would break its own manners."""

from __future__ import annotations

import pytest

from caredispatch.policy.check import check_text
from caredispatch.policy.findings import Finding
from caredispatch.policy.looking import Known
from caredispatch.policy.profiles import profile_text

GOOD = profile_text("behavioral-health")
SENDERS = GOOD[GOOD.index("senders:") : GOOD.index("\nquiet_hours:")]
WAITLIST = "{ ask: waitlist, by: [sms, email], for: 20 min, at_once: 3 }"
TIMES = "{ ask: patient, by: [sms, email], for: 3 d, offer: { openings: 3 } }"


def found(text: str, known: Known | None = None) -> list[Finding]:
    return list(check_text(text, "playbook.yaml", known))


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def only(text: str, known: Known | None = None) -> Finding:
    [finding] = found(text, known)
    return finding


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("old", "new", "limit", "needed"),
    [
        ("reminders: { most: 2", "reminders: { most: 1", "limits.patients.reminders", "Allow 2"),
        ("per_week: 3 }", "per_week: 2 }", "limits.patients.texts.per_week", "Allow 3"),
        ("remind: [72 h, 48 h]", "remind: [72 h, 26 h, 24 h]", "limits.patients.texts.per_day", "Allow 2"),
    ],
)
def test_d21_a_limit_that_mutes_the_playbooks_own_cadence_is_refused(
    old: str, new: str, limit: str, needed: str
) -> None:
    hits = [f for f in found(changed(old, new)) if limit in f.problem]
    assert [(f.severity, f.path) for f in hits] == [("error", "patient[0].then[0].confirm")]
    assert needed in hits[0].fix


def test_d21_a_path_that_asks_more_often_than_a_week_allows_is_refused() -> None:
    short = TIMES.replace("3 d", "1 d")
    hits = found(changed(TIMES, "\n      - ".join([short] * 4)))
    assert {"limits.patients.asks" in f.problem or "texts.per_week" in f.problem for f in hits} == {True}
    assert {f.path.split(".")[-1] for f in hits} == {"follow_up", "place"}


def test_d21_two_asks_on_one_day_are_refused_where_one_text_a_day_may_be() -> None:
    hits = found(changed(TIMES, f"{TIMES.replace('3 d', '2 h')}\n      - {TIMES}"))
    assert {f.problem.split("`")[1] for f in hits} == {"limits.patients.texts.per_day"}


def test_d21_what_goes_out_by_mail_is_no_text() -> None:
    by_mail = TIMES.replace("[sms, email]", "email").replace("3 d", "2 h")
    assert found(changed(TIMES, f"{by_mail}\n      - {TIMES}")) == []


def test_d21_an_urgent_path_passes_the_limits() -> None:
    twice = f"{TIMES.replace('3 d', '2 h')}\n      - {TIMES}"
    assert found(changed(TIMES, twice).replace("  times:\n", "  times:\n    urgent: true\n")) == []


# ------------------------------------------------------------------ senders


def test_d20_a_live_stage_without_a_named_sender_is_refused_once_a_connection_also_writes() -> None:
    known = Known(connections=frozenset({"booking"}), sends={"booking": frozenset({"reminder"})})
    assert found(GOOD, known) == []
    assert found(GOOD.replace(SENDERS, "")) == []
    hit = only(GOOD.replace(SENDERS, ""), known)
    assert (hit.severity, hit.path) == ("error", "stages.booking_confirmation")
    assert "booking also writes to patients about a reminder" in hit.problem
    assert "senders: { reminder: caredispatch }" in hit.fix


def test_d20_a_stage_that_is_not_live_needs_no_sender_yet() -> None:
    known = Known(connections=frozenset({"booking"}), sends={"booking": frozenset({"reminder"})})
    text = GOOD.replace(SENDERS, "").replace("booking_confirmation: live", "booking_confirmation: shadow")
    assert found(text, known) == []


def test_d20_a_sender_is_caredispatch_or_a_connection_of_the_practice() -> None:
    text = changed("change: caredispatch", "change: acuty")
    hit = only(text, Known(connections=frozenset({"acuity"})))
    assert (hit.path, hit.problem) == ("senders.change", "there is no connection 'acuty'.")
    assert "Did you mean 'acuity'" in hit.fix


def test_d20_reminders_that_another_system_sends_are_said_never_to_leave() -> None:
    hit = only(changed("reminder: caredispatch", "reminder: acuity"))
    assert (hit.severity, hit.path) == ("warning", "patient[0].then[0].confirm.remind")


# ------------------------------------------------------------------ safety


def test_d23_without_a_clinician_check_says_who_hears_of_a_crisis() -> None:
    hit = only(changed("safety: { clinician: clinicians_on_call }\n", ""))
    assert hit.severity == "warning"
    assert "'practice_manager' will" in hit.problem


def test_d23_the_clinician_is_somebody_with_hours() -> None:
    assert "nobody is called 'doctors'" in only(changed("clinician: clinicians_on_call", "clinician: doctors")).problem
    office = frozenset({"Mia", "Noor", "Dana", "Rosa"})
    known = Known(staff=office | {"Ana", "Ben", "Cleo"}, hours=dict.fromkeys(office, ((480, 1020),)))
    assert [f.path for f in found(GOOD, known)] == ["safety.clinician"]


def test_d23_the_crisis_text_names_both_numbers() -> None:
    hit = only(changed("call or text 988 now", "call us"))
    assert (hit.severity, hit.path, hit.problem) == ("error", "texts.crisis.en", "'crisis' does not say 988.")


# ------------------------------------------------------------------ paths


def test_d25_a_patients_path_ends_on_the_call_list_or_with_a_human_and_filling_with_a_human() -> None:
    listed = changed(
        f"      - {WAITLIST}\n      - hand_to: practice_manager",
        f"      - {WAITLIST}\n      - {{ list: calls, owner: front_desk }}",
    )
    assert "only a patient's path may end on the call list" in only(listed).problem
    open_end = changed(f"      - {TIMES}\n      - {{ list: calls, owner: front_desk }}\n", f"      - {TIMES}\n")
    assert {f.problem for f in found(open_end)} == {"the path ends without a named human."}


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        (TIMES, TIMES.replace(", offer: { openings: 3 }", ""), "paths.times.steps[0].ask", "nothing is there"),
        (TIMES, TIMES.replace("ask: patient", "ask: pool"), "paths.times.steps[0].ask", "it asks the patient"),
        (WAITLIST, WAITLIST.replace("waitlist", "pool"), "paths.fill.steps[0].ask", "it asks the waitlist"),
        (WAITLIST, WAITLIST.replace(" }", ", offer: { openings: 1 } }"), "paths.fill.steps[0].offer", "only a patient"),
        ("{ ask: backup_therapists, by: [sms, email], for: 15 min, at_once: 2 }", WAITLIST,
         "paths.cover.steps[1].ask", "does not ask the waitlist"),
        ("for: { until: 24 h before start } }", "for: { until: 24 h before start }, offer: { openings: 3 } }",
         "paths.patient.steps[0].offer", "as it stands"),
    ],
)  # fmt: skip
def test_each_kind_of_case_asks_whom_it_may(old: str, new: str, path: str, says: str) -> None:
    hit = only(changed(old, new))
    assert (hit.severity, hit.path) == ("error", path)
    assert says in hit.problem


def test_d17_a_path_that_covers_may_offer_the_patient_their_own_provider_later() -> None:
    own = "{ ask: patient, by: [sms, email], for: 2 d, offer: { own_provider: later, openings: 3 } }"
    line = "      - { ask: backup_therapists, by: [sms, email], for: 15 min, at_once: 2 }\n"
    assert found(changed(line, f"{line}      - {own}\n")) == []


def test_a_path_may_tell_on_the_way_and_not_end_so() -> None:
    tell = "      - { tell: { who: patient, text: running_late } }\n"
    listed = "      - { list: calls, owner: front_desk }\n"
    start = GOOD.index("\n  patient:\n    steps")
    before, after = GOOD[:start], GOOD[start:]
    texts = "texts: { per_day: 1, per_week: 3 }"
    more = before.replace(texts, "texts: { per_day: 2, per_week: 9 }")
    assert found(more + after.replace(listed, tell + listed, 1)) == []
    assert "without a named human" in only(more + after.replace(listed, tell, 1)).problem


def test_d29_whatever_a_path_is_used_for_it_hands_only_to_a_stage_that_is_live_there() -> None:
    """A no to the own visit is the only answer that opens another case: elsewhere it is said never to happen."""
    cover = "on_decline: { cover: { pool: qualified, path: cover } }"
    text = changed(TIMES, TIMES.replace(" }\n", " }").replace("offer:", f"{cover}, offer:"))
    assert [(f.severity, f.path) for f in found(text)] == [("warning", "paths.times.steps[0].on_decline")]
    off = text.replace("dispatch_routing: live", "dispatch_routing: { North: off, else: live }")
    hits = [f for f in found(off) if f.severity == "error" and f.path.startswith("paths.times")]
    assert [
        "at North this path is live and hands to dispatch_routing, which is off there." in f.problem for f in hits
    ] == [True]


# ------------------------------------------------------------------ services, texts


def test_d12_a_visit_that_must_not_be_missed_never_gives_way() -> None:
    hit = only(changed("when_late: rebook, displaceable", "when_late: rebook, must_not_miss: true, displaceable"))
    assert (hit.severity, hit.path) == ("error", "services.intake.displaceable")


@pytest.mark.parametrize("name", ["remind_patient", "offer_slot", "offer_times", "ask_add_on", "crisis", "staff_echo"])
def test_texts_that_actions_need_must_be_there(name: str) -> None:
    lines = GOOD.splitlines(keepends=True)
    at = lines.index(f"  {name}:\n")
    text = "".join(lines[:at] + lines[at + 3 :])
    assert [(f.severity, f.problem) for f in found(text)] == [("error", f"the text {name!r} is missing.")]


def test_texts_are_needed_only_where_something_says_them() -> None:
    assert "offer_slot" not in profile_text("home-health")
    assert found(profile_text("home-health")) == []


def test_who_chooses_is_told_what_from() -> None:
    hit = only(changed("{practice}: times for your visit: {options}.", "{practice}: we have times for your visit."))
    assert (hit.path, hit.problem) == ("texts.offer_times.en", "'offer_times' does not say {options}.")
