"""How one planned visit goes by itself: how long ahead it was booked, whether it is cancelled or moved, how likely it
is missed. Times are cells of the roster; chance comes from the dice that are passed in."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from caredispatch.core.records import Initiator
from caredispatch.rehearsal.parameters import Parameters, Patients, PracticeWays
from caredispatch.rehearsal.roster import CELL, Roster

_HOUR = 60 // CELL
_LEADS = ((0, 0), (1, 6), (7, 13), (14, 29), (30, 60))
_MONTH, _YEAR = 30, 365
SERIES_LEAD = 14
"""Days: a visit of a weekly series is cancelled and missed as one booked so long ahead."""
_DAYS_FLAT = 13


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A visit that is cancelled, when, by whom; `moves`: the patient wants another time at once."""

    cell: int
    by: Initiator
    moves: bool = False


class Bookings:
    """When visits are booked. The desk `opens` and `closes` at minutes of the day."""

    def __init__(self, ways: PracticeWays, roster: Roster, opens: float, closes: float) -> None:
        shares = (ways.same_day, ways.within_a_week, ways.within_two_weeks, ways.within_a_month)
        total = 0.0
        self._bounds: list[float] = []
        for share in shares:
            total = min(total + share, 100.0)
            self._bounds.append(total)
        self._online = ways.online
        self._roster = roster
        self._desk = (round(opens / CELL), round(closes / CELL))

    def booked(self, dice: Random, location: str, day: int, start: int) -> tuple[int, int]:
        """The cell at which a visit of a day that starts at `start` was booked, and how many days ahead that was."""
        which, within, hour, online = dice.random(), dice.random(), dice.random(), dice.random()
        low, high = _LEADS[bisect(self._bounds, which * 100)]
        lead = low + int(within * (high - low + 1))
        first, last = (6 * _HOUR, 23 * _HOUR) if online * 100 < self._online else self._desk
        if lead == 0:
            first = self._roster.midnight(location, day) + min(first, self._desk[0])
            if first + _HOUR <= start:
                return first + int(hour * (start - _HOUR // 2 - first)), 0
            lead, first = 1, self._desk[0]
        if online * 100 >= self._online:
            # The desk is open from Monday to Friday: what was meant for a Sunday was booked on the Friday before.
            lead += max(self._roster.weekday(day - lead) - 4, 0)
        return self._roster.midnight(location, day - lead) + first + int(hour * (last - first)), lead

    def waiting(self, dice: Random, location: str, day: int) -> int:
        """A cell of a day at which somebody calls or writes."""
        first, last = self._desk
        return self._roster.midnight(location, day) + first + int(dice.random() * (last - first))


def given_up(
    dice: Random, ways: Patients, practice_share: float, booked: int, midnight: int, start: int, lead: int
) -> GivenUp | None:
    """Whether, when and by whom a visit is cancelled. `midnight` is its day's first cell, `practice_share` the
    percentage that the practice cancels by itself."""
    luck, when, moves = dice.random() * 100, dice.random(), dice.random() * 100
    earliest = max(booked + 1, midnight + 6 * _HOUR)
    latest = start - _HOUR // 2
    own = ways.cancels_same_day
    if luck < own + practice_share:
        if latest <= earliest:
            return None
        cell = earliest + int(when * (latest - earliest))
        return GivenUp(cell, "patient", moves < ways.moves) if luck < own else GivenUp(cell, "practice")
    if luck >= own + practice_share + before_its_day(ways, lead) or midnight <= booked + _HOUR:
        return None
    # The nearer the visit, the more is cancelled; by day, from eight to eight.
    back = int(when * when * (midnight - booked - _HOUR))
    cell = midnight - back - 1
    hour = (cell - midnight) % (24 * _HOUR)
    cell += min(max(hour, 8 * _HOUR), 20 * _HOUR - 1) - hour
    return GivenUp(cell, "patient", moves < ways.moves) if cell > booked else None


def before_its_day(ways: Patients, lead: int) -> float:
    """The percentage of visits booked so many days ahead that are cancelled before their day."""
    if lead <= _MONTH:
        return ways.cancels_month_1 * lead / _MONTH
    more = ways.cancels_month_12 - ways.cancels_month_1
    return ways.cancels_month_1 + more * min(lead - _MONTH, _YEAR - _MONTH) / (_YEAR - _MONTH)


def cancelled_before(ways: Parameters) -> float:
    """The mean percentage of visits that are cancelled before their day."""
    practice = ways.practice
    shares = [practice.same_day, practice.within_a_week, practice.within_two_weeks, practice.within_a_month]
    shares.append(max(100 - sum(shares), 0.0))
    means = (before_its_day(ways.patients, (low + high) // 2) for low, high in _LEADS)
    single = sum(share / 100 * mean for share, mean in zip(shares, means, strict=True))
    return single + (before_its_day(ways.patients, SERIES_LEAD) - single) * practice.series / 100


def odds_of_missing(ways: Patients, lead: int, missed_before: bool, remote: bool) -> float:
    """The odds that a visit is missed, up to the factor that brings the practice's mean about: by the lead in days,
    what was missed before, and whether it is by video or phone."""
    flat = _odds(ways.no_show_13_days)
    if lead <= 0:
        odds = flat / ways.no_show_lead_odds
    else:
        far = min(lead - 1, _DAYS_FLAT - 1) / (_DAYS_FLAT - 1)
        odds = _odds(ways.no_show_1_day + far * (ways.no_show_13_days - ways.no_show_1_day))
    if missed_before:
        odds *= ways.no_show_again
    return odds * ways.no_show_video if remote else odds


def _odds(percent: float) -> float:
    share = min(max(percent, 0.01), 99.0) / 100
    return share / (1 - share)


def chances(odds: Sequence[float], ways: Patients) -> Mapping[float, int]:
    """The chance of each odds in per mille, so that the mean over all of them is the practice's."""
    counts: dict[float, int] = {}
    for one in odds:
        counts[one] = counts.get(one, 0) + 1
    low, high = 1e-6, 1e6
    for _ in range(60):
        factor = (low * high) ** 0.5
        mean = sum(n * _share(one * factor, ways) for one, n in counts.items()) / max(len(odds), 1)
        low, high = (factor, high) if mean < ways.no_show / 100 else (low, factor)
    return {one: round(1000 * _share(one * high, ways)) for one in counts}


def _share(odds: float, ways: Patients) -> float:
    return min(odds / (1 + odds), ways.no_show_most / 100)
