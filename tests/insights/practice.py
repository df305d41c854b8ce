"""A made-up practice: two sites, two services, 30 days before and 45 since, of which it is known what changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from caredispatch.core.measures import Figure
from caredispatch.insights.comparing import Days, Span
from caredispatch.insights.going_live import Began
from caredispatch.insights.money import Rate, Rates
from caredispatch.insights.report import Counted

FIRST = date(2026, 9, 7)
LIVE = FIRST + timedelta(days=30)
LAST = LIVE + timedelta(days=44)
SITES = ("North", "South")
SERVICES = ("office-visit", "nurse-visit")
RATES = Rates(
    "USD",
    {
        "coordinator_hour": Rate(24.5, "payroll 2026"),
        "overtime_hour": Rate(42.0, "payroll 2026"),
        "visit_margin": Rate(55.0, "finance, mean of 2025"),
        "entry_error": Rate(6.0, "15 min of a biller"),
        "running_month": Rate(390.0, "hosting and texts"),
    },
)


def days(*, live: bool = True, baseline: bool = True, south: int = 0) -> Days:
    """Which days are compared; `south` begins so many days later."""
    began: Began = {"North": {"dispatch_routing": LIVE}, "South": {"dispatch_routing": LIVE + timedelta(days=south)}}
    before = Span(FIRST, LIVE - timedelta(days=1)) if baseline else None
    return Days(before, Span(LAST - timedelta(days=27), LAST), began if live else {})


def counted(seed: int = 1, *, effect: float = 1.0) -> Counted:
    """Figures of eight measures. With `effect` 1 coordinators' minutes fall from 38 to 9 an incident, scrambles from
    2.4 to 0.6 a day, settling from 25 to 6 minutes, and confirmations rise by 15 points; no-shows stay at 8 %."""
    rng = np.random.default_rng(seed)
    figures: list[Figure] = []
    for i in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=i)
        if day.weekday() < 6:
            figures += _of_day(rng, day, effect if day >= LIVE else 0.0)
    before = [f for f in figures if f.day < LIVE]
    return Counted(before, [f for f in figures if f.day >= LIVE], "tally", "tally")


def _of_day(rng: np.random.Generator, day: date, effect: float) -> list[Figure]:
    incidents = float(rng.poisson(9) + 1)
    minutes = incidents * (38 - 29 * effect) * float(rng.uniform(0.8, 1.2))
    found = [Figure("coordinator_minutes", day, "", "", minutes, incidents)]
    for site in SITES:
        offered = 2400.0
        kept = offered * float(np.clip(rng.normal(0.74 + 0.03 * effect, 0.03), 0, 1))
        found.append(Figure("slot_utilisation", day, site, "", kept, offered))
        for service in SERVICES:
            found += _of_service(rng, day, site, service, effect)
    return found


def _of_service(rng: np.random.Generator, day: date, site: str, service: str, effect: float) -> list[Figure]:
    visits = int(rng.integers(15, 25))
    scrambles = float(rng.poisson(0.6 - 0.45 * effect))
    settled = tuple(float(v) for v in np.exp(rng.normal(np.log(1500 - 1140 * effect), 0.8, size=rng.integers(1, 4))))
    counts: Mapping[str, tuple[float, float]] = {
        "scrambles": (scrambles, 1.0),
        "unresolved_scrambles": (float(rng.binomial(int(scrambles), 0.2)), 1.0),
        "confirmation_rate": (float(rng.binomial(visits, 0.55 + 0.15 * effect)), float(visits)),
        "no_show_rate": (float(rng.binomial(visits, 0.08)), float(visits)),
        "overtime_minutes": (float(rng.exponential(20 - 12 * effect)), 1.0),
        "entry_errors": (float(rng.poisson(0.4)) if effect else 0.0, 1.0),
    }
    made = [Figure(code, day, site, service, amount, of) for code, (amount, of) in counts.items()]
    return [*made, Figure("settled_seconds", day, site, service, sum(settled), len(settled), settled)]
