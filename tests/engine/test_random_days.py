"""Random days on a real PostgreSQL, through the generator of tests/core/random_days.py: what the promises say of rows
holds after every step, and every decision in the journal is made again, byte for byte.

`CAREDISPATCH_RANDOM_HOUSE_DAYS` is how many days are played (50), `CAREDISPATCH_FIRST_HOUSE_DAY` the first seed.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
import pytest
from pydantic import TypeAdapter

from caredispatch.app.directory_file import staff_id
from caredispatch.core.decide import decide
from caredispatch.core.draft import apply
from caredispatch.core.facts import Facts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Answered, Label, Observation, Reported, Requested, Settled
from caredispatch.core.records import IncidentKind, Request, State
from caredispatch.core.requesting import request_id
from caredispatch.lab.scenery import CLIENTS, therapist
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.rows import canonical
from tests.core.random_days import FATES, Day, Doing, day_of
from tests.engine.house import PRACTICE, House, visit
from tests.engine.incidents import TEAM, announce, says

DAYS = int(os.environ.get("CAREDISPATCH_RANDOM_HOUSE_DAYS", "50"))
FIRST = int(os.environ.get("CAREDISPATCH_FIRST_HOUSE_DAY", "0"))
PARTS = 5
CHICAGO = ZoneInfo("America/Chicago")
WORDS = ("Y", "no", "sí", "STOP", "wrong number", "out today", "late 20", "can I come at 5?", "cancel please", "START")
_EVENT: TypeAdapter[Observation] = TypeAdapter(Observation)
_FACTS: TypeAdapter[Facts] = TypeAdapter(Facts)

# What must not be in the database whenever nothing is left to do at an instant, by the promise that it breaks.
NEVER = {
    "two are booked at once (promise 2)": """
        select a.resource_id from care.occupations a join care.occupations b
            on a.practice_id = b.practice_id and a.resource_id = b.resource_id and a.session_id <> b.session_id
           and a.start_at < b.end_at and b.start_at < a.end_at""",
    "a case waits for ever (promise 3)": """
        select c.kind from care.cases c join care.appointments a using (practice_id, appointment_id)
         where c.state = 'open' and (c.due_at is null or a.next_look_at is null
            or (a.settle_at is null and (c.due_at <= $1 or a.next_look_at > c.due_at)))""",
    "an exception waits for ever (promise 3)":
        "select kind from care.exceptions where state = 'open' and (ack_by <= $1 or owner = '')",
    "a question goes on after the end (promise 4)": """
        select k.purpose from care.asks k join care.cases c using (practice_id, appointment_id, case_id)
         where k.state in ('pending', 'sent') and c.state <> 'open' and k.purpose <> 'inform_staff'""",
    "a delivery is nowhere (promise 5)": """
        select d.kind from care.deliveries d join care.delivery_keys k using (practice_id, ordering_key)
         where d.state = 'pending' and coalesce(d.not_before, $1) <= $1 and k.ready_at <= $1""",
    "a notice or an observation is left (promise 1)": """
        select 'notice' from care.notices where state = 'pending' and due_at <= $1
        union all select 'observation' from care.observations where state <> 'done'""",
    "something could not be decided (E13)": "select kind from care.exceptions where kind = 'poison'",
}  # fmt: skip


@dataclass
class HouseDay:
    """One random day in a house that has seen others."""

    house: House
    day: Day
    copies: dict[str, dict[str, Any]] = field(default_factory=dict)
    delayed: list[tuple[datetime, str, dict[str, Any]]] = field(default_factory=list)
    incidents: list[Id] = field(default_factory=list)
    pushed: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.day.fates)

    async def play(self) -> None:
        """Do everything, and let two days pass in which somebody takes what is open."""
        for doing in self.day.doings:
            await self._pass(timedelta(minutes=doing.wait), steps=2)
            await getattr(self, doing.what)(doing)
            await self._rests()
        for _ in range(4):
            await self._pass(timedelta(hours=12), steps=3)
            await self._claim_all()
            await self._rests()

    async def _pass(self, span: timedelta, *, steps: int) -> None:
        end = self.house.clock.at + span
        for n in range(1, steps + 1):
            self.house.clock.at = end - span * (steps - n) / steps
            for at, name, content in [one for one in self.delayed if one[0] <= self.house.clock.at]:
                self.delayed.remove((at, name, content))
                await self._push(content)
            await self.house.work()
            await self._reports()

    async def _reports(self) -> None:
        """What the carrier says of the texts that it took: most arrive, of some nobody ever hears, few can't."""
        for delivery_id, ask_id, contact_id, subject in await self.house.owner.fetch(
            "select delivery_id, ask_id, contact_id, coalesce(appointment_id, contact_id, delivery_id) "
            "from care.deliveries where kind = 'tell' and state = 'accepted' and not delivery_id::text like '0%'"
        ):
            fails = delivery_id.startswith("1")
            state: Literal["failed", "delivered"] = "failed" if fails else "delivered"
            code = "30006" if fails else None
            body = Reported(delivery_id, ask_id, state, contact_id, code, permanent=delivery_id.startswith("11"))
            await self._observe(Id(subject), body)

    # -- the promises

    async def _rests(self) -> None:
        await self.house.work()
        await self._reports()
        for promise, sql in NEVER.items():
            args = (self.house.clock.at,) if "$1" in sql else ()
            found = await self.house.owner.fetch(sql, *args)
            assert not found, f"{promise}: {[tuple(row) for row in found][:3]}"
        await self._left_alone()

    async def _left_alone(self) -> None:
        """Promise 9: nobody is asked whether they confirm or cover in quiet hours, but on an urgent path."""
        rows = await self.house.owner.fetch(
            "select k.person_kind, k.sent_at, c.path, k.purpose from care.asks k "
            "join care.cases c using (practice_id, appointment_id, case_id) where k.sent_at > $1 "
            "and k.purpose in ('confirm_staff', 'confirm_patient', 'cover', 'agree_patient')",
            self.house.clock.at - timedelta(minutes=1),
        )
        book = self.house.registry.tenant(PRACTICE).policy.playbook
        for kind, at, path, purpose in rows:
            local = at.astimezone(CHICAGO)
            quiet = book.quiet_staff if kind == "staff" else book.quiet_patients
            urgent = kind == "staff" and path in book.paths and book.paths[path].urgent
            minute = local.hour * 60 + local.minute
            assert urgent or not quiet.covers(minute), f"{kind} was asked {purpose} at {local} (promise 9)"

    # -- what happens

    async def _push(self, content: dict[str, Any], *, delivery: str | None = None) -> None:
        self.pushed += 1
        reply = await self.house.push(content, delivery=delivery or f"{self.day.seed}-{self.pushed}")
        assert reply.status_code < 300, reply.text

    async def _notice(self, name: str, **changes: Any) -> None:
        held = self.copies[name] = {**self.copies[name], **changes, "version": self.copies[name]["version"] + 1}
        match self.dice.choice(FATES):
            case "lost":
                return
            case "twice":
                await self._push(held, delivery=f"{name}-{held['version']}")
                await self._push(held, delivery=f"{name}-{held['version']}")
                await self._push(held)
            case int() as minutes:
                self.delayed.append((self.house.clock.at + timedelta(minutes=minutes), name, held))
            case _:
                await self._push(held)
        await self.house.work()

    def _start(self, doing: Doing) -> dict[str, str]:
        morning = self.house.clock.at.replace(hour=15, minute=0, second=0, microsecond=0)
        start = morning + timedelta(days=doing.b % 3, minutes=30 * (doing.c % 14))
        return {"start_at": start.isoformat(), "end_at": (start + timedelta(minutes=50)).isoformat()}

    def _provider(self, n: int) -> dict[str, str]:
        return {"provider": f"t-{therapist(TEAM[n % len(TEAM)]).number}"}

    def _pick(self, doing: Doing) -> str | None:
        names = sorted(self.copies)
        return names[doing.a % len(names)] if names else None

    async def book(self, doing: Doing) -> None:
        name = f"R{self.day.seed}-{len(self.copies)}"
        client = CLIENTS[1 + doing.a % 6]
        made = visit(1, client=client, actors=self._provider(doing.b), external_id=name)
        self.copies[name] = {**made, **self._start(doing), "version": 0}
        await self._notice(name)

    async def move(self, doing: Doing) -> None:
        if name := self._pick(doing):
            await self._notice(name, **self._start(doing))

    async def reassign(self, doing: Doing) -> None:
        if name := self._pick(doing):
            await self._notice(name, actors=self._provider(doing.b))

    # The rules' own connector knows no series: what becomes of one is played over values.
    series, all_following = book, reassign

    async def status(self, doing: Doing) -> None:
        if name := self._pick(doing):
            await self._notice(name, status=("noshow", "arrived", "fulfilled", "booked", "checked-in")[doing.b % 5])

    async def cancel(self, doing: Doing) -> None:
        if name := self._pick(doing):
            await self._notice(name, status="cancelled", initiator=("patient", "practice")[doing.b % 2])

    delete = cancel

    async def _observe(self, subject: Id, event: Observation) -> None:
        async with self.house.pools.intake.acquire() as connection:
            await observe(connection, [Arrived(PRACTICE, subject, event, self.house.clock.at)])
        await self.house.work()

    async def answer(self, doing: Doing, states: tuple[str, ...] = ("sent",)) -> None:
        asks = await self.house.owner.fetch(
            "select ask_id, appointment_id, options from care.asks where state = any($1) and sent_at is not null "
            "order by ask_id",
            list(states),
        )
        if asks:
            ask_id, subject, options = asks[doing.a % len(asks)]
            label: Label = "no" if doing.b % 3 == 0 else "yes"
            choice = doing.c % len(options) if options else None
            await self._observe(Id(subject), Answered(Id(ask_id), label, "sms", choice))

    async def late_answer(self, doing: Doing) -> None:
        await self.answer(doing, ("sent", "accepted", "declined", "expired", "withdrawn"))

    async def twice(self, doing: Doing) -> None:
        await self.answer(doing)
        await self.late_answer(doing)

    async def words(self, doing: Doing) -> None:
        people = [*TEAM, *(c.phone for c in CLIENTS[1:7])]
        await says(self.house, people[doing.a % len(people)], WORDS[doing.b % len(WORDS)])

    async def _announce(self, doing: Doing, kind: IncidentKind, hours: int, *, site: str | None = None) -> None:
        who = None if site else TEAM[doing.a % len(TEAM)]
        at = self.house.clock.at
        self.incidents.append(await announce(self.house, kind, at, at + timedelta(hours=hours), who=who, site=site))

    async def ill(self, doing: Doing) -> None:
        await self._announce(doing, "staff_unavailable", (3, 10, 24)[doing.c % 3])

    async def close(self, doing: Doing) -> None:
        await self._announce(doing, "location_closed", 8, site="North")

    async def undo(self, doing: Doing) -> None:
        if self.incidents:
            await self._observe(self.incidents[doing.a % len(self.incidents)], Settled("undo", "noor"))

    async def _wanted(self, doing: Doing, *, waitlist: bool) -> None:
        patients = await self.house.owner.fetch("select patient_id from care.patients order by patient_id")
        now = self.house.clock.at
        urgent = not waitlist and doing.c % 5 == 0
        wanted = Request(now, now, now + timedelta(days=3), "waitlist" if waitlist else "call", urgent=urgent)
        patient = Id(patients[doing.a % len(patients)][0])
        body = Requested(patient, "therapy-50", "North", "in_person", wanted, "noor", waitlist)
        await self._observe(request_id(Id(PRACTICE), body), body)

    async def waitlist(self, doing: Doing) -> None:
        await self._wanted(doing, waitlist=True)

    async def request(self, doing: Doing) -> None:
        await self._wanted(doing, waitlist=False)

    async def assign(self, doing: Doing) -> None:
        visits = await self.house.owner.fetch("select appointment_id from care.appointments order by appointment_id")
        if visits:
            who = {"role": "provider", "staff_id": staff_id(PRACTICE, TEAM[doing.b % len(TEAM)])}
            await self._observe(Id(visits[doing.a % len(visits)][0]), Acted("assign", "noor", None, who))

    async def cancel_by_hand(self, doing: Doing) -> None:
        visits = await self.house.owner.fetch("select appointment_id from care.appointments order by appointment_id")
        if visits:
            await self._observe(Id(visits[doing.a % len(visits)][0]), Acted("cancel", "noor"))

    async def _claim_all(self) -> None:
        for exception_id, subject in await self.house.owner.fetch(
            "select exception_id, coalesce(appointment_id, exception_id) from care.exceptions where state = 'open'"
        ):
            await self._observe(Id(subject), Acted("claim", "noor", Id(exception_id)))

    async def resolve(self, doing: Doing) -> None:
        found = await self.house.owner.fetch(
            "select exception_id, coalesce(appointment_id, exception_id) from care.exceptions where state = 'open' "
            "order by exception_id"
        )
        if found:
            exception_id, subject = found[doing.a % len(found)]
            await self._observe(Id(subject), Acted("resolve", "noor", Id(exception_id)))

    claim = resolve

    async def poll(self, doing: Doing) -> None:
        for name in sorted(self.copies):
            await self._push(self.copies[name])

    async def wait(self, doing: Doing) -> None:
        await self._pass(timedelta(hours=doing.a % 20), steps=3)

    async def late(self, doing: Doing) -> None:
        await self._announce(doing, "staff_late", 6)


async def made_again(house: House) -> int:
    """Decide everything in the journal again (promise 7): the same bytes; returns how many decisions that were."""
    policy = house.registry.tenant(PRACTICE).policy
    rows = await house.owner.fetch("select subject_id, body from care.journal order by subject_id, seq")
    states: dict[str, State] = {}
    n = 0
    for subject, text in rows:
        body = orjson.loads(text)
        if "decision" not in body:
            continue
        state = states.get(subject, State())
        if body["state"] is not None:
            state = TypeAdapter(State).validate_python(body["state"])
        now = datetime.fromisoformat(body["now"])
        decision = decide(
            state, _FACTS.validate_python(body["facts"]), _EVENT.validate_python(body["event"]), policy, now
        )
        assert orjson.loads(canonical(decision)) == body["decision"], f"{subject} was decided differently (promise 7)"
        states[subject] = _kept(apply(state, decision))
        n += 1
    return n


def _kept(state: State) -> State:
    """What the store keeps of a subject: exceptions of no visit are subjects of their own."""
    return state if state.appointment is not None else replace(state, exceptions=())


@pytest.mark.parametrize("part", range(PARTS))
async def test_on_random_days_in_a_house_every_promise_holds_after_every_step(house: House, part: int) -> None:
    for seed in range(FIRST + part, FIRST + DAYS, PARTS):
        day = HouseDay(house, day_of(seed, 9))
        try:
            await day.play()
        except Exception as error:
            raise AssertionError(f"day {seed}, from {FIRST + part} on in steps of {PARTS}: {error}") from error
    assert await made_again(house) > 10 * DAYS // PARTS


def test_a_house_day_knows_every_doing() -> None:
    assert {doing.what for seed in range(200) for doing in day_of(seed).doings} <= set(dir(HouseDay))
