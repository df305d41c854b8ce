"""What coordinators do about what comes before them while a month is played with the product: they phone, put somebody
on a visit, cancel; each thing takes what it takes by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from caredispatch.core.ids import Id
from caredispatch.core.observation import Acted, Answered
from caredispatch.core.records import PROVIDER, Appointment, Exception_, Initiator, State
from caredispatch.core.windows import minute_of_day, zone
from caredispatch.rehearsal.desk import Task
from caredispatch.rehearsal.people import PHONE
from caredispatch.rehearsal.roster import Roster

if TYPE_CHECKING:
    from caredispatch.rehearsal.playing import Playing

MOST_CALLS = 8
DESK = "desk"
"""The account under which coordinators act."""


class Coordinators:
    """Those who work off the queue and the call list of one month."""

    def __init__(self, playing: Playing) -> None:
        self.playing = playing
        self.world, self.directory, self.counting = playing.world, playing.directory, playing.counting
        self.searched: set[Id] = set()
        self.able = Roster(playing.directory, playing.month.begin, 1).able

    def take(self, subject: Id, row: Exception_) -> None:
        """A line of the queue or the call list waits for somebody; it goes again when it settles itself before."""

        def still() -> bool:
            return any(
                e.exception_id == row.exception_id and e.state == "open" for e in self._state(subject).exceptions
            )

        visit = self.world.record(subject)
        minutes = self._takes(row, visit)
        self.playing.desk.hand(Task(row.ack_by, minutes, still, lambda: self._done(subject, row, minutes)))

    def _state(self, subject: Id) -> State:
        return self.world.states.get(subject, State())

    def _takes(self, row: Exception_, visit: Appointment | None) -> float:
        """Minutes that it takes a person: as much as the same takes by hand; a line of the call list is one call."""
        ways = self.playing.parameters.desk
        if row.kind in ("nobody_found", "not_started", "gap") and visit is not None:
            local = zone(self.directory, visit.location)
            same_day = visit.start_at.astimezone(local).date() == self.world.now.astimezone(local).date()
            first = self._first_of_its_incident(visit.appointment_id)
            return ways.same_day_change if same_day and first else ways.status_change
        return ways.phone_call if row.kind == "call" else ways.status_change

    def _first_of_its_incident(self, subject: Id) -> bool:
        """Whether no other visit of the same call-out lay on the desk before: the first costs the whole of a change on
        the day, the others what their own calls and changes do; as by hand."""
        mine = {c.incident_id for c in self._state(subject).cases if c.incident_id is not None}
        if mine & self.searched:
            return False
        self.searched |= mine
        return True

    def _done(self, subject: Id, row: Exception_, minutes: float) -> None:
        """Somebody has dealt with a line: what they did about the visit, and the line is gone."""
        self.counting.by_hand(subject, row, minutes)
        visit = self.world.record(subject)
        if visit is not None and visit.active and visit.timed and not visit.is_slot:
            if visit.coverage in ("uncovered", "at_risk"):
                self._find_somebody(subject, visit)
            elif row.kind == "patient_declined" or (row.kind == "handed_over" and visit.confirmation == "declined"):
                self._cancel_there(subject, "patient")
            elif row.kind == "call":
                self._phone(subject, visit, "confirm_patient")
            elif row.kind in ("provider_silent", "gap") and not self._phone(subject, visit, "confirm_staff"):
                self._settle_with(subject, visit)
        now = next((e for e in self._state(subject).exceptions if e.exception_id == row.exception_id), None)
        if now is not None and now.state != "resolved":
            self.world.step(subject, Acted("resolve", DESK, row.exception_id), settle=False)

    def _cancel_there(self, subject: Id, by: Initiator) -> None:
        key = self.playing.where(subject)
        if key is not None:
            self.playing.change(key, by=by, status="cancelled")

    def _phone(self, subject: Id, visit: Appointment, purpose: str) -> bool:
        """Somebody is phoned about a question that they did not answer (D25, D41); False where there is none."""
        for ask in self._state(subject).asks:
            if ask.purpose == purpose and ask.state in ("sent", "expired", "undeliverable"):
                self.counting.calls += 1
                said = self.playing.says(ask, visit, PHONE)
                if said is not None:
                    answer = Answered(ask.ask_id, said.label, PHONE, on_behalf=DESK)
                    self.world.step(subject, answer, settle=False)
                return True
        return False

    def _settle_with(self, subject: Id, visit: Appointment) -> None:
        """Whoever holds a visit of which nobody had asked them is asked by a coordinator, and put on it."""
        provider = visit.actor(PROVIDER)
        if provider is not None:
            self.counting.calls += 1
            params = {"role": PROVIDER, "staff_id": str(provider)}
            self.world.step(subject, Acted("assign", DESK, None, params), settle=False)

    def _find_somebody(self, subject: Id, visit: Appointment) -> None:
        """Whoever may do it is phoned, one after another; where nobody can, the practice cancels."""
        service = self.directory.services.get(visit.service)
        role = next((p.role for p in visit.participants if p.coverage in ("uncovered", "at_risk")), PROVIDER)
        able = [s for s in self.directory.staff.values() if service is not None and service in self.able[s.staff_id]]
        able = [s for s in able if s.staff_id != visit.actor(role)]
        called = 0
        for staff in able:
            if called == MOST_CALLS:
                break
            if self.playing.sees_a_patient(staff.staff_id) or self.world.busy(
                staff.staff_id, visit.start_at, visit.end_at
            ):
                continue
            called += 1
            self.counting.calls += 1
            until = int((visit.start_at - self.world.now).total_seconds()) // 60
            local = self.world.now.astimezone(zone(self.directory, visit.location))
            key = f"cover {self.playing.named(subject, shared=True)}"
            said = self.playing.people.reply(
                staff.staff_id, True, "cover", key, PHONE, self.world.now, minute_of_day(local), 0, until
            )
            if said is not None and said.label == "yes":
                params = {"role": role, "staff_id": str(staff.staff_id)}
                self.world.step(subject, Acted("assign", DESK, None, params), settle=False)
                again = self.world.record(subject)
                if again is not None and again.actor(role) == staff.staff_id:
                    return
        self.world.step(subject, Acted("cancel", DESK), settle=False)
