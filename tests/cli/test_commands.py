"""What is wrong is one clear line and exit 2, never a traceback; the ordinary way works from an empty folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from caredispatch.store.vault import MasterKey


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "caredispatch.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def refused(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr
    assert all(word in ended.stderr for word in words), ended.stderr


def test_no_folder_names_the_command_that_makes_one(tmp_path: Path) -> None:
    refused(run("serve", tmp_path), "caredispatch.yaml does not exist", "caredispatch init")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("port: 99999", ("port", "99999")),
        ("colour: blue", ("colour",)),
        ("database: mysql://x", ("database", "postgresql://")),
        ("host: 0.0.0.0", ("not loopback", "behind_tls")),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path: Path, line: str, words: tuple[str, ...]) -> None:
    (tmp_path / "caredispatch.yaml").write_text(f"practice: river\n{line}\n", "utf-8")
    refused(run("serve", tmp_path), *words)


def test_a_missing_and_an_open_key_name_the_fix(tmp_path: Path) -> None:
    (tmp_path / "caredispatch.yaml").write_text("practice: river\n", "utf-8")
    refused(run("serve", tmp_path), "recovery copy")
    (tmp_path / "key").write_text(MasterKey.new().text(), "ascii")
    (tmp_path / "key").chmod(0o644)
    refused(run("serve", tmp_path), "chmod 600")


def test_a_practice_from_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "practice"
    made = run("init", folder, "--name", "Testville Therapy")
    assert made.returncode == 0, made.stderr
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert (folder / "key").read_text().strip() in made.stdout
    refused(run("init", folder), "not empty")
    schema = json.loads((folder / "playbook.schema.json").read_text("utf-8"))
    assert "paths" in schema["properties"]
    assert "$schema=playbook.schema.json" in (folder / "playbook.yaml").read_text("utf-8").splitlines()[0]

    assert run("check", folder).returncode == 0
    written = run("export", folder)
    assert written.returncode == 0, written.stderr
    (folder / "practice.yaml").write_text(written.stdout, "utf-8")
    taken = run("import", folder)
    assert "directory version 2" in taken.stdout, taken.stderr
    lacking = "acuity: {connector: acuity, settings: {user_id: 1}, baa: signed}"
    (folder / "lacking.yaml").write_text(
        written.stdout.replace("connections: {}", f"connections:\n  {lacking}"), "utf-8"
    )
    refused(run("import", folder, "--from", folder / "lacking.yaml"), "connections.acuity", "'api_key' is missing")
    doctor = run("doctor", folder, "--json")
    assert doctor.returncode in (0, 1), doctor.stderr
    json.loads(doctor.stdout)

    invited = run("invite", folder, "Noor")
    assert "noor signs in once" in invited.stdout, invited.stderr
    assert "/sign-in/once/" in invited.stdout
    refused(run("invite", folder, "noor", "--role", "owner"), "owner", "administrator, coordinator")

    (folder / "key").write_text(MasterKey.new().text(), "ascii")
    refused(run("export", folder), "key")


def test_what_a_text_means_is_told_in_words_and_as_json() -> None:
    told = run("reply", "llego tarde 20", "--context", "staff_ask")
    assert (told.returncode, told.stdout.strip()) == (0, "will be late by 20 minutes")
    found = json.loads(run("reply", "yes", "--context", "two_open", "--json").stdout)
    assert (found["label"], found["number"], found["needs"]) == ("yes", None, "which_question")


def test_texts_of_a_file_are_read_and_compared_with_their_labels(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text("text,context,label\nyes,patient_confirm,yes\nmaybe,patient_confirm,human\n", "utf-8")
    told = run("reply", "--csv", file)
    assert told.returncode == 0, told.stdout
    assert "2 texts: 0 read wrongly" in told.stdout
    file.write_text("words,open\nyes,patient_confirm\nsolo video,staff_ask\n", "utf-8")
    told = run("reply", "--csv", file, "--text-column", "words", "--context-column", "open", "--json")
    assert [json.loads(line)["label"] for line in told.stdout.splitlines()] == ["yes", "out"]
    file.write_text("text,context,label\nyes,patient_confirm,no\n", "utf-8")
    told = run("reply", "--csv", file)
    assert told.returncode == 1
    assert "line 2: patient_confirm 'yes': meant no, read yes" in told.stdout


def test_a_wrong_use_of_reply_names_the_fix(tmp_path: Path) -> None:
    refused(run("reply"), "TEXT", "--csv")
    refused(run("reply", "yes", "--context", "patient"), "--context", "'patient'", "two_open")
    file = tmp_path / "texts.csv"
    refused(run("reply", "--csv", file), "can't be read")
    file.write_text("said,context\nyes,none\n", "utf-8")
    refused(run("reply", "--csv", file), "no column 'text'", "--text-column")
    file.write_text("text,context,label\nyes,none,maybe\n", "utf-8")
    refused(run("reply", "--csv", file), "texts.csv:2: label", "'maybe'")
