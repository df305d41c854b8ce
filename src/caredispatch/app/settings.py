"""A practice's folder: `caredispatch.yaml` (settings), `playbook.yaml`, `key` (0600). What is wrong is one clear
line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from caredispatch.store.vault import KeyInvalid, MasterKey

FILE, PLAYBOOK = "caredispatch.yaml", "playbook.yaml"
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class SettingsInvalid(Exception):
    """One line: file, setting, value and the fix."""


class Settings(BaseModel):
    """What `caredispatch.yaml` may say. Every field is documented in docs/settings.md."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    practice: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,40}$")]
    database: str = "embedded"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(strict=True, ge=0, le=65535)] = 8321
    public_url: str | None = None
    behind_tls: bool = False
    log: Literal["json", "console"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    statement_cache: Annotated[int, Field(ge=0, le=10_000)] = 256

    @field_validator("database")
    @classmethod
    def _database(cls, value: str) -> str:
        if value != "embedded" and urlsplit(value).scheme not in ("postgresql", "postgres"):
            raise ValueError("write `embedded`, or an address `postgresql://user:password@host/database`")
        try:
            _ = urlsplit(value).port
        except ValueError:
            raise ValueError(
                "its port is no number from 1 to 65535; a sign in the password is written as %40"
            ) from None
        return value.replace("postgres://", "postgresql://", 1)

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc):
            raise ValueError("write the address that people open, as https://dispatch.example.com")
        return value

    @model_validator(mode="after")
    def _no_open_door(self) -> Settings:
        if self.host not in LOOPBACK and not self.behind_tls:
            raise ValueError(
                f"host {self.host} is not loopback: put a TLS proxy in front and set `behind_tls: true`, "
                "or listen on 127.0.0.1"
            )
        return self

    @property
    def base_url(self) -> str:
        """The address under which people and systems reach this server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")


def read_settings(folder: Path) -> Settings:
    """The settings of a practice's folder. Raises SettingsInvalid."""
    path = folder / FILE
    try:
        raw = YAML(typ="safe").load(path.read_text("utf-8"))
    except FileNotFoundError:
        raise SettingsInvalid(f"{path} does not exist: make the folder with `caredispatch init {folder}`") from None
    except YAMLError as error:
        raise SettingsInvalid(f"{path}{not_yaml(error)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"{path} can't be read: {error}") from None
    if not isinstance(raw, dict):
        raise SettingsInvalid(f"{path}: expected settings, one `name: value` a line")
    return checked_settings(raw, str(path))


def checked_settings(raw: dict[str, Any], said_in: str) -> Settings:
    """The settings of plain values; `said_in` is where they stand. Raises SettingsInvalid."""
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        shown = f" (it is {first['input']!r})" if where and where != "database" and first["type"] != "missing" else ""
        raise SettingsInvalid(f"{said_in}: {where + ': ' if where else ''}{_reason(first)}{shown}") from None


def _reason(error: ErrorDetails) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"there is no such setting; there are: {', '.join(Settings.model_fields)}"
        case "missing":
            return "is missing"
        case "string_pattern_mismatch":
            return "write 2 to 41 small letters, digits and dashes, a letter first"
        case _:
            return error["msg"].removeprefix("Value error, ")


def not_yaml(error: YAMLError) -> str:
    """What a parser says of a file, as `:line:column: problem` in one line."""
    if not isinstance(error, MarkedYAMLError):
        return f": this is not YAML: {' '.join(str(error).split())}"
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    said = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    return f"{place}: this is not YAML: {said}"


def read_key(folder: Path) -> MasterKey:
    """The practice's key: CAREDISPATCH_KEY, else the file `key`. Raises KeyInvalid."""
    text = os.environ.get("CAREDISPATCH_KEY")
    if text is not None:
        try:
            return MasterKey.read(text)
        except KeyInvalid as error:
            raise KeyInvalid(f"CAREDISPATCH_KEY: {error}") from None
    return MasterKey.load(folder / "key")


def write_key(folder: Path) -> MasterKey:
    """Make the key file of a new folder, mode 0600 from its first byte. Raises FileExistsError."""
    key = MasterKey.new()
    fd = os.open(folder / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(key.text() + "\n")
    return key
