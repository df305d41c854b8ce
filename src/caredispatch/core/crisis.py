"""Words of somebody who may be in danger, English and Spanish (D23). Here sensitivity comes first: the reply costs
little, missing somebody does not. A practice may add words of its own; the shipped ones stay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from caredispatch.core.reply_text import one_slip, plain, squeeze
from caredispatch.core.reply_words import word_set

SLIP_FROM = 6

# Words joined by | stand for each other; [..] may be missing.
SHIPPED = """
    suicide; suicidal; suicidio; suicida; suicidarme; suicidarse; suicidar; kms; unalive; kill|killing|killed myself
    kill|killing my self; killmyself; want|wanna|wants|going|gonna|ready|wanted|need [to] die
    want|wanna|wish [to] [i] be|was|were dead; wish|wished i was|were|is dead; id|i rather be dead; better off dead
    better off without me; miss me if; no reason|point [to] live|living; no point in living
    dont|do|cant|no [not] [want] [to] [wanna] live; dont|do|not [not] wanna|want [to] live|exist
    dont|do [not] wanna|want [to] be here|alive|around; dont|do [not] wanna|want [to] wake up; tired of living|life
    not worth living; cant|cannot [not] do this anymore|any; cant|cannot go on; cant|cannot take it|this anymore|any
    cant live like this; end|ending it all; end|ending my life; want|wanna|going|gonna [to] end it
    take|taking|took my [own] life; self harm|harming; selfharm; cutting; cut myself
    hurt|hurting|harm|harming|burn|burning myself; hurt|hurting my self; overdose; overdosed; overdosing; od|oded
    too many pills|meds; whole|all bottle|the [of] [the] pills|bottle|meds
    hang|hanged|shoot|shooting|stab|drown myself; jump off|from; have|got a gun; gun to my head; killing me; kill me
    kills me; im|i [am] dying; im going to die
    kill|killing|hurt|shoot|stab|harm someone|somebody|him|her|them|people|everyone
    hit|hits|hitting|beat|beats|beating|choked|strangled|raped|rapes|abusing|abuses me
    hurting|threatening|threatened me; not safe at home; afraid of him|her; being abused; voices telling|tell|told
    voices are telling; hearing voices; panic attack; chest pain|pains|hurts|hurting|pressure; pain in my chest
    cant|cannot breathe|breath; can not breathe; trouble|difficulty breathing; heart attack; having [a] stroke
    seizure; call 911; 911; 988; medical emergency; bleeding a lot|badly|heavily; wont stop bleeding; passed out
    unconscious; matarme; me quiero|voy|quisiera [a] morir|matar; quiero|quisiera morir|morirme|matarme|desaparecer
    me quiere matar; me va a matar; morirme; quitar la vida; quitarme la vida; [no] quiero|quisiera seguir viviendo
    no quiero|quisiera vivir; no quiero estar viva|vivo|aqui; sin ganas de vivir; no vale la pena vivir
    no tiene sentido vivir; no puedo mas; no aguanto mas; ya no aguanto; acabar con todo|mi; mejor muerto|muerta
    mejor sin mi; terminar con mi vida; hacerme dano; lastimarme; cortarme; me corte las venas; me corto; sobredosis
    todas las pastillas; muchas pastillas; me pega|golpea|golpeo|pego|amenaza|viola; lo|la|los|le voy a matar
    matar a alguien; oigo|escucho voces; ataque de panico; dolor de|en [el] pecho; duele el pecho; no puedo respirar
    infarto; derrame
"""
# Turns of speech that are none, word for word: they go to a person, not to the clinician on call.
IDIOMS = """
    traffic is killing me; trafico me esta matando; parking is killing me; commute is killing me; back is killing me
    feet are killing me; head is killing me; allergies are killing me; dying to; phone died; car died; battery died
    cortarme el pelo; cortarme el cabello; muero de hambre; muero de risa; muero de sed; muero de sueno
    family emergency
"""
FILLERS = word_set("just really fucking fuckin freaking so honestly literally actually even kinda ya tanto mucho damn")


def in_crisis(text: str, added: Sequence[str] = ()) -> Literal["crisis_word", "crisis_idiom"] | None:
    """Whether a text has a crisis word, one of the shipped or of the practice's own; or only a turn of speech with
    such words, which a person reads."""
    words = [w for w in re.findall(r"[a-z]+|\d+", plain(text)) if w not in FILLERS]
    left, idiom = _without_idioms(" ".join(words))
    said = left.split()
    own = tuple(way for phrase in added for way in _ways(" ".join(re.findall(r"[a-z]+|\d+", plain(phrase)))))
    if any(_stands_in(said, way) for way in (*_shipped(), *own)):
        return "crisis_word"
    return "crisis_idiom" if idiom else None


@cache
def _shipped() -> tuple[tuple[frozenset[str], ...], ...]:
    return tuple(way for phrase in re.split(r"[;\n]", SHIPPED) for way in _ways(phrase.strip()))


def _ways(phrase: str) -> tuple[tuple[frozenset[str], ...], ...]:
    """The ways to say a phrase: with and without each word that may be missing."""
    ways: list[tuple[frozenset[str], ...]] = [()]
    for part in phrase.split():
        with_it = [(*way, frozenset(part.strip("[]").split("|"))) for way in ways]
        ways = [*with_it, *ways] if part.startswith("[") else with_it
    return tuple(way for way in ways if way)


def _without_idioms(said: str) -> tuple[str, bool]:
    left = f" {said} "
    for idiom in re.split(r"[;\n]", IDIOMS):
        if idiom.strip():
            left = left.replace(f" {idiom.strip()} ", " | ")
    return left, "|" in left


def _stands_in(said: list[str], way: tuple[frozenset[str], ...]) -> bool:
    return any(
        all(_is_one_of(said[at + i], words) for i, words in enumerate(way)) for at in range(len(said) - len(way) + 1)
    )


@cache
def _is_one_of(word: str, known: frozenset[str]) -> bool:
    if word in known or squeeze(word) in {squeeze(k) for k in known}:
        return True
    if len(word) < SLIP_FROM - 1:
        return False
    return any(len(k) >= SLIP_FROM and one_slip(word, k) for k in known)
