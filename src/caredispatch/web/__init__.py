"""HTTP: hooks, pages, health. Pages show what `store` reads and `core` decided, and hand acts on as observations;
nothing is decided here, and nobody's identity is read here but through `reveal`."""

from caredispatch.web.application import create_web
from caredispatch.web.services import WebServices

__all__ = ["WebServices", "create_web"]
