"""The story of a visit, a free time, a request, an entry of the waitlist or an incident, line by line, from what was
decided then. Values in, sentences out; nothing is worked out anew (promise 6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from caredispatch.core.records import Appointment, Ask, Case, Exception_, Incident, State
from caredispatch.core.series import GATHERED
from caredispatch.core.windows import zone
from caredispatch.store.pages import Entry
from caredispatch.web import words
from caredispatch.web.explaining import Names, lines, patient_code, ranking, title, why
from caredispatch.web.words import Audience


def head(state: State, names: Names) -> list[str]:
    """What it is, how it stands, what is being done and what a person has."""
    if state.incident is not None:
        return [_incident(state.incident, names)]
    visit = state.appointment
    tz = zone(names.directory, visit.location if visit else "")
    told = [_visit(visit, names, tz)] if visit else []
    told += [_case(case, tz) for case in sorted(state.cases, key=lambda c: (c.opened_at, c.case_id))]
    told += [_exception(row, state, names) for row in state.exceptions if row.state != "resolved"]
    return told


def _at(at: datetime, tz: ZoneInfo) -> str:
    return f"{at.astimezone(tz):%a %d %b %H:%M}"


def _visit(visit: Appointment, names: Names, tz: ZoneInfo) -> str:
    service, where = names.service(visit.service), names.location(visit.location)
    people = ", ".join(f"{p.role} {names.person(p.actor_id)}" for p in visit.participants if p.kind == "staff")
    if visit.request is not None and not visit.timed:
        kind = "On the waitlist" if visit.status == "waitlist" else "A visit is wanted"
        urgent = ", an emergency" if visit.request.urgent else ""
        until = _at(visit.request.until, tz)
        return f"{kind}: {patient_code(visit.patient_id)}, {service}, {where}, until {until}{urgent}; {visit.status}."
    what = "A free time" if visit.is_slot else f"The visit of {patient_code(visit.patient_id)}"
    coverage = words.COVERAGES[visit.coverage][0].lower()
    return f"{what}: {service}, {where}, {_at(visit.start_at, tz)}, {people or 'nobody'}; {visit.status}, {coverage}."


def _case(case: Case, tz: ZoneInfo) -> str:
    opened = f"{words.say(words.CASE_KINDS, case.kind)} ({case.role}), since {_at(case.opened_at, tz)}"
    by = f", by the rule “{case.rule}”" if case.rule else ""
    if case.state == "open":
        rest = f", rests until {_at(case.snoozed_until, tz)}" if case.snoozed_until else ""
        due = f", next look {_at(case.due_at, tz)}" if case.due_at else ""
        return f"{opened}{by}: {words.say(words.PHASES, case.phase)}{rest}{due}."
    return f"{opened}{by}: {words.say(words.CASE_OUTCOMES, case.outcome or case.state)}."


def _exception(row: Exception_, state: State, names: Names) -> str:
    whose = f"{row.claimed_by} has it" if row.state == "claimed" else f"for {words.group(row.owner)}"
    return f"Before a person: {title(row, state, names)} ({whose}). {why(row, names)}"


def _incident(incident: Incident, names: Names) -> str:
    who = names.person(incident.staff_id) if incident.staff_id else names.location(incident.location or "")
    where = incident.location or next(iter(names.directory.locations), "")
    tz = zone(names.directory, where)
    when = (
        f"{incident.minutes} min" if incident.minutes else f"{_at(incident.start_at, tz)} to {_at(incident.end_at, tz)}"
    )
    n = len(incident.visits)
    visits = f"{n} visit{'s' if n != 1 else ''}"
    what = f"{who} {words.say(words.INCIDENTS, incident.kind)}"
    if incident.kind in GATHERED:
        what, when = words.say(words.INCIDENTS, incident.kind), f"{_at(incident.start_at, tz)} and later"
    return f"{what}, {when}; said by {incident.raised_by or 'nobody'}, {incident.state}, reaches {visits}."


def told(entry: Entry, state: State, names: Names, tz: ZoneInfo, audience: Audience) -> list[str]:
    """What one decision did and why: the rules in their order, what was noted, everybody who was considered."""
    at = f"{entry.at.astimezone(tz):%a %H:%M:%S}"
    found: list[str] = []
    for said in lines(entry, names):
        found.append(f"{at}  {' '.join(part for part in (said.who, said.text, said.extra) if part)}")
    for routed in entry.trace.get("rules", ()):
        for passed in routed["passed_over"]:
            condition = passed["condition"].replace("_", " ")
            found.append(
                f"                not “{passed['rule']}”: {condition} was {passed['was']}, it wants {passed['wanted']}"
            )
    for one in ranking(entry, state, names, audience):
        against = f"; not: {', '.join(one.against)}" if one.against else ""
        found.append(f"                {one.name}: {', '.join(one.for_) or 'nothing special'}{against}")
    return found


def asked(asks: Sequence[Ask], names: Names, tz: ZoneInfo) -> list[str]:
    """Who was asked what, when, by what, and what they said."""
    found: list[str] = []
    for ask in sorted(asks, key=lambda a: (a.asked_at, a.ask_id)):
        by = words.say(words.CHANNELS, ask.channel) if ask.channel else "by phone"
        said = words.ask_state(ask)
        when = f" at {_at(ask.answered_at, tz)}" if ask.answered_at else ""
        chose = f", option {ask.choice}" if ask.choice else ""
        offered = "; ".join(f"{_at(o.start_at, tz)} with {names.person(o.provider_id)}" for o in ask.options)
        what = words.say(words.ASK_PURPOSES, ask.purpose) + (f" ({offered})" if offered else "")
        found.append(f"{_at(ask.asked_at, tz)}  {names.person(ask.person_id)} {what}, {by}: {said}{chose}{when}")
    return found
