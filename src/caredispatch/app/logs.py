"""Structured logs without identity: events and ids only. Exceptions are logged by type and place, never with values
of rows or requests (promise 8)."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog


def _no_values(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the lines it passed: its text may quote what somebody sent."""
    error = event.pop("exc_info", None)
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__name__
        event["at"] = [f"{f.filename.rpartition('caredispatch/')[2]}:{f.lineno}" for f in frames[-6:]]
    return event


def set_up_logs(form: str, level: str) -> None:
    """Write logs to stderr, as `json` or for a `console`."""
    numeric = logging.getLevelNamesMapping()[level.upper()]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _no_values,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries may quote addresses and bodies in their records: only their warnings pass, without arguments.
    logging.basicConfig(level=logging.ERROR, format="%(name)s %(levelname)s", stream=sys.stderr, force=True)
