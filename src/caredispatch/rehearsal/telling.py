"""One scene played and told: what happened when, in words, and whether what the product promises of it held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caredispatch.core.draft import Decision
from caredispatch.core.facts import Facts
from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Announced, Answered, AppointmentSeen, Due, Observation
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Case, State
from caredispatch.core.windows import zone
from caredispatch.rehearsal.outside import Text
from caredispatch.rehearsal.parameters import Parameters
from caredispatch.rehearsal.people import People
from caredispatch.rehearsal.playing import Playing
from caredispatch.rehearsal.scenes import Scene
from caredispatch.rehearsal.world import World

FIRST_ASK_WITHIN = timedelta(minutes=4)
"""An at-risk slot has its first question out, or is before a human, within this."""
TOLD_FOR = timedelta(hours=30)
ASKED: Mapping[str, str] = {
    "confirm_staff": "is asked whether they take the visit",
    "cover": "is asked to cover",
    "take_add_on": "is asked to take an urgent visit",
    "confirm_patient": "is asked whether they come",
    "agree_patient": "is asked whether the change suits them",
    "offer_slot": "is offered the free time",
    "offer_times": "is offered times",
}
CASES: Mapping[str, str] = {
    "confirm": "confirming",
    "cover": "finding cover",
    "fill": "filling the time",
    "follow_up": "bringing the patient back",
    "place": "finding a time",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened: when, and in words."""

    at: datetime
    words: str


@dataclass(frozen=True, slots=True)
class Played:
    """A scene that was played: its time line from `begins`, and what did not hold (empty: it passed)."""

    name: str
    begins: datetime
    lines: tuple[Line, ...]
    failed: tuple[str, ...]


def play_scene(scene: Scene, parameters: Parameters, *, coordinators: int, seed: int) -> Played:
    """Play one scene to its end."""
    playing = Playing(scene.policy, scene.month, People(parameters, seed), parameters, coordinators, seed)
    playing.world.outside.calendar.update({str(who): blocks for who, blocks in scene.calendar.items()})
    telling = _Telling(playing, scene)
    playing.world.watchers.append(telling.decided)
    run = playing.play(until=scene.begins + TOLD_FOR)
    telling.texts()
    return Played(
        scene.name,
        scene.begins,
        tuple(telling.lines),
        (*run.broken, *not_kept(playing.world, telling.about, scene.begins)),
    )


class _Telling:
    """Watches one scene. It tells of the visits that the scene is about, and of whatever comes of them."""

    def __init__(self, playing: Playing, scene: Scene) -> None:
        self.world, self.planned, self.scene = playing.world, playing.planned, scene
        self.about = {playing.world.door(playing.source, name) for name in scene.about if name != "wanted"}
        self.lines: list[Line] = []
        self._said = 0

    def decided(
        self, subject: Id, before: State, after: State, facts: Facts, event: Observation, decision: Decision
    ) -> None:
        """After one decision."""
        if self.world.now < self.scene.begins:
            self._said = len(self.world.outside.said)
            return
        self.texts()
        if isinstance(event, Announced) or event.kind == "requested":
            self.about.add(subject)
        if subject not in self.about:
            return
        self.about |= {to for to, _ in decision.passed}
        for words in (*self._heard(event, before, after, decision), *self._came_of_it(before, after, decision)):
            self._tell(words)

    def _tell(self, words: str) -> None:
        line = Line(self.world.now, words)
        if line not in self.lines[-20:]:
            self.lines.append(line)

    # -- words

    def texts(self) -> None:
        """What left since the last look."""
        for text in self.world.outside.said[self._said :]:
            asked = self._asks(text)
            if text.subject in self.about or asked:
                self.about.add(text.subject)
                words = ASKED.get(text.question, f"is told: {text.name.replace('_', ' ')}")
                self.lines.append(Line(text.at, f"{self._name(text.person)} {words}, by {_channel(text.channel)}"))
        self._said = len(self.world.outside.said)

    def _asks(self, text: Text) -> bool:
        """Whether a text is about a case of one of the scene's incidents."""
        state = self.world.states.get(text.subject, State())
        return any(c.incident_id in self.about for c in state.cases)

    def _heard(self, event: Observation, before: State, after: State, decision: Decision) -> Sequence[str]:
        visit = after.appointment
        match event:
            case Answered():
                asks = [a for a in before.asks if a.ask_id == event.ask_id]
                by = " (taken down by a coordinator)" if event.on_behalf else ""
                return [f"{self._name(a.person_id)} says {event.label}{by}" for a in asks]
            case AppointmentSeen() | Due() if decision.trace.triggers and visit is not None:
                return [f"{told_of(self.world, visit)} is {' and '.join(decision.trace.triggers).replace('_', ' ')}"]
            case Announced():
                who = self._name(event.staff_id) if event.staff_id else f"the site {event.location}"
                return [f"{who}: {event.incident.replace('_', ' ')}"]
            case Acted():
                return [f"a coordinator: {event.act.replace('_', ' ')}"]
            case _ if event.kind == "requested" and visit is not None:
                return [f"a visit of {visit.service} is wanted"]
            case _:
                return []

    def _came_of_it(self, before: State, after: State, decision: Decision) -> Sequence[str]:
        visit, found = after.appointment, list[str]()
        was = {c.case_id: c for c in before.cases}
        for case in decision.cases:
            earlier = was.get(case.case_id)
            if earlier is None and case.state == "open":
                found.append(f"{CASES[case.kind]} begins (rule: {case.rule})")
            elif case.state != "open" and (earlier is None or earlier.state == "open"):
                found.append(f"{CASES[case.kind]}: {_ended(case)}{self._by(case, visit)}")
        raised = {e.exception_id for e in before.exceptions}
        found += [
            f"before {row.owner.replace('_', ' ')}: {row.kind.replace('_', ' ')}"
            for row in decision.exceptions
            if row.exception_id not in raised and row.state == "open"
        ]
        return found

    def _by(self, case: Case, visit: Appointment | None) -> str:
        who = visit.actor(case.role if case.role != PATIENT else PROVIDER) if visit is not None else None
        return f", {self._name(who)} has it" if case.kind == "cover" and case.state == "settled" and who else ""

    def _name(self, who: str | None) -> str:
        staff = self.world.policy.directory.staff.get(who or "")
        return staff.handle if staff is not None else "the patient"


def not_kept(world: World, about: Iterable[Id], since: datetime) -> list[str]:
    """What of these visits did not go as promised from `since` on: lost cover of which nobody was asked and no human
    knew in time (D36), and a visit that began without anybody and without a human's knowledge."""
    states = [world.states.get(subject, State()) for subject in sorted(about)]
    found: list[str] = []
    for state in states:
        visit = state.appointment
        if visit is None:
            continue
        named = told_of(world, visit)
        for case in state.cases:
            if case.kind == "cover" and case.opened_at >= since and not _in_time(case, states):
                found.append(f"{named}: nobody was asked and no human knew within 4 minutes")
        over = visit.active and visit.timed and not visit.is_slot and visit.start_at <= world.now
        if over and visit.coverage in ("uncovered", "at_risk") and not state.exceptions:
            found.append(f"{named}: began without anybody, and no human knew")
    return found


def _in_time(case: Case, states: Sequence[State]) -> bool:
    """Whether somebody was asked, or a human knew, soon enough; of an incident about any of its visits."""
    by = case.opened_at + FIRST_ASK_WITHIN
    if case.closed_at is not None and case.closed_at <= by:
        return True
    return any(
        any(a.case_id == other.case_id and a.sent_at is not None and a.sent_at <= by for a in state.asks)
        or any(case.opened_at <= e.raised_at <= by for e in state.exceptions)
        for state in states
        for other in state.cases
        if other.case_id == case.case_id or (case.incident_id is not None and other.incident_id == case.incident_id)
    )


def told_of(world: World, visit: Appointment) -> str:
    """A visit in words: service, local time, who holds it."""
    local = visit.start_at.astimezone(zone(world.policy.directory, visit.location))
    provider = world.policy.directory.staff.get(visit.actor(PROVIDER) or "")
    return f"{visit.service} {local:%a %H:%M}" + (f" with {provider.handle}" if provider is not None else "")


def _ended(case: Case) -> str:
    if case.state == "handed":
        return "a person has it"
    return (case.outcome or case.state).replace("_", " ")


def _channel(channel: str) -> str:
    return "text" if channel == "sms" else channel
