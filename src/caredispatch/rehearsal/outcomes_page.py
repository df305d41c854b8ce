"""docs/outcomes.md as text: what we measured in rehearsal beside what is claimed, every row, in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from caredispatch.rehearsal.beside import REFERENCE, Beside
from caredispatch.rehearsal.claimed import beside
from caredispatch.rehearsal.claims import Claim, claims
from caredispatch.rehearsal.outcomes import ALL_FOUR, BY_HAND, WARM_UP, WAYS, Results
from caredispatch.rehearsal.sensitivity import Swing
from caredispatch.rehearsal.summing import Interval

FEW = 20
_STEPS = (
    ("coordinator_hours", "coordinators' hours a week", 1),
    ("scrambles", "same-day scrambles a week", 1),
    ("unresolved", "of them not resolved", 1),
    ("utilisation", "slot utilisation %", 1),
    ("confirmation", "patients who confirmed %", 0),
    ("fill_rate", "freed times filled %", 0),
    ("no_shows", "no-shows %", 1),
    ("exceptions", "exceptions a day", 1),
    ("wrong_entries", "wrong entries a week", 0),
)


def outcomes_text(results: Results, swings: Sequence[Swing], build: str) -> str:
    """The page. `swings` are of the hours saved in the reference practice; none: it was left out."""
    return "\n".join([*_head(results, build), *_practices(results), *_claims(results), *_stages(results),
                      *_sensitivity(swings), *_outside()]) + "\n"  # fmt: skip


def _head(results: Results, build: str) -> Iterator[str]:
    seeds = results.seeds
    months = f"{len(seeds)} month{'s' if len(seeds) > 1 else ''} of {results.days} days"
    yield "# Outcomes"
    yield ""
    yield from _wrapped(
        "What rehearsals of made-up practices come to, beside what is claimed for such products. Nothing here comes "
        "from a real practice. Your own numbers come from your own rehearsal, and after that from your own before and "
        "after."
    )
    yield ""
    yield from _wrapped(
        f"Made by `make outcomes` with build {build}: {months} for each practice and way of working, after {WARM_UP} "
        f"days that are not counted; seeds {seeds[0]} to {seeds[-1]}. Same build, same seeds, same numbers."
    )
    yield ""
    for point in _POINTS:
        yield from _wrapped(point, "- ")
    if len(seeds) < FEW:
        few = f"Of {len(seeds)} months an interval is hardly more than their range."
        yield from _wrapped(f"{few} `make outcomes` without ARGS plays 20.", "- ")
    yield ""


_POINTS = (
    "**The same luck.** The same months, people and call-outs are played by hand and then with one roll-out stage "
    "after another. Numbers in brackets bound 95 of 100 months; of a change, month by month. They say how much months "
    "differ, not how sure the assumptions are: that is under [sensitivity](#sensitivity).",
    "**By hand** means coordinators with telephones in working hours, one thing at a time, the most urgent first. They "
    "phone people one after another, and type every change into three systems.",
    "**With the product** the same `decide` and `apply` run as in production. What comes before a person is done by "
    "the same coordinators, at the same minutes as by hand; each visit of a call-out that nobody took costs the whole "
    "of a change on its day, where by hand only the first one does.",
    "**reached** means that our middle is at least as good as the weakest number claimed, **more than claimed** that "
    "all months are better than the strongest; **within the interval**, that some are as good; **not reached**, that "
    "none is. A claim that is reached is not thereby true: its inputs are often the industry's own.",
)


def _wrapped(text: str, bullet: str = "") -> list[str]:
    """A paragraph, or a point of a list, in lines of a page."""
    return wrap(text, 120, initial_indent=bullet, subsequent_indent=" " * len(bullet), break_long_words=False,
                break_on_hyphens=False)  # fmt: skip


def _practices(results: Results) -> Iterator[str]:
    yield "## The practices"
    yield ""
    yield "| practice | who holds visits | sites | visits a day | coordinators | USD an hour |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, trial in results.trials.items():
        directory, facts = trial.policy.directory, trial.facts
        needed = {s.needs_role for s in directory.services.values()}
        holding = sum(bool(needed & set(s.roles)) for s in directory.staff.values())
        yield (
            f"| {name} | {holding} | {len(directory.locations)} | {facts.visits_a_day} | {facts.coordinators} | "
            f"{facts.coordinator_hourly:g} |"
        )
    yield ""
    yield from _wrapped(
        "How many visits there are is chosen so that utilisation by hand is near what the claims say it was before; "
        "the gain is what is measured."
    )
    yield ""


def _claims(results: Results) -> Iterator[str]:
    yield "## Every claim"
    yield ""
    for metric, group in groupby(claims(), key=lambda c: c.metric):
        rows = [beside(claim, results) for claim in group]
        yield f"### {metric[0].upper()}{metric[1:]}"
        yield ""
        yield "| of | claimed | ours: before | after | change | |"
        yield "| --- | --- | --- | --- | --- | --- |"
        for row in rows:
            yield (
                f"| {row.claim.of} | {_claimed(row.claim)} | {_told(row.before)} | {_told(row.after)} | "
                f"{_told(row.change, signed=True)} | {row.verdict} |"
            )
        yield ""
        yield from _explained(rows)


def _claimed(claim: Claim) -> str:
    both = " to ".join(part for part in (claim.by_hand, claim.claimed) if part)
    return f"{both} {claim.unit}"


def _explained(rows: Sequence[Beside]) -> Iterator[str]:
    """What stands below a table: the formula once, inputs by practice, notes, and what rows need."""
    said: dict[str, None] = {}
    for formula in dict.fromkeys(row.formula for row in rows):
        said[f"Formula: {formula}."] = None
    for row in rows:
        said[f"Input ({row.practice}): {row.input}."] = None
    for row in rows:
        said[row.note] = None
    needs = dict.fromkeys(row.needs for row in rows if row.needs)
    for need in needs:
        whom = ", ".join(row.claim.of for row in rows if row.needs == need)
        said[f"What would have to be true, or known ({whom}): {need}"] = None
    for line in said:
        yield from _wrapped(line, "- ") if line else ()
    yield ""


def _told(found: Interval | None, *, signed: bool = False) -> str:
    if found is None:
        return ""
    size = max(abs(found.low), abs(found.middle), abs(found.high))
    form = f"{'+' if signed else ''},.{0 if size >= 100 else 1}f"
    low, middle, high = (format(value, form) for value in (found.low, found.middle, found.high))
    return middle if low == high else f"{middle} ({low} to {high})"


def _stages(results: Results) -> Iterator[str]:
    yield "## Stage by stage"
    yield ""
    yield from _wrapped(
        "Stage 1 is booking confirmation, 2 no-show follow-up, 3 dispatch routing, 4 escalation. What a stage that is "
        "off would have done stands before a person (D29). Middles of the months."
    )
    yield ""
    for name in results.trials:
        yield f"### {name}"
        yield ""
        yield f"| | {' | '.join(way.name for way in WAYS)} |"
        yield f"| --- |{' --- |' * len(WAYS)}"
        for figure, words, decimals in _STEPS:
            cells = [results.level(name, way, figure) for way in WAYS]
            told = ["" if c is None else f"{c.middle:,.{decimals}f}" for c in cells]
            yield f"| {words} | {' | '.join(told)} |"
        yield ""


def _sensitivity(swings: Sequence[Swing]) -> Iterator[str]:
    yield "## Sensitivity"
    yield ""
    if not swings:
        yield "Left out of this run."
        yield ""
        return
    yield from _wrapped(
        "Which assumptions matter most: each is moved alone to both ends of its range; told is what the hours saved a "
        f"week in {REFERENCE} ({BY_HAND.name} less {ALL_FOUR.name}) become. As assumed: {swings[0].as_is:.1f}. The "
        "first three matter most: who knows those of their own practice knows most of what this page can say."
    )
    yield ""
    yield "| assumption | from | hours saved | to | hours saved |"
    yield "| --- | --- | --- | --- | --- |"
    for s in swings:
        unit = s.parameter.unit
        yield (
            f"| `{s.parameter.name}`: {s.parameter.says} | {s.low:g} {unit} | {s.at_low:.1f} | {s.high:g} {unit} | "
            f"{s.at_high:.1f} |"
        )
    yield ""


def _outside() -> Iterator[str]:
    yield "## What the model leaves out"
    yield ""
    yield "- People's time with the product beyond the queue: learning it, checking on it, changing the playbook."
    yield "- What patients and staff come to expect: nobody tires of texts over the months, nobody comes to like them."
    yield "- Insurance, authorisations and intake papers, which fill much of a coordinator's day and stay as they are."
    yield "- Revenue: a kept visit is counted in minutes, not in dollars."
    yield "- Wrong entries lead to nothing here; in a practice some of them cost a visit."
    yield from _wrapped(
        "Visits that were booked before the product began: it fires nothing for them (D8), so that nobody is asked or "
        "reminded. Of weekly series these are most for months, and by hand they are phoned like all others.", "- ",
    )  # fmt: skip
