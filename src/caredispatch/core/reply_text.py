"""How a text is compared with the closed lists: accents, signs and repeated letters fall away, a long word with one
slip of the fingers counts as the known word where only one meaning is that near, and then the whole text must be known
phrases one after the other (D22). What the phrases say is in `reply_words`."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import groupby

from caredispatch.core.reply_words import (
    NUMBERS,
    OFFER_PHRASES,
    PHRASES,
    REAL_WORDS,
    STAFF_PHRASES,
    Kind,
    phrases,
    word_set,
)

SLIP_FROM = 6
"""Letters from which a known word may be meant by one with a slip: shorter words have too many real neighbours (want,
cant; hope, nope)."""
MOST_WORDS = 40
TIME_WORDS = ("late", "running", "behind", "minutes", "minutos", "out", "video", "tarde", "fuera", "tomorrow")
_SWEARS = word_set("fucking fuckin freaking damn")

_SIGNS: Mapping[str, str] = {
    **dict.fromkeys("\N{THUMBS UP SIGN}\N{WHITE HEAVY CHECK MARK}\N{HEAVY CHECK MARK}\N{OK HAND SIGN}☑🆗", " y "),
    **dict.fromkeys("\N{THUMBS DOWN SIGN}\N{CROSS MARK}🚫", " n "),
    **dict.fromkeys("🤔🤷🙄🙃😂🤣😒😡🤬😕🖕😬😤🤨🙅🤦💀🔪🔫", " ~ "),
    **dict.fromkeys("?¿❓❔⁉？؟", " ? "),
}
_TOKEN = re.compile(r"\d+(?:st|nd|rd|th)\b|\d{1,2}(?::\d\d)? ?[ap]m\b|\d{1,2}:\d\d|\d+|[a-z]+|[~?\-–]")
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth"}


@dataclass(frozen=True, slots=True)
class Heard:
    """A text as it is compared: its words, without question marks; `asks` when it had one; `doubt` for a sign that may
    turn words round."""

    words: tuple[str, ...]
    asks: bool
    doubt: bool


@dataclass(frozen=True, slots=True)
class Units:
    """A text taken apart from the left: what its phrases say, in order, the last of them, and the words behind it that
    no phrase knows."""

    kinds: tuple[Kind, ...]
    rest: tuple[str, ...]
    last: str = ""


def plain(text: str) -> str:
    """Small letters without accents or apostrophes; signs that answer as letters. What is of another script stays, so
    that it is not known."""
    spread = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    spread = re.sub(r"['’‘`´]", "", spread).replace("n/a", "na")
    return "".join(_SIGNS.get(c, c) for c in spread)


def hear(text: str) -> Heard:
    """A text as words. Numbers keep their minutes and am or pm; a dash between two is `to`."""
    written = plain(text)
    tokens: list[str] = []
    end = 0
    for found in _TOKEN.finditer(written):
        if any(c.isalnum() for c in written[end : found.start()]):
            tokens.append("¤")
        end = found.end()
        tokens.append(found[0].replace(" ", ""))
    if any(c.isalnum() for c in written[end:]):
        tokens.append("¤")
    words = list(_without_dashes(tokens))
    said = tuple(_ORDINALS.get(w, w) for w in words if w not in "?~" and w not in _SWEARS)
    return Heard(tuple(known_word(w) for w in said), "?" in words, "~" in words)


def _without_dashes(tokens: list[str]) -> Iterable[str]:
    for i, part in enumerate(tokens):
        if part not in "-–":
            yield part
        elif 0 < i < len(tokens) - 1 and tokens[i - 1][0].isdigit() and tokens[i + 1][0].isdigit():
            yield "to"


@cache
def _table(context: str) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    lists = [PHRASES]
    if context == "staff_ask":
        lists.append(STAFF_PHRASES)
    if context == "patient_offer":
        lists.append(OFFER_PHRASES)
    return tuple((kind, re.compile(rf"{phrase}(?= |$)")) for one in lists for kind, phrase in phrases(one))


@cache
def _vocabulary() -> Mapping[str, frozenset[Kind]]:
    """Every word of the lists, with what the phrases say in which it stands."""
    found: dict[str, set[Kind]] = defaultdict(set)
    for one in (PHRASES, STAFF_PHRASES, OFFER_PHRASES):
        for kind, phrase in phrases(one):
            for word in re.findall(r"[a-z]+", phrase.replace(r"\w", "")):
                found[word].add(kind)
    for word in (*NUMBERS, *REAL_WORDS, *TIME_WORDS):
        found[word].add("stay")
    return {word: frozenset(kinds) for word, kinds in found.items()}


@cache
def _squeezed_vocabulary() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word in sorted(_vocabulary()):
        found[squeeze(word)].append(word)
    return {word: tuple(words) for word, words in found.items()}


def squeeze(word: str) -> str:
    """A word with each run of a letter as one: yesss, yess and yes are the same."""
    return "".join(letter for letter, _ in groupby(word))


def known_word(word: str) -> str:
    """The word of the lists that a word stands for: itself, the one with other runs of letters, or the only meaning
    within one slip. Else the word as it is, which then is not known."""
    vocabulary = _vocabulary()
    if word in vocabulary or not word.isalpha() or len(word) > 30:
        return word
    same = _squeezed_vocabulary().get(squeeze(word), ())
    if len(same) == 1:
        return same[0]
    if len(word) < SLIP_FROM - 1:
        return word
    near = [w for w in vocabulary if len(squeeze(w)) >= SLIP_FROM and one_slip(squeeze(word), squeeze(w))]
    return min(near) if near and len({vocabulary[w] for w in near}) == 1 else word


def one_slip(one: str, other: str) -> bool:
    """Whether one letter more, less, changed or swapped with the next makes one word the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    a, b = one[start:], other[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])


def take_apart(words: tuple[str, ...], context: str) -> Units:
    """The longest known phrases from the left, as far as they go."""
    said = " ".join(words[:MOST_WORDS])
    kinds: list[Kind] = []
    last = ""
    at = 0
    while at < len(said):
        found = [(m.end(), kind) for kind, pattern in _table(context) if (m := pattern.match(said, at))]
        end, kind = max(found, default=(at, "plain"), key=lambda one: one[0])
        if end <= at:
            break
        kinds.append(kind)
        last = said[at:end]
        at = end + 1
    return Units(tuple(kinds), (*said[at:].split(), *words[MOST_WORDS:]), last)
