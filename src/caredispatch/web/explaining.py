"""Decisions in sentences: what an exception says, what a journal entry did, why somebody was or was not asked. True
to the codes that the decision kept (promise 6); nothing is worked out anew here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from caredispatch.core.facts import Directory
from caredispatch.core.records import Exception_, State
from caredispatch.core.windows import zone
from caredispatch.store.pages import Entry
from caredispatch.web import times, words


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a time line. `who` stands in bold before `text`; `extra` behind it, fainter."""

    at: datetime
    sign: str
    tone: str
    who: str
    text: str
    extra: str = ""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One person's place in a ranking, in words."""

    staff_id: str
    name: str
    eligible: str
    for_: tuple[str, ...]
    against: tuple[str, ...]
    score: int
    came_of_it: str


class Names:
    """Ids to what colleagues call them. Patients stay a code (promise 8)."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory

    def person(self, person_id: str | None) -> str:
        """A staff member's name, else `Patient` with the short code."""
        if not person_id or person_id == "None":
            return "Nobody"
        staff = self.directory.staff.get(person_id)
        return staff.name if staff else patient_code(person_id)

    def service(self, code: str) -> str:
        """A service's name."""
        found = self.directory.services.get(code)
        return found.name if found else code

    def location(self, code: str) -> str:
        """A site's name."""
        found = self.directory.locations.get(code)
        return found.name if found else code


def patient_code(patient_id: str | None) -> str:
    """A patient's short code on pages: says nothing about them, differs between patients of a day."""
    return f"P-{patient_id[:4].upper()}" if patient_id else "P-?"


def when_of(state: State | None, directory: Directory) -> str:
    """The visit's time in its own zone, for titles; empty without a visit."""
    if state is None or state.appointment is None:
        return ""
    return times.hour(state.appointment.start_at, zone(directory, state.appointment.location))


def title(row: Exception_, state: State | None, names: Names) -> str:
    """What is wrong, in a few words."""
    when = when_of(state, names.directory)
    sentence = words.EXCEPTION_TITLES.get(row.kind, row.kind)
    return words.fill(sentence if when else sentence.replace(" the {when} visit", " a visit"), {"when": when})


def why(row: Exception_, names: Names) -> str:
    """Why, in one sentence."""
    details = {
        key: words.say(_IN_DETAIL[key], value) if key in _IN_DETAIL else value for key, value in row.detail.items()
    }
    details.setdefault("system", row.connection_id or "")
    for key, clause in _CLAUSES.items():
        if key in details:
            details[key] = clause.format(details[key])
    if "stage" in details:
        details["left_out"] = f"{details['stage']} is {details.get('state', 'off')}: the later steps were left out."
    details |= _of_its_kind(row, details)
    if "sides" in details:
        details["sides"] = _sides(details["sides"], names)
    said = words.fill(words.EXCEPTION_WHYS.get(row.kind, ""), details)
    return said[:1].upper() + said[1:]


def _of_its_kind(row: Exception_, details: Mapping[str, str]) -> dict[str, str]:
    """The details that a kind of exception says in its own way."""
    match row.kind:
        case "nobody_found":
            asked = details.get("asked", "0")
            return {"asked": f"{asked} asked, no yes" if asked != "0" else "nobody could be asked"}
        case "not_placed" | "call" if "blocked" in row.detail:
            return {"searched": f"{details['searched']} people", "blocked": _blocked(row.detail["blocked"])}
        case "not_understood" if "reason" not in details:
            return {"reason": f"{details['system']} does not say:"}
        case "mapping_missing":
            return {"part": details.get("what", "").partition("=")[0].partition(".")[0]}
        case "handed_over" if row.detail.get("why") == "find_new_contact" and "text" not in row.detail:
            return {"why": words.WHYS["no_arrival"]}  # nobody wrote: something came back
        case _:
            return {}


def _blocked(counts: str) -> str:
    """Why those who were looked at have no time: `booked=3,licence?=1`."""
    said = [one.rpartition("=") for one in counts.split(",")]
    return ", ".join(f"{n} {words.NO_TIME.get(code) or words.reason(code)}" for code, _, n in said) + "."


_IN_DETAIL: Mapping[str, Mapping[str, str]] = {
    "why": words.WHYS,
    "need": words.NEEDS,
    "stage": words.STAGES,
    "trigger": words.TRIGGERS,
}
_CLAUSES: Mapping[str, str] = {
    "rule": "The rule “{}” says so.",
    "trigger": "Because {}.",
    "would_ask": "It would have asked {}.",
    "missing": "Not known: {}.",
}


def _sides(sides: str, names: Names) -> str:
    pairs = [pair.partition("|") for pair in sides.split("; ")]
    return "; ".join(f"{_value(ours, names)} here, {_value(theirs, names)} there" for ours, _, theirs in pairs)


def _value(value: str, names: Names) -> str:
    return names.directory.staff[value].name if value in names.directory.staff else value or "nothing"


def ranking(entry: Entry | None, state: State, names: Names, audience: words.Audience = "manager") -> list[Ranked]:
    """Everyone who was considered, best first, with the reasons that the decision gave."""
    if entry is None:
        return []
    asked = {a.person_id: a for a in sorted(state.asks, key=lambda a: a.asked_at) if a.purpose != "confirm_patient"}
    found: list[Ranked] = []
    for candidate in entry.trace.get("candidates", ()):
        parts = {name: words.part(name, n) for name, n in candidate["parts"].items()}
        ask = asked.get(candidate["staff_id"])
        found.append(
            Ranked(
                candidate["staff_id"],
                names.person(candidate["staff_id"]),
                candidate["eligible"],
                tuple(said for name, said in parts.items() if said and name != "load"),
                tuple(dict.fromkeys(words.reason(code, audience) for code in candidate["reasons"])),
                candidate["score"],
                words.ask_state(ask) if ask else "not asked",
            )
        )
    return found


_SAID: dict[str, tuple[str, str]] = {
    "appointment_seen": ("dot", "shows the visit"),
    "appointment_gone": ("dot", "no longer has the visit"),
    "busy_seen": ("dot", "answered about calendars"),
    "written": ("dot", "was written: {outcome}"),
    "reported": ("dot", "text {state}"),
    "notice_failed": ("risk", "sent what could not be used: {reason}"),
    "polled_again": ("ok", "is read again"),
    "volume_seen": ("risk", "changed {changes} visits in ten minutes"),
}


def lines(entry: Entry, names: Names) -> list[Line]:
    """What one journal entry says, as lines: the event where it is not plain from the notes, then the notes."""
    found: list[Line] = []
    if entry.kind in _SAID:
        sign, sentence = _SAID[entry.kind]
        who = str(entry.event.get("connection_id") or ("Write-back" if entry.kind == "written" else "Carrier"))
        details = {key: str(value) for key, value in entry.event.items()}
        found.append(Line(entry.at, sign, "", who, words.fill(sentence, details)))
    for routed in entry.trace.get("rules", ()):
        found.append(_routed_line(entry, routed))
    return found + [_note_line(entry, note, names) for note in entry.trace.get("notes", ())]


def _routed_line(entry: Entry, routed: dict[str, Any]) -> Line:
    because = words.say(words.TRIGGERS, routed["trigger"])
    rule = routed["rule"]
    if rule is None:
        missing = routed.get("missing")
        text = f"stopped: {missing} is not known" if missing else "no rule matched"
        return Line(entry.at, "expired", "off", f"Rules for {routed['section']}", text, because)
    return Line(entry.at, "dot", "", f"Rule “{rule['name']}”", "matched", because)


def _note_line(entry: Entry, note: dict[str, str], names: Names) -> Line:
    sign, tone, sentence = words.NOTES.get(note["code"], ("dot", "", note["code"]))
    details = _details(note, names)
    who = details.get("person", "") if sentence.startswith("{person}") else details.get("account", "")
    text = words.fill(sentence.removeprefix("{person}").removeprefix("{account}") if who else sentence, details)
    return Line(entry.at, sign, tone, who, text)


_TABLES: Mapping[str, Mapping[str, str]] = {
    "purpose": words.ASK_PURPOSES,
    "act": words.ACTS,
    "outcome": words.CASE_OUTCOMES,
    "trigger": words.TRIGGERS,
    "via": words.CHANNELS,
    "why": words.WHYS,
    "label": words.LABELS,
}


_SAID_BY: Mapping[str, Callable[[str, Names], str]] = {
    "person": lambda value, names: names.person(value),
    "resource": lambda value, names: names.person(value),
    "staff": lambda value, names: ", ".join(names.person(one) for one in value.split(",")),
    "owner": lambda value, _: words.group(value),
    "text": lambda value, _: words.group(value),
}


def _details(note: dict[str, str], names: Names) -> dict[str, str]:
    """A note's details in words: people by name, codes said, steps counted from one."""
    details = {key: words.say(_TABLES[key], value) if key in _TABLES else value for key, value in note.items()}
    details |= {key: said(note[key], names) for key, said in _SAID_BY.items() if key in note}
    if note.get("step", "").isdigit():
        details["step"] = str(int(note["step"]) + 1)
    if note["code"] == "refused" and note.get("reasons"):
        details["reasons"] = ": " + ", ".join(words.reason(code) for code in note["reasons"].split(","))
    if note["code"] == "raised":
        details["kind"] = words.fill(words.EXCEPTION_TITLES.get(note["kind"], note["kind"]), {}).lower()
    if note["code"] == "calendars_said":
        details["said"] = ", ".join(sorted({v for k, v in note.items() if k != "code"}))
    return details
