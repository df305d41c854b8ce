"""The one record and what other systems say of it: a three-way merge (E4). The base is what we last saw there; only
what
differs from the base and from everything that we sent since is their change. Ownership settles who wins; what it can't
settle is a conflict for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caredispatch.core.attendance import GONE, is_denied, status_of
from caredispatch.core.content import Content, instant_of, instant_text
from caredispatch.core.copying import replace
from caredispatch.core.facts import Directory
from caredispatch.core.ids import Id, make_id
from caredispatch.core.observation import AppointmentSeen, Mode
from caredispatch.core.playbook import Trigger
from caredispatch.core.records import PATIENT, PROVIDER, Appointment, Coverage, Initiator, Link, Participant, State
from caredispatch.core.requests import WISHES, asked_again, is_request, request_of, with_period

REQUIRED = ("start_at", "end_at", "status", "service", "location")
HERE = ("arrived", "checked-in")
"""The patient is at the practice (or the visit began)."""
_GROUPS = {"start_at": "time", "end_at": "time", "status": "status"}
_ACCEPTED: dict[Coverage | None, str] = {
    "confirmed": "accepted",
    "tentative": "tentative",
    "at_risk": "needs-action",
    "uncovered": "needs-action",
}
_THINGS = ("room", "equipment", "interpreter", "transport")
_PATIENT_ACCEPTED = {"confirmed": "accepted", "declined": "declined"}


@dataclass(frozen=True, slots=True)
class Merged:
    """What an observation changed. `link` is None when it was old news. `triggers` are what the difference stands
    for; `moved` says that its time, site or modality changed (another question, D17), `roles` which roles somebody
    else fills; `conflicts` maps a key to `ours|theirs`; `reread` asks for a fresh fetch (equal version, other content);
    `missing` names keys without which no record can be made."""

    appointment: Appointment | None
    link: Link | None
    triggers: tuple[Trigger, ...] = ()
    moved: bool = False
    roles: tuple[str, ...] = ()
    conflicts: tuple[tuple[str, str], ...] = ()
    reread: bool = False
    missing: tuple[str, ...] = ()


def represent(appointment: Appointment) -> Content:
    """The record in normal form: what every copy should say, as far as it can."""
    times = {"start_at": instant_text(appointment.start_at), "end_at": instant_text(appointment.end_at)}
    content: Content = {
        **(times if appointment.timed else {}),
        "status": appointment.status,
        "service": appointment.service,
        "location": appointment.location,
        "modality": appointment.modality,
        "accepted.patient": _PATIENT_ACCEPTED.get(appointment.confirmation, "needs-action"),
    }
    for participant in appointment.participants:
        if participant.role == PATIENT:
            content["patient"] = str(participant.actor_id)
        elif participant.actor_id is not None:
            content[f"actor.{participant.role}"] = participant.actor_id
            content[f"accepted.{participant.role}"] = _ACCEPTED.get(participant.coverage, "needs-action")
    if appointment.confirmed_at is not None:
        content["note"] = f"confirmed {instant_text(appointment.confirmed_at)}"
    return content


def merge(state: State, seen: AppointmentSeen, directory: Directory, now: datetime, settle: timedelta) -> Merged:
    """The record with one observation taken in. Pure; idempotent; of one copy's observations the highest `order` wins
    whatever the order of arrival. `settle` is how long a cancellation waits before it counts (D9)."""
    if state.appointment is None:
        return _first_sight(seen, directory, now)
    link = _link_of(state.appointment, state.links, seen)
    if link.seen_order is not None and seen.order < link.seen_order:
        return Merged(state.appointment, None)
    if link.seen_order == seen.order and _differs(link.seen, seen.content):
        return Merged(state.appointment, None, reread=True)
    return _compare(state, state.appointment, seen, link, directory, now, settle)


def _link_of(visit: Appointment, links: Iterable[Link], seen: AppointmentSeen) -> Link:
    """The copy that an observation is of: known by external id, or the one that we are creating there (E5), or new."""
    for link in links:
        if link.connection_id == seen.connection_id and link.external_id in (seen.external_id, None):
            return replace(link, external_id=seen.external_id)
    link_id = make_id("link", visit.practice_id, seen.connection_id, visit.appointment_id, seen.external_id)
    return Link(visit.practice_id, link_id, seen.connection_id, visit.appointment_id, seen.external_id)


def _differs(base: Content, theirs: Content) -> bool:
    return any(base.get(key) != value for key, value in theirs.items())


def _seen(link: Link, seen: AppointmentSeen) -> Link:
    caught_up = link.wanted is not None and not any(
        seen.content.get(key, value) != value for key, value in link.wanted.items()
    )
    return replace(
        link,
        seen=seen.content,
        seen_etag=seen.etag or link.seen_etag,
        seen_order=seen.order,
        sent=() if caught_up else link.sent[-8:],
    )


def _first_sight(seen: AppointmentSeen, directory: Directory, now: datetime) -> Merged:
    asks = is_request(seen.content)
    content = with_period(seen.content, directory) if asks else seen.content
    missing = tuple(key for key in REQUIRED if key not in content)
    if missing:
        return Merged(None, None, missing=missing)
    practice_id = directory.practice_id
    appointment_id = make_id("appointment", practice_id, seen.connection_id, seen.external_id)
    participants = _participants(content, unfilled=not asks)
    appointment = Appointment(
        practice_id=practice_id,
        appointment_id=appointment_id,
        session_id=make_id("session", appointment_id),
        source=seen.connection_id,
        service=content["service"],
        location=content["location"],
        modality=content.get("modality", "in_person"),  # type: ignore[arg-type]  # values checked where it was mapped
        status=content["status"],  # type: ignore[arg-type]  # likewise
        start_at=instant_of(content["start_at"]),
        end_at=instant_of(content["end_at"]),
        created_at=now,
        participants=participants,
        initiator=seen.initiator,
        series_id=series_of(practice_id, seen),
        request=request_of(seen.content, now) if asks else None,
    )
    appointment = replace(appointment, session_id=session_of(appointment, directory))
    link = _link_of(appointment, (), seen)
    quiet = seen.mode == "first_load" or appointment.end_at <= now or not appointment.active
    return Merged(appointment, _seen(link, seen), triggers=() if quiet else _new(appointment), moved=True)


def _new(visit: Appointment) -> tuple[Trigger, ...]:
    """What a new record stands for. Who waits for an earlier time asks for nothing at once."""
    if visit.timed:
        return ("booked",)
    if visit.request is None or visit.status == "waitlist":
        return ()
    return ("add_on",) if visit.request.urgent else ("request_received",)


def series_of(practice_id: Id, seen: AppointmentSeen) -> Id | None:
    """The series that a copy says its visit belongs to (D3)."""
    named = seen.content.get("series")
    return make_id("series", practice_id, seen.connection_id, named) if named else None


def session_of(visit: Appointment, directory: Directory) -> Id:
    """The happening that a visit is part of: a group's, where its service holds several patients, is the one of that
    source, service, site, start and provider; any other visit is one by itself (D1)."""
    service, provider = directory.services.get(visit.service), visit.actor(PROVIDER)
    if service is None or service.capacity < 2 or provider is None:
        return make_id("session", visit.appointment_id)
    where = visit.practice_id, visit.source, visit.service, visit.location
    return make_id("session", *where, instant_text(visit.start_at), provider)


def _filled(role: str, actor_id: str) -> Participant:
    kind = role if role in _THINGS else "staff"
    return Participant(role, kind, Id(actor_id), "tentative")  # type: ignore[arg-type]  # _THINGS are kinds


def _participants(content: Content, *, unfilled: bool) -> tuple[Participant, ...]:
    found = [Participant(PATIENT, "patient", Id(content["patient"]))] if "patient" in content else []
    actors = sorted(key.removeprefix("actor.") for key in content if key.startswith("actor."))
    found += [_filled(role, content[f"actor.{role}"]) for role in actors]
    if unfilled and not any(p.kind == "staff" for p in found):
        found.append(Participant(PROVIDER, "staff", None, "uncovered"))
    return tuple(found)


def _compare(
    state: State,
    record: Appointment,
    seen: AppointmentSeen,
    link: Link,
    directory: Directory,
    now: datetime,
    settle: timedelta,
) -> Merged:
    ours = represent(record)
    taken: Content = {}
    conflicts: list[tuple[str, str]] = []
    placed_there = not record.timed and "start_at" in seen.content
    if placed_there:
        # A time instead of a wish: nothing of what was seen before says who has it.
        link = replace(link, seen={})
    wishes = {key for key in seen.content if key in WISHES or (not record.timed and key.startswith("actor."))}
    for key, theirs in sorted(seen.content.items()):
        if key in wishes and not (placed_there and key.startswith("actor.")):
            continue
        if theirs == ours.get(key) or not _is_change(key, theirs, link.seen, link.sent):
            continue
        owner = _owner_here(key, (*state.links, link), directory)
        marked = status_of(theirs, link, state.links, owner) if key == "status" else None
        if marked is not None:
            taken |= {key: marked} if marked != record.status else {}
            conflicts += [(key, f"{marked}|{theirs}")] if is_denied(theirs, marked) else []
            continue
        its_own = not record.timed and record.source == seen.connection_id
        theirs_counts = its_own or owner == seen.connection_id or (key in link.seen and _is_sought(state, key))
        if theirs_counts or (owner is None and not _disputed(state, key, theirs, ours, link)):
            taken[key] = theirs
        elif owner is None:
            conflicts.append((key, f"{ours.get(key, '')}|{theirs}"))
    after = asked_again(_with(record, taken, seen.initiator, seen.mode, now, settle), seen.content, directory)
    return Merged(
        after,
        _seen(link, seen),
        triggers=() if seen.mode == "first_load" else _triggers(record, after, now),
        moved=_moved(record, after),
        roles=tuple(sorted(key.removeprefix("actor.") for key in taken if key.startswith("actor."))),
        conflicts=tuple(conflicts),
    )


def _is_change(key: str, value: str, seen: Content, sent: Sequence[Content]) -> bool:
    """Whether one value is their own change: what was seen there before, or sent by us since, is none (E4)."""
    if key == "note" or key.startswith("accepted."):
        return False
    return seen.get(key) != value and all(each.get(key) != value for each in sent)


def is_news(theirs: Content, seen: Content, sent: Sequence[Content]) -> bool:
    """Whether a copy holds a change of its own system: neither seen there before nor an echo of what we sent."""
    return any(_is_change(key, value, seen, sent) for key, value in theirs.items())


def _is_sought(state: State, key: str) -> bool:
    """Whether a key says who fills a role for which cover is being found, or waits for a human: somebody's assignment
    by hand counts then in whatever system it is made (D11)."""
    role = key.removeprefix("actor.")
    return any((c.kind, c.role) == ("cover", role) and c.state in ("open", "handed") for c in state.cases)


def _disputed(state: State, key: str, theirs: str, ours: Content, link: Link) -> bool:
    """Whether a value that nobody owns stands against another: we changed it as well since this copy was seen; or, in a
    copy that is seen for the first time and so has no base, another copy says otherwise (E4)."""
    if key in link.seen:
        return ours.get(key) != link.seen[key]
    return any(li.seen.get(key, theirs) != theirs for li in state.links if li.link_id != link.link_id)


def take_over(record: Appointment, theirs: Content, now: datetime, settle: timedelta) -> Merged:
    """The record with values of a copy that a person preferred, whoever owns them."""
    ours = represent(record)
    taken = {
        key: value
        for key, value in theirs.items()
        if key in ours and key not in ("note", "patient") and not key.startswith("accepted.") and ours[key] != value
    }
    after = _with(record, taken, None, "live", now, settle)
    roles = tuple(sorted(key.removeprefix("actor.") for key in taken if key.startswith("actor.")))
    return Merged(after, None, triggers=_triggers(record, after, now), moved=_moved(record, after), roles=roles)


def owner_of(key: str, directory: Directory) -> str | None:
    """The connection whose word counts for a key, by configuration; None when nobody's does more than another's."""
    group = "provider" if key.startswith("actor.") else _GROUPS.get(key, "place")
    return next((s.connection_id for s in directory.systems.values() if group in s.owns), None)


def _owner_here(key: str, links: Sequence[Link], directory: Directory) -> str | None:
    """The owner of a key, where it holds a copy of this very visit: of any other it has nothing to say."""
    owner = owner_of(key, directory)
    return owner if any(link.connection_id == owner for link in links) else None


def _with(
    record: Appointment, taken: Content, initiator: Initiator | None, mode: Mode, now: datetime, settle: timedelta
) -> Appointment:
    if not taken:
        return record
    changes: dict[str, object] = {"version": record.version + 1}
    for key, value in taken.items():
        if key in ("start_at", "end_at"):
            changes[key] = instant_of(value)
        elif key in ("service", "location", "modality", "status"):
            changes[key] = value
    if "start_at" in taken and not record.timed:
        changes["request"] = None
    if "status" in taken:
        gone = taken["status"] in GONE
        changes["cancelled_at"] = now if gone else None
        changes["settle_at"] = now + settle if gone and record.active and mode != "first_load" else None
        changes["initiator"] = initiator
    changes["participants"] = _people(record, taken)
    return replace(record, **changes)  # type: ignore[arg-type]  # every key above is a field of Appointment


def _people(record: Appointment, taken: Content) -> tuple[Participant, ...]:
    """Who is on the visit after a change. One that has its time needs a provider, named or not."""
    roles = {key.removeprefix("actor."): value for key, value in taken.items() if key.startswith("actor.")}
    kept = tuple(
        replace(p, actor_id=Id(roles[p.role]), coverage="tentative") if p.role in roles else p
        for p in record.participants
    )
    known = {p.role for p in record.participants}
    added = tuple(_filled(role, who) for role, who in sorted(roles.items()) if role not in known)
    if "start_at" in taken and not record.timed and not added:
        added = (Participant(PROVIDER, "staff", None, "uncovered"),)
    return kept + added


def _moved(before: Appointment, after: Appointment) -> bool:
    if not after.timed and before.request != after.request:
        return True
    return (before.start_at, before.end_at, before.location, before.modality) != (
        after.start_at,
        after.end_at,
        after.location,
        after.modality,
    )


def _triggers(before: Appointment, after: Appointment, now: datetime) -> tuple[Trigger, ...]:
    """What a difference stands for. A cancellation says nothing yet: it settles first (D9)."""
    found: list[Trigger] = []
    if before.status != after.status and after.status == "noshow":
        found.append("no_show")
    here = after.status in HERE and before.status not in HERE
    late = here and before.status == "noshow"
    if here:
        found.append("arrived")
    if after.status == "fulfilled" and before.status != "fulfilled":
        found.append("fulfilled")
    back = not before.active and after.active and before.settle_at is None and not late
    upcoming = after.active and after.end_at > now
    if not after.timed:
        changed = before.request != after.request
        found += _new(after) if upcoming and (changed or back or before.status != after.status) else ()
    elif upcoming and (back or not before.timed):
        found.append("booked")
    elif upcoming and (_moved(before, after) or before.participants != after.participants):
        found.append("rescheduled")
    return tuple(found)
