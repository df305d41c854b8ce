"""What a short text means, precision first: a yes, a no, another wish, a time, an opt-out, a crisis; anything that is
not wholly known is `human` and goes to a person with the text (D22, D23, D26). The lists are in `reply_words`, `crisis`
and `reply_times`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from caredispatch.core.crisis import in_crisis
from caredispatch.core.observation import Label
from caredispatch.core.reply_text import Heard, Units, hear, plain, take_apart
from caredispatch.core.reply_times import MOST_QUESTIONS, Span, late_minutes, numbered, out_span, without_courtesy
from caredispatch.core.reply_words import Kind, word_set

Context = Literal["patient_confirm", "patient_offer", "patient_change", "staff_ask", "two_open", "none"]
"""What stands open with the sender: one question of a kind (`patient_offer`: several times to choose from), several
questions, or none."""
Needs = Literal["which_question", "which_option"]

CARRIER_WORDS = word_set("stop stopall unsubscribe cancel end quit revoke optout alto basta")
OPT_IN_WORDS = word_set("start unstop")
HELP_WORDS = word_set("help info ayuda")

_WITH: dict[Label, frozenset[Kind]] = {
    "yes": frozenset({"yes", "glad", "plain"}),
    "no": frozenset({"no", "sorry", "reason", "plain"}),
    "cancel": frozenset({"cancel", "no", "sorry", "reason", "plain"}),
    "reschedule": frozenset({"reschedule", "no", "sorry", "reason", "plain"}),
    "wrong_number": frozenset({"wrong_number", "opt_out", "no", "sorry", "plain"}),
    "opt_out": frozenset({"opt_out", "no", "plain"}),
    "opt_in": frozenset({"opt_in", "plain"}),
}
_SAYS: dict[Label, Kind] = {
    "wrong_number": "wrong_number", "opt_out": "opt_out", "opt_in": "opt_in", "cancel": "cancel",
    "reschedule": "reschedule", "no": "no", "yes": "yes",
}  # fmt: skip
_ASKING = word_set("can could may would possible puedo puede pueden podria podrian podemos do")
_REASON = re.compile(
    r"(?:because|bc|cuz|cause|since|as|porque|ya que|im|my|our|something|theres|i have|i got|i am|we have|tengo|se me"
    r"|mi|mis|estoy)\b.*"
)
_TO = re.compile(r"(?:to|for|until|on|next|para|a|al|el|this|because|bc|porque|in)\b.*")
_TURNS = word_set(
    "but if unless till maybe only later instead other another different can could would should will ill be there here "
    "coming come see video phone zoom virtual telehealth call yes no not dont didnt doesnt wont cant isnt still keep "
    "wait almost late time pero si aunque hasta solo tarde otra otro puedo puede quiero voy llego ok okay link portal "
    "password code address find remember reschedule cancel confirm reminder never stop need want know"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a text says. `number` is the question it answers, where it names one (D5); `choice` which of several offered
    times; `minutes` by how much somebody is late; `span` when they are out. `carrier_word`: an opt-out by the carrier's
    own word (D22). `why` is a short code for what decided; `needs` what must be asked back."""

    label: Label
    why: str = ""
    number: int | None = None
    choice: int | None = None
    minutes: int | None = None
    span: Span | None = None
    carrier_word: bool = False
    needs: Needs | None = None

    @property
    def video_only(self) -> bool:
        """Whether somebody is there, but on video only (D26)."""
        return self.span is not None and self.span.video_only


def read_reply(text: str, context: Context, *, crisis_words: Sequence[str] = ()) -> Reply:
    """The meaning of a whole text, sent where `context` stood open. A crisis word wins over everything; the practice's
    own are `crisis_words`, beside the shipped ones."""
    crisis = in_crisis(text, crisis_words)
    if crisis == "crisis_word":
        return Reply("crisis", crisis)
    if crisis == "crisis_idiom":
        return Reply("human", crisis)
    one_word = plain(text).strip().strip(".!\"'").strip()
    if one_word in CARRIER_WORDS:
        return Reply("opt_out", "carrier_word", carrier_word=True)
    if one_word in OPT_IN_WORDS | HELP_WORDS:
        return Reply("opt_in" if one_word in OPT_IN_WORDS else "help", "carrier_word")
    heard = hear(text)
    if not heard.words:
        return Reply("human", "question" if heard.asks else "nothing_said")
    if heard.doubt:
        return Reply("human", "doubt_sign")
    return _time(heard, context) or _answer(heard, context)


def _time(heard: Heard, context: Context) -> Reply | None:
    """That somebody comes late, or is out (staff): said as a number or a time."""
    if heard.asks:
        return None
    said = without_courtesy(" ".join(heard.words))
    if context in ("staff_ask", "none") and (span := out_span(said)) is not None:
        return Reply("out", "known_out", span=span)
    if context == "patient_offer":
        return None
    for candidate in _late_parts(heard.words):
        if (late := late_minutes(candidate)) is not None:
            return Reply("late", "known_late", minutes=late[0])
    return None


def _late_parts(words: tuple[str, ...]) -> list[str]:
    """The text without what may stand before or behind a lateness: on my way, stuck in traffic."""
    said = without_courtesy(" ".join(words))
    before = take_apart(tuple(said.split()), "none")
    if before.kinds and set(before.kinds) <= {"road", "plain", "sorry"}:
        return [said, " ".join(before.rest)]
    return [said]


def _answer(heard: Heard, context: Context) -> Reply:
    units = take_apart(heard.words, context)
    numbers: tuple[int, ...] = ()
    if not {"cancel", "reschedule"} & set(units.kinds):
        left, numbers = numbered(" ".join(heard.words), context)
        units = take_apart(tuple(left.split()), context)
    if len(numbers) > 1 or any(not 0 < n <= MOST_QUESTIONS for n in numbers):
        return Reply("human", "number_unclear")
    number = numbers[0] if numbers else None
    said = frozenset(units.kinds)
    if "stay" in said:
        return Reply("human", "other_words")
    if context == "patient_offer" and number is not None:
        return _choice(units, number, heard.asks)
    for label, kind in _SAYS.items():
        if kind in said:
            return _if_whole(label, units, heard, context, number)
    return Reply("human", "question" if heard.asks else "other_words")


def _choice(units: Units, choice: int, asks: bool) -> Reply:
    """One of several offered times, named by its number."""
    if asks:
        return Reply("human", "question")
    if units.rest or not set(units.kinds) <= _WITH["yes"]:
        return Reply("human", "number_unclear")
    return Reply("yes", "known_choice", choice=choice)


def _if_whole(label: Label, units: Units, heard: Heard, context: Context, number: int | None) -> Reply:
    if not frozenset(units.kinds) <= _WITH[label] or not _in_order(label, units.kinds):
        return Reply("human", "two_meanings")
    if heard.asks and not (label in ("cancel", "reschedule") and _ASKING & set(heard.words)):
        return Reply("human", "question")
    if units.rest and not _may_follow(label, units):
        return Reply("human", "other_words")
    if label in ("opt_out", "opt_in", "wrong_number"):
        return Reply(label, f"known_{label}")
    needs = _needs(label, context, number)
    return Reply(label, f"known_{label}", number, needs=needs)


def _needs(label: Label, context: Context, number: int | None) -> Needs | None:
    if context == "two_open" and number is None and label in ("yes", "no", "cancel", "reschedule"):
        return "which_question"
    return "which_option" if context == "patient_offer" and label == "yes" else None


def _in_order(label: Label, kinds: tuple[Kind, ...]) -> bool:
    """A no stands before the wish that follows from it: `no, please cancel`, not `cancel? no`."""
    if label not in ("cancel", "reschedule") or "no" not in kinds:
        return True
    return kinds.index("no") < kinds.index(_SAYS[label])


def _may_follow(label: Label, units: Units) -> bool:
    """Whether the words that no phrase knows are only the reason for a clear no or wish, or when instead."""
    rest = units.rest
    if label == "yes" or len(rest) > 12 or _TURNS & set(rest) or not units.kinds:
        return False
    if units.kinds[-1] not in ("cancel", "reschedule", "no") or (label == "no" and " " not in units.last):
        return False
    words = " ".join(rest)
    if label == "reschedule" and _TO.fullmatch(words):
        return True
    return _REASON.fullmatch(words) is not None and not re.search(r"\d", words)
