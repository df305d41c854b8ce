"""The embedded server survives what happens to processes, and touches nobody else's (E29)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from caredispatch.store import cluster, postmaster, server
from caredispatch.store.server import EmbeddedServer, ServerError, adopt_or_start

PASSWORD = "pa ss/%@:"

ANOTHER = f"""
import sys
from pathlib import Path
from caredispatch.store.server import adopt_or_start
here = adopt_or_start(Path(sys.argv[1]), {PASSWORD!r})
print(here.port, flush=True)
sys.stdin.read()
here.stop()
"""


def ask(here: EmbeddedServer, sql: str) -> Any:
    """The one value of a statement."""

    async def run() -> Any:
        connection = await asyncpg.connect(here.dsn())
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(run())


def pid_of(data: Path) -> int:
    """The number of the server's process."""
    found = postmaster.noted(data / "cluster")
    assert found is not None
    return found.pid


def until_gone(pid: int) -> None:
    """Wait for a killed process (a zombie counts as gone)."""
    while postmaster.command_line(pid):
        time.sleep(0.01)


@contextmanager
def another_process(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that has a server on the folder, until its input ends."""
    command = [sys.executable, "-c", ANOTHER, str(data)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


def port_of(process: subprocess.Popen[str]) -> int:
    """The port of the server that it has."""
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A folder under a parent of mode 0700; no server of it is left at the end, whatever the test did."""
    tmp_path.chmod(0o700)
    folder = tmp_path / "db"
    yield folder
    if (folder / "cluster" / "PG_VERSION").exists():
        adopt_or_start(folder, PASSWORD).stop()


@pytest.fixture
def start(data: Path) -> Iterator[Callable[[], EmbeddedServer]]:
    """Start, to be stopped at the end, before the folder's last look."""
    started: list[EmbeddedServer] = []

    def one() -> EmbeddedServer:
        started.append(adopt_or_start(data, PASSWORD))
        return started[-1]

    yield one
    for each in started:
        each.stop()


Start = Callable[[], EmbeddedServer]


def test_it_starts_answers_with_our_settings_stops_and_keeps_its_rows_and_port(data: Path, start: Start) -> None:
    first = start()
    assert ask(first, "select current_setting('timezone') || current_setting('fsync')") == "UTCon"
    assert ask(first, "select current_setting('data_checksums') || current_setting('server_encoding')") == "onUTF8"
    ask(first, "create table kept as select 7 as n")
    first.stop()
    first.stop()
    with pytest.raises(ConnectionRefusedError):
        ask(first, "select 1")
    second = start()
    assert (second.port, ask(second, "select n from kept")) == (first.port, 7)


def test_exclusion_constraints_can_be_had_and_a_wrong_password_cannot(pg: EmbeddedServer) -> None:
    ask(pg, "create extension if not exists btree_gist")
    assert ask(pg, "select count(*) from pg_extension where extname = 'btree_gist'") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(asyncpg.connect(pg.dsn(password="wrong")))
    assert "for-tests" not in repr(pg)


def test_committed_rows_outlive_a_killed_server(data: Path, start: Start) -> None:
    first = start()
    ask(first, "create table kept as select generate_series(1, 200) as n")
    os.kill(pid_of(data), signal.SIGKILL)
    until_gone(pid_of(data))
    first.stop()
    second = start()
    assert ask(second, "select count(*) from kept") == 200


def test_the_server_outlives_its_killed_user_and_the_next_start_takes_it_over(data: Path, start: Start) -> None:
    with another_process(data) as user:
        port = port_of(user)
        user.kill()
    pid = pid_of(data)
    here = start()
    assert (here.port, pid_of(data)) == (port, pid)
    here.stop()
    assert postmaster.command_line(pid) == ()


def test_whoever_leaves_last_stops_the_server_whoever_started_it(data: Path, start: Start) -> None:
    first = start()
    with another_process(data) as joined:
        assert port_of(joined) == first.port
        first.stop()
        assert ask(first, "select 1") == 1, "the other still uses it"
        assert pid_of(data)
    assert first.child is not None
    assert first.child.wait(10) == 0
    second = start()
    with another_process(data) as joined:
        port_of(joined)
    assert ask(second, "select 1") == 1, "we still use it"


def test_two_starters_at_once_end_with_one_server(data: Path, start: Start) -> None:
    with another_process(data) as one, another_process(data) as two:
        assert port_of(one) == port_of(two)


def test_a_taken_port_is_given_up_for_another(data: Path, start: Start) -> None:
    first = start()
    first.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first.port))
        taken.listen()
        second = start()
        assert second.port != first.port
        assert ask(second, "select 1") == 1
        second.stop()


def test_a_closed_parent_folder_is_no_obstacle_and_its_mode_stays(data: Path, start: Start) -> None:
    here = start()
    assert ask(here, "select 1") == 1
    assert (data.parent.stat().st_mode & 0o777, data.stat().st_mode & 0o777) == (0o700, 0o700)
    server_process = Path(f"/proc/{pid_of(data)}")
    ids = next(line for line in (server_process / "status").read_text().split("\n") if line.startswith("Uid:"))
    # An ordinary user; or, where that one can't read the programs (a closed checkout), root's id in a namespace of its
    # own, where it means nothing.
    in_namespace = (server_process / "ns" / "user").readlink() != Path("/proc/self/ns/user").readlink()
    assert "0" not in ids.split()[1:] or in_namespace
    here.stop()


def test_where_root_can_give_up_its_name_only_in_a_namespace_that_serves_too(
    data: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "_possible_owners", lambda: [(os.geteuid(), os.getegid())])
    try:
        here = start()
    except ServerError as error:  # this machine allows no user namespaces, and says so in one line
        assert "can't become an ordinary user (namespace)" in str(error)  # noqa: PT017  # either end is right
    else:
        assert ask(here, "select 1") == 1
        here.stop()


def test_files_of_another_major_version_are_refused_with_the_command_that_upgrades(data: Path, start: Start) -> None:
    start().stop()
    version = data / "cluster" / "PG_VERSION"
    was = version.read_text()
    version.write_text("15\n")
    with pytest.raises(ServerError, match=r"PostgreSQL 15, this is 18.*pg_upgrade") as refused:
        start()
    assert "\n" not in str(refused.value)
    version.write_text(was)


def test_a_server_with_another_nonce_is_neither_stopped_nor_started_over(data: Path, start: Start) -> None:
    here = start()
    state = data / "server.json"
    was = state.read_text()
    state.write_text(json.dumps({"port": here.port, "nonce": "another"}))
    here.stop()
    assert ask(here, "select 1") == 1
    with pytest.raises(ServerError, match="did not start"):
        start()
    state.write_text(was)
    adopt_or_start(data, PASSWORD).stop()
    assert here.child is not None
    assert here.child.wait() == 0


def test_a_process_that_got_the_old_number_is_left_alone(data: Path, start: Start) -> None:
    here = start()
    os.kill(pid_of(data), signal.SIGKILL)
    until_gone(pid_of(data))
    here.stop()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        noted = data / "cluster" / "postmaster.pid"
        lines = noted.read_text().splitlines(keepends=True)
        noted.write_text("".join([f"{bystander.pid}\n", *lines[1:]]))
        again = start()
        assert ask(again, "select 1") == 1
        again.stop()
        assert bystander.poll() is None
        bystander.kill()


def test_a_broken_setting_is_told_in_one_line(data: Path, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    start().stop()
    with monkeypatch.context() as broken:
        broken.setitem(server.SETTINGS, "shared_buffers", "no")
        with pytest.raises(ServerError, match=r"did not start.*shared_buffers") as told:
            start()
    assert "\n" not in str(told.value)
