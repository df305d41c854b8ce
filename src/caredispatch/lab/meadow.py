"""The demo's second practice: a home-health agency, whose nurses and aides drive to every visit. Another tenant of the
same server, with an EHR and a number of its own. Everybody is invented, as in `cast.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caredispatch.app.directory_file import DirectoryFile
from caredispatch.lab.accounts import FHIR_TOKEN, TWILIO_SID, TWILIO_TOKEN
from caredispatch.policy.profiles import profile_text

SLUG = "meadow"
EHR = "meadow-ehr"
NUMBER = "+15550109"
ZONE = "America/Chicago"
AREAS = {"West": ("West of the river", "5001"), "East": ("East of the river", "5002")}
SERVICES = {
    "home-visit": ("Home visit", 45, "aide", "2001"),
    "wound-care": ("Wound care", 45, "nurse", "2002"),
    "insulin-visit": ("Insulin at home", 30, "nurse", "2003"),
    "bedbound-care": ("Care of somebody who can't get up", 45, "aide", "2004"),
}


@dataclass(frozen=True, slots=True)
class Caregiver:
    """Somebody who drives to patients. A nurse may do an aide's visits too, and drives to both sides of the river."""

    handle: str
    area: str
    number: int
    nurse: bool = False

    @property
    def practitioner(self) -> str:
        """Their id in the EHR."""
        return f"care-{self.number:02d}"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555015{self.number:04d}"

    @property
    def roles(self) -> tuple[str, ...]:
        """What they may do."""
        return ("nurse", "aide") if self.nurse else ("aide",)


CAREGIVERS = (
    Caregiver("Ana", "West", 1, nurse=True),
    Caregiver("Ben", "West", 2, nurse=True),
    Caregiver("Cleo", "East", 3, nurse=True),
    Caregiver("Iris", "West", 4, nurse=True),
    Caregiver("Jude", "West", 5),
    Caregiver("Kit", "West", 6),
    Caregiver("Lou", "East", 7),
    Caregiver("Max", "East", 8),
)
OFFICE = {"Mia": 11, "Noor": 12, "Dana": 13, "Rosa": 14}
"""Schedulers and supervisors, each with the number of their telephone."""


@dataclass(frozen=True, slots=True)
class Patient:
    """An invented patient at home."""

    number: int
    given: str

    family = "Madeupperson"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555016{self.number:04d}"

    @property
    def email(self) -> str:
        """Their mail address."""
        return f"{self.given.lower()}{self.number}@nobody.example"

    @property
    def fhir_id(self) -> str:
        """Their id in the EHR."""
        return f"home-{self.number:03d}"


PATIENTS = tuple(
    Patient(number, given)
    for number, given in enumerate(("Almond", "Cashew", "Chestnut", "Hazelnut", "Pecan", "Walnut"), start=1)
)


def caregiver(handle: str) -> Caregiver:
    """A nurse or aide by name."""
    return next(c for c in CAREGIVERS if c.handle == handle)


def office_phone(name: str) -> str:
    """The telephone of a scheduler or supervisor."""
    return f"+1555015{OFFICE[name]:04d}"


def playbook_text() -> str:
    """The shipped playbook."""
    return profile_text("home-health")


def practice_file(world: str) -> DirectoryFile:
    """The agency as `caredispatch import` reads it. `world` is the outside world's address."""
    return DirectoryFile.model_validate(
        {
            "practice": {"name": "Meadow Home Care", "time_zone": ZONE},
            "locations": {c: {"name": n, "time_zone": ZONE, "state": "IL"} for c, (n, _) in AREAS.items()},
            "services": {c: {"name": n, "minutes": m, "role": r} for c, (n, m, r, _) in SERVICES.items()},
            "staff": [*_caregivers(), *_office()],
            "patients": [
                {"given": p.given, "family": p.family, "phone": p.phone, "email": p.email, "state": "IL"}
                for p in PATIENTS
            ],
            "connections": _connections(world),
        }
    )


def _caregivers() -> list[dict[str, Any]]:
    hours = {"days": "mon-sun", "from": "06:00", "to": "20:00"}
    return [
        {
            "handle": c.handle,
            "name": f"{c.handle} Inventedname",
            "roles": list(c.roles),
            "licences": {"IL": "2030-12-31"},
            "hours": [{**hours, "at": area} for area in (AREAS if c.nurse else (c.area,))],
            "video": False,
            "phone": c.phone,
        }
        for c in CAREGIVERS
    ]


def _office() -> list[dict[str, Any]]:
    hours = [{"days": "mon-sun", "from": "06:00", "to": "20:00", "at": "West"}]
    return [
        {"handle": name, "name": f"{name} Inventedname", "roles": ["coordinator"], "hours": hours,
         "phone": office_phone(name)}
        for name in OFFICE
    ]  # fmt: skip


def _connections(world: str) -> dict[str, Any]:
    return {
        "ehr": {
            "connector": "fhir",
            "settings": {"base_url": f"{world}/{EHR}"},
            "secrets": {"token": FHIR_TOKEN},
            "baa": "signed",
            "consent": "Intake form, box ticked: I agree to texts about my visits",
            "owns": ["time", "provider", "status"],
            "calendar": True,
            "first_load": True,
            "map": {
                "service": {number: code for code, (_, _, _, number) in SERVICES.items()},
                "actor": {f"Practitioner/{c.practitioner}": c.handle for c in CAREGIVERS},
                "location": {f"Location/{number}": code for code, (_, number) in AREAS.items()},
            },
        },
        "sms": {
            "connector": "twilio",
            "settings": {"base_url": f"{world}/twilio", "account_sid": TWILIO_SID, "from_number": NUMBER},
            "secrets": {"auth_token": TWILIO_TOKEN},
            "baa": "signed",
        },
    }


def ehr_seed() -> dict[str, Any]:
    """The agency's EHR at the beginning of the day."""
    name = {"family": "Inventedname"}
    return {
        "token": FHIR_TOKEN,
        "practitioners": [
            {"resourceType": "Practitioner", "id": c.practitioner, "name": [{"given": [c.handle], **name}]}
            for c in CAREGIVERS
        ],
        "patients": [
            {
                "resourceType": "Patient",
                "id": p.fhir_id,
                "name": [{"given": [p.given], "family": p.family}],
                "telecom": [{"system": "phone", "value": p.phone}, {"system": "email", "value": p.email}],
            }
            for p in PATIENTS
        ],
        "locations": [{"resourceType": "Location", "id": number, "name": n} for n, number in AREAS.values()],
    }
