"""`rehearse`: a practice's own playbook on its own people, many simulated months, before a message goes out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from caredispatch.app.composing import opened
from caredispatch.app.directory_file import directory_of
from caredispatch.app.directory_reading import read_directory_file
from caredispatch.app.setting_up import as_owner, practice_id_of
from caredispatch.app.settings import read_settings
from caredispatch.app.shipped import shipped_practice
from caredispatch.cli.checking import playbook_text
from caredispatch.cli.failing import WrongUse
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory
from caredispatch.core.ids import make_id
from caredispatch.core.windows import zone
from caredispatch.policy.reader import read_playbook
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.parameters_reading import ParametersInvalid, read_parameters, shipped
from caredispatch.rehearsal.practices import practice_names
from caredispatch.rehearsal.rehearsing import Rehearsal
from caredispatch.rehearsal.scenes import SCENES, NotHere, scene
from caredispatch.rehearsal.summing import TOLD, Interval, differences, intervals
from caredispatch.rehearsal.telling import Played, play_scene
from caredispatch.store.rehearsals import Rehearsed, keep

PARAMETERS = "rehearsal.yaml"
PRACTICE = "practice.yaml"
BY_HAND = "manual"
BEGINS = datetime(2027, 1, 4, 12, tzinfo=UTC)
"""The Monday with which a simulated month begins unless another is named: the same for everybody, so that the same seed
gives the same bytes on every day."""
MOST_SHOWN = 5
MOST_LINES = 40
EVERY = "all"

Month = tuple[dict[str, float], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    scene: str | None
    days: int
    runs: int
    seed: int
    coordinators: int | None
    visits_a_day: int | None
    compare: str | None
    as_json: bool


async def rehearse(folder: Path | None, practice: str | None, asked: Asked) -> int:
    """Rehearse a folder's practice, or one of those that come with the product; 1 when a promise did not hold."""
    mine = await _of_folder(folder, asked) if folder is not None else _of_type(practice or "behavioral-health", asked)
    if asked.scene is not None:
        played = _scenes(mine, asked)
        if folder is not None:
            await _keep(folder, played, asked.seed)
        return 1 if any(p.failed for p in played) else 0
    other = _other(mine, asked.compare) if asked.compare else None
    months = _played(mine, asked, "rehearsing")
    others = _played(other, asked, "comparing") if other is not None else None
    broken = [line for _, lines in months for line in lines]
    figures = intervals([m for m, _ in months])
    beside = intervals([m for m, _ in others]) if others else None
    apart = differences([m for m, _ in months], [m for m, _ in others]) if others else None
    if asked.as_json:
        typer.echo(json.dumps(_as_json(asked, figures, beside, apart, broken), indent=2, sort_keys=True))
    else:
        _tell(mine, asked, figures, beside, apart, broken)
    return 1 if broken else 0


# ---------------------------------------------------------------- what is rehearsed


async def _of_folder(folder: Path, asked: Asked) -> Rehearsal:
    """A practice's folder: its directory where one is imported, else its `practice.yaml`; its `playbook.yaml` as it
    stands there, published or not."""
    settings = read_settings(folder)
    playbook = read_playbook(playbook_text(folder))
    directory = _written(folder)
    if (folder / "database").exists() or settings.database != "embedded":
        async with opened(folder) as app:
            tenant = app.registry.by_slug(app.settings.practice)
            directory = tenant.policy.directory if tenant is not None else directory
    if directory is None:
        raise WrongUse(f"{folder} has no directory yet: write {folder / PRACTICE} and `caredispatch import {folder}`")
    parameters = _assumed(folder / PARAMETERS)
    coordinators = asked.coordinators or max(1, _at_the_desk(directory))
    return Rehearsal(
        Policy(directory, playbook), parameters, _begin(directory), asked.days, coordinators, asked.visits_a_day
    )


def _assumed(path: Path) -> Parameters:
    """What is assumed, the practice's own file over the shipped one. Raises WrongUse."""
    if not path.exists():
        return shipped()
    try:
        return read_parameters(path.read_text("utf-8"), str(path), shipped())
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path} can't be read: {error}") from None
    except ParametersInvalid as error:
        more = len(error.findings) - 1
        raise WrongUse(f"{error.findings[0]}{f' (and {more} more)' if more else ''}") from None


def _written(folder: Path) -> Directory | None:
    path = folder / PRACTICE
    if not path.exists():
        return None
    return directory_of(read_directory_file(path.read_text("utf-8"), str(path)), make_id("practice", folder.name), 1)


def _at_the_desk(directory: Directory) -> int:
    """How many of the staff hold no visits."""
    roles = {service.needs_role for service in directory.services.values()}
    return sum(roles.isdisjoint(staff.roles) for staff in directory.staff.values())


def _of_type(name: str, asked: Asked) -> Rehearsal:
    if name not in practice_names():
        raise WrongUse(f"no practice type {name!r}; there are: {', '.join(practice_names())}")
    there = shipped_practice(name)
    return Rehearsal(
        there.policy,
        there.parameters,
        _begin(there.policy.directory),
        asked.days,
        asked.coordinators or there.facts.coordinators,
        asked.visits_a_day or there.facts.visits_a_day,
    )


def _begin(directory: Directory) -> datetime:
    """Local midnight of the day that a month begins with."""
    home = zone(directory, next(iter(directory.locations), ""))
    return BEGINS.astimezone(home).replace(hour=0, minute=0).astimezone(UTC)


def _other(mine: Rehearsal, compare: str) -> Rehearsal:
    """The same practice under another playbook, or by hand."""
    if compare == BY_HAND:
        return replace(mine, by_hand=True)
    path = Path(compare)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"--compare: {path} can't be read ({error}); name a playbook's file, or `{BY_HAND}`") from None
    return replace(mine, policy=Policy(mine.policy.directory, read_playbook(text)))


# ---------------------------------------------------------------- playing

_mine: Rehearsal | None = None


def _hand_over(rehearsal: Rehearsal) -> None:
    """A process that plays is told once what."""
    global _mine
    _mine = rehearsal


def _month(seed: int) -> Month:
    assert _mine is not None
    return _mine.month(seed)


def _played(rehearsal: Rehearsal, asked: Asked, what: str) -> list[Month]:
    """Every month, in the order of the seeds, on as many processes as there are processors, with a bar."""
    seeds = range(asked.seed, asked.seed + asked.runs)
    columns = TextColumn(f"{what} {asked.runs} x {asked.days} days"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), disable=asked.as_json, transient=True) as bar:
        task = bar.add_task(what, total=asked.runs)
        months: list[Month] = []
        for month in _in_processes(rehearsal, seeds):
            months.append(month)
            bar.advance(task)
    return months


def _in_processes(rehearsal: Rehearsal, seeds: Sequence[int]) -> Iterator[Month]:
    workers = min(len(seeds), cpu_count() or 1)
    if workers == 1:
        yield from (rehearsal.month(seed) for seed in seeds)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _hand_over, (rehearsal,)) as pool:
        yield from pool.map(_month, seeds, chunksize=1)


# ---------------------------------------------------------------- scenes


def _scenes(mine: Rehearsal, asked: Asked) -> list[Played]:
    """Play one scene, or all, and tell each as a time line. Raises WrongUse."""
    names = SCENES if asked.scene == EVERY else (str(asked.scene),)
    if unknown := [name for name in names if name not in SCENES]:
        raise WrongUse(f"no scene {unknown[0]!r}; there are: {', '.join(SCENES)}, {EVERY}")
    told: list[dict[str, object]] = []
    found: list[Played] = []
    for name in names:
        try:
            made = scene(name, mine.policy, mine.parameters, mine.begin, mine.visits_a_day, asked.seed)
        except NotHere as reason:
            told.append({"scene": name, "played": False, "why": str(reason)})
            if not asked.as_json:
                typer.echo(f"{name}: not played, {reason}\n")
            continue
        played = play_scene(made, mine.parameters, coordinators=mine.coordinators, seed=asked.seed)
        found.append(played)
        told.append(_told_scene(played))
        if not asked.as_json:
            _tell_scene(played)
    failed = [p.name for p in found if p.failed]
    if asked.as_json:
        typer.echo(json.dumps({"seed": asked.seed, "scenes": told}, indent=2))
    else:
        not_so = f"; not: {', '.join(failed)}" if failed else ""
        typer.echo(f"{len(found) - len(failed)} of {len(found)} scenes passed{not_so}")
    return found


async def _keep(folder: Path, played: Sequence[Played], seed: int) -> None:
    """Keep what was rehearsed, where the practice has a database: a stage goes live only after it."""
    settings = read_settings(folder)
    if settings.database == "embedded" and not (folder / "database").exists():
        return
    rows = [Rehearsed(p.name, seed, not p.failed) for p in played]
    async with opened(folder) as app:
        connection = await as_owner(app.owner_dsn)
        try:
            await keep(connection, practice_id_of(settings.practice), playbook_text(folder), rows, app.clock.now())
        finally:
            await connection.close()


def _told_scene(played: Played) -> dict[str, object]:
    lines = [{"after_s": round((i.at - played.begins).total_seconds()), "what": i.words} for i in played.lines]
    return {
        "scene": played.name,
        "played": True,
        "passed": not played.failed,
        "failed": list(played.failed),
        "lines": lines,
    }


def _tell_scene(played: Played) -> None:
    typer.echo(f"{played.name}: {'did not go as promised' if played.failed else 'passed'}")
    for line in played.lines[:MOST_LINES]:
        minutes, seconds = divmod(round((line.at - played.begins).total_seconds()), 60)
        typer.echo(f"  {minutes // 60:>3}:{minutes % 60:02}:{seconds:02}  {line.words}")
    if len(played.lines) > MOST_LINES:
        typer.echo(f"            and {len(played.lines) - MOST_LINES} lines more (--json has all)")
    for words in played.failed:
        typer.echo(f"  not kept: {words}")
    typer.echo("")


# ---------------------------------------------------------------- telling


def _as_json(
    asked: Asked,
    figures: dict[str, Interval],
    beside: dict[str, Interval] | None,
    apart: dict[str, Interval] | None,
    broken: Sequence[str],
) -> dict[str, object]:
    def plain(found: dict[str, Interval] | None) -> dict[str, object] | None:
        return {code: asdict(interval) for code, interval in found.items()} if found is not None else None

    return {
        "days": asked.days,
        "runs": asked.runs,
        "seed": asked.seed,
        "figures": plain(figures),
        "compared_with": plain(beside),
        "difference": plain(apart),
        "broken": list(broken),
    }


def _tell(
    mine: Rehearsal,
    asked: Asked,
    figures: dict[str, Interval],
    beside: dict[str, Interval] | None,
    apart: dict[str, Interval] | None,
    broken: Sequence[str],
) -> None:
    directory = mine.policy.directory
    last = mine.begin + timedelta(days=asked.days)
    typer.echo(
        f"{directory.name}, playbook {mine.policy.playbook.name}: {asked.runs} simulated months of {asked.days} days "
        f"({mine.begin:%d %b %Y} to {last:%d %b %Y}), seeds {asked.seed} to {asked.seed + asked.runs - 1}, "
        f"{mine.coordinators} coordinating. Middle of the months, and where 19 of 20 lie:\n"
    )
    for told in TOLD:
        if told.code in figures:
            line = f"  {told.name:<58} {_interval(figures[told.code], told.decimals):>24} {told.unit}"
            if apart is not None and beside is not None and told.code in apart:
                line += f"   {asked.compare}: {_interval(beside[told.code], told.decimals)}"
                line += f", {_difference(apart[told.code], told.decimals)}"
            typer.echo(line)
    if broken:
        typer.echo(f"\n{len(broken)} promises did not hold. Play one again with --runs 1 --seed N:")
        for one in broken[:MOST_SHOWN]:
            typer.echo(f"  {one}")
    else:
        typer.echo("\nEvery promise that can be checked on values held in every month.")


def _interval(of: Interval, decimals: int) -> str:
    return f"{of.middle:,.{decimals}f} ({of.low:,.{decimals}f} to {of.high:,.{decimals}f})"


def _difference(of: Interval, decimals: int) -> str:
    if of.low <= 0 <= of.high:
        return "no difference shown"
    return f"difference {of.middle:+,.{decimals}f} ({of.low:+,.{decimals}f} to {of.high:+,.{decimals}f})"
