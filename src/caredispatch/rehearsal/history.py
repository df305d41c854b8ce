"""What a practice's own past says of the parameters: plain records of visits in, values out. Where there are too few of
something, nothing is said of it, and the shipped value stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from statistics import median
from typing import Literal

from caredispatch.core.content import Modality
from caredispatch.core.records import Initiator
from caredispatch.rehearsal.parameters import Parameters, ServiceWays

FEWEST = 100
"""So many records a share is told from, at least: with fewer its interval is wider than what the sources differ by."""
FEWEST_LENGTHS = 20
_LEADS = (("same_day", 0, 0), ("within_a_week", 1, 6), ("within_two_weeks", 7, 13), ("within_a_month", 14, 29))


@dataclass(frozen=True, slots=True)
class Past:
    """One visit of the past, over or cancelled. Instants are aware. None where it is not recorded; `minutes` is how
    long it really took."""

    service: str
    start_at: datetime
    status: Literal["kept", "no_show", "cancelled"]
    modality: Modality = "in_person"
    booked_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancelled_by: Initiator | None = None
    minutes: int | None = None
    in_series: bool | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the past says: `values` by the parameter's name, `counted` from how many records each, `services` by
    code."""

    values: Mapping[str, float]
    counted: Mapping[str, int]
    services: Mapping[str, ServiceWays] = field(default_factory=dict)

    def over(self, parameters: Parameters) -> Parameters:
        """The parameters with these in place."""
        found = parameters
        for name, value in self.values.items():
            found = found.but({name: value}, f"own history, {self.counted[name]} visits")
        return found.but({}, services=self.services) if self.services else found


def history_parameters(visits: Sequence[Past], zone: tzinfo, fewest: int = FEWEST) -> Overrides:
    """What visits of the past say, days counted by the clock of `zone`."""
    found = [
        *_no_shows(visits, zone, fewest),
        *_cancellations(visits, zone, fewest),
        *_leads(visits, zone, fewest),
    ]
    values = {name: round(value, 2) for name, value, _ in found}
    return Overrides(values, {name: n for name, _, n in found}, _services(visits, fewest))


Said = tuple[str, float, int]


def _percent(what: Sequence[bool]) -> float:
    return 100 * sum(what) / len(what)


def _lead(visit: Past, zone: tzinfo) -> int:
    """Days from the booking to the visit, at least 0; only where `booked_at` is known."""
    assert visit.booked_at is not None
    return max((visit.start_at.astimezone(zone).date() - visit.booked_at.astimezone(zone).date()).days, 0)


def _no_shows(visits: Sequence[Past], zone: tzinfo, fewest: int) -> Iterator[Said]:
    due = [v for v in visits if v.status != "cancelled"]
    if len(due) >= fewest:
        yield "patients.no_show", _percent([v.status == "no_show" for v in due]), len(due)
    known = [(_lead(v, zone), v.status == "no_show") for v in due if v.booked_at is not None]
    near, far = [missed for lead, missed in known if lead == 1], [missed for lead, missed in known if lead >= 13]
    if min(len(near), len(far)) >= fewest and any(near) and any(far):
        yield "patients.no_show_1_day", _percent(near), len(near)
        yield "patients.no_show_13_days", _percent(far), len(far)
    here = [v.status == "no_show" for v in due if v.modality == "in_person"]
    away = [v.status == "no_show" for v in due if v.modality != "in_person"]
    if min(len(here), len(away)) >= fewest and any(here) and any(away):
        yield "patients.no_show_video", _percent(away) / _percent(here), len(away)


def _cancellations(visits: Sequence[Past], zone: tzinfo, fewest: int) -> Iterator[Said]:
    """By whom is told only from records that say it of every cancellation on its day."""
    by = [v.cancelled_by for v in visits if _on_its_day(v, zone)]
    if len(visits) >= fewest and None not in by and _dated(visits):
        yield "patients.cancels_same_day", 100 * by.count("patient") / len(visits), len(visits)
        yield "practice.cancels_same_day", 100 * by.count("practice") / len(visits), len(visits)
    month = [v for v in visits if v.booked_at is not None and 1 <= _lead(v, zone) <= 30]
    if len(month) >= fewest and _dated(month):
        before = sum(v.status == "cancelled" and not _on_its_day(v, zone) for v in month)
        yield "patients.cancels_month_1", 100 * before * 30 / sum(_lead(v, zone) for v in month), len(month)


def _dated(visits: Sequence[Past]) -> bool:
    return all(v.cancelled_at is not None for v in visits if v.status == "cancelled")


def _on_its_day(visit: Past, zone: tzinfo) -> bool:
    at = visit.cancelled_at
    return (
        visit.status == "cancelled"
        and at is not None
        and at.astimezone(zone).date() >= visit.start_at.astimezone(zone).date()
    )


def _leads(visits: Sequence[Past], zone: tzinfo, fewest: int) -> Iterator[Said]:
    told = [v for v in visits if v.in_series is not None]
    if len(told) >= fewest:
        yield "practice.series", _percent([bool(v.in_series) for v in told]), len(told)
    leads = [_lead(v, zone) for v in visits if v.booked_at is not None and not v.in_series]
    if len(leads) >= fewest:
        for name, low, high in _LEADS:
            yield f"practice.{name}", _percent([low <= lead <= high for lead in leads]), len(leads)


def _services(visits: Sequence[Past], fewest: int) -> dict[str, ServiceWays]:
    if len(visits) < fewest:
        return {}
    lengths: dict[str, list[int]] = {}
    count: dict[str, int] = {}
    for v in visits:
        count[v.service] = count.get(v.service, 0) + 1
        if v.minutes is not None and v.status == "kept":
            lengths.setdefault(v.service, []).append(v.minutes)
    return {
        code: ServiceWays(
            round(100 * n / len(visits), 2),
            round(median(lengths[code])) if len(lengths.get(code, ())) >= FEWEST_LENGTHS else None,
        )
        for code, n in sorted(count.items())
    }
