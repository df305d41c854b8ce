"""The promises whose keeping shows inside: no double booking, nothing waits, nothing after yes, delivered or visible,
explained, the same again. Each is True, or a sentence that says what broke it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from caredispatch.app.replaying import replay
from caredispatch.lab.evidence import Evidence, Verdict
from caredispatch.store import checkpoints


async def no_double_booking(e: Evidence) -> Verdict:
    """No therapist, patient or room is in two of our sessions at once."""
    row = await e.connection.fetchrow(
        "select a.resource_id, a.start_at from care.occupations a join care.occupations b on a.practice_id = "
        "b.practice_id "
        "and a.resource_id = b.resource_id and a.session_id < b.session_id "
        "and tstzrange(a.start_at, a.end_at) && tstzrange(b.start_at, b.end_at) limit 1"
    )
    if row:
        return f"{row[0]} is booked twice at {row[1]}"
    held: dict[tuple[int, str], dict[str, Any]] = {}
    for booked in e.bookings:
        if booked["canceled"]:
            continue
        there = held.setdefault((booked["calendarID"], booked["datetime"]), booked)
        if there is not booked and (booked["classID"] is None or booked["classID"] != there["classID"]):
            return f"the booking system holds {there['id']} and {booked['id']} in one calendar at once"
    return True


async def no_case_waits(e: Evidence) -> Verdict:
    """Every open case falls due, none is overdue; every exception has an owner and an acknowledge-by time."""
    late = e.now - timedelta(seconds=1)
    row = await e.connection.fetchrow(
        "select case_id, due_at from care.cases where state = 'open' and (due_at is null or due_at < $1) limit 1", late
    )
    if row:
        return f"case {row[0]} is open and was due {row[1]}"
    row = await e.connection.fetchrow(
        "select c.case_id from care.cases c join care.appointments a using (practice_id, appointment_id) "
        "where c.state = 'open' and (a.next_look_at is null or a.next_look_at > c.due_at) limit 1"
    )
    if row:
        return f"case {row[0]} would not be looked at when it falls due"
    ownerless = await e.connection.fetchval("select count(*) from care.exceptions where owner = ''")
    return True if not ownerless else f"{ownerless} exceptions have no owner"


async def nothing_after_yes(e: Evidence) -> Verdict:
    """After a case was settled none of its questions was sent, none is open (news stays open to objection), and
    no time is held for nothing."""
    row = await e.connection.fetchrow(
        "select d.delivery_id, d.sent_at, c.closed_at from care.deliveries d join care.asks k using "
        "(practice_id, ask_id) "
        "join care.cases c on c.practice_id = k.practice_id and c.case_id = k.case_id "
        "where c.state in ('settled', 'closed') and d.state in ('accepted', 'delivered') and k.purpose <> "
        "'inform_staff' "
        "and d.sent_at > c.closed_at limit 1"
    )
    if row:
        return f"question {row[0]} left at {row[1]}, after its case was settled at {row[2]}"
    still = await e.connection.fetchval(
        "select count(*) from care.asks k join care.cases c using (practice_id, case_id) "
        "where c.state <> 'open' and k.state in ('pending', 'sent') and k.purpose <> 'inform_staff' and c.state "
        "<> 'handed'"
    )
    if still:
        return f"{still} questions of settled cases are still open"
    return await _held_for_a_reason(e)


async def _held_for_a_reason(e: Evidence) -> Verdict:
    """What is held in Acuity from now on is time that a patient is asked about, or of a visit without a copy there."""
    rows = await e.connection.fetch(
        "select a.appointment_id::text from care.appointments a where exists (select from care.cases c "
        "where c.appointment_id = a.appointment_id and c.state = 'open' and c.phase = 'agreeing') "
        "or (a.status = 'booked' and a.end_at > $1 and not exists (select from care.links l "
        "where l.appointment_id = a.appointment_id and l.connection_id = 'acuity' and l.external_id is not null))",
        e.now,
    )
    right = tuple(f"caredispatch: held for {row[0]}" for row in rows)
    ahead = [b for b in e.state["acuity"]["blocks"] if datetime.fromisoformat(b["end"]) > e.now]
    held = [b["notes"] for b in ahead if b["notes"].startswith("caredispatch:")]
    idle = [notes for notes in held if not notes.startswith(right)]
    return f"time is still held in Acuity: {idle[0]}" if idle else True


async def delivered_or_visible(e: Evidence) -> Verdict:
    """Every effect ended, or waits with a time, or is an exception; the outside world got each text once."""
    row = await e.connection.fetchrow(
        "select d.delivery_id, d.kind from care.deliveries d left join care.delivery_keys k using (practice_id, "
        "ordering_key) "
        "where d.state = 'pending' and (k.waiting is null or k.waiting = 0) limit 1"
    )
    if row:
        return f"{row[1]} {row[0]} waits and nothing will ever send it"
    row = await e.connection.fetchrow(
        "select d.delivery_id, d.kind from care.deliveries d where d.state in ('failed', 'refused') "
        "and not exists (select from care.exceptions x where x.appointment_id = d.appointment_id "
        "and x.kind in ('delivery_failed', 'conflict')) and (d.kind = 'hold' or d.kind = 'write' and exists (select "
        "from care.links l where l.link_id = d.link_id and l.state = 'refused')) limit 1"
    )
    if row:
        return f"{row[1]} {row[0]} failed and nobody was told"
    sent = e.texts
    accepted = await e.connection.fetchval(
        "select count(distinct d.ref) from care.deliveries d join care.contacts c using (practice_id, contact_id) "
        "where d.kind = 'tell' and c.channel = 'sms' and d.ref is not null"  # one text may ask about several visits
    )
    if len(sent) != accepted:
        return f"the carrier took {len(sent)} texts, the outbox says {accepted}"
    return True


async def explained(e: Evidence) -> Verdict:
    """Every case names the rule that opened it, and a journalled decision that traced it."""
    row = await e.connection.fetchrow(
        "select c.case_id from care.cases c where c.rule = '' or not exists (select from care.journal j "
        "where j.practice_id = c.practice_id and j.subject_id = c.appointment_id and j.body like '%' || "
        "c.case_id || '%') limit 1"
    )
    if row:
        return f"case {row[0]} has no recorded reason"
    row = await e.connection.fetchrow(
        "select k.ask_id from care.asks k where not exists (select from care.journal j "
        "where j.practice_id = k.practice_id and j.subject_id = k.appointment_id and j.body like '%' || k.ask_id "
        "|| '%') limit 1"
    )
    if row:
        return f"ask {row[0]} has no recorded reason"
    for practice_id in e.practices:
        async with e.connection.transaction():
            found = await checkpoints.verify(e.connection, practice_id, e.key.derive("checkpoint"))
        if found.wrong:
            return found.wrong[0]
    return True


async def deterministic(e: Evidence) -> Verdict:
    """Deciding all journalled inputs again gives the same bytes."""
    for practice_id in e.practices:
        found = await replay(e.connection, practice_id)
        if found.differing:
            return f"{len(found.differing)} decisions came out differently, first {found.differing[0]}"
    return True
