"""Who works when and where in a simulated stretch of days, and what of that time is taken. Time is counted in cells of
five minutes from an origin, and taken time is a number whose bits are cells, so that a month is planned in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from random import Random

from caredispatch.core.facts import Directory, Hours, Room, Service, Staff
from caredispatch.core.windows import instant_on, zone

CELL = 5
"""Minutes of a cell: visits begin on it."""
CELLS_A_DAY = 24 * 60 // CELL


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of one person's working time at one site: cells `begin` to `end` (not included) of local day `day`,
    counted from the first. `same` names the weekly hours that it comes from."""

    staff: Staff
    location: str
    day: int
    begin: int
    end: int
    same: tuple[str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A time found for a visit: the cells that it takes, buffers included, and the room."""

    shift: Shift
    begin: int
    end: int
    room: Room | None


class Roster:
    """Shifts from the local day of `begin` to that of its end, and the time taken of people and rooms. Services are
    done by who has their role, skills and, where the directory keeps any for them, a licence in the site's state that
    day."""

    def __init__(self, directory: Directory, begin: datetime, days: int) -> None:
        self.directory = directory
        self.origin = begin.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
        self.first = min((begin.astimezone(zone(directory, code)).date() for code in directory.locations),
                         default=begin.date())  # fmt: skip
        self.days = days + 1
        self.services = [s for _, s in sorted(directory.services.items())]
        self.rooms: dict[tuple[str, str], list[Room]] = {}
        for _, room in sorted(directory.rooms.items()):
            self.rooms.setdefault((room.kind, room.location), []).append(room)
        self._kinds = {room.kind for room in directory.rooms.values()}
        self.midnights: dict[tuple[str, int], int] = {}
        self.taken: dict[str, int] = {}
        self.able = {who: [s for s in self.services if _can(staff, s)] for who, staff in directory.staff.items()}
        self._able = {(who, s.code) for who, services in self.able.items() for s in services}
        self.shifts: list[list[Shift]] = [list(self._of_day(day)) for day in range(self.days)]
        self.weekly = {(s.same, s.day): s for shifts in self.shifts for s in shifts}

    def instant(self, cell: int) -> datetime:
        """The instant (UTC) at which a cell begins."""
        return self.origin + timedelta(minutes=cell * CELL)

    def cell(self, at: datetime) -> int:
        """The cell in which an instant lies."""
        return (at - self.origin) // timedelta(minutes=CELL)

    def midnight(self, location: str, day: int) -> int:
        """The cell at which a local day of a site begins; the day may lie before the first."""
        key = location, day
        if key not in self.midnights:
            on = self.first + timedelta(days=day)
            self.midnights[key] = self.cell(instant_on(on, 0, zone(self.directory, location)))
        return self.midnights[key]

    def weekday(self, day: int) -> int:
        """The weekday of a day; 0 is Monday."""
        return (self.first + timedelta(days=day)).weekday()

    def _of_day(self, day: int) -> Iterator[Shift]:
        on = self.first + timedelta(days=day)
        weekday = on.weekday()
        for who, staff in sorted(self.directory.staff.items()):
            if not self.able[who] or (staff.leaves_on is not None and on >= staff.leaves_on):
                continue
            for n, hours in enumerate(staff.hours):
                if hours.weekday == weekday and self._licensed(staff, hours.location, on):
                    begin, end = self._cells(hours, day)
                    yield Shift(staff, hours.location, day, begin, end, (who, n))

    def _cells(self, hours: Hours, day: int) -> tuple[int, int]:
        midnight = self.midnight(hours.location, day)
        if self.midnight(hours.location, day + 1) - midnight == CELLS_A_DAY:
            return midnight - (-hours.begin // CELL), midnight + hours.end // CELL
        on, tz = self.first + timedelta(days=day), zone(self.directory, hours.location)
        begin, end = (instant_on(on, minute, tz) - self.origin for minute in (hours.begin, hours.end))
        return -(-begin // timedelta(minutes=CELL)), end // timedelta(minutes=CELL)

    def _licensed(self, staff: Staff, location: str, on: date) -> bool:
        found = self.directory.locations.get(location)
        return found is not None and (not staff.licences or staff.licences.get(found.state, "") >= on.isoformat())

    def does(self, shift: Shift, service: Service) -> bool:
        """Whether a service can be done in a shift: by that person, and, if it needs a room, at that site."""
        return (shift.staff.staff_id, service.code) in self._able and (
            not self.needs_room(service) or (service.needs_room, shift.location) in self.rooms
        )

    def needs_room(self, service: Service) -> bool:
        """Whether a service is held up by a room: a kind of which the directory has none anywhere asks for nothing."""
        return service.needs_room in self._kinds

    def place(self, dice: Random, shift: Shift, service: Service, earliest: int = 0) -> Place | None:
        """A free time in a shift: somewhere on the service's own grid, else the first that there is."""
        luck, length = dice.random(), cells_of(service)
        free = self._starts(shift, service, earliest)
        on_grid = free & _grid(length, shift.end - shift.begin)
        if on_grid:
            for _ in range(int(luck * on_grid.bit_count())):
                on_grid &= on_grid - 1
        bits = on_grid or free
        return self._placed(shift, service, shift.begin + (bits & -bits).bit_length() - 1) if bits else None

    def at(self, shift: Shift, service: Service, begin: int) -> Place | None:
        """The time from a cell on, if person and room are free then."""
        if begin < shift.begin or not self._starts(shift, service, begin) >> begin - shift.begin & 1:
            return None
        return self._placed(shift, service, begin)

    def _starts(self, shift: Shift, service: Service, earliest: int) -> int:
        """Where in a shift the service can begin: one bit a cell."""
        length = cells_of(service)
        free = self._runs(shift.staff.staff_id, shift, length)
        if self.needs_room(service):
            rooms = 0
            for room in self.rooms.get((service.needs_room, shift.location), ()):
                rooms |= self._runs(room.room_id, shift, length)
            free &= rooms
        skipped = max(earliest - shift.begin, 0)
        return free >> skipped << skipped

    def _runs(self, who: str, shift: Shift, length: int) -> int:
        """Where in a shift somebody has so many free cells in a row."""
        free = ~(self.taken.get(who, 0) >> shift.begin) & (1 << shift.end - shift.begin) - 1
        have = 1
        while have < length and free:
            more = min(have, length - have)
            free &= free >> more
            have += more
        return free

    def _placed(self, shift: Shift, service: Service, begin: int) -> Place:
        end = begin + cells_of(service)
        if not self.needs_room(service):
            return Place(shift, begin, end, None)
        mask = (1 << end - begin) - 1
        rooms = self.rooms[service.needs_room, shift.location]
        return Place(shift, begin, end, next(r for r in rooms if not self.taken.get(r.room_id, 0) >> begin & mask))

    def take(self, place: Place) -> None:
        """Take the time of the person and the room."""
        bits = ((1 << place.end - place.begin) - 1) << place.begin
        for who in (place.shift.staff.staff_id, *([place.room.room_id] if place.room else [])):
            self.taken[who] = self.taken.get(who, 0) | bits

    def offered(self, day: int) -> int:
        """Minutes of working time on a day, each person's once however many sites they stand at."""
        whole: dict[str, int] = {}
        for s in self.shifts[day]:
            whole[s.staff.staff_id] = whole.get(s.staff.staff_id, 0) | ((1 << s.end - s.begin) - 1) << s.begin
        return sum(bits.bit_count() for bits in whole.values()) * CELL


def cells_of(service: Service) -> int:
    """How many cells a visit takes, buffers included."""
    return buffer_of(service) + -(-(service.minutes + service.buffer_after) // CELL)


def buffer_of(service: Service) -> int:
    """How many cells of it lie before the visit begins."""
    return -(-service.buffer_before // CELL)


def _can(staff: Staff, service: Service) -> bool:
    return service.needs_role in staff.roles and all(skill in staff.skills for skill in service.needs_skills)


@lru_cache(maxsize=1024)
def _grid(length: int, width: int) -> int:
    """A bit for each multiple of a length below a width."""
    return sum(1 << n for n in range(0, width, length))
