"""D17: "own provider, later" and "own provider by video" are steps of the same path that finds cover."""

from __future__ import annotations

from caredispatch.core.playbook import AskStep, Offer, Tell, TellStep, Window
from tests.core.clinic import DANA, VISIT, cover_path, playbook, policy
from tests.core.play import Play, ana_cannot, minutes

SEEN_BY_ANA = {"provider": "ana"}
LATER = AskStep("patient", ("sms",), Window("minutes", 60), offer=Offer(3, own_provider=True))
BY_VIDEO = AskStep("patient", ("sms",), Window("minutes", 60), offer=Offer(1, own_provider=True, modality="video"))
POOL = AskStep("pool", ("sms",), Window("minutes", 15), at_once=2)


def patient_wants_their_own(*steps: AskStep | TellStep) -> Play:
    """Ana can't; ben would; the patient says no to him."""
    rules = policy(playbook(cover=cover_path(POOL, *steps)))
    return ana_cannot(rules, answers={"ben": (1, "yes")}).run(2).answer("pat", "no").run(1)


def test_d17_after_a_no_to_another_provider_the_patient_may_have_their_own_later() -> None:
    play = patient_wants_their_own(LATER)
    ask = play.ask_of("pat", "offer_times")
    assert {o.provider_id for o in ask.options} == {"ana"}
    assert len(ask.options) == 3
    play.answer("pat", "yes", purpose="offer_times", choice=2).run(1)
    assert (play.visit.start_at, play.provider) == (ask.options[1].start_at, "ana")
    assert play.cover().outcome == "placed"
    assert play.confirmation == "confirmed"
    assert play.texts("ana")[-1] == "new_visit"


def test_d17_or_by_video_at_the_same_time() -> None:
    play = patient_wants_their_own(BY_VIDEO)
    [option] = play.ask_of("pat", "offer_times").options
    assert (option.start_at, option.modality, option.provider_id) == (VISIT, "video", "ana")
    play.answer("pat", "yes", purpose="offer_times").run(1)
    assert (play.visit.modality, play.provider) == ("video", "ana")


def test_d17_who_wants_neither_is_a_persons() -> None:
    play = patient_wants_their_own(LATER).answer("pat", "no", purpose="offer_times").run(1)
    assert [e.owner for e in play.open("patient_declined")] == [DANA.who]


def test_d17_silence_to_it_goes_on_to_the_person_in_time() -> None:
    play = patient_wants_their_own(LATER).run(70)
    assert [e.owner for e in play.open("patient_declined")] == [DANA.who]
    assert play.now < VISIT - minutes(120)


def test_a_step_that_only_tells_is_passed_on_the_way() -> None:
    word = TellStep(Tell("patient", "patient_uncovered"))
    play = patient_wants_their_own(word, LATER)
    assert "patient_uncovered" in play.texts("pat")
    assert play.ask_of("pat", "offer_times").open
