"""The worked example's practice and the outside world that fits it: a behavioral-health group of 30 therapists, five
sites in two time zones. Who they are is in `cast.py`, what is entered into the outside systems in `entries.py`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from caredispatch.app.directory_file import DirectoryFile
from caredispatch.lab import meadow
from caredispatch.lab.accounts import (
    ACUITY_KEY,
    ACUITY_USER,
    FHIR_TOKEN,
    GROUPS_SECRET,
    TWILIO_FROM,
    TWILIO_SID,
    TWILIO_TOKEN,
)
from caredispatch.lab.cast import (
    CLASS_SIZES,
    CLIENTS,
    OFFICE,
    SERVICES,
    SITES,
    THERAPISTS,
    WAITING,
    Client,
    Therapist,
    therapist,
)
from caredispatch.lab.entries import Resource, booking, ehr_series, ehr_visit, river_visit
from caredispatch.policy.profiles import profile_text

__all__ = [
    "CLIENTS",
    "SITES",
    "THERAPISTS",
    "TWILIO_TOKEN",
    "Client",
    "Therapist",
    "booking",
    "ehr_visit",
    "therapist",
]

SLUG = "river"
MONDAY = datetime(2027, 1, 11, 15, 30, tzinfo=UTC)
"""When the demo's day begins: Monday 9:30 in Chicago, 10:30 in New York."""


def playbook_text() -> str:
    """The shipped playbook; texts about a closure leave so slowly that five of them show it."""
    return profile_text("behavioral-health").replace("\nsettle: ", "\npace: 2 per minute\nsettle: ", 1)


def half_way(playbook: str) -> str:
    """The playbook at the beginning of a roll-out: its first stage live, the others off, and so no path that hands to
    them."""
    for stage in ("no_show_follow_up", "dispatch_routing", "escalation"):
        playbook = playbook.replace(f"  {stage}: live\n", f"  {stage}: off\n")
    return "\n".join(line for line in playbook.splitlines() if "on_decline:" not in line) + "\n"


def _waiting(client: Client) -> dict[str, Any]:
    """Their entry of the waitlist, made on the phone, when they agreed to be texted about it."""
    if client.given not in WAITING:
        return {}
    begin, end, weeks = WAITING[client.given]
    entry = {
        "service": "therapy-50",
        "at": "Lakeside",
        "since": (MONDAY - timedelta(weeks=weeks)).date(),
        "from": begin,
        "to": end,
        "providers": ["Quinn"],
    }
    return {"consent": "By phone: text me when an earlier time is free", "waiting": [entry]}


def practice_file(world: str, smtp_port: int, *, waitlist: bool = False) -> DirectoryFile:
    """The practice as `caredispatch import` reads it, with its waitlist where wanted. `world` is the outside world's
    address."""
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
    early = {**hours, "from": "07:00", "at": "North"}
    staff += [
        {"handle": name, "name": f"{name} Inventedname", "roles": ["coordinator"], "hours": [early]} for name in OFFICE
    ]
    calendars = {str(t.calendar): t.site for t in THERAPISTS}
    services = {number: code for code, (_, _, number) in SERVICES.items()}
    return DirectoryFile.model_validate(
        {
            "practice": {"name": "River Behavioral Health", "time_zone": "America/Chicago"},
            "locations": {c: {"name": n, "time_zone": z, "state": s} for c, (n, z, s, _) in SITES.items()},
            "services": {
                c: {"name": n, "minutes": m, "capacity": CLASS_SIZES.get(c, 1)} for c, (n, m, _) in SERVICES.items()
            },
            "staff": staff,
            "patients": [
                {
                    "given": c.given,
                    "family": c.family,
                    "phone": c.phone,
                    "email": c.email,
                    "tags": [c.tag],
                    "state": c.state,
                    **(_waiting(c) if waitlist else {}),
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
                    "consent": "Booking form, box ticked: I agree to texts about my visits",
                    "owns": ["time", "provider", "status"],
                    "map": {
                        "service": services,
                        "actor": {str(t.calendar): t.handle for t in THERAPISTS},
                        "location": calendars,
                    },
                },
                "ehr": {
                    "connector": "fhir",
                    "settings": {"base_url": f"{world}/fhir", "slots": "yes"},
                    "secrets": {"token": FHIR_TOKEN},
                    "baa": "signed",
                    "consent": "Booking form, box ticked: I agree to texts about my visits",
                    "creates": True,
                    "calendar": True,
                    "first_load": True,
                    "map": {
                        "service": services,
                        "actor": {f"Practitioner/{t.practitioner}": t.handle for t in THERAPISTS},
                        "location": {f"Location/{number}": c for c, (_, _, _, number) in SITES.items()},
                    },
                },
                "groups": {
                    "connector": "webhook",
                    "secrets": {"secret": GROUPS_SECRET},
                    "baa": "signed",
                    "consent": "Sign-up list, box ticked: I agree to texts about the group",
                    "owns": ["time", "provider", "status"],
                    "writes": False,
                    "map": {
                        "service": {"skills": "group-90"},
                        "actor": {t.handle: t.handle for t in THERAPISTS},
                        "location": {code: code for code in SITES},
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


def weekly_series() -> list[Resource]:
    """What stands in the EHR already: two clients see Vera every week, before and after the month's end."""
    first = MONDAY.replace(hour=16, minute=0) + timedelta(days=15)
    visits: list[Resource] = []
    for place, client in enumerate(c for c in CLIENTS if c.tag == "schema"):
        at = first + timedelta(days=place)
        each = [river_visit(client, therapist("Vera"), at + timedelta(weeks=week)) for week in range(4)]
        visits += ehr_series(each, f"weekly-{place + 1}")
    return visits


def world_seed(sim0: datetime, speed: float, product: str) -> dict[str, Any]:
    """The outside world at the beginning of the day; `product` is where its webhooks go."""
    return {
        "clock": {"sim0": sim0.isoformat(), "speed": speed},
        "hook_tries": 8,
        "acuity": {
            "user_id": ACUITY_USER,
            "api_key": ACUITY_KEY,
            "hook_url": f"{product}/hooks/{SLUG}/acuity",
            "calendars": [
                {"id": t.calendar, "name": t.handle, "timezone": SITES[t.site][1], "location": SITES[t.site][0]}
                for t in THERAPISTS
            ],
            "types": [
                {
                    "id": int(number),
                    "name": name,
                    "duration": minutes,
                    "type": "class" if code in CLASS_SIZES else "service",
                    "classSize": CLASS_SIZES.get(code),
                }
                for code, (name, minutes, number) in SERVICES.items()
            ],
        },
        "fhir": {
            "token": FHIR_TOKEN,
            "page_size": 200,
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
            "schedules": [
                {
                    "resourceType": "Schedule",
                    "id": t.practitioner,
                    "actor": [{"reference": f"Practitioner/{t.practitioner}"}],
                }
                for t in THERAPISTS
            ],
            "appointments": weekly_series(),
        },
        "ehrs": {meadow.EHR: meadow.ehr_seed()},
        "twilio": {
            "account_sid": TWILIO_SID,
            "auth_token": TWILIO_TOKEN,
            "from": TWILIO_FROM,
            "inbound_url": f"{product}/hooks/{SLUG}/sms",
            "numbers": {meadow.NUMBER: f"{product}/hooks/{meadow.SLUG}/sms"},
        },
    }
