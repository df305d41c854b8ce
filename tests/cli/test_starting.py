"""What stands in the way at the start is one clear line and exit 2, never a traceback, and nothing is half made."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from caredispatch.app.settings import write_key
from caredispatch.policy.profiles import profile_text
from caredispatch.store.server import EmbeddedServer
from tests.cli.test_commands import refused, run


def folder(tmp_path: Path, database: str, **settings: object) -> Path:
    """A practice's folder on a database."""
    lines = [f"{name}: {value}" for name, value in {"practice": "river", "database": database, **settings}.items()]
    (tmp_path / "caredispatch.yaml").write_text("\n".join(lines), "utf-8")
    (tmp_path / "playbook.yaml").write_text(profile_text("behavioral-health"), "utf-8")
    write_key(tmp_path)
    return tmp_path


def nobody_listens() -> int:
    """A port where nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_database_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    ended = run("serve", folder(tmp_path, f"postgresql://me:hush@127.0.0.1:{nobody_listens()}/x", port=0))
    refused(ended, "database", "can't be reached", "is PostgreSQL running there?")
    assert "hush" not in ended.stderr


@pytest.mark.parametrize(
    ("user", "name", "words"),
    [("postgres:wrong", "postgres", ("user or password is refused",)), ("", "nowhere", ("does not exist",))],
)
def test_a_wrong_password_or_name_of_the_database_is_said(
    tmp_path: Path, pg: EmbeddedServer, user: str, name: str, words: tuple[str, ...]
) -> None:
    address = pg.dsn(name)
    if user:
        address = f"postgresql://{user}@{address.rpartition('@')[2]}"
    refused(run("serve", folder(tmp_path, address, port=0)), "database", *words)


def test_a_port_that_is_taken_is_said_before_anything_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused(run("serve", folder(tmp_path, "embedded", port=port)), f"port {port} is taken", "`port`")
    assert not (tmp_path / "database").exists()


def test_a_host_that_is_not_this_machine_s_is_said(tmp_path: Path) -> None:
    made = folder(tmp_path, "embedded", port=0, host="203.0.113.9", behind_tls="true")
    refused(run("serve", made), "203.0.113.9", "listen")


@pytest.mark.parametrize(
    ("mend", "words"),
    [
        (lambda path: path.unlink(), ("does not exist",)),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), ("UTF-8",)),
        (lambda path: (path.unlink(), path.mkdir()), ("can't be read",)),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_playbook_that_can_t_be_read_is_one_line(
    tmp_path: Path, pg: EmbeddedServer, command: str, mend: object, words: tuple[str, ...]
) -> None:
    made = folder(tmp_path, "embedded", port=0)
    assert callable(mend)
    mend(made / "playbook.yaml")
    refused(run(command, made), "playbook.yaml", *words)


def test_a_playbook_that_check_refuses_is_not_served(tmp_path: Path) -> None:
    made = folder(tmp_path, "embedded", port=0)
    text = profile_text("behavioral-health").replace("      - hand_to: practice_manager\n", "")
    (made / "playbook.yaml").write_text(text.replace("hand_to: front_desk", "hand_to: nobody"), "utf-8")
    refused(run("serve", made), "playbook.yaml:", "more: run `caredispatch check`")
    found = run("check", made)
    assert found.returncode == 1
    assert "the path ends without a named human" in found.stdout
    assert "nobody is called 'nobody'" in found.stdout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--profile", "dental"), ("dental", "home-health")),
        (("--database", "mysql://x"), ("database", "postgresql://")),
        (("--database", "postgresql://me:hush@127.0.0.1:1/x"), ("can't be reached",)),
        (("--admin", "two words"), ("two words", "account")),
    ],
)
def test_an_init_that_can_t_go_on_leaves_no_folder(
    tmp_path: Path, options: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(run("init", tmp_path / "new", *options), *words)
    assert not (tmp_path / "new").exists()


def test_an_init_where_no_folder_can_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", "utf-8")
    refused(run("init", tmp_path / "file"), "file", "can't be made")


def test_no_id_and_an_id_of_nothing_are_said(tmp_path: Path) -> None:
    made = tmp_path / "x"
    assert run("init", made, "--admin", " Dana ").stdout.count("Sign in as dana once") == 1
    assert (made / "caredispatch.yaml").stat().st_mode & 0o777 == 0o600
    assert made.stat().st_mode & 0o777 == 0o700
    assert "practice: p-x" in (made / "caredispatch.yaml").read_text("utf-8")
    refused(run("explain", "no-such-id", "--dir", made), "no-such-id", "case page")
    refused(run("explain", "00000000-0000-8000-8000-000000000000", "--dir", made), "no visit, case, ask or exception")
