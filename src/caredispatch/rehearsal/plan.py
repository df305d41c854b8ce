"""Where the visits of a simulated stretch of days find a place: groups and weekly series first, then single ones around
them, each with somebody who may do it, in their working hours, at a free time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from random import Random

from caredispatch.core.content import Modality
from caredispatch.core.facts import Service
from caredispatch.policy.findings import choose_from
from caredispatch.rehearsal.courses import SERIES_LEAD, Bookings, cancelled_before
from caredispatch.rehearsal.crowd import Crowd, Someone
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.roster import CELL, Place, Roster, Shift, buffer_of

_SEATS_TAKEN = (0.6, 1.0)
"""The share of a group's seats that belong to somebody, from and to."""
_OF_A_GROUP = 0.9
"""The share of a group's members who are down for any one session."""
_NEW_SERIES, _RUNS_SINCE = 0.15, 120
"""The share of series that begin in the month; how many days ago the others were booked at most, a week at least."""
_SERIES_TRIES, _FAILS_MOST = 20, 3


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit that found its place: whose, where in the roster, `booked` at which cell, `lead` days ahead."""

    someone: Someone
    place: Place
    service: Service
    modality: Modality
    series: str | None = None
    group: str | None = None
    booked: int = 0
    lead: int = 0

    @property
    def start(self) -> int:
        """The cell at which the patient is seen."""
        return self.place.begin + buffer_of(self.service)


class Plan:
    """The visits of a month: series and groups first, then single ones around them."""

    def __init__(self, roster: Roster, crowd: Crowd, parameters: Parameters, dice: Random) -> None:
        self.roster, self.crowd, self.parameters, self.dice = roster, crowd, parameters, dice
        self.found: list[Visit] = []
        self.on_day = [0] * roster.days
        self._week: dict[str, list[Shift]] = {}
        known = parameters.services
        for unknown in sorted(set(known) - set(roster.directory.services)):
            raise ValueError(f"services: {unknown!r} is no service. {choose_from(unknown, roster.directory.services)}")
        shares = [share_of(s, parameters) for s in roster.services]
        doable = [any(roster.does(one, s) for day in roster.shifts[:8] for one in day) for s in roster.services]
        self.services = [s for s, there in zip(roster.services, doable, strict=True) if there]
        self.shares = [w for w, there in zip(shares, doable, strict=True) if there]
        self.single = [(s, w) for s, w in zip(self.services, self.shares, strict=True) if s.capacity <= 1 and w]
        if not sum(self.shares):
            raise ValueError(f"services: nobody of the directory does any of {sorted(known)}; see practice.yaml")
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
        lost = ways.patients.no_show + ways.patients.cancels_same_day + ways.practice.cancels_same_day
        kept = 1 - (lost + cancelled_before(ways)) / 100
        minutes = sum(w * s.minutes / max(s.capacity * sum(_SEATS_TAKEN) / 2, 1)
                      for s, w in zip(self.services, self.shares, strict=True)) / sum(self.shares)  # fmt: skip
        return offered * ways.practice.utilisation / 100 / max(kept, 0.3) / minutes

    # -- what

    def _groups(self, total: float) -> None:
        """Weekly sessions that several patients share, until their part of the visits is there."""
        for service, share in zip(self.services, self.shares, strict=True):
            if service.capacity > 1 and share:
                self._until(total * share / sum(self.shares), partial(self._group, service))

    def _group(self, service: Service, n: int) -> int:
        low, high = _SEATS_TAKEN
        seats = max(2, round(service.capacity * (low + (high - low) * self.dice.random())))
        return self._weekly(f"group-{service.code}-{n}", service, seats)

    def _until(self, wanted: float, make: Callable[[int], int]) -> None:
        """Make one after another until so many visits are there, or, again and again, there is no room for more."""
        left, failed, n = wanted, 0, 0
        while left > 0 and failed < _FAILS_MOST:
            made = make(n)
            left, n = left - made, n + 1
            failed = 0 if made else failed + 1

    def _series(self, total: float) -> None:
        """Weekly visits of one patient with one provider, until their part of the visits is there."""
        if self.single:
            weights = list(accumulate(w for _, w in self.single))

            def one(n: int) -> int:
                service = self.dice.choices(self.single, cum_weights=weights)[0][0]
                return self._weekly(f"series-{n}", service, 1)

            self._until(total * self.parameters.practice.series / 100, one)

    def _weekly(self, name: str, service: Service, seats: int) -> int:
        """One weekly series, or group of `seats`; how many visits it is."""
        place = self._first_of_a_week(service)
        if place is None:
            return 0
        offset = place.begin - place.shift.begin
        people = [self.crowd.somebody(place.shift.location, place.shift.staff) for _ in range(seats)]
        began = self._series_began()
        modality = self._modality(place, service)
        made = 0
        for day in range(place.shift.day % 7, self.roster.days, 7):
            shift = self.roster.weekly.get((place.shift.same, day))
            then = self.roster.at(shift, service, shift.begin + offset) if shift is not None else None
            if then is None or began >= then.begin:
                continue
            self.roster.take(then)
            for n, someone in enumerate(people):
                if self.dice.random() < _OF_A_GROUP or seats == 1:
                    someone.days.add(day)
                    group = f"{name}/{day}" if service.capacity > 1 else None
                    visit = Visit(someone, then, service, modality, f"{name}-{n}", group, began, SERIES_LEAD)
                    self.found.append(visit)
                    made += 1
                    self.on_day[day] += 1
        return made

    def _first_of_a_week(self, service: Service) -> Place | None:
        if service.code not in self._week:
            first = [s for shifts in self.roster.shifts[:7] for s in shifts]
            self._week[service.code] = [s for s in first if self.roster.does(s, service)]
        return self._somewhere(service, self._week[service.code], tries=_SERIES_TRIES)

    def _somewhere(self, service: Service, there: list[Shift], tries: int) -> Place | None:
        """A free time in one of some shifts, looked for by chance."""
        for _ in range(tries if there else 0):
            shift = there[int(self.dice.random() * len(there))]
            if (place := self.roster.place(self.dice, shift, service)) is not None:
                return place
        return None

    def _series_began(self) -> int:
        """The cell at which a series was booked: most run since long."""
        new, when, hour = self.dice.random(), self.dice.random(), self.dice.random()
        day = int(when * self.roster.days) if new < _NEW_SERIES else -7 - int(when * (_RUNS_SINCE - 7))
        location = next(iter(self.roster.directory.locations))
        open_from = self.roster.midnight(location, 0) + day * 24 * 60 // CELL
        return open_from + int((9 + 7 * hour) * 60) // CELL

    def _singles(self, day: int, shifts: list[Shift], n: int) -> None:
        able = [(s, [one for one in shifts if self.roster.does(one, s)], w) for s, w in self.single]
        able = [row for row in able if row[1]]
        weights = list(accumulate(w for _, _, w in able))
        for _ in range(n):
            if not able:
                return
            row = self.dice.choices(able, cum_weights=weights)[0]
            service, there, _ = row
            place = self._somewhere(service, there, tries=4)
            if place is None:
                place = next((p for s in there if (p := self.roster.place(self.dice, s, service))), None)
            if place is not None:
                self._single(day, place, service)
            else:
                able.remove(row)
                weights = list(accumulate(w for _, _, w in able))

    def _single(self, day: int, place: Place, service: Service) -> None:
        self.roster.take(place)
        someone = self.crowd.pick(place.shift.staff, place.shift.location, day)
        start = place.begin + buffer_of(service)
        booked, lead = self.bookings.booked(self.dice, place.shift.location, day, start)
        self.found.append(Visit(someone, place, service, self._modality(place, service), None, None, booked, lead))
        self.on_day[day] += 1

    def _modality(self, place: Place, service: Service) -> Modality:
        by_video = self.dice.random() * 100 < self.parameters.practice.video
        able = service.video and place.room is None and place.shift.staff.video
        return "video" if by_video and able else "in_person"


def share_of(service: Service, parameters: Parameters) -> float:
    """The weight of a service among all visits: what the practice says; where it says nothing of any, all the same."""
    known = parameters.services
    return (known[service.code].share if service.code in known else 0.0) if known else 1.0
