"""The made-up patients of a simulated month: who belongs to whose panel, how they are reached, what they missed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from caredispatch.core.facts import ContactFacts, Directory, PatientFacts, Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.core.records import Channel
from caredispatch.rehearsal.parameters import Parameters

_VISITS_BEFORE = 2.5
"""How many visits a patient had with their provider before, on average."""


@dataclass(slots=True)
class Someone:
    """One patient: `days` are those on which they have a visit."""

    patient: Id
    location: str
    missed_before: bool
    days: set[int] = field(default_factory=set)


class Crowd:
    """Patients by panel, made as they are needed. Nobody has two visits on one day."""

    def __init__(self, directory: Directory, parameters: Parameters, dice: Random) -> None:
        self.directory = directory
        self.ways = parameters.patients
        self.again = 1 - 1 / max(parameters.practice.visits_a_patient, 1.0)
        self.dice = dice
        self.panels: dict[tuple[Id, str], list[Someone]] = {}
        self._at: dict[str, list[Someone]] = {}
        self.facts: dict[Id, PatientFacts] = {}
        self.contacts: dict[str, tuple[ContactFacts, ...]] = {}
        self.together: dict[tuple[str, str], int] = {}

    def pick(self, provider: Staff, location: str, day: int) -> Someone:
        """Somebody of a provider's panel at a site who is not there yet that day."""
        there = self.panels.setdefault((provider.staff_id, location), [])
        again, which = self.dice.random(), self.dice.random()
        if there and again < self.again:
            found = there[int(which * len(there))]
            if day not in found.days:
                found.days.add(day)
                return found
        found = self.somebody(location, provider)
        found.days.add(day)
        there.append(found)
        return found

    def at(self, location: str) -> list[Someone]:
        """The patients of a site."""
        return self._at.get(location, [])

    def somebody(self, location: str, provider: Staff) -> Someone:
        """A new patient of a site and a provider, whose care plan is one of those that the provider takes."""
        dice, ways = self.dice, self.ways
        luck = [dice.random() * 100 for _ in range(6)]
        visits, tag = int(dice.expovariate(1 / _VISITS_BEFORE)), dice.random()
        patient = make_id("rehearsed-patient", self.directory.practice_id, len(self.facts))
        found = Someone(patient, location, luck[0] < ways.missed_before)
        self._at.setdefault(location, []).append(found)
        language = "es" if luck[1] < ways.spanish else "en"
        site = self.directory.locations[location]
        self.facts[patient] = PatientFacts(
            language=language,
            tags=(provider.tags[int(tag * len(provider.tags))],) if provider.tags else (),
            state=site.state,
            no_shows_90d=int(found.missed_before),
            late_cancels_90d=0,
            human_only=luck[2] < ways.human_only,
            clinician_follows_up=luck[3] < ways.clinician_follows_up,
        )
        channel: Channel = "email" if luck[4] < ways.no_text else "sms"
        contact = ContactFacts(
            make_id("contact", patient), channel, site.time_zone, language, consent=luck[5] < ways.consents
        )
        self.contacts[patient] = (contact,)
        self.together[(patient, provider.staff_id)] = visits
        return found


def staff_contacts(directory: Directory) -> dict[str, tuple[ContactFacts, ...]]:
    """How each member of staff is reached: by text."""
    home = next(iter(directory.locations.values())).time_zone
    found: dict[str, tuple[ContactFacts, ...]] = {}
    for who, staff in directory.staff.items():
        site = directory.locations.get(staff.hours[0].location) if staff.hours else None
        zone = site.time_zone if site else home
        found[who] = (ContactFacts(make_id("contact", who), "sms", zone, consent=True),)
    return found
