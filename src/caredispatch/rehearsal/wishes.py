"""What people want of a practice in a simulated month beside what is booked: requests without a time, entries of the
waitlist, emergency add-ons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from caredispatch.core.ids import Id
from caredispatch.rehearsal.crowd import Crowd
from caredispatch.rehearsal.month import Want
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.plan import share_of
from caredispatch.rehearsal.roster import CELL, Roster, Shift

Kind = Literal["request", "waitlist", "add_on"]
WAITS = timedelta(weeks=3)
_HOUR = 60 // CELL


def wants_of(
    roster: Roster, crowd: Crowd, parameters: Parameters, begin: datetime, days: int, visits_a_day: float, seed: int
) -> Iterator[Want]:
    """All wishes in order of time. Those on the waitlist from before the beginning come first."""
    ways = parameters.practice
    rates: dict[Kind, float] = {"request": ways.requests, "waitlist": ways.waitlist, "add_on": ways.add_ons}
    found: list[Want] = []
    for kind, rate in rates.items():
        dice = Random(f"{seed}/wishes/{kind}")
        for day in range(-WAITS.days if kind == "waitlist" else 0, roster.days):
            like = day if day >= 0 else day % 7
            shifts = roster.shifts[like] if like < roster.days else []
            for _ in range(how_many(dice, rate * visits_a_day / 100) if shifts else 0):
                if (one := _want(roster, crowd, parameters, dice, kind, day, shifts)) is not None:
                    found.append(one)
    end = begin + timedelta(days=days)
    there = [w for w in found if w.until > begin and (begin <= w.since < end or (w.waitlist and w.since < begin))]
    there.sort(key=lambda w: (w.since, w.patient))
    for n, want in enumerate(there):
        yield replace(want, name=f"w{n:05d}")


def _want(
    roster: Roster, crowd: Crowd, parameters: Parameters, dice: Random, kind: Kind, day: int, shifts: list[Shift]
) -> Want | None:
    shift = shifts[int(dice.random() * len(shifts))]
    able = [s for s in roster.able[shift.staff.staff_id] if s.capacity <= 1 and roster.does(shift, s)]
    hour, until, who = dice.random(), dice.random(), dice.random()
    weights = [share_of(s, parameters) for s in able]
    if not sum(weights):
        return None
    service = dice.choices(able, weights)[0]
    patient = _who(crowd, shift, who)
    midnight = roster.midnight(shift.location, day)
    last = 13 if kind == "add_on" else 17
    since = roster.instant(midnight + 8 * _HOUR + int(hour * (last - 8) * _HOUR))
    if kind == "add_on":
        ends = roster.instant(max(s.end for s in shifts if s.location == shift.location))
        if ends <= since + timedelta(minutes=service.minutes):
            return None
        return Want("", patient, service.code, shift.location, "in_person", since, since, ends, urgent=True)
    if kind == "waitlist":
        return Want("", patient, service.code, shift.location, "in_person", since, since, since + WAITS, waitlist=True)
    not_before = roster.instant(midnight + 24 * _HOUR)
    return Want("", patient, service.code, shift.location, "in_person", since, not_before,
                not_before + timedelta(days=7 + int(until * 14)))  # fmt: skip


def _who(crowd: Crowd, shift: Shift, luck: float) -> Id:
    """Half are patients already."""
    there = crowd.at(shift.location)
    if luck < 0.5 and there:
        return there[int(2 * luck * len(there))].patient
    return crowd.somebody(shift.location, shift.staff).patient


def how_many(dice: Random, mean: float) -> int:
    """A Poisson draw."""
    if mean > 50:
        return max(0, round(dice.gauss(mean, mean**0.5)))
    n, left = 0, dice.expovariate(1.0)
    while left < mean:
        n += 1
        left += dice.expovariate(1.0)
    return n
