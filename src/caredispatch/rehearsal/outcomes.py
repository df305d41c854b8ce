"""What rehearsed months come to: made-up practices, played by hand and then with one roll-out stage after another, on
the same luck. What is compared is the difference, month by month. `claimed` sets it beside what is claimed, and the
page is `outcomes_page`'s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from caredispatch.core.counting_visits import slot_utilisation
from caredispatch.core.draft import Policy
from caredispatch.core.playbook import AskStep, HandToStep, Playbook, Stage
from caredispatch.core.records import StageName
from caredispatch.rehearsal.by_hand import play_by_hand
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.outcome import Incident, Run
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.people import People
from caredispatch.rehearsal.playing import play
from caredispatch.rehearsal.practices import PracticeFacts
from caredispatch.rehearsal.summing import Interval, figures_told, percentile

BEGIN = datetime(2027, 1, 4, 6, tzinfo=UTC)
"""A Monday in winter, by Chicago's clock."""
WARM_UP = 14
"""Days that are played before what is counted: a practice does not begin with an empty desk, nor with visits of which
the product never heard when they were booked."""
STAGES: tuple[StageName, ...] = ("booking_confirmation", "no_show_follow_up", "dispatch_routing", "escalation")
WEEKS_A_YEAR = 52
DAYS_A_WEEK = 5
Month = Mapping[str, float]
"""What one month came to, by figure."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One practice that is played."""

    name: str
    policy: Policy
    facts: PracticeFacts
    parameters: Parameters


@dataclass(frozen=True, slots=True)
class Way:
    """One way of working: `live` are the stages that are on; None: by hand, without the product."""

    name: str
    live: tuple[StageName, ...] | None


BY_HAND = Way("by hand", None)
WAYS: tuple[Way, ...] = (
    BY_HAND,
    *(Way("stage 1" if n == 1 else f"stages 1 to {n}", STAGES[:n]) for n in range(1, len(STAGES) + 1)),
)
"""By hand, then one stage more at a time: the last is all four."""
ALL_FOUR = WAYS[-1]


def played(trial: Trial, way: Way, seed: int, days: int) -> Run:
    """`days` of a practice in one way of working. The same seed is the same month and the same luck in all ways."""
    month = month_of(trial.policy, trial.parameters, BEGIN, WARM_UP + days, trial.facts.visits_a_day, seed)
    people = People(trial.parameters, seed)
    most = trial.facts.coordinators
    if way.live is None:
        return _without_warm_up(play_by_hand(trial.policy, month, people, trial.parameters, coordinators=most))
    policy = replace(trial.policy, playbook=_with_stages(trial.policy.playbook, way.live))
    return _without_warm_up(play(policy, month, people, trial.parameters, coordinators=most, seed=seed))


def _without_warm_up(run: Run) -> Run:
    """The days after the warm-up. Counts that are not told by day (texts, calls, entries) are their share of all."""
    since = BEGIN + timedelta(days=WARM_UP)
    share = (run.days - WARM_UP) / run.days
    there = run.happened
    happened = replace(
        there,
        first_day=there.first_day + timedelta(days=WARM_UP),
        changes=tuple(c for c in there.changes if c.at >= since),
        cases=tuple(c for c in there.cases if c.opened_at >= since),
        questions=tuple(q for q in there.questions if q.at >= since),
        raised=tuple(r for r in there.raised if r.at >= since),
        noted=tuple(n for n in there.noted if n.at >= since),
    )
    return replace(
        run,
        days=run.days - WARM_UP,
        happened=happened,
        incidents=tuple(i for i in run.incidents if i.at >= since),
        visits=tuple(v for v in run.visits if v.start_at >= since),
        human_minutes=sum(n.minutes for n in happened.noted),
        exceptions=sum(not r.call for r in happened.raised),
        texts=round(run.texts * share),
        calls=round(run.calls * share),
        listed=round(run.listed * share),
        errors=round(run.errors * share),
        fields=round(run.fields * share),
    )


def _with_stages(playbook: Playbook, live: tuple[StageName, ...]) -> Playbook:
    return replace(playbook, stages={name: Stage("live" if name in live else "off") for name in STAGES})


def month_told(trial: Trial, way: Way, seed: int, days: int) -> Month:
    """The figures of one month: those that a rehearsal tells, and a few that only claims are about."""
    run = played(trial, way, seed, days)
    return {**figures_told(run, 0.0), **dict(_of_claims(run, trial.facts))}


def _of_claims(run: Run, facts: PracticeFacts) -> Iterator[tuple[str, float]]:
    weeks = run.days / 7
    yield "hours_a_day_each", run.human_minutes / 60 / weeks / DAYS_A_WEEK / facts.coordinators
    yield "no_show_hours", sum(i.human_minutes for i in run.incidents if i.kind == "no_show") / 60 / weeks
    yield "wrong_entries", run.errors / weeks
    disruptions = _by_incident(i for i in run.incidents if i.same_day and i.kind in ("call_out", "add_on", "closure"))
    if disruptions:
        yield "minutes_a_disruption", sum(disruptions) / len(disruptions)
    offered = sum(figure.of for figure in slot_utilisation(run.happened))
    lost = {
        (v.last.staff_id, v.start_at): v.last
        for v in run.happened.visits
        if not v.kept and not v.replaced and run.happened.within(run.happened.day(v.start_at, v.location))
    }
    minutes = sum((stood.end_at - stood.start_at) / timedelta(minutes=1) for stood in lost.values())
    yield "lost_share", 100 * minutes / offered


def _by_incident(incidents: Iterator[Incident]) -> list[float]:
    """Coordinators' minutes by change outside, whatever it hit (D37)."""
    found: dict[object, float] = {}
    for i in incidents:
        key = i.kind, i.at
        found[key] = found.get(key, 0.0) + i.human_minutes
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Results:
    """All months that were played of some practices: by practice and way, one a seed, in the order of the seeds."""

    trials: Mapping[str, Trial]
    months: Mapping[tuple[str, str], Sequence[Month]]
    seeds: tuple[int, ...]
    days: int

    def level(self, trial: str, way: Way, figure: str, factor: float = 1.0) -> Interval | None:
        """A figure over the months, times a factor."""
        return interval([m[figure] * factor for m in self.months[trial, way.name] if figure in m])

    def change(self, trial: str, before: Way, after: Way, figure: str, factor: float = 1.0) -> Interval | None:
        """How much more of a figure there is after than before, month by month on the same luck, times a factor."""
        pairs = zip(self.months[trial, before.name], self.months[trial, after.name], strict=True)
        return interval([(b[figure] - a[figure]) * factor for a, b in pairs if figure in a and figure in b])

    def share(self, trial: str, before: Way, after: Way, figure: str) -> Interval | None:
        """The change in per cent of what it was before."""
        pairs = zip(self.months[trial, before.name], self.months[trial, after.name], strict=True)
        return interval([100 * (b[figure] / a[figure] - 1) for a, b in pairs if a.get(figure) and figure in b])


def interval(values: Sequence[float]) -> Interval | None:
    """The median, and the 2.5th and 97.5th percentile over the months; None of none."""
    ordered = sorted(values)
    low, middle, high = (percentile(ordered, share) for share in (2.5, 50, 97.5))
    return None if low is None or middle is None or high is None else Interval(low, middle, high)


def minutes_to_a_person(playbook: Playbook, path: str) -> int | None:
    """How long a path asks before it ends before a named human, by its own windows; None where one of them depends on
    the visit, or the path is not there."""
    steps = playbook.paths[path].steps if path in playbook.paths else ()
    asks = [step for step in steps if isinstance(step, AskStep)]
    if not asks or not isinstance(steps[-1], HandToStep) or any(a.window.kind != "minutes" for a in asks):
        return None
    return sum(a.window.minutes for a in asks)


def smaller(trial: Trial, name: str, providers: int, facts: PracticeFacts) -> Trial:
    """The same practice with fewer of those who hold visits."""
    directory = trial.policy.directory
    needed = {s.needs_role for s in directory.services.values()}
    holding = [who for who, s in directory.staff.items() if needed & set(s.roles)][:providers]
    staff = {who: s for who, s in directory.staff.items() if who in holding or not needed & set(s.roles)}
    return Trial(name, replace(trial.policy, directory=replace(directory, staff=staff)), facts, trial.parameters)
