"""Becoming an ordinary user (E29): what can't be run that way says so, and another way is tried."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caredispatch.store import unprivileged

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


def run(mode: str, needs: Path, *command: str) -> int:
    program = str(Path(unprivileged.__file__))
    full = [sys.executable, "-I", "-S", program, mode, "65534", "65534", str(needs), *command]
    return subprocess.run(full, capture_output=True, check=False).returncode


def test_programs_in_a_folder_closed_to_others_are_left_to_the_namespace(tmp_path: Path) -> None:
    """A checkout below a folder of mode 0700: initdb would not find the programs beside it."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    program = Path(shutil.copy("/bin/true", closed / "true"))
    assert run("drop", closed, str(program)) == unprivileged.CANNOT
    assert run("drop", Path("/"), "/bin/true") == 0
