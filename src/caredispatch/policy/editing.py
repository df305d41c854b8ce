"""Small changes of a playbook's text: one value is put in the place of another, all else stays byte for byte, comments
and layout included. What comes out is read and checked like any other playbook before anybody uses it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from caredispatch.policy.source import Node, Where, read_source


class CannotEdit(Exception):
    """The text has no plain value at that place."""


def replaced(text: str, path: Where, value: str) -> str:
    """The text with another plain value at a path. Raises CannotEdit, PlaybookInvalid."""
    return _put(text, [(_node(text, path), value)])


def reordered(text: str, path: Where, order: Sequence[int]) -> str:
    """The text with the items of a list of plain values in another order: `order` are the present places. Raises
    CannotEdit, PlaybookInvalid."""
    items = _node(text, path).items
    if items is None or sorted(order) != list(range(len(items))):
        raise CannotEdit
    return _put(text, [(items[to], items[at].text) for to, at in enumerate(order)])


def added(text: str, path: Where, after: str, name: str, value: str) -> str:
    """The text with one more entry in a map, behind the plain value `after`, in the layout of that entry. Raises
    CannotEdit, PlaybookInvalid."""
    entries = _node(text, path).entries
    if entries is None or after not in entries or name in entries:
        raise CannotEdit
    key, node = entries[after]
    lines = text.splitlines(keepends=True)
    _, end = _span(lines, node)
    line = lines[node.line - 1]
    end += line[end : end + 1] in ("'", '"')
    if line[end:].strip().startswith((",", "}")):
        lines[node.line - 1] = f"{line[:end]}, {name}: {value}{line[end:]}"
    elif not line[end:].strip().startswith("#") and line[end:].strip():
        raise CannotEdit
    else:
        lines.insert(node.line, f"{' ' * (key.column - 1)}{name}: {value}\n")
    return "".join(lines)


def unified(before: str, after: str, file: str = "playbook.yaml") -> str:
    """The difference of two texts, as `patch` takes it."""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{file}", f"b/{file}", n=2
    )
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)


def _node(text: str, path: Where) -> Node:
    node = read_source(text)[1].root
    for part in path:
        if node is not None and node.entries is not None and part in node.entries:
            node = node.entries[str(part)][1]
        elif node is not None and node.items is not None and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
        else:
            raise CannotEdit
    if node is None:
        raise CannotEdit
    return node


def _span(lines: list[str], node: Node) -> tuple[int, int]:
    """Where a plain value stands in its line, inside its quotes if it has any. Raises CannotEdit where it is folded,
    escaped or no plain value."""
    begin = node.column - 1
    begin += lines[node.line - 1][begin : begin + 1] in ("'", '"')
    if not node.text or not lines[node.line - 1][begin:].startswith(node.text):
        raise CannotEdit
    return begin, begin + len(node.text)


def _put(text: str, changes: Sequence[tuple[Node, str]]) -> str:
    """The text with each value in place of what stands there, the last first, so that places stay true."""
    lines = text.splitlines(keepends=True)
    for node, value in sorted(changes, key=lambda c: (c[0].line, c[0].column), reverse=True):
        begin, end = _span(lines, node)
        line = lines[node.line - 1]
        lines[node.line - 1] = f"{line[:begin]}{value}{line[end:]}"
    return "".join(lines)
