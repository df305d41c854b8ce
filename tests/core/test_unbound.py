"""What belongs to no single visit: stray texts (D5, D22), notices that can't be used, volumes (D8), and that nobody
sleeps (D28)."""

from __future__ import annotations

from caredispatch.core.ids import Id
from caredispatch.core.observation import Label, NoticeFailed, Reported, TextReceived, VolumeSeen
from tests.core.play import Play

TWO = (Id("ask-1"), Id("ask-2"))


def text(label: Label, open_asks: tuple[Id, ...] = (), *, carrier_word: bool = False) -> Play:
    """A text that fits no one question."""
    return Play().step(TextReceived(Id("sms:pat"), Id("pat"), label, open_asks, Id("text-1"), carrier_word))


def sent(play: Play) -> list[tuple[str | None, dict[str, str]]]:
    """What was said in answer."""
    return [(d.text, d.params) for _, decision in play.decisions for d in decision.deliveries]


def test_d5_a_bare_yes_with_two_open_questions_asks_back() -> None:
    assert sent(text("yes", TWO)) == [("which_question", {"questions": "ask-1,ask-2"})]


def test_d5_a_yes_to_nothing_gets_a_true_word() -> None:
    assert sent(text("yes")) == [("no_open_question", {})]


def test_d22_words_go_to_a_person() -> None:
    play = text("human")
    assert [(kind, owner) for _, kind, owner in play.raised] == [("free_text", "dana")]
    assert sent(play) == []


def test_d22_a_wish_that_nothing_acts_on_yet_goes_to_a_person_and_says_what_was_read() -> None:
    play = text("reschedule", TWO)
    assert [(e.kind, e.detail["said"]) for e in play.state.exceptions] == [("free_text", "reschedule")]


def test_d22_an_opt_out_with_open_questions_probably_cancels_and_is_kept() -> None:
    play = text("opt_out", TWO, carrier_word=True)
    assert [kind for _, kind, _ in play.raised] == ["probably_cancels"]
    assert not play.contacts["pat"][0].usable


def test_d22_whoever_wants_texts_again_gets_them_again() -> None:
    play = text("opt_out")
    play.step(TextReceived(Id("sms:pat"), Id("pat"), "opt_in", ()))
    assert play.contacts["pat"][0].usable


def test_a_notice_that_cannot_be_used_is_before_a_person_and_may_be_fetched_again() -> None:
    play = Play().step(NoticeFailed("booking", Id("n1"), "fetch_failed", "404 three times", "77"))
    row = play.open("fetch_failed")[0]
    assert (row.detail["system"], row.detail["external_id"]) == ("booking", "77")
    play.copies["booking", "77"] = ({}, 1)
    play.act("retry_write", on="fetch_failed")
    assert play.decisions[1][1].fetches == (("booking", "77"),)
    assert play.open("fetch_failed") == []


def test_d8_an_unusual_volume_is_one_exception() -> None:
    play = Play().step(VolumeSeen("booking", 60, 5, "16:00")).step(VolumeSeen("booking", 80, 5, "16:00"))
    assert [kind for _, kind, _ in play.raised] == ["volume"]


def test_d28_what_belongs_to_no_visit_climbs_and_is_claimed_as_well() -> None:
    play = Play().step(VolumeSeen("booking", 60, 5, "16:00")).act("claim", on="volume")
    assert play.open("volume")[0].claimed_by == "noor"
    play.act("release_claim", on="volume").act("discard_volume", on="volume")
    assert play.open("volume") == []


def test_d22_a_stray_text_that_wants_no_texts_leaves_a_new_contact_to_find() -> None:
    play = text("opt_out", TWO)
    assert [e.detail["why"] for e in play.open("handed_over")] == ["find_new_contact"]
    assert not play.contacts["pat"][0].usable


def test_an_answer_that_does_not_arrive_is_before_a_person_and_a_dead_number_is_not_used_again() -> None:
    play = Play().step(Reported(Id("delivery"), None, "failed", Id("sms:pat"), "30005", permanent=True))
    assert [(kind, owner) for _, kind, owner in play.raised] == [("delivery_failed", "dana")]
    assert not play.contacts["pat"][0].usable
