"""Reading `practice.yaml`: every mistake names its field and the fix, and no secret, number or address is shown."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from caredispatch.app.directory_file import ConnectionPart, DirectoryFile, DirectoryInvalid, WaitingPart
from caredispatch.app.settings import not_yaml
from caredispatch.contract.manifest import Manifest, UnknownConnector, load_build, load_manifest


def read_directory_file(text: str, file: str = "practice.yaml") -> DirectoryFile:
    """Read and check the file. Raises DirectoryInvalid with every mistake."""
    try:
        raw: Any = YAML(typ="safe").load(text)
    except YAMLError as error:
        raise DirectoryInvalid(f"{file}{not_yaml(error)}") from None
    if not isinstance(raw, dict):
        raise DirectoryInvalid(f"{file}: expected `practice:`, `locations:`, `services:` and `staff:`; see `export`")
    try:
        parsed = DirectoryFile.model_validate(raw)
    except ValidationError as error:
        raise DirectoryInvalid("\n".join(f"{file}: {_told(e)}" for e in error.errors())) from None
    wrong = list(_cross_checks(parsed))
    if wrong:
        raise DirectoryInvalid("\n".join(f"{file}: {line}" for line in wrong))
    return parsed


def _told(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "missing":
            return f"{where}: is missing"
        case "extra_forbidden":
            return f"{where}: there is no such field"
        case _:
            return f"{where}: {error['msg'].removeprefix('Value error, ')} (it is {_shown(error)})"


def _shown(error: Any) -> str:
    secret = any(str(part) in ("secrets", "patients", "phone", "email") for part in error["loc"])
    return "not shown" if secret else repr(error["input"])[:80]


def _cross_checks(parsed: DirectoryFile) -> list[str]:
    wrong: list[str] = []
    handles = [s.handle for s in parsed.staff]
    wrong += [f"rooms.{h}: a staff member has this handle" for h in parsed.rooms if h in handles]
    wrong += [
        f"staff.{h}: this handle stands there twice" for h in sorted({h for h in handles if handles.count(h) > 1})
    ]
    for staff in parsed.staff:
        for hours in staff.hours:
            if hours.at not in parsed.locations:
                wrong.append(f"staff.{staff.handle}.hours.at: no location {hours.at!r}")
    wrong += [f"rooms.{h}.at: no location {p.at!r}" for h, p in parsed.rooms.items() if p.at not in parsed.locations]
    kinds = {p.kind for p in parsed.rooms.values()}
    wrong += [
        f"services.{code}.room: no room is of kind {part.room!r}; `rooms` has {', '.join(sorted(kinds)) or 'none'}"
        for code, part in parsed.services.items()
        if part.room is not None and part.room not in kinds
    ]
    for number, patient in enumerate(parsed.patients):
        for waiting in patient.waiting:
            wrong += [f"patients.{number}.waiting: {said}" for said in _unknown_names(waiting, parsed, handles)]
    for name, part in parsed.connections.items():
        wrong += _connection_checks(name, part, parsed)
    return wrong


def _unknown_names(waiting: WaitingPart, parsed: DirectoryFile, handles: list[str]) -> list[str]:
    wrong = [f"no service {waiting.service!r}"] if waiting.service not in parsed.services else []
    wrong += [f"no location {waiting.at!r}"] if waiting.at not in parsed.locations else []
    return wrong + [f"no staff {h!r}" for h in waiting.providers if h not in handles]


def _unusable(name: str, part: ConnectionPart, manifest: Manifest) -> list[str]:
    """Settings that the connector can't work with. Secrets that aren't in the file may be in the vault already."""
    given = {**part.settings, **part.secrets}
    lacking = [k for k, spec in manifest.settings.items() if spec.default is None and not given.get(k)]
    wrong = [
        f"connections.{name}.settings: {k!r} is missing: {manifest.settings[k].help}"
        for k in lacking
        if not manifest.settings[k].secret
    ]
    if not lacking and set(given) <= set(manifest.settings):
        wrong += [f"connections.{name}: {said}" for said in unusable(part.connector, given)]
    return wrong


def unusable(connector: str, given: Mapping[str, str]) -> list[str]:
    """What a connector says of its settings, in a sentence without any value; nothing when it can work with them."""
    try:
        load_build(connector)(given, httpx.AsyncClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)))
    except ValueError as error:
        return [str(error)]
    return []


def _connection_checks(name: str, part: ConnectionPart, parsed: DirectoryFile) -> list[str]:
    try:
        manifest = load_manifest(part.connector)
    except UnknownConnector as error:
        return [f"connections.{name}.connector: {error}"]
    wrong = _unusable(name, part, manifest)
    known = set(manifest.settings)
    for key in sorted((set(part.settings) | set(part.secrets)) - known):
        wrong.append(f"connections.{name}: {part.connector} has no setting {key!r}; it has {', '.join(sorted(known))}")
    for key in sorted(k for k, spec in manifest.settings.items() if spec.secret and k in part.settings):
        wrong.append(f"connections.{name}.settings.{key}: is a secret, write it under `secrets`")
    if manifest.carries_identity and part.baa != "signed":
        wrong.append(
            f"connections.{name}.baa: {manifest.title} sees identity; a signed agreement is needed (`baa: signed`)"
        )
    handles = {s.handle for s in parsed.staff} | set(parsed.rooms)
    wrong += [
        f"connections.{name}.map.actor: no staff or room {h!r}" for h in part.map.actor.values() if h not in handles
    ]
    wrong += [
        f"connections.{name}.map.service: no service {s!r}"
        for s in part.map.service.values()
        if s not in parsed.services
    ]
    wrong += [
        f"connections.{name}.map.location: no location {c!r}"
        for c in part.map.location.values()
        if c not in parsed.locations
    ]
    return wrong
