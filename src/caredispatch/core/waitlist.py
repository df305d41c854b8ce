"""Who on the waitlist may be offered a free time, and who first (D19): named predicates that answer yes, no or unknown
(D6), each reason true by the same predicate, and a ranking in which everyone on the list appears. Scores are integers
(E15)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from caredispatch.core.eligibility import Candidate
from caredispatch.core.facts import Directory, Facts, Waiting
from caredispatch.core.ids import Id
from caredispatch.core.payers import Verdict, is_authorised, on_panel
from caredispatch.core.playbook import Preference
from caredispatch.core.records import PROVIDER, Appointment, Case
from caredispatch.core.windows import minute_of_day, zone

LONGEST_COUNTED = 10
"""Weeks of waiting, and visits together, beyond which more does not weigh more."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One free time, and all that may be known of who waits for one. `offered` are the entries that it was offered to
    already, `limited` the patients who were asked as often as they may be."""

    slot: Appointment
    case: Case
    facts: Facts
    directory: Directory
    now: datetime
    offered: tuple[Id, ...] = ()
    limited: tuple[Id, ...] = ()

    @property
    def local(self) -> tuple[datetime, datetime]:
        """Its begin and end by the clock of the site."""
        tz = zone(self.directory, self.slot.location)
        return self.slot.start_at.astimezone(tz), self.slot.end_at.astimezone(tz)


def _holds(fact: bool) -> Verdict:
    return "yes" if fact else "no"


def _between(o: Opening, e: Waiting) -> Verdict:
    return _holds(e.request.not_before <= o.slot.start_at <= e.request.until)


def _day(o: Opening, e: Waiting) -> Verdict:
    return _holds(not e.request.days or o.local[0].weekday() in e.request.days)


def _hours(o: Opening, e: Waiting) -> Verdict:
    """Within the minutes of the day that suit them; a time over midnight suits only who named none."""
    begin, end = o.local
    if e.request.begin is None and e.request.end is None:
        return "yes"
    if begin.date() != end.date():
        return "no"
    early = e.request.begin is not None and minute_of_day(begin) < e.request.begin
    late = e.request.end is not None and minute_of_day(end) > e.request.end
    return _holds(not early and not late)


def _notice(o: Opening, e: Waiting) -> Verdict:
    return _holds(o.slot.start_at - o.now >= timedelta(minutes=e.request.notice_minutes))


def _licence(o: Opening, e: Waiting) -> Verdict:
    """By video and phone the provider must be licensed where the patient is that day (D4)."""
    if o.slot.modality == "in_person":
        return "yes"
    staff = o.directory.staff.get(o.slot.actor(PROVIDER) or "")
    if staff is None or e.patient.state is None:
        return "unknown"
    until = staff.licences.get(e.patient.state)
    return _holds(until is not None and o.local[0].date().isoformat() <= until)


def _panel(o: Opening, e: Waiting) -> Verdict:
    return on_panel(o.facts.payers, e.patient.payer, o.slot.actor(PROVIDER) or "", o.local[0].date())


def _authorisation(o: Opening, e: Waiting) -> Verdict:
    p = e.patient
    return is_authorised(o.facts.payers, p.payer, p.authorisations, o.slot.service, o.local[0].date())


def _free(o: Opening, e: Waiting) -> Verdict:
    """Also a later visit of theirs that it overlaps is in the way: that one goes only once this one is booked."""
    blocks = o.facts.busy.get(e.patient_id, ())
    own = o.slot.session_id
    return _holds(
        not any(b.session_id != own and b.start_at < o.slot.end_at and o.slot.start_at < b.end_at for b in blocks)
    )


PREDICATES: Mapping[str, Callable[[Opening, Waiting], Verdict]] = {
    "other_service": lambda o, e: _holds(e.service == o.slot.service),
    "wants_other_time": _between,
    "wants_other_day": _day,
    "wants_other_hours": _hours,
    "wants_other_site": lambda o, e: _holds(not e.request.sites or o.slot.location in e.request.sites),
    "wants_other_provider": lambda o, e: _holds(
        not e.request.providers or o.slot.actor(PROVIDER) in e.request.providers
    ),
    "wants_other_modality": lambda o, e: _holds(not e.request.modalities or o.slot.modality in e.request.modalities),
    "has_earlier": lambda o, e: _holds(e.later_at is None or o.slot.start_at < e.later_at),
    "short_notice": _notice,
    "not_ready": lambda o, e: _holds(e.request.ready),
    "offers_used_up": lambda o, e: _holds(e.offered < e.request.offers_most or e.appointment_id in o.offered),
    "excluded": lambda o, e: _holds(o.slot.actor(PROVIDER) not in e.patient.excluded_staff),
    "licence": _licence,
    "panel": _panel,
    "authorisation": _authorisation,
    "patient_busy": _free,
    "already_offered": lambda o, e: _holds(e.appointment_id not in o.offered),
    "limit": lambda o, e: _holds(e.patient_id not in o.limited),
}
AT_A_YES = ("other_service", "has_earlier", "excluded", "licence", "panel", "authorisation", "patient_busy")
"""What must still hold when somebody takes it: the rest was for who is asked."""


def judge(opening: Opening, entry: Waiting) -> tuple[Verdict, tuple[str, ...]]:
    """Whether an entry may be offered the time, and every predicate that says no (`name`) or is not known (`name?`)."""
    said = {name: predicate(opening, entry) for name, predicate in PREDICATES.items()}
    reasons = tuple(name if verdict == "no" else f"{name}?" for name, verdict in said.items() if verdict != "yes")
    if any(not reason.endswith("?") for reason in reasons):
        return "no", reasons
    return ("unknown" if reasons else "yes"), reasons


def may_take(opening: Opening, entry: Waiting) -> bool:
    """Whether a yes can still count."""
    return all(PREDICATES[name](opening, entry) == "yes" for name in AT_A_YES)


def parts(opening: Opening, entry: Waiting) -> dict[Preference, int]:
    """What speaks for an entry: visits with this provider, tags of the care plan that the provider has, whether it is
    their site, full weeks of waiting."""
    provider = opening.directory.staff.get(opening.slot.actor(PROVIDER) or "")
    weeks = (opening.now - entry.request.since) // timedelta(weeks=1)
    return {
        "continuity": min(opening.facts.visits_together.get(entry.patient_id, 0), LONGEST_COUNTED),
        "care_plan": sum(tag in provider.tags for tag in entry.patient.tags) if provider else 0,
        "location": int(entry.location == opening.slot.location),
        "longest_wait": min(max(weeks, 0), LONGEST_COUNTED),
    }


def rank(opening: Opening) -> tuple[Candidate, ...]:
    """Everyone on the list, best first: who may take it before who may not; by weighted score; of equals who waits
    longest, then by the entry's id. A candidate's `handle` is the entry, `staff_id` the patient's key."""
    found: list[tuple[tuple[int, int, datetime, Id], Candidate]] = []
    order = {"yes": 0, "unknown": 1, "no": 2}
    for entry in opening.facts.waiting:
        verdict, reasons = judge(opening, entry)
        counted = {str(name): n for name, n in parts(opening, entry).items()}
        score = sum(n * opening.case.prefer.get(name, 0) for name, n in counted.items())
        candidate = Candidate(entry.patient_id, entry.appointment_id, verdict, reasons, score, counted)
        found.append(((order[verdict], -score, entry.request.since, entry.appointment_id), candidate))
    return tuple(candidate for _, candidate in sorted(found, key=lambda pair: pair[0]))
