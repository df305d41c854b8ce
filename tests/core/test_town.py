"""The town itself: what it lets a decision know of all other visits, and what the outside world does to a notice."""

from __future__ import annotations

from caredispatch.core.observation import Passed
from caredispatch.core.playbook import AskStep, Window
from tests.core.clinic import ASK_PATIENT, NO_AGREEMENT, VISIT, at, cover_path, directory, playbook, policy, staff
from tests.core.play import minutes
from tests.core.town import Town

PLAIN = policy(playbook(services=NO_AGREEMENT))
TWO = policy(playbook(services=NO_AGREEMENT), directory(staff("ana"), staff("ben")))


def test_whoever_covers_one_visit_is_not_asked_about_another_at_that_time() -> None:
    town = Town(TWO, answers={"ben": (5, "yes"), "ana:cover": (5, "yes")})
    town.booked("first", patient="pat-1").booked("second", patient="pat-2", provider="ben", start=VISIT + minutes(60))
    town.booked("third", patient="pat-3", provider="ben", start=VISIT + minutes(120))
    town.answer("ana", "no", on="first").run(30)
    assert town.visit("first").actor("provider") == "ben"
    town.answer("ben", "no", on="second").run(30)
    assert town.visit("second").actor("provider") == "ana"
    assert town.visit("third").actor("provider") == "ben"


def test_a_second_question_to_one_person_has_the_next_number() -> None:
    town = Town(TWO).booked("first", patient="pat-1").booked("second", patient="pat-2", start=VISIT + minutes(120))
    town.answer("ana", "no", on="first").answer("ana", "no", on="second")
    numbers = [town.ask_of("ben", on=name).number for name in ("first", "second")]
    assert numbers == [1, 2]
    assert town.says("ben", "yes").texts("ben")[-1] == "which_question"
    assert town.says("ben", "yes", number=2).visit("second").actor("provider") == "ben"


def test_a_lost_notice_is_healed_by_the_next_poll_and_a_late_one_is_old_news() -> None:
    town = Town(PLAIN, fates=["lost", "twice", 10, "on time"])
    town.booked("first")
    assert town.visits() == []
    town.poll()
    assert town.visit("first").start_at == VISIT
    town.moved("first", at(6, 12)).moved("first", at(6, 14)).moved("first", at(6, 15)).run(30)
    assert town.visit("first").start_at == at(6, 15)
    assert town.texts("ana")[0] == "new_visit"


def test_a_cancelled_visit_that_is_booked_anew_is_a_reschedule_also_here() -> None:
    town = Town(PLAIN).booked("first").cancelled("first").booked("again", start=at(7, 10)).run(10)
    assert town.visit("again").rescheduled_from == town.subject("first")


def test_missed_visits_count_for_the_patient() -> None:
    town = Town(PLAIN, now=at(6, 12)).booked("missed", start=at(6, 9)).changed("missed", status="noshow")
    town.booked("next", start=at(7, 9))
    facts = []
    town.watchers.append(lambda *step: facts.append(step[3].patient))
    town.changed("next", start_at=at(7, 10), end_at=at(7, 10, 50))
    assert facts[0].no_shows_90d == 1


def test_a_word_to_another_visit_is_decided_there() -> None:
    town = Town(PLAIN).booked("first").booked("second", patient="pat-2", start=at(7, 9))
    town.later(5, Passed("leads", town.subject("first")), on="second").run(10)
    assert [event.kind for subject, event, _ in town.decisions if subject == town.subject("second")][-1] == "passed"


def test_news_at_night_leaves_in_the_morning() -> None:
    rules = policy(
        playbook(
            services=NO_AGREEMENT,
            to_patient=ASK_PATIENT,
            cover=cover_path(AskStep("pool", ("sms",), Window("minutes", 15))),
        )
    )
    town = Town(rules, now=at(4, 23)).booked("first").run(600)
    assert [t.at for t in town.said if t.person == "pat"] == [at(5, 8)]
