"""Mail by SMTP: words to one address. Replies and bounces are not read."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from caredispatch.connectors.email.connector import Email
from caredispatch.contract.settings import Settings


def build(settings: Mapping[str, str], http: httpx.AsyncClient) -> Email:
    """The connector for one mail server. Raises ValueError naming a wrong setting and its fix."""
    return Email(Settings("email", settings), http)
