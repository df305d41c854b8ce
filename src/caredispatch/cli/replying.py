"""`reply`: what a text means, or many from a CSV with what a person says they mean. Keeps nothing."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import typer

from caredispatch.cli.failing import WrongUse
from caredispatch.core.observation import Label
from caredispatch.core.replies import Context, Reply, read_reply

_WORDS: dict[Label, str] = {
    "yes": "a yes",
    "no": "a no",
    "cancel": "wants to cancel the visit",
    "reschedule": "wants another time",
    "opt_out": "wants no more texts",
    "opt_in": "wants texts again",
    "help": "asks what this number is",
    "wrong_number": "is not who we think",
    "late": "will be late",
    "out": "is out",
    "crisis": "may be in danger: urgent",
    "human": "a person must read it",
}
_NEEDS = {"which_question": "ask which question it answers", "which_option": "ask which of the times"}


@dataclass(frozen=True, slots=True)
class Row:
    """One text of a file, what a person says it means where there is a column for it, and what it was read as."""

    line: int
    text: str
    context: Context
    meant: str | None
    read: Reply

    @property
    def agrees(self) -> bool:
        """Whether person and program say the same."""
        return self.meant is None or self.meant == self.read.label


def reply(text: str, context: str, as_json: bool) -> int:
    """Tell what one text means."""
    read = read_reply(text, _context(context, "--context"))
    typer.echo(json.dumps(as_fields(read)) if as_json else in_words(read))
    return 0


def replies(file: Path, text_column: str, context_column: str, label_column: str, as_json: bool) -> int:
    """Tell what the texts of a file mean; with labels, how often that is right. 1 if a yes or no was read wrongly."""
    found = _rows(file, text_column, context_column, label_column)
    for row in found:
        if as_json:
            meant = {} if row.meant is None else {"meant": row.meant}
            typer.echo(json.dumps({"text": row.text, "context": row.context, **meant, **as_fields(row.read)}))
        elif row.meant is None:
            typer.echo(f"{row.context:16} {row.text!r}: {in_words(row.read)}")
    labelled = [row for row in found if row.meant is not None]
    if labelled and not as_json:
        for line in report(labelled):
            typer.echo(line)
    wrong = any(row.read.label in ("yes", "no") and not row.agrees for row in labelled)
    return 1 if wrong else 0


def as_fields(read: Reply) -> dict[str, Any]:
    """A reading as JSON shows it: the parts that are not said are null."""
    span = read.span
    return {
        "label": read.label,
        "number": read.number,
        "choice": read.choice,
        "minutes": read.minutes,
        "out": {"day": span.day, "begin": span.begin, "end": span.end} if span else None,
        "video_only": read.video_only,
        "carrier_word": read.carrier_word,
        "needs": read.needs,
        "why": read.why,
    }


def in_words(read: Reply) -> str:
    """A reading as people say it."""
    parts = ["is there on video only" if read.video_only else _WORDS[read.label]]
    if read.number is not None:
        parts.append(f"to question {read.number}")
    if read.choice is not None:
        parts.append(f"for time {read.choice}")
    if read.minutes is not None:
        parts.append(f"by {read.minutes} minutes")
    if read.span is not None:
        parts.append(_when(read.span.day, read.span.begin, read.span.end))
    told = " ".join(parts)
    return f"{told}; {_NEEDS[read.needs]}" if read.needs else told


def _when(day: int, begin: int | None, end: int | None) -> str:
    named = "tomorrow" if day else "today"
    hours = " ".join(
        f"{word} {minute // 60:02}:{minute % 60:02}"
        for word, minute in (("from", begin), ("to", end))
        if minute is not None
    )
    return f"{named} {hours}" if hours else f"all {named}"


def report(rows: list[Row]) -> list[str]:
    """How often each label is right (precision) and found (recall), and each disagreement."""
    meant = Counter(row.meant for row in rows)
    read = Counter(row.read.label for row in rows)
    both = Counter(row.meant for row in rows if row.agrees)
    told = [f"{'label':14}{'meant':>7}{'read':>7}{'precision':>11}{'recall':>9}"]
    for label in get_args(Label):
        if meant[label] or read[label]:
            shares = (_share(both[label], read[label]), _share(both[label], meant[label]))
            told.append(f"{label:14}{meant[label]:7}{read[label]:7}{shares[0]:>11}{shares[1]:>9}")
    told += [
        f"line {row.line}: {row.context} {row.text!r}: meant {row.meant}, read {row.read.label} ({row.read.why})"
        for row in rows
        if not row.agrees
    ]
    handed = sum(row.read.label == "human" and row.meant != "human" for row in rows)
    wrong = sum(row.read.label != "human" and not row.agrees for row in rows)
    answers = sum(row.meant != "human" for row in rows)
    return [*told, f"{len(rows)} texts: {wrong} read wrongly; of {answers} clear ones {handed} go to a person"]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def _context(name: str, field: str) -> Context:
    for known in get_args(Context):
        if known == name:
            return known  # type: ignore[no-any-return]  # one of Context's own
    raise WrongUse(f"{field}: no context {name!r}; there are: {', '.join(get_args(Context))}")


def _rows(file: Path, text_column: str, context_column: str, label_column: str) -> list[Row]:
    """The texts of a file. Raises WrongUse."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened)
            columns = reader.fieldnames or []
            for option, name in (("--text-column", text_column), ("--context-column", context_column)):
                if name not in columns:
                    there = ", ".join(columns) or "none"
                    raise WrongUse(f"{file}: no column {name!r} (columns: {there}); name another with {option}")
            return [_row(file, reader.line_num, one, text_column, context_column, label_column) for one in reader]
    except UnicodeDecodeError:
        raise WrongUse(f"{file} is not text in UTF-8: save it as such") from None
    except csv.Error as error:
        raise WrongUse(f"{file} is no CSV ({error}): write one text to a line, with a line of names on top") from None
    except OSError as error:
        raise WrongUse(f"{file} can't be read: {error.strerror}") from None


def _row(file: Path, line: int, cells: dict[str, str | None], *columns: str) -> Row:
    text, named, meant = (cells.get(name) for name in columns)
    context = _context(named or "none", f"{file}:{line}: {columns[1]}")
    if meant and meant not in get_args(Label):
        raise WrongUse(f"{file}:{line}: {columns[2]}: no label {meant!r}; there are: {', '.join(get_args(Label))}")
    return Row(line, text or "", context, meant or None, read_reply(text or "", context))
