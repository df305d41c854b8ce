"""Templates and static files. Every static file is read once and served under a name that holds its content's hash,
so that browsers may keep it for ever and never show an old one."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from caredispatch.web import times, words


@dataclass(frozen=True, slots=True)
class Static:
    """One file as it is served."""

    body: bytes
    content_type: str


def _walk(folder: Traversable, prefix: str = "") -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for entry in folder.iterdir():
        if entry.is_dir():
            found |= _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".css", ".js", ".svg")):
            found[f"{prefix}{entry.name}"] = entry.read_bytes()
    return found


class Rendering:
    """The templates with what they may call, and the static files by hashed name."""

    def __init__(self) -> None:
        self.static: dict[str, Static] = {}
        self._urls: dict[str, str] = {}
        for name, body in _walk(files("caredispatch.web").joinpath("static")).items():
            stem, _, ending = name.rpartition(".")
            hashed = f"{stem}.{sha256(body).hexdigest()[:12]}.{ending}"
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            self.static[hashed] = Static(body, kind)
            self._urls[name] = f"/static/{hashed}"
        self._templates = Environment(
            loader=PackageLoader("caredispatch.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(static=self._urls.__getitem__, words=words, times=times)

    def fragment(self, template: str, /, **values: Any) -> str:
        """One rendered template as text."""
        return self._templates.get_template(template).render(**values)

    def page(self, template: str, status: int = 200, /, **values: Any) -> HTMLResponse:
        """One rendered template as an answer."""
        return HTMLResponse(self.fragment(template, **values), status)


async def static_file(request: Request) -> Response:
    """A static file; only under its hashed name."""
    rendering: Rendering = request.app.state.rendering
    found = rendering.static.get(request.path_params["path"])
    if found is None:
        return Response("not found", 404, media_type="text/plain")
    return Response(
        found.body, headers={"Cache-Control": "public, max-age=31536000, immutable"}, media_type=found.content_type
    )
