"""Codes to words: exceptions, outcomes, reasons, states. Decisions keep codes (E16); here they are said once, for
everybody. A code without words is shown as it is. Those of exceptions, outcomes and notes have files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from caredispatch.core.records import Ask
from caredispatch.web.exception_words import EXCEPTION_TITLES, EXCEPTION_WHYS, NEEDS, WHYS
from caredispatch.web.note_words import NOTES
from caredispatch.web.outcome_words import CASE_OUTCOMES, NO_TIME, PARTS, REASONS

__all__ = [
    "CASE_OUTCOMES",
    "EXCEPTION_TITLES",
    "EXCEPTION_WHYS",
    "NEEDS",
    "NOTES",
    "NO_TIME",
    "PARTS",
    "REASONS",
    "WHYS",
]

ASK_STATES: Mapping[str, tuple[str, str, str]] = {  # word, tone, sign
    "pending": ("being sent", "tent", "waiting"),
    "sent": ("waiting", "tent", "waiting"),
    "accepted": ("yes", "ok", "confirmed"),
    "declined": ("no", "bad", "declined"),
    "expired": ("no answer", "off", "expired"),
    "withdrawn": ("withdrawn", "off", "expired"),
    "undeliverable": ("undeliverable", "risk", "risk"),
}


def ask_state(ask: Ask) -> str:
    """How a question stands, in a word. Somebody who said yes did so, also where it could not count (any more)."""
    if ask.state in ("sent", "withdrawn") and ask.answered_at is not None:
        return "said yes"
    return ASK_STATES[ask.state][0]


ASK_PURPOSES: Mapping[str, str] = {
    "confirm_staff": "asked to confirm",
    "inform_staff": "told",
    "cover": "asked to cover",
    "confirm_patient": "asked to confirm",
    "agree_patient": "asked about another provider",
    "offer_slot": "offered the free time",
    "take_add_on": "asked to take an add-on",
    "offer_times": "offered times",
}

COVERAGES: Mapping[str, tuple[str, str, str]] = {
    "uncovered": ("Uncovered", "bad", "uncovered"),
    "at_risk": ("At risk", "risk", "risk"),
    "tentative": ("Tentative", "tent", "tentative"),
    "confirmed": ("Confirmed", "ok", "confirmed"),
}

CONFIRMATIONS: Mapping[str, tuple[str, str, str]] = {
    "unasked": ("not asked yet", "off", "expired"),
    "asked": ("asked", "tent", "waiting"),
    "confirmed": ("confirmed", "ok", "confirmed"),
    "declined": ("declined", "bad", "declined"),
    "silent": ("no answer", "off", "expired"),
}

LINK_STATES: Mapping[str, tuple[str, str, str]] = {
    "idle": ("Nothing to write", "off", "expired"),
    "waiting": ("Waiting", "tent", "waiting"),
    "landed": ("Landed", "ok", "confirmed"),
    "conflict": ("Conflict", "bad", "conflict"),
    "refused": ("Refused", "bad", "declined"),
}

ELIGIBLE: Mapping[str, tuple[str, str, str]] = {
    "yes": ("yes", "ok", "confirmed"),
    "unknown": ("not known", "tent", "tentative"),
    "no": ("no", "bad", "declined"),
}

PHASES: Mapping[str, str] = {
    "by_video": "the patient is asked whether video will do",
    "following": "waits for the visit that leads its group or series",
    "gated": "waits until the staffing holds",
    "checking": "calendars are asked",
    "asking": "answers are awaited",
    "waiting": "begins a little later",
    "booking": "the chosen time is being booked",
    "agreeing": "the patient is asked",
}

TRIGGERS: Mapping[str, str] = {
    "booked": "a visit was booked",
    "rescheduled": "a visit was moved",
    "cancelled": "a visit was cancelled",
    "no_show": "the patient did not come",
    "conflict_found": "a conflict was found",
    "staff_unavailable": "the provider can't do it",
    "coverage_gap": "nobody is assigned",
    "patient_declined": "the patient said no",
    "slot_opened": "a time became free",
    "arrived": "the patient arrived",
    "fulfilled": "the visit took place",
    "add_on": "an emergency add-on",
    "request_received": "a visit was requested",
    "patient_confirmed": "the patient confirmed",
    "patient_silent": "the patient did not answer",
    "staff_late": "the provider is late",
    "patient_late": "the patient is late",
    "visit_not_started": "the visit did not start",
    "location_closed": "the site is closed",
    "series_changed": "the series was changed",
    "staff_leaving": "the provider leaves",
}

ACTS: Mapping[str, str] = {
    "assign": "assigned somebody",
    "cancel": "cancelled the visit",
    "resolve": "resolved it",
    "claim": "claimed it",
    "release_claim": "released it",
    "retry_write": "had it tried again",
    "keep_ours": "kept ours",
    "accept_theirs": "accepted theirs",
    "release_volume": "released what waited",
    "discard_volume": "discarded what waited",
    "move": "moved the visit",
    "overbook": "overbooked on purpose",
    "snooze": "snoozed it",
    "hand_over": "handed it over",
    "pause_case": "paused the case",
    "resume_case": "let the case go on",
    "undo": "took it back",
}

CASE_KINDS: Mapping[str, str] = {
    "confirm": "Confirming",
    "cover": "Finding cover",
    "fill": "Offering the free time",
    "follow_up": "Bringing the patient back",
    "place": "Finding a time",
}
INCIDENTS: Mapping[str, str] = {
    "staff_unavailable": "is out",
    "staff_late": "is late",
    "video_only": "by video only",
    "staff_leaving": "leaves",
    "location_closed": "is closed",
    "add_on": "emergency",
    "series_booked": "A series was entered",
    "series_changed": "A series was changed",
}

CHANNELS: Mapping[str, str] = {"sms": "SMS", "email": "e-mail", "voice": "phone", "page": "page", "phone": "phone"}
STAGES: Mapping[str, str] = {
    "booking_confirmation": "Booking confirmation",
    "no_show_follow_up": "No-show follow-up",
    "dispatch_routing": "Dispatch routing",
    "escalation": "Escalation",
}
MODALITIES: Mapping[str, str] = {"in_person": "in person", "video": "by video", "phone": "by phone"}

LABELS: Mapping[str, str] = {
    "opt_out": "that they want no more texts",
    "opt_in": "that they want texts again",
    "wrong_number": "that it is the wrong number",
    "cancel": "that they want to cancel",
    "reschedule": "that they want another time",
    "late": "that they will be late",
    "out": "that they are out",
    "crisis": "with words of a crisis",
    "human": "in words of their own",
    "help": "asking for help",
}


class _Nothing(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return ""


def say(table: Mapping[str, str], code: str) -> str:
    """The words of a code, or the code."""
    return table.get(code, code)


def fill(sentence: str, details: Mapping[str, str]) -> str:
    """A sentence with its details; one that is not there leaves nothing behind."""
    return " ".join(sentence.format_map(_Nothing(details)).split()).strip(" ;:")


def group(name: str) -> str:
    """A group or text of the playbook as people say it."""
    return name.replace("_", " ")


Audience = Literal["colleague", "manager"]
"""Who reads a reason (D30): a colleague hears that somebody is not available, who manages them why."""


def reason(code: str, audience: Audience = "manager") -> str:
    """Why somebody could not take a visit; `code?` means that it is not known."""
    if audience == "colleague":
        return "not known" if code.endswith("?") else "not available"
    if code.endswith("?"):
        return f"not known: {say(REASONS, code[:-1])}"
    return say(REASONS, code)


def part(name: str, n: int) -> str:
    """One part of a score in words; empty where it says nothing."""
    return fill(PARTS.get(name, f"{name} {{n}}"), {"n": str(abs(n))}) if n else ""
