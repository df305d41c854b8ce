"""A series that a source enters, moves or gives to somebody else, visit by visit, is one change (D3): staff and patient
hear once, of the first visit, with how many come after it."""

from __future__ import annotations

from datetime import timedelta

from caredispatch.core.draft import Policy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block
from caredispatch.core.playbook import Confirm, PatientAgreement, Rule, ServicePolicy, Tell, Trigger
from tests.core.clinic import WITH_EHR, at, directory, playbook, policy, staff
from tests.core.play import minutes
from tests.core.town import Town

WEEKS = [f"w{n}" for n in range(4)]
ON_CHANGE: tuple[Trigger, ...] = ("booked", "rescheduled", "series_changed")
WEEK = timedelta(days=7)


def rules(
    agreement: PatientAgreement = "required", remind: tuple[int, ...] = (72 * 60, 48 * 60), *, ehr: bool = False
) -> Policy:
    """The provider is told of every change, the patient is asked to confirm."""
    book = playbook(
        services={"therapy-50": ServicePolicy(patient_agreement=agreement)},
        rules=(Rule("changed", ON_CHANGE, (Tell("provider", "new_visit"),)),),
        patient_rules=(Rule("asked", ON_CHANGE, (Confirm("patient", "patient", remind),)),),
    )
    people = staff("ana"), staff("ben"), staff("cleo")
    return policy(book, directory(*people, systems=WITH_EHR if ehr else None))


def weekly(town: Town, *, names: list[str] = WEEKS, live: bool = True) -> Town:
    """A patient every Wednesday at ten, from the week after next on; entered by a source in no order."""
    for n in sorted(range(len(names)), key=lambda n: (n % 2, n), reverse=True):
        town.booked(
            names[n], start=at(13, 10) + n * WEEK, series="wed-10", mode="live" if live else "first_load"
        )  # fmt: skip
    return town.run(0)


def said(town: Town, person: str, since: int = 0) -> list[tuple[str, str, str | None]]:
    """What somebody heard: the text, of which visit, and how many come after it."""
    called = {subject: name for name, subject in town.names.items()}
    return [
        (t.name, called[t.subject], t.delivery.params.get("after")) for t in town.said[since:] if t.person == person
    ]


def fired(town: Town) -> list[str]:
    """The triggers of all decisions."""
    return [t for _, _, d in town.decisions for t in d.trace.triggers]


def test_d3_a_series_that_is_entered_is_told_and_asked_once_for_its_first_visit() -> None:
    town = weekly(Town(rules(), answers={"pat": (5, "yes")})).run(60)
    assert said(town, "ana") == [("new_visit", "w0", "3")]
    assert said(town, "pat") == [("confirm_patient", "w0", "3")]
    assert [town.visit(name).coverage for name in WEEKS] == ["confirmed"] * 4
    assert fired(town).count("booked") == 1
    assert town.raised == []


def test_d3_of_each_later_visit_the_patient_is_asked_when_its_reminder_falls_due() -> None:
    town = weekly(Town(rules(), answers={"pat": (5, "yes")})).run(until=at(17, 9))
    assert said(town, "pat") == [("confirm_patient", "w0", "3")]
    town.run(until=at(17, 11))
    assert said(town, "pat")[1:] == [("confirm_patient", "w1", None)], "72 hours before the second"
    assert [town.visit(name).confirmation for name in WEEKS] == ["confirmed", "confirmed", "unasked", "unasked"]
    town.run(until=at(31, 12))
    assert [name for _, name, _ in said(town, "pat")] == WEEKS


def test_d3_where_nothing_reminds_one_agreement_holds_for_all() -> None:
    town = weekly(Town(rules(remind=()), answers={"pat": (30, "yes")})).run(60)
    assert [town.visit(name).confirmation for name in WEEKS] == ["confirmed"] * 4
    assert len(said(town, "pat")) == 1
    town.run(until=at(31, 12))
    assert len(said(town, "pat")) == 1


def test_d3_all_following_moved_by_the_same_is_one_change_and_fires_once() -> None:
    town = weekly(Town(rules(), answers={"pat": (5, "yes")})).run(60)
    since = len(town.said)
    for n in (2, 1, 3):
        town.moved(WEEKS[n], at(14, 11) + n * WEEK).run(0.5)
    assert said(town, "pat", since) == [], "the others may still come"
    town.run(60)
    assert said(town, "ana", since) == [("new_visit", "w1", "2")]
    assert said(town, "pat", since) == [("confirm_patient", "w1", "2")]
    assert fired(town).count("series_changed") == 1
    assert [town.visit(name).coverage for name in WEEKS] == ["confirmed"] * 4


def test_d3_the_same_shift_of_the_clock_on_the_wall_is_one_change_over_a_daylight_saving_day() -> None:
    town = Town(rules(), now=at(4, 10))
    march = [at(4, 10) + timedelta(days=58 + 7 * n) - minutes(60 if n else 0) for n in range(3)]
    for n, start in enumerate(march):
        town.booked(f"w{n}", start=start, series="thu")
    town.run(10)
    since = len(town.said)
    for n, start in enumerate(march):
        town.moved(f"w{n}", start + minutes(30))
    town.run(10)
    assert said(town, "ana", since) == [("new_visit", "w0", "2")]


def test_d3_this_one_alone_is_a_visit_like_any_other() -> None:
    town = weekly(Town(rules(), answers={"pat": (5, "yes")})).run(60)
    since = len(town.said)
    town.moved("w2", at(29, 15)).run(60)
    assert said(town, "ana", since) == [("new_visit", "w2", None)]
    assert said(town, "pat", since) == [("confirm_patient", "w2", None)]
    assert "series_changed" not in fired(town)


def test_d3_what_is_moved_by_something_else_is_a_change_of_its_own() -> None:
    town = weekly(Town(rules())).run(60)
    since = len(town.said)
    town.moved("w1", at(20, 11)).moved("w2", at(27, 11)).moved("w3", at(31, 15)).run(60)
    assert sorted(said(town, "ana", since)) == [("new_visit", "w1", "1"), ("new_visit", "w3", None)]


def test_d3_all_following_given_to_somebody_else_one_notice_and_one_agreement() -> None:
    town = weekly(Town(rules(), answers={"pat": (5, "yes")})).run(60)
    since = len(town.said)
    for name in WEEKS[1:]:
        town.changed(name, actor_provider="ben")
    town.run(60)
    assert said(town, "ben", since) == [("new_visit", "w1", "2")]
    assert said(town, "ana", since) == [("visit_cancelled_staff", "w1", "2")]
    assert said(town, "pat", since) == [("agree_patient", "w1", "2")]
    assert fired(town).count("series_changed") == 1
    assert [town.visit(name).coverage for name in WEEKS[1:]] == ["confirmed"] * 3


def test_d3_where_a_notice_is_enough_the_patient_is_told_once_and_asked_nothing() -> None:
    town = weekly(Town(rules("notice"), answers={"pat": (5, "yes")})).run(60)
    since = len(town.said)
    for name in WEEKS:
        town.changed(name, actor_provider="ben")
    town.run(60)
    assert said(town, "pat", since) == [("patient_settled", "w0", "3")]
    assert town.visit("w0").confirmation == "confirmed"


def test_d3_who_was_never_told_of_a_series_hears_nothing_when_it_goes_to_another() -> None:
    town = weekly(Town(rules()), live=False)
    for name in WEEKS:
        town.changed(name, actor_provider="ben")
    town.run(60)
    assert (said(town, "ana"), said(town, "ben")) == ([], [("new_visit", "w0", "3")])


def test_d3_whoever_was_told_of_the_series_and_cannot_is_replaced_once_for_all_of_it() -> None:
    town = weekly(Town(rules(), answers={"pat:agree_patient": (5, "yes"), "ben:cover": (5, "yes")})).run(10)
    town.answer("ana", "no").run(60)
    assert [town.visit(name).actor("provider") for name in WEEKS] == ["ben"] * 4
    assert [t.question for t in town.said if t.person == "ben" and t.question] == ["cover"]
    assert said(town, "pat")[-2:] == [("agree_patient", "w0", "3"), ("patient_settled", "w0", "3")]


def test_d3_the_first_visit_goes_before_anybody_heard_and_the_next_one_leads() -> None:
    town = weekly(Town(rules())).run(1)
    town.cancelled("w0").run(30)
    assert [row[:2] for row in said(town, "ana")] == [("new_visit", "w1")]
    assert [row[:2] for row in said(town, "pat")] == [("confirm_patient", "w1")]
    assert [town.visit(name).coverage for name in WEEKS[1:]] == ["confirmed"] * 3


def test_d3_a_provider_who_could_not_be_told_is_one_line_before_a_person() -> None:
    town = Town(rules())
    town.outside.undeliverable = ("sms:ana",)
    weekly(town).run(60)
    assert [kind for _, kind, _ in town.raised if kind == "delivery_failed"] == ["delivery_failed"]
    assert [town.visit(name).coverage for name in WEEKS] == ["tentative"] * 4
    town.run(until=at(17, 11))
    assert [e.detail["role"] for e in town.open("gap", "w1")] == ["provider"], "as it comes near it is listed (D40)"


def test_d10_each_visit_of_a_series_is_looked_for_in_the_calendars() -> None:
    town = Town(rules(ehr=True))
    dentist = at(27, 10)
    town.outside.calendar = {"ana": (Block(Id("ana"), dentist, dentist + minutes(30), "dentist"),)}
    weekly(town).run(10)
    assert [town.visit(name).coverage for name in WEEKS] == ["confirmed", "confirmed", "at_risk", "confirmed"]
    assert said(town, "ana") == [("new_visit", "w0", "3")]


def test_d3_a_visit_of_the_series_that_is_moved_by_hand_is_that_visit_alone() -> None:
    town = weekly(Town(rules())).run(10)
    since = len(town.said)
    start = at(28, 14)
    town.act("move", "w2", start_at=start, end_at=start + minutes(50), agreed="yes").run(10)
    assert ("new_visit", "w2", None) in said(town, "ana", since)


def test_d3_the_same_visits_are_changed_anew_and_that_is_told_anew() -> None:
    town = weekly(Town(rules())).run(10)
    for to in ("ben", "ana", "ben"):
        since = len(town.said)
        for name in WEEKS:
            town.changed(name, actor_provider=to)
        town.run(10)
        assert said(town, to, since)[-1:] == [("new_visit", "w0", "3")]


def test_d3_changed_twice_within_the_settle_time_the_last_word_is_told_once() -> None:
    town = weekly(Town(rules())).run(10)
    since = len(town.said)
    for to in ("ben", "cleo"):
        for name in WEEKS:
            town.changed(name, actor_provider=to)
        town.run(1)
    town.run(10)
    assert said(town, "ben", since) == []
    assert said(town, "cleo", since) == [("new_visit", "w0", "3")]
