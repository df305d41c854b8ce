"""Numbers in texts: how late, when somebody is out, which of several (D5, D13, D26). Pure readings of words that
`reply_text` made plain; None where a text is not wholly one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from caredispatch.core.reply_words import NUMBERS

_AMOUNT = (
    r"(?P<{0}>\d{{1,3}}) ?(?P<{0}u>minutes?|mins?|minutos?|m|hours?|hrs?|horas?)?"
    r"|(?P<{0}half>half an hour|a half hour|media hora)|(?P<{0}hour>an hour|una hora)"
)
_A, _B = _AMOUNT.format("a"), _AMOUNT.format("b")
_ABOUT = "(?:about |like |around |approximately |maybe |como |unos |aproximadamente )?"
_LATE = re.compile(
    rf"(?:(?P<verb>(?:(?:im |i am |we are |were )?(?:running|going to be|gonna be)|(?:ill|i will|well|we will|will"
    rf"|i might|might) be|(?:voy|vamos)(?: a llegar)?|llego|llegare|llegamos|estoy) ){_ABOUT})?(?:(?:{_A}) )?"
    rf"(?:late|behind|tarde|retrasad[oa])(?: {_ABOUT}(?:{_B}))?"
)
_HOUR_WORD = "(?:at |a las? |las? )?"
_TIME = r"(?:{0}(?P<{1}>\d{{1,2}}(?::\d\d)?(?:[ap]m)?))"
_SPAN = re.compile(
    rf"(?:from |de |desde )?{_TIME.format(_HOUR_WORD, 'begin')} (?:to|a|until|till|thru|hasta) "
    rf"{_TIME.format(_HOUR_WORD, 'end')}"
    rf"|(?:until|till|hasta) {_TIME.format(_HOUR_WORD, 'until')}"
    rf"|(?:after|from|desde|starting|despues de) {_TIME.format(_HOUR_WORD, 'after')}"
)
_OUT = re.compile(
    r"(?:(?:im |i am |ill be |i will be |i |voy a estar |estare |estoy )?"
    r"(?:(?P<named>(?:calling )?out(?: sick)?|calling in sick|fuera|ausente)|(?P<sick>sick|enferm[oa]|off))"
    r"|(?P<away>(?:im |i am |i )?(?:(?:wont|will not) be in|not (?:coming|going to be) in)|no vengo|no voy a trabajar)"
    r"|(?P<video>(?:video|telehealth|virtual) only|only (?:video|telehealth|virtual)|solo (?:por )?video))(?P<rest>.*)"
)
_DAY = re.compile(r"(?: (?:for |on )?(?P<day>today|tonight|hoy|tomorrow|tmrw|tmr|manana))(?= |$)")
_WHOLE = re.compile(
    r"(?:(?: for)?(?: the)? rest of (?:the day|today)|(?: for)? the day|(?: for)? all day| todo el dia)(?= |$)"
)
_COURTESY = re.compile(
    r"(?:^| )(?:sorry|so sorry|im sorry|lo siento|perdon|please|pls|por favor|thanks|thank you|gracias|hi|hello|hola)"
    r"(?= |$)"
)
_LEAD = "(?:(?:option|number|num|opcion|numero|to|the|a|la|el|for|para) )*"
_NUMERAL, _ORDINAL = "|".join(NUMBERS), "first|second|third|primera|primero|segunda|segundo|tercera|tercero"
_TAIL = "(?: (?:one|option))?(?= |$)"
_ANY_NUMBER = re.compile(rf"(?:^|(?<= )){_LEAD}(?P<n>\d{{1,2}}|{_NUMERAL}){_TAIL}")
_NTH = re.compile(rf"(?:^|(?<= )){_LEAD}(?P<n>\d{{1,2}}|{_ORDINAL}){_TAIL}")
_AT_AN_END = re.compile(r"^(?P<n>\d{1,2})(?= |$)|(?<= )(?P<m>\d{1,2})$")
MOST_QUESTIONS = 20


@dataclass(frozen=True, slots=True)
class Span:
    """When somebody is out: `day` from today, `begin` and `end` as minutes of that day; None is open on that side."""

    day: int = 0
    begin: int | None = None
    end: int | None = None
    video_only: bool = False


def without_courtesy(words: str) -> str:
    """What is left when please, thanks and sorry are taken out."""
    return _COURTESY.sub("", words).strip()


def late_minutes(words: str) -> tuple[int | None] | None:
    """By how much somebody says they will be late, in a tuple (None in it: they did not say); None if they say
    something else."""
    found = _LATE.fullmatch(words)
    if found is None:
        return None
    named = [n for name in "ab" if (n := _minutes(found, name)) is not None]
    if len(named) > 1 or (found["verb"] is None and not named and words != "late"):
        return None
    return (named[0] if named else None,)


def _minutes(found: re.Match[str], name: str) -> int | None:
    if found[f"{name}half"]:
        return 30
    if found[f"{name}hour"]:
        return 60
    if found[name] is None:
        return None
    return int(found[name]) * (60 if (found[f"{name}u"] or "m")[0] == "h" else 1)


def out_span(words: str) -> Span | None:
    """When a staff member says they are out, or on video only."""
    found = _OUT.fullmatch(words)
    if found is None:
        return None
    rest, whole = _WHOLE.subn("", found["rest"], count=1)
    day = _DAY.search(rest)
    if day is not None:
        rest = rest[: day.start()] + rest[day.end() :]
    if found["sick"] and day is None and not rest and not whole:
        return None
    span = _hours(rest.strip()) if rest.strip() else (None, None)
    if span is None:
        return None
    tomorrow = day is not None and day["day"] in ("tomorrow", "tmrw", "tmr", "manana")
    return Span(1 if tomorrow else 0, *span, video_only=found["video"] is not None)


def _hours(words: str) -> tuple[int | None, int | None] | None:
    found = _SPAN.fullmatch(words)
    if found is None:
        return None
    begin, end = _minute(found["begin"] or found["after"]), _minute(found["end"] or found["until"])
    if begin is not None and end is not None and end <= begin and end < 12 * 60:
        end += 12 * 60
    wrong = begin == -1 or end == -1 or (begin is not None and end is not None and end <= begin)
    return None if wrong else (begin, end)


def _minute(clock: str | None) -> int | None:
    """A minute of the day; -1 for an hour that no clock shows. One to six without am or pm is the afternoon: nobody is
    out before they begin."""
    if clock is None:
        return None
    hour, _, minutes = clock.rstrip("apm").partition(":")
    h, m = int(hour), int(minutes or 0)
    if clock.endswith("m"):
        h = h % 12 + (12 if clock.endswith("pm") else 0)
    elif 1 <= h <= 6 and len(hour) == 1:
        h += 12
    return h * 60 + m if h * 60 + m <= 24 * 60 and m < 60 else -1


def numbered(words: str, context: str) -> tuple[str, tuple[int, ...]]:
    """The words without the numbers of questions or choices among them, and those numbers: `2`, and where there are
    several to choose from `option 2`, `the second one`, `a la primera`."""
    pattern = {"patient_offer": _ANY_NUMBER, "two_open": _NTH}.get(context, _AT_AN_END)
    found = [m["n"] or m["m"] if pattern is _AT_AN_END else m["n"] for m in pattern.finditer(words)]
    left = " ".join(pattern.sub("", words).split())
    return left, tuple(NUMBERS.get(n) or int(n) for n in found)
