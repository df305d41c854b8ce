"""Which server process, if any, is ours: what stands in a cluster's `postmaster.pid`, held against the process of that
number. A number alone proves nothing (it is given out again after a reboot), so a server is ours only if its command
line carries our nonce and our folder. Starting and stopping live in `store.server`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Noted:
    """What `postmaster.pid` says. `status` is PostgreSQL's own word (`starting`, `ready`, `stopping`) or empty."""

    pid: int
    status: str


def noted(cluster: Path) -> Noted | None:
    """What the server wrote about itself. None if there is no such file or it is still being written."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return Noted(int(lines[0]), lines[7].strip() if len(lines) > 7 else "")
    except (OSError, ValueError, IndexError):
        return None


def command_line(pid: int) -> tuple[str, ...]:
    """The words of a process's command line; empty if it is gone or a zombie."""
    if sys.platform == "linux":
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ()
        return tuple(os.fsdecode(word) for word in raw.rstrip(b"\0").split(b"\0") if word)
    asked = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words and a number
    return tuple(found.stdout.split())


def is_ours(pid: int, cluster: Path, nonce: str) -> bool:
    """Whether that process is the server that was started with this nonce on this folder."""
    words = command_line(pid)
    return bool(nonce) and f"cluster_name={nonce}" in words and str(cluster) in " ".join(words)


def is_foreign_server(pid: int, cluster: Path) -> bool:
    """Whether that process is a PostgreSQL at work in this folder (to be asked once it is known not to be ours). One
    that can't be looked into counts as such: better refused than two servers on the same files."""
    words = command_line(pid)
    if not words or Path(words[0].rstrip(":")).name not in {"postgres", "postmaster"}:
        return False
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster
    except OSError:
        return True


def running(cluster: Path, nonce: str) -> Noted | None:
    """Our server on this cluster, if it is alive."""
    found = noted(cluster)
    return found if found and is_ours(found.pid, cluster, nonce) else None


def disown_stale_number(cluster: Path) -> None:
    """Make the number of a server that is gone harmless: it may belong to some other program now, or to a zombie, and
    PostgreSQL would take that for a server. The file is not removed: PostgreSQL accepts its parent's number (ours) as
    stale and still checks by the shared memory noted in the same file that no old server process is left."""
    path = cluster / "postmaster.pid"
    try:
        lines, was = path.read_text().splitlines(keepends=True), path.stat()
    except FileNotFoundError:
        return
    if not lines:  # a kill between making and writing it
        path.unlink()
        return
    # Written outside the cluster: root must not write where PostgreSQL's user could have put a link.
    fresh = cluster.parent / "postmaster.pid.new"
    fresh.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    fresh.chmod(0o600)
    os.chown(fresh, was.st_uid, was.st_gid)
    fresh.replace(path)
