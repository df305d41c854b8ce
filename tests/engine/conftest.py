"""One house for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from caredispatch.store.server import EmbeddedServer
from tests.engine.house import House, house_on


@pytest_asyncio.fixture
async def house(pg: EmbeddedServer) -> AsyncIterator[House]:
    """A fresh practice, its engine turned by hand."""
    async with house_on(pg, "house") as made:
        yield made
