"""Acuity Scheduling: thin signed webhooks, a REST API without versions, our id in the notes."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from caredispatch.connectors.acuity.connector import Acuity
from caredispatch.contract.settings import Settings


def build(settings: Mapping[str, str], http: httpx.AsyncClient) -> Acuity:
    """The connector for one account. Raises ValueError naming a wrong setting and its fix."""
    return Acuity(Settings("acuity", settings), http)
