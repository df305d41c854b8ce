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
from caredispatch.core.options import read_options
from caredispatch.core.windows import zone


class Links(Protocol):
    """Makes the signed address of an ask."""

    def make(self, practice_id: str, ask_id: str) -> str:
        """The address; it carries no identity."""


FIXED = {
    "crisis": {
        "en": "This number is not watched by people. If you are in danger or think of harming yourself, call or text "
        "988 now. In an emergency call 911.",
        "es": "Nadie lee este número en el momento. Si está en peligro o piensa en hacerse daño, llame o escriba al "
        "988 ahora. En una emergencia llame al 911.",
    },
    "safety_alert": {
        "en": "URGENT: somebody's message may mean danger. Open the exception queue now and call them.",
    },
}
"""What is said even by a playbook that lacks the text (D23)."""


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
    """The text in the recipient's language (English where the playbook lacks it); of an offer that nothing could hold
    the version `…_if_free`, where there is one (D19). Raises NoSuchText."""
    texts = policy.playbook.texts
    versions = texts.get(f"{text}_if_free" if params.get("held") == "no" else text) or texts.get(text)
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
        "until": "",
        "options": options_text(policy, params.get("options", ""), recipient_zone, language),
        "instead": options_text(policy, params.get("options", ""), recipient_zone, language, numbered=False),
        "minutes": params.get("minutes", ""),
        "count": params.get("count", ""),
        "more": _more(params, language),
        "visits": visits_text(policy, params.get("visits", ""), int(params.get("count", "0")), language),
        "from": "",
        "to": "",
    }
    location = policy.directory.locations.get(params.get("location", ""))
    service = policy.directory.services.get(params.get("service", ""))
    how = [_HOW[language, params["modality"]]] if (language, params.get("modality", "")) in _HOW else []
    values["location"] = location.name if location else ""
    values["service"] = " ".join([service.name, *how]) if service else ""
    site = zone(policy.directory, params.get("location", ""))
    if "start_at" in params:
        at = instant_of(params["start_at"])
        values["day"] = format_date(at.astimezone(site), "EEE d MMM", locale=language)
        values["time"] = _clock(at, site, recipient_zone, language)
    if "until" in params:
        values["until"] = _clock(instant_of(params["until"]), site, recipient_zone, language)
    for name in ("from", "to"):
        if name in params:
            at = instant_of(params[name])
            day = format_date(at.astimezone(site), "EEE d MMM", locale=language)
            values[name] = f"{day} {_clock(at, site, recipient_zone, language)}"
    return versions[language].format_map(values).replace("\u202f", " ")


def options_text(policy: Policy, options: str, recipient_zone: str, language: str, *, numbered: bool = True) -> str:
    """Offered times, `numbered` where there are some to choose from: when by the site's clock (and the recipient's,
    where it differs), with whom, and what is not as usual about the place."""
    found = read_options(options)
    said = []
    for number, one in enumerate(found, 1):
        site = zone(policy.directory, one.location)
        staff = policy.directory.staff.get(one.provider)
        day = format_date(one.start_at.astimezone(site), "EEE d MMM", locale=language)
        at = f"{day} {_clock(one.start_at, site, recipient_zone, language)}"
        parts = [f"{number}) {at}" if numbered else at]
        parts += [f"{_WITH.get(language, _WITH['en'])} {staff.name}"] if staff else []
        parts += [_HOW.get((language, one.modality), "")] if one.modality != "in_person" else []
        if len({o.location for o in found}) > 1 and one.modality == "in_person":
            parts.append(policy.directory.locations[one.location].name)
        said.append(" ".join(part for part in parts if part))
    return "; ".join(said)


_WITH = {"en": "with", "es": "con"}
_HOW = {
    ("en", "video"): "by video",
    ("en", "phone"): "by phone",
    ("es", "video"): "por video",
    ("es", "phone"): "por teléfono",
}


def visits_text(policy: Policy, visits: str, count: int, language: str) -> str:
    """Visits as `<instant> <site>;…`, in the site's time, by day, a group's once (`<instant> <site> <patients>`);
    beyond those named, how many there are."""
    days: dict[str, list[str]] = {}
    named = 0
    for part in visits.split(";") if visits else ():
        instant, site, *patients = part.split(" ")
        local = instant_of(instant).astimezone(zone(policy.directory, site))
        day = format_date(local, "EEE d MMM", locale=language)
        several = int(patients[0]) if patients else 1
        named += several
        at = format_time(local, "short", locale=f"{language}_US")
        word = {"es": "pacientes"}.get(language, "patients")
        days.setdefault(day, []).append(f"{at} ({several} {word})" if several > 1 else at)
    if not named:
        return {"es": "ninguna visita"}.get(language, "no visits")
    said = "; ".join(f"{day} {', '.join(times)}" for day, times in days.items())
    return f"{said} (+{count - named})" if count > named else said


def _more(params: dict[str, str], language: str) -> str:
    """That a question is about a group, or about the later visits of the series as well (D1, D3)."""
    spanish = language == "es"
    if "group" in params:
        return f" (grupo de {params['group']})" if spanish else f" (group of {params['group']})"
    match params.get("after"):
        case None:
            return ""
        case "1":
            return " y la siguiente" if spanish else " and the one after it"
        case n:
            return f" y las {n} siguientes" if spanish else f" and the {n} visits after it"


def _clock(at: datetime, site: ZoneInfo, recipient_zone: str, language: str) -> str:
    """The time of the day at the site, and by the recipient's own clock where that differs (D4)."""
    local, theirs = at.astimezone(site), at.astimezone(ZoneInfo(recipient_zone))
    said = format_time(local, "short", locale=f"{language}_US")
    if theirs.utcoffset() == local.utcoffset():
        return said
    return f"{said} ({format_time(theirs, 'short', locale=f'{language}_US')} {theirs.tzname()})"
