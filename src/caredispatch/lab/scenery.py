"""The worked example's practice and the outside world that fits it: a behavioral-health group of 12 therapists, three
sites in two time zones. Everybody is invented and visibly so; telephone numbers are from the range kept for fiction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from caredispatch.app.directory_file import DirectoryFile

SLUG = "river"
MONDAY = datetime(2027, 1, 11, 15, 30, tzinfo=UTC)
"""When the demo's day begins: Monday 9:30 in Chicago, 10:30 in New York."""

ACUITY_USER, ACUITY_KEY = "770077", "demo-acuity-key"
FHIR_TOKEN = "demo-fhir-token"
TWILIO_SID, TWILIO_TOKEN, TWILIO_FROM = "AC" + "0" * 32, "demo-twilio-token", "+15550100"

SITES = {
    "North": ("North Shore", "America/Chicago", "IL", "4001"),
    "Lakeside": ("Lakeside", "America/Chicago", "IL", "4002"),
    "East": ("East Harbor", "America/New_York", "NY", "4003"),
}
SERVICES = {"therapy-50": ("Therapy, 50 minutes", 50, "1001"), "intake": ("First visit", 60, "1002")}


@dataclass(frozen=True, slots=True)
class Therapist:
    """One of the twelve: where they work, what care plans they know, and how they are reached."""

    handle: str
    site: str
    tags: tuple[str, ...]
    number: int
    by_mail: bool = False

    @property
    def calendar(self) -> int:
        """Their calendar in the booking system."""
        return 100 + self.number

    @property
    def practitioner(self) -> str:
        """Their id in the EHR."""
        return f"prac-{self.number:02d}"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555013{self.number:04d}"

    @property
    def email(self) -> str:
        """Their mail address."""
        return f"{self.handle.lower()}@river.example"

    @property
    def address(self) -> str:
        """Where they are reached."""
        return self.email if self.by_mail else self.phone


THERAPISTS = (
    Therapist("Ana", "North", ("cbt",), 1),
    Therapist("Ben", "North", ("cbt",), 2),
    Therapist("Cleo", "North", ("cbt", "trauma"), 3),
    Therapist("Dev", "East", ("emdr",), 4),
    Therapist("Elif", "North", ("cbt",), 5, by_mail=True),
    Therapist("Finn", "Lakeside", ("cbt", "family"), 6),
    Therapist("Gita", "Lakeside", ("family",), 7),
    Therapist("Hugo", "Lakeside", ("dbt",), 8),
    Therapist("Ines", "East", ("dbt",), 9),
    Therapist("Jonas", "East", ("family",), 10),
    Therapist("Kaya", "Lakeside", ("trauma",), 11),
    Therapist("Liam", "East", ("cbt",), 12),
)
OFFICE = ("Mia", "Noor", "Dana", "Rosa")


@dataclass(frozen=True, slots=True)
class Client:
    """An invented patient. Their family name says so."""

    number: int
    given: str
    tag: str

    family = "Madeupperson"

    @property
    def phone(self) -> str:
        """Their telephone."""
        return f"+1555014{self.number:04d}"

    @property
    def email(self) -> str:
        """Their mail address."""
        return f"{self.given.lower()}{self.number}@nobody.example"

    @property
    def fhir_id(self) -> str:
        """Their id in the EHR."""
        return f"pat-{self.number:03d}"


CLIENTS = tuple(
    Client(n, given, tag)
    for n, (given, tag) in enumerate(
        (
            ("Pepper", "cbt"),
            ("Juniper", "cbt"),
            ("Clover", "cbt"),
            ("Basil", "emdr"),
            ("Sage", "family"),
            ("Saffron", "trauma"),
            ("Tarragon", "dbt"),
            ("Nutmeg", "cbt"),
        ),
        start=1,
    )
)


def therapist(handle: str) -> Therapist:
    """One of the twelve by name."""
    return next(t for t in THERAPISTS if t.handle == handle)


def practice_file(world: str, smtp_port: int) -> DirectoryFile:
    """The practice as `caredispatch import` reads it. `world` is the outside world's address."""
    hours = {"days": "mon-fri", "from": "08:00", "to": "18:00"}
    staff = [
        {
            "handle": t.handle,
            "name": f"{t.handle} Inventedname",
            "roles": ["therapist"],
            "tags": list(t.tags),
            "licences": {SITES[t.site][2]: "2030-12-31"},
            "hours": [{**hours, "at": t.site}],
            **({"email": t.email} if t.by_mail else {"phone": t.phone}),
        }
        for t in THERAPISTS
    ]
    staff += [
        {"handle": name, "name": f"{name} Inventedname", "roles": ["coordinator"], "hours": [{**hours, "at": "North"}]}
        for name in OFFICE
    ]
    calendars = {str(t.calendar): t.site for t in THERAPISTS}
    services = {number: code for code, (_, _, number) in SERVICES.items()}
    return DirectoryFile.model_validate(
        {
            "practice": {"name": "River Behavioral Health", "time_zone": "America/Chicago"},
            "locations": {c: {"name": n, "time_zone": z, "state": s} for c, (n, z, s, _) in SITES.items()},
            "services": {c: {"name": n, "minutes": m} for c, (n, m, _) in SERVICES.items()},
            "staff": staff,
            "patients": [
                {
                    "given": c.given,
                    "family": c.family,
                    "phone": c.phone,
                    "email": c.email,
                    "tags": [c.tag],
                    "state": "IL",
                }
                for c in CLIENTS
            ],
            "connections": {
                "acuity": {
                    "connector": "acuity",
                    "settings": {
                        "base_url": f"{world}/acuity/api/v1",
                        "user_id": ACUITY_USER,
                        "reschedule_as_admin": "yes",
                    },
                    "secrets": {"api_key": ACUITY_KEY},
                    "baa": "signed",
                    "owns": ["time", "provider", "status"],
                    "map": {
                        "service": services,
                        "actor": {str(t.calendar): t.handle for t in THERAPISTS},
                        "location": calendars,
                    },
                },
                "ehr": {
                    "connector": "fhir",
                    "settings": {"base_url": f"{world}/fhir"},
                    "secrets": {"token": FHIR_TOKEN},
                    "baa": "signed",
                    "creates": True,
                    "calendar": True,
                    "poll": False,
                    "map": {
                        "service": services,
                        "actor": {f"Practitioner/{t.practitioner}": t.handle for t in THERAPISTS},
                        "location": {f"Location/{number}": c for c, (_, _, _, number) in SITES.items()},
                    },
                },
                "sms": {
                    "connector": "twilio",
                    "settings": {
                        "base_url": f"{world}/twilio",
                        "account_sid": TWILIO_SID,
                        "from_number": TWILIO_FROM,
                    },
                    "secrets": {"auth_token": TWILIO_TOKEN},
                    "baa": "signed",
                },
                "mail": {
                    "connector": "email",
                    "settings": {
                        "host": "127.0.0.1",
                        "port": str(smtp_port),
                        "sender": "desk@river.example",
                        "starttls": "no",
                    },
                    "baa": "signed",
                },
            },
        }
    )


def world_seed(sim0: datetime, speed: float, product: str) -> dict[str, Any]:
    """The outside world at the beginning of the day; `product` is where its webhooks go."""
    return {
        "clock": {"sim0": sim0.isoformat(), "speed": speed},
        "acuity": {
            "user_id": ACUITY_USER,
            "api_key": ACUITY_KEY,
            "hook_url": f"{product}/hooks/{SLUG}/acuity",
            "calendars": [
                {"id": t.calendar, "name": t.handle, "timezone": SITES[t.site][1], "location": SITES[t.site][0]}
                for t in THERAPISTS
            ],
            "types": [{"id": int(number), "name": name, "duration": m} for name, m, number in SERVICES.values()],
        },
        "fhir": {
            "token": FHIR_TOKEN,
            "practitioners": [
                {
                    "resourceType": "Practitioner",
                    "id": t.practitioner,
                    "name": [{"given": [t.handle], "family": "Inventedname"}],
                }
                for t in THERAPISTS
            ],
            "patients": [
                {
                    "resourceType": "Patient",
                    "id": c.fhir_id,
                    "name": [{"given": [c.given], "family": c.family}],
                    "telecom": [{"system": "phone", "value": c.phone}, {"system": "email", "value": c.email}],
                }
                for c in CLIENTS
            ],
            "locations": [
                {"resourceType": "Location", "id": number, "name": name} for name, _, _, number in SITES.values()
            ],
        },
        "twilio": {
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "from": TWILIO_FROM,
            "inbound_url": f"{product}/hooks/{SLUG}/sms",
        },
    }


def booking(client: Client, who: Therapist, start_at: datetime, service: str = "therapy-50") -> dict[str, Any]:
    """What a client enters on the booking page."""
    return {
        "calendarID": who.calendar,
        "appointmentTypeID": int(SERVICES[service][2]),
        "datetime": start_at.isoformat(),
        "firstName": client.given,
        "lastName": client.family,
        "phone": client.phone,
        "email": client.email,
    }


def ehr_visit(client: Client, who: Therapist, start_at: datetime, minutes: int = 50) -> dict[str, Any]:
    """An appointment that somebody entered straight into the EHR."""
    return {
        "resourceType": "Appointment",
        "status": "booked",
        "start": start_at.isoformat(),
        "end": (start_at + timedelta(minutes=minutes)).isoformat(),
        "participant": [
            {"actor": {"reference": f"Practitioner/{who.practitioner}"}, "status": "accepted"},
            {"actor": {"reference": f"Patient/{client.fhir_id}"}, "status": "accepted"},
        ],
    }
