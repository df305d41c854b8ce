"""DESIGN's ten promises, judged from what the outside world saw and from the database, not from the code's own flags.
Each is True, or a sentence that says what broke it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from caredispatch.app.replaying import replay
from caredispatch.lab.scenery import CLIENTS, SITES, THERAPISTS
from caredispatch.lab.world.client import WorldClient
from caredispatch.store import checkpoints
from caredispatch.store.vault import MasterKey

QUIET = (8, 20)
Verdict = bool | str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to judge from."""

    connection: asyncpg.Connection[asyncpg.Record]
    log: list[dict[str, Any]]
    state: dict[str, Any]
    key: MasterKey
    folder: Path
    practice_id: str
    now: datetime


async def judge(
    connection: asyncpg.Connection[asyncpg.Record], world: WorldClient, key: MasterKey, folder: Path, practice_id: str
) -> dict[str, Verdict]:
    """Judge all ten."""
    idle = await world.idle()
    evidence = Evidence(connection, await world.log(), await world.state(), key, folder, practice_id, idle.now)
    promises: dict[str, Callable[[Evidence], Awaitable[Verdict]]] = {
        "nothing_lost": nothing_lost,
        "no_double_booking": no_double_booking,
        "no_case_waits": no_case_waits,
        "nothing_after_yes": nothing_after_yes,
        "delivered_or_visible": delivered_or_visible,
        "explained": explained,
        "deterministic": deterministic,
        "no_identity_outside": no_identity_outside,
        "left_alone": left_alone,
        "time_right": time_right,
    }
    return {name: await look(evidence) for name, look in promises.items()}


async def nothing_lost(e: Evidence) -> Verdict:
    """Every notice that was answered 2xx took effect, and the record says what the booking system says."""
    waiting = await e.connection.fetchval(
        "select count(*) from care.notices where state <> 'done' and due_at <= $1", e.now
    )
    if waiting:
        return f"{waiting} accepted notices did not become observations"
    undecided = await e.connection.fetchval("select count(*) from care.observations where state <> 'done'")
    if undecided:
        return f"{undecided} observations are not decided"
    rows = await e.connection.fetch(
        "select d.external_id, a.start_at, a.status from care.doors d join care.appointments a using "
        "(practice_id, appointment_id) "
        "where d.connection_id = 'acuity'"
    )
    ours = {row[0]: (row[1], row[2]) for row in rows}
    for booked in e.state["acuity"]["appointments"]:
        mine = ours.get(str(booked["id"]))
        if mine is None:
            return f"booking {booked['id']} has no record"
        if mine[0] != datetime.fromisoformat(booked["datetime"]) or (mine[1] == "cancelled") != bool(
            booked["canceled"]
        ):
            return f"booking {booked['id']} stands as {mine} in the record"
    return True


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
    held = [a for a in e.state["acuity"]["appointments"] if not a["canceled"]]
    for one in held:
        for other in held:
            if (
                one["id"] < other["id"]
                and one["calendarID"] == other["calendarID"]
                and one["datetime"] == other["datetime"]
            ):
                return f"the booking system holds {one['id']} and {other['id']} in calendar {one['calendarID']} at once"
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
    nobody's time is held any more."""
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
    held = [b for b in e.state["acuity"]["blocks"] if b["notes"].startswith("caredispatch:")]
    agreeing = await e.connection.fetchval(
        "select count(*) from care.cases where state = 'open' and phase = 'agreeing'"
    )
    return True if len(held) <= agreeing else f"{len(held)} times are held in Acuity for {agreeing} open questions"


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
    sent = [t for t in e.log if t["kind"] == "text"]
    accepted = await e.connection.fetchval(
        "select count(*) from care.deliveries d join care.contacts c using (practice_id, contact_id) "
        "where d.kind = 'tell' and c.channel = 'sms' and d.ref is not null"
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
    async with e.connection.transaction():
        found = await checkpoints.verify(e.connection, e.practice_id, e.key.derive("checkpoint"))
    return True if not found.wrong else found.wrong[0]


async def deterministic(e: Evidence) -> Verdict:
    """Deciding all journalled inputs again gives the same bytes."""
    found = await replay(e.connection, e.practice_id)
    return (
        True
        if not found.differing
        else f"{len(found.differing)} decisions came out differently, first {found.differing[0]}"
    )


async def no_identity_outside(e: Evidence) -> Verdict:
    """No client's name, number or address in the tables outside the vault, in the server's log, or in a text."""
    secrets = [value for c in CLIENTS for value in (c.phone, c.phone.removeprefix("+1"), c.email, c.given)]
    secrets += ["Madeupperson"]
    tables = await e.connection.fetch("select relname from pg_stat_user_tables where schemaname = 'care'")
    for table in sorted(row[0] for row in tables):
        rows = await e.connection.fetch(f"select t::text from care.{table} t")  # noqa: S608 names from the catalogue
        for row in rows:
            found = next((s for s in secrets if s in row[0]), None)
            if found:
                return f"care.{table} holds something that names a client"
    log = (e.folder / "server.log").read_text("utf-8", "replace")
    if any(s in log for s in secrets):
        return "the server's log names a client"
    for text in _sent(e):
        if any(c.given in text["body"] for c in CLIENTS):
            return "a text names a client"
    return True


async def left_alone(e: Evidence) -> Verdict:
    """Nobody got a text at night in their own zone; no client got more than three questions; nobody got the same text
    twice."""
    zones = {t.address: SITES[t.site][1] for t in THERAPISTS}
    seen: set[tuple[str, str]] = set()
    for text in _sent(e):
        local = datetime.fromisoformat(text["created_at"]).astimezone(
            ZoneInfo(zones.get(text["to"], "America/Chicago"))
        )
        if not QUIET[0] <= local.hour < QUIET[1] and text["to"] not in zones:
            return f"a client was texted at {local:%H:%M}"
        if (text["to"], text["body"]) in seen:
            return f"the same text went twice to one number at {local:%H:%M}"
        seen.add((text["to"], text["body"]))
    most = await e.connection.fetchval("select max(n) from care.limits where what = 'asks_week'")
    return True if (most or 0) <= 3 else f"a client was asked {most} times in a week"


async def time_right(e: Evidence) -> Verdict:
    """Instants agree with the booking system's; what people read is the visit's local time."""
    rows = await e.connection.fetch(
        "select d.external_id, a.start_at, a.location from care.doors d join care.appointments a using "
        "(practice_id, appointment_id) "
        "where d.connection_id = 'acuity'"
    )
    texts = "\n".join(t["body"] for t in _sent(e)).replace("\u202f", " ")
    for external_id, start_at, location in rows:
        booked = next(a for a in e.state["acuity"]["appointments"] if str(a["id"]) == external_id)
        if datetime.fromisoformat(booked["datetime"]) != start_at:
            return f"booking {external_id} starts at {booked['datetime']}, the record says {start_at}"
        local = start_at.astimezone(ZoneInfo(SITES[location][1]))
        if f"{local:%-I:%M}" not in texts:
            return f"no text says {local:%-I:%M} for booking {external_id}"
    return True


async def metrics(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, Any]:
    """A few figures of the run, in business seconds."""
    row = await connection.fetchrow(
        """
        select (select count(*)::int from care.appointments) as appointments,
               (select count(*)::int from care.journal) as decisions,
               (select count(*)::int from care.asks where purpose <> 'inform_staff') as asks,
               (select count(*)::int from care.deliveries where kind = 'tell' and state in ('accepted', 'delivered'))
                   as texts,
               (select count(*)::int from care.deliveries where kind = 'write' and state = 'delivered') as writes,
               (select count(*)::int from care.links where state = 'landed') as landed,
               (select count(*)::int from care.exceptions where kind <> 'call') as exceptions,
               (select round(extract(epoch from max(k.asked_at - c.opened_at)))::int from care.cases c
                  join care.asks k using (practice_id, case_id) where c.kind = 'cover' and k.purpose = 'cover'
                   and k.step = 0) as slowest_cover_ask_s,
               (select round(extract(epoch from max(k.delivered_at - k.asked_at)))::int from care.asks k
                 where k.purpose = 'inform_staff') as slowest_provider_told_s"""
    )
    assert row is not None
    return dict(row)


def _sent(e: Evidence) -> list[dict[str, Any]]:
    """The texts that the carrier took from us, with when and to whom."""
    return [{**entry, "created_at": entry["at"]} for entry in e.log if entry["kind"] == "text"]
