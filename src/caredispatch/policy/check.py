"""`caredispatch check`: what a readable playbook still gets wrong. Errors are refused; warnings are what can never
happen, or what nobody answers for. Every finding names file, line, field, value and fix."""

from __future__ import annotations

from collections.abc import Iterator

from caredispatch.core.playbook import Condition, OneOf, Rule, Within
from caredispatch.policy.check_manners import manners
from caredispatch.policy.check_names import names
from caredispatch.policy.check_paths import paths
from caredispatch.policy.check_texts import texts
from caredispatch.policy.findings import Finding, PlaybookInvalid
from caredispatch.policy.looking import Known, Looking
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
        *paths(looking),
        *_rules(looking),
        *_triggers(looking),
        *names(looking),
        *manners(looking),
        *texts(looking),
    ]
    return tuple(sorted(found, key=lambda f: (f.line, f.column, f.problem)))


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
