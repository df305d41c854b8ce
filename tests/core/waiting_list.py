"""A town whose freed times are offered to a waitlist: how its scenarios begin (D19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from caredispatch.core.draft import Policy
from caredispatch.core.facts import System
from caredispatch.core.ids import Id, make_id
from caredispatch.core.playbook import AskStep, Fill, Path, Rule, Step, Window
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Participant, Request, State
from caredispatch.rehearsal.outside import Answers
from tests.core.clinic import BOOKING, DANA, NO_AGREEMENT, START, VISIT, directory, playbook, policy
from tests.core.play import minutes
from tests.core.town import Town

TWO_AT_ONCE = AskStep("waitlist", ("sms",), Window("minutes", 10), at_once=2)
FRONT_DESK = AskStep("front_desk", ("sms",), Window("minutes", 20))
FILL = Fill("fill", {"care_plan": 3, "longest_wait": 2})
PAGE = replace(BOOKING, holds_slots=True)
HOLDING = {"booking": PAGE}
THREE = ("pat-1", "pat-2", "pat-3")
FREED = Rule("Freed times are offered", ("cancelled", "no_show", "slot_opened"), (FILL,))


def rules(*steps: Step, systems: dict[str, System] | None = None, fill: Fill = FILL, **changes: object) -> Policy:
    """A playbook that offers freed times: two at once for ten minutes, then the front desk, then dana."""
    path = Path("fill", False, (*(steps or (TWO_AT_ONCE, FRONT_DESK)), DANA))
    book = playbook(services=NO_AGREEMENT)
    sections = {**book.sections, "slot": (replace(FREED, then=(fill,)),)}
    book = replace(book, sections=sections, paths={**book.paths, "fill": path}, **changes)  # type: ignore[arg-type]  # fields of Playbook
    people = directory(systems=systems)
    services = {code: s for code, s in people.services.items() if code in ("therapy-50", "intake")}
    return policy(book, replace(people, services=services))


def waits(
    town: Town,
    name: str,
    *,
    since: datetime = START,
    not_before: datetime = START,
    until: datetime = START + timedelta(days=30),
    service: str = "therapy-50",
    **more: object,
) -> Id:
    """Somebody (`name` is their key) is on the waitlist; `more` are fields of the request. Returns the entry's id."""
    entry = make_id("entry", name, len(town.states))
    request = Request(since, not_before, until, "waitlist", **more)  # type: ignore[arg-type]  # callers name fields of Request
    visit = Appointment(
        practice_id=town.policy.directory.practice_id,
        appointment_id=entry,
        session_id=make_id("session", entry),
        source="caredispatch",
        service=service,
        location="north",
        modality="in_person",
        status="waitlist",
        start_at=until - timedelta(minutes=50),
        end_at=until,
        created_at=since,
        participants=(Participant(PATIENT, "patient", Id(name)), Participant(PROVIDER, "staff", None, "uncovered")),
        request=request,
    )
    town.keep(entry, State(appointment=visit))
    town.names[f"entry of {name}"] = entry
    return entry


def freed(town: Town, *, start: datetime = VISIT, name: str = "first") -> Town:
    """A visit with ana, whose patient cancels it; the cancellation counts after the settle time."""
    town.booked(name, patient="pat-0", start=start)
    town.cancelled(name).run(3)
    return town


def slot_of(town: Town) -> Appointment:
    """The newest free time."""
    found = [s.appointment for s in town.states.values() if any(c.kind == "fill" for c in s.cases)]
    visits = [v for v in found if v is not None]
    assert visits, "no time was offered"
    return max(visits, key=lambda v: (v.created_at, v.appointment_id))


def three_wait(answers: Answers | None = None, **options: object) -> Town:
    """Three wait, the first for the longest; ana's patient of Wednesday at ten cancels on Monday."""
    policy = options.pop("policy", None) or rules(systems=HOLDING)
    town = Town(policy, answers=answers, **options)  # type: ignore[arg-type]  # callers name options of Town
    for weeks, name in zip((9, 6, 3), THREE, strict=True):
        waits(town, name, since=town.now - minutes(weeks * 7 * 24 * 60))
    return freed(town)


def offered(town: Town) -> list[tuple[int, str]]:
    """Who was offered the time, and when (minutes after the cancellation counted)."""
    return [(minute - 3, who) for minute, who in town.asked if who in THREE]
