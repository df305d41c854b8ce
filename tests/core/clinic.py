"""A small made-up practice: one directory and one playbook that the scenarios vary. No real person is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Location, Room, Service, Staff, System
from caredispatch.core.ids import Id
from caredispatch.core.playbook import (
    Action,
    AskStep,
    Confirm,
    Cover,
    HandToStep,
    ListStep,
    Path,
    Playbook,
    Rule,
    ServicePolicy,
    Stage,
    Step,
    Tell,
    Window,
)
from caredispatch.core.records import StageName

START = datetime(2027, 1, 4, 16, 0, tzinfo=UTC)
"""A Monday, 10:00 in Chicago: where every scenario begins unless it says otherwise."""
VISIT = datetime(2027, 1, 6, 16, 0, tzinfo=UTC)
"""The Wednesday after, 10:00 in Chicago."""

PATIENT_ID = Id("pat")
ALWAYS = tuple(Hours(day, 0, 24 * 60, "north") for day in range(7))
STAGES: tuple[StageName, ...] = ("booking_confirmation", "no_show_follow_up", "dispatch_routing", "escalation")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of January 2027, by Chicago's winter clock."""
    return datetime(2027, 1, day, hour, minute, tzinfo=UTC) + timedelta(hours=6)


def staff(handle: str, **changes: object) -> Staff:
    """Somebody who can take any visit of the clinic, unless the changes say otherwise."""
    person = Staff(
        Id(handle),
        handle,
        f"{handle.title()} Madeup",
        ("therapist",),
        skills=("cbt",),
        tags=("adult",),
        licences={"IL": "2030-01-01"},
        hours=ALWAYS,
    )
    return replace(person, **changes)  # type: ignore[arg-type]  # callers name fields of Staff


NO_SYSTEMS: dict[str, System] = {"booking": System("booking", owns=("time", "provider", "status"))}
EHR = System(
    "ehr",
    writes=("start_at", "end_at", "status", "actor.provider", "accepted.provider", "accepted.patient"),
    creates=True,
    calendar=True,
)
BOOKING = System("booking", owns=("time", "provider", "status"), writes=("actor.provider", "status", "note"))
WITH_EHR = {"booking": BOOKING, "ehr": EHR}


SERVICES = (
    Service("therapy-50", "Therapy", 50),
    Service("intake", "Intake", 80),
    Service("group-90", "Group", 90, capacity=8),
    Service("exam", "Exam", 20, needs_room="exam"),
)
ROOMS = (Room(Id("room-1"), "room-1", "exam", "north"), Room(Id("room-2"), "room-2", "exam", "north"))


def directory(
    *people: Staff,
    systems: dict[str, System] | None = None,
    services: tuple[Service, ...] = SERVICES,
    rooms: tuple[Room, ...] = ROOMS,
) -> Directory:
    """The practice's directory: two sites, these services and rooms, and these people (ana, ben, cleo where none are
    named)."""
    crowd = people or (staff("ana"), staff("ben"), staff("cleo"))
    return Directory(
        1,
        Id("practice"),
        "River Example",
        {
            "north": Location("north", "North", "America/Chicago", "IL"),
            "east": Location("east", "East", "America/New_York", "NY"),
        },
        {s.code: s for s in services},
        {s.staff_id: s for s in crowd},
        systems if systems is not None else NO_SYSTEMS,
        {r.room_id: r for r in rooms},
    )


COVER = Cover("qualified", "cover")
POOL = AskStep("pool", ("sms",), Window("minutes", 15))
BACKUP = AskStep("backups", ("sms",), Window("minutes", 15))
DANA = HandToStep("dana")


def cover_path(*steps: Step, urgent: bool = False) -> Path:
    """The path of a cover case; it ends before dana."""
    return Path("cover", urgent, (*(steps or (POOL,)), DANA))


def playbook(
    *,
    cover: Path | None = None,
    provider: Path | None = None,
    patient: Path | None = None,
    booked: tuple[Action, ...] = (Tell("provider", "new_visit"),),
    to_patient: tuple[Action, ...] = (),
    rules: tuple[Rule, ...] = (),
    patient_rules: tuple[Rule, ...] = (),
    slot_rules: tuple[Rule, ...] = (),
    paths: tuple[Path, ...] = (),
    **changes: object,
) -> Playbook:
    """A playbook that tells the provider of a booking and covers what is lost. `to_patient` acts on bookings as
    well; `rules`, `patient_rules` and `slot_rules` come first in their sections, `paths` are further ones."""
    cover = cover or cover_path()
    provider = provider or Path("provider", False, (AskStep("assignee", ("sms",), Window("minutes", 20)), DANA))
    patient = patient or Path(
        "patient",
        False,
        (AskStep("patient", ("sms", "email"), Window("until_before_start", 24 * 60)), ListStep("front_desk")),
    )
    found = Playbook(
        "River Example",
        1,
        {
            "staff": (
                *rules,
                Rule("cover", ("conflict_found", "staff_unavailable", "coverage_gap"), (COVER,)),
                Rule("booked", ("booked", "rescheduled"), booked),
            ),
            "patient": (*patient_rules, Rule("patient booked", ("booked", "rescheduled"), to_patient)),
            "slot": slot_rules,
        },
        {"cover": cover, "provider": provider, "patient": patient, **{p.name: p for p in paths}},
        {"backups": ("cleo", "ben"), "dana": ("dana",), "front_desk": ("mia",)},
        {},
        {name: Stage() for name in STAGES},
        last_owner="dana",
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # callers name fields of Playbook


ASK_PATIENT: tuple[Action, ...] = (Confirm("patient", "patient"),)
ASK_PROVIDER: tuple[Action, ...] = (Confirm("provider", "provider"),)
NO_AGREEMENT = {"therapy-50": ServicePolicy(patient_agreement="none")}


def policy(book: Playbook | None = None, people: Directory | None = None) -> Policy:
    """What a scenario's decisions follow."""
    return Policy(people or directory(), book or playbook())
