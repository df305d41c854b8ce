"""How the conductor steers the world: `/control/...`, JSON in and out.

Clock, scripts, acts, faults, hook addresses, and reading what was seen. Every refusal is a 4xx with `detail`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from caredispatch.lab.world.acts import Act, UnknownAct, perform
from caredispatch.lab.world.acuity_wire import AcuityRefused
from caredispatch.lab.world.carrier import Ended
from caredispatch.lab.world.carrier import Line as PhoneLine
from caredispatch.lab.world.clock import Wall
from caredispatch.lab.world.config import ClockSeed, Seed
from caredispatch.lab.world.faults import Do, Fault
from caredispatch.lab.world.fhir import FhirRefused
from caredispatch.lab.world.front import Front
from caredispatch.lab.world.people import Script
from caredispatch.lab.world.world import World

Answer = dict[str, Any]


def _short(do: object) -> object:
    """`"drop"` and `"drop_before"` as words for the two kinds of hanging up."""
    words = {"drop": {"drop": "after"}, "drop_before": {"drop": "before"}}
    return words.get(do, do) if isinstance(do, str) else do


class Order(BaseModel):
    """Body of a control call: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid")


class RunOrder(Order):
    """Stepped: perform all that is due up to `now`."""

    now: AwareDatetime


class FaultOrder(Order):
    """The next `times` requests to `system` whose path matches meet `do`."""

    system: str
    path_regex: str = ""
    method: str | None = None
    times: int = Field(default=1, ge=1)
    do: Annotated[Do, BeforeValidator(_short)]


class HookOrder(Order):
    """Where webhooks go and how often they are tried. What is left out stays."""

    acuity: str | None = None
    twilio_inbound: str | None = None
    tries: int | None = Field(default=None, ge=1)


class PhoneOrder(Order):
    """How texts to a number end, after how many business seconds, or the code that refuses them at once."""

    number: str
    ends: Ended = "delivered"
    error_code: int | None = None
    delay_s: float | None = Field(default=None, ge=0)
    refuse: int | None = None


class MailboxOrder(Order):
    """Whether mail to an address is refused (550)."""

    address: str
    reject: bool = True


class Control:
    """The steering wheel of one front."""

    def __init__(self, front: Front, wall: Wall) -> None:
        self._front = front
        self._wall = wall

    @property
    def world(self) -> World:
        """The world of the moment."""
        return self._front.world

    async def clock(self, order: ClockSeed) -> Answer:
        """Set the business clock."""
        self.world.clock.set(order.sim0, order.speed, order.wall0)
        self.world.timeline.clock_changed()
        return self.world.idle()

    async def run(self, order: RunOrder) -> Answer:
        """Step; only a stepped clock can be."""
        if not self.world.clock.stepped:
            raise HTTPException(409, "the clock runs by itself; set speed 0 to step it")
        if order.now < self.world.clock.now():
            raise HTTPException(409, "time does not run back")
        await self.world.timeline.run(order.now)
        return self.world.idle()

    async def idle(self) -> Answer:
        """Where time is, without moving it."""
        return self.world.idle()

    async def script(self, order: Script) -> Answer:
        """Tell one person how to behave."""
        try:
            for answer in order.answers:
                re.compile(answer.match)
        except re.error as error:
            raise HTTPException(422, f"match: {error}") from None
        self.world.people.learn(order)
        return {}

    async def phone(self, order: PhoneOrder) -> Answer:
        """Make a number undeliverable, slow or refused; with only `number`: a good one again."""
        line = PhoneLine(order.ends, order.error_code, order.delay_s, order.refuse)
        self.world.carrier.lines[order.number] = line
        return {}

    async def mailbox(self, order: MailboxOrder) -> Answer:
        """Make an address refuse mail, or no longer."""
        rejected = self.world.mailroom.rejected
        (rejected.add if order.reject else rejected.discard)(order.address)
        return {}

    async def act(self, order: Act) -> Answer:
        """Make something happen outside."""
        try:
            return await perform(self.world, order)
        except (UnknownAct, AcuityRefused, FhirRefused) as error:
            raise HTTPException(422, str(error)) from None
        except KeyError as error:
            raise HTTPException(422, f"details lack {error}") from None

    async def fault(self, order: FaultOrder) -> Answer:
        """Order a fault."""
        if order.system not in {"smtp", *self.world.systems}:
            raise HTTPException(422, f"system: there are smtp, {', '.join(self.world.systems)}")
        try:
            path = re.compile(order.path_regex)
        except re.error as error:
            raise HTTPException(422, f"path_regex: {error}") from None
        self.world.faults.order(Fault(order.system, path, order.method, order.times, order.do))
        return {}

    async def clear_faults(self) -> Answer:
        """Forget all ordered faults."""
        self.world.faults.clear()
        return {}

    async def hooks(self, order: HookOrder) -> Answer:
        """Set hook addresses."""
        world = self.world
        world.book.hook_url = order.acuity or world.book.hook_url
        world.carrier.inbound_url = order.twilio_inbound or world.carrier.inbound_url
        world.outgoing.tries = order.tries or world.outgoing.tries
        return {}

    async def log(self, since: int = 0) -> list[Answer]:
        """What was seen after entry `since`."""
        return self.world.record.since(since)

    async def state(self) -> Answer:
        """What the systems hold."""
        return self.world.state()

    async def reset(self, order: Seed) -> Answer:
        """Begin anew with another seed; ports stay as they are."""
        former, self._front.world = self.world, World(order, self._wall)
        await former.close()
        return self.world.idle()


def control_app(front: Front, wall: Wall) -> FastAPI:
    """The routes of `/control`."""
    control = Control(front, wall)
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    for name in (
        "clock",
        "run",
        "script",
        "phone",
        "mailbox",
        "act",
        "fault",
        "clear_faults",
        "hooks",
        "reset",
    ):
        app.add_api_route(f"/control/{name}", getattr(control, name), methods=["POST"])
    for name in ("idle", "log", "state"):
        app.add_api_route(f"/control/{name}", getattr(control, name), methods=["GET"])
    return app
