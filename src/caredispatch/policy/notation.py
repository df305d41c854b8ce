"""The small notations inside a playbook's values: durations, waits, quiet hours, tests and stages, each as a value of
`core.playbook`, or a complaint that says how to write it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, get_args

from pydantic_core import PydanticCustomError

from caredispatch.core.content import Modality
from caredispatch.core.playbook import AUTO, Offer, OneOf, QuietHours, Stage, Window, Within
from caredispatch.core.records import StageState
from caredispatch.policy.findings import choose_from

_DURATION = re.compile(r"(\d{1,5})\s*(s|min|h|d|w)")
_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_CLOCK = r"([01]\d|2[0-3]):([0-5]\d)"
_QUIET = re.compile(rf"{_CLOCK}-{_CLOCK}")
_HOW_LONG = "Write a number and a unit: 20 min, 24 h, 3 d."
_COMPARISONS = ("below", "above", "at_least", "at_most", "between")
STATES: tuple[StageState, ...] = get_args(StageState)
MODALITIES: tuple[Modality, ...] = get_args(Modality)
ORIGINS = ("booking", "portal", "referral", "call", "walk_in", "add_on", "waitlist")
MOST_TIMES, MOST_AT_ONCE, MOST_OPENINGS = 6, 20, 3
TEXTING_FROM, TEXTING_UNTIL = 8 * 60, 21 * 60
"""Outside these minutes of the recipient's day nobody may be texted automatically, in no state (D21)."""

WINDOW_FIX = "Write `20 min`, `{ until: 24 h before start }` or `{ reachable: 20 min }`."
LONGEST_WAIT = 14 * 24 * 60


def wrong(problem: str, fix: str) -> PydanticCustomError:
    """A complaint with its fix, as the reader shows it."""
    return PydanticCustomError("playbook", "{problem}", {"problem": problem, "fix": fix})


def shown(value: object) -> str:
    """A value in a complaint."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def seconds(value: object) -> int:
    """The seconds of `90 s`, `20 min`, `24 h`, `3 d`, `2 w`."""
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} is no duration.", _HOW_LONG)
    return int(found[1]) * _UNITS[found[2]]


def minutes(value: object) -> int:
    """Whole minutes of a duration."""
    total = seconds(value)
    if total % 60:
        raise wrong(f"{shown(value)} is not in whole minutes.", _HOW_LONG)
    return total // 60


def minutes_before_start(value: object) -> int:
    """Minutes of `24 h before start`."""
    found = re.fullmatch(r"(.+?)\s+before\s+start", value.strip()) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} does not say how long before the start.", "Write for example: 2 h before start.")
    return minutes(found[1])


def bounded(read: Callable[[object], int], low: int, high: int, shortest: str, longest: str) -> Callable[[object], int]:
    """A duration between two bounds; the words say the bounds."""

    def check(value: object) -> int:
        found = read(value)
        if not low <= found <= high:
            raise wrong(f"{shown(value)} is out of bounds.", f"It may be {shortest} to {longest}.")
        return found

    return check


def quiet(value: object) -> QuietHours:
    """The minutes of the day of `20:30-07:00`."""
    found = _QUIET.fullmatch(value.replace(" ", "")) if isinstance(value, str) else None
    if found is None:
        raise wrong(f"{shown(value)} are no quiet hours.", 'Write two times in quotes: "20:30-07:00".')
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if begin == end:
        raise wrong(f"{shown(value)} begins when it ends.", 'Write two different times: "20:30-07:00".')
    return QuietHours(begin, end)


def texting(value: object) -> QuietHours:
    """The hours in which a state forbids automated texts, from those in which it allows them: `09:00-20:00`."""
    allowed = quiet(value)
    if not TEXTING_FROM <= allowed.begin < allowed.end <= TEXTING_UNTIL:
        raise wrong(f"{shown(value)} is wider than 08:00-21:00, which holds everywhere.", "A state may only narrow it.")
    return QuietHours(allowed.end, allowed.begin)


def pace(value: object) -> int:
    """The number of `10 per minute`."""
    found = re.fullmatch(r"(\d{1,3})\s+per\s+minute", value.strip()) if isinstance(value, str) else None
    if found is None or not 1 <= int(found[1]) <= 600:
        raise wrong(f"{shown(value)} is no pace.", "Write for example: 10 per minute (1 to 600).")
    return int(found[1])


def times_before(value: object) -> tuple[int, ...]:
    """Minutes before the start of `[72 h, 24 h]`, each once, the earliest first."""
    given = value if isinstance(value, list) else [value]
    read = bounded(minutes, 10, 30 * 1440, "10 min", "30 d")
    found = [read(one) for one in given]
    if not 1 <= len(found) <= MOST_TIMES or sorted(set(found), reverse=True) != found:
        fix = f"Write up to {MOST_TIMES} times before the start, the longest first: [72 h, 24 h]."
        raise wrong(f"{shown(value)} does not count down to the start.", fix)
    return tuple(found)


def window(value: object) -> Window:
    """How long a step waits."""
    longest = bounded(minutes, 1, LONGEST_WAIT, "1 min", "14 d")
    if isinstance(value, str):
        return Window("minutes", longest(value))
    if isinstance(value, dict) and len(value) == 1:
        [(kind, given)] = value.items()
        if kind == "until":
            until = bounded(minutes_before_start, 0, LONGEST_WAIT, "0 min before start", "14 d before start")
            return Window("until_before_start", until(given))
        if kind == "reachable":
            return Window("reachable", bounded(minutes, 1, 24 * 60, "1 min", "24 h")(given))
    raise wrong(f"{shown(value)} does not say how long to wait.", WINDOW_FIX)


def at_once(value: object) -> int:
    """How many questions stay open: a number, or `auto`."""
    if value == "auto":
        return AUTO
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_AT_ONCE:
        raise wrong(f"{shown(value)} is no number of people.", f"Write 1 to {MOST_AT_ONCE}, or auto.")
    return value


def offer(value: object) -> Offer:
    """What a patient may choose from: `{ openings: 3 }`, `{ own_provider: later }`, `{ modality: video }`,
    `{ site: other }`, or several of these in one."""
    if not isinstance(value, dict) or not value:
        raise wrong(f"{shown(value)} says nothing to choose from.", "Write for example { openings: 3 }.")
    words = ("openings", "own_provider", "modality", "site")
    for name in value:
        if name not in words:
            raise wrong(f"{name!r} is not known here.", choose_from(str(name), words))
    openings = value.get("openings", MOST_OPENINGS)
    if isinstance(openings, bool) or not isinstance(openings, int) or not 1 <= openings <= MOST_OPENINGS:
        raise wrong(f"{shown(openings)} is no number of openings.", f"Write 1 to {MOST_OPENINGS}.")
    for name, only in (("own_provider", "later"), ("site", "other")):
        if value.get(name, only) != only:
            raise wrong(f"{shown(value[name])} is not known here.", f"Write {{ {name}: {only} }}.")
    modality = next((m for m in MODALITIES if m == value.get("modality")), None)
    if modality is None and "modality" in value:
        raise wrong(f"{shown(value['modality'])} is not known here.", choose_from(str(value["modality"]), MODALITIES))
    return Offer(openings, "own_provider" in value, modality, "site" in value)


# ------------------------------------------------------------------ tests


def one_of(known: tuple[str, ...] | None = None) -> Callable[[object], OneOf]:
    """Reads `value`, `[any of]` or `{ not: … }` over a closed set of words, or (None) over names."""

    def check(value: object) -> OneOf:
        negate = isinstance(value, dict)
        if isinstance(value, dict):
            if set(value) != {"not"}:
                raise wrong(f"{shown(value)} is no test here.", "Write a value, [any, of, these] or { not: … }.")
            value = value["not"]
        given = value if isinstance(value, list) else [value]
        if not given:
            raise wrong("a test with no value never holds.", "Name at least one value, or remove the condition.")
        return OneOf(tuple(_word(one, known) for one in given), negate)

    return check


def _word(value: object, known: tuple[str, ...] | None) -> str:
    if known == ("true", "false"):
        if isinstance(value, bool):
            return "true" if value else "false"
        raise wrong(f"{shown(value)} is neither true nor false.", "Write true or false (yes, no, on and off are text).")
    if not isinstance(value, str) or not value:
        raise wrong(f"{shown(value)} is no name.", "Write a name; put one that looks like a number in quotes.")
    if known is not None and value not in known:
        raise wrong(f"{value!r} is not known here.", choose_from(value, known))
    return value


def within(read: Callable[[object], int], exact: str | None = None) -> Callable[[object], Within]:
    """Reads `{ below | above | at_least | at_most | between: … }`; both ends may be named. `exact` names what a bare
    value is (None: a bare value is no test here)."""
    example = "{ below: 3 }" if exact else "{ below: 24 h }"

    def check(value: object) -> Within:
        if not isinstance(value, dict):
            if exact is None:
                raise wrong(f"{shown(value)} is no comparison.", f"Write for example {example}.")
            number = read(value)
            return Within(number, number + 1)
        for name in value:
            if name not in _COMPARISONS:
                raise wrong(f"{name!r} is no comparison.", choose_from(str(name), _COMPARISONS))
        ends = [_ends(name, given, read) for name, given in value.items()]
        low = max((b for b, _ in ends if b is not None), default=None)
        high = min((t for _, t in ends if t is not None), default=None)
        if (low is None and high is None) or (low is not None and high is not None and low >= high):
            raise wrong("no value passes this test.", f"Write for example {example}.")
        return Within(low, high)

    return check


def _ends(name: str, given: object, read: Callable[[object], int]) -> tuple[int | None, int | None]:
    match name:
        case "below":
            return None, read(given)
        case "at_most":
            return None, read(given) + 1
        case "above":
            return read(given) + 1, None
        case "at_least":
            return read(given), None
    if not isinstance(given, list) or len(given) != 2:
        raise wrong(f"{shown(given)} is not a pair.", "Write two values: { between: [a, b] }, both included.")
    return read(given[0]), read(given[1]) + 1


def count(value: object) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 1000:
        raise wrong(f"{shown(value)} is no count.", "Write a whole number from 0.")
    return value


# ------------------------------------------------------------------ stages


def stage(value: object) -> Stage:
    """`live`, or `{ North: live, else: shadow, from: 2027-01-04 }`; where nothing is said: off."""
    if isinstance(value, dict):
        given: dict[str, Any] = dict(value)
        since = _day(given.pop("from")) if "from" in given else None
        otherwise = _state(given.pop("else", "off"))
        return Stage(otherwise, {place: _state(state) for place, state in given.items()}, since)
    return Stage(_state(value))


def _state(value: object) -> StageState:
    found = next((s for s in STATES if s == value), None)
    if found is None:
        if isinstance(value, bool):
            raise wrong(f"{shown(value)} is no stage.", "Write live or off.")
        raise wrong(f"{shown(value)} is no stage.", choose_from(str(value), STATES))
    return found


def _day(value: object) -> date:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else date.fromisoformat("")
    except ValueError:
        raise wrong(f"{shown(value)} is no day.", "Write it as 2027-01-04.") from None
