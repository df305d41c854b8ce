"""Single scenes on a practice's own people and hours: one thing happens on an otherwise quiet day. The names are the
demo's; what a practice has no place for (no groups, one site) is not played, and says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Service
from caredispatch.core.ids import Id
from caredispatch.core.observation import Block
from caredispatch.core.playbook import Stage
from caredispatch.core.windows import instant_on, zone
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.month import CallOut, Closure, Month, Planned, Trouble, Want
from caredispatch.rehearsal.parameters import Parameters

DAYS = 14
HOUR = timedelta(hours=1)
A_DAY = timedelta(days=1)
COMES_LATE = timedelta(minutes=25)


class NotHere(Exception):
    """The practice has nothing with which this scene could be played; says what."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens: a month with nothing else in it, under a policy. `calendar` are entries that only calendars know;
    `begins` is the instant that times are told from, `about` the visits that it is about."""

    name: str
    policy: Policy
    month: Month
    begins: datetime
    about: tuple[str, ...] = ()
    calendar: Mapping[Id, tuple[Block, ...]] = field(default_factory=dict)


class _Stage:
    """A quiet fortnight of the practice, in which visits stand and everybody who has one comes, and something is to
    happen on the first day on which most visits are."""

    def __init__(
        self, policy: Policy, parameters: Parameters, begin: datetime, visits_a_day: int | None, seed: int
    ) -> None:
        self.policy, self.directory = policy, policy.directory
        planned = month_of(policy, parameters, begin, DAYS, visits_a_day, seed)
        stand = (replace(v, cancels_at=None, cancels=None, moves_to=None, missed=0) for v in planned.visits)
        early = tuple(replace(v, booked_at=min(v.booked_at, begin - HOUR)) for v in stand)
        self.quiet = replace(planned, visits=early, call_outs=(), wants=(), closures=(), troubles=())
        self.day = self._fullest(begin)

    def local_day(self, visit: Planned) -> date:
        """The day of a visit at its site."""
        return visit.start_at.astimezone(zone(self.directory, visit.location)).date()

    def _fullest(self, begin: datetime) -> date:
        days = [self.local_day(v) for v in self.quiet.visits if v.start_at > begin + 2 * A_DAY]
        if not days:
            raise NotHere("no visit can be planned: nobody has working hours")
        return max(sorted(set(days)), key=days.count)

    def on_the_day(self) -> list[Planned]:
        """The visits of that day, by start."""
        return sorted(
            (v for v in self.quiet.visits if self.local_day(v) == self.day), key=lambda v: (v.start_at, v.name)
        )

    def single(self) -> Planned:
        """A visit of one patient in the middle of that day, with a provider."""
        able = [v for v in self.on_the_day() if v.group is None and v.provider is not None and v.series is None]
        able = able or [v for v in self.on_the_day() if v.group is None and v.provider is not None]
        if not able:
            raise NotHere("no visit of one patient with a provider stands on the fullest day")
        return able[len(able) // 2]

    def at(self, minute: int, site: str = "") -> datetime:
        """An instant of that day, by the clock of a site."""
        return instant_on(self.day, minute, zone(self.directory, site or next(iter(self.directory.locations))))

    def with_visit(self, changed: Planned) -> tuple[Planned, ...]:
        """The visits with one of them otherwise."""
        return tuple(changed if v.name == changed.name else v for v in self.quiet.visits)

    def busiest(self) -> tuple[Id, list[Planned]]:
        """Who holds most visits that day, and which."""
        day = [v for v in self.on_the_day() if v.provider is not None]
        who = max(sorted({v.provider for v in day if v.provider}), key=lambda p: sum(v.provider == p for v in day))
        return who, [v for v in day if v.provider == who]

    def services(self, able: Callable[[Service], bool], why: str) -> str:
        """The first service that something is true of. Raises NotHere."""
        found = next((code for code, s in sorted(self.directory.services.items()) if able(s)), None)
        if found is None:
            raise NotHere(why)
        return found


Made = tuple[Month, datetime, tuple[str, ...]]


def _booking(stage: _Stage) -> Made:
    visit = replace(stage.single(), booked_at=stage.at(9 * 60) - 2 * A_DAY)
    return replace(stage.quiet, visits=stage.with_visit(visit)), visit.booked_at, (visit.name,)


def _late_cancellation(stage: _Stage) -> Made:
    visit = stage.single()
    said = max(visit.start_at - 5 * HOUR, stage.at(8 * 60, visit.location))
    cancelled = replace(visit, cancels_at=said, cancels="patient")
    others = [v for v in stage.on_the_day() if v.patient != visit.patient][:4]
    waiting = tuple(
        Want(f"waits {n}", o.patient, visit.service, visit.location, visit.modality, said - 9 * A_DAY,
             stage.quiet.begin, said + 30 * A_DAY, waitlist=True)
        for n, o in enumerate(others)
    )  # fmt: skip
    month = replace(stage.quiet, visits=stage.with_visit(cancelled), wants=waiting)
    return month, said, (visit.name,)


def _provider_ill(stage: _Stage) -> Made:
    who, visits = stage.busiest()
    said = stage.at(6 * 60 + 30, visits[0].location)
    call = CallOut(who, "staff_unavailable", said, stage.at(7 * 60), stage.at(20 * 60))
    return replace(stage.quiet, call_outs=(call,)), said, tuple(v.name for v in visits)


def _no_show(stage: _Stage) -> Made:
    visit = replace(stage.single(), missed=1000)
    return replace(stage.quiet, visits=stage.with_visit(visit)), visit.start_at, (visit.name,)


def _wanted(stage: _Stage, *, urgent: bool) -> Made:
    like = stage.single()
    since = stage.at(9 * 60, like.location)
    until = since + (8 * HOUR if urgent else 10 * A_DAY)
    want = Want("wanted", like.patient, like.service, like.location, like.modality, since, since, until, urgent=urgent)
    quiet = replace(stage.quiet, visits=tuple(v for v in stage.quiet.visits if v.patient != like.patient))
    return replace(quiet, wants=(want,)), since, ("wanted",)


def _series(stage: _Stage) -> Made:
    who, visits = stage.busiest()
    said = stage.at(9 * 60) - 2 * A_DAY
    leaves = CallOut(who, "staff_leaving", said, stage.at(0), stage.quiet.begin + timedelta(days=365))
    later = [v.name for v in stage.quiet.visits if v.provider == who and v.start_at >= stage.at(0)]
    return replace(stage.quiet, call_outs=(leaves,)), said, tuple(later or [v.name for v in visits])


def _closure(stage: _Stage) -> Made:
    site = max(stage.directory.locations, key=lambda c: sum(v.location == c for v in stage.on_the_day()))
    said = stage.at(6 * 60 + 10, site)
    closed = Closure(site, said, stage.at(7 * 60, site), stage.at(20 * 60, site), "snow")
    hit = tuple(v.name for v in stage.on_the_day() if v.location == site)
    return replace(stage.quiet, closures=(closed,)), said, hit


def _group(stage: _Stage) -> Made:
    code = stage.services(lambda s: s.capacity > 1, "no service holds several patients")
    groups = [v for v in stage.quiet.visits if v.group is not None and v.service == code and v.provider is not None]
    if not groups:
        raise NotHere(f"no group of {code} stands in that fortnight")
    first = min(groups, key=lambda v: (v.start_at, v.name))
    together = [v for v in groups if v.group == first.group]
    said = first.start_at - 4 * HOUR
    assert first.provider is not None
    call = CallOut(first.provider, "staff_unavailable", said, first.start_at - HOUR, first.start_at + 4 * HOUR)
    return replace(stage.quiet, call_outs=(call,)), said, tuple(v.name for v in together)


def _home_health(stage: _Stage) -> Made:
    must = [c for c, p in sorted(stage.policy.playbook.services.items()) if p.must_not_miss]
    visits = [v for v in stage.on_the_day() if v.service in must and v.provider is not None]
    if not visits:
        raise NotHere("no visit of a service that must not be missed (`must_not_miss`) stands on the fullest day")
    visit = visits[len(visits) // 2]
    assert visit.provider is not None
    said = visit.start_at + HOUR  # nobody hears of it before
    call = CallOut(visit.provider, "staff_unavailable", said, visit.start_at - HOUR, visit.start_at + 8 * HOUR)
    return replace(stage.quiet, call_outs=(call,)), visit.start_at, (visit.name,)


def _outage(stage: _Stage) -> Made:
    """The booking system is down for two hours, and a patient cancels in it."""
    visit = stage.single()
    said = max(visit.start_at - 5 * HOUR, stage.at(8 * 60, visit.location))
    cancelled = replace(visit, cancels_at=said, cancels="patient")
    system = next((s.connection_id for s in stage.directory.systems.values() if "time" in s.owns), "booking")
    down = Trouble("outage", system, said - HOUR, said + HOUR)
    return replace(stage.quiet, visits=stage.with_visit(cancelled), troubles=(down,)), said, (visit.name,)


_MADE: Mapping[str, Callable[[_Stage], Made]] = {
    "booking": _booking,
    "late-cancellation": _late_cancellation,
    "provider-ill": _provider_ill,
    "no-show": _no_show,
    "add-on": lambda stage: _wanted(stage, urgent=True),
    "request": lambda stage: _wanted(stage, urgent=False),
    "series": _series,
    "closure": _closure,
    "group": _group,
    "home-health": _home_health,
    "outage": _outage,
}
SCENES: tuple[str, ...] = (
    "booking", "conflict", "unsolvable", "late-cancellation", "no-show", "add-on", "request", "provider-ill",
    "series", "closure", "group", "home-health", "flood", "half-way", "outage",
)  # fmt: skip
"""The demo's names, in its order, and `outage`."""
CYCLES: tuple[str, ...] = ("late-cancellation", "no-show", "add-on")
"""What must have been rehearsed, among others, before a stage goes live."""


def scene(
    name: str, policy: Policy, parameters: Parameters, begin: datetime, visits_a_day: int | None, seed: int
) -> Scene:
    """One scene of a practice. Raises NotHere with the reason, KeyError for a name that is none."""
    if name not in SCENES:
        raise KeyError(name)
    if name == "flood":
        raise NotHere("a flood is stopped before anything is decided (D8): `demo --scene flood` plays it")
    stage = _Stage(policy, parameters, begin, visits_a_day, seed)
    if name in _MADE:
        return Scene(name, policy, *_MADE[name](stage))
    month, begins, about = _booking(stage)
    visit = next(v for v in month.visits if v.name == about[0])
    if name == "half-way":
        return Scene(name, _half_way(policy), month, begins, about, _taken(stage, visit))
    if name == "unsolvable":
        away = [s.staff_id for s in stage.directory.staff.values() if s.staff_id != visit.provider]
        out = tuple(
            CallOut(who, "staff_unavailable", begins - HOUR, stage.at(0), stage.at(24 * 60)) for who in sorted(away)
        )
        month = replace(month, call_outs=out)
    return Scene(name, policy, month, begins, about, _taken(stage, visit))


def _taken(stage: _Stage, visit: Planned) -> dict[Id, tuple[Block, ...]]:
    """The provider's own calendar has something at the time of a visit."""
    assert visit.provider is not None
    end = visit.start_at + timedelta(minutes=visit.minutes)
    return {visit.provider: (Block(visit.provider, visit.start_at, end, "something-else"),)}


def _half_way(policy: Policy) -> Policy:
    """Stage 1 live, the others off (D29)."""
    live: Literal["live"] = "live"
    stages = {name: Stage("off") for name in ("no_show_follow_up", "dispatch_routing", "escalation")}
    playbook = replace(policy.playbook, stages={"booking_confirmation": Stage(live), **stages})  # type: ignore[dict-item]  # the four names
    return Policy(policy.directory, playbook)
