"""Reading a playbook: YAML with positions, through the grammar, to the typed values that decisions follow. Every
mistake at once, each with file, line, field, value and fix."""

from __future__ import annotations

from datetime import date
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from caredispatch.core.playbook import (
    TRIGGERS,
    Action,
    AskStep,
    Condition,
    Confirm,
    Cover,
    HandTo,
    HandToStep,
    ListStep,
    Nothing,
    OneOf,
    Path,
    Playbook,
    QuietHours,
    Rule,
    ServicePolicy,
    Stage,
    Step,
    Tell,
    Window,
    Within,
)
from caredispatch.policy import grammar
from caredispatch.policy.findings import Finding, PlaybookInvalid

MOST_CHARACTERS = 262_144
FOREVER = 10**9


def read_playbook(text: str, file: str = "playbook.yaml") -> Playbook:
    """The playbook of a YAML text. Raises PlaybookInvalid with all mistakes."""
    parsed, _ = parse(text, file)
    return to_playbook(parsed)


def parse(text: str, file: str = "playbook.yaml") -> tuple[grammar.PlaybookFile, Marks]:
    """The file as the grammar's models, and where everything stands. Raises PlaybookInvalid."""
    if len(text) > MOST_CHARACTERS:
        raise PlaybookInvalid([_plain(file, "the file is larger than 256 KB.", "Split it, or shorten it.")])
    try:
        raw = YAML(typ="rt").load(text)
        plain = _plain_values(raw, 0)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = " ".join(str(error.problem or error).split())
        raise PlaybookInvalid([Finding(file, line, column, "", "", f"this is not YAML: {problem}.", "")]) from None
    except (YAMLError, ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
        raise PlaybookInvalid(
            [_plain(file, f"this is not a playbook: {' '.join(str(error).split())[:200]}.", "")]
        ) from None
    if not isinstance(plain, dict):
        raise PlaybookInvalid(
            [_plain(file, "a playbook is a set of `name: value` lines.", "Begin with `playbook: NAME`.")]
        )
    marks = Marks(raw, file)
    try:
        return grammar.PlaybookFile.model_validate(plain), marks
    except ValidationError as error:
        raise PlaybookInvalid([_finding(e, marks) for e in _sensible(error)]) from None


def _plain(file: str, problem: str, fix: str) -> Finding:
    return Finding(file, 1, 1, "", "", problem, fix)


def _plain_values(value: Any, depth: int) -> Any:
    """YAML's own types as plain ones; refuses nesting that no playbook has (an alias that contains itself)."""
    if depth > 20:
        raise ValueError("it is nested too deeply")
    if isinstance(value, dict):
        return {str(k): _plain_values(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain_values(v, depth + 1) for v in value]
    if isinstance(value, bool) or value is None or isinstance(value, date):
        return value
    for plain in (int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return str(value)


class Marks:
    """Where each field stands in the file."""

    def __init__(self, raw: Any, file: str) -> None:
        self.file = file
        self._raw = raw

    def of(self, path: tuple[Any, ...]) -> tuple[int, int]:
        """Line and column of a field (or of what contains it), from 1."""
        node: Any = self._raw
        found = (1, 1)
        for part in path:
            try:
                position = node.lc.item(part) if isinstance(node, list) else node.lc.key(part)
                found = (position[0] + 1, position[1] + 1)
                node = node[part]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return found

    def value(self, path: tuple[Any, ...]) -> str:
        """What stands there, shortened."""
        node = self._raw
        for part in path:
            try:
                node = node[part]
            except (KeyError, IndexError, TypeError):
                return ""
        return str(node)[:80]

    def finding(self, path: tuple[Any, ...], problem: str, fix: str, severity: str = "error") -> Finding:
        """A finding about a field."""
        line, column = self.of(path)
        shown = ".".join(str(p) for p in path)
        return Finding(self.file, line, column, shown, self.value(path), problem, fix, severity)  # type: ignore[arg-type]  # error or warning


_INSIDE = ("str", "bool", "int", "literal", "dict", "list", "function", "constrained", "TestPart", "Until", "Reachable")


def _sensible(error: ValidationError) -> list[Any]:
    """One mistake a field: where a value may be of several kinds, only the most telling complaint."""
    best: dict[tuple[Any, ...], Any] = {}
    for one in error.errors():
        path = tuple(
            p for p in one["loc"] if not ((isinstance(p, str) and p.startswith(_INSIDE) and "[" in p) or p in _INSIDE)
        )
        known = best.get(path)
        if known is None or one["type"] == "value_error":
            best[path] = {**one, "loc": path}
    return list(best.values())


def _finding(error: Any, marks: Marks) -> Finding:
    path = tuple(error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        word = str(path[-1])
        return marks.finding(path, f"{word!r} is not known here.", _nearest(word, path))
    if error["type"] == "missing":
        return marks.finding(path[:-1], f"{path[-1]!r} is missing.", f"Add `{path[-1]}:`.")
    expected = str(error.get("ctx", {}).get("expected", ""))
    fix = f"It is one of: {expected}." if expected else ""
    return marks.finding(path, f"{message[0].lower()}{message[1:]}.", fix)


def _nearest(word: str, path: tuple[Any, ...]) -> str:
    known = sorted({name for model in _models() for name in _words(model)} | set(TRIGGERS))
    close = get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else "Remove it, or see docs/playbook.md for what there is."


def _models() -> list[type[grammar.Part]]:
    return [m for m in vars(grammar).values() if isinstance(m, type) and issubclass(m, grammar.Part)]


def _words(model: type[grammar.Part]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


# ------------------------------------------------------------------ to values


def to_playbook(file: grammar.PlaybookFile) -> Playbook:
    """The typed values of a parsed file."""
    return Playbook(
        name=file.playbook,
        version=file.version or 1,
        sections={
            "staff": tuple(_rule(r) for r in file.staff),
            "patient": tuple(_rule(r) for r in file.patient),
            "slot": tuple(_rule(r) for r in file.slot),
        },
        paths={name: Path(name, p.urgent, tuple(_step(s) for s in p.steps)) for name, p in file.paths.items()},
        people={name: tuple(handles) for name, handles in file.people.items()},
        texts={name: dict(versions) for name, versions in file.texts.items()},
        stages={
            "booking_confirmation": _stage(file.stages.booking_confirmation),
            "no_show_follow_up": _stage(file.stages.no_show_follow_up),
            "dispatch_routing": _stage(file.stages.dispatch_routing),
            "escalation": _stage(file.stages.escalation),
        },
        services={
            code: ServicePolicy(s.patient_agreement, s.must_not_miss, s.automation) for code, s in file.services.items()
        },
        quiet_staff=_quiet(file.quiet_hours.staff),
        quiet_patients=_quiet(file.quiet_hours.patients),
        staff_asks_per_day=file.limits.staff.asks.most,
        patient_asks_per_week=file.limits.patients.asks.most,
        settle_minutes=grammar.minutes(file.settle),
        tell_by_minutes=grammar.minutes_before(file.tell_patient_by),
        acknowledge_minutes=grammar.minutes(file.acknowledge),
        busy_wait_seconds=grammar.seconds(file.calendar_wait),
        last_owner=file.last_owner,
    )


def _stage(given: Any) -> Stage:
    if isinstance(given, str):
        return Stage(given)  # type: ignore[arg-type]  # the grammar allows the three words only
    since = given.get("from")
    places = {k: v for k, v in given.items() if k not in ("else", "from")}
    return Stage(given.get("else", "off"), places, since)


def _quiet(text: str) -> QuietHours:
    begin, end = (int(t[:2]) * 60 + int(t[3:]) for t in text.split("-"))
    return QuietHours(begin, end)


def _rule(part: grammar.RulePart) -> Rule:
    when = TRIGGERS if "any" in part.when else tuple(part.when)
    conditions = []
    for name in grammar.ConditionsPart.model_fields:
        test = getattr(part.if_, name)
        if test is not None:
            conditions.append(Condition(name, _test(test)))  # type: ignore[arg-type]  # fields are the conditions' names
    return Rule(part.rule, when, tuple(_action(a) for a in part.then), tuple(conditions))  # type: ignore[arg-type]  # without `any` all are triggers


def _test(given: Any) -> OneOf | Within:
    if isinstance(given, bool):
        return OneOf((str(given).lower(),))
    if isinstance(given, str | int):
        return OneOf((str(given),))
    if isinstance(given, list):
        return OneOf(tuple(given))
    if given.not_ is not None:
        return OneOf(tuple(given.not_) if isinstance(given.not_, list) else (given.not_,), negate=True)
    low = high = None
    if given.between is not None:
        low, high = _number(given.between[0]), _number(given.between[1]) + 1
    if given.at_least is not None:
        low = _number(given.at_least)
    if given.above is not None:
        low = _number(given.above) + 1
    if given.below is not None:
        high = _number(given.below)
    if given.at_most is not None:
        high = _number(given.at_most) + 1
    return Within(low, high)


def _number(given: str | int) -> int:
    return given if isinstance(given, int) else int(given) if given.isdigit() else grammar.minutes(given)


def _action(part: grammar.ActionPart) -> Action:
    if part.confirm:
        return Confirm(part.confirm.who, part.confirm.path)
    if part.cover:
        return Cover(part.cover.pool, part.cover.path, dict(part.cover.prefer))
    if part.tell:
        return Tell(part.tell.who, part.tell.text, tuple(part.tell.by))
    if part.hand_to:
        return HandTo(part.hand_to)
    return Nothing(part.nothing or "")


def _step(part: grammar.StepPart) -> Step:
    if part.hand_to:
        return HandToStep(part.hand_to)
    if part.ask is None:
        return ListStep(part.owner or "")
    decline = _action(part.on_decline) if part.on_decline else None
    return AskStep(part.ask, tuple(part.by or ()), _window(part.for_), part.at_once, decline)


def _window(given: Any) -> Window:
    if isinstance(given, grammar.Until):
        return Window("until_before_start", grammar.minutes_before(given.until))
    if isinstance(given, grammar.Reachable):
        return Window("reachable", grammar.minutes(given.reachable))
    return Window("minutes", grammar.minutes(given))
