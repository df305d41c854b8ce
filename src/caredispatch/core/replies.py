"""What a short text means, precision first: a clear yes or no in English or Spanish, an opt-out, a wrong number;
anything else is `unclear` and goes to a person with the text (D22)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from caredispatch.core.observation import Label


def _known(*phrases: str) -> frozenset[str]:
    """Phrases with their words joined, as a whole text is compared."""
    return frozenset(phrase.replace(" ", "_") for one in phrases for phrase in one.split(", "))


_YES = _known(
    "y, yes, yep, yeah, yup, ok, okay, k, sure, confirm, confirmed, c, si, s, claro, vale, confirmo, confirmar",
    "de acuerdo, will do, sounds good, yes please, si confirmo, yes i confirm, ill be there, see you then, alli estare",
)
_NO = _known("n, no, nope, nah, cannot, cant, i cant, no puedo, cant make it, i cant make it, no thanks, decline")
_OPT_OUT = _known(
    "stop, stopall, unsubscribe, end, quit, cancel, alto, basta",
)
_NO_TEXTS = _known(
    "stop texting me, stop texting, no more texts, dont text me",
    "no me escriba mas, deje de escribirme, no me mande mas mensajes",
)
_OPT_IN = _known("start, unstop")
_HELP = _known("help, info, ayuda")
_WRONG = _known(
    "wrong number, wrong person, you have the wrong number",
    "numero equivocado, se equivoco de numero, numero incorrecto",
)
_COURTESY = _known("please, thanks, thank, you, gracias, por, favor")
_LABELS: tuple[tuple[Label, frozenset[str]], ...] = (
    ("yes", _YES),
    ("no", _NO),
    ("opt_out", _OPT_OUT),
    ("opt_in", _OPT_IN),
    ("help", _HELP),
    ("wrong_number", _WRONG),
    ("no_texts", _NO_TEXTS),
)
_PLAIN = str.maketrans("áéíóúüñ’", "aeiouun'")
_THUMB_UP, _CHECK = "\N{THUMBS UP SIGN}", "\N{WHITE HEAVY CHECK MARK}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a text says; `number` is the question it answers, where it names one (D5)."""

    label: Label
    number: int | None = None


def read_reply(text: str) -> Reply:
    """The meaning of a whole text. Only a text that is nothing but one known answer (with a number, signs, courtesy)
    counts; a text that says more is for a person."""
    plain = text.casefold().translate(_PLAIN).replace(_THUMB_UP, " y ").replace(_CHECK, " y ")
    plain = plain.replace("'", "")
    words = re.findall(r"[a-z]+|\d+", plain)
    if len(words) > 8 or "?" in text:
        return Reply("unclear")
    numbers = [int(w) for w in words if w.isdigit() and len(w) <= 2]
    said = [w for w in words if not w.isdigit() and w not in _COURTESY]
    if len(numbers) > 1 or any(w.isdigit() and len(w) > 2 for w in words):
        return Reply("unclear")
    number = numbers[0] if numbers else None
    whole = "_".join(w for w in words if not w.isdigit())
    for candidate in (whole, "_".join(said)):
        for label, known in _LABELS:
            if candidate in known:
                return Reply(label, number)
    meanings = {label for w in said for label, known in _LABELS[:2] if w in known}
    if said and len(meanings) == 1 and all(any(w in known for _, known in _LABELS[:2]) for w in said):
        return Reply(meanings.pop(), number)
    return Reply("unclear", number)
