"""A small program that becomes an ordinary user and then the given command: PostgreSQL refuses to run as root (E29).

Run by its path as `python -I -S unprivileged.py MODE UID GID NEEDS COMMAND ...`, standard library only. It is a process
of its own because the callers have threads, and Python must not run between fork and exec then. Which mode to use, and
everything about PostgreSQL, is decided in `store.cluster`. Linux only.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

CANNOT = 97
"""Exit code: this machine does not allow that mode."""

PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 8, 38, 47, 2
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000


def _call(function: str, *arguments: object) -> None:
    """One call of the C library. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), f"{function}: {os.strerror(ctypes.get_errno())}")


def _prctl(option: int, *arguments: int) -> None:
    values = [*arguments, 0, 0, 0, 0][:4]
    _call("prctl", ctypes.c_int(option), *(ctypes.c_ulong(value) for value in values))


def _keep_only(capabilities: Sequence[int]) -> None:
    """Hold exactly these capabilities, and hand them on to what is executed next."""
    mask = sum(1 << each for each in capabilities)
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    _call("capset", header, struct.pack("=6I", mask, mask, mask, 0, 0, 0))
    for each in capabilities:
        _prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, each)


def _reaches(needs: Path, command: str) -> bool:
    """Whether this process, as it is now, can enter the folder and read the command's own file."""
    try:
        with os.scandir(needs), open(command, "rb"):
            return True
    except OSError:
        return False


def drop(uid: int, gid: int, needs: Path, command: str) -> None:
    """Become uid and gid, keeping CAP_DAC_READ_SEARCH only where a parent folder is closed to that user.
    Raises OSError, also where the command may be run by its owner only: that capability does not open it."""
    _prctl(PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)  # clears the effective capabilities: what works from here on works without them
    if _reaches(needs, command):
        _keep_only(())
    else:
        _keep_only((CAP_DAC_READ_SEARCH,))
        if not _reaches(needs, command):
            raise PermissionError(f"{needs} can't be reached by user id {uid}")
    # initdb asks access(2) about the programs beside it, and that call knows no capability.
    if not os.access(command, os.R_OK | os.X_OK):
        raise PermissionError(f"{command} may be run by its owner only, or lies in a closed folder")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def enter_namespace(uid: int, gid: int) -> None:
    """Stay who we are outside, be uid and gid inside a user namespace of our own. Raises OSError."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    _call("unshare", ctypes.c_int(CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outer_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outer_gid} 1")
    _prctl(PR_SET_NO_NEW_PRIVS, 1)


def main(arguments: Sequence[str]) -> None:
    """Become unprivileged as asked, then the command. Exits CANNOT with one line where that is not allowed."""
    mode, uid, gid, needs, command, *rest = arguments
    try:
        if mode == "drop":
            drop(int(uid), int(gid), Path(needs), command)
        else:
            enter_namespace(int(uid), int(gid))
        os.execv(command, [command, *rest])  # noqa: S606  # no shell is what we want
    except OSError as error:
        print(f"can't become an ordinary user ({mode}): {error}", file=sys.stderr)
        sys.exit(CANNOT)


if __name__ == "__main__":
    main(sys.argv[1:])
