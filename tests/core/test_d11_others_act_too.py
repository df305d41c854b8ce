"""D11 and promise 4: what others decide in mid-offer ends the case, and everybody who had a part in it hears the
truth."""

from __future__ import annotations

import pytest

from caredispatch.core.content import instant_text
from caredispatch.core.facts import Busy
from caredispatch.core.ids import Id
from caredispatch.core.observation import Label
from caredispatch.core.playbook import AskStep, Window
from tests.core.clinic import (
    ASK_PATIENT,
    NO_AGREEMENT,
    VISIT,
    WITH_EHR,
    cover_path,
    directory,
    playbook,
    policy,
    staff,
)
from tests.core.play import Play, ana_cannot, booked, minutes

RULES = policy(playbook(to_patient=ASK_PATIENT))


def ben_waits() -> Play:
    """Ben would take it; the patient has not said yet whether they agree."""
    play = ana_cannot(RULES, answers={"ben": (1, "yes")}).run(2)
    assert play.cover().phase == "agreeing"
    return play


@pytest.mark.parametrize("how", ["in the source", "by hand", "moved"])
def test_d11_whoever_waits_for_the_patients_word_hears_when_the_visit_goes_another_way(how: str) -> None:
    play = ben_waits()
    match how:
        case "in the source":
            play.seen(actor_provider="cleo")
        case "by hand":
            play.act("assign", staff_id="cleo")
        case _:
            play.seen(start_at=VISIT + minutes(60))
    assert play.texts("ben") == ["ask_cover", "withdrawn_cover"]
    assert play.ask_of("pat", "agree_patient").state == "withdrawn"
    assert "ben" not in [o.resource_id for o in play.state.occupations]


def test_d11_the_word_is_about_the_time_that_they_said_yes_to() -> None:
    play = ben_waits().seen(start_at=VISIT + minutes(60))
    word = next(d for _, x in play.decisions for d in x.deliveries if d.text == "withdrawn_cover")
    assert word.params["start_at"] == instant_text(VISIT)


@pytest.mark.parametrize("how", ["in the source", "by hand"])
def test_d11_whoever_is_given_the_visit_that_they_said_yes_to_is_not_told_otherwise(how: str) -> None:
    play = ben_waits()
    if how == "in the source":
        play.seen(actor_provider="ben")
    else:
        play.act("assign", staff_id="ben")
    assert play.texts("ben") == ["ask_cover", "new_visit"]
    assert (play.provider, play.coverage) == ("ben", "confirmed")


def test_d11_whoever_knew_of_a_visit_that_the_source_gives_to_another_hears_of_it() -> None:
    play = booked(RULES).seen(actor_provider="cleo")
    assert play.texts("ana") == ["new_visit", "visit_cancelled_staff"]
    assert play.texts("cleo") == ["new_visit"]


def test_d8_changes_of_an_unusual_volume_tell_nobody_that_they_lost_a_visit() -> None:
    play = booked(RULES).seen(mode="held", actor_provider="cleo")
    assert play.texts("ana") == ["new_visit"]


def test_promise_4_a_late_yes_to_a_time_that_is_no_more_gets_the_truth() -> None:
    play = ana_cannot(RULES).run(1).seen(start_at=VISIT + minutes(60)).answer("ben", "yes")
    assert play.texts("ben") == ["ask_cover", "already_taken"]
    assert (play.provider, play.coverage) == ("ana", "confirmed")


def test_a_cancellation_is_news_only_to_who_is_on_the_visit_or_waits_to_be() -> None:
    rules = policy(playbook(services=NO_AGREEMENT))
    play = ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).answer("ben", "no", purpose="cover")
    play.run(1).answer("ana", "no", purpose="cover").run(1).answer("cleo", "yes").seen(status="cancelled").run(4)
    assert play.texts("ben").count("visit_cancelled_staff") == 1
    assert play.texts("cleo")[-1] == "visit_cancelled_staff"


@pytest.mark.parametrize("minutes_later", [1, 60])
def test_d11_an_assignment_by_hand_in_the_ehr_in_mid_offer_counts_though_another_system_owns_the_field(
    minutes_later: int,
) -> None:
    rules = policy(playbook(services=NO_AGREEMENT), directory(systems=WITH_EHR))
    play = Play(rules).seen().answer("ana", "no").run(minutes_later)
    play.seen("ehr", "new-ehr", actor_provider="cleo").run(1)
    assert (play.cover().outcome, play.provider, play.coverage) == ("assigned_elsewhere", "cleo", "confirmed")
    assert play.copies["booking", "1"][0]["actor.provider"] == "cleo"
    assert play.copies["ehr", "new-ehr"][0]["actor.provider"] == "cleo"
    assert play.open("nobody_found") == []
    play.answer("ben", "yes")
    assert play.texts("ben")[-1] == "already_taken"


def test_who_owns_the_field_has_the_last_word_while_nobody_is_sought() -> None:
    play = Play(policy(playbook(services=NO_AGREEMENT), directory(systems=WITH_EHR))).seen()
    play.seen("ehr", "new-ehr", actor_provider="cleo").run(1)
    assert play.provider == "ana"
    assert play.copies["ehr", "new-ehr"][0]["actor.provider"] == "ana"


# -- E11: a yes while the patient is asked about somebody else

ALL = AskStep("pool", ("sms",), Window("minutes", 15), at_once=3)
CROWD = policy(
    playbook(to_patient=ASK_PATIENT, cover=cover_path(ALL)), directory(*map(staff, ("ana", "ben", "cleo", "dov")))
)


def cleo_stands_by() -> Play:
    """The patient is asked about ben; cleo says yes as well."""
    play = ana_cannot(CROWD, answers={"ben": (1, "yes"), "cleo": [(2, "yes"), (3, "yes")]}).run(4)
    assert (play.cover().candidate_id, play.texts("cleo")) == ("ben", ["ask_cover"])
    return play


def test_e11_a_second_yes_stands_by_and_comes_next_when_the_patient_says_nothing() -> None:
    play = cleo_stands_by().run(until=VISIT - minutes(120))
    assert play.texts("ben")[-1] == "withdrawn_cover"
    assert (play.cover().candidate_id, play.cover().phase) == ("cleo", "agreeing")
    assert play.texts("pat").count("agree_patient") == 2
    play.answer("pat", "yes", purpose="agree_patient")
    assert play.provider == "cleo"


def test_e11_a_second_yes_comes_next_when_the_first_withdraws() -> None:
    play = cleo_stands_by().answer("ben", "no", purpose="cover").run(1)
    assert (play.cover().candidate_id, play.cover().phase) == ("cleo", "agreeing")


@pytest.mark.parametrize("label", ["yes", "no"])
def test_e11_who_stood_by_hears_the_truth_whatever_the_patient_says(label: Label) -> None:
    play = cleo_stands_by().answer("pat", label, purpose="agree_patient").run(5)
    assert play.texts("cleo") == ["ask_cover", "withdrawn_cover"]
    assert play.provider == ("ben" if label == "yes" else "ana")
    assert [a for a in play.state.asks if a.open and a.purpose == "cover"] == []


@pytest.mark.parametrize("how", ["in the source", "cancelled"])
def test_e11_who_stood_by_hears_when_others_decide(how: str) -> None:
    play = cleo_stands_by()
    if how == "cancelled":
        play.seen(status="cancelled").run(4)
        assert play.texts("cleo")[-1] == "visit_cancelled_staff"
    else:
        play.seen(actor_provider="dov")
        assert play.texts("cleo")[-1] == "withdrawn_cover"


def test_e11_who_stood_by_and_was_booked_elsewhere_meanwhile_is_passed_over() -> None:
    play = cleo_stands_by()
    play.busy["cleo"] = (Busy(VISIT, VISIT + minutes(50), "booked", Id("other"), Id("other"), "booking"),)
    play.answer("ben", "no", purpose="cover").run(1)
    assert play.texts("cleo") == ["ask_cover", "already_taken"]
    assert play.cover().phase == "asking"


def test_e11_who_stood_by_may_change_their_mind() -> None:
    play = cleo_stands_by().answer("cleo", "no", purpose="cover").answer("ben", "no", purpose="cover").run(1)
    assert play.cover().candidate_id is None
    assert play.ask_of("dov").open


def test_e11_who_was_let_go_and_says_yes_again_stands_by_for_the_next_turn() -> None:
    play = cleo_stands_by().run(until=VISIT - minutes(120)).answer("ben", "yes", purpose="cover")
    assert play.cover().candidate_id == "cleo"
    play.answer("cleo", "no", purpose="cover").run(1)
    assert (play.cover().candidate_id, play.cover().phase) == ("ben", "agreeing")
