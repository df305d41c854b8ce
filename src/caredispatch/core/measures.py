"""What is measured: each definition once, in words that docs/metrics.md repeats and a test compares. What the
definitions count are plain values (`happened`); the counting is in `counting_visits`, `counting_cases` and
`counting_work`, one function a measure. Statistics over figures are `insights`'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

Better = Literal["higher", "lower", ""]
Adds = Literal["ratio", "count", "times"]
"""How figures add up: `ratio`: the sum of `amount` over the sum of `of`; `count`: the sum over a day's locations and
services, and of that the mean over days; `times`: all single `values` together, of which a median and a percentile are
told."""


@dataclass(frozen=True, slots=True)
class Figure:
    """What one measure came to on one local day at one location, of one service: `amount` of `of` (minutes of minutes,
    visits of visits, minutes an incident). A count a day has `of` = 1. For measures of time `values` holds the single
    values (seconds or minutes as the definition says), `amount` is their sum and `of` their number. What belongs to no
    one location or service has an empty one."""

    measure: str
    day: date
    location: str
    service: str
    amount: float
    of: float
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Measure:
    """One definition. `unit` is of what is told (`%`: a ratio of like to like), `says` says exactly what is counted,
    and on which day. `beside` names measures that it is never told without (D39)."""

    code: str
    name: str
    unit: Literal["%", "minutes", "seconds", "a day", "each"]
    better: Better
    adds: Adds
    says: str
    beside: tuple[str, ...] = ()


_TOGETHER = ("no_show_rate", "late_cancellations", "kept_fills")

_ALL = (
    Measure(
        "slot_utilisation",
        "Slot utilisation",
        "%",
        "higher",
        "ratio",
        "Kept minutes over offered minutes, on the day of the visits. Offered are the minutes that staff who hold "
        "visits work at a site, leave and closures taken out, as they stood 14 days before the day: what is "
        "withdrawn later stays offered. Kept are the minutes of visits that were neither cancelled nor missed and "
        "had somebody to hold them; minutes of one person that overlap, or that a group shares, count once, and "
        "minutes outside the offered hours do not count.",
    ),
    Measure(
        "coordinator_minutes",
        "Coordinator minutes an incident",
        "minutes",
        "lower",
        "ratio",
        "Minutes that coordinators spent on coordination, calls and edits in the EHR included, over the incidents "
        "of the day: a change outside, with every case that it opened, is one. The minutes come from one "
        "instrument, before and after: a tally (minutes noted with the work) or random prompts (each stands for an "
        "equal share of the time on duty). Mixed instruments are refused. By location where every note names one.",
    ),
    Measure(
        "page_minutes",
        "Minutes on our pages an incident",
        "minutes",
        "lower",
        "ratio",
        "Minutes on our own pages over the incidents of the day: from one act of a person to their next, where no "
        "more than 5 minutes lie between, and 1 minute for the last of a row. Told apart: it is a part of "
        "coordinator minutes, never added to them, and has no counterpart before.",
    ),
    Measure(
        "disruptions",
        "Disruptions",
        "a day",
        "",
        "count",
        "Incidents that lost the cover of a visit, or wanted an add-on, on the day of that visit (local). Nothing "
        "that a practice does lessens them; they say how hard the day was.",
    ),
    Measure(
        "scrambles",
        "Same-day scrambles",
        "a day",
        "lower",
        "count",
        "Disruptions in which a person had to call, write, edit or decide; one that ended by cancelling a visit or "
        "leaving it uncovered is a scramble whoever did it.",
        ("unresolved_scrambles",),
    ),
    Measure(
        "unresolved_scrambles",
        "Unresolved scrambles",
        "a day",
        "lower",
        "count",
        "Disruptions that ended by cancelling a visit of that day or leaving it without cover at its start.",
    ),
    Measure(
        "confirmation_rate",
        "Patient confirmation rate",
        "%",
        "higher",
        "ratio",
        "Visits whose patient (or proxy) said yes, before the start, to the visit as it stood then, over all visits"
        " of the day that were booked at least 24 hours before the start and not cancelled by then, asked or not. A"
        " human's answer only: what a system sets by itself is none.",
    ),
    Measure(
        "first_asked_seconds",
        "First eligible person asked",
        "seconds",
        "lower",
        "times",
        "From the change outside (not from when we heard of it) until the first question about it was sent, of each"
        " case to cover a visit or to find somebody for an add-on in which somebody was asked, on the day of the "
        "change.",
    ),
    Measure(
        "settled_seconds",
        "Settled",
        "seconds",
        "lower",
        "times",
        "From the change outside until somebody was found, by hand or without, of each case to cover a visit or to "
        "find somebody for an add-on in which somebody was, on the day of the change. A measured distribution, no "
        "promise; what ended uncovered is an unresolved scramble.",
        ("unresolved_scrambles",),
    ),
    Measure(
        "confirm_seconds",
        "Booking confirmed by the provider",
        "seconds",
        "lower",
        "times",
        "From the booking (or move) outside until the provider was confirmed: said yes, or was told and the text "
        "delivered; of each case to confirm a visit with its staff that ended so, on the day of the change.",
    ),
    Measure(
        "fill_rate",
        "Fill rate",
        "%",
        "higher",
        "ratio",
        "Freed times that another visit took, over freed times. Freed is the time of a visit that was cancelled or "
        "moved at least 2 hours before its start while its person still worked then, on the day on which it was to "
        "be; it is taken by a visit with the same person that got at least half of that time afterwards, cancelled "
        "again or not.",
        _TOGETHER,
    ),
    Measure(
        "no_show_rate",
        "No-show rate",
        "%",
        "lower",
        "ratio",
        "Visits whose patient did not come, over visits that were missed or took place (neither cancelled nor "
        "missed, and with somebody to hold them). A no-show that became an arrival is none.",
        ("late_cancellations", "kept_fills"),
    ),
    Measure(
        "late_cancellations",
        "Late cancellations",
        "%",
        "lower",
        "ratio",
        "Visits that their patient cancelled in the 24 hours before the start, over visits of the day that were "
        "booked and not cancelled 24 hours before the start. What the practice cancels is none, nor is a visit that"
        " was booked anew in the same turn.",
        ("no_show_rate", "kept_fills"),
    ),
    Measure(
        "kept_fills",
        "Kept fills",
        "%",
        "higher",
        "ratio",
        "Freed times in which a visit that took them was kept, over freed times.",
        ("no_show_rate", "late_cancellations"),
    ),
    Measure(
        "first_ask_success",
        "First-ask success",
        "%",
        "higher",
        "ratio",
        "Cases to cover a visit or to find somebody for an add-on in which one of those first asked said yes and "
        "was taken, over those in which somebody was asked, on the day of the first question.",
    ),
    Measure(
        "asks_per_person",
        "Asks a person asked",
        "each",
        "lower",
        "ratio",
        "Questions sent to staff, over the people at a location who were sent one that day; news that needs no "
        "answer is none.",
    ),
    Measure(
        "automation_rate",
        "Automation rate",
        "%",
        "higher",
        "ratio",
        "Cases that were settled without a human, over cases that ended, on the day of the end. Not without a human"
        " is a case that stood before a named one, in which somebody acted on our pages or on somebody's behalf, or"
        " whose visit was edited by hand in any system from its opening to 24 hours after its end. A case that was "
        "overtaken (its visit was cancelled or moved) is not counted, unless by hand.",
    ),
    Measure(
        "writeback_landed",
        "Write-back landed",
        "%",
        "higher",
        "ratio",
        "Copies in other systems that were read back and say what the record says, over copies that were to say "
        "something, by the day of the visit.",
    ),
    Measure(
        "writeback_seconds",
        "Write-back age",
        "seconds",
        "lower",
        "times",
        "From when a write was wanted until the copy was read back equal, of each that was, on the day of the wish.",
        ("writeback_landed",),
    ),
    Measure(
        "overtime_minutes",
        "Overtime",
        "minutes",
        "lower",
        "count",
        "Minutes of visits that took place and lay outside the working hours of whoever held them; minutes that "
        "overlap count once, and of whom nobody keeps working hours is not counted. Overtime avoided is the "
        "difference between before and after.",
    ),
    Measure(
        "entry_errors",
        "Entry errors caught",
        "a day",
        "",
        "count",
        "Fields that a system was seen to hold otherwise than the record, by its own doing, and that were repaired:"
        " system and record were seen to agree again. By the day on which the difference was seen.",
    ),
    Measure(
        "exceptions",
        "Exceptions a coordinator-day",
        "each",
        "lower",
        "ratio",
        "Exceptions raised, over the coordinators who acted on our pages that day, at least one. Lines of the call "
        "list are none.",
    ),
)

MEASURES: Mapping[str, Measure] = {measure.code: measure for measure in _ALL}
