"""What to change next, from what the questions of a time show: each recommendation is a change of the practice's own
playbook as a diff, with its reason. What the change would do is rehearsed by whoever has a rehearsal (`effect`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from caredispatch.core.facts import Directory
from caredispatch.core.playbook import AskStep, Playbook, QuietHours
from caredispatch.insights import patterns
from caredispatch.insights.patterns import of_step
from caredispatch.policy.editing import CannotEdit, added, reordered, replaced, unified
from caredispatch.policy.findings import PlaybookInvalid
from caredispatch.policy.reader import read_playbook
from caredispatch.store.asked import Asked

Kind = Literal["window", "hours", "group size", "order", "load"]
WANTED = 0.8
"""How often the first round of a step should find somebody."""
MOST_AT_ONCE = 5
_STEPS = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
"""Waits in minutes that people write."""
_ONE_PERSON = ("assignee", "patient")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One change: what is seen, what to do, the diff of the playbook (empty where the language has no word for it), and
    what a rehearsal says of it (empty: not rehearsed). `names_people`: not for a mail."""

    kind: Kind
    seen: str
    change: str
    diff: str = ""
    text: str = ""
    effect: str = ""
    names_people: bool = False


@dataclass(frozen=True, slots=True)
class Material:
    """The playbook as text and as values, who is who, the questions of `weeks` weeks."""

    text: str
    playbook: Playbook
    directory: Directory
    asked: Sequence[Asked]
    weeks: float


def recommend(material: Material) -> tuple[Recommendation, ...]:
    """All that the questions give reason for, step by step."""
    found: list[Recommendation] = []
    for name, path in material.playbook.paths.items():
        for number, step in enumerate(path.steps):
            if isinstance(step, AskStep):
                here = of_step(material.asked, name, number)
                found += _of_step(material, name, number, step, here, urgent=path.urgent)
    return (*found, *_load(material))


def rehearsed(recommendations: Sequence[Recommendation], rehearse: Callable[[str], str]) -> tuple[Recommendation, ...]:
    """The same with the effect that a rehearsal of each changed playbook text shows."""
    return tuple(replace(r, effect=rehearse(r.text)) if r.text else r for r in recommendations)


def _of_step(
    material: Material, path: str, number: int, step: AskStep, asked: Sequence[Asked], *, urgent: bool
) -> Iterator[Recommendation]:
    place = f"step {number + 1} of path `{path}`"
    yield from _window(material, path, number, step, asked, place)
    if step.whom not in (*_ONE_PERSON, "waitlist"):
        yield from _hours(material, step, asked, place, first=number == 0, urgent=urgent)
    if step.whom not in _ONE_PERSON:
        yield from _group_size(material, path, number, step, asked, place)
    if step.whom in material.playbook.people:
        yield from _order(material, step.whom, asked, place)


def _window(
    material: Material, path: str, number: int, step: AskStep, asked: Sequence[Asked], place: str
) -> Iterator[Recommendation]:
    if step.window.kind != "minutes":
        return
    found = patterns.waits(asked, timedelta(minutes=step.window.minutes))
    if found is None:
        return
    enough = next((s for s in _STEPS if s >= found.at_most), step.window.minutes)
    if enough * 1.5 <= step.window.minutes:
        seen = f"In {place} 95 % of {found.answers} answers came within {found.seen:.0f} min"
        seen += f" (at most {found.at_most:.0f}); it waits {step.window.minutes} min."
        wanted, change = enough, f"Wait {enough} min there: who has not answered by then hardly ever does."
    elif found.late >= 0.1:
        wanted = next((s for s in _STEPS if s > step.window.minutes), step.window.minutes)
        seen = f"In {place} {found.late:.0%} of {found.answers} answers came in the last fifth of its "
        seen += f"{step.window.minutes} min: more would have come later."
        change = f"Wait {wanted} min there."
    else:
        return
    where = ("paths", path, "steps", number, "for")
    yield _with_diff(material, Recommendation("window", seen, change), lambda t: replaced(t, where, _minutes(wanted)))


def _hours(
    material: Material, step: AskStep, asked: Sequence[Asked], place: str, *, first: bool, urgent: bool
) -> Iterator[Recommendation]:
    zones = {code: site.time_zone for code, site in material.directory.locations.items()}
    rules = " and ".join(f"“{rule}”" for rule in sorted({a.rule for a in asked}))
    by = f"The first step of rule {rules}" if first and rules else place.capitalize()
    for stretch, n, otherwise in patterns.silent_stretches(asked, zones):
        seen = f"{by} is answered by nobody {stretch}: 0 of {n} questions, {otherwise:.0%} at other times ({place})."
        quiet = _quiet_from_18(material.playbook.quiet_staff) if stretch == "after 18:00" and not urgent else None
        if quiet is not None:
            yield _later(material, seen, quiet)
        else:
            change = f"Name somebody for that step who is on duty {stretch}, or hand over at once then: a question "
            yield Recommendation("hours", seen, f"{change}there only costs its wait.")


def _later(material: Material, seen: str, quiet: str) -> Recommendation:
    change = "Begin the quiet hours of staff at 18:00: what can wait is asked in the morning, and nobody is disturbed"
    recommendation = Recommendation("hours", seen, f"{change} for nothing.")
    return _with_diff(material, recommendation, lambda text: replaced(text, ("quiet_hours", "staff"), quiet))


def _quiet_from_18(quiet: QuietHours) -> str | None:
    """The quiet hours begun at 18:00, as they are written; None where that would not be earlier."""
    if not quiet.begin > 18 * 60:
        return None
    return f"18:00-{quiet.end // 60:02d}:{quiet.end % 60:02d}"


def _group_size(
    material: Material, path: str, number: int, step: AskStep, asked: Sequence[Asked], place: str
) -> Iterator[Recommendation]:
    found = patterns.rounds(asked)
    if found is None or step.at_once < 1:
        return
    wanted = min(MOST_AT_ONCE, found.needed(found.chance, WANTED))
    # Only where even the bound on the other side says the same.
    more = wanted > step.at_once and found.needed(found.most, WANTED) > step.at_once
    fewer = wanted < step.at_once and found.needed(found.least, WANTED) < step.at_once
    if not (more or fewer):
        return
    seen = (
        f"In {place} one person says yes with a chance of {found.chance:.0%} ({found.least:.0%} to {found.most:.0%}, "
    )
    seen += f"{found.rounds} rounds); {step.at_once} {'is' if step.at_once == 1 else 'are'} asked at once."
    reach = 1 - (1 - found.chance) ** wanted
    change = f"Ask {wanted} at once: {reach:.0%} of first rounds then find somebody."
    where = ("paths", path, "steps", number)

    def edit(text: str) -> str:
        try:
            return replaced(text, (*where, "at_once"), str(wanted))
        except CannotEdit:
            return added(text, where, "ask", "at_once", str(wanted))

    yield _with_diff(material, Recommendation("group size", seen, change), edit)


def _order(material: Material, group: str, asked: Sequence[Asked], place: str) -> Iterator[Recommendation]:
    handles = material.playbook.people[group]
    ids = {s.handle: s.staff_id for s in material.directory.staff.values()}
    if len(handles) < 2 or any(h not in ids for h in handles):
        return
    shares = patterns.shares_of_yes(asked, [ids[h] for h in handles])
    if shares is None or not any(later[1] > shares[0][2] for later in shares[1:]):
        return
    order = sorted(range(len(handles)), key=lambda i: (-shares[i][0], i))
    told = ", ".join(f"{h} {s[0]:.0%}" for h, s in zip(handles, shares, strict=True))
    seen = f"In {place} {handles[0]} is asked first and says yes less often than others of `{group}`: {told}."
    change = f"Ask in the order {', '.join(handles[i] for i in order)}, unless a contract or their wish says otherwise."
    recommendation = Recommendation("order", seen, change, names_people=True)
    yield _with_diff(material, recommendation, lambda t: reordered(t, ("people", group), order))


def _load(material: Material) -> Iterator[Recommendation]:
    found = patterns.heaviest(material.asked, material.weeks)
    limit = material.playbook.limits.staff_asks_per_day
    if found is None:
        return
    staff = {s.staff_id: s.handle for s in material.directory.staff.values()}
    who = next((handle for staff_id, handle in staff.items() if staff_id == found.staff_id), "somebody who left")
    seen = f"{who} is asked {found.a_week:.1f} times a week, {found.times_median:.1f} times as often as the median of "
    seen += f"those asked, and says yes to {found.yes:.0%} (all: {found.yes_of_all:.0%})."
    if limit < 2:
        yield Recommendation("load", seen, "Add people to the pool: the limit is one a day already.", names_people=True)
        return
    change = f"Let nobody be asked more than {limit - 1} times a day, and weigh `load` more in the rules that ask them."
    recommendation = Recommendation("load", seen, change, names_people=True)
    where = ("limits", "staff", "asks", "most")
    yield _with_diff(material, recommendation, lambda t: replaced(t, where, str(limit - 1)))


def _minutes(wanted: int) -> str:
    if wanted % 1440 == 0:
        return f"{wanted // 1440} d"
    return f"{wanted // 60} h" if wanted % 60 == 0 else f"{wanted} min"


def _with_diff(material: Material, recommendation: Recommendation, edit: Callable[[str], str]) -> Recommendation:
    """With its diff, where the text can be changed so and still is a playbook."""
    try:
        text = edit(material.text)
        read_playbook(text)
    except (CannotEdit, PlaybookInvalid):
        return recommendation
    return replace(recommendation, diff=unified(material.text, text), text=text)
