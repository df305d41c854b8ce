"""Staff who see patients by video only (D26) keep those whom that suits: the patient is asked first (D17), and only
then is cover sought."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caredispatch.core.draft import Policy
from caredispatch.core.facts import PatientFacts
from caredispatch.core.playbook import AskStep, Offer, Path, ServicePolicy, Window
from tests.core.clinic import BOOKING, DANA, EHR, POOL, SERVICES, at, cover_path, directory, playbook, policy, staff
from tests.core.town import Town

SYSTEMS = {
    "booking": replace(BOOKING, writes=(*BOOKING.writes, "modality")),
    "ehr": replace(EHR, writes=(*EHR.writes, "modality")),
}


def rules(*, service_video: bool = True, path: Path | None = None, texts: bool = False) -> Policy:
    """Cover is found by asking everybody, one by one; three people, licensed in Illinois."""
    services = tuple(replace(s, video=service_video) for s in SERVICES)
    words = {"offer_video": {"en": "by video?"}, "offer_times": {"en": "when?"}} if texts else {}
    book = playbook(
        services={"therapy-50": ServicePolicy(patient_agreement="notice")}, cover=path or cover_path(), texts=words
    )
    return policy(book, directory(staff("ana"), staff("ben"), staff("cleo"), systems=SYSTEMS, services=services))


def video_only(town: Town, *, day: int = 6) -> Town:
    """A visit of ana's at ten and one by video at noon; she sees patients by video only that day."""
    town.booked("first", patient="pat-1", start=at(day, 10))
    town.booked("video", patient="pat-2", start=at(day, 12), modality="video")
    town.announce("video_only", staff="ana", start=at(day, 8), end=at(day, 18), sure=True)
    return town.run(0)


def asked(town: Town) -> list[tuple[str, str]]:
    """Who was asked what."""
    return [(t.person, t.question) for t in town.said if t.question and t.question != "inform_staff"]


def test_d26_video_only_asks_the_patients_of_in_person_visits_whether_video_will_do() -> None:
    town = video_only(Town(rules()))
    assert asked(town) == [("pat-1", "offer_times")]
    [option] = town.ask_of("pat-1").options
    assert (option.start_at, option.provider_id, option.modality) == (at(6, 10), "ana", "video")


def test_d26_a_yes_makes_it_a_video_visit_in_every_copy_and_nobody_is_asked_to_cover() -> None:
    town = video_only(Town(rules(), answers={"pat-1:offer_times": (20, "yes")})).run(120)
    visit = town.visit("first")
    assert (visit.modality, visit.actor("provider"), visit.coverage) == ("video", "ana", "confirmed")
    assert [town.copy("first", system)["modality"] for system in ("booking", "ehr")] == ["video", "video"]
    assert asked(town) == [("pat-1", "offer_times")]
    assert town.texts("pat-1")[-1] == "booked_for_patient"
    told = [t for t in town.said if t.person == "ana" and t.subject == town.subject("first")]
    assert (told[-1].name, told[-1].delivery.params["modality"]) == ("new_visit", "video")
    assert town.raised == []


@pytest.mark.parametrize("said", ["no", "nothing"])
def test_d26_after_a_no_or_silence_cover_is_sought_by_the_playbook(said: str) -> None:
    town = video_only(Town(rules(), answers={"pat-1:offer_times": (20, "no")} if said == "no" else {}))
    town.run(19 if said == "no" else 59)
    assert [who for who, what in asked(town) if what == "cover"] == []
    town.run(2)
    assert [who for who, what in asked(town) if what == "cover"] == ["ben"]
    town.answer("ben", "yes", purpose="cover").run(10)
    assert (town.visit("first").actor("provider"), town.visit("first").modality) == ("ben", "in_person")


def test_d4_video_is_licensed_by_the_patients_state_and_unknown_is_never_silently_yes() -> None:
    for state in ("NY", None):
        town = video_only(Town(rules(), patients={"pat-1": PatientFacts(tags=("adult",), state=state)})).run(1)
        assert asked(town) == [("ben", "cover")]


def test_d26_what_cannot_be_by_video_is_covered_at_once() -> None:
    assert asked(video_only(Town(rules(service_video=False))).run(1)) == [("ben", "cover")]


def test_d26_a_patient_who_cannot_be_reached_is_not_waited_for() -> None:
    town = Town(rules())
    town.outside.undeliverable = ("sms:pat-1",)
    assert ("ben", "cover") in asked(video_only(town).run(1))


def test_d26_so_near_that_nobody_could_answer_cover_is_sought_at_once() -> None:
    town = video_only(Town(rules(), now=at(6, 8, 50))).run(1)
    assert asked(town) == [("ben", "cover")]


def test_d26_within_the_tell_by_time_the_patient_has_until_an_hour_before() -> None:
    town = video_only(Town(rules(), now=at(6, 8, 30))).run(29)
    assert asked(town) == [("pat-1", "offer_times")]
    assert "patient_uncovered" not in town.texts("pat-1"), "they know how it stands (D18)"
    town.run(2)
    assert asked(town)[-1] == ("ben", "cover")


def test_d26_said_at_night_the_patient_is_asked_in_the_morning() -> None:
    town = video_only(Town(rules(), now=at(5, 22))).run(until=at(6, 7, 59))
    assert asked(town) == []
    town.run(120)
    assert [(t.at, t.question) for t in town.said if t.question in ("offer_times", "cover")][:2] == [
        (at(6, 8), "offer_times"),
        (at(6, 9), "cover"),
    ]


def test_d26_a_late_yes_counts_while_nobody_covers_and_who_was_asked_hears_so() -> None:
    town = video_only(Town(rules())).run(70)
    town.answer("pat-1", "yes").run(5)
    assert (town.visit("first").modality, town.visit("first").actor("provider")) == ("video", "ana")
    assert town.texts("ben")[-1] == "withdrawn_cover"


def test_d17_after_a_no_to_video_the_path_may_offer_the_own_provider_later() -> None:
    later = AskStep("patient", ("sms",), Window("minutes", 60), offer=Offer(own_provider=True))
    town = video_only(Town(rules(path=Path("cover", False, (later, POOL, DANA))))).run(1)
    town.answer("pat-1", "no").run(1)
    assert asked(town) == [("pat-1", "offer_times")] * 2
    assert {o.provider_id for o in town.ask_of("pat-1").options} == {"ana"}
    town.answer("pat-1", "no").run(1)
    assert asked(town)[-1] == ("ben", "cover")


def test_d26_taken_back_the_question_is_over_and_the_visit_is_as_it_was() -> None:
    town = Town(rules())
    town.booked("first", patient="pat-1", start=at(6, 10))
    incident = town.announce("video_only", staff="ana", start=at(6, 8), end=at(6, 18), sure=True)
    town.settle(incident, "undo").run(120)
    assert (town.visit("first").coverage, town.visit("first").modality) == ("confirmed", "in_person")
    assert asked(town) == [("pat-1", "offer_times")]


def test_d26_the_question_has_words_of_its_own_where_the_playbook_has_them() -> None:
    town = video_only(Town(rules(texts=True)))
    assert [t.name for t in town.said if t.person == "pat-1"] == ["offer_video"]
