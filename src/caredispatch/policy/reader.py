"""Reading a playbook: YAML with positions, through the grammar, to the typed values that decisions follow. Every
mistake at once, each with file, line, field, value and fix."""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from caredispatch.core.playbook import Playbook
from caredispatch.policy.findings import Finding, PlaybookInvalid, choose_from
from caredispatch.policy.grammar import PlaybookFile
from caredispatch.policy.source import Marks, Where, read_source
from caredispatch.policy.typed import to_playbook

LATER = frozenset({"promises", "rotas", "rota", "release", "reach", "chance", "voice", "app"})
"""Words of the language that are not understood yet: refused by name, so that nobody believes they act."""

_WANTED = {
    "string_type": ("text is needed here.", "Put it in quotes."),
    "bool_type": ("true or false is needed here.", "Write true or false (yes, no, on and off are text)."),
    "int_type": ("a whole number is needed here.", "Write it without quotes or unit."),
    "list_type": ("a list is needed here.", "Write [a, b], or one line with `- ` for each."),
    "dict_type": ("a map is needed here.", "Write `name: value` lines, indented."),
    "model_type": ("a map is needed here.", "Write `name: value` lines, indented."),
    "too_short": ("nothing is named here.", "Name at least one."),
    "string_too_short": ("this is empty.", "Write something, or remove the line."),
}
_PATTERNS = {
    r"^[A-Z]{2}$": "A state is two capitals: TX, FL.",
    r"^[a-z]{2}$": "A language is two small letters: en, es.",
    r"^[a-z][a-z0-9_]{0,40}$": "Use small letters, digits and _, beginning with a letter: front_desk.",
}


def read_playbook(text: str, file: str = "playbook.yaml") -> Playbook:
    """The playbook of a YAML text. Raises PlaybookInvalid with all mistakes of its grammar."""
    plain, marks = read_source(text, file)
    parsed, mistakes = validate(plain, marks)
    if parsed is None:
        raise PlaybookInvalid(mistakes)
    return to_playbook(parsed)


def validate(plain: Any, marks: Marks) -> tuple[PlaybookFile | None, tuple[Finding, ...]]:
    """The file as the grammar's models, or all mistakes."""
    if not isinstance(plain, dict):
        problem = "the file is empty." if plain is None else "a playbook is a set of `name: value` lines."
        return None, (marks.finding((), problem, "Begin with `playbook: NAME`, or copy a shipped one."),)
    try:
        return PlaybookFile.model_validate(plain), ()
    except ValidationError as error:
        found = {_mistake(dict(one), plain, marks): None for one in error.errors(include_url=False)}
        return None, tuple(sorted(found, key=lambda f: (f.line, f.column)))


def _mistake(error: dict[str, Any], plain: Any, marks: Marks) -> Finding:
    path = _real_path(error["loc"], plain)
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            word = str(error["loc"][-1])
            return marks.finding((*path, word), f"{word!r} is missing.", f"Add `{word}:`.")
        case "extra_forbidden":
            return marks.finding(path, *_unknown(str(path[-1]), _words_at(path[:-1])))
        case "literal_error":
            return marks.finding(path, *_unknown(str(error["input"]), re.findall(r"'([^']*)'", context["expected"])))
        case "playbook":
            return marks.finding(path, context["problem"], context["fix"])
        case "string_pattern_mismatch":
            fix = _PATTERNS.get(context["pattern"], "Use letters, digits and . _ - without spaces.")
            return marks.finding(path, f"{str(error['input'])[:60]!r} can't be a name here.", fix)
        case kind if kind in _WANTED:
            problem, fix = _WANTED[kind]
            return marks.finding(path, "a value is missing." if error["input"] is None else problem, fix)
    bound = next((f"{w} {context[k]}" for k, w in _BOUNDS if k in context), None)
    said = str(error["msg"])
    problem = "this is out of bounds." if bound else f"{said[:1].lower()}{said[1:]}."
    return marks.finding(path, problem, f"It is {bound}." if bound else "See docs/playbook.md.")


_BOUNDS = (("ge", "at least"), ("le", "at most"), ("max_length", "at most as long as"), ("min_length", "at least"))


def _unknown(word: str, known: list[str]) -> tuple[str, str]:
    if word in LATER:
        return f"{word!r} is not understood yet.", f"Remove it. {choose_from('', known)}"
    return f"{word!r} is not known here.", choose_from(word, known)


def _real_path(loc: tuple[str | int, ...], plain: Any) -> Where:
    """The part of a location that stands in the file: a validator's own names are left out."""
    path: list[str | int] = []
    node = plain
    for part in loc:
        inside = isinstance(node, dict) and part in node
        if inside or (isinstance(node, list) and isinstance(part, int) and part < len(node)):
            node = node[part]
            path.append(part)
    return tuple(path)


def _words_at(path: Where) -> list[str]:
    """The names that may stand in the map at that place of the file."""
    model: type[BaseModel] | None = PlaybookFile
    waiting = False
    for part in path:
        if waiting or isinstance(part, int) or model is None:
            waiting = False
            continue
        found = next((f for n, f in model.model_fields.items() if (f.alias or n) == part), None)
        if found is None:
            return []
        waiting = get_origin(found.annotation) is dict
        model = _model_in(found.annotation)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(one) for one in get_args(annotation))
    return next((one for one in found if one is not None), None)
