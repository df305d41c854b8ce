"""What every room's tests may use: a real PostgreSQL, one for each test process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from caredispatch.store.server import EmbeddedServer, adopt_or_start

# Tests run in several processes already: threads of the linear algebra beside them would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A running server; make a database of your own on it (`create database`), others use it too."""
    server = adopt_or_start(tmp_path_factory.mktemp("pg"), "for-tests")
    yield server
    server.stop()
