"""Names in a playbook that must lead somewhere: people, paths, texts, services, locations."""

from __future__ import annotations

from collections.abc import Iterator

from caredispatch.core.playbook import (
    Action,
    AskStep,
    Confirm,
    HandTo,
    HandToStep,
    ListStep,
    OneOf,
    Step,
    Tell,
    TellStep,
)
from caredispatch.policy.check_paths import use_of
from caredispatch.policy.duty import gaps, shown
from caredispatch.policy.findings import Finding, Severity, choose_from
from caredispatch.policy.looking import Looking, actions
from caredispatch.policy.source import Where

SELF_EVIDENT = frozenset({"assignee", "pool", "waitlist", "patient"})


def names(looking: Looking) -> Iterator[Finding]:
    """Every name that leads nowhere."""
    for where, action in actions(looking.playbook):
        yield from _action(looking, where, action)
    for name, path in looking.playbook.paths.items():
        for index, step in enumerate(path.steps):
            yield from _step(looking, ("paths", name, "steps", index), step)
    yield from _group(looking, ("last_owner",), looking.playbook.last_owner, final=True)
    if looking.playbook.clinician:
        yield from _clinicians(looking, looking.playbook.clinician)
    yield from _set_up(looking)


def _step(looking: Looking, where: Where, step: Step) -> Iterator[Finding]:
    match step:
        case AskStep():
            if step.on_decline is not None:
                yield from _action(looking, (*where, "on_decline"), step.on_decline)
            if step.whom not in SELF_EVIDENT:
                yield from _group(looking, (*where, "ask"), step.whom)
        case TellStep(tell=told):
            yield from _action(looking, where, told)
        case HandToStep(who=who):
            yield from _group(looking, (*where, "hand_to"), who, final=True)
        case ListStep(owner=owner):
            yield from _group(looking, (*where, "owner"), owner, final=True)


def _action(looking: Looking, where: Where, action: Action) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    used = use_of(action)
    if used is not None and used[1] not in playbook.paths:
        word = "confirm" if isinstance(action, Confirm) else used[0]
        fix = choose_from(used[1], playbook.paths)
        yield marks.finding((*where, word, "path"), f"there is no path {used[1]!r}.", fix)
    match action:
        case Tell(text=text) if text not in playbook.texts:
            fix = choose_from(text, playbook.texts)
            yield marks.finding((*where, "tell", "text"), f"there is no text {text!r}.", fix)
        case HandTo(who=who):
            yield from _group(looking, (*where, "hand_to"), who, final=True)
        case _:
            pass


def _group(looking: Looking, where: Where, name: str, *, final: bool = False) -> Iterator[Finding]:
    members = looking.playbook.people.get(name)
    if members is None:
        problem = f"nobody is called {name!r} under people."
        yield looking.marks.finding(where, problem, choose_from(name, looking.playbook.people))
    elif not members:
        severity: Severity = "error" if final else "warning"
        yield looking.marks.finding(where, f"{name!r} has no members.", "Name somebody under people.", severity)
    elif final and looking.known and (alone := gaps(looking.known.hours, members)):
        more = f" and {len(alone) - 1} more times a week" if len(alone) > 1 else ""
        problem = f"nobody in {name!r} is on duty {shown(alone[0])}{more}, when a visit can fall due."
        yield looking.marks.finding(
            where, problem, "Add somebody under people who works then, or give them those hours."
        )


def _clinicians(looking: Looking, name: str) -> Iterator[Finding]:
    """Who is alerted at any hour need not be on duty then, but is somebody who works here."""
    where = ("safety", "clinician")
    yield from _group(looking, where, name)
    members = looking.playbook.people.get(name, ())
    if looking.known and looking.known.hours and not any(looking.known.hours.get(m) for m in members):
        yield looking.marks.finding(where, f"nobody in {name!r} has working hours.", "Name somebody who has them.")


def _set_up(looking: Looking) -> Iterator[Finding]:
    """Names that the practice's own directory must know, where one is imported."""
    known, playbook = looking.known, looking.playbook
    if known is None:
        return
    for name, handles in playbook.people.items():
        for index, handle in enumerate(handles):
            yield from _there(looking, ("people", name, index), "staff", handle, known.staff)
    for code in playbook.services:
        yield from _there(looking, ("services", code), "service", code, known.services)
    for name, stage in playbook.stages.items():
        for place in stage.by_location:
            yield from _there(looking, ("stages", name, place), "location", place, known.locations)
    yield from _conditions(looking)


def _there(looking: Looking, where: Where, what: str, value: str, there: frozenset[str]) -> Iterator[Finding]:
    if there and value not in there:
        problem = f"the practice has no {what} {value!r}."
        yield looking.marks.finding(where, problem, choose_from(value, sorted(there)))


def _conditions(looking: Looking) -> Iterator[Finding]:
    assert looking.known is not None
    sets = {"service": looking.known.services, "location": looking.known.locations}
    for section, rules in looking.playbook.sections.items():
        for at, rule in enumerate(rules):
            for condition in rule.conditions:
                there = sets.get(condition.name, frozenset())
                for value in condition.test.values if isinstance(condition.test, OneOf) else ():
                    yield from _there(looking, (section, at, "if", condition.name), condition.name, value, there)
