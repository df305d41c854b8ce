"""`decide`: the one place where something follows from something. State, facts, one observation, the policy and the
time go in; a `Decision` comes out; `apply` gives the state after it. Same inputs, same bytes (E14, E15)."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from caredispatch.core.acts import acted, unbound_act
from caredispatch.core.agreeing import cover_due
from caredispatch.core.answers import answered, reply_failed, reported
from caredispatch.core.bad_news import bad_news, bad_news_at
from caredispatch.core.booking import landed, place_due
from caredispatch.core.calendars import busy_seen
from caredispatch.core.changing import settled_cancellation
from caredispatch.core.confirm import confirm_due, open_gate
from caredispatch.core.copying import replace
from caredispatch.core.draft import Decision, Draft, Policy
from caredispatch.core.facts import Facts
from caredispatch.core.following_up import follow_up_due, unagreed, unagreed_at
from caredispatch.core.hitting import hit
from caredispatch.core.holding import held, hold
from caredispatch.core.incidents import about_incident
from caredispatch.core.leading import tell_followers
from caredispatch.core.moving_up import fill_due
from caredispatch.core.observation import (
    Acted,
    Announced,
    Answered,
    AppointmentGone,
    AppointmentSeen,
    BusySeen,
    Due,
    Held,
    Hit,
    NoticeFailed,
    Observation,
    Passed,
    PolledAgain,
    Reported,
    Requested,
    SeriesSeen,
    Settled,
    TextReceived,
    VolumeSeen,
    Written,
)
from caredispatch.core.passing import passed, passed_to_nobody
from caredispatch.core.projecting import project
from caredispatch.core.records import State
from caredispatch.core.requesting import requested
from caredispatch.core.seeing import appointment_gone, appointment_seen
from caredispatch.core.slots import slot_over, useful_until
from caredispatch.core.unbound import exceptions_due, put_before_human, text_received
from caredispatch.core.undoing import stays_a_moment
from caredispatch.core.watching import look, next_look, watch


def decide(state: State, facts: Facts, event: Observation, policy: Policy, now: datetime) -> Decision:
    """What follows from one observation. Total: whatever people or systems say has an outcome."""
    draft = Draft(state, facts, policy, now)
    if draft.incident is not None or isinstance(event, Announced | SeriesSeen):
        about_incident(draft, event)
    elif draft.appointment is None:
        _without_appointment(draft, event)
    else:
        _about(draft, event)
    if draft.appointment is not None:
        if not (isinstance(event, Acted) and event.act == "undo"):
            watch(draft, event)
        open_gate(draft)
        bad_news(draft)
        hold(draft)  # before the copies: what is freed now must not be in their way
        if not isinstance(event, AppointmentSeen) or event.mode == "live":
            project(draft)
        tell_followers(draft)
        landed(draft)
        draft.appointment = replace(draft.visit, next_look_at=next_look_at(draft))
    if isinstance(event, Acted):
        stays_a_moment(draft)
    return draft.decision()


def _without_appointment(draft: Draft, event: Observation) -> None:
    match event:
        case AppointmentSeen():
            appointment_seen(draft, event)
        case TextReceived():
            text_received(draft, event)
        case Requested():
            requested(draft, event)
        case Passed():
            passed_to_nobody(draft, event)
        case _:
            _unbound(draft, event)


def _unbound(draft: Draft, event: Observation) -> None:
    """What belongs to no visit: of a connection, of the practice, of an exception alone."""
    match event:
        case NoticeFailed() | VolumeSeen():
            put_before_human(draft, event)
        case PolledAgain():
            draft.resolve_exceptions("polled_again", "fetch_failed")
        case Acted():
            unbound_act(draft, event)
        case Due():
            exceptions_due(draft)
        case Reported(state="failed"):
            reply_failed(draft, event)
        case _:
            draft.note("nothing_known", kind=event.kind)


def _about(draft: Draft, event: Observation) -> None:
    match event:
        case AppointmentSeen():
            appointment_seen(draft, event)
        case AppointmentGone():
            appointment_gone(draft, event)
        case BusySeen():
            busy_seen(draft, event)
        case Acted():
            acted(draft, event)
        case Due():
            due(draft)
        case Hit() | Passed() | Requested() | Announced() | SeriesSeen() | Settled() | PolledAgain():
            _said_here(draft, event)
        case _:
            _came_back(draft, event)


def _said_here(draft: Draft, event: Hit | Passed | Requested | Announced | SeriesSeen | Settled | PolledAgain) -> None:
    """A word from another of our subjects."""
    match event:
        case Hit():
            hit(draft, event)
        case Passed():
            passed(draft, event)
        case _:
            draft.note("nothing_known", kind=event.kind)


def _came_back(
    draft: Draft, event: Answered | TextReceived | Reported | Written | Held | NoticeFailed | VolumeSeen
) -> None:
    match event:
        case Answered():
            asked = draft.asks.get(event.ask_id)
            draft.answering = asked.person_id if asked else None
            answered(draft, event)
        case TextReceived():
            text_received(draft, event)
        case Reported():
            reported(draft, event)
        case Written():
            written(draft, event)
        case Held():
            held(draft, event)
        case NoticeFailed() | VolumeSeen():
            put_before_human(draft, event)
        case _:
            assert_never(event)


def written(draft: Draft, event: Written) -> None:
    """A write-back ended: it lands only when it is read back; what was refused for good is a person's."""
    link = draft.links.get(event.link_id)
    if link is None:
        draft.note("no_such_copy", link=event.link_id)
        return
    match event.outcome:
        case "delivered":
            link = replace(
                link,
                external_id=event.external_id or link.external_id,
                seen_etag=event.etag or link.seen_etag,
                sent=(*link.sent[-8:], event.content),
                written_order=event.order if event.order is not None else link.written_order,
            )
            draft.put(link)
            if link.external_id:
                draft.fetches.append((link.connection_id, link.external_id))
        case "conflict" if link.external_id:
            # Written again only after it was read again: this counts as a round that disagreed.
            draft.put(replace(link, state="waiting", written_order=link.seen_order))
            draft.fetches.append((link.connection_id, link.external_id))
        case "conflict" | "refused" | "failed":
            draft.put(replace(link, state="refused"))
            detail = {"system": link.connection_id, "code": event.code or ""}
            draft.raise_("delivery_failed", draft.playbook.last_owner, key=link.link_id, detail=detail)


def due(draft: Draft) -> None:
    """Carry out everything on this appointment whose instant has come."""
    settle_at = draft.visit.settle_at
    if settle_at is not None and settle_at <= draft.now:
        settled_cancellation(draft)
    if draft.visit.settle_at is None:
        look(draft)
        cases_due(draft)
        unagreed(draft)
    slot_over(draft)
    exceptions_due(draft)


def cases_due(draft: Draft) -> None:
    """Carry on with every case whose deadline has come."""
    for case_id in sorted(draft.cases):
        case = draft.cases[case_id]
        if case.state != "open" or case.due_at is None or case.due_at > draft.now:
            continue
        if case.kind == "follow_up":
            follow_up_due(draft, case)
        elif not draft.visit.active:
            draft.close(case, "closed", draft.visit.status)
        elif case.kind == "cover":
            cover_due(draft, case)
        elif case.kind == "fill":
            fill_due(draft, case)
        elif case.kind == "place":
            place_due(draft, case)
        else:
            confirm_due(draft, case)


def next_look_at(draft: Draft) -> datetime | None:
    """The earliest instant at which something here falls due (E17). While a cancellation settles, cases wait for it."""
    found = [e.ack_by for e in draft.exceptions.values() if e.state == "open"]
    settle_at = draft.visit.settle_at
    if settle_at is not None:
        return min([*found, settle_at])
    found += [c.due_at for c in draft.cases.values() if c.state == "open" and c.due_at is not None]
    if draft.visit.is_slot:
        found.append(useful_until(draft))
    found += [at for at in (bad_news_at(draft), next_look(draft), unagreed_at(draft)) if at is not None]
    return min(found, default=None)
