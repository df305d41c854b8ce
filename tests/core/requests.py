"""A clinic that takes requests: who works when, which rules place, follow up and add on. The scenarios vary it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Room, Service, Staff
from caredispatch.core.ids import Id
from caredispatch.core.playbook import (
    AskStep,
    FollowUp,
    HandToStep,
    ListStep,
    Offer,
    Path,
    Place,
    Playbook,
    Rule,
    ServicePolicy,
    Step,
    Window,
)
from caredispatch.core.records import Request
from tests.core.clinic import START, at, directory, playbook, policy, staff

NINE_TO_FIVE = tuple(Hours(day, 9 * 60, 17 * 60, "north") for day in range(5))
ASK_TIMES = AskStep("patient", ("sms",), Window("minutes", 24 * 60), offer=Offer(3))
CALLS = ListStep("mia")
ASK_POOL = AskStep("pool", ("sms",), Window("minutes", 2), at_once=2)


def works(handle: str, **changes: object) -> Staff:
    """A therapist who works from nine to five, Monday to Friday, at North."""
    return staff(handle, **{"hours": NINE_TO_FIVE, **changes})


def people(*crowd: Staff, rooms: tuple[Room, ...] = (), needs_room: str = "", **more: object) -> Directory:
    """The clinic's directory, with a service that needs a room where one is named, and check-ups that may give way."""
    found = directory(*(crowd or (works("ana"), works("ben"), works("cleo"))), **more)  # type: ignore[arg-type]  # systems
    services = {
        **found.services,
        "therapy-50": Service("therapy-50", "Therapy", 50, needs_room=needs_room),
        "check-up": Service("check-up", "Check-up", 20),
        "insulin": Service("insulin", "Insulin", 20),
        "group": Service("group", "Group", 50, capacity=8),
    }
    return replace(found, services=services, rooms={str(r.room_id): r for r in rooms})


def rules(*steps: Step, prefer: dict[str, int] | None = None, **changes: object) -> Playbook:
    """A playbook that places what is asked for, brings back who did not come, and takes add-ons."""
    found = playbook(
        rules=(Rule("add-on", ("add_on",), (Place("qualified", "urgent", {"soonest": 3, "least_disturbance": 2}),)),),
        patient_rules=(
            Rule("asked for", ("request_received",), (Place("qualified", "place", prefer or {}),)),  # type: ignore[arg-type]  # names of preferences
            Rule("not come", ("no_show",), (FollowUp("rebook", 120),)),
            Rule("we cancelled", ("cancelled",), (FollowUp("rebook"),)),
        ),
    )
    services = {
        "check-up": ServicePolicy(displaceable=True),
        "insulin": ServicePolicy(displaceable=True, must_not_miss=True),
        "group": ServicePolicy(displaceable=True),
    }
    paths = {
        **found.paths,
        "place": Path("place", False, steps or (ASK_TIMES, CALLS)),
        "rebook": Path("rebook", False, steps or (ASK_TIMES, CALLS)),
        "urgent": Path("urgent", True, (ASK_POOL, replace(ASK_POOL, at_once=1), HandToStep("dana"))),
    }
    return replace(found, paths=paths, services=services, **changes)  # type: ignore[arg-type]  # fields of Playbook


def the_rules(book: Playbook | None = None, crowd: Directory | None = None) -> Policy:
    """What the scenarios' decisions follow."""
    return policy(book or rules(), crowd or people())


def wish(until: datetime | None = None, **changes: object) -> Request:
    """Any time within two weeks, unless the changes say otherwise."""
    found = Request(START, START, until or at(18, 17))
    return replace(found, **changes)  # type: ignore[arg-type]  # callers name fields of Request


ROOMS = (Room(Id("r1"), "one", "quiet", "north"), Room(Id("r2"), "two", "quiet", "north"))
