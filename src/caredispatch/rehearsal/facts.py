"""The facts of one decision, read from values as `store.factual` reads them from tables: the same needs, the same
scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from caredispatch.core.asking import TOGETHER_WITHIN
from caredispatch.core.draft import Policy
from caredispatch.core.facts import Busy, ContactFacts, Facts, Other, PatientFacts, Sought, Waiting, in_short
from caredispatch.core.ids import Id
from caredispatch.core.observation import Observation
from caredispatch.core.records import PROVIDER, Appointment, Occupation, State
from caredispatch.core.undoing import done_of
from caredispatch.core.windows import week_of, zone
from caredispatch.rehearsal.tables import Tables
from caredispatch.store.horizon import AROUND
from caredispatch.store.needing import Need, needs
from caredispatch.store.waiting import Span

SOMEBODY = PatientFacts(tags=("adult",), state="IL", no_shows_90d=0, late_cancels_90d=0)
"""A patient of whom nothing else is said."""
LATE_CANCEL = timedelta(hours=24)
RECENT = timedelta(days=90)


def facts_of(tables: Tables, policy: Policy, subject: Id, event: Observation, now: datetime) -> Facts:
    """The facts of a decision about one subject, made now."""
    state = tables.states.get(subject, State())
    return _Reader(tables, policy, subject, state, needs(state, [event], policy, now), now).facts()


def _cancelled_late(visit: Appointment) -> bool:
    """Whether the patient themselves cancelled within the last day before it (D9)."""
    theirs = visit.status == "cancelled" and visit.initiator == "patient" and visit.settle_at is None
    return theirs and visit.cancelled_at is not None and visit.start_at - visit.cancelled_at < LATE_CANCEL


class _Reader:
    """One decision's reading."""

    def __init__(self, tables: Tables, policy: Policy, subject: Id, state: State, need: Need, now: datetime) -> None:
        self.tables, self.policy, self.subject, self.state, self.need, self.now = (
            tables, policy, subject, state, need, now,
        )  # fmt: skip
        self.visit = state.appointment
        place = self.visit.location if self.visit is not None else next(iter(policy.directory.locations), "")
        self.zone = zone(policy.directory, place)
        today = now.astimezone(self.zone).date()
        self.day, self.week = today.isoformat(), week_of(today)

    def facts(self) -> Facts:
        """Only what the decision may look at."""
        need, tables = self.need, self.tables
        waiting = self._waiting(need.slot) if need.slot is not None and need.slot.service else ()
        if need.slot is not None:
            need.people |= {w.patient_id for w in waiting}
            around = need.slot.start_at - AROUND, need.slot.end_at + AROUND
            need.spans += [(w.patient_id, *around) for w in waiting]
        people = sorted(need.people)
        patient_id = Id(need.patient_id) if need.patient_id else None
        return Facts(
            patient=self._patient(patient_id),
            contacts={p: tuple(map(self._contact, tables.contacts[p])) for p in people if p in tables.contacts},
            busy=self._busy(),
            visits_together=self._together(patient_id, people),
            load_minutes=self._minutes(people, days=1) if need.pool and self.visit is not None else {},
            asks_made={p: n for p in people if (n := self._today(p, "asks_day") + self._this_week(p, "asks_week"))},
            reminders_made={p: n for p in people if (n := self._this_week(p, "reminders_week"))},
            next_number={p: free for p in people if (free := tables.next_number(Id(p))) is not None},
            settling=self._settling(patient_id, need.settle_source),
            successor=self._rebooked() or self._successor(),
            followed_up=self._followed_up(),
            waiting=waiting,
            sought=self._sought(need.slot) if need.slot is not None and need.slot.service else (),
            others=self._others() + self._giving_way(),
            along=self._along(),
            offered_at=dict(tables.offered_at) if need.turns else {},
            week_minutes=self._minutes(people, days=7) if need.turns else {},
            done=done_of(tables.acts.get(self.subject, ())) if need.undo else None,
        )

    def _today(self, who: str, what: str) -> int:
        return self.tables.counters.get((who, what, self.day), 0)

    def _this_week(self, who: str, what: str) -> int:
        return self.tables.counters.get((who, what, self.week), 0)

    def _contact(self, contact: ContactFacts) -> ContactFacts:
        """A contact with the texts that it got (D21)."""
        n = self._this_week(contact.contact_id, "texts_week")
        if not n:
            return contact
        return replace(contact, texts_today=self._today(contact.contact_id, "texts_day"), texts_this_week=n)

    def _patient(self, patient_id: Id | None) -> PatientFacts | None:
        """What is known of a patient, with the visits here that they missed or cancelled late themselves."""
        if patient_id is None:
            return None
        facts = self.tables.patients.get(patient_id, SOMEBODY)
        visits = self.tables.records(self.tables.visits_of.get(patient_id, ()))
        recent = [v for v in visits if self.now - RECENT < v.start_at]
        missed = sum(v.status == "noshow" and v.initiator != "practice" and v.start_at <= self.now for v in recent)
        moved = {v.rescheduled_from for v in visits}
        late = sum(_cancelled_late(v) and v.appointment_id not in moved for v in recent)
        if facts.no_shows_90d is not None and missed:
            facts = replace(facts, no_shows_90d=facts.no_shows_90d + missed)
        if facts.late_cancels_90d is not None and late:
            facts = replace(facts, late_cancels_90d=facts.late_cancels_90d + late)
        return facts

    def _busy(self) -> dict[str, tuple[Busy, ...]]:
        found: dict[str, dict[tuple[datetime, datetime, str | None], Busy]] = {}
        for who, begin, end in self.need.spans:
            for row in self.tables.busy(who, begin, end):
                found.setdefault(who, {})[row.start_at, row.end_at, row.session_id] = row
        if self.need.slot is not None:
            for row in self._unoccupied(self.need.slot):
                key = row.start_at, row.end_at, row.session_id
                found.setdefault(self.need.slot.provider_id, {})[key] = row
        return {
            who: tuple(sorted(rows.values(), key=lambda b: (b.start_at, b.end_at, b.session_id or "")))
            for who, rows in found.items()
        }

    def _unoccupied(self, slot: Span) -> list[Busy]:
        """An overlap that was seen in a source takes no time (D1); a slot must not be offered over it all the same."""
        return [
            Busy(v.start_at, v.end_at, "booked", v.appointment_id, v.session_id, v.source)
            for v in self._visits_of(slot.provider_id, slot.start_at, slot.end_at)
            if v.status in ("pending", "booked", "arrived", "checked-in")
        ]

    def _visits_of(self, who: str, begin: datetime, end: datetime) -> list[Appointment]:
        """The visits of a member of staff, or (`site:`) at a site, between two instants."""
        found: dict[Id, None] = {}
        for day in range(begin.toordinal(), end.toordinal() + 1):
            found |= self.tables.visits_on.get((Id(who), day), {})
        return [v for v in self.tables.records(found) if v.start_at < end and begin < v.end_at]

    def _together(self, patient_id: Id | None, people: Sequence[str]) -> dict[str, int]:
        """The patient's visits with each person; of a slot's provider with each patient on the list."""
        there = self.tables.together
        if self.need.slot is not None:
            return {p: n for p in people if (n := there.get((p, self.need.slot.provider_id), 0))}
        return {p: n for p in people if (n := there.get((patient_id or "", p), 0))}

    def _minutes(self, people: Sequence[str], *, days: int) -> dict[str, int]:
        """How long each is taken on the visit's day, or in its week (from Monday), by its site's clock."""
        at = self.visit.start_at if self.visit is not None else self.now
        begin = at.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if days > 1:
            begin -= timedelta(days=begin.weekday())
        end = begin + timedelta(days=days)
        found: dict[str, int] = {}
        for who in people:
            rows: dict[Id, Occupation] = {}
            for day in range(begin.toordinal(), (end + timedelta(hours=26)).toordinal()):
                rows |= self.tables.taken_on.get((Id(who), day), {})
            n = sum((r.end_at - r.start_at).seconds // 60 for r in rows.values() if begin <= r.start_at < end)
            if n:
                found[who] = n
        return found

    def _settling(self, patient_id: Id | None, source: str | None) -> tuple[Id, ...]:
        """The patient's visits of this source whose cancellation settles, and that no other took the place of (D9)."""
        if source is None or patient_id is None:
            return ()
        mine = self.tables.records(self.tables.visits_of.get(patient_id, ()))
        replaced = {v.rescheduled_from for v in mine}
        found = [v for v in mine if v.settle_at is not None and v.source == source and v.appointment_id != self.subject]
        found = [v for v in found if v.appointment_id not in replaced]
        return tuple(v.appointment_id for v in sorted(found, key=lambda v: (str(v.cancelled_at), v.appointment_id)))

    def _successor(self) -> Id | None:
        """The visit that took this one's place (D9): named as such, or booked while this one was being cancelled."""
        visit = self.visit
        if visit is None or visit.settle_at is None or visit.patient_id is None or visit.cancelled_at is None:
            return None
        mine = self.tables.records(self.tables.visits_of[visit.patient_id])
        mine = [v for v in mine if v.source == visit.source]
        there = [v for v in mine if v.status in ("booked", "pending", "proposed")]
        named = [v for v in there if v.rescheduled_from == visit.appointment_id]
        if named:
            return min(named, key=lambda v: v.created_at).appointment_id
        since = visit.cancelled_at - timedelta(minutes=self.policy.playbook.settle_minutes)
        fresh = [v for v in there if v.rescheduled_from is None and since <= v.created_at <= self.now]
        earlier = [
            v
            for v in mine
            if v.cancelled_at is not None
            and v.cancelled_at >= since
            and (v.cancelled_at, v.appointment_id) < (visit.cancelled_at, visit.appointment_id)
            and not any(r.rescheduled_from == v.appointment_id for r in mine)
        ]
        ordered = sorted(fresh, key=lambda v: (v.created_at, v.appointment_id))
        return ordered[len(earlier)].appointment_id if len(ordered) > len(earlier) else None

    def _rebooked(self) -> Id | None:
        """The visit of the same service that a patient who is brought back has booked since."""
        ahead = self.need.ahead
        if ahead is None or ahead.missed is None or ahead.patient_id is None:
            return None
        found = [
            v
            for v in self.tables.records(self.tables.visits_of.get(Id(ahead.patient_id), ()))
            if v.service == ahead.service and v.status in ("pending", "booked") and v.created_at > ahead.missed
            if v.appointment_id != self.subject and v.rescheduled_from != self.subject
        ]
        return min(found, key=lambda v: (v.created_at, v.appointment_id)).appointment_id if found else None

    def _followed_up(self) -> tuple[Id, ...]:
        """The visits for which the patient of a new one is being brought back."""
        ahead = self.need.ahead
        if ahead is None or not ahead.fresh or ahead.patient_id is None:
            return ()
        return tuple(sorted(self.tables.brought_back.get((Id(ahead.patient_id), ahead.service), ())))

    def _waiting(self, slot: Span) -> tuple[Waiting, ...]:
        """Everybody on the list for the slot's service, the longest waiting first, and who has a later visit but would
        rather come earlier; whoever took a time already is on it no more."""
        found: list[Waiting] = []
        for visit in self.tables.records(self.tables.waitlists.get(slot.service or "", ())):
            if visit.request is None or visit.patient_id is None:
                continue
            booked = visit.status == "booked"
            offers = self.tables.offers.get((visit.patient_id, visit.appointment_id), {}).values()
            if (booked and visit.start_at <= self.now) or any(a.state == "accepted" for a in offers):
                continue
            later = visit if booked else None
            if not booked and visit.request.instead_of is not None:
                instead = self.tables.record(visit.request.instead_of)
                later = instead if instead is not None and instead.status in ("pending", "booked") else None
            patient = self._patient(visit.patient_id) or SOMEBODY
            at = later.start_at if later is not None else None
            place = visit.appointment_id, visit.patient_id, visit.service, visit.location
            found.append(Waiting(*place, visit.request, patient, len(offers), at))
        return tuple(sorted(found, key=lambda w: (w.request.since, w.appointment_id)))

    def _sought(self, slot: Span) -> tuple[Sought, ...]:
        """The visits during a slot's time for which cover is being found; whoever was asked is not for them again."""
        found = [
            Sought(visit, case, self._patient(visit.patient_id))
            for subject in self.tables.covering
            if (visit := self.tables.record(subject)) is not None
            if visit.start_at < slot.end_at and slot.start_at < visit.end_at and visit.status in ("pending", "booked")
            for case in self.tables.states[subject].cases
            if case.kind == "cover" and case.state == "open" and case.phase == "asking"
            if not any(
                a.case_id == case.case_id and a.person_id == slot.provider_id for a in self.tables.states[subject].asks
            )
        ]
        return tuple(sorted(found, key=lambda s: (s.appointment.start_at, s.case.case_id)))

    def _along(self) -> tuple[Id, ...]:
        """Who is just being asked about another visit of an incident for which this one seeks somebody (E18)."""
        asks = [a for i in self.need.incidents for a in self.tables.asked_along.get(Id(i), {}).values()]
        return tuple(sorted({a.person_id for a in asks if a.open and a.asked_at > self.now - TOGETHER_WITHIN}))

    def _others(self) -> tuple[Other, ...]:
        """The visits that an incident hits, or of a group's hour."""
        wanted = self.need.others
        if wanted is None:
            return ()
        found: list[Other] = []
        if wanted.hour is not None:
            visits = self.tables.records(self.tables.at_hour.get(wanted.hour, ()))
            found = [in_short(v) for v in visits if v.active and v.timed and v.appointment_id != self.subject]
        elif wanted.span is not None and wanted.staff_id is not None:
            found = [
                in_short(v, p.role, p.actor_id)
                for v in self._visits_of(wanted.staff_id, *wanted.span)
                for p in v.participants
                if p.kind == "staff" and p.actor_id == wanted.staff_id and v.status in _STILL
            ]
        elif wanted.span is not None:
            visits = [v for v in self._visits_of(f"site:{wanted.location}", *wanted.span) if v.status in _STILL]
            found = [
                in_short(v, PROVIDER if v.participant(PROVIDER) is not None else "", v.actor(PROVIDER)) for v in visits
            ]
        return tuple(sorted(found, key=lambda o: (o.start_at, o.appointment_id, o.role)))

    def _giving_way(self) -> tuple[Other, ...]:
        """The visits that may be displaced by an add-on."""
        ahead = self.need.ahead
        if ahead is None or not ahead.giving_way or ahead.end is None:
            return ()
        found: dict[Id, Other] = {}
        for who in ahead.resources:
            for v in self._visits_of(who, self.now, ahead.end):
                able = v.service in ahead.giving_way and v.status in ("proposed", "pending", "booked")
                if able and v.start_at > self.now and v.settle_at is None and v.actor(PROVIDER) == who:
                    found[v.appointment_id] = in_short(v, PROVIDER, v.actor(PROVIDER))
        return tuple(sorted(found.values(), key=lambda o: (o.start_at, o.appointment_id)))


_STILL = ("pending", "booked", "arrived", "checked-in")
