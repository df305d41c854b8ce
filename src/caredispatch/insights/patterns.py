"""What the questions of a time show: how long answers take, when nobody answers, how many had to be asked, who is asked
most. Numbers with their uncertainty; what to change because of them is `recommending`'s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log, sqrt
from statistics import median
from zoneinfo import ZoneInfo

from caredispatch.store.asked import Asked

FEWEST_ANSWERS = 20
FEWEST_AT_AN_HOUR = 10
FEWEST_ROUNDS = 20
_Z = 1.645
"""One-sided 95 %: what is recommended errs to one side only."""
STRETCHES: tuple[tuple[str, Callable[[datetime], bool]], ...] = (
    ("after 18:00", lambda at: at.hour >= 18),
    ("before 08:00", lambda at: at.hour < 8),
    ("at the weekend", lambda at: at.weekday() >= 5),
)
"""Times of the site's day and week in which fewer people answer, if anywhere."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers of one step: their number, the wait within which 95 % of them came (as seen, and at most, at 95 %
    confidence), and the share that came in the last fifth of the window."""

    answers: int
    seen: float
    at_most: float
    late: float


@dataclass(frozen=True, slots=True)
class Rounds:
    """Rounds of one step: their number, how many were asked at once on average, and the chance that one of those asked
    says yes: as seen, at least and at most."""

    rounds: int
    asked: float
    chance: float
    least: float
    most: float

    def needed(self, chance: float, wanted: float) -> int:
        """How many must be asked at once for one yes, as often as wanted."""
        if chance <= 0:
            return 10**6
        return 1 if chance >= wanted else ceil(log(1 - wanted) / log(1 - chance))


@dataclass(frozen=True, slots=True)
class Load:
    """One person's questions: how many a week, how many times as many as the median of those asked, and their share of
    yes beside everybody's."""

    staff_id: str
    a_week: float
    times_median: float
    yes: float
    yes_of_all: float


def of_step(asked: Iterable[Asked], path: str, step: int) -> list[Asked]:
    """The questions of one step of a path."""
    return [a for a in asked if a.path == path and a.step == step]


def waits(asked: Sequence[Asked], window: timedelta) -> Waits | None:
    """How long answers took, in minutes. None with fewer than 20. Answers after the window are not seen."""
    took = sorted(
        (a.answered_at - a.asked_at) / timedelta(minutes=1)
        for a in asked
        if a.answered_at is not None and a.answered_at - a.asked_at <= window
    )
    n = len(took)
    if n < FEWEST_ANSWERS:
        return None
    # The order statistic that lies above the true 95th percentile in 95 of 100; the longest where n is too small.
    above = min(n, floor(n * 0.95 + _Z * sqrt(n * 0.95 * 0.05)) + 1)
    late = sum(1 for t in took if timedelta(minutes=t) > window * 0.8) / n
    return Waits(n, took[ceil(n * 0.95) - 1], took[above - 1], late)


def silent_stretches(asked: Sequence[Asked], zones: Mapping[str, str]) -> list[tuple[str, int, float]]:
    """Times of the day or week at which nobody answers, though people do at others: which, of how many questions, and
    the share that is answered otherwise. Questions that were withdrawn could not be answered and do not count."""
    counted = [(a, a.asked_at.astimezone(ZoneInfo(zones.get(a.location, "UTC")))) for a in asked if _could(a)]
    found = []
    for name, within in STRETCHES:
        inside = [a for a, at in counted if within(at)]
        outside = [a for a, at in counted if not within(at)]
        if len(inside) < FEWEST_AT_AN_HOUR or len(outside) < FEWEST_AT_AN_HOUR:
            continue
        share = sum(1 for a in outside if a.answered_at) / len(outside)
        # Were they answered as often as at other times, so many in a row without one would be seen in 5 of 100 at most.
        if not any(a.answered_at for a in inside) and (1 - share) ** len(inside) <= 0.05:
            found.append((name, len(inside), share))
    return found


def rounds(asked: Sequence[Asked]) -> Rounds | None:
    """How often a round found somebody. None with fewer than 20. The chance of one person is reckoned from rounds, not
    from people: a yes withdraws the others' questions, who can then not be counted."""
    of_round: dict[tuple[str, datetime], list[Asked]] = {}
    for a in asked:
        if a.state != "undeliverable":
            of_round.setdefault((a.case_id, a.asked_at), []).append(a)
    n = len(of_round)
    if n < FEWEST_ROUNDS:
        return None
    size = sum(len(r) for r in of_round.values()) / n
    share = sum(1 for r in of_round.values() if any(a.state == "accepted" for a in r)) / n
    low, high = wilson(share, n)
    one, least, most = (1 - (1 - s) ** (1 / size) for s in (share, low, high))
    return Rounds(n, size, one, least, most)


def heaviest(asked: Sequence[Asked], weeks: float) -> Load | None:
    """Whoever is asked most, where that is at least twice the median and 20 times. None otherwise."""
    counts = Counter(a.staff_id for a in asked if a.staff_id is not None)
    if len(counts) < 3:
        return None
    who, n = max(counts.items(), key=lambda c: (c[1], str(c[0])))
    usual = median(counts.values())
    if n < FEWEST_ANSWERS or n < 2 * usual:
        return None
    theirs = [a for a in asked if a.staff_id == who and _could(a)]
    everybody = [a for a in asked if a.staff_id is not None and _could(a)]
    return Load(who or "", n / weeks, n / usual, _yes(theirs), _yes(everybody))


def shares_of_yes(asked: Sequence[Asked], staff: Sequence[str]) -> list[tuple[float, float, float]] | None:
    """Each one's share of yes with its bounds, in the order given. None where one was asked fewer than ten times."""
    found = []
    for who in staff:
        theirs = [a for a in asked if a.staff_id == who and _could(a)]
        if len(theirs) < FEWEST_AT_AN_HOUR:
            return None
        found.append((_yes(theirs), *wilson(_yes(theirs), len(theirs))))
    return found


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's bounds of a share, each one-sided at 95 %."""
    middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _could(asked: Asked) -> bool:
    """Whether somebody had the chance to answer to the end."""
    return asked.state in ("accepted", "declined", "expired")


def _yes(asked: Sequence[Asked]) -> float:
    return sum(1 for a in asked if a.state == "accepted") / len(asked) if asked else 0.0
