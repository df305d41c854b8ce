"""The pages over a real PostgreSQL and the real deciding loop, with made-up people and a stepped clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import httpx
import pytest_asyncio

from caredispatch.app.accounts import Accounts
from caredispatch.app.sending import Sending
from caredispatch.contract.links import SignedLinks
from caredispatch.contract.verbs import Answer, Push
from caredispatch.core.content import instant_of, instant_text
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Location, Service, Staff
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import AppointmentSeen, Mode, Observation
from caredispatch.core.playbook import (
    AskStep,
    Confirm,
    Cover,
    HandTo,
    HandToStep,
    ListStep,
    Path,
    Playbook,
    Rule,
    Stage,
    Tell,
    Window,
)
from caredispatch.engine.deciding import Decider
from caredispatch.engine.receiving import HookBusy, HookRejected, UnknownHook
from caredispatch.engine.registry import Registry
from caredispatch.store import accounts, schema
from caredispatch.store.accounts import Account
from caredispatch.store.inbox import Arrived, observe
from caredispatch.store.pages import in_practice, undecided
from caredispatch.store.pools import Pools, open_pools, prepare
from caredispatch.store.server import EmbeddedServer
from caredispatch.web import WebServices, create_web
from caredispatch.web.services import RevealedIdentity

START = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)
PRACTICE = make_id("practice", "testville")
OTHER_PRACTICE = make_id("practice", "elsewhere")
PASSWORD = "correct horse battery"  # for tests only
EVERY_DAY = tuple(Hours(day, 6 * 60, 22 * 60, "north") for day in range(7))
STAFF = {handle: make_id("staff", handle) for handle in ("ana", "ben", "cleo", "dan")}
PATIENT = make_id("patient", "one")


def staff(handle: str, **more: Any) -> Staff:
    """One therapist."""
    given: dict[str, Any] = {"tags": ("cbt",), "licences": {"CO": "2027-12-31"}, "hours": EVERY_DAY, **more}
    return Staff(STAFF[handle], handle, f"{handle.capitalize()} Beispiel", ("therapist",), **given)


def directory(practice_id: str = PRACTICE) -> Directory:
    """A practice with two sites in two zones and four therapists, one of whom lacks the care plan's tag."""
    people = [staff("ana"), staff("ben"), staff("cleo"), staff("dan", tags=())]
    return Directory(
        version=1,
        practice_id=Id(practice_id),
        name="Testville Therapy",
        locations={
            "north": Location("north", "North", "America/Denver", "CO"),
            "south": Location("south", "South", "America/Phoenix", "AZ"),
        },
        services={"therapy": Service("therapy", "Therapy, 50 minutes", 50)},
        staff={s.staff_id: s for s in people},
    )


def _step(whom: str, minutes: int, at_once: int = 1) -> AskStep:
    return AskStep(whom, ("sms", "email"), Window("minutes", minutes), at_once)


PLAYBOOK = Playbook(
    name="Testville",
    version=1,
    sections={
        "staff": (
            Rule(
                "Lost their provider",
                ("conflict_found", "staff_unavailable", "coverage_gap"),
                (Cover("same_care_plan", "cover", {"continuity": 3}),),
            ),
            Rule("Booked", ("booked", "rescheduled"), (Confirm("provider", "provider"),)),
        ),
        "patient": (
            Rule("Booked", ("booked", "rescheduled"), (Confirm("patient", "patient"),)),
            Rule("Said no", ("patient_declined",), (HandTo("dana"),)),
        ),
    },
    paths={
        "cover": Path("cover", False, (_step("pool", 15, 2), HandToStep("dana"))),
        "provider": Path("provider", False, (_step("assignee", 20), HandToStep("dana"))),
        "patient": Path("patient", False, (_step("patient", 60), ListStep("dana"))),
    },
    people={"dana": ("dana",)},
    texts={"ask_cover": {"en": "Can you take {service} at {location}? {link}"}},
    stages={name: Stage("live") for name in ("booking_confirmation", "dispatch_routing", "escalation")},
    last_owner="dana",
)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.at = START
        self.wall_at = START

    def now(self) -> datetime:
        return self.at

    def wall(self) -> datetime:
        return self.wall_at


class Intake:
    """Takes pushes of one connection, as the engine would."""

    def __init__(self) -> None:
        self.taken: list[Push] = []

    def body_limit(self, slug: str, connection_id: str) -> int:
        if (slug, connection_id) != ("testville", "booking"):
            raise UnknownHook(connection_id)
        return 1000

    async def receive(self, slug: str, connection_id: str, push: Push) -> Answer:
        if push.headers.get("x-signature") != "right":
            raise HookRejected("wrong signature")
        if push.body == b"busy":
            raise HookBusy(5)
        self.taken.append(push)
        return Answer(200, b"taken")


@dataclass
class World:
    """What a test touches."""

    pools: Pools
    owner: asyncpg.Connection[asyncpg.Record]
    clock: Clock
    links: SignedLinks
    keeps: Accounts
    sends: Sending
    policies: dict[str, Policy] = field(default_factory=dict)
    intake: Intake = field(default_factory=Intake)
    revealed: list[tuple[str, str]] = field(default_factory=list)
    frozen: bool = False

    # -- what the pages are given

    def practices(self) -> dict[str, str]:
        return {"testville": PRACTICE}

    def policy(self, practice_id: str) -> Policy:
        return self.policies[practice_id]

    async def submit(self, practice_id: str, subject_id: str, observation: Observation) -> None:
        async with self.pools.web.acquire() as connection, connection.transaction():
            await connection.execute("select set_config('care.practice', $1, true)", practice_id)
            await observe(connection, [Arrived(practice_id, subject_id, observation, self.clock.at)])

    async def settled(self, practice_id: str, subject_id: str) -> None:
        if not self.frozen:
            await self.decide()

    async def reveal(self, practice_id: str, account: Account, appointment_id: str) -> RevealedIdentity | None:
        self.revealed.append((account.handle, appointment_id))
        return RevealedIdentity("Paula Testperson", "1990-02-03", (("sms", "+1 555 0111"),), ("maybe later",))

    def metrics(self) -> str:
        return "asks_open 0\n"

    async def ready(self) -> dict[str, Any]:
        return {"ready": not self.frozen, "database": True}

    # -- what tests do

    async def decide(self) -> None:
        """Decide until nothing is left, as a worker would."""
        decider = Decider(cast(Registry, _Registry(self)))
        while await decider.turn():
            pass

    async def step(self, **span: float) -> None:
        """Let business time pass, deciding what falls due."""
        self.clock.at += timedelta(**span)
        await self.decide()

    async def booked(
        self,
        key: str = "1",
        *,
        staff_id: str | None = None,
        start: timedelta = timedelta(days=2, hours=2),
        mode: Mode = "live",
    ) -> str:
        """A booking comes in; the visit's id."""
        begin = START + start
        content = {
            "start_at": begin.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end_at": (begin + timedelta(minutes=50)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "status": "booked",
            "service": "therapy",
            "location": "north",
            "modality": "in_person",
            "patient": PATIENT,
            "actor.provider": staff_id or STAFF["ana"],
        }
        visit = make_id("appointment", PRACTICE, "booking", key)
        await self.submit(PRACTICE, visit, AppointmentSeen("booking", key, content, 1, mode=mode))
        await self.decide()
        return visit

    async def booked_by_another(self, key: str) -> str:
        """Another patient's visit with ben at the same time; the visit's id."""
        visit = make_id("appointment", PRACTICE, "booking", key)
        begin = START + timedelta(days=2, hours=2)
        content = {
            "start_at": instant_text(begin),
            "end_at": instant_text(begin + timedelta(minutes=50)),
            "status": "booked",
            "service": "therapy",
            "location": "north",
            "modality": "in_person",
            "patient": make_id("patient", "two"),
            "actor.provider": STAFF["ben"],
        }
        await self.submit(PRACTICE, visit, AppointmentSeen("booking", key, content, 1))
        await self.decide()
        return visit

    async def moved(self, visit: str, by: timedelta, key: str = "1") -> None:
        """The booking system moves a visit."""
        seen = dict(await self.owner.fetchval("select seen from care.links where appointment_id = $1", visit))
        for name in ("start_at", "end_at"):
            seen[name] = instant_text(instant_of(seen[name]) + by)
        await self.submit(PRACTICE, visit, AppointmentSeen("booking", key, seen, 2))
        await self.decide()

    async def asks(self, visit: str, **wanted: str) -> list[asyncpg.Record]:
        """The asks of a visit that have these values, in order."""
        rows = await self.owner.fetch(
            "select * from care.asks where appointment_id = $1 order by asked_at, number", visit
        )
        return [row for row in rows if all(row[key] == value for key, value in wanted.items())]

    async def booked_while_away(self, key: str = "1") -> str:
        """A visit is booked with somebody who is on leave then: cover is sought."""
        await self.owner.execute(
            "insert into care.busy_blocks (practice_id, block_id, resource_id, start_at, end_at, kind) "
            "values ($1, $2, $3, $4, $5, 'leave') on conflict do nothing",
            PRACTICE, make_id("leave", key), STAFF["ana"], START + timedelta(days=1), START + timedelta(days=9),
        )  # fmt: skip
        return await self.booked(key)

    async def uncovered(self, key: str = "1") -> str:
        """A visit for which nobody said yes: an exception waits."""
        visit = await self.booked_while_away(key)
        await self.step(minutes=16)
        return visit

    def told_not_asked(self) -> None:
        """From now on providers are told of their visits."""
        rules = dict(PLAYBOOK.sections)
        rules["staff"] = (
            rules["staff"][0],
            Rule("Booked", ("booked", "rescheduled"), (Tell("provider", "new_visit"),)),
        )
        self.policies[PRACTICE] = replace(self.policies[PRACTICE], playbook=replace(PLAYBOOK, sections=rules))

    def path(self, ask_id: str, practice_id: str = PRACTICE) -> str:
        """The path of an ask's link."""
        return self.links.make(practice_id, ask_id).removeprefix("http://pages.test")

    async def undecided(self, subject: str) -> bool:
        async with in_practice(self.pools.web, PRACTICE) as connection:
            return await undecided(connection, PRACTICE, subject)

    async def sign_in_link(self, handle: str = "dana", role: accounts.AccountRole = "coordinator") -> str:
        """The path of a fresh one-time link."""
        account = await accounts.put_account(self.owner, PRACTICE, handle, role, START)
        return f"/sign-in/once/{await accounts.make_link(self.owner, account, self.clock.wall_at)}"

    def services(self) -> WebServices:
        return WebServices(
            pool=self.pools.web,
            clock=self.clock,
            tenants=self,
            intake=self.intake,
            submits=self,
            reveals=self,
            reports=self,
            links=self.links,
            public_url="http://pages.test",
            secure_cookies=False,
            accounts=self.keeps,
            sending=self.sends,
        )


class _Registry:
    """As much of the engine's registry as deciding needs."""

    def __init__(self, world: World) -> None:
        self.pools = world.pools
        self.clock = world.clock
        self._world = world

    def tenant(self, practice_id: str) -> Any:
        world = self._world

        class Tenant:
            policy = world.policies[practice_id]

        return Tenant


async def _seed(connection: asyncpg.Connection[asyncpg.Record], practice_id: str, slug: str) -> None:
    await connection.execute(
        "insert into care.practices (practice_id, name, slug, time_zone, created_at, directory_version, "
        "playbook_version) values ($1, $2, $2, 'America/Denver', $3, 1, 1)",
        practice_id, slug, START,
    )  # fmt: skip


async def _person(
    connection: asyncpg.Connection[asyncpg.Record], kind: str, person_id: str, channel: str, tz: str = "America/Denver"
) -> None:
    contact_id = make_id("contact", person_id, channel)
    await connection.execute(
        "insert into care.contacts (practice_id, contact_id, channel, time_zone) values ($1, $2, $3, $4)",
        PRACTICE, contact_id, channel, tz,
    )  # fmt: skip
    await connection.execute(
        "insert into care.contact_people (practice_id, contact_id, person_kind, person_id, told_at) "
        "values ($1, $2, $3, $4, now())",
        PRACTICE, contact_id, kind, person_id,
    )  # fmt: skip


@pytest_asyncio.fixture
async def world(pg: EmbeddedServer, request: Any) -> AsyncIterator[World]:
    """A fresh database with one practice, its staff and one patient."""
    name = "web_" + make_id("db", request.node.nodeid).replace("-", "")[:16]
    admin = await asyncpg.connect(pg.dsn())
    await admin.execute(f"drop database if exists {name} with (force)")
    await admin.execute(f"create database {name}")
    await schema.migrate(pg.dsn(name))
    passwords = {user: "for-tests" for user in schema.USERS}
    await schema.set_passwords(pg.dsn(name), passwords)
    owner = await asyncpg.connect(pg.dsn(name))
    await prepare(owner)
    pools = await open_pools(pg.dsn(name), passwords, size=4)
    await _seed(owner, PRACTICE, "testville")
    await _seed(owner, OTHER_PRACTICE, "elsewhere")
    for staff_id in STAFF.values():
        await _person(owner, "staff", staff_id, "sms")
    await owner.execute(
        "insert into care.patients (practice_id, patient_id, language, tags, created_at) "
        "values ($1, $2, 'en', '{cbt}', $3)",
        PRACTICE, PATIENT, START,
    )  # fmt: skip
    await _person(owner, "patient", PATIENT, "sms", "America/New_York")
    links = SignedLinks(b"k" * 32, "http://pages.test")
    made = World(pools, owner, Clock(), links, Accounts(pg.dsn(name)), Sending(pg.dsn(name)))
    made.policies[PRACTICE] = Policy(directory(), PLAYBOOK)
    yield made
    await pools.close()
    await owner.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


@pytest_asyncio.fixture
async def browser(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client with cookies, in process, nobody signed in."""
    transport = httpx.ASGITransport(app=create_web(world.services()), client=("127.0.0.1", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://pages.test") as client:
        yield client


async def sign_in(
    world: World, browser: httpx.AsyncClient, handle: str = "dana", role: accounts.AccountRole = "coordinator"
) -> str:
    """Sign in by a one-time link; the form token of the session."""
    link = await world.sign_in_link(handle, role)
    page = await browser.get(link)
    answer = await browser.post(link, data={"mark": hidden(page.text, "mark")})
    assert answer.status_code == 303, answer.text
    return hidden((await browser.get("/account")).text, "csrf")


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    return html.split(f'name="{name}" value="')[1].split('"', maxsplit=1)[0]
