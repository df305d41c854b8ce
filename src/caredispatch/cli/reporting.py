"""`report`: before and after, what it is worth and what to change next, printed, written or mailed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer

from caredispatch.app.composing import opened
from caredispatch.app.reporting import Asked, ReportRefused, mail, report_of
from caredispatch.cli.failing import WrongUse
from caredispatch.contract.outcome import Conflict, Delivered, Outcome, Refused, TryLater, Unknown
from caredispatch.insights.report import Report
from caredispatch.insights.report_page import page_of
from caredispatch.insights.report_text import csv_of, plain, text_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """In which form the report is wanted; none of them: as text."""

    html: Path | None = None
    csv: Path | None = None
    as_json: bool = False
    mail: bool = False


async def report(folder: Path, asked: Asked, wanted: Wanted) -> int:
    """Print, write or mail it; 1 where a mail was not taken."""
    async with opened(folder) as app:
        try:
            made = await report_of(app, asked)
            ended = await mail(app, made) if wanted.mail else []
        except ReportRefused as error:
            raise WrongUse(str(error)) from None
    _write(wanted.html, made, page_of)
    _write(wanted.csv, made, csv_of)
    for handle, outcome in ended:
        typer.echo(f"{handle}: {_said(outcome)}", err=wanted.as_json)
    if wanted.as_json:
        typer.echo(json.dumps(plain(made), indent=2))
    elif not (wanted.html or wanted.csv or wanted.mail):
        typer.echo(text_of(made))
    return 0 if all(isinstance(outcome, Delivered) for _, outcome in ended) else 1


def _write(path: Path | None, made: Report, told: Callable[[Report], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(told(made), "utf-8")
    except OSError as error:
        raise WrongUse(f"{path} can't be written: {error.strerror}") from None
    typer.echo(f"{path} is written", err=True)


def _said(outcome: Outcome) -> str:
    match outcome:
        case Delivered():
            return "mailed"
        case TryLater(reason=reason):
            return f"not mailed: {reason}; run it again"
        case Refused(reason=reason) | Conflict(reason=reason):
            return f"not mailed: {reason}"
        case Unknown(reason=reason):
            return f"handed over, it is not known whether it arrived: {reason}"
