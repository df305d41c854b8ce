"""Random days in a practice: plain data made from a seed, played in a town (or in a house), so that a failure is
replayed by its seed, and made small by leaving doings out."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from caredispatch.core.draft import Policy
from caredispatch.core.facts import Directory, Hours, Location, Room, Service, Staff, System
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Answered, Label
from caredispatch.core.records import Ask, IncidentKind, Request
from caredispatch.policy.profiles import profile_text
from caredispatch.policy.reader import read_playbook
from caredispatch.rehearsal.outside import Reply
from caredispatch.rehearsal.promises import Promises
from caredispatch.rehearsal.world import Fate
from tests.core.clinic import START
from tests.core.play import sms
from tests.core.town import Town

PATIENTS = 6
WAITS = (0, 0, 1, 2, 4, 10, 25, 60, 240, 600)
"""Minutes that pass before something happens."""
HOW_OFTEN = {
    "book": 10,
    "move": 3,
    "reassign": 3,
    "series": 2,
    "all_following": 3,
    "cancel": 4,
    "status": 4,
    "answer": 14,
    "late_answer": 4,
    "twice": 2,
    "words": 3,
    "ill": 5,
    "late": 2,
    "undo": 1,
    "close": 2,
    "waitlist": 4,
    "request": 2,
    "assign": 2,
    "cancel_by_hand": 1,
    "claim": 2,
    "resolve": 2,
    "delete": 1,
    "poll": 2,
    "wait": 4,
}
FATES: tuple[Fate, ...] = ("on time",) * 8 + ("lost", "twice", 3, 45)
PROFILES = ("behavioral-health", "home-health", "primary-care", "specialty")


@dataclass(frozen=True, slots=True)
class Doing:
    """One thing that happens so many minutes after the one before; the numbers choose who, what and when."""

    what: str
    wait: int
    a: int = 0
    b: int = 0
    c: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """A day to play: the playbook's profile, who can't be reached, how systems behave, and what happens."""

    seed: int
    profile: str
    hour: int
    ehr: bool
    undeliverable: int
    unreported: int
    calendar: str
    writes: str
    fates: int
    doings: tuple[Doing, ...]


OPENS_WITH = ("book", "book", "book", "book", "waitlist", "waitlist")
"""A day does not begin empty."""


def day_of(seed: int, length: int = 18) -> Day:
    """The day that a seed stands for."""
    dice = random.Random(seed)
    names, weights = list(HOW_OFTEN), list(HOW_OFTEN.values())
    what = [*OPENS_WITH, *dice.choices(names, weights, k=length)]
    doings = tuple(
        Doing(one, dice.choice(WAITS) if n >= len(OPENS_WITH) else 0, *(dice.randrange(1000) for _ in range(3)))
        for n, one in enumerate(what)
    )
    return Day(
        seed,
        PROFILES[seed % len(PROFILES)],
        dice.choice((3, 7, 9, 9, 13, 19, 22)),
        dice.random() < 0.5,
        dice.choice((0, 0, 1, 2)),
        dice.choice((0, 0, 1, 2)),
        dice.choice(("all", "all", "nothing", "failed")),
        dice.choice(("delivered", "delivered", "delivered", "conflict", "refused")),
        dice.randrange(10_000),
        doings,
    )


@lru_cache(maxsize=8)
def rules(profile: str, *, ehr: bool) -> Policy:
    """A shipped playbook over a small made-up practice: two sites, five people, a room."""
    book = read_playbook(profile_text(profile))
    always = tuple(Hours(d, 0, 24 * 60, site) for d in range(7) for site in ("north", "east"))
    daily = tuple(Hours(d, 8 * 60, 18 * 60, "north") for d in range(7))
    crowd = [
        Staff(Id(h), h, f"{h} Madeup", ("therapist",), ("cbt",), ("adult",), {"IL": "2030-01-01"}, hours)
        for h, hours in (("Ana", always), ("Ben", always), ("Cleo", daily), ("Elif", daily), ("Finn", always))
    ]
    booking = System("booking", owns=("time", "provider", "status"), writes=("actor.provider", "status"))
    systems = {"booking": booking}
    if ehr:
        writes = ("start_at", "end_at", "status", "actor.provider", "accepted.provider", "accepted.patient")
        systems["ehr"] = System("ehr", writes=writes, creates=True, calendar=True, holds_slots=True)
    sites = {code: Location(code, code.title(), "America/Chicago", "IL") for code in ("north", "east")}
    services = {code: Service(code, code, 50) for code in book.services}
    room = Room(Id("room-1"), "room-1", "exam", "north")
    people: dict[str, Staff] = {s.staff_id: s for s in crowd}
    directory = Directory(1, Id("practice"), "River Example", sites, services, people, systems, {room.room_id: room})
    return Policy(directory, book)


class Player:
    """Plays a day in a town and checks the promises after every step."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.rules = rules(day.profile, ehr=day.ehr)
        self.staff = sorted(self.rules.directory.staff)
        self.services = sorted(self.rules.directory.services)
        dice = random.Random(day.fates)
        self.town = Town(
            self.rules,
            now=START + timedelta(hours=day.hour - 10),
            answers=self._replies,
            fates=[dice.choice(FATES) for _ in range(200)],
            contacts={f"pat-{n}": (sms(f"pat-{n}", consent=n % 3 > 0),) for n in range(PATIENTS)},
        )
        outside = self.town.outside
        outside.undeliverable = tuple(f"sms:{who}" for who in self._some(day.undeliverable))
        outside.unreported = tuple(f"sms:{who}" for who in self._some(day.unreported, skip=3))
        outside.calendar_says = day.calendar
        outside.write_ends = {"ehr": day.writes, "booking": day.writes}
        self.booked: list[str] = []
        self.courses: list[list[str]] = []
        self.incidents: list[Id] = []
        self.promises = Promises(self.town)

    def _replies(self, ask: Ask) -> list[Reply]:
        """What somebody says by themselves to a question: it depends on the question alone."""
        luck = int(ask.ask_id[:8], 16)
        after, choice = (luck >> 8) % 40, (luck >> 16) % max(len(ask.options), 1)
        match luck % 10:
            case 0 | 1 | 2 | 3:
                return [(after, "yes", choice)]
            case 4:
                return [(after, "no")]
            case 5:
                return [(after, "yes", choice), (after, "yes", choice), (after + 30, "no")]
            case _:
                return []

    def _some(self, n: int, skip: int = 0) -> list[str]:
        return [*self.staff[1 + skip : 1 + skip + n], *(f"pat-{i}" for i in range(skip, skip + n))]

    def play(self, doings: Sequence[Doing]) -> Town:
        """Do everything, let eight days pass, and look once more at everything."""
        for doing in doings:
            self.town.run(doing.wait)
            self.promises.rests()
            getattr(self, doing.what)(doing)
            self.promises.rests()
        for _ in range(16):
            self.town.run(12 * 60)
            self.promises.rests()
            self._coordinator_comes()
        self.town.poll().run(60)
        self.promises.ends()
        return self.town

    def _coordinator_comes(self) -> None:
        """Somebody takes what is open, so that it does not climb every hour of the days after."""
        for subject, state in list(self.town.states.items()):
            for row in state.exceptions:
                if row.state == "open":
                    self.town.step(subject, Acted("claim", "noor", row.exception_id), settle=False)
        self.town.run()

    # -- what may happen

    def _start(self, doing: Doing) -> datetime:
        """A start within three days, on a half hour; now and then soon, now and then in the past."""
        soon = self.town.now.replace(minute=0) + timedelta(minutes=30 * (doing.b % 12 - 2))
        later = START.replace(hour=14) + timedelta(days=doing.b % 3, minutes=30 * (doing.c % 18))
        return soon if doing.c % 5 == 0 else later

    def _pick(self, doing: Doing) -> str | None:
        there = [name for name in self.booked if ("booking", name) in self.town.outside.copies]
        ahead = [n for n in there if self.town.names.get(n) in self.town.states and self.town.visit(n).active]
        there = ahead if ahead and doing.c % 4 else there
        return there[doing.a % len(there)] if there else None

    def book(self, doing: Doing) -> None:
        name = f"v{len(self.booked)}"
        self.booked.append(name)
        self.town.booked(
            name,
            patient=f"pat-{doing.a % PATIENTS}",
            provider=None if doing.b % 7 == 0 else self.staff[doing.b % len(self.staff)],
            start=self._start(doing),
            service=self.services[doing.c % len(self.services)],
            mode="first_load" if doing.a % 11 == 0 else "held" if doing.a % 13 == 0 else "live",
        )

    def move(self, doing: Doing) -> None:
        if name := self._pick(doing):
            self.town.moved(name, self._start(doing))

    def reassign(self, doing: Doing) -> None:
        if name := self._pick(doing):
            self.town.changed(name, actor_provider=self.staff[doing.b % len(self.staff)])

    def series(self, doing: Doing) -> None:
        """A series is entered, one visit a day."""
        names = [f"v{len(self.booked) + n}" for n in range(2 + doing.a % 3)]
        self.booked += names
        self.courses.append(names)
        for n, name in enumerate(names):
            self.town.booked(
                name,
                patient=f"pat-{doing.a % PATIENTS}",
                provider=self.staff[doing.b % len(self.staff)],
                start=self._start(doing) + timedelta(days=n),
                service=self.services[doing.c % len(self.services)],
                mode="first_load" if doing.a % 7 == 0 else "live",
                series=names[0],
            )

    def all_following(self, doing: Doing) -> None:
        """What is left of a series from some visit on is moved, or given to somebody else."""
        names = self.courses[doing.a % len(self.courses)] if self.courses else []
        for name in names[doing.b % 2 :]:
            if ("booking", name) not in self.town.outside.copies:
                continue
            if doing.c % 2:
                self.town.changed(name, actor_provider=self.staff[doing.c % len(self.staff)])
            else:
                begins = datetime.fromisoformat(self.town.outside.copies["booking", name].content["start_at"])
                self.town.moved(name, begins + timedelta(minutes=30 * (1 + doing.c % 5)))

    def cancel(self, doing: Doing) -> None:
        if name := self._pick(doing):
            self.town.cancelled(name, by=("patient", "practice", None)[doing.b % 3])

    def status(self, doing: Doing) -> None:
        if name := self._pick(doing):
            said = ("noshow", "arrived", "fulfilled", "booked", "checked-in", "entered-in-error")[doing.b % 6]
            self.town.changed(name, status=said)

    def delete(self, doing: Doing) -> None:
        if name := self._pick(doing):
            self.town.deleted(name)

    def _answer(self, doing: Doing, asks: list[Ask], label: Label) -> None:
        if asks:
            ask = sorted(asks, key=lambda a: a.ask_id)[doing.a % len(asks)]
            choice = doing.c % len(ask.options) if ask.options else None
            self.town.step(ask.appointment_id, Answered(ask.ask_id, label, "sms", choice))

    def _open(self) -> list[Ask]:
        return [a for asks in self.town.open_asks.values() for a in asks.values() if a.sent_at is not None]

    def answer(self, doing: Doing) -> None:
        self._answer(doing, self._open(), "no" if doing.b % 3 == 0 else "yes")

    def late_answer(self, doing: Doing) -> None:
        every = [a for s in self.town.states.values() for a in s.asks if a.sent_at is not None]
        self._answer(doing, every, "no" if doing.b % 3 == 0 else "yes")

    def twice(self, doing: Doing) -> None:
        self.answer(doing)
        self.late_answer(doing)

    def words(self, doing: Doing) -> None:
        labels: tuple[Label, ...] = (
            *("yes", "no", "cancel", "reschedule", "opt_out", "opt_in", "help", "wrong_number"),
            *("late", "out", "crisis", "human"),
        )
        people = [f"pat-{n}" for n in range(PATIENTS)] + self.staff
        person = people[doing.a % len(people)]
        if person in self.town.contacts:
            self.town.says(person, labels[doing.b % len(labels)])

    def ill(self, doing: Doing) -> None:
        who, start = self._somebody_at_work(doing)
        hours = (3, 10, 24, 72)[doing.c % 4]
        kind: IncidentKind = (
            "staff_leaving" if doing.c % 9 == 0 else "video_only" if doing.c % 9 == 1 else "staff_unavailable"
        )
        self.incidents.append(
            self.town.announce(kind, staff=who, start=start, end=start + timedelta(hours=hours), sure=doing.c % 3 > 0)
        )

    def _somebody_at_work(self, doing: Doing) -> tuple[str, datetime]:
        """Whoever has one of the visits that are ahead, and an instant before it; else anybody, now."""
        ahead = [v for v in self.town.visits() if v.active and v.end_at > self.town.now and v.actor("provider")]
        if not ahead:
            return self.staff[doing.a % len(self.staff)], self.town.now
        visit = ahead[doing.a % len(ahead)]
        early = max(self.town.now, visit.start_at - timedelta(minutes=doing.b % 120))
        return str(visit.actor("provider")), early

    def late(self, doing: Doing) -> None:
        who, now = self._somebody_at_work(doing)
        self.incidents.append(
            self.town.announce(
                "staff_late", staff=who, start=now, end=now + timedelta(hours=10), late=10 + doing.b % 50, sure=True
            )
        )

    def close(self, doing: Doing) -> None:
        start = self._somebody_at_work(doing)[1]
        site = "north" if doing.a % 4 else "east"
        end = start + timedelta(hours=8)
        self.incidents.append(
            self.town.announce("location_closed", location=site, start=start, end=end, sure=True, reason="snow")
        )

    def undo(self, doing: Doing) -> None:
        if self.incidents:
            label = ("yes", "no", "undo")[doing.b % 3]
            self.town.settle(self.incidents[doing.a % len(self.incidents)], label)  # type: ignore[arg-type]  # one of them

    def _wanted(self, doing: Doing, *, waitlist: bool) -> None:
        now = self.town.now
        request = Request(
            since=now,
            not_before=now,
            until=now + timedelta(days=3 + doing.b % 12),
            origin="waitlist" if waitlist else "call",
            urgent=not waitlist and doing.c % 5 == 0,
            notice_minutes=(0, 60)[doing.c % 2],
        )
        self.town.request(
            f"r{self.town.minute}-{doing.a}-{doing.b}",
            request,
            patient=f"pat-{doing.a % PATIENTS}",
            service=self.services[doing.b % len(self.services)],
            waitlist=waitlist,
        )

    def waitlist(self, doing: Doing) -> None:
        self._wanted(doing, waitlist=True)

    def request(self, doing: Doing) -> None:
        self._wanted(doing, waitlist=False)

    def _visit(self, doing: Doing) -> Id | None:
        visits = self.town.visits()
        return visits[doing.a % len(visits)].appointment_id if visits else None

    def assign(self, doing: Doing) -> None:
        if visit := self._visit(doing):
            self.town.act("assign", visit, role="provider", staff_id=self.staff[doing.b % len(self.staff)])

    def cancel_by_hand(self, doing: Doing) -> None:
        if visit := self._visit(doing):
            self.town.act("cancel", visit)

    def _on_exception(self, doing: Doing, act: str) -> None:
        found = [
            (v.appointment_id, e) for v in self.town.visits() for e in self.town.state(v.appointment_id).exceptions
        ]
        waiting = [(v, e) for v, e in found if e.state == "open"]
        if waiting:
            visit, row = waiting[doing.a % len(waiting)]
            self.town.act(act, visit, on=row.kind)  # type: ignore[arg-type]  # an act

    def claim(self, doing: Doing) -> None:
        self._on_exception(doing, "claim")

    def resolve(self, doing: Doing) -> None:
        self._on_exception(doing, "resolve")

    def poll(self, doing: Doing) -> None:
        self.town.poll()

    def wait(self, doing: Doing) -> None:
        self.town.run(60 * (doing.a % 30))


def play(day: Day) -> Town:
    """Play one day."""
    return Player(day).play(day.doings)


def smallest(day: Day, fails: Callable[[Sequence[Doing]], bool]) -> tuple[Doing, ...]:
    """The day's doings with all left out that the failure does not need."""
    doings = list(day.doings)
    size = max(len(doings) // 2, 1)
    while size:
        at = 0
        while at < len(doings):
            fewer = doings[:at] + doings[at + size :]
            if fails(fewer):
                doings = fewer
            else:
                at += size
        size //= 2
    return tuple(doings)
