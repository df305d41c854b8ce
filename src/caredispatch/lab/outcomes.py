"""`make outcomes`: play the shipped practices by hand and stage by stage, and write docs/outcomes.md from what they
come to. Months are played beside each other on the machine's cores; the page depends on the seeds alone."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from caredispatch.app.shipped import shipped_practice
from caredispatch.rehearsal.beside import REFERENCE, WORKED_EXAMPLE
from caredispatch.rehearsal.outcomes import ALL_FOUR, BY_HAND, WAYS, Month, Results, Trial, Way, month_told, smaller
from caredispatch.rehearsal.outcomes_page import outcomes_text
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.practices import practice_names
from caredispatch.rehearsal.sensitivity import Swing, swings

MOVED = (
    "desk.booking",
    "desk.phone_call",
    "desk.phones_before",
    "desk.same_day_change",
    "desk.status_change",
    "patients.confirms",
    "patients.no_show",
    "patients.picks_up",
    "practice.add_ons",
    "staff.accepts_cover",
    "staff.answers_cover",
    "staff.call_outs",
)
"""The assumptions that are moved: those about what takes people time."""


@dataclass(frozen=True, slots=True)
class Job:
    """One month to be played: a practice, one of its assumptions perhaps moved, a way of working, a seed."""

    trial: str
    way: Way
    seed: int
    days: int
    moved: str = ""
    value: float = 0.0


def trial_of(name: str) -> Trial:
    """One of the shipped practices, or the worked example: twelve of its therapists."""
    if name == WORKED_EXAMPLE:
        group = shipped_practice("behavioral-health")
        facts = replace(group.facts, coordinators=2, visits_a_day=group.facts.visits_a_day * 12 // 20)
        whole = Trial(name, group.policy, group.facts, group.parameters)
        return smaller(whole, name, 12, facts)
    found = shipped_practice(name)
    return Trial(name, found.policy, found.facts, found.parameters)


def play_job(job: Job) -> Month:
    """What one month came to."""
    trial = trial_of(job.trial)
    if job.moved:
        trial = replace(trial, parameters=trial.parameters.but({job.moved: job.value}))
    return month_told(trial, job.way, job.seed, job.days)


def played(jobs: Iterable[Job], processes: int) -> dict[Job, Month]:
    """Every month, with a line of progress."""
    waiting = list(jobs)
    done: dict[Job, Month] = {}
    with ProcessPoolExecutor(processes) as pool:
        for job, month in zip(waiting, pool.map(play_job, waiting, chunksize=1), strict=True):
            done[job] = month
            sys.stderr.write(f"\r{len(done)} of {len(waiting)} months ")
            sys.stderr.flush()
    sys.stderr.write("\n")
    return done


def results_of(names: Iterable[str], seeds: tuple[int, ...], days: int, processes: int) -> Results:
    """All practices in all ways of working."""
    trials = {name: trial_of(name) for name in names}
    done = played((Job(t, way, s, days) for s in seeds for t in trials for way in WAYS), processes)
    months = {(t, way.name): [done[Job(t, way, s, days)] for s in seeds] for t in trials for way in WAYS}
    return Results(trials, months, seeds, days)


def swings_of(seeds: tuple[int, ...], days: int, processes: int) -> tuple[Swing, ...]:
    """How the hours saved in the reference practice swing with each assumption."""
    ways = BY_HAND, ALL_FOUR
    parameters = trial_of(REFERENCE).parameters
    moves: list[tuple[str, float]] = [("", 0.0)]
    for row in (parameters.rows[name] for name in MOVED):
        moves += [(row.name, end) for end in (row.low, row.high) if end is not None and end != row.value]
    done = played((Job(REFERENCE, w, s, days, *move) for s in seeds for move in moves for w in ways), processes)

    def saved(moved: Parameters) -> float:
        changed = [(n, moved.rows[n].value) for n in MOVED if moved.rows[n].value != parameters.rows[n].value]
        name, value = changed[0] if changed else ("", 0.0)
        return fmean(
            _hours(done, Job(REFERENCE, BY_HAND, s, days, name, value))
            - _hours(done, Job(REFERENCE, ALL_FOUR, s, days, name, value))
            for s in seeds
        )

    return swings(parameters, saved, MOVED)


def _hours(done: Mapping[Job, Month], job: Job) -> float:
    return done[job]["coordinator_hours"]


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(prog="make outcomes", description=__doc__)
    parser.add_argument("--runs", type=int, default=20, help="months for each practice and way of working")
    parser.add_argument("--days", type=int, default=28, help="days of a month")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--swings", type=int, default=3, help="months for each assumption that is moved; 0: none")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--build", default="unknown", help="which build it is, for the page")
    parser.add_argument("--to", type=Path, default=Path("docs/outcomes.md"))
    options = parser.parse_args()
    seeds = tuple(range(options.seed, options.seed + options.runs))
    names = [*practice_names(), WORKED_EXAMPLE]
    results = results_of(names, seeds, options.days, options.processes)
    moved = swings_of(seeds[: options.swings], options.days, options.processes) if options.swings else ()
    options.to.write_text(outcomes_text(results, moved, options.build), "utf-8")
    sys.stderr.write(f"{options.to} is written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
