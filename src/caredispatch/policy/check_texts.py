"""Texts: complete, with variables that exist, without what carriers or agreements forbid (D24, D33)."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping, Sequence

from caredispatch.core.playbook import Confirm, Playbook
from caredispatch.policy.check_paths import use_of
from caredispatch.policy.findings import Finding
from caredispatch.policy.looking import Looking, actions
from caredispatch.policy.source import Where

VARIABLES = frozenset(
    {
        *("practice", "day", "time", "service", "location", "provider", "link", "number", "questions"),
        *("options", "instead", "until", "minutes", "visits", "from", "to", "reason", "count", "more"),
    }
)
ALWAYS_NEEDED = (
    "confirm_patient",
    "agree_patient",
    "patient_settled",
    "patient_uncovered",
    "patient_cancelled",
    "patient_moved",
    "running_late",
    "crisis",
    "safety_alert",
    "ask_provider",
    "new_visit",
    "ask_cover",
    "cover_settled",
    "withdrawn_cover",
    "already_taken",
    "visit_cancelled_staff",
    "staff_echo",
    "staff_echo_late",
    "staff_echo_video",
    "staff_noted",
    "staff_dropped",
    "ask_cover_together",
    "too_late",
    "which_question",
    "no_open_question",
)
_CHOOSING = ("offer_times", "offer_times_again", "which_option", "which_time", "slot_gone", "booked_for_patient")
NEEDED_TO: Mapping[str, tuple[str, ...]] = {
    "remind": ("remind_patient",),
    "fill": ("offer_slot", "offer_slot_if_free", "slot_gone", "booked_for_patient"),
    "follow_up": ("visit_missed", "closed_choice", *_CHOOSING),
    "place": ("ask_add_on", *_CHOOSING),
}
"""Texts that the playbook needs only where it uses that word."""

NEEDED_TEXTS = tuple(dict.fromkeys((*ALWAYS_NEEDED, *(t for texts in NEEDED_TO.values() for t in texts))))
MUST_SAY: Mapping[str, tuple[str, ...]] = {
    "crisis": ("988", "911"),
    "offer_times": ("{options}",),
    "offer_move": ("{instead}",),
    "offer_times_again": ("{options}",),
    "which_time": ("{options}",),
    "which_option": ("{options}",),
    "closed_choice": ("{options}",),
    "which_question": ("{questions}",),
    "staff_echo": ("{visits}",),
    "staff_echo_late": ("{minutes}", "{visits}"),
    "staff_echo_video": ("{visits}",),
    "ask_cover_together": ("{questions}",),
    "running_late": ("{minutes}",),
}
"""What a text is for: without it nobody could answer, or be safe (D23)."""

CARRIER_WORDS = frozenset({"cancel", "end", "quit", "stop", "unsubscribe", "start", "yes"})


def texts(looking: Looking) -> Iterator[Finding]:
    """Everything that is wrong with the texts."""
    playbook, marks = looking.playbook, looking.marks
    for name in _needed(playbook):
        if name not in playbook.texts:
            yield marks.finding(("texts",), f"the text {name!r} is missing.", "Copy it from a shipped playbook.")
    languages = sorted({lang for versions in playbook.texts.values() for lang in versions})
    for name, versions in playbook.texts.items():
        if "en" not in versions:
            yield marks.finding(("texts", name), "the English version is missing.", "Add `en:`.")
        lacking = [lang for lang in languages if lang not in versions]
        if lacking:
            until_then = "until then staff of that language are left out, and patients go on the call list."
            fix = f"Add {', '.join(lacking)}; {until_then}"
            yield marks.finding(("texts", name), f"it is not there in {', '.join(lacking)}.", fix, "warning")
        for lang, text in versions.items():
            yield from _words(looking, ("texts", name, lang), name, text)


def _needed(playbook: Playbook) -> tuple[str, ...]:
    """The texts without which something that the playbook does would have no words."""
    used = {use[0] for _, action in actions(playbook) if (use := use_of(action))}
    words: set[str] = {*used}
    if any(isinstance(a, Confirm) and a.remind for _, a in actions(playbook)):
        words.add("remind")
    more = (text for word, texts in NEEDED_TO.items() if word in words for text in texts)
    return tuple(dict.fromkeys((*ALWAYS_NEEDED, *more)))


def _words(looking: Looking, where: Where, name: str, text: str) -> Iterator[Finding]:
    try:
        used = {variable for _, variable, _, _ in string.Formatter().parse(text) if variable is not None}
    except ValueError:
        yield looking.marks.finding(where, "a brace is not closed.", "Write variables as {time}; a brace itself as {{.")
        return
    for variable in sorted(used - VARIABLES):
        fix = f"There are: {', '.join(sorted(VARIABLES))}. No text may name a patient."
        yield looking.marks.finding(where, f"{{{variable}}} is no variable.", fix)
    for part in MUST_SAY.get(name, ()):
        if part not in text:
            yield looking.marks.finding(where, f"{name!r} does not say {part}.", "Copy it from a shipped playbook.")
    ties = used & {"practice", "provider", "location", "service"}
    channels: Sequence[str] = sorted(
        c for c, signed in (looking.known.channels if looking.known else {}).items() if not signed
    )
    if ties and channels:
        problem = f"{{{min(ties)}}} ties a person to the practice, and {channels[0]} has no signed agreement."
        yield looking.marks.finding(where, problem, "Sign one (`baa: signed`), or leave the variable out.")
    asked = {w.strip(".,;:!?").lower() for part in text.lower().split("reply")[1:] for w in part.split()[:3]}
    if asked & CARRIER_WORDS:
        word = min(asked & CARRIER_WORDS).upper()
        yield looking.marks.finding(
            where, f"carriers take {word} as an opt-out or opt-in.", "Ask for Y or N.", "warning"
        )
