"""`baseline` and `tally` as they are typed, on a folder of their own: what is wrong is told and nothing is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import refused, run

HEAD = "Date,scrambles,mins,cases\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("baseline") / "practice"
    done = run("init", made, "--name", "Testville Therapy")
    assert done.returncode == 0, done.stderr
    return made


def _import(folder: Path, text: str, *more: str) -> list[str]:
    file = folder.parent / "before.csv"
    file.write_text(text, "utf-8")
    maps = [f"--map={pair}" for pair in ("day=Date", "coordinator_minutes=mins", "incidents=cases")]
    done = run("baseline", "import", folder, file, *maps, *more)
    return [str(done.returncode), *done.stdout.splitlines(), *done.stderr.splitlines()]


def test_a_baseline_from_a_file_is_checked_then_frozen_and_binds_the_instrument_D38(folder: Path) -> None:
    assert run("baseline", "show", folder).returncode == 1
    code, *lines = _import(folder, HEAD + "2026-02-30,2,60,5\n2026-03-02,2,sixty,5\n")
    assert code == "2"
    assert any("before.csv:2: Date: write the day as 2027-01-31 (it is '2026-02-30')" in line for line in lines)
    assert any("before.csv:3: mins: write a number" in line for line in lines)

    text = HEAD + "2026-03-02,2,60,5\n2026-03-03,4,30,4\n"
    code, *lines = _import(folder, text)
    assert code == "0"
    assert "no mistakes; nothing is frozen yet: the same with --freeze freezes it for ever" in lines
    assert run("baseline", "show", folder).returncode == 1
    code, *lines = _import(folder, text, "--freeze")
    assert code == "2"
    assert "say how they were measured" in lines[-1]
    code, *lines = _import(folder, text, "--freeze", "--instrument", "tally")
    assert code == "0", lines
    assert lines[-1].startswith(
        "baseline 1 is frozen: 2026-03-02 to 2026-03-03, 4 figures, coordinators' minutes by tally"
    )

    shown = run("baseline", "show", folder)
    # 90 minutes over 9 incidents, 6 scrambles over 2 days.
    assert "Coordinator minutes an incident: 10.0 minutes over 2 days" in shown.stdout
    assert "Same-day scrambles: 3.0 a day over 2 days" in shown.stdout
    assert json.loads(run("baseline", "show", folder, "--json").stdout)[0]["instrument"] == "tally"
    refused(run("tally", "answer", folder, "yes", "--every", "30", "--who", "admin"), "measured by tally", "D38")


def test_minutes_are_noted_by_start_and_stop_or_at_once(folder: Path) -> None:
    refused(run("tally", "start", folder, "--who", "nobody"), "no such account", "caredispatch invite")
    refused(run("tally", "start", folder, "--who", "admin", "--location", "Mars"), "--location Mars", "there are:")
    refused(run("tally", "stop", folder, "--who", "admin"), "caredispatch tally start")
    assert run("tally", "start", folder, "--who", "admin").returncode == 0
    refused(run("tally", "start", folder, "--who", "admin"), "caredispatch tally stop")
    assert "minutes of admin" in run("tally", "stop", folder, "--who", "admin").stdout
    refused(run("tally", "note", folder, "2000", "--who", "admin"), "from 0 to 1440")
    assert run("tally", "note", folder, "12.25", "--who", "admin").returncode == 0
    shown = run("tally", "show", folder).stdout
    assert "admin: 12 minutes" in shown
    assert "measured by tally" in shown


def test_prompts_are_drawn_between_two_times_and_each_stands_for_an_equal_share() -> None:
    drawn = run("tally", "prompts", "--from", "08:00", "--to", "16:00", "--times", "12").stdout.splitlines()
    assert len(set(drawn[:-1])) == 12
    assert drawn[:-1] == sorted(drawn[:-1])
    assert all("08:00" <= at < "16:00" for at in drawn[:-1])
    assert "each stands for 40 minutes" in drawn[-1]


def test_listening_says_what_hinders_it(folder: Path) -> None:
    listened = run("baseline", "listen", folder)
    assert "0 of 30 days were listened to" in listened.stdout, listened.stderr
    refused(
        run("baseline", "freeze", folder, "--from", "2026-03-03", "--to", "2026-03-02"), "--from 2026-03-03 is after"
    )
    refusal = run("baseline", "freeze", folder, "--from", "2026-03-02", "--to", "2026-03-03", "--reason", "anew")
    assert refusal.returncode == 2
    assert "nothing was published before 2026-03-02" in refusal.stderr
