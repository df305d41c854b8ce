"""A small made-up practice that the rehearsal's tests vary, and how far a share may be from what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Location, Room, Service, Staff, System
from caredispatch.core.ids import Id, make_id
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.parameters_reading import shipped

BEGIN = datetime(2026, 11, 30, 6, tzinfo=UTC)
"""Midnight of a Monday in Chicago."""
NORTH = Location("north", "North", "America/Chicago", "IL")
EAST = Location("east", "East", "America/New_York", "NY")
TALK = Service("talk", "Talk", 50, buffer_after=10)
EXAM = Service("exam", "Exam", 30, needs_role="doctor", needs_room="exam-room")
CIRCLE = Service("circle", "Circle", 90, capacity=8)
WEEKDAYS = range(5)


def somebody(name: str, location: Location, days: Sequence[int] = WEEKDAYS, *, begin: int = 8, end: int = 17) -> Staff:
    """A therapist who works at one site."""
    hours = tuple(Hours(day, begin * 60, end * 60, location.code) for day in days)
    licences = {location.state: "2030-01-01"}
    return Staff(make_id("staff", name), name, f"{name} Madeup", ("therapist",), licences=licences, hours=hours)


def practice(
    *staff: Staff, services: Sequence[Service] = (TALK,), rooms: Sequence[Room] = (), systems: Sequence[str] = ()
) -> Policy:
    """A practice of these people; twelve therapists at two sites where nobody is named."""
    crowd = staff or tuple(somebody(f"s{n}", (NORTH, EAST)[n % 2]) for n in range(12))
    directory = Directory(
        1,
        Id("practice"),
        "River Example",
        {site.code: site for site in (NORTH, EAST)},
        {s.code: s for s in services},
        {s.staff_id: s for s in crowd},
        {name: System(name) for name in systems},
        {room.room_id: room for room in rooms},
    )
    return Policy(directory, read_playbook(profile_text("behavioral-health")))


def assuming(**values: float) -> Parameters:
    """The shipped parameters with other values: `patients__no_show=5`."""
    return shipped().but({name.replace("__", "."): value for name, value in values.items()})


def near(found: int, n: int, percent: float) -> bool:
    """Whether `found` of `n` is what a chance gives, within four standard errors."""
    share = percent / 100
    return bool(abs(found / n - share) <= 4 * (share * (1 - share) / n) ** 0.5)
