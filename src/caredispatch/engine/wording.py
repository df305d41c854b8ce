"""From a text's name and parameters to words: the recipient's language, the location's zone (and theirs where it
differs, D4), the signed link. The last moment before something leaves the house."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from caredispatch.core.content import instant_of
from caredispatch.core.draft import Policy
from caredispatch.core.windows import zone


class Links(Protocol):
    """Makes the signed address of an ask."""

    def make(self, practice_id: str, ask_id: str) -> str:
        """The address; it carries no identity."""


class NoSuchText(Exception):
    """The playbook has no text of that name."""


def questions_text(policy: Policy, questions: Sequence[tuple[int, datetime, str]], language: str) -> str:
    """Open questions in one line, each by its answer number (D5)."""
    said = []
    for number, at, location in questions:
        local = at.astimezone(zone(policy.directory, location))
        day = format_date(local, "EEE d MMM", locale=language)
        said.append(f"{number}: {day} {format_time(local, 'short', locale=f'{language}_US')}".replace("\u202f", " "))
    return "; ".join(said)


def words(
    policy: Policy,
    text: str,
    params: dict[str, str],
    *,
    language: str,
    recipient_zone: str,
    link: str | None,
) -> str:
    """The text in the recipient's language (English where the playbook lacks it). Raises NoSuchText."""
    versions = policy.playbook.texts.get(text)
    if not versions:
        raise NoSuchText(f"the playbook has no text {text!r}")
    language = language if language in versions else "en"
    provider = policy.directory.staff.get(params.get("provider", ""))
    values = {
        "practice": policy.directory.name,
        "provider": provider.name if provider else "",
        "number": params.get("number", ""),
        "questions": params.get("questions", ""),
        "link": link or "",
        "location": "",
        "service": "",
        "day": "",
        "time": "",
    }
    location = policy.directory.locations.get(params.get("location", ""))
    service = policy.directory.services.get(params.get("service", ""))
    values["location"] = location.name if location else ""
    values["service"] = service.name if service else ""
    if "start_at" in params:
        at = instant_of(params["start_at"])
        local = at.astimezone(zone(policy.directory, params.get("location", "")))
        theirs = at.astimezone(ZoneInfo(recipient_zone))
        values["day"] = format_date(local, "EEE d MMM", locale=language)
        values["time"] = format_time(local, "short", locale=f"{language}_US")
        if theirs.utcoffset() != local.utcoffset():
            values["time"] += f" ({format_time(theirs, 'short', locale=f'{language}_US')} {theirs.tzname()})"
    return versions[language].format_map(values).replace("\u202f", " ")
