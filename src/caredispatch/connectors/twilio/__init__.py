"""Twilio: texts out by REST, delivery reports and replies in by signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from caredispatch.connectors.twilio.connector import Twilio
from caredispatch.contract.settings import Settings


def build(settings: Mapping[str, str], http: httpx.AsyncClient) -> Twilio:
    """The connector for one number. Raises ValueError naming a wrong setting and its fix."""
    return Twilio(Settings("twilio", settings), http)
