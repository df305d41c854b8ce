"""What goes wrong in a simulated month: staff who call out, come late or leave, sites that close, systems that fail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from caredispatch.core.facts import Directory
from caredispatch.rehearsal.month import CallOut, Closure, Planned, Trouble, TroubleKind
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.roster import CELL, Roster, Shift
from caredispatch.rehearsal.wishes import how_many

_HOUR = 60 // CELL
_REASONS = ("weather", "power", "water")
_YEAR_AFTER = timedelta(days=365)
_LASTS: Mapping[TroubleKind, int] = {"duplicate": 5, "late": 10, "lost": 5, "slow_write": 30}
"""Minutes."""


def call_outs_of(roster: Roster, parameters: Parameters, begin: datetime, days: int, seed: int) -> Iterator[CallOut]:
    """What staff say of themselves, in order of time."""
    end = begin + timedelta(days=days)
    found = [c for c in _said(roster, parameters, Random(f"{seed}/call-outs")) if begin <= c.said_at < end]
    yield from sorted(found, key=lambda c: (c.said_at, c.staff))


def _said(roster: Roster, parameters: Parameters, dice: Random) -> Iterator[CallOut]:
    ways = parameters.staff
    for week in range(0, roster.days, 7):
        part = min(7, roster.days - week) / 7
        mine: dict[str, dict[int, list[Shift]]] = {}
        for shifts in roster.shifts[week : week + 7]:
            for s in shifts:
                mine.setdefault(s.staff.staff_id, {}).setdefault(s.day, []).append(s)
        for by_day in mine.values():
            out, late, leaves, which, how, when, much = (dice.random() for _ in range(7))
            days = list(by_day.values())
            day = days[int(which * len(days))]
            if out * 100 < ways.call_outs * part:
                yield _out(roster, parameters, day, how * 100, when)
            elif late * 100 < ways.late * part:
                yield _late(roster, parameters, day, when, much)
            if leaves * 100 < ways.leaves * 7 * part / 30:
                yield _leaves(roster, day, when)


def _out(roster: Roster, parameters: Parameters, day: list[Shift], how: float, when: float) -> CallOut:
    """Somebody is out for a day, or what is left of it."""
    ways = parameters.staff
    first, last = min(s.begin for s in day), max(s.end for s in day)
    midnight = roster.midnight(day[0].location, day[0].day)
    if how < ways.call_outs_morning:
        since, until = midnight + 11 * _HOUR // 2, min(midnight + 17 * _HOUR // 2, first)
        if until - since < _HOUR // 2:
            since, until = first - 2 * _HOUR, first
        said, begins = since + int(when * (until - since)), first
    elif how < ways.call_outs_morning + ways.call_outs_evening:
        said, begins = midnight - 6 * _HOUR + int(when * 4 * _HOUR), first
    else:
        said = begins = first + int((0.15 + 0.6 * when) * (last - first))
    instant = roster.instant
    return CallOut(day[0].staff.staff_id, "staff_unavailable", instant(said), instant(begins), instant(last))


def _late(roster: Roster, parameters: Parameters, day: list[Shift], when: float, much: float) -> CallOut:
    first, last = min(s.begin for s in day), max(s.end for s in day)
    minutes = CELL * max(1, round(parameters.staff.late_median * 2 ** (2 * much - 1) / CELL))
    said = roster.instant(first) - timedelta(minutes=5 + 35 * when)
    said = said.replace(second=0, microsecond=0)
    return CallOut(day[0].staff.staff_id, "staff_late", said, roster.instant(first), roster.instant(last), minutes)


def _leaves(roster: Roster, day: list[Shift], when: float) -> CallOut:
    """Said in the middle of a working day; gone from the midnight 2 to 4 weeks on."""
    said = (min(s.begin for s in day) + max(s.end for s in day)) // 2
    gone = roster.midnight(day[0].location, day[0].day + 14 + int(when * 15))
    at = roster.instant(gone)
    return CallOut(day[0].staff.staff_id, "staff_leaving", roster.instant(said), at, at + _YEAR_AFTER)


def hit_by_call_outs(roster: Roster, parameters: Parameters) -> float:
    """The percentage of visits that call-outs hit: one working day of those who call out in a week."""
    week = [{s.staff.staff_id for s in shifts} for shifts in roster.shifts[:7]]
    staff = len(set().union(*week))
    return parameters.staff.call_outs * staff / max(sum(len(day) for day in week), 1)


def closures_of(roster: Roster, parameters: Parameters, begin: datetime, days: int, seed: int) -> Iterator[Closure]:
    """Sites that close, in order of time."""
    dice = Random(f"{seed}/closures")
    found: list[Closure] = []
    for day, shifts in enumerate(roster.shifts):
        for location in sorted({s.location for s in shifts}):
            luck, when, part, why = (dice.random() for _ in range(4))
            if luck >= parameters.practice.closures / 365:
                continue
            there = [s for s in shifts if s.location == location]
            first, last = min(s.begin for s in there), max(s.end for s in there)
            midnight = roster.midnight(location, day)
            begins = first if part < 0.5 else first + int((last - first) * 0.4)
            said = (
                min(midnight + 11 * _HOUR // 2 + int(when * 2 * _HOUR), begins) if begins == first else begins - _HOUR
            )
            instant = roster.instant
            reason = _REASONS[int(why * len(_REASONS))]
            found.append(Closure(location, instant(said), instant(begins), instant(last), reason))
    end = begin + timedelta(days=days)
    yield from sorted((c for c in found if begin <= c.said_at < end), key=lambda c: (c.said_at, c.location))


def troubles_of(
    directory: Directory, parameters: Parameters, begin: datetime, days: int, visits: Sequence[Planned], seed: int
) -> Iterator[Trouble]:
    """How systems fail, in order of time. What they send fails while a visit is booked or cancelled there: trouble that
    hits nothing is none."""
    if not visits:
        return
    ways = parameters.systems
    weeks, end = days / 7, begin + timedelta(days=days)
    changes = sorted(at for v in visits for at in (v.booked_at, v.cancels_at) if at is not None and begin <= at < end)
    often: dict[TroubleKind, float] = {
        "duplicate": ways.duplicates * weeks,
        "late": ways.late * weeks,
        "lost": ways.lost * weeks,
        "slow_write": ways.slow_writes * weeks,
        "outage": ways.outages * days / 30,
        "wrong_data": ways.wrong_data * weeks,
    }
    found: list[Trouble] = []
    for system in sorted(directory.systems):
        for kind, mean in often.items():
            dice = Random(f"{seed}/troubles/{system}/{kind}")
            for _ in range(how_many(dice, mean)):
                which, more = dice.random(), dice.random()
                visit = visits[int(which * len(visits))]
                if kind == "wrong_data":
                    since = max(visit.booked_at, begin)
                    at = (since + (visit.start_at - since) * more).replace(second=0, microsecond=0)
                    found.append(Trouble(kind, system, at, at, visit.name))
                else:
                    at = changes[int(which * len(changes))] if changes else visit.start_at
                    minutes = _LASTS.get(kind) or round(ways.outage_median * 2 ** (4 * more - 2))
                    found.append(Trouble(kind, system, at, at + timedelta(minutes=minutes)))
    yield from sorted(found, key=lambda t: (t.at, t.system, t.kind))
