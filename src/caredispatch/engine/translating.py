"""A system's words in ours and back, by its mappings: services, people, places. Values in, values out."""

from __future__ import annotations

from caredispatch.core.content import Content, is_content_key
from caredispatch.engine.registry import Connected

_TRANSLATED = {"service": "service", "location": "location"}


def translate(theirs: Content, connected: Connected) -> tuple[Content, tuple[str, ...]]:
    """A system's content in our ids, and what could not be translated (`actor.provider=104`). A location that the
    system does not say is the one that its calendar is mapped to."""
    wiring = connected.wiring
    ours: Content = {}
    unmapped: list[str] = []
    for key, value in theirs.items():
        kind = "actor" if key.startswith("actor.") else _TRANSLATED.get(key)
        if kind is None:
            if is_content_key(key):
                ours[key] = value
            continue
        internal = wiring.ours(kind, value)
        if internal is None:
            unmapped.append(f"{key}={value}")
        else:
            ours[key] = internal
    if "location" not in theirs and (calendar := theirs.get("actor.provider")):
        at = wiring.ours("location", calendar)
        if at is not None:
            ours["location"] = at
    return ours, tuple(unmapped)


def untranslate(ours: Content, connected: Connected) -> tuple[Content, tuple[str, ...]]:
    """Our content in a system's ids, and what has no mapping there."""
    theirs: Content = {}
    missing: list[str] = []
    for key, value in ours.items():
        kind = "actor" if key.startswith("actor.") else _TRANSLATED.get(key)
        if kind is None:
            if key != "patient":
                theirs[key] = value
            continue
        external = connected.wiring.theirs(kind, value)
        if external is None:
            missing.append(f"{key}={value}")
        else:
            theirs[key] = external
    return theirs, tuple(missing)
