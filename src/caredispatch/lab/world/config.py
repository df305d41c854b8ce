"""What the world is seeded with: the JSON of `--config` and of `POST /control/reset`, as strict models.

Only shapes and defaults live here. Seconds are business seconds unless a name says otherwise.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Resource = dict[str, Any]


class Seeded(BaseModel):
    """A part of the seed: an unknown key is a mistake, not something to skip."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ClockSeed(Seeded):
    """Business time = sim0 + (wall - wall0) * speed.

    Speed 0: stepped by the conductor. No wall0: the start.
    """

    sim0: AwareDatetime
    wall0: AwareDatetime | None = None
    speed: float = Field(default=0.0, ge=0.0)


class CalendarSeed(Seeded):
    """A booking calendar: one provider. `timezone` is an IANA name."""

    id: int
    name: str
    timezone: str = "America/Denver"
    location: str = ""
    email: str = ""
    description: str = ""


class TypeSeed(Seeded):
    """A bookable service; `duration` in minutes, as the booking system has it. A `class` has one time for up to
    `classSize` clients."""

    id: int
    name: str
    duration: int = 50
    price: str = "0.00"
    category: str = ""
    type: Literal["service", "class"] = "service"
    classSize: int | None = None


class AcuitySeed(Seeded):
    """The booking system's account, its calendars and services, and where its webhooks go."""

    user_id: str = "1"
    api_key: str = "acuity-key"
    calendars: list[CalendarSeed] = []
    types: list[TypeSeed] = []
    appointments: list[dict[str, Any]] = []
    blocks: list[dict[str, Any]] = []
    hook_url: str | None = None
    hook_delay_s: float = 1.0


class FhirSeed(Seeded):
    """The EHR's resources at the start, each whole and with an `id`."""

    token: str = "fhir-token"
    practitioners: list[Resource] = []
    patients: list[Resource] = []
    locations: list[Resource] = []
    schedules: list[Resource] = []
    slots: list[Resource] = []
    appointments: list[Resource] = []
    wrong_version: Literal[409, 412] = 412
    require_if_match: bool = False
    page_size: int = Field(default=50, ge=1)


class TwilioSeed(Seeded):
    """The carrier account, its number, where replies go, and how long a text usually takes. `numbers` are further
    numbers of the account, each with where its replies go."""

    account_sid: str = "AC00000000000000000000000000000000"
    auth_token: str = "twilio-token"
    from_: str = Field(default="+15550100", alias="from")
    inbound_url: str | None = None
    numbers: dict[str, str] = {}
    sent_after_s: float = 1.0
    delivered_after_s: float = 3.0


class SmtpSeed(Seeded):
    """The mail server: who may log in (nobody needs to, if None) and which addresses it refuses (550)."""

    username: str | None = None
    password: str | None = None
    reject: list[str] = []


class SinkSeed(Seeded):
    """A receiver of Standard Webhooks at `/sink/<name>`; `secret` is `whsec_...`."""

    secret: str


class Seed(Seeded):
    """The whole world. A port of 0 takes a free one; `hook_tries` bounds the attempts of one webhook. `ehrs` are
    further EHRs, each at `/<name>`."""

    clock: ClockSeed
    http_port: int = 0
    smtp_port: int = 0
    hook_tries: int = Field(default=24, ge=1)
    acuity: AcuitySeed = AcuitySeed()
    fhir: FhirSeed = FhirSeed()
    ehrs: dict[str, FhirSeed] = {}
    twilio: TwilioSeed = TwilioSeed()
    smtp: SmtpSeed = SmtpSeed()
    sinks: dict[str, SinkSeed] = {}
