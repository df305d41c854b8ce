"""YAML 1.2 with positions: a text becomes plain values and the marks of where each stands. Bounded in size, depth and
number of values (aliases counted as often as they stand for something), so that a hostile file costs little."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from caredispatch.policy.findings import Finding, PlaybookInvalid, Severity

MOST_BYTES = 262_144
MOST_VALUES = 20_000
DEEPEST = 24

Where = tuple[str | int, ...]

_INT = re.compile(r"[-+]?\d{1,15}")
_FLOAT = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d{1,2})?")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_SYNTAX_FIXES = (
    ("'\\t'", "Indent with spaces, never with tabs."),
    ("mapping values are not allowed", "Put a text that contains `: ` in quotes, or check the indentation."),
    ("quoted scalar", "Close the quotes."),
    ("could not find expected ':'", "Write `name: value`; is a colon missing?"),
    ("expected ',' or", "Close the bracket or brace, and separate its items with commas."),
    ("<block end>", "Check the indentation: entries of one level begin in one column."),
    ("cannot start any token", "Put a text that begins with a sign in quotes."),
)


@dataclass(slots=True)
class Node:
    """One value as it stands in the file. `size` and `height` count what it holds, aliases unfolded."""

    line: int
    column: int
    text: str = ""
    scalar: str | int | float | bool | None = None
    items: list[Node] | None = None
    entries: dict[str, tuple[Node, Node]] | None = None
    pending: Node | None = None
    size: int = 1
    height: int = 1
    done: bool = False

    def plain(self) -> Any:
        """The value without its positions."""
        if self.items is not None:
            return [one.plain() for one in self.items]
        if self.entries is not None:
            return {name: value.plain() for name, (_, value) in self.entries.items()}
        return self.scalar


@dataclass(frozen=True, slots=True)
class Marks:
    """Where each field of a file stands. Without a file every field stands at line 1."""

    file: str = "playbook.yaml"
    root: Node | None = None

    def place(self, path: Where) -> tuple[int, int]:
        """Line and column (from 1) of a field: of its name in a map, of the item in a list, of what should hold it
        where it is missing."""
        node, found = self.root, (1, 1)
        for part in path:
            if node is None:
                break
            if node.entries is not None and part in node.entries:
                name, node = node.entries[str(part)]
                found = (name.line, name.column)
            elif node.items is not None and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
                found = (node.line, node.column)
            else:
                break
        return found

    def value(self, path: Where) -> str:
        """What stands there, shortened; nothing where the field is missing."""
        node = self.root
        for part in path:
            if node is not None and node.entries is not None and part in node.entries:
                node = node.entries[str(part)][1]
            elif node is not None and node.items is not None and isinstance(part, int) and part < len(node.items):
                node = node.items[part]
            else:
                return ""
        if node is None:
            return ""
        shown = node.text if node.items is None and node.entries is None else _compact(node)
        return shown if len(shown) <= 80 else f"{shown[:79]}…"

    def finding(self, path: Where, problem: str, fix: str, severity: Severity = "error") -> Finding:
        """A finding about a field."""
        line, column = self.place(path)
        return Finding(self.file, line, column, shown_path(path), self.value(path), problem, fix, severity)


def _compact(node: Node) -> str:
    if node.size > 200:
        return "…"
    return json.dumps(node.plain(), ensure_ascii=False)


def shown_path(path: Where) -> str:
    """`paths.cover.steps[0].for`."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part}" if shown else str(part)
    return shown


def read_source(text: str, file: str = "playbook.yaml") -> tuple[Any, Marks]:
    """The plain value of a YAML text and its marks. Raises PlaybookInvalid."""
    if len(text.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        problem = "the file is larger than 256 KB."
        raise PlaybookInvalid([Finding(file, 1, 1, "", "", problem, "Shorten it: a playbook is a few hundred lines.")])
    builder = _Builder(file)
    try:
        for event in YAML(typ="rt", pure=True).parse(text):
            builder.take(event)
    except MarkedYAMLError as error:
        builder.findings.append(_syntax(error, file))
    except PlaybookInvalid:
        raise
    except Exception as error:  # whatever else a third party's parser does with a text, it is the text that is refused
        problem = f"this is not YAML: {' '.join(str(error).split())[:160]}."
        builder.findings.append(Finding(file, 1, 1, "", "", problem, "Save it as plain text in UTF-8."))
    if builder.findings:
        raise PlaybookInvalid(builder.findings)
    root = builder.root or Node(1, 1, done=True)
    return root.plain(), Marks(file, root)


def _syntax(error: MarkedYAMLError, file: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    fix = next((fix for sign, fix in _SYNTAX_FIXES if sign in said), "Look at this line and the one above it.")
    return Finding(file, line, column, "", "", f"this is not YAML: {said[:160]}.", fix)


@dataclass(slots=True)
class _Builder:
    """Puts a parser's events together, without recursion."""

    file: str
    root: Node | None = None
    stack: list[Node] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    documents: int = 0

    def take(self, event: Event) -> None:
        match event:
            case DocumentStartEvent():
                self.documents += 1
                if self.documents > 1:
                    self._refuse(event, "a second document begins here.", "Remove the line `---`.")
            case AliasEvent():
                self._alias(event)
            case ScalarEvent():
                self._attach(self._begin(event, _scalar(event)))
            case MappingStartEvent():
                self._push(self._begin(event, Node(0, 0, entries={})))
            case SequenceStartEvent():
                self._push(self._begin(event, Node(0, 0, items=[])))
            case MappingEndEvent() | SequenceEndEvent():
                self._attach(self.stack.pop())

    def _begin(self, event: NodeEvent, node: Node) -> Node:
        node.line, node.column = event.start_mark.line + 1, event.start_mark.column + 1
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            fix = f"Remove `{tag}`; put a text in quotes."
            self.findings.append(self._at(node, "tags are not part of the language.", fix))
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _push(self, node: Node) -> None:
        self.stack.append(node)
        if len(self.stack) > DEEPEST:
            self._too_much(node)

    def _alias(self, event: AliasEvent) -> None:
        node = self.anchors.get(event.anchor)
        if node is None or not node.done:
            self._refuse(event, f"*{event.anchor} refers to nothing that is complete here.", "Write the value itself.")
        else:
            self._attach(node)

    def _attach(self, node: Node) -> None:
        node.done = True
        if not self.stack:
            self.root = self.root or node
            return
        parent = self.stack[-1]
        if parent.entries is not None and parent.pending is None:
            parent.pending = self._name(node)
            return
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MOST_VALUES or parent.height > DEEPEST:
            self._too_much(parent)
        if parent.items is not None:
            parent.items.append(node)
        elif parent.entries is not None and parent.pending is not None:
            self._enter(parent.entries, parent.pending, node)
            parent.pending = None

    def _name(self, node: Node) -> Node:
        if node.items is not None or node.entries is not None:
            self.findings.append(self._at(node, "a name is plain text.", "Write `name: value`."))
            return Node(node.line, node.column)
        return node

    def _enter(self, entries: dict[str, tuple[Node, Node]], name: Node, value: Node) -> None:
        if name.text in entries:
            first = entries[name.text][0].line
            problem = f"{name.text!r} stands here twice, first in line {first}."
            self.findings.append(self._at(name, problem, "Keep one of them."))
            return
        entries[name.text] = (name, value)

    def _at(self, node: Node, problem: str, fix: str) -> Finding:
        return Finding(self.file, node.line, node.column, "", node.text[:80], problem, fix)

    def _refuse(self, event: Event, problem: str, fix: str) -> None:
        mark = event.start_mark
        raise PlaybookInvalid(
            [*self.findings, Finding(self.file, mark.line + 1, mark.column + 1, "", "", problem, fix)]
        )

    def _too_much(self, node: Node) -> None:
        problem = "this holds more, or deeper, than any playbook does."
        raise PlaybookInvalid([self._at(node, problem, "Write it out flat, with fewer aliases.")])


def _scalar(event: ScalarEvent) -> Node:
    text: str = event.value
    node = Node(0, 0, text=text, scalar=text)
    if event.style is None and event.tag is None:
        if text in _WORDS:
            node.scalar = _WORDS[text]
        elif _INT.fullmatch(text):
            node.scalar = int(text)
        elif _FLOAT.fullmatch(text):
            node.scalar = float(text)
    return node
