"""The settings of one connection, checked against its connector's manifest. No value is ever shown: not by `repr`, not
in an error. Every error is a ValueError that names the setting and the fix."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import final

import httpx

from caredispatch.contract.manifest import load_manifest


@final
class Settings:
    """What a connection was given, defaults filled in. Reading a setting that the manifest lacks is a KeyError."""

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, given: Mapping[str, str]) -> None:
        specs = load_manifest(name).settings
        unknown = sorted(set(given) - set(specs))
        if unknown:
            raise ValueError(f"{name}: unknown setting {', '.join(unknown)}; there are: {', '.join(sorted(specs))}")
        self._name = name
        self._values: dict[str, str] = {}
        for key, spec in specs.items():
            value = given.get(key, spec.default)
            if value is None or (value == "" and spec.default != ""):
                raise ValueError(f"{name}: setting {key!r} is missing: {spec.help}")
            if not value.isprintable():
                raise self.wrong(key, "remove line breaks and other unprintable characters")
            self._values[key] = value

    def __repr__(self) -> str:
        return f"Settings({self._name!r})"

    def wrong(self, key: str, fix: str) -> ValueError:
        """The error of a setting that can't be used; says nothing of its value."""
        return ValueError(f"{self._name}: setting {key!r} can't be used: {fix}")

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def one_of(self, key: str, *words: str) -> str:
        """A setting with a closed set of values."""
        if self._values[key] not in words:
            raise self.wrong(key, f"set it to one of: {', '.join(words)}")
        return self._values[key]

    def yes(self, key: str) -> bool:
        """A setting that is `yes` or `no`."""
        return self.one_of(key, "yes", "no") == "yes"

    def url(self, key: str) -> str:
        """An http(s) address without credentials, query, fragment or a slash at its end."""
        try:
            url = httpx.URL(self._values[key])
        except httpx.InvalidURL:
            raise self.wrong(key, "write it as https://host/path") from None
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
            raise self.wrong(key, "write it as https://host/path, without a user name, ? or #")
        return str(url).rstrip("/")

    def basic(self, user: str, password: str) -> str:
        """The Authorization header of HTTP Basic, from the two settings named."""
        if ":" in self._values[user]:
            raise self.wrong(user, "it can't hold a colon")
        pair = f"{self._values[user]}:{self._values[password]}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def bearer(self, key: str) -> str:
        """The Authorization header of a bearer token."""
        token = self._values[key]
        if not token.isascii() or " " in token:
            raise self.wrong(key, "paste the token alone, without spaces")
        return f"Bearer {token}"
