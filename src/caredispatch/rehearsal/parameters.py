"""What the simulated world assumes: one number a field, each with its unit, range and source, as `parameters.yaml` says
them. A practice lays what it knows better over the shipped ones. Reading files is `parameters_reading`'s; nothing here
draws or plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Parameter:
    """One assumption: what it says, its unit and where it is from. `low` and `high` bound what is plausible; None where
    nobody moves it."""

    name: str
    value: float
    unit: str
    says: str
    source: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A fact that drives nothing: results may be held beside it."""

    says: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Patients:
    """How patients book, come, cancel and answer. What each field means and its unit stand in `parameters.yaml`."""

    no_show: float
    no_show_lead_odds: float
    no_show_1_day: float
    no_show_13_days: float
    no_show_again: float
    no_show_video: float
    no_show_most: float
    missed_before: float
    reminder_prevents: float
    prevented_cancels: float
    cancels_month_1: float
    cancels_month_12: float
    cancels_same_day: float
    moves: float
    confirms: float
    confirms_and_misses: float
    confirm_median: float
    confirm_slow: float
    accepts_offer: float
    answers_offer: float
    accepts_times: float
    comes_back: float
    accepts_change: float
    picks_up: float
    persists: float
    no_text: float
    consents: float
    spanish: float
    human_only: float
    clinician_follows_up: float


@dataclass(frozen=True, slots=True)
class StaffWays:
    """How staff call out, come late and answer."""

    call_outs: float
    call_outs_morning: float
    call_outs_evening: float
    late: float
    late_median: float
    leaves: float
    answers_cover: float
    accepts_cover: float
    answers_own: float
    declines_own: float
    page_median: float
    page_slow: float
    phone_median: float
    phone_slow: float
    email_slower: float
    persists: float
    answers_by_night: float
    tires: float
    not_worked: float


@dataclass(frozen=True, slots=True)
class PracticeWays:
    """How full a practice is, when its visits are booked, and what comes in beside them."""

    utilisation: float
    same_day: float
    within_a_week: float
    within_two_weeks: float
    within_a_month: float
    series: float
    visits_a_patient: float
    video: float
    online: float
    cancels_same_day: float
    requests: float
    waitlist: float
    add_ons: float
    closures: float


@dataclass(frozen=True, slots=True)
class Systems:
    """How often systems fail."""

    duplicates: float
    late: float
    lost: float
    slow_writes: float
    outages: float
    outage_median: float
    wrong_data: float
    text_price: float


@dataclass(frozen=True, slots=True)
class Desk:
    """What the same takes by hand."""

    status_change: float
    same_day_change: float
    phone_call: float
    booking: float
    phones_before: float
    entry_errors: float
    opens: float
    closes: float


@dataclass(frozen=True, slots=True)
class ServiceWays:
    """What a practice knows of one service: its weight among all visits, and how long a visit really takes (None: as
    the directory says)."""

    share: float
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """All assumptions, typed, and `rows` with what is known of each by its name (`patients.no_show`). `services` says
    what a practice knows of its own, by code; empty: all are equally many."""

    patients: Patients
    staff: StaffWays
    practice: PracticeWays
    systems: Systems
    desk: Desk
    rows: Mapping[str, Parameter]
    checks: tuple[Check, ...] = ()
    services: Mapping[str, ServiceWays] = field(default_factory=dict)

    def but(
        self, values: Mapping[str, float], source: str = "", services: Mapping[str, ServiceWays] | None = None
    ) -> Parameters:
        """The same with other values by name, their ranges widened where needed; `source` is where they come from.
        Raises KeyError for an unknown name."""
        rows = dict(self.rows)
        for name, value in values.items():
            row = rows[name]
            low, high = row.low, row.high
            rows[name] = replace(
                row,
                value=value,
                source=source or row.source,
                low=None if low is None else min(low, value),
                high=None if high is None else max(high, value),
            )
        return typed(rows, self.checks, self.services if services is None else services)


GROUPS: Mapping[str, type[Any]] = {
    "patients": Patients,
    "staff": StaffWays,
    "practice": PracticeWays,
    "systems": Systems,
    "desk": Desk,
}


def typed(rows: Mapping[str, Parameter], checks: tuple[Check, ...], services: Mapping[str, ServiceWays]) -> Parameters:
    """Rows as parameters. Raises KeyError where one is missing."""
    groups = {
        group: of(**{f.name: rows[f"{group}.{f.name}"].value for f in fields(of)}) for group, of in GROUPS.items()
    }
    return Parameters(**groups, rows=rows, checks=checks, services=services)
