"""The commands. Each loads what it needs when it runs, teaches by `--help`, answers a program with `--json`, and
tells by its exit code: 0 fine, 1 a finding, 2 wrong use."""

from __future__ import annotations

from caredispatch.cli.commands import app


def main() -> None:
    """The `caredispatch` command."""
    app(prog_name="caredispatch")
