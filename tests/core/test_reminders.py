"""A patient who has not answered is reminded some time before the start, until they answer: the same question, within
quiet hours and a limit of their own (D21), by one sender (D20)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.playbook import AskStep, Confirm, HandTo, Limits, ListStep, Path, Rule, Window
from caredispatch.core.records import Channel
from tests.core.clinic import NO_AGREEMENT, at, playbook, policy
from tests.core.play import minutes, sms
from tests.core.town import Town

START = at(11, 10)
BY: tuple[Channel, ...] = ("sms", "email")
PATIENT = Path(
    "patient", False, (AskStep("patient", BY, Window("until_before_start", 12 * 60)), ListStep("front_desk"))
)
TWICE = (Confirm("patient", "patient", (72 * 60, 24 * 60)),)
AGREED = {"pat": (sms("pat", consent=True),)}


def rules(*patient_rules: Rule, **changes: object) -> Policy:
    """Patients are asked at once and reminded 72 and 24 hours before the start."""
    book = playbook(services=NO_AGREEMENT, to_patient=TWICE, patient=PATIENT, patient_rules=patient_rules)
    return policy(replace(book, **changes))  # type: ignore[arg-type]  # callers name fields of Playbook


def reminders(town: Town) -> list[object]:
    """When the patient was reminded."""
    return [t.at for t in town.said if t.name == "remind_patient"]


def test_reminders_go_to_who_has_not_answered_until_they_do() -> None:
    town = Town(rules(), contacts=AGREED).booked("visit", start=START)
    town.run(until=START - minutes(72 * 60))
    assert reminders(town) == [at(8, 10)]
    assert town.ask_of("pat").reminded == 1
    town.answer("pat", "yes").run(until=START)
    assert reminders(town) == [at(8, 10)]


def test_reminders_are_the_same_question_and_never_go_on_after_yes() -> None:
    town = Town(rules(), contacts=AGREED, answers={"pat": (5, "yes")}).booked("visit", start=START).run(until=START)
    assert reminders(town) == []
    silent = Town(rules(), contacts=AGREED).booked("visit", start=START).run(until=START)
    assert reminders(silent) == [at(8, 10), at(10, 10)]
    assert len({t.delivery.ask_id for t in silent.said if t.person == "pat"}) == 1
    assert [e.detail["need"] for e in silent.open("call")] == ["confirm_patient"]


def test_reminders_wait_for_the_end_of_quiet_hours() -> None:
    early = at(11, 7)
    town = Town(rules(), contacts=AGREED).booked("visit", start=early).run(until=early)
    assert reminders(town) == [at(8, 8), at(10, 8)]


def test_reminders_have_a_limit_of_their_own() -> None:
    town = Town(rules(limits=Limits(patient_asks_per_week=5, patient_reminders_per_week=1)), contacts=AGREED)
    town.booked("first", start=at(15, 10)).booked("second", start=at(15, 12)).run(until=at(15, 10))
    assert len(reminders(town)) == 1
    assert sum("not_reminded" in [n["code"] for n in d.trace.notes] for _, _, d in town.decisions) == 3


def test_reminders_do_not_follow_a_question_closely() -> None:
    soon = Town(rules(), now=at(10, 8), contacts=AGREED).booked("visit", start=START).run(until=START)
    assert reminders(soon) == [], "26 hours before the start they were asked two hours earlier"


def test_reminders_of_another_sender_are_not_ours_as_well_d20() -> None:
    town = Town(rules(senders={"reminder": "acuity"}), contacts=AGREED).booked("visit", start=START).run(until=START)
    assert reminders(town) == []


def test_reminders_do_not_go_to_a_number_that_is_used_up_d21() -> None:
    town = Town(rules()).booked("visit", start=START).run(until=START)
    texts = [t.at.date() for t in town.said if t.person == "pat"]
    assert len(texts) == len(set(texts)), "one a day"


def test_a_visit_that_moves_asks_anew_and_reminds_of_the_new_time_only() -> None:
    town = Town(rules(), contacts=AGREED).booked("visit", start=START).run(60)
    town.moved("visit", at(14, 10)).run(until=at(14, 10))
    assert reminders(town) == [at(11, 10), at(13, 10)]


@pytest.mark.parametrize(("trigger", "answers"), [("patient_confirmed", {"pat": (5, "yes")}), ("patient_silent", {})])
def test_a_patients_yes_and_their_silence_set_off_their_trigger_once(trigger: str, answers: dict[str, object]) -> None:
    told = Rule("tell somebody", (trigger,), (HandTo("mia"),))  # type: ignore[arg-type]  # one of the triggers
    town = Town(rules(told), contacts=AGREED, answers=answers).booked("visit", start=START)  # type: ignore[arg-type]  # a reply
    town.run(until=START - minutes(60))
    fired = [t for _, _, d in town.decisions for t in d.trace.triggers if t == trigger]
    assert fired == [trigger]
    assert [owner for _, kind, owner in town.raised if kind == "handed_over"] == ["mia"]


def test_where_no_rule_says_anything_of_it_nothing_is_noted() -> None:
    town = Town(rules(), contacts=AGREED, answers={"pat": (5, "yes")}).booked("visit", start=START).run(30)
    assert "patient_confirmed" not in [t for _, _, d in town.decisions for t in d.trace.triggers]


@pytest.mark.parametrize("status", ["arrived", "fulfilled"])
def test_arrived_and_fulfilled_set_off_their_trigger_once(status: str) -> None:
    told = Rule("tell somebody", (status,), (HandTo("mia"),))  # type: ignore[arg-type]  # one of the triggers
    town = Town(rules(told), contacts=AGREED).booked("visit", start=START).run(until=START)
    town.changed("visit", status=status).changed("visit", status=status).run(5)
    fired = [t for _, _, d in town.decisions for t in d.trace.triggers if t == status]
    assert fired == [status]
    assert town.visit("visit").confirmation == "silent"


def test_whoever_is_here_is_not_phoned_any_more() -> None:
    town = Town(rules(), contacts=AGREED).booked("visit", start=START).run(until=START - minutes(30))
    assert [e.detail["need"] for e in town.open("call")] == ["confirm_patient"]
    assert town.changed("visit", status="arrived").open("call") == []
