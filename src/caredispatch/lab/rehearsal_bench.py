"""How long a rehearsed month takes: `make bench-rehearsal`. Seconds of processor time on one core, and beside each, in
turn with it, a plain loop of additions: on another machine the ratio says more than the seconds."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from statistics import median
from time import process_time

import typer

from caredispatch.app.shipped import shipped_practice
from caredispatch.rehearsal.demand import month_of
from caredispatch.rehearsal.people import People
from caredispatch.rehearsal.playing import play

CASES = {"12 providers": "primary-care", "50 staff": "home-health"}
"""Made-up practices with about so many people who hold visits."""
BEGIN = datetime(2027, 1, 4, 6, tzinfo=UTC)
VISITS, DAYS, TURNS = 80, 30, 3
ADDITIONS = 20_000_000


def main(as_json: bool = typer.Option(False, "--json"), short: bool = typer.Option(False, "--short")) -> None:
    """Measure and print."""
    found = {name: _case(practice, 1 if short else TURNS) for name, practice in CASES.items()}
    if as_json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
        return
    for name, row in found.items():
        sys.stdout.write(
            f"{name}: a month of {VISITS} visits a day in {row['seconds']:.2f} s of one core, "
            f"{row['ratio']:.2f} times {ADDITIONS // 1_000_000} million additions beside it "
            f"({row['decisions']:.0f} decisions, {row['microseconds']:.0f} microseconds each)\n"
        )


def _case(practice: str, turns: int) -> dict[str, float]:
    there = shipped_practice(practice)
    policy, parameters = there.policy, there.parameters
    seconds, ratios, decisions = list[float](), list[float](), 0
    for seed in range(turns):
        beside = _additions()
        begun = process_time()
        month = month_of(policy, parameters, BEGIN, DAYS, VISITS, seed)
        people, most = People(parameters, seed), there.facts.coordinators
        run = play(policy, month, people, parameters, coordinators=most, seed=seed)
        seconds.append(process_time() - begun)
        ratios.append(seconds[-1] / beside)
        decisions = run.decisions
    took = median(seconds)
    return {
        "seconds": took, "ratio": median(ratios), "decisions": decisions, "microseconds": took / decisions * 1e6,
    }  # fmt: skip


def _additions() -> float:
    begun, total = process_time(), 0
    for n in range(ADDITIONS):
        total += n
    return process_time() - begun


if __name__ == "__main__":
    typer.run(main)
