"""Searching times for a visit: first times over eligible people, rooms and lengths, within what is asked for (D15); the
best of them far enough apart to be a choice. Values in, values out; each time says what spoke for it, and for whoever
has none what stands against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caredispatch.core.content import Modality
from caredispatch.core.copying import replace
from caredispatch.core.eligibility import Candidate, rank
from caredispatch.core.facts import Staff
from caredispatch.core.fitting import Fit, Search, allowed_days, duties, fit_of, is_legal, places, times_of, why_full
from caredispatch.core.ids import Id
from caredispatch.core.records import Option
from caredispatch.core.windows import zone

OWN = 100
"""What being the patient's own provider counts beside the weights."""
DISTURBANCE = 6
"""What it counts that anybody has to give way at all; every five minutes of theirs count one more."""
_APART = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Opening:
    """One time with the parts of its score, all integers."""

    option: Option
    score: int
    parts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found. `openings` are to be offered, best first; `people` is how many were looked at, and `blocked`
    says of those without any time why (a predicate, `asked`, `patient_busy` or `room`), with how many of them."""

    openings: tuple[Opening, ...]
    people: int = 0
    blocked: tuple[tuple[str, int], ...] = ()


def search(asked: Search) -> Found:
    """The times to offer a patient: the best ones, on different days where there are some, never two in one hour."""
    fit = fit_of(asked)
    if fit is None or (asked.offer.modality == "video" and not fit.service.video):
        return Found((), 0, (("service", 1),))
    ranked = _ranked(fit)
    people = [s for s in _people(asked) if s.staff_id == asked.own or not asked.offer.own_provider]
    times, blocked = _over(fit, people)
    chosen = _apart(fit, _best_first(asked, times, ranked), asked.offer.openings)
    return Found(tuple(_opening(asked, o, ranked[o.provider_id]) for o in chosen), len(people), blocked)


def best_of_each(asked: Search) -> Found:
    """For an add-on: of each person their best time, also where a visit that may give way has to, the best first."""
    fit = fit_of(asked)
    if fit is None:
        return Found((), 0, (("service", 1),))
    ranked, people = _ranked(fit), _people(asked)
    times, blocked = _over(fit, people)
    times += [option for staff in people for option in _displacing(fit, staff)]
    best: dict[str, Opening] = {}
    for option in _best_first(asked, times, ranked):
        if option.provider_id not in best:
            best[option.provider_id] = _opening(asked, option, ranked[option.provider_id])
    return Found(tuple(best.values()), len(people), blocked)


def _people(asked: Search) -> list[Staff]:
    named = asked.request.providers
    everybody = sorted(asked.directory.staff.values(), key=lambda s: s.handle)
    return [s for s in everybody if not named or s.staff_id in named]


def _ranked(fit: Fit) -> dict[str, Candidate]:
    return {c.staff_id: c for c in rank(fit.question(fit.search.visit))}


def _best_first(asked: Search, times: Sequence[Option], ranked: Mapping[str, Candidate]) -> list[Option]:
    """Times by score, then by when they are, then by who: thousands, so the score alone and not its parts."""
    weight = asked.case.prefer.get
    of_person = {
        who: sum(part * weight(name, 0) for name, part in c.parts.items()) + (OWN if who == asked.own else 0)
        for who, c in ranked.items()
    }
    soonest, hour = weight("soonest", 0), timedelta(hours=1)

    def order(option: Option) -> tuple[int, datetime, str]:
        score = of_person[option.provider_id] - soonest * ((option.start_at - asked.now) // hour)
        if option.displaces is not None:
            score += weight("least_disturbance", 0) * _disturbance(asked, option)
        return -score, option.start_at, ranked[option.provider_id].handle

    return sorted(times, key=order)


def _disturbance(asked: Search, option: Option) -> int:
    """What it counts that somebody has to give way, below zero."""
    displaced = next((o for o in asked.displaceable if o.appointment_id == option.displaces), None)
    return -DISTURBANCE - (displaced.end_at - displaced.start_at) // timedelta(minutes=5) if displaced else 0


def _opening(asked: Search, option: Option, of: Candidate) -> Opening:
    """A time with the parts of its score."""
    hours = (option.start_at - asked.now) // timedelta(hours=1)
    parts = {**of.parts, "soonest": -hours, "least_disturbance": _disturbance(asked, option)}
    score = sum(part * asked.case.prefer.get(name, 0) for name, part in parts.items())
    if option.provider_id == asked.own:
        parts["own"] = 1
        score += OWN
    return Opening(option, score, parts)


def _over(fit: Fit, people: Sequence[Staff]) -> tuple[list[Option], tuple[tuple[str, int], ...]]:
    """Every person's times, and why those who have none have none."""
    everywhere = places(fit)
    times: list[Option] = []
    blocked: Counter[str] = Counter()
    for staff in people:
        mine: list[Option] = []
        against: list[str] = []
        for place in everywhere:
            days, wrong = allowed_days(fit, staff, place)
            stretches, busy = duties(fit, staff, place, days), fit.busy(staff.staff_id)
            here = list(times_of(fit, staff, place, stretches, busy))
            against += [] if here else wrong or [why_full(fit, stretches, busy)]
            mine += here
        times += mine
        blocked.update([] if mine else list(dict.fromkeys(against)))
    return times, tuple(sorted(blocked.items()))


def _displacing(fit: Fit, staff: Staff) -> list[Option]:
    """The first time of somebody if one of their visits that may give way did."""
    found: list[Option] = []
    busy = fit.busy(staff.staff_id)
    for other in fit.search.displaceable:
        if other.staff_id != staff.staff_id:
            continue
        rest = [b for b in busy if b.appointment_id != other.appointment_id]
        for place in places(fit):
            days, _ = allowed_days(fit, staff, place)
            times = times_of(fit, staff, place, duties(fit, staff, place, days), rest)
            first = next((o for o in times if _overlaps(o, other.start_at, other.end_at)), None)
            found += [replace(first, displaces=other.appointment_id)] if first else []
    return found


def _overlaps(option: Option, begin: datetime, end: datetime) -> bool:
    return option.start_at < end and begin < option.end_at


def _apart(fit: Fit, times: Sequence[Option], most: int) -> list[Option]:
    """The best ones: on different days as long as there are some, then hours apart."""
    past = {_same(o) for o in fit.search.past}
    able = [o for o in times if _same(o) not in past]
    chosen: list[Option] = []
    for other_day in (True, False):
        for one in able:
            if len(chosen) == most:
                break
            near = any(_near(fit.search, one, other, other_day) for other in chosen)
            if not near and is_legal(fit, one):
                chosen.append(one)
    return [one for one in times if one in chosen]


def _same(option: Option) -> tuple[datetime, Id, str, Modality]:
    """What makes two options one."""
    return option.start_at, option.provider_id, option.location, option.modality


def _near(asked: Search, one: Option, other: Option, other_day: bool) -> bool:
    if abs(one.start_at - other.start_at) < _APART:
        return True
    days = [o.start_at.astimezone(zone(asked.directory, o.location)).date() for o in (one, other)]
    return other_day and days[0] == days[1]
