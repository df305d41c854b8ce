"""What is wrong with what was asked is one clear line and exit 2; a traceback is only for our own mistakes."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from caredispatch.app.accounts import HandleInvalid
from caredispatch.app.directory_file import DirectoryInvalid
from caredispatch.app.loop import run as run_to_the_end
from caredispatch.app.settings import SettingsInvalid
from caredispatch.engine.registry import Unconfigured
from caredispatch.policy.findings import PlaybookInvalid
from caredispatch.store.schema import SchemaNewer
from caredispatch.store.server import ServerError
from caredispatch.store.vault import KeyInvalid

WRONG_USE = 2


class WrongUse(Exception):
    """The command can't be carried out as it was given."""


@contextmanager
def told_plainly() -> Iterator[None]:
    """Turn expected failures into one line on stderr and exit 2; Ctrl-C into a clean end."""
    try:
        yield
    except (
        WrongUse,
        SettingsInvalid,
        KeyInvalid,
        ServerError,
        SchemaNewer,
        DirectoryInvalid,
        Unconfigured,
        HandleInvalid,
    ) as error:
        typer.echo(f"caredispatch: {error}", err=True)
        raise typer.Exit(WRONG_USE) from None
    except PlaybookInvalid as error:
        first, more = error.findings[0], len(error.findings) - 1
        typer.echo(f"caredispatch: {first}{f' (and {more} more: run `caredispatch check`)' if more else ''}", err=True)
        raise typer.Exit(WRONG_USE) from None
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


def run_told(work: Coroutine[Any, Any, int]) -> None:
    """Run a command to the end, its failures told plainly; what it returns is the exit code."""
    with told_plainly():
        code = run_to_the_end(work)
        if code:
            raise typer.Exit(code)
