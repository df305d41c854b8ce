"""Any system that can post and take signed JSON (Standard Webhooks), in a format of our own."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from caredispatch.connectors.webhook.connector import Webhook
from caredispatch.contract.settings import Settings


def build(settings: Mapping[str, str], http: httpx.AsyncClient) -> Webhook:
    """The connector for one pair of hooks. Raises ValueError naming a wrong setting and its fix."""
    return Webhook(Settings("webhook", settings), http)
