"""Who speaks for a patient, by `Patient.contact`: a guardian, a parent until the patient is of age, and where the
settings want it whoever cares for them or is called in an emergency (D5)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from typing import Literal

from caredispatch.connectors.fhir.resources import ContactPerson, Patient, Period, current
from caredispatch.contract.seen import SeenContact
from caredispatch.contract.settings import Settings

Who = Literal["guardians", "all", "no"]
OF_AGE = 18
_CODES: tuple[tuple[Literal["guardian", "parent", "carer"], frozenset[str]], ...] = (
    ("guardian", frozenset({"guardian", "GUARD"})),
    (
        "parent",
        frozenset({"parent", "PRN", "MTH", "FTH", "NMTH", "NFTH", "ADOPTP", "STPPRN", "STPMTH", "STPFTH", "PRNFOST"}),
    ),
    ("carer", frozenset({"caregiver", "CAREGIVER", "emergency", "C", "ECON"})),
)
"""Codes of HL7's v3 RoleCode and v2 table 0131 and of FHIR's older list; the first that fits counts."""


def who_of(settings: Settings) -> Who:
    """Who is reached for a patient, as the settings say. Raises ValueError."""
    return settings.one_of("contacts", "guardians", "all", "no")  # type: ignore[return-value]  # one of the three


def contacts_of(patient: Patient, who: Who) -> tuple[SeenContact, ...]:
    """The contacts that may be reached for the patient. Of a parent whose child's age is not known nothing is taken."""
    found = (_contact(person, patient.birthDate) for person in patient.contact) if who != "no" else ()
    return tuple(c for c in found if c is not None and (who == "all" or c.relation != "carer"))


def _contact(person: ContactPerson, born: date | None) -> SeenContact | None:
    codes = {each.code for concept in person.relationship for each in concept.coding}
    relation = next((name for name, those in _CODES if codes & those), None)
    phone = current(person.telecom, "phone") or current(person.telecom, "sms")
    email = current(person.telecom, "email")
    if relation is None or (phone is None and email is None) or (relation == "parent" and born is None):
        return None
    ends = [
        day for day in (last_day(person.period), _minor_until(born) if relation == "parent" and born else None) if day
    ]
    return SeenContact(relation, phone, email, None, min(ends) if ends else None)


def _minor_until(born: date) -> date:
    """The last day before they are of age; born on a 29th of February they are on the 1st of March."""
    year = born.year + OF_AGE
    birthday = (
        date(year, 3, 1)
        if (born.month, born.day) == (2, 29) and monthrange(year, 2)[1] == 28
        else born.replace(year=year)
    )
    return birthday - timedelta(days=1)


def last_day(period: Period) -> date | None:
    """The last day of a period, which may be said as a year or a month; None where it has no end. An end that can't be
    read has come."""
    said = period.end
    if said is None:
        return None
    try:
        if len(said) == len("2026"):
            return date(int(said), 12, 31)
        if len(said) == len("2026-11"):
            year, month = int(said[:4]), int(said[5:])
            return date(year, month, monthrange(year, month)[1])
        return date.fromisoformat(said[:10])
    except ValueError:
        return date.min
