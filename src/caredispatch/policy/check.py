"""`caredispatch check`: what a readable playbook still gets wrong. Errors are refused; warnings are what can never
happen, or what nobody answers for. Every finding names file, line, field, value and fix."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from caredispatch.core.playbook import (
    AskStep,
    Condition,
    Confirm,
    Cover,
    ListStep,
    OneOf,
    Path,
    Rule,
    Stage,
    Within,
)
from caredispatch.policy.check_names import names
from caredispatch.policy.check_texts import texts
from caredispatch.policy.findings import Finding, PlaybookInvalid
from caredispatch.policy.looking import Known, Looking, actions
from caredispatch.policy.reader import validate
from caredispatch.policy.source import read_source
from caredispatch.policy.typed import TRIGGERS_OF, to_playbook


def check_text(text: str, file: str = "playbook.yaml", known: Known | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a playbook's text, in the order of its lines."""
    try:
        plain, marks = read_source(text, file)
    except PlaybookInvalid as error:
        return error.findings
    parsed, mistakes = validate(plain, marks)
    if parsed is None:
        return mistakes
    looking = Looking(to_playbook(parsed), marks, known)
    found = [
        *_paths(looking),
        *_rules(looking),
        *_triggers(looking),
        *names(looking),
        *_stages(looking),
        *texts(looking),
    ]
    return tuple(sorted(found, key=lambda f: (f.line, f.column, f.problem)))


# ------------------------------------------------------------------ paths


def _confirm_paths(looking: Looking, who: str) -> set[str]:
    return {a.path for _, a in actions(looking.playbook) if isinstance(a, Confirm) and a.who == who}


def _paths(looking: Looking) -> Iterator[Finding]:
    playbook, marks = looking.playbook, looking.marks
    for_patients, used = _confirm_paths(looking, "patient"), _used_paths(looking)
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


def _whom(looking: Looking, path: Path, for_patients: bool) -> Iterator[Finding]:
    if path.name not in _used_paths(looking):
        return
    for_confirming = path.name in _confirm_paths(looking, "provider")
    for index, step in enumerate(path.steps):
        if not isinstance(step, AskStep):
            continue
        where = ("paths", path.name, "steps", index, "ask")
        if (step.whom == "patient") != for_patients:
            problem = "a patient's path asks the patient." if for_patients else "this path is for staff."
            yield looking.marks.finding(where, problem, "Use a path of its own.")
        elif for_confirming and step.whom != "assignee":
            problem = "a rule confirms with this path, and only who has the visit can confirm it: this asks nobody."
            yield looking.marks.finding(where, problem, "Ask `assignee`, or `cover` with a path of its own.")


def _used_paths(looking: Looking) -> set[str]:
    playbook = looking.playbook
    used = {a.path for _, a in actions(playbook) if isinstance(a, Confirm | Cover)}
    for path in playbook.paths.values():
        used |= {s.on_decline.path for s in path.steps if isinstance(s, AskStep) and isinstance(s.on_decline, Cover)}
    return used


# ------------------------------------------------------------------ rules


def _rules(looking: Looking) -> Iterator[Finding]:
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


def _triggers(looking: Looking) -> Iterator[Finding]:
    for section, triggers in TRIGGERS_OF.items():
        rules = looking.playbook.sections.get(section, ())
        for trigger in triggers:
            if not any(trigger in rule.when for rule in rules):
                problem = f"nothing is said of {trigger!r} in the section {section}."
                fix = "Add a rule, or a last one with `when: any` and `nothing:` with the reason."
                yield looking.marks.finding((section,), problem, fix, "warning")


# ------------------------------------------------------------------ stages (D29)


def _stages(looking: Looking) -> Iterator[Finding]:
    """A live path must not hand to one that is not live at the same place, on any day from now on."""
    playbook = looking.playbook
    confirm, cover = playbook.stages.get("booking_confirmation"), playbook.stages.get("dispatch_routing")
    if confirm is None or cover is None:
        return
    torn = _torn(confirm, cover)
    if torn is None:
        return
    place, state = torn
    for name, path in playbook.paths.items():
        for index, step in enumerate(path.steps):
            if isinstance(step, AskStep) and isinstance(step.on_decline, Cover):
                at = place or "every other location"
                problem = f"at {at} this path is live and hands to dispatch_routing, which is {state} there."
                fix = "Make dispatch_routing live there at the same time, or leave `on_decline` out."
                yield looking.marks.finding(("paths", name, "steps", index, "on_decline"), problem, fix)


def _torn(confirm: Stage, cover: Stage) -> tuple[str, str] | None:
    """A place and day (each stage may begin on one) where the first is live and the second is not."""
    places = sorted({*confirm.by_location, *cover.by_location, ""})
    days = sorted({date.min, *(d for s in (confirm, cover) if s.since for d in (s.since, s.since - timedelta(days=1)))})
    for place in places:
        for day in days:
            if confirm.at(place, day) == "live" and cover.at(place, day) != "live":
                return place, cover.at(place, day)
    return None
