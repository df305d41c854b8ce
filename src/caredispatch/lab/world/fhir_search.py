"""FHIR R4 search over plain resources: which parameters each type knows and how a value matches.

Pure. An unknown parameter is an error here (a strict server), so that a client's typing mistake is seen
at once. Between repeated parameters all must match, between commas one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Resource = dict[str, Any]
Kind = Literal["token", "reference", "date", "string"]
PREFIXES = ("ge", "gt", "le", "lt", "eq")
CONTROLS = frozenset({"_count", "_offset", "_sort", "_format"})


class SearchRefused(ValueError):
    """A parameter or value that this server doesn't understand; the text says which."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """How a search parameter picks the values it compares from a resource."""

    kind: Kind
    pick: Callable[[Resource], Iterable[str]]


def _plain(name: str) -> Callable[[Resource], Iterable[str]]:
    return lambda resource: [str(resource[name])] if name in resource else []


def _identifiers(resource: Resource) -> Iterator[str]:
    for each in resource.get("identifier", []):
        yield f"{each.get('system', '')}|{each.get('value', '')}"


def _actors(*types: str) -> Callable[[Resource], Iterable[str]]:
    def pick(resource: Resource) -> Iterator[str]:
        holders = [each.get("actor", {}) for each in resource.get("participant", [])]
        holders += resource.get("actor", [])
        for holder in holders:
            reference = str(holder.get("reference", ""))
            if not types or reference.startswith(tuple(f"{kind}/" for kind in types)):
                yield reference

    return pick


def _telecom(system: str | None) -> Callable[[Resource], Iterable[str]]:
    def pick(resource: Resource) -> Iterator[str]:
        for each in resource.get("telecom", []):
            if system is None or each.get("system") == system:
                yield f"{each.get('system', '')}|{each.get('value', '')}"

    return pick


def _names(*parts: str) -> Callable[[Resource], Iterable[str]]:
    def pick(resource: Resource) -> Iterator[str]:
        names = resource.get("name", [])
        for name in names if isinstance(names, list) else [{"text": names}]:
            for part in parts:
                value = name.get(part, [])
                yield from [value] if isinstance(value, str) else value

    return pick


def _visited(resource: Resource) -> Iterable[str]:
    return [str(each.get("reference", "")) for each in resource.get("appointment", [])]


def _schedule(resource: Resource) -> Iterable[str]:
    return [str(resource.get("schedule", {}).get("reference", ""))]


_COMMON: dict[str, Parameter] = {
    "_id": Parameter("token", _plain("id")),
    "_lastUpdated": Parameter("date", lambda resource: [resource["meta"]["lastUpdated"]]),
    "identifier": Parameter("token", _identifiers),
}
_NAME = Parameter("string", _names("family", "given", "text"))
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "Appointment": {
        **_COMMON,
        "actor": Parameter("reference", _actors()),
        "practitioner": Parameter("reference", _actors("Practitioner")),
        "patient": Parameter("reference", _actors("Patient")),
        "location": Parameter("reference", _actors("Location")),
        "date": Parameter("date", _plain("start")),
        "status": Parameter("token", _plain("status")),
    },
    "Patient": {
        **_COMMON,
        "name": _NAME,
        "family": Parameter("string", _names("family")),
        "given": Parameter("string", _names("given")),
        "birthdate": Parameter("date", _plain("birthDate")),
        "telecom": Parameter("token", _telecom(None)),
        "phone": Parameter("token", _telecom("phone")),
        "email": Parameter("token", _telecom("email")),
    },
    "Practitioner": {**_COMMON, "name": _NAME, "telecom": Parameter("token", _telecom(None))},
    "Encounter": {
        **_COMMON,
        "appointment": Parameter("reference", _visited),
        "status": Parameter("token", _plain("status")),
    },
    "Location": {**_COMMON, "name": _NAME},
    "Schedule": {**_COMMON, "actor": Parameter("reference", _actors())},
    "Slot": {
        **_COMMON,
        "schedule": Parameter("reference", _schedule),
        "start": Parameter("date", _plain("start")),
        "status": Parameter("token", _plain("status")),
    },
}


def span(text: str) -> tuple[datetime, datetime]:
    """The half-open stretch of time that a FHIR date or instant stands for (a day is a UTC day)."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SearchRefused(f"{text!r} is not a date or instant") from None
    length = timedelta(days=1) if len(text) <= len("2026-11-24") else timedelta(seconds=1)
    first = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    return first, first + length


def _date_matches(wanted: str, held: str) -> bool:
    prefix = wanted[:2] if wanted[:2] in PREFIXES else ""
    first, after = span(wanted[len(prefix) :])
    at, _ = span(held)
    outcomes = {"ge": at >= first, "gt": at >= after, "le": at < after, "lt": at < first}
    return outcomes.get(prefix, first <= at < after)


def _token_matches(wanted: str, held: str) -> bool:
    system, _, value = held.rpartition("|")
    if "|" not in wanted:
        return wanted == value
    wanted_system, _, wanted_value = wanted.rpartition("|")
    return wanted_system == system and wanted_value in ("", value)


def _matches(kind: Kind, wanted: str, held: str) -> bool:
    match kind:
        case "token":
            return _token_matches(wanted, held)
        case "reference":
            return wanted == held or ("/" not in wanted and held.endswith(f"/{wanted}"))
        case "date":
            return _date_matches(wanted, held)
        case "string":
            return held.lower().startswith(wanted.lower())


def search(resource_type: str, held: Iterable[Resource], query: list[tuple[str, str]]) -> list[Resource]:
    """The resources that match, in order of id, or the newest first where that is asked for. SearchRefused names what
    isn't understood."""
    known = PARAMETERS[resource_type]
    filters: list[tuple[Parameter, list[str]]] = []
    for name, value in query:
        if name in CONTROLS:
            continue
        if name not in known:
            raise SearchRefused(f"{resource_type} can't be searched by {name!r}")
        filters.append((known[name], value.split(",")))
    found = [
        resource
        for resource in held
        if all(
            any(_matches(by.kind, wanted, value) for wanted in values for value in by.pick(resource))
            for by, values in filters
        )
    ]
    found.sort(key=lambda resource: str(resource["id"]))
    if ("_sort", "-_lastUpdated") in query:
        found.sort(key=lambda resource: str(resource["meta"]["lastUpdated"]), reverse=True)
    return found
