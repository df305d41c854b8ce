"""`manifest.toml`: what a connector says of itself, and how its folder is found and built."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import httpx
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from caredispatch.core.content import Status, is_content_key
from caredispatch.core.playbook import MessageKind


def _content_key(key: str) -> str:
    if not is_content_key(key):
        raise ValueError(f"{key!r} is not a content key (see core/content.py)")
    return key


ContentKey = Annotated[str, AfterValidator(_content_key)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SettingSpec(_Strict):
    """One setting of a connection. A secret is kept in the vault and never shown again."""

    help: str
    secret: bool = False
    default: str | None = None


class Manifest(_Strict):
    """The facts the engine needs to use a connector well.

    `version` says how its copies are ordered (E3); `after_unknown` what follows a call without an answer (E21);
    `holds` the content keys it reports; `writes` those it can take; `statuses` the status codes it knows (empty: all);
    `holds_slots` that it can keep
    people's time from others (D19); `detection_seconds` how long a change outside
    may take to reach us when the push works (D35); `timeout_seconds` bounds a whole verb, and is less than a lease;
    `notifies` is what the system writes to patients about by itself, unless the practice switches it off there (D20).
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    summary: str
    version: Literal["etag", "updated_at", "sequence", "fetch"] | None = None
    after_unknown: Literal["resend", "read_back", "assume_sent"] = "read_back"
    baa: Literal["possible", "impossible"] = "possible"
    carries_identity: bool = True
    holds: tuple[ContentKey, ...] = ()
    writes: tuple[ContentKey, ...] = ()
    statuses: tuple[Status, ...] = ()
    creates: bool = False
    holds_slots: bool = False
    concurrency: int = Field(default=4, ge=1, le=64)
    per_second: int = Field(default=10, ge=1, le=1000)
    timeout_seconds: int = Field(default=10, ge=1, le=25)
    body_limit_bytes: int = Field(default=262_144, ge=1024, le=10_485_760)
    detection_seconds: int = Field(default=5, ge=0)
    poll_seconds: int | None = Field(default=None, ge=5)
    channel: Literal["sms", "email"] | None = None
    notifies: tuple[MessageKind, ...] = ()
    settings: Mapping[str, SettingSpec] = Field(default_factory=dict)


class UnknownConnector(Exception):
    """No connector folder of that name."""


Build = Callable[[Mapping[str, str], httpx.AsyncClient], object]
"""`build(settings, http)`: the one entry of a connector. Raises ValueError naming a wrong setting and its fix."""


def connector_names() -> tuple[str, ...]:
    """The connectors there are: the folders beside each other that hold a manifest, in alphabetical order."""
    root = Path(str(files("caredispatch.connectors")))
    return tuple(sorted(path.parent.name for path in root.glob("*/manifest.toml")))


def load_manifest(name: str) -> Manifest:
    """The manifest of one connector. Raises UnknownConnector, or pydantic's ValidationError for a wrong file."""
    if name not in connector_names():
        raise UnknownConnector(f"no connector {name!r}; there are: {', '.join(connector_names())}")
    text = files(f"caredispatch.connectors.{name}").joinpath("manifest.toml").read_text("utf-8")
    return Manifest.model_validate(tomllib.loads(text))


def load_build(name: str) -> Build:
    """The connector's entry, imported by its folder's name (so that nobody keeps a list)."""
    load_manifest(name)
    build: Build = import_module(f"caredispatch.connectors.{name}").build
    return build
