"""One person and one visit that has no time yet: on which days they may see the patient, and when in them they, the
patient and a room are free (D15). By the predicates of `eligibility`; which of the times are best is `searching`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from caredispatch.core.content import Modality
from caredispatch.core.copying import replace
from caredispatch.core.eligibility import PREDICATES, Question, judge
from caredispatch.core.facts import Busy, Directory, Facts, Other, Service, Staff
from caredispatch.core.ids import Id, site_id
from caredispatch.core.openings import Stretch, barred, duty, gaps, instant_at, seconds_of, starts
from caredispatch.core.playbook import Offer
from caredispatch.core.records import PROVIDER, Appointment, Case, Option, Request
from caredispatch.core.windows import zone

HORIZON = timedelta(days=14)
"""How far ahead is searched, from the earliest time that is asked for."""
LEAST_NOTICE = timedelta(minutes=60)
"""Who is offered a time by text must be able to answer and to come."""
AT_ONCE = timedelta(minutes=10)
"""Whoever is to see an emergency, or somebody who stands at the desk, must be able to answer."""
OF_PERSON = ("lost", "on_visit", "role", "skill", "care_plan", "excluded", "modality")
OF_DAY = ("left", "licence", "panel", "authorisation")


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched: a time for `visit`, in the name of `case`, within `request` and as `offer` says. `own` is the
    patient's own provider, `past` are options that were declined or taken away. `displaceable` are visits that may give
    way to an add-on."""

    visit: Appointment
    case: Case
    request: Request
    facts: Facts
    directory: Directory
    now: datetime
    offer: Offer = field(default_factory=Offer)
    own: Id | None = None
    past: tuple[Option, ...] = ()
    displaceable: tuple[Other, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a visit may be, and the days on which it may, each with the question who may see it at noon."""

    location: str
    modality: Modality
    days: tuple[tuple[date, Question], ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """What of a search is the same for everybody: the first and the last start (seconds), the starts at which the
    patient is busy, and those of each room."""

    search: Search
    service: Service
    first: int
    last: int
    patient: Sequence[Stretch]
    rooms: dict[str, list[tuple[Id, list[Stretch]]]] = field(default_factory=dict)

    @property
    def seconds(self) -> tuple[int, int, int]:
        """Buffer before, length, buffer after."""
        return self.service.buffer_before * 60, self.service.minutes * 60, self.service.buffer_after * 60

    def question(self, probe: Appointment) -> Question:
        """Who may see the visit as it would be there; what calendars said, and who can't come, was of another time or
        another way."""
        case = replace(self.search.case, role=PROVIDER, checked={}, lost_id=None)
        return Question(probe, case, self.search.facts, self.search.directory)

    def busy(self, resource_id: str | None) -> list[Busy]:
        """The taken time of somebody or something, this visit's own left out."""
        own = self.search.visit.session_id
        return [b for b in self.search.facts.busy.get(resource_id or "", ()) if b.session_id != own]

    def shut(self, place: Place) -> list[Stretch]:
        """The starts at which the site is closed, for a visit that needs it (D14)."""
        if place.modality != "in_person":
            return []
        site = site_id(self.search.directory.practice_id, place.location)
        return barred(self.busy(site), 0, self.service.minutes * 60, 0)

    def room(self, place: Place, at: int) -> tuple[bool, Id | None]:
        """Whether there is room then, and which: none where none is needed."""
        if not self.service.needs_room or place.modality != "in_person":
            return True, None
        free = (who for who, taken in self._rooms_at(place.location) if not any(b < at < e for b, e in taken))
        found = next(free, None)
        return found is not None, found

    def _rooms_at(self, site: str) -> list[tuple[Id, list[Stretch]]]:
        if site not in self.rooms:
            rooms = sorted(self.search.directory.rooms.values(), key=lambda r: r.handle)
            fitting = [r.room_id for r in rooms if (r.kind, r.location) == (self.service.needs_room, site)]
            self.rooms[site] = [(room_id, barred(self.busy(room_id), *self.seconds)) for room_id in fitting]
        return self.rooms[site]


def bounds(request: Request, now: datetime) -> tuple[datetime, datetime]:
    """Between which instants a visit may begin and end: the request's, not at once, and not too far ahead."""
    hasty = request.urgent or request.origin == "walk_in"
    notice = max(AT_ONCE if hasty else LEAST_NOTICE, timedelta(minutes=request.notice_minutes))
    begin = max(request.not_before, now + notice)
    return begin, min(request.until, begin + HORIZON)


def fit_of(asked: Search) -> Fit | None:
    """What is the same for everybody; None where the service is not known."""
    service = asked.directory.services.get(asked.visit.service)
    if service is None:
        return None
    begin, end = bounds(asked.request, asked.now)
    found = Fit(asked, service, seconds_of(begin), seconds_of(end) - service.minutes * 60, ())
    return replace(found, patient=barred(found.busy(asked.visit.patient_id), 0, service.minutes * 60, 0))


def places(fit: Fit) -> list[Place]:
    """Where and how the visit may be, the most wanted first."""
    asked = fit.search
    sites = asked.request.sites or (asked.visit.location,)
    if asked.offer.other_site:
        sites = tuple(code for code in sorted(asked.directory.locations) if code != asked.visit.location)
    ways = (asked.offer.modality,) if asked.offer.modality else asked.request.modalities or (asked.visit.modality,)
    return [Place(site, way, _days(fit, site, way)) for site in sites for way in ways]


def _days(fit: Fit, site: str, way: Modality) -> tuple[tuple[date, Question], ...]:
    asked = fit.search
    tz = zone(asked.directory, site)
    day, last = (instant_at(at).astimezone(tz).date() for at in (fit.first, fit.last))
    found: list[tuple[date, Question]] = []
    while day <= last:
        if not asked.request.days or day.weekday() in asked.request.days:
            noon = datetime.combine(day, time(12), tz).astimezone(UTC)
            end = noon + timedelta(minutes=fit.service.minutes)
            probe = replace(asked.visit, start_at=noon, end_at=end, location=site, modality=way)
            found.append((day, fit.question(probe)))
        day += timedelta(days=1)
    return tuple(found)


def allowed_days(fit: Fit, staff: Staff, place: Place) -> tuple[list[date], list[str]]:
    """The days on which somebody may see the patient there, whatever else they have, and what stands against the
    others: a predicate that says no (`name`) or is not known (`name?`)."""
    if not place.days:
        return [], ["asked"]
    against = _against(place.days[0][1], staff, OF_PERSON)
    if against:
        return [], against
    days: list[date] = []
    for day, question in place.days:
        wrong = _against(question, staff, OF_DAY)
        against += [name for name in wrong if name not in against]
        if not wrong:
            days.append(day)
    return days, against


def _against(question: Question, staff: Staff, names: Sequence[str]) -> list[str]:
    said = [(name, PREDICATES[name](question, staff)) for name in names]
    return [name if verdict == "no" else f"{name}?" for name, verdict in said if verdict != "yes"]


def duties(fit: Fit, staff: Staff, place: Place, days: Sequence[date]) -> list[tuple[int, int, int]]:
    """Stretches of duty in which the visit could begin: where the duty begins, the first and the last start."""
    request = fit.search.request
    tz = zone(fit.search.directory, place.location)
    site = place.location if place.modality == "in_person" else None
    begin, end = request.begin or 0, 24 * 60 if request.end is None else request.end
    found = [
        (opens, max(opens, fit.first), min(closes - fit.service.minutes * 60, fit.last))
        for day in days
        for opens, closes in duty(staff.hours, site, day, tz, begin, end)
    ]
    return [stretch for stretch in found if stretch[1] <= stretch[2]]


def times_of(
    fit: Fit, staff: Staff, place: Place, stretches: Sequence[tuple[int, int, int]], busy: Sequence[Busy]
) -> Iterator[Option]:
    """The first possible start of each hour, with that time of theirs taken."""
    ruled_out = sorted([*barred(busy, *fit.seconds), *fit.patient, *fit.shut(place)])
    for opens, first, last in stretches:
        for gap in gaps(first, last, ruled_out):
            for at in starts(gap, opens, lambda at: fit.room(place, at)[0]):
                begin, end = instant_at(at), instant_at(at + fit.service.minutes * 60)
                yield Option(begin, end, staff.staff_id, place.location, place.modality, fit.room(place, at)[1])


def why_full(fit: Fit, stretches: Sequence[tuple[int, int, int]], busy: Sequence[Busy]) -> str:
    """Why somebody who is allowed to has no time at all."""
    if not stretches:
        return "hours"
    taken = barred(busy, *fit.seconds)
    if not any(True for _, first, last in stretches for _ in gaps(first, last, taken)):
        within = (b for b in busy if b.kind == "leave" and seconds_of(b.end_at) > fit.first)
        return "leave" if any(within) else "booked"
    either = sorted([*taken, *fit.patient])
    full = not any(True for _, first, last in stretches for _ in gaps(first, last, either))
    return "patient_busy" if full else "room"


def probe_of(visit: Appointment, option: Option) -> Appointment:
    """The visit as it would be at an option."""
    return replace(
        visit,
        start_at=option.start_at,
        end_at=option.end_at,
        location=option.location,
        modality=option.modality,
    )


def is_legal(fit: Fit, option: Option) -> bool:
    """Whether whoever would see the patient may and can, now that it is looked at once more, patient and room are
    free, and the site is open."""
    staff = fit.search.directory.staff.get(option.provider_id)
    at = seconds_of(option.start_at)
    if staff is None or option.start_at <= fit.search.now or any(b < at < e for b, e in fit.patient):
        return False
    place = Place(option.location, option.modality, ())
    if not fit.room(place, at)[0] or any(b < at < e for b, e in fit.shut(place)):
        return False
    return judge(fit.question(probe_of(fit.search.visit, option)), staff)[0] == "yes"
