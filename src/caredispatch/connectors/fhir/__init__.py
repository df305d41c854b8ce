"""An EHR by FHIR R4: appointments with versions, people's calendars, patients. Writes keep what they don't know."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from caredispatch.connectors.fhir.connector import Fhir
from caredispatch.contract.settings import Settings


def build(settings: Mapping[str, str], http: httpx.AsyncClient) -> Fhir:
    """The connector for one server. Raises ValueError naming a wrong setting and its fix."""
    return Fhir(Settings("fhir", settings), http)
