"""Who pays, and what follows from it (D6): whether somebody is panelled with a patient's payer on a day, and whether
the payer lets the patient have the service. Both answer yes, no or unknown; where a practice keeps no such lists,
neither asks anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

Verdict = Literal["yes", "no", "unknown"]

SELF_PAY = "self-pay"
"""The payer of who pays themselves: nobody needs a panel or an authorisation for them."""


@dataclass(frozen=True, slots=True)
class Authorisation:
    """Units or visits of a service that a payer still lets a patient have, until a day (included)."""

    service: str
    left: int
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Days on which somebody is panelled with a payer, both included."""

    payer: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Payers:
    """What a practice keeps: the `panels` of its staff with the payers in question, all `panelled` payers that anybody
    has a panel with, and for which (payer, service) there are authorisations; a payer is empty where none is known."""

    panels: Mapping[str, tuple[Panel, ...]] = field(default_factory=dict)
    panelled: tuple[str, ...] = ()
    authorised: tuple[tuple[str, str], ...] = ()


def on_panel(kept: Payers | None, payer: str | None, staff_id: str, day: date) -> Verdict:
    """Whether somebody is panelled with a payer that day. Unknown where the payer is, or where nobody of the practice
    has a panel with it."""
    if kept is None or not kept.panelled or payer == SELF_PAY:
        return "yes"
    if payer is None or payer not in kept.panelled:
        return "unknown"
    mine = [p for p in kept.panels.get(staff_id, ()) if p.payer == payer]
    return "yes" if any(p.since <= day and _lasts(p.until, day) for p in mine) else "no"


def is_authorised(
    kept: Payers | None, payer: str | None, own: tuple[Authorisation, ...], service: str, day: date
) -> Verdict:
    """Whether anything is left of a service that day. Unknown where none is on record and the payer wants one, or the
    payer is not known."""
    if kept is None or payer == SELF_PAY or not any(of == service for _, of in kept.authorised):
        return "yes"
    mine = [a for a in own if a.service == service]
    if mine:
        return "yes" if any(a.left > 0 and _lasts(a.until, day) for a in mine) else "no"
    return "unknown" if payer is None or (payer, service) in kept.authorised else "yes"


def _lasts(until: date | None, day: date) -> bool:
    return until is None or day <= until
