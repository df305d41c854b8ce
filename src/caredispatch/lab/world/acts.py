"""What a scene makes happen outside: bookings, cancellations, edits in the EHR, replies out of the blue,
webhooks.

Each act is checked and given its id when ordered, performed at once or at its business instant, and
recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from caredispatch.lab.world.acuity_book import Quirks
from caredispatch.lab.world.clock import iso
from caredispatch.lab.world.world import World

System = Literal["acuity", "fhir", "people", "webhook"]
Detail = dict[str, Any]


class Act(BaseModel):
    """One thing to happen.

    `details` are in the words of the system acted in; `server` is which EHR; the rest is how its webhooks behave.
    """

    model_config = ConfigDict(extra="forbid")

    system: System
    server: str = "fhir"
    do: str
    details: Detail = {}
    at: AwareDatetime | None = None
    duplicate: int = Field(default=0, ge=0)
    reorder: bool = False
    no_hook: bool = False
    hook_delay_s: float | None = Field(default=None, ge=0)

    @property
    def quirks(self) -> Quirks:
        """How the webhooks of this act misbehave."""
        return Quirks(self.duplicate, self.reorder, self.no_hook, self.hook_delay_s)


class UnknownAct(ValueError):
    """No such act; the text lists those there are."""


Performer = Callable[[World, Act], Awaitable[Detail]]


async def _book(world: World, act: Act) -> Detail:
    return world.book.wire(world.book.book(act.details, act.quirks, admin=bool(act.details.get("admin"))))


async def _reschedule(world: World, act: Act) -> Detail:
    was = world.book.get(int(act.details["id"]))
    return world.book.wire(world.book.reschedule(was, act.details, act.quirks, admin=True))


async def _cancel(world: World, act: Act) -> Detail:
    was = world.book.get(int(act.details["id"]))
    note = str(act.details.get("note", ""))
    return world.book.wire(world.book.cancel(was, act.quirks, note=note, no_show=act.do == "no_show"))


async def _amend(world: World, act: Act) -> Detail:
    was = world.book.get(int(act.details["id"]))
    return world.book.wire(world.book.amend(was, act.details, act.quirks))


async def _block(world: World, act: Act) -> Detail:
    return world.book.block(act.details)


async def _ehr_create(world: World, act: Act) -> Detail:
    return world.ehrs[act.server].create(act.details["resourceType"], act.details, act.details.get("id"))


async def _ehr_enter(world: World, act: Act) -> Detail:
    """Someone enters many resources at once, as an import does."""
    ehr, made = world.ehrs[act.server], act.details["resources"]
    return {"ids": [ehr.create(each["resourceType"], each, each.get("id"))["id"] for each in made]}


async def _ehr_update(world: World, act: Act) -> Detail:
    """Someone edits a resource by hand: the given top-level elements replace those there."""
    kind, resource_id = act.details["resourceType"], act.details["id"]
    ehr = world.ehrs[act.server]
    held = ehr.get(kind, resource_id)
    changed = {**held, **act.details}
    return ehr.update(kind, resource_id, changed, f'W/"{held["meta"]["versionId"]}"')


async def _reply(world: World, act: Act) -> Detail:
    """A phone texts the practice unasked: the number that wrote to it last, or `to`."""
    await world.carrier.reply(act.details["address"], act.details["text"], act.details.get("to"))
    return {}


async def _send(world: World, act: Act) -> Detail:
    """A generic sender's signed webhook: url, secret, id, data."""
    given = act.details
    await world.sinks.send(given["url"], given["secret"], given["id"], given["data"])
    return {}


PERFORMERS: dict[tuple[System, str], Performer] = {
    ("acuity", "book"): _book,
    ("acuity", "reschedule"): _reschedule,
    ("acuity", "cancel"): _cancel,
    ("acuity", "no_show"): _cancel,
    ("acuity", "amend"): _amend,
    ("acuity", "block"): _block,
    ("fhir", "create"): _ehr_create,
    ("fhir", "enter"): _ehr_enter,
    ("fhir", "update"): _ehr_update,
    ("people", "reply"): _reply,
    ("webhook", "send"): _send,
}


async def perform(world: World, act: Act) -> Detail:
    """Do it now, or plan it; a planned booking already has its id. UnknownAct for one there isn't."""
    performer = PERFORMERS.get((act.system, act.do))
    if performer is None:
        known = ", ".join(f"{system} {do}" for system, do in PERFORMERS)
        raise UnknownAct(f"no act {act.system} {act.do}; there are: {known}")
    if act.system == "acuity" and act.do == "book" and "id" not in act.details:
        act = act.model_copy(update={"details": {**act.details, "id": world.book.next_id()}})
    if act.at is not None and act.at > world.clock.now():
        world.timeline.at(act.at, partial(_planned, world, act, performer))
        return {"planned_at": iso(act.at), "id": act.details.get("id")}
    return await _recorded(world, act, performer)


async def _recorded(world: World, act: Act, performer: Performer) -> Detail:
    many = act.details.get("resources")
    details = {"resources": len(many)} if isinstance(many, list) else act.details
    world.record.add("act", system=act.system, do=act.do, details=details)
    return await performer(world, act)


async def _planned(world: World, act: Act, performer: Performer) -> None:
    """A planned act that turns out impossible is recorded, not lost."""
    try:
        await _recorded(world, act, performer)
    except Exception as error:
        world.record.add("act", system=act.system, do=act.do, problem=f"{type(error).__name__}: {error}")
