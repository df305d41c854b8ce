"""The promises of the design that can be checked on values, over a whole practice: after every decision, whenever it
rests, and at the end. What does not hold raises Broken."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from caredispatch.core.asking import NIGHT
from caredispatch.core.draft import Decision
from caredispatch.core.facts import Facts
from caredispatch.core.gaps import lacking
from caredispatch.core.ids import Id
from caredispatch.core.observation import Answered, Observation
from caredispatch.core.playbook import QuietHours
from caredispatch.core.records import Case, State
from caredispatch.core.windows import quiet_until
from caredispatch.rehearsal.outside import Text
from caredispatch.rehearsal.world import World

KNOWN_FOR = timedelta(minutes=11)
"""Later news goes out within ten minutes of knowing (D18)."""


class Broken(Exception):
    """A promise of the design did not hold; says which, and of whom."""


def _must(holds: bool, words: str) -> None:
    if not holds:
        raise Broken(words)


class Promises:
    """Watches a world. What was said once is looked at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._texts = 0
        self._replies: set[Id] = set()
        self._lacking: dict[Id, dict[tuple[datetime, str, Id | None], datetime]] = {}
        world.watchers.append(self.decided)

    def decided(
        self, subject: Id, before: State, after: State, facts: Facts, event: Observation, decision: Decision
    ) -> None:
        """After one decision."""
        if isinstance(event, Answered):
            words_of = next((a.person_id for a in before.asks if a.ask_id == event.ask_id), None)
            self._replies |= {d.delivery_id for d in decision.deliveries if d.person_id == words_of}
        was = {c.case_id: c for c in before.cases}
        for case in after.cases:
            earlier = was.get(case.case_id)
            if case.state == "settled" and case.kind == "cover" and (earlier is None or earlier.state != "settled"):
                self._agreed(after, case)
        for row in after.exceptions:
            _must(bool(row.owner), "an exception without an owner (promise 3)")

    def _agreed(self, after: State, case: Case) -> None:
        """Promise 9, D17: who settles a change has the patient's word where the service demands it."""
        visit = after.appointment
        assert visit is not None
        required = self.world.policy.playbook.service(visit.service).patient_agreement == "required"
        if required and visit.patient_id is not None and case.follows is None and case.outcome == "covered":
            _must(visit.confirmation == "confirmed", "another provider without the patient's word (D17)")

    def rests(self) -> None:
        """Whenever nothing is left to do at this instant."""
        self._no_double_booking()
        for subject, state in self.world.states.items():
            self._nothing_waits_for_ever(state)
            self._the_patient_hears(state)
            self._listed(subject, state)
        for text in self.world.outside.said[self._texts :]:
            self._left_alone(text)
        self._texts = len(self.world.outside.said)

    def ends(self) -> None:
        """At the end of a day on which everything outside answered."""
        self.rests()
        for delivery_id, state in self.world.outside.effects.items():
            _must(state in ("left", "withdrawn", "failed", "pending"), delivery_id)
        self._seen()
        for held in self.world.states.values():
            self._visible(held)

    def _no_double_booking(self) -> None:
        """Promise 2, over all states."""
        for resource, rows in self.world.taken.items():
            ordered = sorted(rows.values(), key=lambda o: (o.start_at, o.end_at))
            for one, other in pairwise(ordered):
                overlap = other.start_at < one.end_at and one.session_id != other.session_id
                _must(not overlap, f"{resource} is booked twice (promise 2)")
            for row in rows.values():
                known = self.world.states[row.appointment_id].occupations
                _must(row in known, "an occupation that no visit knows")

    def _nothing_waits_for_ever(self, state: State) -> None:
        """Promise 3: deadlines are ahead, and somebody looks in time."""
        visit, now = state.appointment, self.world.now
        for row in state.exceptions:
            _must(row.state != "open" or row.ack_by > now, f"{row.kind} waits since {row.ack_by} (promise 3)")
        if visit is None:
            return
        for case in state.cases:
            if case.state != "open" or visit.settle_at is not None:
                continue
            if case.due_at is None or visit.next_look_at is None:
                raise Broken(f"{case.kind} waits for ever (promise 3)")
            _must(case.due_at > now, f"{case.kind} waits since {case.due_at} (promise 3)")
            _must(visit.next_look_at <= case.due_at, "nobody looks when it falls due (promise 3)")

    def _the_patient_hears(self, state: State) -> None:
        """Promise 9, D18: by the tell-by time, or ten minutes after we knew, in the daytime."""
        visit, world = state.appointment, self.world
        if visit is None or not visit.active or visit.settle_at is not None or visit.patient_id is None:
            return
        if visit.coverage not in ("uncovered", "at_risk") or visit.confirmation == "declined" or visit.is_slot:
            return
        tell_by = visit.start_at - timedelta(minutes=world.policy.playbook.tell_by_minutes)
        sought = [c for c in state.cases if c.kind == "cover" and c.state in ("open", "handed")]
        sought = [c for c in sought if c.phase != "by_video"]  # who is asked about video knows how it stands
        known = min((c.opened_at for c in sought), default=None)
        if known is None or not max(tell_by, known + KNOWN_FOR) <= world.now < visit.start_at - timedelta(minutes=1):
            return
        contact = next(iter(world.contacts.get(visit.patient_id, ())), None)
        if (
            contact is not None
            and quiet_until(contact, (world.policy.playbook.quiet_patients, NIGHT), world.now) is None
        ):
            _must(visit.tell_by_done, "the patient does not know that nobody is found (promise 9, D18)")

    def _listed(self, subject: Id, state: State) -> None:
        """Promise 3, D40: nothing enters the last 24 hours before it unlisted."""
        visit, now = state.appointment, self.world.now
        if visit is None or not visit.timed or visit.settle_at is not None or now >= visit.start_at:
            return
        listed = {c.role for c in state.cases if c.kind == "cover" and c.state == "open"}
        # What a person took and put away was their decision.
        listed |= {e.detail.get("role", "") for e in state.exceptions if e.state != "resolved" or e.claimed_by}
        last_day = visit.start_at - timedelta(hours=24)
        # Asked anew in the last day: the question has its own deadline, and a human after it.
        listed |= {c.role for c in state.cases if (c.kind, c.state) == ("confirm", "open") and c.opened_at >= last_day}
        before, self._lacking[subject] = self._lacking.get(subject, {}), {}
        for participant in lacking(visit, state.cases):
            # Somebody else in the role is another question, which has only just been asked.
            key = (visit.start_at, participant.role, participant.actor_id)
            since = self._lacking[subject][key] = before.get(key, now)
            known = not since < last_day <= now or participant.role in listed
            _must(known, f"{participant.role} is not sure and stands nowhere (D40)")

    def _left_alone(self, text: Text) -> None:
        """Promise 9: no question in quiet hours but on an urgent path, no news to a patient at night but an answer."""
        world = self.world
        contact = next((c for c in world.contacts[text.person] if c.contact_id == text.contact_id), None)
        if contact is None or (not text.question and text.person in world.policy.directory.staff):
            return
        if text.person in world.policy.directory.staff:
            quiet: tuple[QuietHours, ...] = (world.policy.playbook.quiet_staff,)
        else:
            quiet = (world.policy.playbook.quiet_patients, NIGHT)
        if text.question and text.delivery.delivery_id not in self._replies:
            urgent = self._urgent(text)
            asleep = quiet_until(contact, quiet, text.at) is not None
            _must(urgent or not asleep, f"{text.person} was asked {text.question} at {text.at} (promise 9)")

    def _urgent(self, text: Text) -> bool:
        state = self.world.states[text.subject]
        ask = next(a for a in state.asks if a.ask_id == text.delivery.ask_id)
        case = next(c for c in state.cases if c.case_id == ask.case_id)
        path = self.world.policy.playbook.paths.get(case.path)
        return path is not None and path.urgent and ask.person_kind == "staff"

    def _seen(self) -> None:
        """Promise 1: after a look at everything, every copy was seen as it is."""
        for (system, external), copy in self.world.outside.copies.items():
            state = self.world.states.get(self.world.outside.doors[system, external], State())
            link = next((li for li in state.links if (li.connection_id, li.external_id) == (system, external)), None)
            if link is None:
                raise Broken(f"{system} {external} was never seen (promise 1)")
            differs = {k for k, v in copy.content.items() if link.seen.get(k) != v}
            _must(not differs, f"{system} {external} was not seen as it is: {differs} (promise 1)")

    def _visible(self, state: State) -> None:
        """Promise 5: what could not be written is before a person, or was."""
        visible = {e.detail.get("key") for e in state.exceptions if e.kind in ("delivery_failed", "conflict")}
        for link in state.links:
            _must(link.state not in ("refused", "conflict") or link.link_id in visible, "a write failed unseen")
            _must(link.state != "waiting", "a write is nowhere (promise 5)")
