"""A simulated month of a practice from its own directory: visits that respect who works where and when, and what goes
wrong on the way. A pure function of its arguments; chance comes from the seed alone, a stream for each part, so that
another number of call-outs leaves the visits as they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from random import Random

from caredispatch.core.content import Modality
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Service
from caredispatch.core.records import Initiator
from caredispatch.rehearsal.courses import Bookings, chances, given_up, odds_of_missing
from caredispatch.rehearsal.crowd import Crowd, Someone, staff_contacts
from caredispatch.rehearsal.mishaps import call_outs_of, closures_of, hit_by_call_outs, troubles_of
from caredispatch.rehearsal.month import Month, Planned
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.roster import CELL, Place, Roster, Shift, buffer_of
from caredispatch.rehearsal.wishes import wants_of

_SEATS_TAKEN = (0.6, 1.0)
_SERIES_TRIES = 20


def month_of(
    policy: Policy, parameters: Parameters, begin: datetime, days: int, visits_a_day: int | None, seed: int
) -> Month:
    """The month of `days` from `begin` (UTC) under a seed. `visits_a_day` is the mean over the days on which anybody
    works; None: as many as make the practice as full as the parameters say. Where that is more than fits, as many as
    fit. Raises ValueError when nobody of the directory can do any of its services."""
    roster = Roster(policy.directory, begin, days)
    if not any(roster.able.values()) or not any(roster.shifts):
        raise ValueError("nobody in the directory has working hours and does one of its services; see practice.yaml")
    crowd = Crowd(policy.directory, parameters, Random(f"{seed}/patients"))
    plan = _Plan(roster, crowd, parameters, begin, days, seed)
    per_day = plan.fill(visits_a_day)
    visits = plan.visits()
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


@dataclass(slots=True)
class _Visit:
    """A visit being planned: whose, where in the roster, and what is drawn for it."""

    someone: Someone
    place: Place
    service: Service
    modality: Modality
    series: str | None = None
    group: str | None = None
    booked: int = 0
    lead: int = 0
    cancelled: int | None = None
    by: Initiator | None = None
    moves: bool = False
    moved: int | None = None

    @property
    def start(self) -> int:
        return self.place.begin + buffer_of(self.service)


class _Plan:
    """The visits of a month: series and groups first, then single ones around them."""

    def __init__(
        self, roster: Roster, crowd: Crowd, parameters: Parameters, begin: datetime, days: int, seed: int
    ) -> None:
        self.roster, self.crowd, self.parameters, self.seed = roster, crowd, parameters, seed
        self.first, self.last = roster.cell(begin), roster.cell(begin) + days * 24 * 60 // CELL
        self.begin, self.days = begin, days
        self.dice = Random(f"{seed}/visits")
        self.found: list[_Visit] = []
        self.on_day = [0] * roster.days
        mix = parameters.mix
        shares = [mix.get(s.code, 0.0 if mix else 1.0) for s in roster.services]
        doable = [any(roster.does(one, s) for day in roster.shifts[:8] for one in day) for s in roster.services]
        self.services = [s for s, there in zip(roster.services, doable, strict=True) if there]
        self.shares = [w for w, there in zip(shares, doable, strict=True) if there]
        if not sum(self.shares):
            raise ValueError(f"services: none of {sorted(mix)} is done by anybody in the directory; see practice.yaml")
        self.bookings = Bookings(parameters.practice, roster, parameters.desk.opens, parameters.desk.closes)

    # -- how many

    def fill(self, visits_a_day: int | None) -> float:
        """Plan everything; how many visits a day that should be."""
        offered = [self.roster.offered(day) for day in range(self.roster.days)]
        open_days = sum(1 for minutes in offered if minutes)
        mean = sum(offered) / max(open_days, 1)
        per_day = float(visits_a_day) if visits_a_day is not None else self._as_full_as_said(mean)
        wanted = [per_day * minutes / mean for minutes in offered]
        self._groups(sum(wanted))
        self._series(sum(wanted))
        for day, shifts in enumerate(self.roster.shifts):
            if shifts:
                n = round(self.dice.gauss(wanted[day], wanted[day] ** 0.5 / 2)) - self.on_day[day]
                self._singles(day, shifts, n)
        return per_day

    def _as_full_as_said(self, offered: float) -> float:
        """Visits a day so that the minutes kept are the share of the minutes offered that the parameters say."""
        ways = self.parameters
        kept = 1 - (ways.patients.no_show + ways.patients.cancels_same_day + ways.practice.cancels_same_day) / 100
        kept -= ways.patients.cancels_month_1 / 100 / 3
        minutes = sum(w * s.minutes / max(s.capacity * sum(_SEATS_TAKEN) / 2, 1)
                      for s, w in zip(self.services, self.shares, strict=True)) / sum(self.shares)  # fmt: skip
        return offered * ways.practice.utilisation / 100 / max(kept, 0.3) / minutes

    # -- what

    def _groups(self, total: float) -> None:
        """Weekly sessions that several patients share, until their part of the visits is there."""
        for service, share in zip(self.services, self.shares, strict=True):
            if service.capacity <= 1:
                continue
            left = total * share / sum(self.shares)
            for n in range(int(left) + 1):
                if left <= 0:
                    break
                left -= self._weekly(f"group-{service.code}-{n}", service, self._seats(service))

    def _seats(self, service: Service) -> int:
        low, high = _SEATS_TAKEN
        return max(2, round(service.capacity * (low + (high - low) * self.dice.random())))

    def _series(self, total: float) -> None:
        """Weekly visits of one patient with one provider, until their part of the visits is there."""
        single = [(s, w) for s, w in zip(self.services, self.shares, strict=True) if s.capacity <= 1 and w]
        if not single:
            return
        services, weights = [s for s, _ in single], list(accumulate(w for _, w in single))
        left = total * self.parameters.practice.series / 100
        for n in range(int(left) + 1):
            if left <= 0:
                break
            service = self.dice.choices(services, cum_weights=weights)[0]
            left -= self._weekly(f"series-{n}", service, 1)

    def _weekly(self, name: str, service: Service, seats: int) -> int:
        """One weekly series, or group of `seats`; how many visits it is."""
        place = self._first_of_a_week(service)
        if place is None:
            return 1
        offset = place.begin - place.shift.begin
        people = [self.crowd.somebody(place.shift.location, place.shift.staff.staff_id) for _ in range(seats)]
        began, lead = self._series_began()
        modality = self._modality(place, service)
        made = 0
        for day in range(place.shift.day % 7, self.roster.days, 7):
            shift = self.roster.weekly.get((place.shift.same, day))
            then = self.roster.at(shift, service, shift.begin + offset) if shift is not None else None
            if then is None or began >= then.begin:
                continue
            self.roster.take(then)
            for n, someone in enumerate(people):
                if self.dice.random() < 0.9 or seats == 1:
                    someone.days.add(day)
                    group = f"{name}/{day}" if service.capacity > 1 else None
                    visit = _Visit(someone, then, service, modality, f"{name}-{n}", group, began, lead)
                    self.found.append(visit)
                    made += 1
                    self.on_day[day] += 1
        return max(made, 1)

    def _first_of_a_week(self, service: Service) -> Place | None:
        week = [shift for shifts in self.roster.shifts[:7] for shift in shifts]
        for _ in range(_SERIES_TRIES):
            shift = week[int(self.dice.random() * len(week))]
            if self.roster.does(shift, service) and (place := self.roster.place(self.dice, shift, service)):
                return place
        return None

    def _series_began(self) -> tuple[int, int]:
        """Most series run since long; some begin in the month."""
        new, when, hour = self.dice.random(), self.dice.random(), self.dice.random()
        day = int(when * self.days) if new < 0.15 else -7 - int(when * 120)
        location = next(iter(self.roster.directory.locations))
        open_from = self.roster.midnight(location, 0) + day * 24 * 60 // CELL
        return open_from + int((9 + 7 * hour) * 60) // CELL, 14

    def _singles(self, day: int, shifts: list[Shift], n: int) -> None:
        able = [[s for s in shifts if self.roster.does(s, service)] for service in self.services]
        weights = list(accumulate(
            w if there and s.capacity <= 1 else 0.0
            for s, w, there in zip(self.services, self.shares, able, strict=True)
        ))  # fmt: skip
        if not weights[-1]:
            return
        for _ in range(n):
            which = self.dice.choices(range(len(self.services)), cum_weights=weights)[0]
            service, there = self.services[which], able[which]
            for _ in range(4):
                shift = there[int(self.dice.random() * len(there))]
                if (place := self.roster.place(self.dice, shift, service)) is not None:
                    self._single(day, place, service)
                    break

    def _single(self, day: int, place: Place, service: Service) -> None:
        self.roster.take(place)
        someone = self.crowd.pick(place.shift.staff.staff_id, place.shift.location, day)
        start = place.begin + buffer_of(service)
        booked, lead = self.bookings.booked(self.dice, place.shift.location, day, start)
        self.found.append(_Visit(someone, place, service, self._modality(place, service), None, None, booked, lead))
        self.on_day[day] += 1

    def _modality(self, place: Place, service: Service) -> Modality:
        by_video = self.dice.random() * 100 < self.parameters.practice.video
        return "video" if by_video and place.room is None and place.shift.staff.video else "in_person"

    # -- what becomes of it

    def visits(self) -> tuple[Planned, ...]:
        """The visits of the month in order of their start."""
        there = [v for v in self.found if self.first <= v.start < self.last and v.booked < v.start]
        there.sort(key=lambda v: (v.start, v.place.shift.staff.staff_id, v.someone.patient))
        self._give_up(there)
        ways = self.parameters.patients
        odds = [odds_of_missing(ways, v.lead, v.someone.missed_before, v.modality != "in_person") for v in there]
        chance = chances(odds, ways)
        return tuple(self._planned(n, v, chance[o]) for n, (v, o) in enumerate(zip(there, odds, strict=True)))

    def _give_up(self, there: list[_Visit]) -> None:
        dice, ways = Random(f"{self.seed}/cancellations"), self.parameters
        share = max(ways.practice.cancels_same_day - hit_by_call_outs(self.roster, ways), 0.0)
        for v in there:
            midnight = self.roster.midnight(v.place.shift.location, v.place.shift.day)
            found = given_up(dice, ways.patients, share, v.booked, midnight, v.start, v.lead)
            where = dice.random()
            if found is None or found.cell <= self.first:
                continue
            v.cancelled, v.by = found.cell, found.by
            if found.moves and v.group is None:
                v.moved = self._elsewhere(v, found.cell, where)

    def _elsewhere(self, v: _Visit, cell: int, luck: float) -> int | None:
        """Another time with the same provider, from the second day after on; None: there is none in the month."""
        who, begin = v.place.shift.staff.staff_id, v.place.shift.day + 1 + int(luck * 10)
        for day in range(begin, min(begin + 14, self.roster.days)):
            for shift in self.roster.shifts[day]:
                if shift.staff.staff_id != who or shift.location != v.place.shift.location or day in v.someone.days:
                    continue
                place = self.roster.place(self.dice, shift, v.service, cell + 1)
                if place is not None and place.begin + buffer_of(v.service) < self.last:
                    self.roster.take(place)
                    v.someone.days.add(day)
                    return place.begin + buffer_of(v.service)
        return None

    def _planned(self, n: int, v: _Visit, missed: int) -> Planned:
        instant = self.roster.instant
        return Planned(
            name=f"v{n:05d}",
            patient=v.someone.patient,
            provider=v.place.shift.staff.staff_id,
            service=v.service.code,
            location=v.place.shift.location,
            modality=v.modality,
            start_at=instant(v.start),
            minutes=v.service.minutes,
            booked_at=instant(v.booked),
            series=v.series,
            group=v.group,
            cancels_at=None if v.cancelled is None else instant(v.cancelled),
            cancels=v.by,
            moves_to=None if v.moved is None else instant(v.moved),
            missed=missed,
            room=v.place.room.room_id if v.place.room else None,
        )
