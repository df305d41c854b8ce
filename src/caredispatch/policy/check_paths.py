"""Escalation paths: whom each kind of case may ask along one, how a path ends (D25, D28), and that no live path hands
to a stage that is not live (D29)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Literal

from caredispatch.core.playbook import (
    Action,
    AskStep,
    Confirm,
    Cover,
    Fill,
    FollowUp,
    HandToStep,
    ListStep,
    Path,
    Place,
    Playbook,
    Stage,
)
from caredispatch.core.records import StageName
from caredispatch.policy.findings import Finding
from caredispatch.policy.looking import Looking, actions

Use = Literal["confirm_provider", "confirm_patient", "cover", "fill", "follow_up", "place"]
"""What a rule does along a path."""

STAGE_OF: Mapping[Use, StageName] = {
    "confirm_provider": "booking_confirmation",
    "confirm_patient": "booking_confirmation",
    "cover": "dispatch_routing",
    "fill": "dispatch_routing",
    "follow_up": "no_show_follow_up",
    "place": "dispatch_routing",
}
_MAY_ASK: Mapping[Use, tuple[str, ...]] = {
    "confirm_provider": ("assignee",),
    "confirm_patient": ("patient",),
    "cover": ("pool", "assignee", "patient", "people"),
    "fill": ("waitlist", "people"),
    "follow_up": ("patient",),
    "place": ("patient", "pool", "people"),
}
_OTHERWISE: Mapping[Use, str] = {
    "confirm_provider": "a rule confirms with this path, and only who has the visit can confirm it: this asks nobody.",
    "confirm_patient": "a patient's path asks the patient.",
    "cover": "this path finds somebody else: it does not ask the waitlist.",
    "fill": "this path fills a time: it asks the waitlist, or people by name.",
    "follow_up": "this path brings a patient back: it asks the patient.",
    "place": "this path finds a time: it asks the patient, or staff.",
}
_PATIENTS: frozenset[Use] = frozenset({"confirm_patient", "follow_up", "place"})
_OFFERING: frozenset[Use] = frozenset({"cover", "follow_up", "place"})


def use_of(action: Action) -> tuple[Use, str] | None:
    """What an action does along which path."""
    match action:
        case Confirm(who="patient", path=path):
            return "confirm_patient", path
        case Confirm(path=path):
            return "confirm_provider", path
        case Cover(path=path):
            return "cover", path
        case Fill(path=path):
            return "fill", path
        case FollowUp(path=path):
            return "follow_up", path
        case Place(path=path):
            return "place", path
        case _:
            return None


def uses_of(playbook: Playbook) -> dict[str, tuple[Use, ...]]:
    """What each path is used for, by rules and by what a no leads to."""
    steps = (s for path in playbook.paths.values() for s in path.steps if isinstance(s, AskStep))
    declines = [s.on_decline for s in steps if s.on_decline is not None]
    found: dict[str, dict[Use, None]] = {}
    for action in [*(a for _, a in actions(playbook)), *declines]:
        used = use_of(action)
        if used is not None:
            found.setdefault(used[1], {})[used[0]] = None
    return {name: tuple(uses) for name, uses in found.items()}


def paths(looking: Looking) -> Iterator[Finding]:
    """Everything that is wrong with the paths."""
    uses = uses_of(looking.playbook)
    for name, path in looking.playbook.paths.items():
        mine = uses.get(name, ())
        if not mine:
            problem = "no rule uses this path."
            yield looking.marks.finding(("paths", name), problem, "Remove it, or name it in a rule.", "warning")
        yield from _end(looking, path, mine)
        yield from _order(looking, path)
        for index, step in enumerate(path.steps):
            if isinstance(step, AskStep):
                yield from _asking(looking, path, index, step, mine)
                yield from _handing_over(looking, path, index, step, mine)


def _end(looking: Looking, path: Path, uses: tuple[Use, ...]) -> Iterator[Finding]:
    for_patients = bool(uses) and _PATIENTS.issuperset(uses)
    where = ("paths", path.name, "steps", len(path.steps) - 1)
    match path.steps[-1]:
        case HandToStep():
            pass
        case ListStep() if not for_patients:
            problem, fix = (
                "only a patient's path may end on the call list.",
                "End it with `hand_to:` a name under people.",
            )
            yield looking.marks.finding(where, problem, fix)
        case ListStep():
            pass
        case _:
            also = ", or `list: calls`." if for_patients else "."
            fix = f"Add a last step `hand_to:` a name under people{also}"
            yield looking.marks.finding(where, "the path ends without a named human.", fix)


def _order(looking: Looking, path: Path) -> Iterator[Finding]:
    for index, step in enumerate(path.steps[:-1]):
        if isinstance(step, HandToStep | ListStep):
            problem = "the steps after this one can never happen."
            yield looking.marks.finding(("paths", path.name, "steps", index), problem, "Move it to the end.", "warning")
    if not any(isinstance(step, AskStep) for step in path.steps):
        fix = "Add a step with `ask:`, or use `hand_to` in the rule."
        yield looking.marks.finding(("paths", path.name), "the path asks nobody.", fix, "warning")


def _asking(looking: Looking, path: Path, index: int, step: AskStep, uses: tuple[Use, ...]) -> Iterator[Finding]:
    where = ("paths", path.name, "steps", index)
    whom = step.whom if step.whom in ("assignee", "pool", "waitlist", "patient") else "people"
    refused = next((use for use in uses if whom not in _MAY_ASK[use]), None)
    if refused is not None:
        allowed = ", ".join("a name under people" if w == "people" else f"`{w}`" for w in _MAY_ASK[refused])
        fix = f"Ask {allowed}; or use a path of its own."
        yield looking.marks.finding((*where, "ask"), _OTHERWISE[refused], fix)
    elif whom != "patient" and step.offer is not None:
        yield looking.marks.finding((*where, "offer"), "only a patient chooses from an offer.", "Remove `offer`.")
    elif whom == "patient" and step.offer is None and _OFFERING.intersection(uses):
        problem = "the patient is asked, and nothing is there to choose from."
        yield looking.marks.finding((*where, "ask"), problem, "Add `offer: { openings: 3 }`.")
    elif whom == "patient" and step.offer is not None and "confirm_patient" in uses:
        problem = "a rule confirms with this path, and what is confirmed is the visit as it stands."
        yield looking.marks.finding((*where, "offer"), problem, "Remove `offer`, or use a path of its own.")


def _handing_over(looking: Looking, path: Path, index: int, step: AskStep, uses: tuple[Use, ...]) -> Iterator[Finding]:
    """D29: what a no leads to must be live wherever the path is, on any day from now on."""
    to = use_of(step.on_decline) if step.on_decline else None
    if to is None:
        return
    where = ("paths", path.name, "steps", index, "on_decline")
    if uses and "confirm_provider" not in uses:
        problem = "only who was told or asked about their own visit can decline it: this never happens."
        yield looking.marks.finding(where, problem, "Remove `on_decline`: the next one is asked.", "warning")
    for use in uses:
        torn = _torn(looking.playbook, STAGE_OF[use], STAGE_OF[to[0]])
        if torn is not None:
            stage, at = STAGE_OF[to[0]], torn[0] or "every other location"
            problem = f"at {at} this path is live and hands to {stage}, which is {torn[1]} there."
            fix = f"Make {stage} live there at the same time, or leave `on_decline` out."
            yield looking.marks.finding(where, problem, fix)


def _torn(playbook: Playbook, this: StageName, other: StageName) -> tuple[str, str] | None:
    """A place where, on some day (each stage may begin on one), the first is live and the second is not."""
    one, two = playbook.stages.get(this, Stage("off")), playbook.stages.get(other, Stage("off"))
    places = sorted({*one.by_location, *two.by_location, ""})
    days = sorted({date.min, *(d for s in (one, two) if s.since for d in (s.since, s.since - timedelta(days=1)))})
    for place in places:
        for day in days:
            if one.at(place, day) == "live" and two.at(place, day) != "live":
                return place, two.at(place, day)
    return None
