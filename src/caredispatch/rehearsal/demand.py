"""A simulated month of a practice from its own directory: visits that respect who works where and when, and what goes
wrong on the way. A pure function of its arguments; chance comes from the seed alone, a stream for each part, so that
another number of call-outs leaves the visits as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory
from caredispatch.rehearsal.courses import GivenUp, chances, given_up, odds_of_missing
from caredispatch.rehearsal.crowd import Crowd, staff_contacts
from caredispatch.rehearsal.mishaps import call_outs_of, closures_of, hit_by_call_outs, troubles_of
from caredispatch.rehearsal.month import Month, Planned
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.plan import Plan, Visit
from caredispatch.rehearsal.roster import Roster, buffer_of
from caredispatch.rehearsal.wishes import wants_of

_MOVES_FROM, _MOVES_WITHIN = 10, 14
"""Days: a visit is moved to a day up to so many after its own, or the first free one within so many of that."""


def month_of(
    policy: Policy,
    parameters: Parameters,
    begin: datetime,
    days: int,
    visits_a_day: int | None,
    seed: int,
    *,
    ahead: int = 0,
) -> Month:
    """The month of `days` from `begin` (UTC) under a seed. `visits_a_day` is the mean over the days on which anybody
    works; None: as many as make the practice as full as the parameters say. Where that is more than fits, as many as
    fit. Visits of the `ahead` days after the end are there too where they are booked before it: without them, less and
    less is booked towards the end. Raises ValueError when nobody of the directory can do any of its services, or the
    parameters name one that it does not have."""
    roster = Roster(_as_long_as_known(policy.directory, parameters), begin, days + ahead)
    if not any(roster.able.values()) or not any(roster.shifts):
        raise ValueError("nobody in the directory has working hours and does one of its services; see practice.yaml")
    crowd = Crowd(policy.directory, parameters, Random(f"{seed}/patients"))
    plan = Plan(roster, crowd, parameters, Random(f"{seed}/visits"))
    per_day = plan.fill(visits_a_day)
    visits = _visits(plan, parameters, begin, begin + timedelta(days=days), timedelta(days=ahead), seed)
    wants = tuple(wants_of(roster, crowd, parameters, begin, days, per_day, seed))
    return Month(
        begin=begin,
        days=days,
        visits=visits,
        call_outs=tuple(call_outs_of(roster, parameters, begin, days, seed)),
        wants=wants,
        closures=tuple(closures_of(roster, parameters, begin, days, seed)),
        troubles=tuple(troubles_of(policy.directory, parameters, begin, days, visits, seed)),
        patients=crowd.facts,
        contacts=crowd.contacts | staff_contacts(policy.directory),
        together=crowd.together,
    )


def _as_long_as_known(directory: Directory, parameters: Parameters) -> Directory:
    """The directory with services as long as the practice knows that they really take."""
    known = {code: ways.minutes for code, ways in parameters.services.items() if ways.minutes is not None}
    services = {c: replace(s, minutes=known.get(c, s.minutes)) for c, s in directory.services.items()}
    return replace(directory, services=services) if known else directory


def _visits(
    plan: Plan, parameters: Parameters, begin: datetime, end: datetime, ahead: timedelta, seed: int
) -> tuple[Planned, ...]:
    """The visits of the month in order of their start, with what becomes of them."""
    instant, last = plan.roster.instant, end + ahead
    there = [v for v in plan.found if begin <= instant(v.start) < last and v.booked < v.start]
    there = [v for v in there if instant(v.start) < end or instant(v.booked) < end]
    there.sort(key=lambda v: (v.start, v.place.shift.staff.staff_id, v.someone.patient))
    ways, dice, moves = parameters.patients, Random(f"{seed}/cancellations"), Random(f"{seed}/moves")
    practice = max(parameters.practice.cancels_same_day - hit_by_call_outs(plan.roster, parameters), 0.0)
    odds = [odds_of_missing(ways, v.lead, v.someone.missed_before, v.modality != "in_person") for v in there]
    chance = chances(odds, ways)
    found: list[Planned] = []
    for n, (v, own) in enumerate(zip(there, odds, strict=True)):
        midnight = plan.roster.midnight(v.place.shift.location, v.place.shift.day)
        share = 0.0 if v.group else practice
        gone = given_up(dice, ways, share, v.booked, midnight, v.start, v.lead)
        if gone is not None and instant(gone.cell) <= begin:
            gone = None
        moved = _elsewhere(plan, moves, v, gone.cell, last) if gone and gone.moves and not v.group else None
        found.append(_planned(plan.roster, f"v{n:05d}", v, gone, moved, chance[own]))
    return tuple(found)


def _elsewhere(plan: Plan, dice: Random, v: Visit, cell: int, end: datetime) -> datetime | None:
    """Another time with the same provider at the same site, on a later day; None: there is none in the month."""
    roster, shift = plan.roster, v.place.shift
    first = shift.day + 1 + int(dice.random() * _MOVES_FROM)
    for day in range(first, min(first + _MOVES_WITHIN, roster.days)):
        for there in roster.shifts[day]:
            if (there.staff.staff_id, there.location) != (shift.staff.staff_id, shift.location):
                continue
            place = roster.place(dice, there, v.service, cell + 1) if day not in v.someone.days else None
            if place is not None and roster.instant(place.begin + buffer_of(v.service)) < end:
                roster.take(place)
                v.someone.days.add(day)
                return roster.instant(place.begin + buffer_of(v.service))
    return None


def _planned(roster: Roster, name: str, v: Visit, gone: GivenUp | None, moved: datetime | None, missed: int) -> Planned:
    return Planned(
        name=name,
        patient=v.someone.patient,
        provider=v.place.shift.staff.staff_id,
        service=v.service.code,
        location=v.place.shift.location,
        modality=v.modality,
        start_at=roster.instant(v.start),
        minutes=v.service.minutes,
        booked_at=roster.instant(v.booked),
        series=v.series,
        group=v.group,
        cancels_at=roster.instant(gone.cell) if gone else None,
        cancels=gone.by if gone else None,
        moves_to=moved,
        missed=missed,
        room=v.place.room.room_id if v.place.room else None,
    )
