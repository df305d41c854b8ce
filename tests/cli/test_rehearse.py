"""`rehearse` as its user types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML

from caredispatch.policy.profiles import profile_text
from caredispatch.rehearsal.practices import practice_text
from tests.cli.test_commands import refused, run


def served(folder: Path) -> subprocess.CompletedProcess[str]:
    """A server that starts, publishes what it finds, and ends with its standard input."""
    command = [sys.executable, "-m", "caredispatch.cli", "serve", str(folder), "--port", "0", "--tied"]
    return subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=False)


def written(folder: Path) -> None:
    """The practice of a shipped type, without its connections."""
    yaml = YAML(typ="safe")
    text = yaml.load(practice_text("behavioral-outreach"))
    text["connections"] = {}
    with (folder / "practice.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(text, file)


def staged(folder: Path, state: str) -> None:
    """`no_show_follow_up` off or live."""
    path = folder / "playbook.yaml"
    text = path.read_text("utf-8")
    for other in ("live", "off"):
        text = text.replace(f"no_show_follow_up: {other}", f"no_show_follow_up: {state}")
    path.write_text(text, "utf-8")


def test_a_stage_goes_live_only_after_its_playbook_was_rehearsed(tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    assert run("init", folder, "--profile", "behavioral-outreach").returncode == 0
    written(folder)
    assert run("import", folder).returncode == 0
    staged(folder, "off")
    assert served(folder).returncode == 0
    staged(folder, "live")
    none = "of late-cancellation, no-show, add-on none passed"
    refused(served(folder), "stages.no_show_follow_up", none, "caredispatch rehearse")
    one = run("rehearse", folder, "--scene", "no-show")
    assert "1 of 1 scenes passed" in one.stdout, one.stderr
    refused(served(folder), "of late-cancellation, add-on none passed")
    every = run("rehearse", folder, "--scene", "all", "--json")
    assert every.returncode == 0, every.stderr
    scenes = json.loads(every.stdout)["scenes"]
    assert {s["scene"] for s in scenes if s["played"]} >= {
        "late-cancellation",
        "no-show",
        "add-on",
        "booking",
        "closure",
    }
    assert all(s["passed"] for s in scenes if s["played"])
    assert served(folder).returncode == 0


def test_a_practice_is_rehearsed_from_its_files_before_there_is_a_database(tmp_path: Path) -> None:
    (tmp_path / "caredispatch.yaml").write_text("practice: river\n", "utf-8")
    written(tmp_path)
    (tmp_path / "playbook.yaml").write_text(profile_text("behavioral-outreach"), "utf-8")
    (tmp_path / "rehearsal.yaml").write_text("patients: {no_show: 30}\n", "utf-8")
    told = run("rehearse", tmp_path, "--runs", "2", "--days", "5", "--json")
    assert told.returncode == 0, told.stderr
    months = json.loads(told.stdout)
    assert (months["runs"], months["days"], months["broken"]) == (2, 5, [])
    assert set(months["figures"]["utilisation"]) == {"low", "middle", "high"}
    (tmp_path / "rehearsal.yaml").write_text("patients: {no_shows: 30}\n", "utf-8")
    refused(run("rehearse", tmp_path), "no_shows")


def test_beside_itself_on_the_same_luck_a_playbook_makes_no_difference_at_all(tmp_path: Path) -> None:
    same = tmp_path / "same.yaml"
    same.write_text(profile_text("behavioral-outreach"), "utf-8")
    shipped = ("rehearse", "--practice", "behavioral-outreach", "--runs", "2", "--days", "5", "--json")
    told = json.loads(run(*shipped, "--compare", same).stdout)
    assert {v for of in told["difference"].values() for v in of.values()} == {0.0}
    by_hand = json.loads(run(*shipped, "--compare", "manual").stdout)
    assert by_hand["difference"]["coordinator_hours"]["high"] < 0


def test_a_wrong_use_of_rehearse_names_the_fix(tmp_path: Path) -> None:
    refused(run("rehearse", "--practice", "circus"), "circus", "behavioral-health")
    refused(run("rehearse", "--scene", "party"), "party", "late-cancellation")
    refused(run("rehearse", "--compare", tmp_path / "none.yaml"), "none.yaml", "manual")
    refused(run("rehearse", tmp_path), "caredispatch.yaml does not exist")
