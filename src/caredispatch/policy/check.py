"""`caredispatch check`: what a readable playbook still gets wrong. Errors are refused; warnings are what can never
happen, or what nobody answers for. Every finding names file, line, field, value and fix."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caredispatch.core.playbook import (
    Action,
    AskStep,
    Condition,
    Confirm,
    Cover,
    HandTo,
    HandToStep,
    ListStep,
    OneOf,
    Path,
    Playbook,
    Rule,
    Section,
    Tell,
    Trigger,
    Within,
)
from caredispatch.policy.findings import Finding, PlaybookInvalid
from caredispatch.policy.reader import Marks, parse, to_playbook

VARIABLES = frozenset({"practice", "day", "time", "service", "location", "provider", "link", "number", "questions"})
NEEDED_TEXTS = (
    "confirm_patient",
    "agree_patient",
    "patient_settled",
    "patient_uncovered",
    "patient_cancelled",
    "ask_provider",
    "new_visit",
    "ask_cover",
    "cover_settled",
    "withdrawn_cover",
    "already_taken",
    "visit_cancelled_staff",
    "too_late",
    "which_question",
    "no_open_question",
)
TRIGGERS_OF: Mapping[Section, tuple[Trigger, ...]] = {
    "staff": ("booked", "rescheduled", "conflict_found", "staff_unavailable", "coverage_gap"),
    "patient": ("booked", "rescheduled", "cancelled", "no_show", "patient_declined"),
    "slot": ("cancelled", "no_show"),
}
SELF_EVIDENT = frozenset({"assignee", "pool", "patient"})
CARRIER_WORDS = frozenset({"cancel", "end", "quit", "stop", "unsubscribe", "start", "yes"})


@dataclass(frozen=True, slots=True)
class Known:
    """What the practice has set up; None-like empties are not checked against. `channels` says of each channel whether
    its agreement is signed."""

    services: frozenset[str] = frozenset()
    locations: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    channels: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Looking:
    playbook: Playbook
    marks: Marks
    known: Known | None


def check_text(text: str, file: str = "playbook.yaml", known: Known | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a playbook's text, in the order of its lines."""
    try:
        parsed, marks = parse(text, file)
    except PlaybookInvalid as error:
        return error.findings
    looking = _Looking(to_playbook(parsed), marks, known)
    found = [
        *_paths(looking),
        *_rules(looking),
        *_triggers(looking),
        *_references(looking),
        *_people(looking),
        *_stages(looking),
        *_texts(looking),
    ]
    return tuple(sorted(found, key=lambda f: (f.line, f.column, f.problem)))


# ------------------------------------------------------------------ paths


def _patient_paths(playbook: Playbook) -> set[str]:
    return {a.path for _, _, a in _actions(playbook) if isinstance(a, Confirm) and a.who == "patient"}


def _paths(looking: _Looking) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    for_patients, used = _patient_paths(playbook), _used_paths(playbook)
    for name, path in playbook.paths.items():
        where = ("paths", name, "steps", len(path.steps) - 1)
        last = path.steps[-1]
        if isinstance(last, ListStep) and name not in for_patients:
            yield marks.finding(
                where, "only a patient's path may end on the call list.", "End it with `hand_to:` a name under people."
            )
        elif isinstance(last, AskStep):
            fix = "Add a last step `hand_to:` a name under people" + (
                ", or `list: calls`." if name in for_patients else "."
            )
            yield marks.finding(where, "the path ends without a named human.", fix)
        for index, step in enumerate(path.steps[:-1]):
            if not isinstance(step, AskStep):
                yield marks.finding(
                    ("paths", name, "steps", index),
                    "the steps after this one can never happen.",
                    "Move it to the end.",
                    "warning",
                )
        if not any(isinstance(step, AskStep) for step in path.steps):
            yield marks.finding(
                ("paths", name),
                "the path asks nobody.",
                "Add a step with `ask:`, or use `hand_to` in the rule.",
                "warning",
            )
        if name not in used:
            yield marks.finding(
                ("paths", name), "no rule uses this path.", "Remove it, or name it in a rule.", "warning"
            )
        yield from _whom(looking, path, name in for_patients)


def _whom(looking: _Looking, path: Path, for_patients: bool) -> Iterator[Finding]:
    for index, step in enumerate(path.steps):
        if (
            isinstance(step, AskStep)
            and (step.whom == "patient") != for_patients
            and path.name in _used_paths(looking.playbook)
        ):
            where = ("paths", path.name, "steps", index, "ask")
            problem = "a patient's path asks the patient." if for_patients else "this path is for staff."
            yield looking.marks.finding(where, problem, "Use a path of its own.")


def _used_paths(playbook: Playbook) -> set[str]:
    used = {a.path for _, _, a in _actions(playbook) if isinstance(a, Confirm | Cover)}
    for path in playbook.paths.values():
        used |= {
            s.on_decline.path
            for s in path.steps
            if isinstance(s, AskStep) and isinstance(s.on_decline, Cover | Confirm)
        }
    return used


def _actions(playbook: Playbook) -> Iterator[tuple[tuple[Any, ...], Rule, Action]]:
    for section, rules in playbook.sections.items():
        for at, rule in enumerate(rules):
            for number, action in enumerate(rule.then):
                yield (section, at, "then", number), rule, action


# ------------------------------------------------------------------ rules


def _rules(looking: _Looking) -> Iterator[Finding]:
    """A rule is never reached where, for each of its triggers, an earlier one takes all that it would (or where its
    triggers do not concern its section)."""
    for section, rules in looking.playbook.sections.items():
        for at, rule in enumerate(rules):
            triggers = [t for t in rule.when if t in TRIGGERS_OF[section]]
            if not triggers:
                problem = f"none of its triggers concerns the section {section}."
                fix = f"Use one of: {', '.join(TRIGGERS_OF[section])}."
                yield looking.marks.finding((section, at, "when"), problem, fix, "warning")
                continue
            above = [next((e for e in rules[:at] if t in e.when and _covers(e, rule)), None) for t in triggers]
            if all(above):
                names = ", ".join(sorted({repr(e.name) for e in above if e}))
                problem = f"the rule can never act: {names} above it takes everything."
                yield looking.marks.finding(
                    (section, at, "rule"), problem, "Move it up, or narrow the other.", "warning"
                )


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether every situation that `later` matches is matched by `earlier`: each box of the one lies in the other's."""
    tests = {c.name: c for c in later.conditions}
    return all(c.name in tests and _implies(tests[c.name], c) for c in earlier.conditions)


def _implies(narrow: Condition, wide: Condition) -> bool:
    one, other = narrow.test, wide.test
    if isinstance(one, OneOf) and isinstance(other, OneOf):
        mine, theirs = set(one.values), set(other.values)
        match one.negate, other.negate:
            case False, False:
                return mine <= theirs
            case False, True:
                return not mine & theirs
            case True, True:
                return theirs <= mine
            case _:
                return False
    if isinstance(one, Within) and isinstance(other, Within):
        low = other.low is None or (one.low is not None and one.low >= other.low)
        high = other.high is None or (one.high is not None and one.high <= other.high)
        return low and high
    return False


def _triggers(looking: _Looking) -> Iterator[Finding]:
    for section, triggers in TRIGGERS_OF.items():
        rules = looking.playbook.sections.get(section, ())
        for trigger in triggers:
            if not any(trigger in rule.when for rule in rules):
                problem = f"nothing is said of {trigger!r} in the section {section}."
                fix = "Add a rule, or a last one with `when: any` and `nothing:` with the reason."
                yield looking.marks.finding((section,), problem, fix, "warning")


# ------------------------------------------------------------------ names


def _references(looking: _Looking) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    for where, _, action in _actions(playbook):
        yield from _action_references(looking, where, action)
    for name, path in playbook.paths.items():
        for index, step in enumerate(path.steps):
            place = ("paths", name, "steps", index)
            if isinstance(step, AskStep) and step.on_decline is not None:
                yield from _action_references(looking, (*place, "on_decline"), step.on_decline)
            if isinstance(step, AskStep) and step.whom not in SELF_EVIDENT:
                yield from _group(looking, (*place, "ask"), step.whom)
            if isinstance(step, HandToStep):
                yield from _group(looking, (*place, "hand_to"), step.who, final=True)
            if isinstance(step, ListStep):
                yield from _group(looking, (*place, "owner"), step.owner, final=True)
    yield from _group(looking, ("last_owner",), playbook.last_owner, final=True)
    if looking.known is not None and looking.known.services:
        for code in playbook.services:
            if code not in looking.known.services:
                fix = f"There are: {', '.join(sorted(looking.known.services))}."
                yield marks.finding(("services", code), f"the practice has no service {code!r}.", fix)


def _action_references(looking: _Looking, where: tuple[Any, ...], action: Action) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    match action:
        case Confirm(path=path):
            if path not in playbook.paths:
                yield marks.finding(
                    (*where, "confirm", "path"), f"there is no path {path!r}.", _there_are(playbook.paths)
                )
        case Cover(path=path):
            if path not in playbook.paths:
                yield marks.finding(
                    (*where, "cover", "path"), f"there is no path {path!r}.", _there_are(playbook.paths)
                )
        case Tell(text=text):
            if text not in playbook.texts:
                yield marks.finding((*where, "tell", "text"), f"there is no text {text!r}.", _there_are(playbook.texts))
        case HandTo(who=who):
            yield from _group(looking, (*where, "hand_to"), who, final=True)
        case _:
            pass


def _there_are(names: Mapping[str, object]) -> str:
    return f"There are: {', '.join(sorted(names))}." if names else "There are none yet."


def _group(looking: _Looking, where: tuple[Any, ...], name: str, *, final: bool = False) -> Iterator[Finding]:
    members = looking.playbook.people.get(name)
    if members is None:
        yield looking.marks.finding(
            where, f"nobody is called {name!r} under people.", _there_are(looking.playbook.people)
        )
    elif not members:
        severity = "error" if final else "warning"
        yield looking.marks.finding(where, f"{name!r} has no members.", "Name somebody under people.", severity)


def _people(looking: _Looking) -> Iterator[Finding]:
    if looking.known is None or not looking.known.staff:
        return
    for name, handles in looking.playbook.people.items():
        for index, handle in enumerate(handles):
            if handle not in looking.known.staff:
                fix = f"Import them, or use one of: {', '.join(sorted(looking.known.staff))}."
                yield looking.marks.finding(("people", name, index), f"the practice has no staff {handle!r}.", fix)


# ------------------------------------------------------------------ stages (D29)


def _stages(looking: _Looking) -> Iterator[Finding]:
    """A live path must not hand to one that is not live at the same place."""
    playbook = looking.playbook
    confirm, cover = playbook.stages.get("booking_confirmation"), playbook.stages.get("dispatch_routing")
    if confirm is None or cover is None:
        return
    places = sorted({*confirm.by_location, *cover.by_location, ""})
    torn = [p for p in places if _state(confirm, p) == "live" and _state(cover, p) != "live"]
    if not torn:
        return
    for name, path in playbook.paths.items():
        for index, step in enumerate(path.steps):
            if isinstance(step, AskStep) and isinstance(step.on_decline, Cover):
                at = torn[0] or "every other location"
                problem = f"at {at} this path is live and hands to dispatch_routing, which is {_state(cover, torn[0])}."
                fix = "Make dispatch_routing live there, or `on_decline: { hand_to: … }`."
                yield looking.marks.finding(("paths", name, "steps", index, "on_decline"), problem, fix)


def _state(stage: Any, place: str) -> str:
    return str(stage.by_location.get(place, stage.otherwise))


# ------------------------------------------------------------------ texts (D33)


def _texts(looking: _Looking) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    for name in NEEDED_TEXTS:
        if name not in playbook.texts:
            yield marks.finding(("texts",), f"the text {name!r} is missing.", "Copy it from a shipped playbook.")
    languages = sorted({lang for versions in playbook.texts.values() for lang in versions})
    for name, versions in playbook.texts.items():
        if "en" not in versions:
            yield marks.finding(("texts", name), "the English version is missing.", "Add `en:`.")
        lacking = [lang for lang in languages if lang not in versions]
        if lacking:
            fix = f"Add {', '.join(lacking)}; until then those people are written to in English."
            yield marks.finding(("texts", name), f"it is not there in {', '.join(lacking)}.", fix, "warning")
        for lang, text in versions.items():
            yield from _words(looking, ("texts", name, lang), name, text)


def _words(looking: _Looking, where: tuple[Any, ...], name: str, text: str) -> Iterator[Finding]:
    try:
        used = {variable for _, variable, _, _ in string.Formatter().parse(text) if variable is not None}
    except ValueError:
        yield looking.marks.finding(where, "a brace is not closed.", "Write variables as {time}; a brace itself as {{.")
        return
    for variable in sorted(used - VARIABLES):
        fix = f"There are: {', '.join(sorted(VARIABLES))}. No text may name a patient."
        yield looking.marks.finding(where, f"{{{variable}}} is no variable.", fix)
    ties = used & {"practice", "provider", "location", "service"}
    channels: Sequence[str] = sorted(
        c for c, signed in (looking.known.channels if looking.known else {}).items() if not signed
    )
    if ties and channels:
        problem = f"{{{min(ties)}}} ties a person to the practice, and {channels[0]} has no signed agreement."
        yield looking.marks.finding(where, problem, "Sign one (`baa: signed`), or leave the variable out.")
    asked = {w.strip(".,;:!?").lower() for part in text.lower().split("reply")[1:] for w in part.split()[:3]}
    if asked & CARRIER_WORDS:
        word = min(asked & CARRIER_WORDS).upper()
        yield looking.marks.finding(
            where, f"carriers take {word} as an opt-out or opt-in.", "Ask for Y or N.", "warning"
        )
