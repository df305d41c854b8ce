"""Six made-up practices, one folder a practice type: the practice as `import` reads it, what is known of it better than
the shipped assumptions, and the few facts that a directory does not hold. Its playbook is the shipped profile of the
same name. Texts only: `app.shipped` makes a policy of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from caredispatch.policy.findings import Finding, PlaybookInvalid, choose_from
from caredispatch.policy.source import Marks, read_source


@dataclass(frozen=True, slots=True)
class PracticeFacts:
    """What a rehearsal is told of a practice beside its directory: how many coordinate at a time, how many visits a day
    there are, and what an hour costs, in USD: of a coordinator, all told, and of somebody who works beyond their own
    hours."""

    coordinators: int
    visits_a_day: int
    coordinator_hourly: float
    overtime_hourly: float


class FactsInvalid(Exception):
    """A facts file can't be used; `findings` are all of its mistakes."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(f) for f in self.findings))


def practice_names() -> tuple[str, ...]:
    """The practice types there are."""
    root = Path(str(files("caredispatch.rehearsal.practices")))
    return tuple(sorted(path.parent.name for path in root.glob("*/practice.yaml")))


def practice_text(name: str, file: str = "practice.yaml") -> str:
    """One file of a practice: `practice.yaml`, `facts.yaml` or `rehearsal.yaml`. Raises FileNotFoundError."""
    return files("caredispatch.rehearsal.practices").joinpath(name, file).read_text("utf-8")


def read_facts(text: str, file: str = "facts.yaml") -> PracticeFacts:
    """The facts of a YAML text. Raises FactsInvalid with every mistake: line, field, value and fix."""
    try:
        plain, marks = read_source(text, file)
    except PlaybookInvalid as error:
        raise FactsInvalid(error.findings) from None
    given: dict[str, Any] = plain if isinstance(plain, dict) else {}
    known = [f.name for f in fields(PracticeFacts)]
    findings = [marks.finding((n,), "there is no such field.", choose_from(n, known)) for n in given if n not in known]
    findings += [found for name in known if (found := _mistake(marks, name, given)) is not None]
    if findings:
        raise FactsInvalid(findings)
    return PracticeFacts(**given)


def _mistake(marks: Marks, name: str, given: dict[str, Any]) -> Finding | None:
    value = given.get(name)
    if name not in given:
        return marks.finding((name,), f"{name!r} is missing.", "Add it, for example `coordinators: 2`.")
    whole = name in ("coordinators", "visits_a_day")
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or value <= 0:
        fix = "Write a whole number from 1." if whole else "Write USD an hour, for example 26."
        return marks.finding((name,), f"{name} should be a {'whole ' if whole else ''}number above 0.", fix)
    return None
