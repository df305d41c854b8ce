"""How made-up people answer and come: as the parameters say, and by luck that belongs to the question alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from caredispatch.core.ids import Id
from caredispatch.rehearsal.month import Planned
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.parameters_reading import no_effect, shipped
from caredispatch.rehearsal.people import PHONE, People, Reply
from tests.rehearsal.made_up import assuming, near

MANY = 20_000
NOON = 12 * 60
AT = datetime(2026, 12, 1, 18, tzinfo=UTC)
ALWAYS = 100_000
"""Minutes to a start that nobody is late for."""


def asked(
    people: People, person: str, purpose: str = "cover", *, is_staff: bool = True, channel: str = "sms",
    minute: int = NOON, before: int = 0, left: int = ALWAYS, visit: Planned | None = None, options: int = 1,
    busy: float = 0.0,
) -> Reply | None:  # fmt: skip
    return people.reply(
        person, is_staff, purpose, "the question", channel, AT, minute, before, left,
        visit=visit, options=options, busy_minutes=busy,
    )  # fmt: skip


def everybody(purpose: str, parameters: Parameters | None = None, **ways: object) -> list[Reply | None]:
    people = People(parameters or shipped(), 7)
    return [asked(people, f"p{n}", purpose, **ways) for n in range(MANY)]  # type: ignore[arg-type]  # as asked() names them


def planned(n: int, missed: int = 200) -> Planned:
    start = AT + timedelta(days=2)
    return Planned(f"v{n}", Id(f"p{n}"), Id("s"), "talk", "north", "in_person", start, 50, AT, missed=missed)


# ------------------------------------------------------------------ staff


def test_half_of_who_is_paged_answer_in_two_minutes_and_8_percent_take_a_quarter_of_an_hour() -> None:
    after = [r.after for r in everybody("confirm_staff") if r is not None]
    assert near(sum(a <= 2 for a in after), len(after), 50)
    assert near(sum(a >= 15 for a in after), len(after), 8)


def test_through_an_intermediary_it_is_nine_minutes_and_40_percent() -> None:
    after = [r.after for r in everybody("confirm_staff", channel=PHONE) if r is not None]
    assert near(sum(a <= 9 for a in after), len(after), 50)
    assert near(sum(a >= 15 for a in after), len(after), 40)


def test_an_answer_to_an_email_takes_eight_times_as_long() -> None:
    people = People(shipped(), 7)
    one = next(p for n in range(100) if asked(people, p := f"p{n}", "confirm_staff") is not None)
    text, mail = asked(people, one, "confirm_staff"), asked(people, one, "confirm_staff", channel="email")
    assert text is not None
    assert mail is not None
    assert mail.after == pytest.approx(8 * text.after)


def test_a_third_answer_a_broadcast_ask_and_two_in_three_of_them_say_yes() -> None:
    said = [r.label for r in everybody("cover") if r is not None]
    assert near(len(said), MANY, 32)
    assert near(said.count("yes"), len(said), 65)
    assert set(said) == {"yes", "no"}


def test_nearly_everybody_answers_about_a_visit_of_their_own() -> None:
    said = [r.label for r in everybody("confirm_staff") if r is not None]
    assert near(len(said), MANY, 92)
    assert near(said.count("no"), len(said), 2)


def test_who_is_told_answers_only_to_object() -> None:
    said = [r.label for r in everybody("inform_staff") if r is not None]
    assert set(said) == {"no"}
    assert near(len(said), MANY, 2)


def test_who_was_asked_often_this_week_answers_less() -> None:
    assert near(sum(r is not None for r in everybody("cover", before=3)), MANY, 32 * 0.92**3)


def test_who_sees_a_patient_answers_after_that() -> None:
    people = People(shipped(), 7)
    for n in range(200):
        free, busy = asked(people, f"p{n}"), asked(people, f"p{n}", busy=25)
        assert (free is None) == (busy is None)
        if free is not None and busy is not None:
            assert busy.after == pytest.approx(free.after + 25)


def test_by_night_one_in_five_answers_and_the_others_after_they_got_up() -> None:
    at_two = [r.after for r in everybody("confirm_staff", minute=2 * 60) if r is not None]
    awake = sum(a < 4 * 60 for a in at_two)
    slept = len(at_two) - awake
    assert near(awake, len(at_two), 20)
    assert slept == sum(a > 4 * 60 for a in at_two)


def test_nothing_is_answered_after_the_start() -> None:
    assert all(r is None or r.after < 10 for r in everybody("cover", left=10))
    assert everybody("cover", left=0) == [None] * MANY


def test_one_in_six_accepted_shifts_is_not_worked() -> None:
    people = People(shipped(), 7)
    assert near(sum(not people.works_accepted_shift(Id(f"p{n}"), "v1") for n in range(MANY)), MANY, 17)


# ------------------------------------------------------------------ patients


def test_a_single_offer_of_the_waitlist_is_taken_by_one_in_ten() -> None:
    """JMIR 2024: 11 %, Sutter: 8.3 %; vendors' 70 to 90 % are nobody's measurement."""
    said = [r.label for r in everybody("offer_slot", is_staff=False) if r is not None]
    assert near(said.count("yes"), MANY, 9.7)
    assert near(len(said), MANY, 12.9)


def test_45_percent_of_entries_answer_at_least_once_when_offered_4_and_a_half_times() -> None:
    """Mayo 2023: 45.4 % of the entries at 4.4 offers each. Played with 4 and 5 offers, and weighed."""
    people = People(shipped(), 7)

    def answers(n: int, offer: int) -> bool:
        return people.reply(f"p{n}", False, "offer_slot", f"offer {offer}", "sms", AT, NOON, 0, ALWAYS) is not None

    def answered(offers: int) -> float:
        return sum(any(answers(n, k) for k in range(offers)) for n in range(4000)) / 4000

    assert 0.6 * answered(4) + 0.4 * answered(5) == pytest.approx(0.454, abs=0.03)


def test_two_in_three_answer_the_question_whether_they_come() -> None:
    said = [r for r in everybody("confirm_patient", is_staff=False) if r is not None]
    assert near(len(said), MANY, 60)
    assert near(sum(r.after <= 25 for r in said), len(said), 50)
    assert near(sum(r.after >= 240 for r in said), len(said), 15)


def test_a_second_question_reaches_fewer_of_the_silent_ones_than_the_first_did() -> None:
    """60 % answer. A quarter of the pairs are both answered as always: 0.25 * 0.6 + 0.75 * 0.6 * 0.6 answer both."""
    people = People(shipped(), 7)
    both = sum(
        all(people.reply(f"p{n}", False, "confirm_patient", k, "sms", AT, NOON, 0, ALWAYS) for k in ("first", "second"))
        for n in range(MANY)
    )
    assert near(both, MANY, 42)


def test_of_who_is_phoned_half_pick_up_and_all_of_them_answer() -> None:
    for purpose in ("confirm_patient", "offer_slot", "offer_times", "agree_patient"):
        said = [r for r in everybody(purpose, is_staff=False, channel=PHONE) if r is not None]
        assert near(len(said), MANY, 45), purpose
        assert max(r.after for r in said) <= 3


def test_who_wants_a_visit_takes_a_time_more_often_than_who_is_brought_back() -> None:
    wants = [r.label for r in everybody("offer_times", is_staff=False) if r is not None]
    missed = [r.label for r in everybody("offer_times", is_staff=False, visit=planned(0)) if r is not None]
    assert near(wants.count("yes"), MANY, 60)
    assert near(missed.count("yes"), MANY, 25)


def test_seven_in_ten_agree_to_another_provider() -> None:
    said = [r.label for r in everybody("agree_patient", is_staff=False) if r is not None]
    assert near(said.count("yes"), MANY, 70)


def test_a_yes_to_several_times_takes_one_of_them() -> None:
    said = [r for r in everybody("offer_times", is_staff=False, options=3) if r is not None and r.label == "yes"]
    assert all(near(sum(r.choice == n for r in said), len(said), 100 / 3) for n in range(3))
    assert all(r.choice is None for r in everybody("offer_times", is_staff=False) if r is not None)


# ------------------------------------------------------------------ coming


def _missed(people: People, reminders: int, confirmed: bool = False) -> int:
    return sum(not people.comes(planned(n), reminders, confirmed) for n in range(MANY))


def test_a_visit_is_missed_as_often_as_its_own_chance_says() -> None:
    assert near(_missed(People(shipped(), 7), 0), MANY, 20)


def test_a_reminder_prevents_one_no_show_in_nine_and_a_second_one_no_more() -> None:
    """VEText: 13.68 % to 12.22 %."""
    people = People(shipped(), 7)
    assert near(_missed(people, 1), MANY, 20 * (1 - 0.107))
    assert _missed(people, 2) == _missed(people, 1) == _missed(people, 0, confirmed=True)


def test_in_the_world_without_effect_reminders_prevent_nothing() -> None:
    people = People(no_effect(), 7)
    assert [people.comes(planned(n), 0, False) for n in range(500)] == [
        people.comes(planned(n), 3, True) for n in range(500)
    ]


def test_who_a_reminder_keeps_from_missing_comes_or_says_that_they_do_not() -> None:
    """Of 100 who would miss, 10.7 are prevented, and half of those cancel when asked."""
    people = People(shipped(), 7)
    visits = [planned(n) for n in range(MANY)]
    said = [asked(people, v.patient, "confirm_patient", is_staff=False, visit=v) for v in visits]
    gives_up = sum(r is not None and r.label in ("cancel", "reschedule") for r in said)
    assert near(gives_up, MANY, 20 * 0.107 / 2)


def test_of_who_gives_a_visit_up_when_asked_27_percent_want_another_time() -> None:
    people = People(assuming(patients__reminder_prevents=100, patients__prevented_cancels=100), 7)
    sure = [planned(n, missed=1000) for n in range(MANY)]
    said = [asked(people, v.patient, "confirm_patient", is_staff=False, visit=v) for v in sure]
    labels = [r.label for r in said if r is not None]
    assert set(labels) == {"cancel", "reschedule"}
    assert near(labels.count("reschedule"), len(labels), 27)


def test_nobody_objects_to_all_their_visits() -> None:
    """2 % of the bookings are objected to, by anybody, not all of them by 2 % of the staff."""
    people = People(assuming(staff__persists=100), 7)
    said = [
        [people.reply(f"p{n}", True, "inform_staff", f"v{k}", "sms", AT, NOON, 0, ALWAYS) for k in range(200)]
        for n in range(50)
    ]
    assert max(sum(r is not None for r in one) for one in said) < 20
    assert near(sum(r is not None for one in said for r in one), 50 * 200, 2)


def test_nobody_says_that_they_cancel_in_a_world_without_effect() -> None:
    people = People(no_effect(), 7)
    said = [asked(people, f"p{n}", "confirm_patient", is_staff=False, visit=planned(n)) for n in range(2000)]
    assert {r.label for r in said if r is not None} == {"yes"}


def test_who_will_miss_the_visit_says_yes_less_often() -> None:
    people = People(shipped(), 7)
    visits = [v for v in map(planned, range(MANY)) if not people.comes(v, 1, False)]
    said = [asked(people, v.patient, "confirm_patient", is_staff=False, visit=v) for v in visits]
    assert near(sum(r is not None for r in said), len(visits), 30)


# ------------------------------------------------------------------ luck


def test_the_same_question_has_the_same_answer_whatever_else_was_asked() -> None:
    """Common random numbers: two playbooks are compared on the same luck."""
    first, second = People(shipped(), 7), People(shipped(), 7)
    alone = [asked(first, f"p{n}", "cover") for n in range(50)]
    for n in reversed(range(50)):
        asked(second, f"p{n}", "offer_slot", is_staff=False)
        second.comes(planned(n), 1, False)
    assert [asked(second, f"p{n}", "cover") for n in range(50)] == alone


def test_some_staff_always_answer_and_some_never() -> None:
    """32 % answer; where everybody is as always, who answers once answers ten times."""
    people = People(assuming(staff__persists=100), 7)
    said = [
        sum(people.reply(f"p{n}", True, "cover", f"k{k}", "sms", AT, NOON, 0, ALWAYS) is not None for k in range(10))
        for n in range(500)
    ]
    assert set(said) == {0, 10}
    assert near(said.count(10), 500, 32)


def test_another_seed_person_question_or_key_is_another_luck() -> None:
    people = People(shipped(), 7)

    def answers(people: People, key: str, purpose: str) -> list[Reply | None]:
        return [people.reply(f"p{n}", True, purpose, key, "sms", AT, NOON, 0, ALWAYS) for n in range(50)]

    one = answers(people, "k", "cover")
    assert len(set(one)) > 10
    assert one != answers(people, "other", "cover")
    assert one != answers(people, "k", "take_add_on")
    assert one != answers(People(shipped(), 8), "k", "cover")


def test_willingness_is_the_same_by_text_and_by_phone() -> None:
    people = People(assuming(patients__picks_up=100), 7)
    for n in range(200):
        text, phone = (asked(people, f"p{n}", "cover", channel=by) for by in ("sms", PHONE))
        assert (text and text.label) == (phone and phone.label)


def test_who_is_asked_does_not_change_who_comes() -> None:
    """The luck of coming belongs to the visit and the patient; a visit that moved keeps it."""
    people = People(shipped(), 7)
    moved = [replace(planned(n), start_at=AT + timedelta(days=9)) for n in range(200)]
    assert [people.comes(v, 0, False) for v in moved] == [people.comes(planned(n), 0, False) for n in range(200)]
