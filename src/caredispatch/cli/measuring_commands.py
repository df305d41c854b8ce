"""`baseline`, `tally` and `report`: what can be typed after them, and what each says of itself. The work is in
`baselines`, `tallying` and `reporting`."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from caredispatch.cli.failing import run_told, told_plainly

Folder = Annotated[Path, typer.Argument(help="The practice's folder.", metavar="DIR")]
Who = Annotated[str, typer.Option("--who", help="The coordinator's account.")]
Location = Annotated[str, typer.Option("--location", help="The location's code; the whole practice if not given.")]
Days = Annotated[int, typer.Option("--days", help="How many days.", min=1, max=366)]
Reason = Annotated[str, typer.Option("--reason", help="Why it takes the place of the baseline that there is.")]
Day = ["%Y-%m-%d"]
Time = ["%H:%M"]

baseline = typer.Typer(
    no_args_is_help=True,
    help="Freeze what is so before: from a file, or from days in which the product only listens. A report "
    "compares with it; nothing can change it.",
)
tally = typer.Typer(
    no_args_is_help=True,
    help="Note coordinators' minutes, before and after by the same instrument: a tally (`start` and `stop`, or "
    "`note`), or random prompts (`prompts` and `answer`). Calls and edits in the EHR count.",
)


@baseline.command(name="import")
def import_(
    folder: Folder,
    file: Annotated[Path, typer.Argument(help="The CSV: a row a day, location and service.", metavar="FILE")],
    maps: Annotated[
        list[str] | None, typer.Option("--map", help="OURS=THEIRS where the file names a column otherwise.")
    ] = None,
    instrument: Annotated[str, typer.Option(help="How coordinators' minutes were measured: tally or prompts.")] = "",
    reason: Reason = "",
    freezes: Annotated[
        bool, typer.Option("--freeze", help="Freeze it, for ever. Without it the file is checked.")
    ] = False,
) -> None:
    """Read a baseline from a CSV file, all or nothing; a cell that is wrong is named with its row, value and fix. Only
    checks unless --freeze is given."""
    from caredispatch.cli.baselines import import_file

    run_told(import_file(folder, file, maps or [], instrument, reason, freezes))


@baseline.command()
def listen(folder: Folder, days: Days = 30) -> None:
    """Say how many days there are in which every stage was off and nothing was written, and what hinders it. Exit 1
    while anything does."""
    from caredispatch.cli.baselines import listen as run

    run_told(run(folder, days))


@baseline.command()
def freeze(
    folder: Folder,
    days: Days = 30,
    since: Annotated[datetime | None, typer.Option("--from", help="The first day.", formats=Day)] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="The last day; yesterday if not given.", formats=Day)
    ] = None,
    reason: Reason = "",
) -> None:
    """Freeze what days of listening came to. Days in which a stage was not off are refused."""
    from caredispatch.cli.baselines import freeze as run

    run_told(run(folder, days, since, until, reason))


@baseline.command()
def show(folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the baselines that were frozen, with the figures of the one that counts. Exit 1 if there is none."""
    from caredispatch.cli.baselines import show as run

    run_told(run(folder, as_json))


@tally.command()
def start(folder: Folder, who: Who, location: Location = "") -> None:
    """Begin to count somebody's coordination."""
    from caredispatch.cli.tallying import start as run

    run_told(run(folder, who, location))


@tally.command()
def stop(folder: Folder, who: Who) -> None:
    """End it and keep the minutes."""
    from caredispatch.cli.tallying import stop as run

    run_told(run(folder, who))


@tally.command()
def note(
    folder: Folder,
    minutes: Annotated[float, typer.Argument(help="How many.", metavar="MINUTES")],
    who: Who,
    location: Location = "",
    at: Annotated[
        datetime | None,
        typer.Option("--at", help="When, by the practice's clock; now if not given.", formats=["%Y-%m-%dT%H:%M"]),
    ] = None,
) -> None:
    """Keep minutes that were spent on coordination."""
    from caredispatch.cli.tallying import note as run

    run_told(run(folder, minutes, who, location, at))


@tally.command()
def prompts(
    begin: Annotated[datetime, typer.Option("--from", help="When duty begins.", formats=Time)],
    end: Annotated[datetime, typer.Option("--to", help="When it ends.", formats=Time)],
    times: Annotated[int, typer.Option("--times", help="How often to ask.", min=1, max=96)] = 12,
) -> None:
    """Print when to ask a coordinator, at random, whether they coordinate just then."""
    from caredispatch.cli.tallying import prompts as run

    with told_plainly():
        run(begin, end, times)


@tally.command()
def answer(
    folder: Folder,
    said: Annotated[str, typer.Argument(help="yes or no.", metavar="ANSWER")],
    every: Annotated[float, typer.Option("--every", help="For how many minutes on duty one prompt stands.")],
    who: Who,
    location: Location = "",
) -> None:
    """Keep the answer to a random prompt."""
    from caredispatch.cli.tallying import answer as run

    run_told(run(folder, said, every, who, location))


@tally.command(name="show")
def show_minutes(folder: Folder) -> None:
    """Print what was noted in the last two weeks, and by which instrument."""
    from caredispatch.cli.tallying import show as run

    run_told(run(folder))


def report(
    folder: Folder,
    weekly: Annotated[
        bool, typer.Option("--weekly", help="The four weeks that ended last Sunday: fewer days show no effect.")
    ] = False,
    since: Annotated[datetime | None, typer.Option("--from", help="The first day.", formats=Day)] = None,
    until: Annotated[
        datetime | None, typer.Option("--to", help="The last day; yesterday if not given.", formats=Day)
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to show, mail or print.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every comparison as a row.")] = None,
    mail: Annotated[
        bool, typer.Option("--mail", help="Mail it to who answers for the practice (`last_owner` in the playbook).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare the days since a stage went live with the baseline: each measure with its interval, by location and
    service, what it is worth at the practice's own rates, and what to change next. Says so where no effect is shown.
    Exit 1 if a mail was not taken."""
    # A report is many small sums: threads of the linear algebra would only wait for each other, and for `serve`.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from caredispatch.app.reporting import Asked
    from caredispatch.cli.reporting import Wanted
    from caredispatch.cli.reporting import report as run

    asked = Asked(since.date() if since else None, until.date() if until else None, weekly)
    run_told(run(folder, asked, Wanted(html, csv, as_json, mail)))
